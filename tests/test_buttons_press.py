"""Every button is pressed for real in LibreOffice, and the cells change as they should."""

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import xlwings

from embedsheet import excel, solver
from embedsheet.ground.errors import FileError, ModelError
from embedsheet.hosts.buttons import press as pressing
from embedsheet.hosts.buttons.layout import add_buttons
from embedsheet.hosts.buttons.table import BUTTONS, MEMORY_SHEET
from embedsheet.hosts.libreoffice.click import click
from embedsheet.hosts.libreoffice.serve import Server
from embedsheet.hosts.through_xlwings import XlwingsHost
from embedsheet.lessons.movielens import build
from kit import crosstab
from kit.office import need_office, served

# Keras' own get_weights, under NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

SHEET = "Cross-tab"
CAPTIONS = {button.function: button.caption for button in BUTTONS}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lesson's workbook with buttons, 6 users × 5 movies × 2 factors."""
    need_office()
    target = tmp_path_factory.mktemp("press") / "films.xlsm"
    return build(target, users=6, movies=5, factors=2, finish=add_buttons)


@pytest.fixture(scope="module")
def running(path: Path) -> Iterator[tuple[Server, list[str]]]:
    with served(path) as (server, messages):
        yield server, messages


@pytest.fixture(autouse=True)
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A log file of the test's own."""
    monkeypatch.setattr(pressing, "LOG", tmp_path / "buttons.log")
    return tmp_path / "buttons.log"


Presser = Callable[..., str]


@pytest.fixture
def press(running: tuple[Server, list[str]]) -> Iterator[Presser]:
    """Press a button on the model sheet and return what it said; the sheet is reset afterwards."""
    server, messages = running
    server.book.sheets[SHEET].activate()

    def press_button(function: str) -> str:
        said: list[str] = []
        click(server.book, CAPTIONS[function])
        server.serve(lambda button, outcome: said.append(outcome), until=lambda: bool(said))
        return said[0]

    yield press_button
    sheet = server.book.sheets[SHEET]
    if sheet.api.isProtected():
        sheet.api.unprotect("")
    sheet.activate()
    press_button("reset")
    messages.clear()


@pytest.fixture
def sheet(running: tuple[Server, list[str]]) -> xlwings.Sheet:
    return running[0].book.sheets[SHEET]


def block(sheet: xlwings.Sheet, name: str) -> np.ndarray:  # type: ignore[type-arg]
    return np.array(sheet.names[name].refers_to_range.options(ndim=2).value, float)


def factors(sheet: xlwings.Sheet) -> np.ndarray:  # type: ignore[type-arg]
    return np.concatenate([block(sheet, "users.factors").ravel(), block(sheet, "movies.factors").ravel()])


def rmse(sheet: xlwings.Sheet) -> float:
    return float(block(sheet, "rmse")[0, 0])


def by_hand(sheet: xlwings.Sheet, x: np.ndarray) -> tuple[float, np.ndarray]:  # type: ignore[type-arg]
    """RMSE and gradient in plain NumPy, from the ratings that the sheet shows."""
    shown = sheet.names["ratings"].refers_to_range.options(ndim=2).value
    return crosstab.by_hand(np.array([[np.nan if cell is None else cell for cell in row] for row in shown]), x)


def test_the_buttons_of_a_gradient_sheet_walk_where_macros_are_off(
    running: tuple[Server, list[str]], press: Presser, path: Path, sheet: xlwings.Sheet
) -> None:
    """Momentum, as `embedsheet solve` walks it; Reset brings the start back."""
    server, _ = running
    page = server.book.sheets[f"{SHEET} gradient"]
    page.activate()
    start, before = block(sheet, "users.factors"), page["D5"].value
    page.names["method"].refers_to_range.value = "momentum"
    said: list[str] = []
    for count, caption in enumerate(["Step", "Step", "Step", "Reset"], 1):
        click(server.book, caption)
        server.serve(lambda button, outcome: said.append(outcome), until=lambda: len(said) == count)  # noqa: B023
        if caption != "Reset":
            after = page["D5"].value
    walked = solver.solve(path, SHEET, method="momentum", max_iterations=3, dry_run=True)
    assert after == pytest.approx(walked.objective_after, rel=1e-12)
    assert said[2:] == ["1 step along the gradient, 3 in all", "The values to begin from are back"]
    assert page["D5"].value == pytest.approx(before, rel=1e-12)
    np.testing.assert_array_equal(block(sheet, "users.factors"), start)


def test_every_model_sheet_has_every_button_and_each_is_heard(running: tuple[Server, list[str]]) -> None:
    server, _ = running
    models = [SHEET, "Cross-tab with bias", "One rating a row"]
    assert server.buttons == (len(BUTTONS) + 3) * len(models)  # Step, Run 100 and Reset on each one's gradient sheet
    for name in models:
        server.book.sheets[name].activate()
        for button in BUTTONS:
            click(server.book, button.caption)
            assert server.presses.get(timeout=20) == button.function


def test_step_moves_each_cell_against_the_gradient(press: Presser, sheet: xlwings.Sheet) -> None:
    start = factors(sheet)
    value, slope = by_hand(sheet, start)  # NumPy, which knows nothing of the sheet's formulas
    assert rmse(sheet) == pytest.approx(value, rel=1e-12)
    said = press("step")
    np.testing.assert_allclose(factors(sheet), start - 0.1 * slope, rtol=1e-12)
    assert rmse(sheet) < value
    assert said.startswith(f"rmse {value:.6g} → {rmse(sheet):.6g}")
    assert block_text(sheet, "controls.outcome") == said


def block_text(sheet: xlwings.Sheet, name: str) -> str:
    return str(sheet.names[name].refers_to_range.value)


def test_solve_reaches_what_the_command_line_reaches(
    press: Presser, sheet: xlwings.Sheet, path: Path, tmp_path: Path
) -> None:
    copy = shutil.copyfile(path, tmp_path / "copy.xlsm")
    expected = solver.solve(copy, SHEET)
    said = press("solve")
    assert rmse(sheet) == pytest.approx(expected.objective_after, rel=1e-9)
    assert said.startswith("Converged in") and f"{len(expected.x)} cells written" in said
    # The lesson's own log sheet has the history, as after `embedsheet solve`.
    log_sheet = sheet.book.sheets["Solve log"]
    assert log_sheet.names["solver.after"].refers_to_range.value == pytest.approx(expected.objective_after, rel=1e-9)


def test_undo_follows_when_rows_are_inserted_above(press: Presser, sheet: xlwings.Sheet) -> None:
    start = factors(sheet)
    press("step")
    sheet.api.Rows.insertByIndex(8, 2)
    try:
        press("undo")
        assert np.array_equal(factors(sheet), start)
        press("step")
        np.testing.assert_allclose(factors(sheet), start - 0.1 * by_hand(sheet, start)[1], rtol=1e-12)
    finally:
        sheet.api.Rows.removeByIndex(8, 2)


def test_gradient_writes_each_derivative_at_its_cells_own_address(press: Presser, sheet: xlwings.Sheet) -> None:
    _, slope = by_hand(sheet, factors(sheet))
    said = press("gradient")
    written = sheet.book.sheets[f"gradient {SHEET}"]
    found = [written.range(sheet.names[name].refers_to_range.address).options(ndim=2).value
             for name in ("users.factors", "movies.factors")]  # fmt: skip
    np.testing.assert_allclose(np.concatenate([np.ravel(part) for part in found]), slope, rtol=1e-10, atol=1e-15)
    assert sheet.book.sheets.active.name == SHEET
    assert "gradient Cross-tab" in said


def test_a_protected_sheet_is_left_alone(press: Presser, sheet: xlwings.Sheet) -> None:
    start = factors(sheet)
    sheet.api.protect("secret")
    try:
        assert "is protected" in press("solve")
    finally:
        sheet.api.unprotect("secret")
    assert np.array_equal(factors(sheet), start)


def test_the_memory_is_made_anew_when_its_sheet_was_deleted(press: Presser, sheet: xlwings.Sheet) -> None:
    kept = sheet.book.sheets[MEMORY_SHEET]
    columns = kept.used_range.options(ndim=2).value
    formulas = kept.used_range.formula
    kept.delete()
    start = factors(sheet)
    try:
        assert "nothing is remembered for undo" in press("undo")
        press("step")
        press("undo")
        assert np.array_equal(factors(sheet), start)
        assert "nothing is remembered for start" in press("reset")
    finally:
        sheet.book.sheets[MEMORY_SHEET].clear_contents()
        anew = sheet.book.sheets[MEMORY_SHEET].range((1, 1), (len(columns), len(columns[0])))
        anew.value = columns
        anew.rows[2].formula = formulas[2]


def test_a_press_while_another_button_works_is_refused(running: tuple[Server, list[str]]) -> None:
    server, _ = running
    server.book.sheets[SHEET].activate()
    during: list[bool] = []

    def press_again() -> bool:
        if not during:
            threading.Thread(target=click, args=(server.book, CAPTIONS["randomize"])).start()
            while not server.refused:
                pass
            during.append(server.refused)
        return False

    outcome: list[str] = []
    server.cancelled = press_again  # type: ignore[method-assign]  # asked at every iteration of Solve
    try:
        server.run("solve", lambda button, said: outcome.append(said))
    finally:
        del server.cancelled
    assert outcome[0].endswith("A press meanwhile was ignored: one button works at a time.")
    assert server.presses.empty()
    server.run("reset", lambda button, said: None)


def test_esc_stops_a_solve_and_keeps_the_best(running: tuple[Server, list[str]], sheet: xlwings.Sheet) -> None:
    server, _ = running
    sheet.activate()
    before = rmse(sheet)
    asked = 0

    def escape() -> bool:
        nonlocal asked
        asked += 1
        return asked > 4

    outcome: list[str] = []
    server.cancelled = escape  # type: ignore[method-assign]
    try:
        server.run("solve", lambda button, said: outcome.append(said))
    finally:
        del server.cancelled
    assert "stopped" in outcome[0]
    assert rmse(sheet) < before
    server.run("reset", lambda button, said: None)


def test_two_processes_do_not_work_on_one_workbook_at_once(running: tuple[Server, list[str]]) -> None:
    server, messages = running
    server.book.sheets[SHEET].activate()
    with pressing._Alone(XlwingsHost(server.book)):
        assert "still at work" in excel.step()
    messages.clear()


def test_a_workbook_that_is_open_read_only_is_left_alone(
    running: tuple[Server, list[str]], path: Path, tmp_path: Path
) -> None:
    server, messages = running
    copy = shutil.copyfile(path, tmp_path / "read only.xlsm")
    book = server.app.books.open(copy, read_only=True)
    try:
        book.sheets[SHEET].activate()
        book.set_mock_caller()
        assert "is open read-only; save it under another name" in excel.step()
    finally:
        server.book.set_mock_caller()
        book.close()
    messages.clear()


def test_a_workbook_that_is_not_there_is_refused(tmp_path: Path) -> None:
    need_office()
    with pytest.raises(FileError, match="no such file"):
        Server(tmp_path / "missing.xlsm", headless=True)


def test_a_button_that_is_not_there_is_named(running: tuple[Server, list[str]]) -> None:
    running[0].book.sheets["Guide"].activate()
    with pytest.raises(ModelError, match="Guide shows no button 'Step'"):
        click(running[0].book, "Step")

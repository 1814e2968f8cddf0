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
from embedsheet.lessons.movielens import build
from embedsheet.workbook import Workbook
from tests.office import need_office, served

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
    """RMSE and gradient of the dot-product model in plain NumPy, from the ratings that the sheet shows."""
    ratings = np.array(
        [[np.nan if cell is None else cell for cell in row] for row in
         sheet.names["ratings"].refers_to_range.options(ndim=2).value]
    )  # fmt: skip
    users, movies = x[:12].reshape(6, 2), x[12:].reshape(2, 5)
    error = np.where(np.isnan(ratings), 0.0, users @ movies - ratings)
    count = np.count_nonzero(~np.isnan(ratings))
    value = float(np.sqrt(np.sum(error**2) / count))
    scale = 1.0 / (count * value)
    return value, np.concatenate([(scale * error @ movies.T).ravel(), (scale * users.T @ error).ravel()])


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


def test_the_learning_rate_is_the_sheets(press: Presser, sheet: xlwings.Sheet) -> None:
    start = factors(sheet)
    sheet.names["controls.learning_rate"].refers_to_range.value = 0.5
    try:
        press("step")
    finally:
        sheet.names["controls.learning_rate"].refers_to_range.value = 0.1
    np.testing.assert_allclose(factors(sheet), start - 0.5 * by_hand(sheet, start)[1], rtol=1e-12)


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


def test_the_iterations_are_the_sheets(press: Presser, sheet: xlwings.Sheet) -> None:
    sheet.names["controls.iterations"].refers_to_range.value = 3
    try:
        assert press("solve").startswith("Improved in 3 iterations")
    finally:
        sheet.names["controls.iterations"].refers_to_range.value = 1000


def test_train_fills_the_keras_sheet_with_what_keras_learns(press: Presser, sheet: xlwings.Sheet, path: Path) -> None:
    from embedsheet.mirrors.recommender.blocks import read_model
    from embedsheet.mirrors.recommender.training import Settings, train

    model = read_model(Workbook.open(path), SHEET)
    learned = train(model, Settings(epochs=3))  # from the file, not from the open sheet
    start = factors(sheet)
    keras = sheet.book.sheets["Keras"]
    sheet.names["controls.epochs"].refers_to_range.value = 3
    try:
        said = press("train")
    finally:
        sheet.names["controls.epochs"].refers_to_range.value = 100
    assert said.startswith(f"Keras: RMSE {learned.rmse_before:.4f} → {learned.rmse:.4f} in 3 epochs")
    shown = block(keras, "keras.users.factors")
    order = [model.user_ids.index(float(one)) for one in block(keras, "keras.users.id")[:, 0]]
    np.testing.assert_allclose(shown, learned.weights["user_factors"][order], rtol=1e-6)
    # LibreOffice computes this cell from the predictions that were written.
    assert block(keras, "keras.rmse")[0, 0] == pytest.approx(learned.rmse, rel=1e-6)
    assert block_text(keras, "keras.source") == SHEET
    assert np.array_equal(factors(sheet), start)
    press("undo")
    assert keras.names["keras.users.factors"].refers_to_range[0, 0].value is None
    press("undo")
    assert np.array_equal(block(keras, "keras.users.factors"), shown)


def test_compare_finds_the_same_model_at_equal_weights(press: Presser, sheet: xlwings.Sheet) -> None:
    press("step")
    said = press("compare")
    assert said.startswith("The same model at equal weights.")
    checks = sheet.book.sheets["Compare"].names["compare.checks"].refers_to_range.options(ndim=2).value
    named = {str(row[0]).split(",")[0]: row[1:4] for row in checks if row[0]}
    assert named["RMSE"][0] == pytest.approx(rmse(sheet), rel=1e-12)
    # float32 has 24 binary digits, and stars are no more than 5.
    assert all(difference <= 1e-4 for _, _, difference in named.values())
    press("undo")  # compare has changed nothing that could be undone: this is the step
    assert rmse(sheet) == pytest.approx(by_hand(sheet, factors(sheet))[0], rel=1e-12)


def test_keras_without_its_blocks_says_which_name_is_missing(press: Presser, sheet: xlwings.Sheet) -> None:
    refers_to = sheet.names["movies.id"].refers_to
    sheet.names["movies.id"].refers_to = "=#REF!"  # as after its cells were deleted
    try:
        assert f"the sheet {SHEET} has no movies.id" in press("compare")
    finally:
        sheet.names["movies.id"].refers_to = refers_to


def test_undo_goes_one_button_back_and_again_forth(press: Presser, sheet: xlwings.Sheet) -> None:
    start = factors(sheet)
    press("step")
    once = factors(sheet)
    press("solve")
    press("undo")
    assert np.array_equal(factors(sheet), once)
    press("undo")
    assert rmse(sheet) < rmse_at(sheet, once)
    press("reset")
    assert np.array_equal(factors(sheet), start)
    press("undo")
    assert rmse(sheet) < rmse_at(sheet, once)


def rmse_at(sheet: xlwings.Sheet, x: np.ndarray) -> float:  # type: ignore[type-arg]
    return by_hand(sheet, x)[0]


def test_reset_brings_back_what_the_file_held(press: Presser, sheet: xlwings.Sheet, path: Path) -> None:
    press("randomize")
    press("solve")
    press("reset")
    book = Workbook.open(path)
    for name in ("users.factors", "movies.factors"):
        assert np.array_equal(block(sheet, name), book.numbers(book.area(name, SHEET)))


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


def test_randomize_gives_other_numbers_each_time(press: Presser, sheet: xlwings.Sheet) -> None:
    start = factors(sheet)
    press("randomize")
    first = factors(sheet)
    press("randomize")
    assert not np.any(first == start)
    assert not np.any(factors(sheet) == first)
    press("undo")
    assert np.array_equal(factors(sheet), first)


def test_gradient_writes_each_derivative_at_its_cells_own_address(press: Presser, sheet: xlwings.Sheet) -> None:
    _, slope = by_hand(sheet, factors(sheet))
    said = press("gradient")
    written = sheet.book.sheets[f"gradient {SHEET}"]
    found = [written.range(sheet.names[name].refers_to_range.address).options(ndim=2).value
             for name in ("users.factors", "movies.factors")]  # fmt: skip
    np.testing.assert_allclose(np.concatenate([np.ravel(part) for part in found]), slope, rtol=1e-10, atol=1e-15)
    assert sheet.book.sheets.active.name == SHEET
    assert "gradient Cross-tab" in said


def select(sheet: xlwings.Sheet, address: str) -> None:
    cells = sheet.api.getCellRangeByName(address)
    sheet.book.api.CurrentController.select(cells)


def test_check_mine_says_of_each_selected_cell_how_it_is_wrong(press: Presser, sheet: xlwings.Sheet) -> None:
    """The users' factors stand in six rows and two columns; their derivatives by hand are NumPy's."""
    _, slope = by_hand(sheet, factors(sheet))
    own = slope[:12].reshape(6, 2)
    target = sheet.range("X40:Y45")
    target.value = own.tolist()
    try:
        select(sheet, "X40:Y45")
        users = sheet.names["users.factors"].refers_to_range.address.replace("$", "")
        assert press("check") == f"All 12 cells of X40:Y45 are the derivative of rmse by {users}."
        wrong = own.copy()
        wrong[1, 1] *= -1
        wrong[3, 0] *= 2
        target.value = wrong.tolist()
        said = press("check")
        assert said.startswith(f"2 of 12 cells are not the derivative of rmse by {users}: Y41 has the wrong sign (")
        assert f"X43 is 2 times the derivative ({own[3, 0]:.6g})" in said
        select(sheet, "X40:X41")
        assert "X40:X41 has 2 cells: select your own derivatives" in press("check")
    finally:
        target.clear_contents()


def test_a_cell_that_cannot_be_used_is_named_and_nothing_changes(
    press: Presser, sheet: xlwings.Sheet, running: tuple[Server, list[str]], log: Path
) -> None:
    start = factors(sheet)
    cell = sheet.names["users.factors"].refers_to_range[0, 0]
    cell.value = "many"
    try:
        said = press("step")
    finally:
        cell.value = start[0]
    assert "a changing cell holds no number" in said and cell.address.replace("$", "") in said
    assert running[1] == [said]  # the message box
    assert "a changing cell holds no number" in log.read_text(encoding="utf-8")
    assert np.array_equal(factors(sheet), start)


def test_a_setting_that_is_no_number_is_named(press: Presser, sheet: xlwings.Sheet) -> None:
    cell = sheet.names["controls.learning_rate"].refers_to_range
    cell.value = "fast"
    try:
        assert "(controls.learning_rate) must hold a positive number" in press("step")
    finally:
        cell.value = 0.1


def test_a_protected_sheet_is_left_alone(press: Presser, sheet: xlwings.Sheet) -> None:
    start = factors(sheet)
    sheet.api.protect("secret")
    try:
        assert "is protected" in press("solve")
    finally:
        sheet.api.unprotect("secret")
    assert np.array_equal(factors(sheet), start)


def test_a_block_that_was_deleted_is_named(press: Presser, sheet: xlwings.Sheet) -> None:
    setup = sheet.names["solver_opt"].refers_to
    sheet.names["solver_opt"].refers_to = "=#REF!"
    try:
        said = press("step")
    finally:
        sheet.names["solver_opt"].refers_to = setup
    assert "solver_opt" in said and "#REF!" in said


def test_a_sheet_without_a_model_says_where_to_go(running: tuple[Server, list[str]]) -> None:
    server, messages = running
    server.book.sheets["Guide"].activate()
    said: list[str] = []
    server.run("step", lambda button, outcome: said.append(outcome))
    assert said[0].startswith("The sheet Guide has no model")
    messages.clear()


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
    with pressing._Alone(server.book):
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

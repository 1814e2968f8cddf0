"""What each button does, in a workbook in memory; test_buttons_press.py presses them in LibreOffice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from embedsheet.ground.notation.addresses import Area
from embedsheet.hosts.buttons import press as pressing
from embedsheet.hosts.buttons.layout import add_buttons
from embedsheet.hosts.buttons.table import MEMORY_SHEET
from embedsheet.lessons.movielens import build
from embedsheet.workbook import Workbook
from kit import crosstab
from kit.memory_host import MemoryHost

SHEET = "Cross-tab"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lesson's workbook with buttons, 6 users × 5 movies × 2 factors."""
    target = tmp_path_factory.mktemp("press") / "films.xlsm"
    return build(target, users=6, movies=5, factors=2, finish=add_buttons)


@pytest.fixture
def host(path: Path, log: Path) -> MemoryHost:
    """The model alone: the rest of the lesson would be recalculated for nothing."""
    return MemoryHost(path, SHEET, {SHEET, "Guide", "Solve log", MEMORY_SHEET})


@pytest.fixture
def beside_keras(path: Path, log: Path) -> MemoryHost:
    return MemoryHost(path, SHEET)


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A log file of the test's own."""
    monkeypatch.setattr(pressing, "LOG", tmp_path / "buttons.log")
    return tmp_path / "buttons.log"


def factors(host: MemoryHost) -> np.ndarray:  # type: ignore[type-arg]
    return np.concatenate([host.block("users.factors").ravel(), host.block("movies.factors").ravel()])


def rmse(host: MemoryHost) -> float:
    return float(host.block("rmse")[0, 0])


def by_hand(host: MemoryHost, x: np.ndarray) -> tuple[float, np.ndarray]:  # type: ignore[type-arg]
    return crosstab.by_hand(host.block("ratings"), x)


def test_step_moves_by_the_learning_rate_of_the_sheet(host: MemoryHost) -> None:
    start = factors(host)
    host.set("controls.learning_rate", 0.5)
    value, slope = by_hand(host, start)
    said = host.press("step")
    np.testing.assert_allclose(factors(host), start - 0.5 * slope, rtol=1e-12)
    assert said.startswith(f"rmse {value:.6g} → {rmse(host):.6g}")
    assert host.read(host.book.area("controls.outcome", SHEET)) == [[said]]
    assert not host.boxes


def test_the_iterations_are_the_sheets(host: MemoryHost) -> None:
    host.set("controls.iterations", 3)
    assert host.press("solve").startswith("Improved in 3 iterations")


def test_train_fills_the_keras_sheet_with_what_keras_learns(beside_keras: MemoryHost, path: Path) -> None:
    from embedsheet.mirrors.recommender.blocks import read_model
    from embedsheet.mirrors.recommender.training import Settings, train

    model = read_model(Workbook.open(path), SHEET)
    learned = train(model, Settings(epochs=3))  # from the file, not from the open sheet
    start = factors(beside_keras)
    beside_keras.set("controls.epochs", 3)
    said = beside_keras.press("train")
    assert said.startswith(f"Keras: RMSE {learned.rmse_before:.4f} → {learned.rmse:.4f} in 3 epochs")
    shown = beside_keras.block("keras.users.factors", "Keras")
    order = [model.user_ids.index(float(one)) for one in beside_keras.block("keras.users.id", "Keras")[:, 0]]
    np.testing.assert_allclose(shown, learned.weights["user_factors"][order], rtol=1e-6)
    # A formula's result, from the predictions that were written.
    assert beside_keras.block("keras.rmse", "Keras")[0, 0] == pytest.approx(learned.rmse, rel=1e-6)
    assert beside_keras.read(beside_keras.book.area("keras.source", "Keras")) == [[SHEET]]
    assert np.array_equal(factors(beside_keras), start)
    beside_keras.press("undo")
    assert np.isnan(beside_keras.block("keras.users.factors", "Keras")).all()
    beside_keras.press("undo")
    assert np.array_equal(beside_keras.block("keras.users.factors", "Keras"), shown)


def test_compare_finds_the_same_model_at_equal_weights(beside_keras: MemoryHost) -> None:
    start = factors(beside_keras)
    beside_keras.press("step")
    assert beside_keras.press("compare").startswith("The same model at equal weights.")
    checks = beside_keras.read(beside_keras.book.area("compare.checks", "Compare"))
    named = {str(row[0]).split(",")[0]: row[1:4] for row in checks if row[0]}
    assert named["RMSE"][0] == pytest.approx(rmse(beside_keras), rel=1e-12)
    # float32 has 24 binary digits, and stars are no more than 5.
    assert all(difference <= 1e-4 for _, _, difference in named.values())
    beside_keras.press("undo")  # compare has changed nothing that could be undone: this is the step
    assert np.array_equal(factors(beside_keras), start)


def test_keras_without_its_blocks_says_which_name_is_missing(beside_keras: MemoryHost) -> None:
    beside_keras.point("movies.id", "#REF!")  # as after its cells were deleted
    assert f"the sheet {SHEET} has no movies.id" in beside_keras.press("compare")


def test_undo_goes_one_button_back_and_again_forth(host: MemoryHost) -> None:
    start = factors(host)
    host.press("step")
    once = factors(host)
    host.press("solve")
    solved = factors(host)
    host.press("undo")
    assert np.array_equal(factors(host), once)
    host.press("undo")
    assert np.array_equal(factors(host), solved)
    assert rmse(host) < by_hand(host, once)[0]
    host.press("reset")
    assert np.array_equal(factors(host), start)
    host.press("undo")
    assert np.array_equal(factors(host), solved)


def test_reset_brings_back_what_the_file_held(host: MemoryHost, path: Path) -> None:
    host.press("randomize")
    host.press("solve")
    host.press("reset")
    book = Workbook.open(path)
    for name in ("users.factors", "movies.factors"):
        assert np.array_equal(host.block(name), book.numbers(book.area(name, SHEET)))


def test_the_memory_is_made_anew_when_its_sheet_was_deleted(host: MemoryHost) -> None:
    del host.book.sheets[MEMORY_SHEET]
    start = factors(host)
    assert "nothing is remembered for undo" in host.press("undo")
    host.press("step")
    host.press("undo")
    assert np.array_equal(factors(host), start)
    assert "nothing is remembered for start" in host.press("reset")
    assert host.book.sheets[MEMORY_SHEET].hidden and host.active == SHEET


def test_randomize_gives_other_numbers_each_time(host: MemoryHost) -> None:
    start = factors(host)
    host.press("randomize")
    first = factors(host)
    host.press("randomize")
    assert not np.any(first == start)
    assert not np.any(factors(host) == first)
    host.press("undo")
    assert np.array_equal(factors(host), first)


def test_gradient_is_written_anew_at_each_press(host: MemoryHost) -> None:
    host.press("gradient")
    host.press("step")
    host.press("gradient")
    page, (_, slope) = f"gradient {SHEET}", by_hand(host, factors(host))
    areas = [host.book.area(name, SHEET)._replace(sheet=page) for name in ("users.factors", "movies.factors")]
    written = np.concatenate([np.ravel(host.read(area)) for area in areas])
    np.testing.assert_allclose(written.astype(float), slope, rtol=1e-10, atol=1e-15)
    assert host.sheets().count(page) == 1


def test_check_mine_says_of_each_selected_cell_how_it_is_wrong(host: MemoryHost) -> None:
    """The users' factors stand in six rows and two columns; their derivatives by hand are NumPy's."""
    own = by_hand(host, factors(host))[1][:12].reshape(6, 2)
    host.chosen = Area(SHEET, 40, 24, 45, 25)
    host.write(host.chosen, own.tolist())
    users = host.book.area("users.factors", SHEET).local()
    assert host.press("check") == f"All 12 cells of X40:Y45 are the derivative of rmse by {users}."
    wrong = own.copy()
    wrong[1, 1] *= -1
    wrong[3, 0] *= 2
    host.write(host.chosen, wrong.tolist())
    said = host.press("check")
    assert said.startswith(f"2 of 12 cells are not the derivative of rmse by {users}: Y41 has the wrong sign (")
    assert f"X43 is 2 times the derivative ({own[3, 0]:.6g})" in said
    host.chosen = Area(SHEET, 40, 24, 41, 24)
    assert "X40:X41 has 2 cells: select your own derivatives" in host.press("check")
    host.chosen = None
    assert host.press("check") == "Select one block of cells and press again."


def test_a_cell_that_cannot_be_used_is_named_and_nothing_changes(host: MemoryHost, log: Path) -> None:
    cell = Area(SHEET, *host.book.area("users.factors", SHEET)[1:3], *host.book.area("users.factors", SHEET)[1:3])
    host.write(cell, [["many"]])
    before = factors(host)
    said = host.press("step")
    assert "a changing cell holds no number" in said and cell.local() in said
    assert host.boxes == [said]
    assert "a changing cell holds no number" in log.read_text(encoding="utf-8")
    np.testing.assert_array_equal(factors(host), before)


def test_a_setting_that_is_no_number_is_named(host: MemoryHost) -> None:
    host.set("controls.learning_rate", "fast")
    assert "(controls.learning_rate) must hold a positive number" in host.press("step")


def test_a_protected_sheet_is_left_alone(host: MemoryHost) -> None:
    start = factors(host)
    host.protected.add(SHEET)
    assert host.press("solve") == f"The sheet {SHEET} is protected. Nothing was changed."
    assert np.array_equal(factors(host), start)


def test_a_block_that_was_deleted_is_named(host: MemoryHost) -> None:
    host.point("solver_opt", "#REF!")
    said = host.press("step")
    assert "solver_opt" in said and "#REF!" in said


def test_a_sheet_without_a_model_says_where_to_go(host: MemoryHost) -> None:
    host.active = "Guide"
    assert host.press("step").startswith("The sheet Guide has no model")


def test_esc_stops_a_solve_and_keeps_the_best(host: MemoryHost) -> None:
    before, asked = rmse(host), iter(range(10**6))
    assert "stopped" in host.press("solve", lambda: next(asked) > 3)
    assert rmse(host) < before

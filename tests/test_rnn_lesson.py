"""The recurrent net's workbook: every formula has the value that spreadsheet programs compute, and its blocks fit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from embedsheet.ground.errors import DataError, EmbedsheetError, LessonError
from embedsheet.lessons import find, rnn
from embedsheet.mirrors.recurrent.comparison import BLOCKS, model_sheets
from embedsheet.solver import solve
from embedsheet.workbook import Workbook
from kit import judges

MODELS = ["Three characters", "n characters", "Sequence"]


@pytest.fixture(scope="module")
def book_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workbook with the defaults."""
    return rnn.build(tmp_path_factory.mktemp("rnn") / "rnn.xlsx")


def assert_judged(path: Path, judge: Callable[[Path], judges.Values]) -> None:
    """Compare every cell with what the program calculates: numbers to 1e-9, texts exactly, nothing missing."""
    recalculated = judge(path)
    for sheet, cells in judges.read_values(path).items():
        for cell, ours in cells.items():
            theirs = recalculated[sheet].get(cell)
            if isinstance(ours, float):
                assert theirs == pytest.approx(ours, rel=1e-9, abs=1e-9), f"{sheet}!{cell}"
            else:
                assert theirs == ours, f"{sheet}!{cell}"


@pytest.mark.parametrize("judge", [judges.gnumeric_values, judges.libreoffice_values], ids=["Gnumeric", "LibreOffice"])
def test_spreadsheet_programs_compute_the_values_that_are_stored(
    book_path: Path, judge: Callable[[Path], judges.Values]
) -> None:
    """26,000 cells, the formulas of all sheets among them."""
    assert_judged(book_path, judge)


@pytest.mark.parametrize("judge", [judges.gnumeric_values, judges.libreoffice_values], ids=["Gnumeric", "LibreOffice"])
@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("aA*?~ a\n=1'\"<&>Aa*", {"hidden": 1, "factors": 1, "length": 1}),
        ("Ωß€ß Ω😀ßΩ", {"hidden": 2, "factors": 5, "length": 4}),
        ("abababab", {"hidden": 9, "factors": 2, "length": 7}),
    ],
    ids=["signs that formulas and MATCH misread", "beyond ASCII and beyond 16 bits", "two letters"],
)
def test_odd_texts_and_sizes_are_computed_alike(
    tmp_path: Path, judge: Callable[[Path], judges.Values], text: str, options: dict[str, int]
) -> None:
    """Case, wildcards, line ends, quotes and symbols are told apart through their code points."""
    source = tmp_path / "text.txt"
    source.write_bytes(text.encode())
    assert_judged(rnn.build(tmp_path / "odd.xlsx", text=source, **options), judge)  # type: ignore[arg-type]


def test_each_model_sheet_carries_a_solver_model_that_minimises_the_loss_by_changing_the_weights(
    book_path: Path,
) -> None:
    """The default net has 180 weights, so that Excel's own Solver, which stops at 200, can train it."""
    book = Workbook.open(book_path)
    assert model_sheets(book) == MODELS
    for sheet in MODELS:
        setup = book.setups[sheet]
        assert setup.sense == "minimize"
        assert setup.objective is not None
        assert str(setup.objective) == str(book.area("loss", sheet))
        assert list(setup.changing) == [book.area(name, sheet) for name in BLOCKS]
        assert sum(area.size for area in setup.changing) == 12 * 3 + 3 * 6 + 6 + 6 * 6 + 6 * 12 + 12 == 180


@pytest.mark.parametrize("sheet", ["Three characters", "n characters", "Sequence"])
def test_thirty_iterations_train_each_net_as_its_page_says(sheet: str, book_path: Path) -> None:
    """When this was written the losses came to 0.65, 0.95 and 0.96."""
    found = solve(book_path, sheet=sheet, max_iterations=30, dry_run=True)
    assert 2.5 < found.objective_before < 2.9
    assert found.objective_after < 1.1


def test_hidden_weights_start_as_the_identity_and_biases_as_zeros(book_path: Path) -> None:
    """As the lecture starts them."""
    book = Workbook.open(book_path)
    for sheet in MODELS:
        np.testing.assert_array_equal(book.numbers(book.area("hidden.weights", sheet)), np.eye(6))
        assert not book.numbers(book.area("hidden.bias", sheet)).any()


def test_one_hot_and_integer_answers_give_one_loss_and_the_scan_gives_the_net_s_own_states(book_path: Path) -> None:
    """What the last two sheets are there to show, as the workbook's own formulas say it."""
    book = Workbook.open(book_path)
    losses = [
        book.numbers(book.area(name, "One-hot and integers"))[0, 0] for name in ("loss.categorical", "loss.sparse")
    ]
    assert losses[0] == losses[1] > 0
    assert not book.numbers(book.area("scan.difference", "Scan")).any()
    assert book.numbers(book.area("sum.total", "Scan"))[:, 0].tolist() == [3, 4, 8, 9, 14, 23, 25, 31]


def test_a_hidden_state_has_one_formula_in_all_rows(book_path: Path) -> None:
    """Filled down it must be the same formula, else it is no recurrence and would not compile to a scan."""
    from embedsheet.ground.notation.addresses import Cell

    book = Workbook.open(book_path)
    area = book.area("steps.state", "Sequence")
    first = book.formula(Cell("Sequence", area.top + 1, area.left))
    assert first is not None
    for step in range(1, 8):
        shifted = first.replace(f"{area.top + 1}", "here").replace(f"{area.top}:", "before:")
        other = book.formula(Cell("Sequence", area.top + 1 + step, area.left)) or ""
        there = other.replace(f"{area.top + 1 + step}", "here").replace(f"{area.top + step}:", "before:")
        assert shifted.replace(f"${area.top}", "").count("here") == there.count("here") == 1


@pytest.mark.parametrize(
    ("text", "options", "error", "message"),
    [
        ("abcabc", {"length": 8}, DataError, "has 6 characters, but one piece needs 9"),
        ("   \n", {}, DataError, "is empty"),
        ("aaaaaaaaaaaa", {}, LessonError, "only one distinct character"),
        ("ab\0c" * 9, {}, DataError, "is a binary file"),
        ("abc\x07" * 9, {}, LessonError, "control character"),
        ("ab" * 501, {}, LessonError, "1,002 characters.*embedsheet text train"),
        ("abcabcabcabc", {"hidden": 0}, LessonError, "--hidden 0: must be at least 1"),
        ("abcabcabcabc", {"factors": 0}, LessonError, "--factors 0: must be at least 1"),
        ("abcabcabcabc", {"length": 0}, LessonError, "--length 0: must be at least 1"),
    ],
)
def test_a_text_or_size_that_makes_no_net_is_refused_before_anything_is_written(
    tmp_path: Path, text: str, options: dict[str, int], error: type[EmbedsheetError], message: str
) -> None:
    """The message names the fault and the remedy."""
    source = tmp_path / "text.txt"
    source.write_bytes(text.encode())
    with pytest.raises(error, match=message):
        rnn.build(tmp_path / "bad.xlsx", text=source, **options)  # type: ignore[arg-type]
    assert [path.name for path in tmp_path.iterdir()] == ["text.txt"]


def test_the_lesson_is_found_by_its_name() -> None:
    """`embedsheet new rnn` asks the registry."""
    assert find("rnn").load() is rnn

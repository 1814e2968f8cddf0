"""The lessons lstm and gru: one net in cells, Keras, NumPy and PyTensor; gates remember what one state forgets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embedsheet.ground.errors import LessonError, ModelError
from embedsheet.lessons import find
from embedsheet.mirrors.gated.cells import CELLS, loss_and_gradient, start_weights
from embedsheet.mirrors.gated.mirror import MIRROR
from embedsheet.mirrors.gated.sheet import read_cells
from embedsheet.mirrors.nets.comparison import compare_net
from embedsheet.solver import load_model, solve
from embedsheet.workbook import Workbook
from kit.judges import gnumeric_values, libreoffice_values
from kit.sheets import largest_gradient_error
from kit.stored import departures

SIMPLE = "Simple recurrent net"


def build(folder: Path, lesson: str, **options: Any) -> Path:
    return Path(find(lesson).load().build(folder / f"{lesson}.xlsx", no_gradient_sheet=True, **options))


@pytest.mark.parametrize("lesson", ["lstm", "gru"])
def test_cells_formulas_keras_numpy_and_pytensor_are_one_net(lesson: str, tmp_path: Path) -> None:
    """Forward, loss, gradient and ten steps together, to 1e-12 in float64."""
    book = Workbook.open(build(tmp_path, lesson, letters=2, pairs=1, hidden=2))
    assert MIRROR.sheets(book) == [SIMPLE, lesson.upper()]
    rows = compare_net(book, read_cells(book, lesson.upper()), 10, 0.1)
    names = [row.name for row in rows]
    assert names[:4] == ["compiled formulas", "Keras, float64", "Keras, float32", "NumPy"]
    assert names[4:] in ([], ["PyTensor"])
    assert all(row.agrees for row in rows), rows


@pytest.mark.parametrize("kind", CELLS)
def test_the_derivatives_by_hand_are_those_of_differences(kind: str) -> None:
    weights = start_weights(kind, 6, 2, 3, 5)
    pieces, answers = np.array([[0, 4, 5, 4], [2, 4, 5, 5]]), np.array([1, 3])
    gradient = loss_and_gradient(kind, weights, pieces, answers)[2]
    for name, part in weights.items():
        for place in np.ndindex(part.shape):
            ends = []
            for step in (1e-6, -1e-6):
                moved = {**weights, name: part.copy()}
                moved[name][place] += step
                ends.append(loss_and_gradient(kind, moved, pieces, answers)[0])
            assert gradient[name][place] == pytest.approx((ends[0] - ends[1]) / 2e-6, abs=1e-8), (name, place)


@pytest.mark.parametrize("lesson", ["lstm", "gru"])
def test_gates_remember_the_bracket_and_one_state_forgets_it(lesson: str, tmp_path: Path) -> None:
    """Each row of letters stands in both kinds of brackets: who has forgotten the first character knows ln 2.

    80 iterations are what the lesson says; with hundreds more the solver may leave the saddle, by last digits.
    """
    path = build(tmp_path, lesson)
    book = Workbook.open(path)
    ends = {}
    for sheet in (SIMPLE, lesson.upper()):
        solve(path, sheet=sheet, max_iterations=80)
        book = Workbook.open(path)
        chances = book.numbers(book.area("probabilities", sheet))
        chances = chances[~np.isnan(chances).any(axis=1)]
        answers = book.numbers(book.area("answers.id", sheet)).ravel()
        right = chances.argmax(axis=1) + 1 == answers[~np.isnan(answers)]
        ends[sheet] = book.numbers(book.area("cross_entropy", sheet))[0, 0], right.mean()
    assert ends[SIMPLE][0] == pytest.approx(np.log(2), abs=5e-3)
    assert ends[SIMPLE][1] == 0.5
    assert ends[lesson.upper()][0] < 0.01
    assert ends[lesson.upper()][1] == 1
    assert departures(path, gnumeric_values) == []
    assert departures(path, libreoffice_values) == []


@pytest.mark.parametrize(("lesson", "sheet"), [("lstm", "LSTM"), ("gru", "GRU"), ("gru", SIMPLE)])
def test_the_gradient_is_that_of_finite_differences(lesson: str, sheet: str, tmp_path: Path) -> None:
    path = build(tmp_path, lesson, letters=2, pairs=1, hidden=1)
    assert largest_gradient_error(load_model(path, sheet=sheet).program) < 1e-6


@pytest.mark.parametrize("options", [{"letters": 0}, {"letters": 41}, {"pairs": 0}, {"hidden": 9}, {"seed": -1}])
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(LessonError, match=f"--{next(iter(options))}"):
        build(tmp_path, "gru", **options)


def test_another_sheet_holds_no_cell(tmp_path: Path) -> None:
    book = Workbook.open(build(tmp_path, "gru", letters=2, pairs=1, hidden=1))
    with pytest.raises(ModelError, match="Brackets: holds the blocks of no recurrent cell"):
        read_cells(book, "Brackets")

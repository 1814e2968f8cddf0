"""The added sheet calculated by our own engine, and compared with the exact derivatives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embedsheet.compiler.cells import Ids
from embedsheet.compiler.order import Planner
from embedsheet.compiler.program import Program
from embedsheet.compiler.store import Store
from embedsheet.formulas.values import ERROR
from embedsheet.ground.errors import MismatchError, UnsupportedError
from embedsheet.ground.kinds import ERRORS, NUMBER, TEXT
from embedsheet.notation.addresses import Area, Cell
from embedsheet.workbook import Workbook

TOLERANCE = 1e-9
_ROUNDING = 1e-12  # of the largest derivative: what is left of terms that cancel

Value = float | str | bool


@dataclass(frozen=True, slots=True)
class Calculated:
    """Results of the added sheet's formulas by (row, column), and the largest relative difference of a derivative."""

    values: dict[tuple[int, int], Value]
    difference: float


def calculate(draft: Path, sheet: str, gradients: Sequence[Area], program: Program) -> Calculated:
    """Calculate the added sheet of a draft where the values stand, and beside it; compare both with the exact engine.

    Raises MismatchError with the cells of wrong derivatives, UnsupportedError where our engine cannot calculate.
    """
    book = Workbook.open(draft)
    store = Store(book, program.changing)
    changing = np.concatenate([store.table.area(area).ravel() for area in program.changing])
    store.tainted[changing] = True
    place = store.table.sheet_places[next(key for key in store.table.sheet_places if key == _key(sheet))]
    formulas = np.flatnonzero((store.group_of >= 0) & (np.append(store.table.sheets[:-1], -1) == place))
    derivatives = np.concatenate([store.table.area(area).ravel() for area in gradients])
    start = program.start
    numbers = _calculated(store, changing, start, formulas)
    largest = _compare(numbers, derivatives, program, start, "")
    steps = np.linspace(0.3, 0.7, len(start)) * 0.01
    beside = start + np.maximum(1.0, np.abs(start)) * steps
    if np.isfinite(program.value(beside)) and np.isfinite(program.value_and_gradient(beside)[1]).all():
        _compare(_calculated(store, changing, beside, formulas), derivatives, program, beside, " beside the start")
    values: dict[tuple[int, int], Value] = {}
    for number in formulas.tolist():
        kind, found = int(numbers.kinds[number]), float(numbers.numbers[number])
        cell = int(store.table.rows[number]), int(store.table.columns[number])
        if kind == ERROR:
            values[cell] = ERRORS[int(found)]
        else:
            values[cell] = numbers.strings.text(found) if kind == TEXT else found
    return Calculated(values, largest)


def _key(sheet: str) -> str:
    from embedsheet.ground.keys import name_key

    return name_key(sheet)


def _calculated(store: Store, changing: Ids, x: NDArray[np.float64], formulas: Ids) -> Store:
    other = store.at(changing, x)
    other.kinds[changing] = NUMBER
    planner = Planner(other)
    planner.require(formulas)
    if planner.faults:
        raise UnsupportedError(planner.all_faults())
    return other


def _compare(store: Store, derivatives: Ids, program: Program, x: NDArray[np.float64], where: str) -> float:
    exact = program.value_and_gradient(x)[1]
    own = np.where(store.kinds[derivatives] == NUMBER, store.numbers[derivatives], np.nan)
    gap = np.abs(own - exact)
    allowed = TOLERANCE * np.abs(exact) + _ROUNDING * np.abs(exact).max(initial=0.0)
    wrong = np.flatnonzero(~(gap <= allowed))
    if len(wrong):
        words = [
            f"  {program.cell_name(int(place))}: {own[place]:.12g} by the formula, {exact[place]:.12g} exactly"
            for place in wrong[:5].tolist()
        ]
        rest = [f"  and {len(wrong) - 5:,} more"] if len(wrong) > 5 else []
        raise MismatchError(
            "\n".join([f"{len(wrong):,} derivatives{where} are not what the formulas of the gradient sheet give:"])
            + "\n"
            + "\n".join([*words, *rest])
            + "\nNothing was written."
        )
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.nan_to_num(np.where(gap > 0, gap / np.abs(exact), 0.0)).max(initial=0.0))


__all__ = ["TOLERANCE", "Calculated", "Cell", "calculate"]

"""The added sheet calculated by our own engine, and compared with the exact derivatives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedsheet.compiler.cells import Ids
from embedsheet.compiler.order import Planner
from embedsheet.compiler.program import Program
from embedsheet.compiler.store import Store
from embedsheet.formulas.values import ERROR
from embedsheet.ground.errors import MismatchError, UnsupportedError
from embedsheet.ground.keys import name_key
from embedsheet.ground.kinds import ERRORS, NUMBER, TEXT
from embedsheet.ground.notation.addresses import Area
from embedsheet.workbook import Workbook

TOLERANCE = 1e-9
# What is left of terms that cancel has no digit right: beside a largest derivative of 1 on the whole sheet, one below
# 1e-9 may be off by 1e-12.
_SMALL, _ROUNDING = 1e-9, 1e-12
# And any, at an optimum for one, by the last digits of what it is a sum of.
_LAST_DIGITS = 1e-14
_STEP = 1e-4  # from the start to where the formulas are calculated once more: they must follow the changing cells

Value = float | str | bool


@dataclass(frozen=True, slots=True)
class Calculated:
    """Results of the added sheet's formulas by (row, column), and the largest relative difference of a derivative."""

    values: dict[tuple[int, int], Value]
    difference: float


def calculate(
    book: Workbook, sheet: str, blocks: Sequence[Area], gradients: Sequence[Area], program: Program
) -> Calculated:
    """Calculate the added sheet of a draft where the values stand, and beside it; compare both with the exact engine.

    `blocks` are all that hold derivatives, `gradients` those by the changing cells.
    Raises MismatchError with the cells of wrong derivatives, UnsupportedError where our engine cannot calculate.
    """
    store = Store(book, program.changing)
    changing = np.concatenate([store.table.area(area).ravel() for area in program.changing])
    store.tainted[changing] = True
    place = store.table.sheet_places[name_key(sheet)]
    formulas = np.flatnonzero((store.group_of >= 0) & (np.append(store.table.sheets[:-1], -1) == place))
    derivatives, every = (
        np.concatenate([store.table.area(area).ravel() for area in some]) for some in (gradients, blocks)
    )
    start = program.start
    numbers = _calculated(store, changing, start, formulas)
    largest = _compare(numbers, derivatives, every, program, start, "")
    steps = np.linspace(0.3, 0.7, len(start)) * _STEP
    beside = start + np.maximum(1.0, np.abs(start)) * steps
    if np.isfinite(program.value(beside)) and np.isfinite(program.value_and_gradient(beside)[1]).all():
        _compare(
            _calculated(store, changing, beside, formulas), derivatives, every, program, beside, " beside the start"
        )
    values: dict[tuple[int, int], Value] = {}
    for number in formulas.tolist():
        kind, found = int(numbers.kinds[number]), float(numbers.numbers[number])
        cell = int(store.table.rows[number]), int(store.table.columns[number])
        if kind == ERROR:
            values[cell] = ERRORS[int(found)]
        else:
            values[cell] = numbers.strings.text(found) if kind == TEXT else found
    return Calculated(values, largest)


def _calculated(store: Store, changing: Ids, x: NDArray[np.float64], formulas: Ids) -> Store:
    other = store.at(changing, x)
    other.kinds[changing] = NUMBER
    planner = Planner(other)
    planner.require(formulas)
    if planner.faults:
        raise UnsupportedError(planner.all_faults())
    return other


def _compare(store: Store, derivatives: Ids, every: Ids, program: Program, x: NDArray[np.float64], where: str) -> float:
    exact = program.value_and_gradient(x)[1]
    own = np.where(store.kinds[derivatives] == NUMBER, store.numbers[derivatives], np.nan)
    gap = np.abs(own - exact)
    numbers = np.abs(store.numbers[every][store.kinds[every] == NUMBER])
    scale = float(np.max(numbers, initial=0.0, where=np.isfinite(numbers)))
    cancelled = (np.abs(exact) <= _SMALL * scale) & (gap <= _ROUNDING * scale) | (gap <= _LAST_DIGITS * scale)
    wrong = np.flatnonzero(~((gap <= TOLERANCE * np.abs(exact)) | cancelled))
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
        return float(np.nan_to_num(np.where((gap > 0) & ~cancelled, gap / np.abs(exact), 0.0)).max(initial=0.0))

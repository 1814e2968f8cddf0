"""The right values of an exercise: its formulas run on one student's numbers.

Students' sheets differ in numbers, hardly ever in formulas: a sheet is compiled once and run with each one's numbers.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.ground.notation.addresses import Area
from embedsheet.homework.evaluate import Outcome, Runner
from embedsheet.homework.sketch import SHEET, Block, Sketch
from embedsheet.workbook import Workbook
from embedsheet.xlsx.writer.page import Book

_LAYOUTS = 8  # kept: a class has one, or a few where the number of ratings differs
_Formulas = tuple[tuple[str, Area, str | None], ...]


class Reference:
    """One student's sheet with every formula in place but those of `blanks`, which stay empty."""

    def __init__(self, sketch: Sketch, blanks: frozenset[str] = frozenset()) -> None:
        formulas = {name: None if name in blanks else block.formula for name, block in sketch.blocks.items()}
        self._areas = {name: block.area for name, block in sketch.blocks.items()}
        labels = [(row, column, text) for row, column, text, _ in sketch.labels if text != ""]
        self._runner = _compiled(
            tuple((name, area, formulas[name]) for name, area in self._areas.items()),
            tuple((row, column) for row, column, _ in labels),
        )
        self._given = {Area(SHEET, row, column, row, column): _cell(text) for row, column, text in labels}
        self._given |= {block.area: np.asarray(block.values) for block in sketch.blocks.values() if not block.formula}

    def run(self, inputs: Mapping[str, NDArray[Any]], wanted: Sequence[str]) -> dict[str, Outcome]:
        """Return what the formulas of some blocks give where others hold these numbers or texts."""
        return self.run_all([inputs], wanted)[0]

    def run_all(self, inputs: Sequence[Mapping[str, NDArray[Any]]], wanted: Sequence[str]) -> list[dict[str, Outcome]]:
        """Return what `run` gives for each lot of inputs, evaluated together."""
        replaced = [{**self._given, **{self._areas[name]: values for name, values in one.items()}} for one in inputs]
        found = self._runner.run_all(replaced, [self._areas[name] for name in wanted])
        return [dict(zip(wanted, outcomes, strict=True)) for outcomes in found]


def _cell(text: str | float) -> NDArray[Any]:
    return np.array([[text]], object if isinstance(text, str) else float)


@lru_cache(maxsize=_LAYOUTS)
def _compiled(formulas: _Formulas, labels: tuple[tuple[int, int], ...]) -> Runner:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "reference.xlsx"
        with Book(path, "reference", small=True) as book:
            page = book.page(SHEET)
            for name, area, formula in formulas:
                page.define(name, area.top, area.left, *area.shape)
                if formula is not None:
                    block = Block(name, area, "calculated", formula=formula)
                    for cell in area.cells():
                        page.formula(
                            cell.row, cell.column, block.formula_at(cell.row - area.top, cell.column - area.left), 0
                        )
            book.save()
        cells = [Area(SHEET, row, column, row, column) for row, column in labels]
        return Runner(Workbook.open(path), [*(area for _, area, _ in formulas), *cells])

"""What was handed out and is not asked for: put back where a student changed it, and noted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.book.changes import with_formulas
from embedsheet.ground.errors import ModelError
from embedsheet.ground.notation.addresses import Area
from embedsheet.homework.assignment import Assignment
from embedsheet.homework.evaluate import Floats, Runner, near
from embedsheet.homework.feedback import Telling
from embedsheet.homework.key import Key
from embedsheet.homework.locate import Found
from embedsheet.homework.sketch import Sketch
from embedsheet.homework.whose import others_with
from embedsheet.workbook import Workbook

_SAME = 1e-9  # programs save 15 digits
_LOOKED_AT = 4  # sets of inputs on which a given formula must be as it was
_FEWEST_SINGLE = 2  # numbers in cells of their own that are another student's: one may be by chance


def same_value(one: object, other: object) -> bool:
    """Whether two cells hold the same, as programs save it: 15 digits, and line ends of their own."""
    if isinstance(one, str) and isinstance(other, str):
        return _lines(one) == _lines(other)
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return math.isclose(one, other, rel_tol=_SAME)
    return one == other or (one is None and other != other)  # an empty cell was empty


def _lines(text: str) -> str:
    return text.replace("_x000D_", "\r").replace("\r\n", "\n").replace("\r", "\n")


def with_given_formulas(found: Found, sketch: Sketch, answers: set[str]) -> Workbook:
    """Return an exercise in which nothing was moved with the formulas that were handed out and are not asked for."""
    book = found.book
    if any(area[1:] != sketch.blocks[name].area[1:] for name, area in found.areas.items()):
        return book
    for name, block in sketch.blocks.items():
        if block.formula is None or name in answers or name not in found.areas:
            continue
        area = found.areas[name]
        texts = {
            (cell.row, cell.column): text
            for cell in area.cells()
            if book.formula(cell) != (text := block.formula_at(cell.row - area.top, cell.column - area.left))
        }
        if texts:
            with suppress(ModelError):  # a part of an array formula of the student's, which stays
                book = replace(book, sheets={**book.sheets, area.sheet: with_formulas(book.sheets[area.sheet], texts)})
    return book


class HandedOut(Telling):
    """The part of a grading that knows what was handed out; `handed_in` is the workbook before anything is put back."""

    key: Key
    assignment: Assignment
    handed_in: Workbook
    varied: Mapping[str, Any]
    answers: set[str]
    expected: dict[str, list[Floats]]
    notes: list[str]

    def _changed_data(self) -> None:
        """Note given numbers and formulas that are not as they were handed out, and whose numbers they are."""
        self._note_whose()
        for name, block in self.sketch.blocks.items():
            area = self.areas.get(name)
            if area is None:
                self.notes.append(f"the block {name} was not found: {self.found.faults[name]}")
            elif block.role == "given" and block.values is not None:
                rows = zip(self.handed_in.values(area), np.asarray(block.values).tolist(), strict=True)
                if not all(same_value(*pair) for row in rows for pair in zip(*row, strict=True)):
                    self.notes.append(f"given data were changed: {name} ({self._where(area)})")
            elif block.formula is not None and name not in self.answers:
                runner = self.student
                if any(self.handed_in.formula(cell) != self.book.formula(cell) for cell in area.cells()):
                    runner = Runner(self.handed_in, list(self.areas.values()))
                lots = self.inputs[:_LOOKED_AT]
                # With right answers below: what they are wrong by, or not yet there, is no change of what reads them.
                answers = [{name: values[lot] for name, values in self.expected.items()} for lot in range(len(lots))]
                found = runner.run_all(
                    [self._student_inputs(inputs, right) for inputs, right in zip(lots, answers, strict=True)], [area]
                )
                right = [self._right({name}, inputs)[name] for inputs in lots]
                pairs = [(outcome, wanted) for (outcome,), wanted in zip(found, right, strict=True)]
                if not all(one.done.all() and near(one.numbers, wanted, 1e-6).all() for one, wanted in pairs):
                    self.notes.append(f"given formulas were changed: {name} ({self._where(area)})")

    def _note_whose(self) -> None:
        """Note where the numbers are another student's: those of a table, or those in cells of their own together."""
        solved = {name for task in self.assignment.tasks for name in task.changing}
        mine = {
            name: np.asarray(block.values)
            for name, block in self.sketch.blocks.items()
            if block.vary == "numbers" and name not in solved and name in self.areas
        }
        here = {name: self.book.numbers(self.areas[name]) for name in mine}
        changed = {name for name, values in mine.items() if not near(here[name], values, _SAME).all()}
        tables = {name for name in mine if mine[name].size > 1}
        single = mine.keys() - tables
        names: list[str] = []
        if changed & tables:
            names = self._others_with({name: here[name] for name in mine if name in tables})
        if not names and len(changed & single) >= _FEWEST_SINGLE:
            names = self._others_with({name: here[name] for name in mine if name in single})
        self.notes += [f"the numbers in the file are those of {student}" for student in names]

    def _others_with(self, numbers: Mapping[str, Floats]) -> list[str]:
        """Return the ids of students who were handed out these numbers."""
        return others_with(self.key, numbers)

    def _student_inputs(self, inputs: Mapping[str, NDArray[Any]], right: Mapping[str, Floats]) -> dict[Area, Any]:
        """Return what replaces the student's cells: the inputs, and answers by their right values.

        Answers that are not replaced stay the student's own, so that none is paid for by a later one.
        """
        values = {**inputs, **right}
        replaced = {self.areas[name]: value for name, value in values.items() if name in self.areas}
        return self._as_handed_out | self._number_labels | replaced

    @cached_property
    def _as_handed_out(self) -> dict[Area, NDArray[Any]]:
        """Given data that were changed, ids say: what is drawn for a trial goes with those that were handed out."""
        found: dict[Area, NDArray[Any]] = {}
        for name, block in self.sketch.blocks.items():
            if block.role == "given" and block.values is not None and name in self.areas and name not in self.varied:
                values, area = np.asarray(block.values), self.areas[name]
                if values.dtype.kind in "fiu" and not np.array_equal(values, self.book.numbers(area), equal_nan=True):
                    found[area] = values.astype(float)
                elif all(isinstance(one, str) for one in values.flat) and self.book.values(area) != values.tolist():
                    found[area] = values
        return found

    @cached_property
    def _number_labels(self) -> dict[Area, NDArray[Any]]:
        """The headings that are numbers, where a workbook holds others, or the same as texts, as programs save them.

        A comparison with what is drawn for a trial would fail. They move as the blocks do that they are headings of.
        """
        found: dict[Area, NDArray[Any]] = {}
        for row, column, label, _ in self.sketch.labels:
            if isinstance(label, str):
                continue
            for name, block in self.sketch.blocks.items():
                area, now = block.area, self.areas.get(name)
                above = row == area.top - 1 and area.left <= column <= area.right
                beside = column == area.left - 1 and area.top <= row <= area.bottom
                if now is not None and (above or beside):
                    place = row + now.top - area.top, column + now.left - area.left
                    cell = Area(self.found.closing.sheet, *place, *place)
                    if self.book.values(cell) != [[label]]:
                        found[cell] = np.array([[float(label)]])
        return found

"""The inputs that answers are graded on: drawn from the key, evaluated once in the teacher's workbook, many for all.

Each file is graded on a few of them, chosen by its own bytes; what feedback shows comes from others, which no file is
graded on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from embedsheet.compiler.order import Planner
from embedsheet.compiler.store import Store
from embedsheet.ground.errors import DataError
from embedsheet.ground.kinds import BLANK, NUMBER, TEXT
from embedsheet.ground.notation.addresses import Cell
from embedsheet.homework.evaluate import moved
from embedsheet.homework.key import Key
from embedsheet.homework.own.assignment import OwnAssignment
from embedsheet.homework.own.cases import Case, cases_of, decided
from embedsheet.homework.own.make import numbers_of, own
from embedsheet.homework.own.sketch import Drawn, evaluate
from embedsheet.homework.own.solution import follows_addresses
from embedsheet.homework.own.styles import Looks
from embedsheet.homework.roster import Student

Purpose = Literal["grading", "examples"]
COUNTS: dict[Purpose, int] = {"grading": 24, "examples": 12}  # sets of inputs; feedback shows the latter
_TOGETHER = 64  # students whose numbers are evaluated at once
_LOOKED_AT = 8  # sets of inputs by which a cell that never changes is known
_ROUNDING = 1e-12
_FIRST_TEXT, _MOST_TEXTS = 200, 700
ANOTHER = "a text that is no answer"


class Texts:
    """Gives every text of the solution a number of its own, far from what sheets hold, so that texts compare."""

    def __init__(self) -> None:
        self._numbers: dict[str, float] = {}
        self._texts: dict[float, str] = {}

    def number(self, text: str, learn: bool) -> float:
        """Return a text's number; one that is not to be learned and is unknown has that of no other text.

        As Excel compares them, small and capital letters are the same; outer and double spaces are nobody's mistake.
        """
        key = " ".join(text.split()).casefold()
        if key not in self._numbers:
            if not learn:
                return 2.0 ** (_FIRST_TEXT - 1)
            if len(self._numbers) == _MOST_TEXTS:
                raise DataError(f"the answers give more than {_MOST_TEXTS} different texts; ask for numbers instead.")
            self._numbers[key] = 2.0 ** (_FIRST_TEXT + len(self._numbers))
            self._texts[self._numbers[key]] = text
        return self._numbers[key]

    def text(self, number: float) -> str | None:
        """Return the text of a number, None where it is an ordinary one."""
        return self._texts.get(number, ANOTHER if number == 2.0 ** (_FIRST_TEXT - 1) else None)

    def numbers(self, store: Store, cells: NDArray[np.int64], learn: bool = False) -> NDArray[np.float64]:
        """Return what cells hold, texts by their numbers, (rows, columns)."""
        numbers = store.numbers[cells].copy()
        for place in map(tuple, np.argwhere(store.kinds[cells] == TEXT)):
            numbers[place] = self.number(store.strings.text(numbers[place]), learn)
        return numbers

    def as_cells(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return values as cells hold them: the numbers of texts as texts."""
        if values.dtype == object or not (np.abs(values) >= 2.0 ** (_FIRST_TEXT - 1)).any():
            return values
        found = np.empty(values.shape, object)
        for place, value in np.ndenumerate(values):
            text = self.text(float(value))
            found[place] = value if text is None else text
        return found


@dataclass(frozen=True, eq=False)
class Trial:
    """`inputs` by block, `expected` by answer (texts by their numbers), and all other cells of the solution."""

    inputs: Drawn
    expected: Mapping[str, NDArray[np.float64]]
    store: Store


class Pool:
    """The sets of inputs of one key; each is drawn when it is first used."""

    def __init__(self, key: Key, assignment: OwnAssignment) -> None:
        self.key, self.assignment = key, assignment
        self.texts = Texts()
        self._trials: dict[Purpose, list[Trial]] = {}
        self._handed_out: dict[str, Trial] = {}

    def trial(self, purpose: Purpose, number: int) -> Trial:
        """Return one set of inputs for a purpose; all of it are drawn when the first is used."""
        if purpose not in self._trials:
            rngs = [self.key.generator("", f"{purpose} {one}") for one in range(COUNTS[purpose])]
            drawn = evaluate(self.assignment, rngs, changing=True)
            self._trials[purpose] = [self._trial(inputs, store) for inputs, store in drawn]
        return self._trials[purpose][number]

    def handed_out(self, key: Key, student: Student) -> Trial:
        """Return a student's own numbers with what the solution gives for them; classmates' are evaluated with them."""
        if (mark := _mark(key, student.id)) not in self._handed_out:
            ids = list(key.drawn)
            first = ids.index(student.id) // _TOGETHER * _TOGETHER
            lots = {mark: numbers_of(self.assignment, key, student)}
            for one in ids[first : first + _TOGETHER]:
                with suppress(DataError):  # lost numbers are that student's fault, who will be told
                    lots[_mark(key, one)] = numbers_of(self.assignment, key, Student(one, ""))
            self._handed_out |= dict(zip(lots, self.of_all(list(lots.values())), strict=True))
        return self._handed_out[mark]

    def of(self, inputs: Drawn) -> Trial:
        """Return a set of inputs with what the solution gives for it."""
        return self.of_all([inputs])[0]

    def of_all(self, lots: Sequence[Drawn]) -> list[Trial]:
        """Return lots of inputs with what the solution gives for each."""
        areas = self.assignment.areas
        stores = self.assignment.solution.values_all(
            [{areas[name]: values for name, values in inputs.items()} for inputs in lots]
        )
        return [self._trial(inputs, store) for inputs, store in zip(lots, stores, strict=True)]

    def _trial(self, inputs: Drawn, store: Store) -> Trial:
        solution = self.assignment.solution
        expected = {
            name: np.where(  # an empty cell among the answers stays empty
                self.assignment.asked[name] | (store.kinds[solution.cells(area)] != BLANK),
                self.texts.numbers(store, solution.cells(area), learn=True),
                np.nan,
            )
            for name, area in self.assignment.answers.items()
        }
        return Trial(inputs, expected, store)

    def followed(self, shown: Trial) -> dict[str, list[int]]:
        """Return the assignment's `followed` with all that INDEX and its like read for these inputs and grading's."""
        if not self._seen:
            return self.assignment.followed
        return self.assignment.followed_where([*self._seen, *self._watched(shown)])

    @cached_property
    def _seen(self) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Which cells were seen to read which on the inputs for grading, where that shows only in an evaluation."""
        if not follows_addresses(self.assignment.solution.book):
            return []
        return [pair for number in range(COUNTS["grading"]) for pair in self._watched(self.trial("grading", number))]

    def _watched(self, trial: Trial) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        solution, areas = self.assignment.solution, self.assignment.areas
        values = {areas[name]: self.texts.as_cells(numbers) for name, numbers in trial.inputs.items()}
        store = solution.runner.replaced([values])
        store.watched = []
        Planner(store).require(solution.formulas)
        return store.watched

    @cached_property
    def dates(self) -> frozenset[Cell]:
        """The cells that are shown as a date or a time; none of a workbook that counts days from 1904."""
        if self.assignment.solution.book.date1904:
            return frozenset()
        looks = Looks.of(Path(self.assignment.workbook), self.key.workbook)
        return frozenset(cell for cell, look in looks.cells.items() if look.date)

    @cached_property
    def cases(self) -> list[Case]:
        """What might be left out of the solution's formulas."""
        return cases_of(self.assignment)

    @cached_property
    def decided(self) -> NDArray[np.bool_]:
        """Which of the inputs for grading decide which case, (inputs, cases)."""
        trials = [self.trial("grading", number) for number in range(COUNTS["grading"])]
        inputs, stores = [one.inputs for one in trials], [one.store for one in trials]
        return decided(self.assignment, self.cases, inputs, stores)

    @cached_property
    def moving(self) -> dict[str, NDArray[np.bool_]]:
        """By answer, and by what varies, which of its cells change from one set of inputs to another."""
        first, *others = [self.trial("grading", number) for number in range(_LOOKED_AT)]
        tolerances = {task.block: task.tolerance for task in self.assignment.own_tasks}
        found = {}
        for name in self.assignment.answers:
            before, *after = [_without_rounding(one.expected[name]) for one in (first, *others)]
            found[name] = np.any([moved(one, before, tolerances[name]) for one in after], axis=0)
        return found | {
            name: np.any([one.inputs[name] != values for one in others], axis=0)
            for name, values in first.inputs.items()
        }


def _without_rounding(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return values, 0 those that the rounding of larger ones beside them may be: a loan's last balance is 0."""
    sizes = np.abs(values)
    numbers = sizes < 2.0 ** (_FIRST_TEXT - 1)  # the others stand for texts
    return np.where(sizes <= _ROUNDING * sizes.max(initial=0.0, where=numbers), 0.0, values)


def _mark(key: Key, student_id: str) -> str:
    return f"{student_id} {key.drawn[student_id]['numbers']!r}"


@lru_cache(4)
def _pool(secret: bytes, source: str, workbook: bytes) -> Pool:
    key = Key(secret, source, workbook=workbook)
    return Pool(key, own(key))


def pool_of(key: Key) -> Pool:
    """Return a key's sets of inputs; one process draws them once."""
    return _pool(key.secret, key.assignment, key.workbook)


def number_kinds(kinds: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return kinds with texts, which stand for themselves as numbers, as numbers."""
    return np.where(kinds == TEXT, NUMBER, kinds).astype(np.uint8)

"""Grading: a student's own formulas are run on other numbers and compared with the reference formulas.

A task is graded twice: with right answers to all that the reference formula needs, so that a mistake made earlier is
charged once, and with the student's own answers throughout. Better counts. What reads itself in a circle earns nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from embedsheet.ground.errors import DataError, EmbedsheetError
from embedsheet.ground.kinds import ERROR, NUMBER
from embedsheet.ground.notation.addresses import Area, Cell
from embedsheet.homework.assignment import Assignment, Standalone, Task, parse
from embedsheet.homework.circles import circle_paths, circular_cells, filled_by_arrays
from embedsheet.homework.evaluate import (
    Bools,
    Floats,
    Outcome,
    Runner,
    cut,
    equal,
    is_number,
    like,
    moved,
    near,
    stands_still,
)
from embedsheet.homework.generate import INSTRUCTIONS
from embedsheet.homework.handed_out import with_given_formulas
from embedsheet.homework.key import Key
from embedsheet.homework.locate import Found, locate
from embedsheet.homework.reference import Reference
from embedsheet.homework.roster import Student, visible
from embedsheet.homework.rounding import QUOTED, TYPED_NUMBER, Rounding, rounded
from embedsheet.homework.sketch import ANSWERED, Sketch
from embedsheet.homework.whose import identify, saved_by, senders, sheet_with, text_of, words_beside
from embedsheet.workbook import Workbook

TRIALS = 4  # inputs as handed out, and three others; more where an answer's cells would not all change
MOST_DRAWN = 200
_DRAWN_TOGETHER = 10
_NOTICED = 2  # of the numbers shown in one formula are no chance
_CELL = re.compile(r"[A-Za-z]{1,3}\$?\d")


@dataclass
class TaskGrade:
    """`verdict` is one of the words below; `message` says place and fault, `hint` what to look at.

    right, rounded, typed, constant, shown only, partly, wrong, blank, error, unsupported, circular, missing, collected,
    reached, not reached.
    """

    block: str
    verdict: str
    points: float
    of: float
    message: str
    hint: str = ""
    answer: str = ""


@dataclass
class Grade:
    """One submission graded. `notes` are facts for the teacher, `formulas` the student's own words by block."""

    file: str
    student_id: str
    name: str
    tasks: list[TaskGrade] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    formulas: dict[str, str] = field(default_factory=dict)
    fault: str = ""
    program: str = ""

    @property
    def points(self) -> float:
        """The sum of the tasks' points."""
        return round(sum(task.points for task in self.tasks), 2)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for the journal."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Grade:
        """Return the grade that `to_dict` described."""
        return cls(**{**data, "tasks": [TaskGrade(**task) for task in data["tasks"]]})


def grade_file(key: Key, path: Path, shown_as: str = "") -> Grade:
    """Grade one submission; a file that cannot be read gets a grade that says so."""
    grade = Grade(shown_as or path.name, "", "")
    try:
        book = Workbook.open(path)
        grade.program = saved_by(path)
        student = identify(key, book, grade.notes)
        grade.student_id, grade.name = student.id, student.name
        others = senders(key.students, grade.file)
        if others and student not in others:
            names = " or ".join(f"{one.name} ({one.id})" for one in others)
            raise DataError(
                f"was handed in by {names}, but is the workbook of {student.name} ({student.id}), "
                "by its code; ask whose work it is."
            )
        assignment = parse(key.assignment, workbook=key.workbook)
        if isinstance(assignment, Standalone):
            assignment.grade(key, student, book, grade)
            return grade
        _Grading(key, assignment, student, assignment.sketch(key.generator(student.id)), book, grade).run()
    except EmbedsheetError as fault:
        grade.fault = str(fault).replace(str(path), grade.file).removeprefix(f"{grade.file}: ")
    return grade


class RightValues(Protocol):
    """What says what is right, from the blocks of inputs and the blocks that are wanted: `Reference`, for lessons."""

    def run(self, inputs: Mapping[str, NDArray[Any]], wanted: Sequence[str]) -> dict[str, Outcome]:
        """Return what the formulas of some blocks give where others hold these numbers or texts."""
        ...

    def run_all(self, inputs: Sequence[Mapping[str, NDArray[Any]]], wanted: Sequence[str]) -> list[dict[str, Outcome]]:
        """Return what `run` gives for each lot of inputs."""
        ...


class _Grading(Rounding):
    """Grades one workbook; `inputs[i]` are the varied blocks' numbers in trial i."""

    def __init__(
        self, key: Key, assignment: Assignment, student: Student, sketch: Sketch, book: Workbook, grade: Grade,
        reference: RightValues | None = None, found: Found | None = None,
    ) -> None:  # fmt: skip
        self.assignment, self.sketch, self.grade = assignment, sketch, grade
        self.key = key
        self.reference: RightValues = reference or Reference(sketch)
        self.found = found or locate(book, sketch)
        self.areas, self.notes = self.found.areas, grade.notes
        self.answers = {
            task.block for task in assignment.tasks if task.kind in ANSWERED and task.block in sketch.blocks
        }
        self.handed_in, self.book = self._put_back()
        self.student = Runner(self.book, list(self.areas.values()))
        # Drawn anew for every file, so that what feedback tells of one is of no use in the next.
        rng = key.generator(student.id, f"grading {book.digest}")
        self.varied = {name: block for name, block in sketch.blocks.items() if block.vary}
        self.tolerances = {task.block: task.tolerance for task in assignment.tasks}
        self.inputs: list[dict[str, NDArray[Any]]] = []
        self.expected: dict[str, list[Floats]] = {name: [] for name in self.answers}
        self._draw_trials(rng)
        # Feedback shows a difference on numbers that are not graded.
        self.examples = key.generator(student.id, f"examples {book.digest}")
        self.needs = {name: sketch.needs(name) & self.answers for name in self.answers}

    def run(self) -> None:
        """Fill the grade."""
        self._changed_data()
        for task in self.assignment.tasks:
            self.grade.tasks.append(self._graded(task))

    def _put_back(self) -> tuple[Workbook, Workbook]:
        """Return the workbook as it was handed in, and with the formulas that were handed out."""
        return self.found.book, with_given_formulas(self.found, self.sketch, self.answers)

    def _graded(self, task: Task) -> TaskGrade:
        if task.kind == "text":
            return self._text(task)
        return self._state(task) if task.kind == "state" else self._formulas(task)

    def _drawn(self, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
        return {name: block.varied(rng) for name, block in self.varied.items()}

    def _draw_trials(self, rng: np.random.Generator) -> None:
        """Draw inputs until every cell of every answer has had another value than the one shown, if it can.

        A typed value would pass where its cell never changes: in a one-hot row each user is to be chosen once. And a
        range that is a row short would where the first and the last of what is chosen from never are, in each cell.
        """
        first = {name: np.asarray(block.values) for name, block in self.varied.items()}
        self._add_trials([first, *(self._drawn(rng) for _ in range(TRIALS - 1))])
        ends = np.any([self._ends(inputs) for inputs in self.inputs], axis=0)
        for _ in range(MOST_DRAWN // _DRAWN_TOGETHER):
            still = {name: self._still(name, values) for name, values in self.expected.items()}
            if ends.all() and not any(cells.any() for cells in still.values()):
                return
            lots = [self._drawn(rng) for _ in range(_DRAWN_TOGETHER)]
            useful = []
            for inputs, values in zip(lots, self._right_all({n for n in still if still[n].any()}, lots), strict=True):
                fresh = {
                    name: still[name] & ~self._still(name, [self.expected[name][0], values[name]]) for name in values
                }
                met = self._ends(inputs)
                if any(cells.any() for cells in fresh.values()) or (met & ~ends).any():
                    useful.append(inputs)
                    ends |= met
                    still |= {name: still[name] & ~cells for name, cells in fresh.items()}
            self._add_trials(useful)

    def _ends(self, inputs: Mapping[str, NDArray[Any]]) -> Bools:
        """Return which cells hold the first, and the last, of what is chosen from for them, (cells,)."""
        chosen = [
            (inputs[name] == end).ravel()
            for name, block in self.varied.items()
            for end in block.choices[:: max(1, len(block.choices) - 1)]
        ]
        return np.concatenate([np.empty(0, bool), *chosen])

    def _add_trials(self, lots: Sequence[dict[str, NDArray[Any]]]) -> None:
        self.inputs += lots
        for right in self._right_all(self.answers, lots):
            for name, values in right.items():
                self.expected[name].append(values)

    def _still(self, name: str, values: list[Floats]) -> Bools:
        """Return which cells of an answer are the same in all trials, as far as grading looks, (rows, columns)."""
        first, tolerance = values[0], self.tolerances[name]
        still: Bools = np.all([like(other, first) | near(other, first, tolerance) for other in values[1:]], axis=0)
        return still

    def _right(self, names: Set[str], inputs: Mapping[str, NDArray[Any]]) -> dict[str, Floats]:
        """Return what is right in some blocks for these inputs."""
        return self._right_all(names, [inputs])[0]

    def _right_all(self, names: Set[str], lots: Sequence[Mapping[str, NDArray[Any]]]) -> list[dict[str, Floats]]:
        found = self.reference.run_all(lots, sorted(names))
        return [{name: outcome.numbers for name, outcome in outcomes.items()} for outcomes in found]

    def _alone(self, name: str) -> list[Outcome]:
        """Return what the student's formulas give in each trial with right answers to all that the block needs."""
        replaced = [
            self._student_inputs(inputs, {other: self.expected[other][trial] for other in self.needs[name]})
            for trial, inputs in enumerate(self.inputs)
        ]
        return [outcome for (outcome,) in self.student.run_all(replaced, [self.areas[name]])]

    @cached_property
    def _own(self) -> dict[str, list[Outcome]]:
        """What the student's formulas give in each trial by themselves, all answers at once."""
        names = sorted(self.answers & self.areas.keys())
        areas = [self.areas[name] for name in names]
        trials = self.student.run_all([self._student_inputs(inputs, {}) for inputs in self.inputs], areas)
        return {name: [outcomes[at] for outcomes in trials] for at, name in enumerate(names)}

    # Formulas

    def _formulas(self, task: Task) -> TaskGrade:
        area = self.areas.get(task.block)
        if area is None:
            return TaskGrade(task.block, "missing", 0, task.points, self.found.faults[task.block], task.hint)
        values = np.array(self.book.values(area), dtype=object)
        formulas = [
            [self.book.formula(Cell(area.sheet, cell.row, cell.column)) for cell in line] for line in _lines(area)
        ]
        written = np.array([[formula is not None for formula in line] for line in formulas]) | filled_by_arrays(
            self.book, area
        )
        blank = ~written & np.array([[value is None or value == "" for value in row] for row in values])
        self.grade.formulas[task.block] = next((f for line in formulas for f in line if f), "")
        asked = self._asked(task.block)
        if blank[asked].all():
            return TaskGrade(
                task.block, "blank", 0, task.points, f"{self._where(area)}: nothing was written", task.hint
            )
        own, expected = self._own[task.block], self.expected[task.block]
        circular = self._circular(task.block, area) if circle_paths(own[0]) else np.zeros(asked.shape, bool)
        if circular[asked].all():
            alike = self.student.run(self._student_inputs(self.inputs[0], {}), area)
            path = self.found.shown(next(iter(circle_paths(alike)), "circular reference"))
            return TaskGrade(task.block, "circular", 0, task.points, f"{self._where(area)}: {path}", task.hint)
        if task.kind == "number":  # asked for the numbers shown, so that it may be typed
            own, expected = own[:1], expected[:1]
        own_right = self._everywhere(own, expected, task.tolerance)
        alone = own if own_right[asked].all() else self._alone(task.block)[: len(own)]
        right = self._everywhere(alone, expected, task.tolerance)
        if task.kind == "number":
            right |= self._follows(task, own[0])
        carried = right & ~own_right
        shares, words = self._judge(task, alone, expected, right | own_right, written, blank)
        lines = _lines(area)
        anew = [
            place for place in map(tuple, np.argwhere(words != "right")) if self._anew(lines[place[0]][place[1]].area)
        ]
        for place in anew:
            shares[place], words[place] = 0.0, "unsupported"
        shares[circular], words[circular] = 0.0, "circular"
        points = round(task.points * float(shares[asked].mean()), 2)
        verdict = words[asked][0] if (words[asked] == words[asked][0]).all() else "partly"
        shares[~asked], words[~asked] = 1.0, "right"
        if verdict != "right" and self._holds_shown([text for line in formulas for text in line if text]):
            self.grade.notes.append(
                f"a formula of {self._where(area)} holds numbers that are shown, and looks at cells"
            )
        message = self._message(task, area, alone[0], shares, words)
        if verdict == "right" and carried.any():
            message += "; numbers differ only because of an earlier answer, which is charged there"
        return TaskGrade(
            task.block, str(verdict), points, task.points, message, "" if verdict == "right" else task.hint
        )

    def _circular(self, name: str, area: Area) -> Bools:
        """Return which cells of an answer are in a circle, and so pay for themselves, where all they need is right."""
        found = np.zeros(area.shape, bool)
        if circle_paths(self._alone(name)[0]):
            for cell in circular_cells(self.book, area):
                found[cell.row - area.top, cell.column - area.left] = True
        return found

    def _holds_shown(self, formulas: Sequence[str]) -> bool:
        """Whether a formula reads cells and holds two of the numbers or right answers shown: it may notice grading."""
        values = [*self.inputs[0].values(), *(expected[0] for expected in self.expected.values())]
        numbers = [np.asarray(value, float).ravel() for value in values if np.asarray(value).dtype.kind in "fiu"]
        shown = np.concatenate(numbers)
        shown = np.abs(shown[np.abs(shown - np.round(shown, 1)) > 1e-9])  # 2 and 0.5 are in many a formula
        for text in dict.fromkeys(formulas):
            written = [float(found) for found in TYPED_NUMBER.findall(QUOTED.sub("", text))]
            if (
                _CELL.search(text)
                and sum(bool(near(shown, np.full(1, one), 1e-6).any()) for one in written) >= _NOTICED
            ):
                return True
        return False

    def _follows(self, task: Task, own: Outcome) -> Bools:
        """Return which cells hold what is right for the student's own earlier answers, (rows, columns).

        From what was typed where a formula was asked for, or hardly moves, nothing follows; from a number that may be
        typed not the same number: from fives come fives.
        """
        replaced, typed = dict(self.inputs[0]), [0.0]
        kinds = {one.block: one.kind for one in self.assignment.tasks}
        for name in self.needs[task.block]:
            area = self.areas.get(name)
            found = None if area is None else self.student.run(self._student_inputs(self.inputs[0], {}), area)
            if found is None or not (found.done & (found.kinds == NUMBER)).all():
                return np.zeros(own.kinds.shape, bool)
            if kinds[name] == "number":
                typed += found.numbers.ravel().tolist()
            elif self._stays(name):
                return np.zeros(own.kinds.shape, bool)
            replaced[name] = found.numbers
        wanted = self.reference.run(replaced, [task.block])[task.block]
        same = np.isclose(wanted.numbers[..., None], typed, rtol=1e-9, atol=1e-9).any(axis=-1)
        nothing = same & (wanted.numbers != self.expected[task.block][0])
        follows: Bools = equal(wanted, wanted.numbers, 0.0) & equal(own, wanted.numbers, task.tolerance) & ~nothing
        return follows

    def _stays(self, name: str) -> bool:
        """Whether a cell of an answer is wrong and is the same on all numbers: typed, or as good as typed."""
        mine, tolerance = self._own[name], self.tolerances[name]
        wrong = ~equal(mine[0], self.expected[name][0], tolerance)
        still = stands_still([outcome.numbers for outcome in mine], self.expected[name], tolerance)
        return bool((wrong & still)[self._asked(name)].any())

    def _everywhere(self, outcomes: list[Outcome], expected: list[Floats], tolerance: float) -> Bools:
        everywhere: Bools = np.all(
            [equal(outcome, wanted, tolerance) for outcome, wanted in zip(outcomes, expected, strict=True)], axis=0
        )
        return everywhere

    def _judge(
        self, task: Task, outcomes: list[Outcome], expected: list[Floats], right: Bools, written: Bools, blank: Bools
    ) -> tuple[Floats, NDArray[Any]]:
        """Return each cell's share of its points and the word for it."""
        partial = self.assignment.partial
        words = np.full(right.shape, "wrong", dtype=object)
        shares = np.zeros(right.shape)
        first = outcomes[0]
        exact = equal(first, expected[0], task.tolerance)
        # Nobody is near by rounding who is not right without it.
        typed = cut(first.numbers, expected[0]) & ~written
        nearly = written & ~right & rounded(first, expected[0])
        cut_off = self._by_typed_numbers(task, outcomes, expected, nearly & ~exact)
        for other in self._without_rounding if (nearly & ~exact & ~cut_off).any() else ():
            alone = other._alone(task.block)[: len(expected)]
            cut_off |= other._by_typed_numbers(task, alone, expected, nearly & ~exact)
        unrounded = [cells | cut_off for cells in self._by_rounding(task, expected, nearly)]
        shown = exact | (is_number(first) & typed) | (nearly & unrounded[0])
        still = np.all([outcome.numbers == first.numbers for outcome in outcomes], axis=0)
        varies = np.any([np.abs(wanted - expected[0]) > task.tolerance for wanted in expected], axis=0)
        # What hardly moves where what is right does holds the number shown, whatever is added to it.
        hardly = stands_still([outcome.numbers for outcome in outcomes], expected, task.tolerance)
        moves = np.any([moved(wanted, expected[0], task.tolerance) for wanted in expected], axis=0)
        constant = written & ((still & varies) | (hardly & moves))
        everywhere = np.all(
            [cells & rounded(one, wanted) for cells, one, wanted in zip(unrounded, outcomes, expected, strict=True)],
            axis=0,
        )
        near_right = (typed & is_number(first) & (task.kind == "number")) | (written & everywhere & ~constant)
        for mask, word, share in (
            (~first.done, "unsupported", 0.0),
            (first.done & (first.kinds == ERROR), "error", 0.0),
            (shown & ~right, "shown only", partial["shown only"]),
            (shown & ~right & constant, "constant", partial["typed"]),
            (shown & ~written & varies & (task.kind != "number"), "typed", partial["typed"]),
            (near_right & ~right, "rounded", partial["rounded"]),
            (right & (written | (task.kind == "number") | ~varies), "right", 1.0),
            (blank, "blank", 0.0),
        ):
            words[mask], shares[mask] = word, share
        return shares, words

    # Other kinds

    def _state(self, task: Task) -> TaskGrade:
        numbers: dict[str, Floats] = {}
        for name in task.changing:
            area = self.areas.get(name)
            held = None if area is None else self.student.run({}, area)  # =0.5+0 counts by its result
            if held is None or not (held.done & (held.kinds == NUMBER)).all():
                return TaskGrade(
                    task.block, "missing", 0, task.points, f"the block {name} holds cells without a number", task.hint
                )
            numbers[name] = held.numbers
        value = float(self.reference.run(numbers, [task.block])[task.block].numbers[0, 0])
        reached = value <= task.below
        words = f"recomputed from the orange cells, {task.block} is {value:.4f}; below {task.below:g} was asked for"
        return TaskGrade(
            task.block, "reached" if reached else "not reached", task.points if reached else 0, task.points, words,
            "" if reached else task.hint,
        )  # fmt: skip

    def _text(self, task: Task) -> TaskGrade:
        sheet = sheet_with(self.book, INSTRUCTIONS, {task.block, "student.token"})
        answer = visible(text_of(self.book, task.block, sheet) or words_beside(self.book, task.text))[:5000]
        words = "for the teacher to read" if answer else "nothing was written"
        return TaskGrade(task.block, "collected" if answer else "blank", 0, task.points, words, "", answer)


def _lines(area: Area) -> list[list[Cell]]:
    cells = list(area.cells())
    return [cells[at : at + area.shape[1]] for at in range(0, len(cells), area.shape[1])]


__all__ = ["Grade", "TaskGrade", "grade_file"]

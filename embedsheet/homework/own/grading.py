"""Grading what comes back of the teacher's own workbook: by the rules of `grade`, cell by cell.

A cell is graded with right values in all that the solution's own cell follows from, its neighbours in the same block
included, so that a slip in one month is charged in that month; a cell that reads answers which the solution does not
need gets the student's own there, so that no later answer pays for an earlier one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from functools import cached_property
from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray

from embedsheet.compiler.cells import Ids
from embedsheet.compiler.order import Planner
from embedsheet.compiler.store import Store
from embedsheet.ground.errors import EmbedsheetError
from embedsheet.ground.kinds import BLANK, ERROR, NUMBER
from embedsheet.ground.notation.addresses import Area, Cell
from embedsheet.ground.notation.relative import relative_form
from embedsheet.homework.assignment import Task
from embedsheet.homework.circles import array_parts, circular_cells
from embedsheet.homework.evaluate import Bools, Floats, Outcome, Runner, equal, moved
from embedsheet.homework.feedback import FEWEST_DIGITS
from embedsheet.homework.grade import TRIALS, Grade, TaskGrade, _Grading
from embedsheet.homework.key import Key
from embedsheet.homework.own.assignment import OwnAssignment, OwnTask
from embedsheet.homework.own.find import find
from embedsheet.homework.own.given import restored
from embedsheet.homework.own.make import numbers_of, own
from embedsheet.homework.own.sketch import OwnSketch, sketch_of
from embedsheet.homework.own.solution import Dependence, follows_addresses
from embedsheet.homework.own.solver_task import Plan, allowance, best_for_own_formulas, best_plan, judged, lost
from embedsheet.homework.own.trials import ANOTHER, COUNTS, Pool, Trial, number_kinds, pool_of
from embedsheet.homework.roster import Student
from embedsheet.workbook import Workbook

_MOST_ALONE = 48  # lots of cells of one answer that are each evaluated among the student's own answers
_LEARNED = 5  # rounds of finding out what a formula reads
_MOST_CHANGED = 5  # given cells that are named
_MOST_PLACES = 3  # named of a plan of many areas
_EXAMPLES = 4  # inputs on which feedback looks for a difference


def grade_own(key: Key, student: Student, book: Workbook, grade: Grade) -> None:
    """Fill in the grade of one submission."""
    assignment = own(key)
    sketch = sketch_of(assignment, numbers_of(assignment, key, student))
    best = key.drawn[student.id].get("best", {})
    OwnGrading(key, assignment, student, sketch, book, grade, best).run()


class _Solution:
    """What is right, as the teacher's workbook gives it."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def run(self, inputs: Mapping[str, NDArray[Any]], wanted: Sequence[str]) -> dict[str, Outcome]:
        """Return what the answers are for these inputs, texts by their numbers."""
        return self.run_all([inputs], wanted)[0]

    def run_all(self, inputs: Sequence[Mapping[str, NDArray[Any]]], wanted: Sequence[str]) -> list[dict[str, Outcome]]:
        """Return what `run` gives for each lot of inputs."""
        solution, areas = self._pool.assignment.solution, self._pool.assignment.areas
        as_cells = self._pool.texts.as_cells
        stores = solution.values_all(
            [{areas[name]: as_cells(values) for name, values in one.items()} for one in inputs]
        )
        return [{name: self._outcome(store, solution.cells(areas[name])) for name in wanted} for store in stores]

    def _outcome(self, store: Store, cells: Ids) -> Outcome:
        numbers = self._pool.texts.numbers(store, cells, learn=True)
        return Outcome(number_kinds(store.kinds[cells]), numbers, store.done[cells], [])


class OwnGrading(_Grading):
    """Grades one workbook; `best` is the objective of the best plan known, by Solver task."""

    def __init__(
        self, key: Key, assignment: OwnAssignment, student: Student, sketch: OwnSketch, book: Workbook, grade: Grade,
        best: Mapping[str, float],
    ) -> None:  # fmt: skip
        self.own, self.best, self.student_of = assignment, best, student
        self.pool = pool_of(key)
        self.trials: list[Trial] = []
        self._steps: dict[int, tuple[Store, dict[int, list[str]]]] = {}
        self._watched: list[tuple[Ids, Ids]] = []
        found = find(book, sketch)
        self._restored = restored(found, assignment)
        super().__init__(key, assignment, student, sketch, book, grade, _Solution(self.pool), found)

    def _put_back(self) -> tuple[Workbook, Workbook]:
        return self.found.book, self._restored.book

    # Trials

    def _where(self, area: Area) -> str:
        return super()._where(area) if len(self.own.solution.book.sheets) == 1 else self.found.address(area)

    def _draw_trials(self, rng: np.random.Generator) -> None:
        """Choose inputs: those shown, and others until every cell that can has changed and every case was decided."""
        self._take(self._as_shown())
        shown = self.inputs[0]
        waiting = {name: self.pool.moving[name].copy() for name in (*self.expected, *shown)}
        cases = self.pool.decided.any(axis=0)
        for count, number in enumerate(rng.permutation(COUNTS["grading"]).tolist(), 2):
            trial = self.pool.trial("grading", number)
            changes = {name: cells & self._new(trial, name) for name, cells in waiting.items()}
            new_case = (cases & self.pool.decided[number]).any()
            if count <= TRIALS or new_case or any(cells.any() for cells in changes.values()):
                self._take(trial)
                cases &= ~self.pool.decided[number]
                for name, cells in changes.items():
                    waiting[name] &= ~cells
            if count >= TRIALS and not cases.any() and not any(cells.any() for cells in waiting.values()):
                return

    def _as_shown(self) -> Trial:
        """Return the inputs as handed out, with the student's own plans."""
        if not self.own.changed:
            return self.pool.handed_out(self.key, self.student_of)
        shown = {name: np.asarray(block.values) for name, block in self.varied.items()}
        for name in self.own.changed:
            numbers = self._held(self.areas[name])[1] if name in self.areas else np.full(1, math.nan)
            if np.isfinite(numbers).all():
                shown[name] = numbers
        return self.pool.of(shown)

    def _new(self, trial: Trial, name: str) -> Bools:
        """Return where inputs or answers are others than those shown."""
        if name in trial.inputs:
            return np.asarray(trial.inputs[name] != self.inputs[0][name])
        return moved(trial.expected[name], self.expected[name][0], self.tolerances[name])

    def _take(self, trial: Trial) -> None:
        self.trials.append(trial)
        self.inputs.append(trial.inputs)
        for name, values in self.expected.items():
            values.append(trial.expected[name])

    # Values

    def _outcome(self, store: Store, cells: Ids, faults: list[str]) -> Outcome:
        """Return what cells hold, texts by their numbers."""
        kinds = number_kinds(store.kinds[cells])
        return Outcome(kinds, self.pool.texts.numbers(store, cells), store.done[cells].copy(), faults)

    def _is_date(self, name: str, row: int, column: int) -> bool:
        area = self.pool.assignment.filled[name]
        return Cell(area.sheet, area.top + row, area.left + column) in self.pool.dates

    def _shown(self, number: float, digits: int = FEWEST_DIGITS) -> str:
        text = self.pool.texts.text(float(number))
        return super()._shown(number, digits) if text is None else text if text is ANOTHER else f"“{text}”"

    def _student_inputs(self, inputs: Mapping[str, NDArray[Any]], right: Mapping[str, Floats]) -> dict[Area, Any]:
        values = super()._student_inputs(inputs, right)
        return {area: self.pool.texts.as_cells(numbers) for area, numbers in values.items()}

    def _asked(self, name: str) -> Bools:
        return self.own.asked[name]

    # The student's cells

    def _again(self, book: Workbook) -> Self:
        other = super()._again(book)
        other._steps, other._watched = {}, []
        return other

    def _given_forms(self) -> Iterator[str]:
        for cell in self.own.locked_formulas:
            yield relative_form(self.own.solution.book.formula(cell) or "", cell.row, cell.column)

    def _alone(self, name: str) -> list[Outcome]:
        """Return what the student's formulas give in each trial with right answers to all that each cell needs."""
        cells, allowed = self.student.table.area(self.areas[name]), self._allowed[name]
        return self._isolated(self.trials, name, cells, allowed)

    @cached_property
    def _own(self) -> dict[str, list[Outcome]]:
        """What the student's formulas give in each trial by themselves: as step by step, if all is right."""
        cells = {name: self.student.table.area(self.areas[name]) for name in sorted(self.answers & self.areas.keys())}
        if self._flawless:
            return {name: [self._one_step(trial, ids) for trial in self.trials] for name, ids in cells.items()}
        wanted = _joined([ids.ravel() for ids in cells.values()])
        found: dict[str, list[Outcome]] = {name: [] for name in cells}
        replaced = [self._student_inputs(trial.inputs, {}) for trial in self.trials]
        for store, faults in self.student.evaluated_all(replaced, wanted):
            for name, ids in cells.items():
                found[name].append(self._outcome(store, ids, faults))
        return found

    def _isolated(self, trials: Sequence[Trial], name: str, cells: Ids, allowed: Bools) -> list[Outcome]:
        if allowed.all():
            return [self._one_step(trial, cells) for trial in trials]
        found = [deepcopy(self._one_step(trial, cells)) for trial in trials]
        bits = np.array(self._followed[name], object).reshape(cells.shape)
        others = [place for place in map(tuple, np.argwhere(~allowed)) if cells[place] >= 0]
        lot = max(1, -(-len(others) // _MOST_ALONE))
        for first in range(0, len(others), lot):
            some = others[first : first + lot]
            follows = int(np.bitwise_and.reduce([bits[place] for place in some]))
            replaced = [self._right_in(trial, follows) for trial in trials]
            wanted = np.array([cells[place] for place in some])
            for outcome, (store, faults) in zip(found, self.student.evaluated_all(replaced, wanted), strict=True):
                alone = self._outcome(store, wanted[None], faults)
                for at, place in enumerate(some):
                    outcome.kinds[place], outcome.numbers[place] = alone.kinds[0, at], alone.numbers[0, at]
                    outcome.done[place] = alone.done[0, at]
                outcome.faults[:0] = faults
        return found

    def _right_in(self, trial: Trial, follows: int) -> dict[Area, Any]:
        """Return what replaces the student's cells where only some answers' cells are right, those of the bits."""
        right, masks, first = dict[str, Floats](), dict[Area, Bools](), 0
        for name, area in self.own.answers.items():
            mine = np.array([follows >> (first + at) & 1 for at in range(area.size)], bool).reshape(area.shape)
            first += area.size
            if mine.any() and name in self.areas:
                right[name], masks[self.areas[name]] = trial.expected[name], mine
        values = self._student_inputs(trial.inputs, right)
        return {area: np.ma.MaskedArray(one, ~masks[area]) if area in masks else one for area, one in values.items()}

    @cached_property
    def _flawless(self) -> bool:
        """Whether every answer is right, step by step, and reads no more than the solution, so no circle, either."""
        for name in self.answers:
            if name not in self.areas or not self._allowed[name].all():
                return False
            cells = self.student.table.area(self.areas[name])
            for trial in self.trials:
                right = equal(self._one_step(trial, cells), trial.expected[name], self.tolerances[name])
                if not right[self.own.asked[name]].all():
                    return False
        return True

    def _one_step(self, trial: Trial, cells: Ids) -> Outcome:
        """Return what each cell's formula gives where all other answers, its block's too, are right."""
        if id(trial) not in self._steps:
            self._step([one for one in self.trials if id(one) not in self._steps] if trial in self.trials else [trial])
        store, faults = self._steps[id(trial)]
        mine = np.unique(self._owners[cells]).tolist()
        return self._outcome(store, cells, [fault for place in mine for fault in faults.get(place, [])])

    @cached_property
    def _owners(self) -> NDArray[np.int32]:
        """By cell the place of its formula among the student's, −1 for none."""
        return self.student.replaced([{}]).group_of

    def _step(self, trials: Sequence[Trial]) -> None:
        """Evaluate the answers' formulas in trials, where each finds the right values in all others, and keep it."""
        for first in range(0, len(trials), self.student.most):
            some = trials[first : first + self.student.most]
            store, planner = self._stepped(some)
            if planner.faults and len(some) > 1:  # whose fault it is shows only one by one
                for trial in some:
                    store, planner = self._stepped([trial])
                    self._steps[id(trial)] = store, planner.faults
            else:
                for trial, one in zip(some, self.student.parted(store, len(some)), strict=True):
                    self._steps[id(trial)] = one, planner.faults

    def _stepped(self, trials: Sequence[Trial]) -> tuple[Store, Planner]:
        store = self.student.replaced([self._student_inputs(trial.inputs, trial.expected) for trial in trials])
        store.watched = [] if self._follows_addresses else None
        planner = Planner(store)
        stride = np.arange(len(trials))[:, None] * self.student.table.count
        cells = [self.student.table.area(self.areas[name]).ravel() for name in self.answers if name in self.areas]
        answers = np.zeros(len(store.kinds), bool)
        answers[(_joined(cells) + stride).ravel()] = True
        table = store.table
        kinds, numbers, done = table.kinds.copy(), table.numbers.copy(), np.ones(len(answers), bool)
        for place, group in enumerate(store.groups):
            elements = np.flatnonzero(answers[group.outputs].any(axis=(1, 2)))
            if not len(elements):
                continue
            filled = group.outputs[elements].ravel()
            before = store.kinds[filled], store.numbers[filled]
            done[filled] = self._run_group(store, planner, place, elements)
            kinds[filled], numbers[filled] = store.kinds[filled], store.numbers[filled]
            store.kinds[filled], store.numbers[filled] = before
            store.done[filled] = True
        store.kinds, store.numbers, store.done = kinds, numbers, done
        count = self.student.table.count
        for readers, read in store.watched or ():
            self._watched.append((readers % count, np.where(read < 0, -1, read % count)))
        return store, planner

    @cached_property
    def _follows_addresses(self) -> bool:
        return follows_addresses(self.book)

    @cached_property
    def _followed(self) -> dict[str, list[int]]:
        """By answer, for each of its cells, the answers' cells that it follows from in the solution, as bits."""
        return self.pool.followed(self.trials[0])

    def _run_group(self, store: Store, planner: Planner, place: int, elements: Ids) -> bool:
        """Evaluate some cells of a group, and before them what they read; False where that cannot be done."""
        for _ in range(_LEARNED):
            try:
                reads = planner.reads.cells(place)
                for ids in reads:
                    planner.require(ids.ravel())
            except EmbedsheetError:
                return False
            if any(not store.done[ids].all() for ids in reads):
                return False
            learned = len(store.groups[place].dynamic)
            outputs = store.groups[place].outputs[elements]
            owners, store.group_of[outputs] = store.group_of[outputs], place  # its own results, in place of right ones
            done = planner._run(place, elements, record=False)
            store.group_of[outputs] = owners
            if done:
                return True
            if len(store.groups[place].dynamic) == learned:
                return False
        return False

    @cached_property
    def _allowed(self) -> dict[str, Bools]:
        """By answer which of its cells read no answers but those that the solution's cell follows from."""
        table, order = self.student.table, self.own.answers
        ids = {name: table.area(self.areas[name]).ravel() for name in order if name in self.areas}
        asked = _joined([ids.get(name, np.full(area.size, -1)) for name, area in order.items()])
        if self._follows_addresses:
            self._step([trial for trial in self.trials if id(trial) not in self._steps])
        direct = Dependence(self.student.planner, asked, through=False, watched=self._watched)
        return {
            name: np.array(
                [direct.of(int(cell)) & ~bits == 0 for cell, bits in zip(cells, self._followed[name], strict=True)]
            ).reshape(order[name].shape)
            for name, cells in ids.items()
        }

    def _message(self, task: Task, area: Area, outcome: Outcome, shares: Floats, words: NDArray[Any]) -> str:
        lost = [self.found.faults[name] for name in self.varied if name in self.found.faults]
        if lost and not (words == "right").all():
            return (
                f"{self._where(area)}: cannot be graded on other numbers, for cells were deleted or inserted: {lost[0]}"
            )
        return super()._message(task, area, outcome, shares, words)

    def _slip(self, task: Task, area: Area, words: NDArray[Any]) -> str:
        """Name a mend where the cells read no more than the solution does: others are not right by themselves."""
        return super()._slip(task, area, words) if self._allowed[task.block].all() else ""

    def _difference(self, task: Task, area: Area, row: int, column: int) -> str:
        """Show where a cell goes wrong, on inputs that no file is graded on."""
        if task.kind == "number":
            return ""
        cells, allowed = self.student.table.area(area), self._allowed[task.block]
        for number in self.examples.permutation(COUNTS["examples"])[:_EXAMPLES].tolist():
            trial = self.pool.trial("examples", number)
            (outcome,), wanted = self._isolated([trial], task.block, cells, allowed), trial.expected[task.block]
            if not equal(outcome, wanted, task.tolerance)[row, column]:
                got = outcome.numbers[row, column] if outcome.kinds[row, column] == NUMBER else None
                return self._goes_wrong(trial.inputs, task, row, column, got, wanted)
        return ""

    def _judge(
        self, task: Task, outcomes: list[Outcome], expected: list[Floats], right: Bools, written: Bools, blank: Bools
    ) -> tuple[Floats, NDArray[Any]]:
        """Judge as ever; what a block gives by itself counts where all of it is right so.

        With one sign wrong in each of its rows, every second row of a series is right.
        """
        if task.kind != "number" and not right[self._asked(task.block)].all():
            right = self._everywhere(outcomes, expected, task.tolerance)
        shares, words = super()._judge(task, outcomes, expected, right, written, blank)
        return shares, words

    def _circular(self, name: str, area: Area) -> Bools:
        """Return which cells make a circle: who reads no more than the solution is in another's at most."""
        found = np.zeros(area.shape, bool)
        if not self._allowed[name].all():
            for cell in circular_cells(self.book, area, self._seen):
                found[cell.row - area.top, cell.column - area.left] = True
        found &= ~self._allowed[name]
        for part in array_parts(self.book, area):  # one formula, whichever of its cells reads too much
            found[part] |= found[part].any()
        return found

    @cached_property
    def _seen(self) -> list[tuple[Cell, Cell]]:
        """Cells with others that they were seen to read."""
        cell = self.student.table.cell
        return [
            (cell(int(reader)), cell(int(one)))
            for readers, read in self._watched
            for place, reader in enumerate(readers.tolist())
            for one in read[place if len(read) > 1 else 0].ravel()
            if one >= 0
        ]

    # Other kinds

    def _graded(self, task: Task) -> TaskGrade:
        return self._solver(cast(OwnTask, task)) if task.kind == "solver" else super()._graded(task)

    def _changed_data(self) -> None:
        """Note given numbers and formulas that are not as they were handed out."""
        super()._changed_data()
        if self._restored.values:
            shown = ", ".join(map(str, self._restored.values[:_MOST_CHANGED]))
            self.grade.notes.append(f"given numbers or words were changed: {shown}")
        cells = self._restored.formulas
        if not cells:
            return
        places = [cell.area for cell in cells]
        runner = Runner(self.handed_in, [*self.areas.values(), *places])
        mine = _joined([runner.table.area(place).ravel() for place in places])
        theirs = _joined([self.own.solution.cells(place).ravel() for place in places])
        different = np.zeros(len(cells), bool)
        for trial in self.trials:
            store, _ = runner.evaluated(self._student_inputs(trial.inputs, trial.expected), mine[mine >= 0])
            got, wanted = self._outcome(store, mine, []), self._outcome(trial.store, theirs, [])
            different |= got.kinds != wanted.kinds
            different |= ~np.isclose(got.numbers, wanted.numbers, rtol=1e-6, atol=1e-6)
        changed = np.flatnonzero(different)
        if len(changed):
            self.grade.notes.append(
                f"given formulas were changed: {', '.join(str(cells[one]) for one in changed[:_MOST_CHANGED])}"
            )

    def _others_with(self, numbers: Mapping[str, Floats]) -> list[str]:
        def theirs(drawn: Mapping[str, Any], name: str) -> NDArray[np.float64]:
            return np.array(
                [[math.nan if one is None else one for one in row] for row in drawn["numbers"][name]], float
            )

        numbers = {name: values for name, values in numbers.items() if name not in self.own.changed}
        return [
            student
            for student, drawn in self.key.drawn.items()
            if student != self.student_of.id
            and numbers
            and all(np.allclose(values, theirs(drawn, name), equal_nan=True) for name, values in numbers.items())
        ]

    def _state(self, task: Task) -> TaskGrade:
        one = cast(OwnTask, task)
        numbers = {self.sketch.blocks[name].area: values for name, values in self._given().items()}
        for name in one.changed:
            area = self.areas.get(name)
            held = np.full(1, math.nan) if area is None else self._held(area)[1]
            if area is None or not np.isfinite(held).all():
                words = f"{self._where(area) if area else name}: holds cells without a number"
                return TaskGrade(task.block, "missing", 0, task.points, words, task.hint)
            numbers[self.sketch.blocks[name].area] = held
        store = self.own.solution.values(numbers)
        cell = self.own.solution.cells(self.sketch.blocks[task.block].area)[0, 0]
        value = float(store.numbers[cell]) if store.kinds[cell] == NUMBER else math.nan
        reached = one.above <= value <= one.below
        bounds = (("below", one.below), ("above", one.above))
        wanted = " and ".join(f"{word} {bound:g}" for word, bound in bounds if math.isfinite(bound))
        words = f"recomputed from your numbers it is {value:.6g}; {wanted} was asked for"
        if reached:
            return TaskGrade(task.block, "reached", task.points, task.points, words)
        return TaskGrade(task.block, "not reached", 0, task.points, words, task.hint)

    def _given(self) -> dict[str, NDArray[Any]]:
        """Return the numbers that the student was handed out, by block."""
        return {name: np.asarray(block.values) for name, block in self.varied.items() if name not in self.own.changed}

    def _solver(self, task: OwnTask) -> TaskGrade:
        """Grade a plan by what it gives in the teacher's workbook."""
        faults = [self.found.faults[name] for name in task.plan if name not in self.areas]
        if faults:
            return TaskGrade(task.block, "missing", 0, task.points, faults[0], task.hint)
        places = {area: self.areas[name] for name, area in task.plan.items()}
        where = ", ".join(map(self._where, [*places.values()][:_MOST_PLACES])) + (" …" * (len(places) > _MOST_PLACES))

        def said(verdict: str, points: float, words: str) -> TaskGrade:
            hint = "" if verdict == "reached" else task.hint
            return TaskGrade(task.block, verdict, points, task.points, f"{where}: {words}", hint)

        held = {area: self._held(place) for area, place in places.items()}
        if all((kinds == BLANK).all() for kinds, _ in held.values()):
            return said("blank", 0, "nothing was written")
        # An empty cell is what Solver and every formula take it for.
        plan = {area: np.where(kinds == BLANK, 0.0, numbers) for area, (kinds, numbers) in held.items()}
        if not all(np.isfinite(numbers).all() for numbers in plan.values()):
            return said("wrong", 0, "holds cells without a number")
        value, fault = judged(self.own, task, self._given(), plan)
        best = float(self.best.get(task.block, math.nan))
        if not fault and lost(task, value, best) <= allowance(task, best):
            return said("reached", task.points, f"allowed, and as good as the best: {value:.6g}")
        if self._best_for_own_formulas(task, plan):
            names = self.own.names
            wrong = ", ".join(names[name] for name in self._wrong_below(task))
            self.grade.notes.append(f"the plan in {where} is best by the student's own formulas: {wrong}")
            return said("reached", task.points, f"as good as the best by your own formulas ({wrong}, charged there)")
        if fault:
            return said("not reached", 0, f"the plan is not allowed: {fault}")
        points = round(task.points * self.own.partial["feasible"], 2)
        return said("not reached", points, f"allowed, but it gives {value:.6g} where {best:.6g} can be had")

    def _held(self, place: Area) -> tuple[NDArray[np.uint8], Floats]:
        """Return kinds and numbers of cells of a plan, NaN where there is none; a formula, =70+3, counts by its result.

        What such a formula reads is as it was handed in.
        """
        cells = self.student.table.area(place)
        store, _ = self.student.evaluated({}, cells.ravel())
        kinds = np.where(store.done[cells], store.kinds[cells], ERROR)
        return kinds, np.where(kinds == NUMBER, store.numbers[cells], np.nan)

    def _wrong_below(self, task: OwnTask) -> list[str]:
        """Return the answers, wrong as they stand, from which a plan's objective and limits follow."""
        return [name for name in self.own.below(task) if name in self.areas and not self._right_as_shown(name)]

    def _right_as_shown(self, name: str) -> bool:
        right = equal(self._own[name][0], self.expected[name][0], self.tolerances[name])
        return bool(right[self.own.asked[name]].all())

    def _best_for_own_formulas(self, task: OwnTask, plan: Plan) -> bool:
        """Whether a plan is what Solver finds by the student's own wrong formulas, which are charged once."""
        if any(
            area != self.sketch.blocks[name].area for name, area in self.areas.items() if name in self.sketch.blocks
        ):
            return False  # where the limits are now is not known
        if not self._wrong_below(task):
            return False
        teachers, fault = best_plan(self.own, task, self._given())
        given = {self.areas[name]: values for name, values in self._given().items()}
        return not fault and best_for_own_formulas(self.book, self.student, task, [plan, teachers], given)


def _joined(ids: list[Ids]) -> Ids:
    return np.concatenate([*ids, np.empty(0, np.int64)]).astype(np.int64)

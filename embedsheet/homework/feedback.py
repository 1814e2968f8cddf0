"""What a student is told of an answer: where it goes wrong, on numbers that are not graded, and by which slip."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.ground.errors import EmbedsheetError
from embedsheet.ground.kinds import ERRORS, NUMBER
from embedsheet.ground.notation.addresses import Area, Cell
from embedsheet.ground.notation.parse import parse
from embedsheet.ground.notation.relative import relative_form
from embedsheet.ground.notation.tree import Ref
from embedsheet.ground.notation.walk import walk
from embedsheet.homework import derivatives
from embedsheet.homework.assignment import Task
from embedsheet.homework.evaluate import Bools, Floats, Outcome, Runner, equal, near
from embedsheet.homework.locate import Found
from embedsheet.homework.sketch import Sketch
from embedsheet.homework.slips import Place, Slip, on_trial, slips, without_sign
from embedsheet.workbook import Workbook

FEWEST_DIGITS = 6
_FIRST_DAY, _LAST_DAY = 61, 2_958_465  # 1900-03-01 and 9999-12-31, as Excel counts days
_EXAMPLES = 5
_FEWEST = 3  # wrong cells from which a pattern is no chance
_MOST_TRIED = 40  # wrong cells in which a mend must prove itself
_DIGITS = re.compile(r"['’ ]*[-+−]?[\s€$£]*\d[\d.,'’\s]*[%€$£]?\s*")
_LIMITS = re.compile(r",? or raise the limits with --limit \d+")  # which is the teacher's to do
# Each calculation gives these another result, so that what they are right for is nobody's to say.
ONLY_GOOGLE = "DUMMYFUNCTION"  # what Google Sheets saves for a function of its own, beside the result
_ANEW = re.compile(rf"(?<![\w.])(?:__xludf\.)?(RAND|RANDBETWEEN|RANDARRAY|NOW|TODAY|{ONLY_GOOGLE})\s*\(", re.IGNORECASE)
_QUOTED = re.compile(r'"[^"]*"')
_SAYINGS = {
    "typed": "a number was typed where a formula was asked for",
    "constant": "right now, but it does not follow when the numbers above change",
    "shown only": "right for the numbers shown, wrong for others",
    "rounded": "right up to rounding; do not round on the way",
    "blank": "nothing was written",
    "circular": "reads itself, by way of other cells",
}
_SLIPPED = ("wrong", "error", "shown only", "constant", "rounded")  # words for cells that a small mend may make right


def calculated_anew(formula: str) -> str:
    """Return the function in a formula that gives another result each time, or always that stored; "" for none."""
    found = _ANEW.search(_QUOTED.sub("", formula))
    return found[1].upper() if found else ""


def _as_date(number: float) -> str:
    """Return a date, with the time of day if it has one, or a time alone; "" of numbers that are neither.

    Before March 1900 Excel's days are not the calendar's.
    """
    if not (0 <= number < 1 or _FIRST_DAY <= number < _LAST_DAY):
        return ""
    moment = datetime(1899, 12, 30) + timedelta(seconds=round(number * 86_400))
    time = f"{moment:%H:%M:%S}"
    return time if number < 1 else f"{moment:%Y-%m-%d}" + (f" {time}" if time != "00:00:00" else "")


class Telling:
    """What a grading needs to tell a student of an answer; `inputs[i]` and `expected[…][i]` are those of trial i."""

    sketch: Sketch
    found: Found
    book: Workbook
    areas: dict[str, Area]
    student: Runner
    inputs: list[dict[str, NDArray[Any]]]
    expected: dict[str, list[Floats]]
    needs: dict[str, set[str]]
    examples: np.random.Generator  # draws the numbers that are shown, which are not graded

    def _where(self, area: Area) -> str:
        """Return an address as the student sees it."""
        return self.found.of(area.sheet).address(area.local())

    def _drawn(self, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
        raise NotImplementedError

    def _right(self, names: Set[str], inputs: Mapping[str, NDArray[Any]]) -> dict[str, Floats]:
        raise NotImplementedError

    def _student_inputs(self, inputs: Mapping[str, NDArray[Any]], right: Mapping[str, Floats]) -> dict[Area, Any]:
        raise NotImplementedError

    def _is_date(self, name: str, row: int, column: int) -> bool:
        """Whether a block's cell is shown as a date or a time of the calendar that begins in 1900."""
        return False

    def _asked(self, name: str) -> Bools:
        """Return which cells of an answer are to be filled, (rows, columns)."""
        return np.ones(self.areas[name].shape, bool)

    def _message(self, task: Task, area: Area, outcome: Outcome, shares: Floats, words: NDArray[Any]) -> str:
        """Return what is told of an answer; `shares` and `words` are those of its cells, (rows, columns)."""
        if (words == "right").all():
            return f"{self._where(area)}: right{'' if task.kind == 'number' else ', on other numbers too'}"
        worst = np.argwhere(shares == shares.min())[0]
        row, column = int(worst[0]), int(worst[1])
        cell = Area(area.sheet, area.top + row, area.left + column, area.top + row, area.left + column)
        place = f"{_count(words[self._asked(task.block).any(axis=1)])}{self._where(cell)}"
        word = words[row, column]
        if word == "unsupported":
            anew = self._anew(cell)
            fault = f"{anew} gives another result each time; leave it out, or put a number in its place" if anew else ""
            if anew == ONLY_GOOGLE:
                fault = "it has a function that only Google Sheets knows; write it with those that Excel has, too"
            fault = fault or next(iter(outcome.faults), "") or self._fault_behind(area)
            return f"{place}: cannot be run: {_LIMITS.sub('', self.found.shown(fault))}"
        slip = self._mistake(task, area, outcome) if task.kind == "derivative" and word == "wrong" else ""
        slip = slip or (self._slip(task, area, words) if word in _SLIPPED else "")
        if word == "error":
            return f"{place}: shows {ERRORS.get(int(outcome.numbers[row, column]), 'an error')}{slip}"
        if word == "rounded" and slip:
            return f"{place}: right up to rounding{slip}"
        if word == "typed" and isinstance(self.book.values(cell)[0][0], str):
            return f"{place}: a text was typed where a formula was asked for"
        if word in _SAYINGS and word != "shown only":
            return f"{place}: {_SAYINGS[word]}{slip}"
        if word == "wrong" and not slip:
            slip = _shifted(outcome.numbers, self.expected[task.block][0], words) or self._first_only(area, words)
            slip = slip or self._number_as_text(area, row, column)
        return f"{place}: {_SAYINGS.get(word, 'wrong')}{self._difference(task, area, row, column)}{slip}"

    def _difference(self, task: Task, area: Area, row: int, column: int) -> str:
        """Show where a cell goes wrong, on numbers that are not graded; for a number asked for, nothing is told."""
        if task.kind == "number":
            return ""
        for _ in range(_EXAMPLES):
            inputs = self._drawn(self.examples)
            right = self._right(self.needs[task.block] | {task.block}, inputs)
            wanted = right.pop(task.block)
            outcome = self.student.run(self._student_inputs(inputs, right), area)
            if not equal(outcome, wanted, 1e-6)[row, column]:
                number = outcome.kinds[row, column] == NUMBER
                got = outcome.numbers[row, column] if number else None
                return self._goes_wrong(inputs, task, row, column, got, wanted)
        return ""

    def _goes_wrong(
        self, inputs: Mapping[str, NDArray[Any]], task: Task, row: int, column: int, got: float | None, wanted: Floats
    ) -> str:
        right = float(wanted[row, column])
        told = self._beside(got, right)
        if self._is_date(task.block, row, column) and (day := _as_date(right)):
            like = got is not None and (got < 1) == (right < 1)
            mine = "no number" if got is None else (like and _as_date(got)) or self._shown(got)
            told = f"{mine}, {day}" if mine != day else told
        return f": {self._some_input(inputs)} it gives {told} is right"

    def _fault_behind(self, area: Area) -> str:
        """Return why a cell cannot be run that cells of an area depend on."""
        cells = self.student.table.area(area).ravel()
        _, planner = self.student.evaluated(self._student_inputs(self.inputs[0], {}), cells)
        return next(iter(planner.all_faults()), "it depends on such a cell")

    def _anew(self, cell: Area) -> str:
        return calculated_anew(self.book.formula(Cell(cell.sheet, cell.top, cell.left)) or "")

    def _number_as_text(self, area: Area, row: int, column: int) -> str:
        text = self.book.values(area)[row][column]
        if isinstance(text, str) and _DIGITS.fullmatch(text):
            return "; it is a text, not a number: write it anew, with the decimal sign that your program has"
        return ""

    def _first_only(self, area: Area, words: NDArray[Any]) -> str:
        """Say that a formula is right in the first row or column only, where it was filled from there."""
        wrong = words != "right"
        for axis, word in ((0, "row"), (1, "column")):
            lines = wrong if axis == 0 else wrong.T
            if lines.sum() < _FEWEST or len(lines) < 2 or lines[0].any() or not lines[1:].any(axis=1).all():
                continue
            forms = [self._form(area, down, right) for down, right in ((0, 0), (1 - axis, axis))]
            if forms[0] and forms[0] == forms[1] and self._may_slip(area, axis):
                return f"; right in the first {word} only: look where a $ is missing, or is one too many"
        return ""

    def _may_slip(self, area: Area, axis: int) -> bool:
        """Whether a $ may be to blame: a reference moves along beside the cell's own line, or stays on the first.

        Otherwise the first is right by chance, as what is multiplied by 0 there.
        """
        text = self.book.formula(Cell(area.sheet, area.top, area.left)) or ""
        here = area.left if axis else area.top
        for node in walk(parse(text, area.top, area.left)):
            if isinstance(node, Ref):
                for side in (node.left, node.right) if axis else (node.top, node.bottom):
                    away = side.at(here) != here or (node.sheet or area.sheet) != area.sheet
                    if away != side.absolute:
                        return True
        return False

    def _form(self, area: Area, down: int, right: int) -> str:
        row, column = area.top + down, area.left + right
        text = self.book.formula(Cell(area.sheet, row, column))
        return relative_form(text, row, column) if text else ""

    def _shown(self, number: float, digits: int = FEWEST_DIGITS) -> str:
        return f"{number:.{digits}g}"

    def _beside(self, got: float | None, wanted: float) -> str:
        """Return two unlike numbers, with as many digits as tell them apart; None is none, nor a text."""
        if got is None:
            return f"no {'text' if self._shown(wanted).startswith('“') else 'number'}, {self._shown(wanted)}"
        told = ((self._shown(got, digits), self._shown(wanted, digits)) for digits in (FEWEST_DIGITS, 9, 12, 15, 17))
        one, other = next((pair for pair in told if pair[0] != pair[1]), (self._shown(got), self._shown(wanted)))
        return f"{one}, {other}"

    def _some_input(self, inputs: Mapping[str, NDArray[Any]]) -> str:
        name, values = next(iter(inputs.items()))
        area = self.areas.get(name, self.sketch.blocks[name].area)
        first = self._where(Area(area.sheet, area.top, area.left, area.top, area.left))
        value = values.flat[0]
        if not isinstance(value, str):
            value = (_as_date(value) if self._is_date(name, 0, 0) else "") or format(float(value), "g")
        return f"with other numbers ({first} = {value}, …)"

    def _mistake(self, task: Task, area: Area, outcome: Outcome) -> str:
        """Name the kinds of mistake that explain wrong derivatives, cell by cell."""
        changing = [self.areas[name] for name in task.changing if name in self.areas]
        if len(changing) < len(task.changing):
            return ""
        claims = np.where(outcome.done & (outcome.kinds == NUMBER), outcome.numbers, np.nan)
        named = derivatives.named(self.book, area, changing, claims, self.expected[task.block][0])
        return self.found.of(area.sheet).address(named)

    def _slip(self, task: Task, area: Area, words: NDArray[Any]) -> str:
        """Name the mend that makes all wrong cells right, on the inputs that are graded."""
        if task.kind == "number":
            return ""
        values = self.book.values(area)
        formulas: dict[Place, str] = {}
        texts: dict[Place, str] = {}
        wrong: list[Place] = []
        for cell in area.cells():
            at = cell.row - area.top, cell.column - area.left
            value, formula = values[at[0]][at[1]], self.book.formula(cell)
            if formula is not None:
                formulas[cell.row, cell.column] = formula
            if words[at] in _SLIPPED and len(wrong) < _MOST_TRIED:
                wrong.append((cell.row, cell.column))
                if formula is None and isinstance(value, str):
                    texts[cell.row, cell.column] = value
        candidates = without_sign(texts) if len(texts) == len(wrong) else slips(formulas, wrong)
        try:
            likely = self._proven(task, area, candidates, wrong[:1])
            sure = next((slip for slip in likely if self._proven(task, area, [slip], wrong)), None)
        except (EmbedsheetError, ValueError, RecursionError):  # the mended formula may be beyond what can be run
            return ""
        return "" if sure is None else f"; {self.found.of(area.sheet).address(sure.words)}"

    def _proven(self, task: Task, area: Area, candidates: list[Slip], wrong: list[Place]) -> list[Slip]:
        """Return the slips whose mend gives the right values in some cells, in every trial."""
        if not candidates:
            return []
        texts = [slip.formulas[place] for slip in candidates for place in wrong]
        book, cells = on_trial(self.book, area.sheet, texts)
        runner = Runner(book, [*self.areas.values(), *cells])
        at = np.array(wrong) - (area.top, area.left)
        size, left = len(wrong), list(range(len(candidates)))
        for trial, inputs in enumerate(self.inputs):
            right = {name: self.expected[name][trial] for name in self.needs[task.block]}
            asked = [cell for number in left for cell in cells[number * size : (number + 1) * size]]
            if not asked:
                return []
            outcomes = runner.run_all([self._student_inputs(inputs, right)], asked)[0]
            aims = self.expected[task.block][trial][at[:, 0], at[:, 1]]
            good = [
                equal(outcome, np.full((1, 1), aims[place % size]), task.tolerance).all()
                for place, outcome in enumerate(outcomes)
            ]
            left = [
                number
                for place, number in enumerate(left)
                if all(good[place * size : (place + 1) * size]) and _has_decimals(aims, candidates[number].decimals)
            ]
        return [candidates[number] for number in left]


def _has_decimals(numbers: Floats, most: int | None) -> bool:
    """Whether numbers have no more than so many decimals; None is any number of them."""
    return most is None or bool((np.abs(np.round(numbers, most) - numbers) <= 1e-12 * np.abs(numbers)).all())


def _count(words: NDArray[Any]) -> str:
    """Return how much is right: "3 of 10 rows right; "."""
    rows, columns = words.shape
    if words.size == 1:
        return ""
    whole = int((words == "right").all(axis=1).sum())
    if rows > 1 and (whole or columns == 1):
        return f"{whole} of {rows} rows right; "
    return f"{int((words == 'right').sum())} of {words.size} cells right; "


def _shifted(got: Floats, wanted: Floats, words: NDArray[Any]) -> str:
    """Say that most cells hold the answer of a neighbouring row."""
    wrong = words == "wrong"
    if wrong.sum() < _FEWEST:
        return ""
    for step, text in ((1, "below"), (-1, "above")):
        moved = np.roll(wanted, -step, axis=0)
        same = near(got, moved, 1e-6)
        edge = np.zeros(wrong.shape, bool)
        edge[-1 if step == 1 else 0] = True
        if (same | edge | ~wrong)[wrong].mean() > 0.8 and (same & wrong).sum() >= 2:
            return f"; off by one row: most cells hold the answer of the row {text}"
    return ""

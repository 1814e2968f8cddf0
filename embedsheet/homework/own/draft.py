"""The first draft of an assignment.toml, written from a finished workbook and explained line by line."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedsheet.book.setups import SolverSetup
from embedsheet.ground.errors import DataError
from embedsheet.ground.keys import name_key
from embedsheet.ground.notation.addresses import Area, Cell, quote_sheet
from embedsheet.homework.own.goals import place_of, reachable
from embedsheet.homework.own.labels import label_of
from embedsheet.homework.own.marks import (
    ASKED_PREFIXES,
    ASKED_STYLE,
    VARIED_PREFIXES,
    VARIED_STYLE,
    Marked,
    find_marked,
    finest,
    passed_over,
)
from embedsheet.homework.own.notes import read_notes
from embedsheet.homework.own.solution import Solution
from embedsheet.homework.own.styles import Look, Looks
from embedsheet.solvers.model import describe
from embedsheet.workbook import Workbook

_WIDEST = 20  # per cent that a number varies up and down in a draft
_DAYS = 30
SMALLEST, _SMALL = 2e-7, 1e-3  # answers below the first do not move, as grading looks; below the other none is far off
_DATED, OF_TIMES = 366.0, 1e-10  # days, from which on a time has a date; half a second of a date in this century
_MOST_GUESSED = 30
_UNLIKE = 100  # times as large: numbers of one column that mean different things
_ADDRESS = re.compile(r"\$?[A-Za-z]{1,3}\$?[0-9]{1,7}(:\$?[A-Za-z]{1,3}\$?[0-9]{1,7})?")
_HEAD = """\
# Homework from {book}: a first draft, for you to change. Lines that begin with # are read by nobody.
# 1. Read it through: what is asked, what varies, what it is worth.
# 2. See it:     embedsheet homework preview {folder}
# 3. Check it:   embedsheet homework check {folder}
# 4. Hand out:   embedsheet homework new {folder} --roster class.csv -o for-students
# 5. Grade:      embedsheet homework grade handed-in --key for-students-key.json -o gradebook.xlsx
# Cells are written as Excel does, Sheet1!C3 or Sheet1!C3:C14, or by a name that your workbook defines.

title = {title}
workbook = {file}    # your finished workbook, beside this file: it is the solution, keep it to yourself
text = {lead}    # what students read first; may be "several lines"

# What of a cell's points an answer earns that is right in part only: a number typed instead of a formula; a formula
# that is right for the numbers shown only; right up to rounding; for Solver, allowed but not the best.
[partial]
typed = 0
"shown only" = 0.25
rounded = 0.75
feasible = 0.5
"""
_VARIES = """
# ---- What varies: every student gets other numbers here, and grading runs the formulas on yet others. ----
#   lowest, highest   the numbers are drawn between them; or
#   spread = 20       … within so many per cent of what each cell holds in your workbook
#   step = 0.5        rounded to multiples of it; whole = true is step = 1
#   distribution      "even" (all alike), "normal" (the middle more often), "log" (0.1 to 1 as often as 1 to 10)
#   list = [12, 24]   one of these instead, texts too; different = true: none twice in the cells
#   only_grading = true   all students get your numbers, only grading uses others
# Nobody is handed numbers with which your workbook shows an error. To bound a result, add for example
#   [[keep]]
#   cells = "Sheet1!C9"
#   lowest = 0
#   highest = 5000
"""
_GUESSED = """# Nothing in {book} says what varies, so these are the numbers that the answers are calculated from.
# Take out what must stay as it is (months of a year, say).
"""
_TASKS = """
# ---- What is asked: these cells are handed out empty. ----
#   kind       "formula" (graded by running it on other numbers), "number" (typed numbers count, too), "derivative"
#              (formulas for how the cell of = "Sheet1!D5" changes with each of changing = ["Sheet1!B2:B9"]), "solver"
#              (cells for Solver: graded by the objective they give), "state" (a cell must come below or above a number
#              by changing others), "text" (words for you to read)
#   points     of the whole task; every cell counts alike
#   title      what students and the gradebook call it;   text   what is to be done
#   hint       told in the feedback, never in the workbook; a hint that begins with = is a formula, and is checked
#   tolerance  0.000001 counts what agrees to six digits; 0.005 forgives rounding to half a per cent
"""


@dataclass(frozen=True)
class Draft:
    """`text` is the TOML; `asked` and `varies` what was found; `notes` what the teacher should know."""

    text: str
    asked: list[Marked]
    varies: list[Marked]
    notes: list[str]


def draft(book: Workbook, folder: str, asked: Sequence[str] = (), varies: Sequence[str] = ()) -> Draft:
    """Return a first draft from a finished workbook. `asked` and `varies`: see `marks.find_marked`.

    Raises DataError where nothing says what is asked, or a formula cannot be run here.
    """
    looks, said = Looks.of(book.path), read_notes(book.path)
    wanted = find_marked(book, looks, asked, ASKED_PREFIXES, ASKED_STYLE, formulas=True)
    setups = [setup for setup in book.setups.values() if not setup.is_leftover and setup.objective is not None]
    wanted = [one for one in wanted if not any(area.meets(one.area) for setup in setups for area in setup.changing)]
    if not wanted and not setups:
        raise DataError(
            f"{book.path.name}: nothing says what is asked. Give the cells names that begin with ask_ (Formulas ► Name "
            "Manager), or the cell style Output (Home ► Cell Styles); or say how they look: --asked 'like Sheet1!C9' "
            "for every cell of that colour, --asked Sheet1!C9:C20 for an address."
        )
    changing = [area for setup in setups for area in setup.changing]
    aims = [reachable(book, setup) for setup in setups]
    planned = [area for setup, aim in zip(setups, aims, strict=True) if aim is None for area in setup.changing]
    given = find_marked(book, looks, varies, VARIED_PREFIXES, VARIED_STYLE, formulas=False)
    given = [one for one in given if not any(one.area.meets(area) for area in (*planned, *(w.area for w in wanted)))]
    given = [cell for one in given for cell in _apart(book, one)]
    aimed = [] if given else [area for setup, aim in zip(setups, aims, strict=True) if aim is None
                              for area in _read_by(setup)]  # fmt: skip
    solution = Solution(book, [*(one.area for one in (*wanted, *given)), *aimed])
    notes = list(solution.errors[:5])
    for option, marks, prefixes in (("asked", asked, ASKED_PREFIXES), ("varies", varies, VARIED_PREFIXES)):
        if not marks and (names := passed_over(book, prefixes)):
            notes.append(
                f"{', '.join(names[:3])}{' and others' if len(names) > 3 else ''}: taken for no marks, as the names "
                f"belong to one sheet; if they are, say so: --{option} {names[0].rpartition('!')[2]}"
            )
    if solution.faults:
        raise DataError(f"{book.path.name}: formulas that cannot be run here: " + "; ".join(solution.faults[:5]))
    guessed = not given
    if guessed:
        begun = [Marked(area) for area in changing if area not in planned]  # everybody begins somewhere else
        given = begun + _guess(book, looks, solution, [*(one.area for one in wanted), *aimed], changing)
        notes.append(
            "nothing says what varies: the numbers that the answers follow from were taken; look them through"
            if given
            else "nothing varies, so that everybody gets the same homework; write a [[varies]]"
        )
    no_titles = [one.area for one in (*wanted, *given)]
    title = book.path.stem.replace("-", " ").replace("_", " ")
    parts = [
        _HEAD.format(book=book.path.name, folder=folder, title=_quoted(title), file=_quoted(book.path.name),
                     lead=_quoted("Fill in the cells that are asked for.")),
        _VARIES,
        _GUESSED.format(book=book.path.name) if guessed and given else "",
        *(_variation(book, looks, one, no_titles) for one in given),
        _TASKS,
    ]  # fmt: skip
    entries = [_entry(said, one.area) for one in wanted]
    labels = _apart_by(
        wanted,
        [
            str(entry.get("title") or label_of(book, one.area, no_titles) or one.text)
            for one, entry in zip(wanted, entries, strict=True)
        ],
    )
    for one, entry, label in zip(wanted, entries, labels, strict=True):
        if tolerance := finer_tolerance(solution.given(one.area), looks.any_date(one.area)):
            entry.setdefault("tolerance", tolerance)
        parts.append(_task(one.text, label, entry))
    parts += [_solver(setup, aims[place], _entry(said, setup.changing[0])) for place, setup in enumerate(setups)]
    return Draft("".join(parts), wanted, given, notes)


def _apart_by(wanted: Sequence[Marked], labels: Sequence[str]) -> list[str]:
    """Return titles that tell tasks apart: those that are alike with the address behind them."""
    met = Counter(map(name_key, labels))
    return [
        f"{label} ({one.area})" if met[name_key(label)] > 1 else label
        for one, label in zip(wanted, labels, strict=True)
    ]


def _read_by(setup: SolverSetup) -> list[Area]:
    """Return the objective's cell and the cells of the constraints: what a plan is judged by."""
    sides = [side for one in setup.constraints for side in (one.left, one.right)]
    return [place_of(setup), *(side for side in sides if isinstance(side, Area))]


def finer_tolerance(right: NDArray[np.float64], date: bool = False) -> float:
    """Return the tolerance that answers need of which the usual one forgives too much; 0 where it will do.

    Answers far below 1: six digits of the largest. Times of a day, shown with their `date`: less than a second.
    """
    largest = float(np.abs(right[np.isfinite(right)]).max(initial=0))
    if date and largest > _DATED and bool((right[np.isfinite(right)] % 1 != 0).any()):
        return OF_TIMES
    return 10.0 ** (math.floor(math.log10(largest)) - 6) if SMALLEST <= largest < _SMALL else 0.0


def _solver(setup: SolverSetup, aim: float | None, entry: Mapping[str, str | float]) -> str:
    """Return the task of a Solver model; `aim`: see `goals.reachable`."""
    cells = [str(area) for area in setup.changing]
    places = _quoted(cells[0]) if len(cells) == 1 else f"[{', '.join(map(_quoted, cells))}]"
    words = {"text": f"Let Solver find it: {describe(setup)}.", **entry}
    if aim is None:
        label = str(entry.get("title") or "Find the best plan with Solver")
        more = (
            '\nkind = "solver"    # objective and constraints are those of Solver\'s set-up in your workbook'
            "\nwithin = 1    # per cent of the best: as good as the best"
        )
        return _task(places, label, words, more, quoted=True)
    word, label = ("below" if setup.sense == "minimize" else "above"), f"Let Solver change {setup.objective}"
    more = (
        f'\nkind = "state"    # students keep the numbers to begin with: this is most of the way that Solver comes'
        f"\n{word} = {aim:.15g}\nchanging = [{', '.join(map(_quoted, cells))}]"
    )
    return _task(str(place_of(setup)), str(entry.get("title") or label), words, more)


def _entry(said: Mapping[Cell, Mapping[str, str | float]], area: Area) -> dict[str, str | float]:
    """Return what the note on the first cell that has one says; cells of its own sheet get the sheet's name."""
    entry = dict(next((said[cell] for cell in area.cells() if cell in said), {}))
    for key in ("of", "changing"):
        if key in entry:
            places = [place.strip() for place in str(entry[key]).split(",")]
            entry[key] = ",".join(
                f"{quote_sheet(area.sheet)}!{place}" if _ADDRESS.fullmatch(place) else place for place in places
            )
    return entry


def _task(cells: str, title: str, entry: Mapping[str, str | float], more: str = "", quoted: bool = False) -> str:
    """Return a task's entry; `quoted`: the cells are as TOML writes them."""
    kind = "".join(f"\n{key} = {_quoted(str(entry[key]))}" for key in ("kind", "of") if key in entry)
    if "changing" in entry:
        kind += f"\nchanging = [{', '.join(map(_quoted, str(entry['changing']).split(',')))}]"
    tolerance = f"\ntolerance = {entry['tolerance']:g}" if "tolerance" in entry else ""
    return (
        f"\n[[task]]\ncells = {cells if quoted else _quoted(cells)}\ntitle = {_quoted(title)}\n"
        f"points = {entry.get('points', 10):g}{kind}\n"
        f"text = {_quoted(str(entry.get('text', title)))}\nhint = {_quoted(str(entry.get('hint', '')))}"
        f"{tolerance}{more}\n"
    )


def _variation(book: Workbook, looks: Looks, one: Marked, no_titles: Sequence[Area]) -> str:
    area = one.area
    label = label_of(book, area, no_titles)
    lines = [f"\n[[varies]]\ncells = {_quoted(one.text)}" + (f"\ntitle = {_quoted(label)}" if label else "")]
    values = [value for row in book.values(area) for value in row if value is not None]
    numbers = [value for value in values if isinstance(value, float)]
    if any(isinstance(value, str) for value in values):
        choices = list(dict.fromkeys(value for value in values if isinstance(value, str)))
        lines.append(f"list = [{', '.join(map(_quoted, choices))}]    # add others")
    elif looks.cells.get(Cell(area.sheet, area.top, area.left), Look()).date and numbers:
        lines.append(f"lowest = {min(numbers) - _DAYS:g}    # days, as Excel counts them; shown as dates")
        lines.append(f"highest = {max(numbers) + _DAYS:g}\nwhole = true")
    elif len(numbers) == 1:
        low, high, step = _range(numbers[0])
        lines.append(
            f"lowest = {low:.15g}    # your workbook has {numbers[0]:.15g}\nhighest = {high:.15g}\nstep = {step:.15g}"
        )
    elif numbers:
        lines.append(f"spread = {_WIDEST}    # per cent, of each cell\nstep = {finest(numbers):.15g}")
    return "\n".join(lines) + "\n"


def _range(value: float) -> tuple[float, float, float]:
    """Return lowest, highest and step around a number: 250000 varies in steps of 10000, 0.045 in steps of 0.001."""
    if value == 0:
        return -1.0, 1.0, 0.1
    step = 10.0 ** (math.floor(math.log10(abs(value))) - 1)
    step = max(step, 1.0) if value == round(value) else min(step, finest([value]))
    ends = sorted((value * (1 - _WIDEST / 100), value * (1 + _WIDEST / 100)))
    low, high = math.floor(ends[0] / step + 1e-9) * step, math.ceil(ends[1] / step - 1e-9) * step
    return round(low, 10), round(high, 10), round(step, 10)


def _guess(
    book: Workbook, looks: Looks, solution: Solution, wanted: Sequence[Area], changing: Sequence[Area]
) -> list[Marked]:
    """Return single numbers that the answers follow from, one area each; a column of them stays together."""
    read = solution.read_by(wanted)
    cells = [
        cell for cell in read
        if book.formula(cell) is None
        and isinstance(book.values(cell.area)[0][0], float)
        and not any(area.meets(cell.area) for area in changing)
        and not looks.cells.get(cell, Look()).date
    ]  # fmt: skip
    runs: list[Area] = []
    for cell in sorted(cells, key=lambda one: (one.sheet, one.column, one.row)):
        last = runs[-1] if runs else None
        if last and (last.sheet, last.left, last.bottom) == (cell.sheet, cell.column, cell.row - 1):
            runs[-1] = last._replace(bottom=cell.row)
        else:
            runs.append(cell.area)
    single = []
    for run in runs:
        values = [row[0] for row in book.values(run)]
        steps = np.diff(np.array(values, float))
        if len(steps) > 1 and np.allclose(steps, steps[0]):
            continue  # 1, 2, 3, …: the numbers of periods or rows
        cells_apart = _labelled(book, run)
        single += cells_apart if len(cells_apart) <= _MOST_GUESSED else [run]
    return [Marked(area) for area in single[:_MOST_GUESSED]]


def _labelled(book: Workbook, run: Area) -> list[Area]:
    """Return the cells of a column one by one where each has a title of its own at its left; else the column."""
    cells = [Area(run.sheet, row, run.left, row, run.left) for row in range(run.top, run.bottom + 1)]
    labels = {label_of(book, cell) for cell in cells}
    return cells if len(labels) == len(cells) and "" not in labels else [run]


def _apart(book: Workbook, one: Marked) -> list[Marked]:
    """Return the cells of a marked column of inputs one by one, where they are a price, a rate, years; else itself."""
    values = [value for row in book.values(one.area) for value in row]
    sizes = [abs(value) for value in values if isinstance(value, float) and value]
    if one.name or one.area.left != one.area.right or len(sizes) != len(values) or max(sizes) < _UNLIKE * min(sizes):
        return [one]
    return [Marked(cell) for cell in _labelled(book, one.area)]


def _quoted(text: str) -> str:
    """Return a text as TOML writes it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return '"' + "".join(letter if letter.isprintable() else f"\\u{ord(letter):04X}" for letter in escaped) + '"'

"""An assignment from the teacher's own workbook: assignment.toml and the finished workbook beside it.

title = "A loan"
workbook = "loan.xlsx"
[[varies]]
cells = "Loan!C3"
lowest = 80000
highest = 240000
step = 1000
[[task]]
cells = "Loan!C7"
title = "The monthly instalment"
points = 10
text = "…"

`KEYS` lists all keys; docs/homework-own.md explains them.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from reprlib import repr as brief
from typing import Any, cast

import numpy as np

from embedsheet.book.setups import Sense
from embedsheet.ground.errors import DataError, EmbedsheetError, did_you_mean
from embedsheet.ground.keys import name_key
from embedsheet.ground.notation.addresses import Area
from embedsheet.homework.assignment import number_of
from embedsheet.homework.own.assignment import OwnAssignment, OwnTask
from embedsheet.homework.own.marks import refuse_whole
from embedsheet.homework.own.solution import Bound, Solution, stored
from embedsheet.homework.own.variation import DISTRIBUTIONS, Distribution, Variation
from embedsheet.homework.sketch import ANSWERED
from embedsheet.workbook import Workbook

KINDS = ("formula", "number", "derivative", "text", "state", "solver")
KEYS: dict[str, tuple[str, ...]] = {
    "": ("title", "workbook", "lesson", "options", "text", "partial", "varies", "keep", "task"),
    "partial": ("typed", "shown only", "rounded", "feasible"),
    "varies": (
        "cells", "title", "lowest", "highest", "step", "whole", "spread", "distribution", "list", "different",
        "only_grading",
    ),
    "keep": ("cells", "lowest", "highest"),
    "task": (
        "cells", "title", "kind", "points", "text", "hint", "tolerance", "lowest", "highest", "below", "above",
        "changing", "of", "objective", "sense", "target", "constraints", "nonnegative", "within", "start",
    ),
}  # fmt: skip
_PARTIAL = {"typed": 0.0, "shown only": 0.25, "rounded": 0.75, "feasible": 0.5}
_SENSES = ("minimize", "maximize", "target")
_VALID_NAME = re.compile(r"[^\W\d_]{4,}\w*(?:\.\w+)*|[^\W\d_]\w*(?:\.[^\W\d_]\w*)+")  # never like an address
_LONGEST_NAME = 60


@lru_cache(8)
def _opened(data: bytes, name: str) -> Workbook:
    return Workbook.open(stored(data, name))


Make = Callable[..., "OwnAssignment"]


@lru_cache(8)
def read_plan(source: str, place: str, data: bytes, make: Make) -> OwnAssignment:
    """Read an assignment from its TOML and its workbook's bytes. Raises DataError naming place, fault and remedy.

    `make` is the class of what is returned.
    """
    content = tomllib.loads(source)
    _known(content, "", place)
    name = content["workbook"]
    if not isinstance(name, str) or not name:
        raise DataError(f"{place}: workbook = {brief(name)}; name your finished workbook, which lies beside this file.")
    return _Reader(_opened(data, name), place, make).read(content, source)


def _known(entry: Any, kind: str, where: str) -> None:
    """Raise DataError for a table with keys that mean nothing, naming the nearest one that does."""
    if not isinstance(entry, dict):
        raise DataError(f"{where} = {brief(entry)}; write a table [[{kind}]].")
    for key in sorted(entry.keys() - set(KEYS[kind])):
        guess = did_you_mean(key, {name: name for name in KEYS[kind]})
        raise DataError(f"{where}: {brief(key)} is not known; there are {', '.join(KEYS[kind])}{guess or '.'}")


class _Reader:
    def __init__(self, book: Workbook, place: str, make: Make) -> None:
        self.book, self.place, self.make = book, place, make
        self.names = {name_key(entry.name) for entry in book.names}
        self.used: dict[str, Area | None] = {}  # blocks by name

    def read(self, content: Mapping[str, Any], source: str) -> OwnAssignment:
        place = self.place
        if "options" in content and "lesson" not in content:
            raise DataError(f'{place}: [options] are those of a lesson; write lesson = "mlp", or take them out.')
        title = _text(content, "title", place, str(content["workbook"]).rpartition(".")[0])
        partial = content.get("partial", {})
        _known(partial, "partial", f"{place}: partial")
        shares = {name: _number(partial, name, f"{place}, partial", share) for name, share in _PARTIAL.items()}
        for name, share in shares.items():
            if not 0 <= share <= 1:
                raise DataError(f"{place}, partial: {name} = {share:g}; write a share from 0 to 1.")
        varies = tuple(
            self.variation(entry, f"{place}, varies {number}") for number, entry in _tables(content, "varies", place)
        )
        tasks = tuple(self.task(entry, f"{place}, task {number}") for number, entry in _tables(content, "task", place))
        if not tasks:
            raise DataError(f"{place}: has no [[task]]; write at least one.")
        bounds = tuple(
            self.bound(entry, f"{place}, keep {number}") for number, entry in _tables(content, "keep", place)
        )
        self.refuse_overlaps(varies, tasks)
        changed = {name: area for name, area in self.used.items() if area is not None}
        solution = Solution(self.book, [*changed.values(), *(bound.area for bound in bounds)])
        areas = {name: changed[name] for task in tasks for name in task.changed}
        derived = {name: changed[name] for task in tasks if task.of for name in (task.of, *task.changing)}
        return self.make(
            title, str(content.get("lesson", "")), _text(content, "text", place), tasks, content.get("options", {}),
            shares, source, str(content["workbook"]),
            varies, bounds, areas, derived, solution=solution,
        )  # fmt: skip

    # Cells and their names

    def area(self, entry: Mapping[str, Any], where: str, key: str = "cells") -> Area:
        text = entry.get(key)
        if not isinstance(text, str) or not text:
            raise DataError(f'{where}: {key} is missing; write an address or a name, like {key} = "Sheet1!C3:C9".')
        return self.at(text, f"{where}: {key} = {brief(text)}")

    def at(self, text: str, where: str) -> Area:
        found = self.all_at(text, where)
        if len(found) != 1:
            raise DataError(f"{where}: means {len(found)} areas; one is wanted here.")
        return found[0]

    def all_at(self, text: str, where: str) -> list[Area]:
        """Return the areas of an address, a name or a union of them, Sheet1!B2:B4,Sheet1!D2."""
        sheets = list(self.book.sheets)
        try:
            found = self.book.areas(text, sheets[0] if len(sheets) == 1 or "!" not in text else None)
        except EmbedsheetError as fault:
            raise DataError(f"{where}: {fault}") from None
        for area in found:
            refuse_whole(self.book, area, where)
        return found

    def plan(self, entry: Mapping[str, Any], title: str, where: str) -> dict[str, Area]:
        """Return the areas of a Solver task's `cells`, a text or a list of them, by block."""
        cells = entry.get("cells")
        texts = [cells] if isinstance(cells, str) and cells else cells
        if not isinstance(texts, list) or not texts or not all(isinstance(one, str) for one in texts):
            raise DataError(
                f'{where}: cells is missing; write an address or several, like ["Sheet1!C3:C9", "Sheet1!E3"].'
            )
        found = {}
        for text in texts:
            areas = self.all_at(text, f"{where}: cells = {brief(text)}")
            for area in areas:
                found[self.block(text if len(areas) == 1 else "", title, area)] = area
        return found

    def block(self, text: str, title: str, area: Area | None) -> str:
        """Return the name of some cells in students' workbooks: the teacher's own, or one made of the title."""
        same = (entry for entry in self.book.names if name_key(entry.name) == name_key(text))
        own = next((entry for entry in same if entry.sheet is None and not entry.hidden), None)
        if own is not None and area is not None and own.name not in self.used:
            self.used[own.name] = area
            return own.name
        word = re.sub(r"\W+", ".", title).strip("._")[:_LONGEST_NAME]
        if not _VALID_NAME.fullmatch(word):
            word = f"cells.{word}" if word and _VALID_NAME.fullmatch(f"cells.{word}") else "task.cells"
        name, number = word, 2
        while name_key(name) in self.names or name_key(name) in map(name_key, self.used):
            name, number = f"{word}.no{number}", number + 1
        self.used[name] = area
        return name

    def numbers(self, area: Area, where: str) -> np.ndarray[Any, Any]:
        """Return what cells hold, numbers or texts, NaN where nothing; raises DataError for formulas and the like."""
        for cell in area.cells():
            if self.book.formula(cell) is not None:
                raise DataError(f"{where}: {cell} holds a formula; only cells with numbers or texts of their own vary.")
        values = np.array(self.book.values(area), dtype=object)
        texts = np.vectorize(lambda value: isinstance(value, str), otypes=[bool])(values)
        if texts.any():
            if not texts.all():
                raise DataError(f"{where}: {area} holds numbers and texts; write one [[varies]] for each.")
            return values
        filled = [[value if isinstance(value, (int, float)) else math.nan for value in row] for row in values.tolist()]
        numbers = np.array(filled, float)
        if np.isnan(numbers).all():
            raise DataError(f"{where}: {area} is empty; put the numbers of your own solution there.")
        return numbers

    # Entries

    def variation(self, entry: Any, where: str) -> Variation:
        _known(entry, "varies", where)
        area = self.area(entry, where)
        title = _text(entry, "title", where, str(entry["cells"]))
        where = f"{where} ({title})"
        shown = self.numbers(area, where)
        choices = entry.get("list", [])
        low, high = (_number(entry, key, where, math.nan) for key in ("lowest", "highest"))
        spread, step = _number(entry, "spread", where, 20.0), _number(entry, "step", where, 0.0)
        distribution = entry.get("distribution", "even")
        step = max(step, 1.0) if _flag(entry, "whole", where) else step
        if distribution not in DISTRIBUTIONS:
            guess = did_you_mean(str(distribution), {name: name for name in DISTRIBUTIONS})
            raise DataError(
                f"{where}: distribution = {brief(distribution)}; take {', '.join(DISTRIBUTIONS)}{guess or '.'}"
            )
        if not isinstance(choices, list) or not all(isinstance(one, (int, float, str)) for one in choices):
            raise DataError(
                f'{where}: list = {brief(choices)}; write numbers or texts, like [12, 24, 36] or ["A", "B"].'
            )
        texts = shown.dtype == object
        if choices and any(isinstance(one, str) != texts for one in choices):
            raise DataError(f"{where}: the list must hold {'texts' if texts else 'numbers'}, as {area} does.")
        if texts and not choices:
            raise DataError(f'{where}: {area} holds texts; say among which to choose, like list = ["A", "B"].')
        different = _flag(entry, "different", where)
        if different and len(set(choices)) < area.size:
            raise DataError(f"{where}: {len(set(choices))} different entries in the list, {area.size} cells to fill.")
        if math.isnan(low) != math.isnan(high):
            raise DataError(f"{where}: lowest and highest belong together; write both, or spread = 20 (per cent).")
        if low > high:
            raise DataError(f"{where}: lowest = {low:g} is more than highest = {high:g}.")
        if step < 0 or (step and not math.isnan(low) and math.floor(high / step + 1e-9) < math.ceil(low / step - 1e-9)):
            raise DataError(f"{where}: no multiple of step = {step:g} lies between lowest and highest.")
        if not 0 < spread <= 1000:
            raise DataError(f"{where}: spread = {spread:g}; write per cents, like 20.")
        if distribution == "log" and not (low if not math.isnan(low) else np.nanmin(np.where(texts, 1, shown))) > 0:
            raise DataError(f"{where}: distribution = 'log' wants numbers above 0.")
        return Variation(
            self.block(str(entry["cells"]), title, area), area, shown,
            None if math.isnan(low) else low, None if math.isnan(high) else high, spread, step,
            cast(Distribution, distribution), tuple(float(one) if not texts else one for one in choices), different,
            not _flag(entry, "only_grading", where),
        )  # fmt: skip

    def bound(self, entry: Any, where: str) -> Bound:
        _known(entry, "keep", where)
        low, high = _number(entry, "lowest", where, -math.inf), _number(entry, "highest", where, math.inf)
        if low > high or (low, high) == (-math.inf, math.inf):
            raise DataError(f"{where}: write lowest, highest or both, the lowest first.")
        return Bound(self.area(entry, where), low, high)

    def task(self, entry: Any, where: str) -> OwnTask:
        _known(entry, "task", where)
        kind = entry.get("kind", "formula")
        if kind == "block":
            kind = "formula"
        if kind not in KINDS:
            guess = did_you_mean(str(kind), {name: name for name in KINDS})
            raise DataError(f"{where}: kind = {brief(kind)}; take {', '.join(KINDS)}{guess or '.'}")
        title = _text(entry, "title", where, str(entry.get("cells", "Your words")))
        plan = self.plan(entry, title, where) if kind == "solver" else {}
        area = next(iter(plan.values()), None)
        if area is None and (kind != "text" or "cells" in entry):
            area = self.area(entry, where)
        held = self.held(str(entry["cells"]), area) if area is not None and kind == "formula" else frozenset()
        where = f"{where} ({title})"
        points, tolerance = _number(entry, "points", where, 1.0), _number(entry, "tolerance", where, 1e-6)
        if points < 0 or not 0 <= tolerance < 1:
            raise DataError(f"{where}: points cannot be less than 0, and tolerance is a share such as 0.001.")
        block = next(iter(plan), None) or self.block(str(entry.get("cells", "")), title, area)
        task = OwnTask(
            block, "block" if kind == "formula" and area and area.size > 1 else kind, points,
            _text(entry, "text", where, title), _text(entry, "hint", where), tolerance,
            _number(entry, "lowest", where, -1e12), _number(entry, "highest", where, 1e12),
            _number(entry, "below", where, math.inf), title=title, area=area,
            above=_number(entry, "above", where, -math.inf), within=_number(entry, "within", where, 1.0),
            start=_number(entry, "start", where, math.nan), plan=plan, held=held,
        )  # fmt: skip
        if kind in ANSWERED and area is not None:
            self.refuse_unanswered(task, area, where)
        if kind == "derivative" and area is not None:
            task = self.derivative(entry, task, area, where)
        elif kind == "state" and area is not None:
            task = self.state(entry, task, area, where)
        elif plan:
            task = self.solver(entry, task, where)
        return task

    def held(self, text: str, area: Area) -> frozenset[tuple[int, int]]:
        """Return the places in a named block that are no answers: empty or numbers, a state before the first step.

        Whoever writes an address means each of its cells.
        """
        if name_key(text.rpartition("!")[2]) not in self.names:
            return frozenset()
        arrays = [array.area for array in self.book.sheet(area.sheet).arrays.values()]
        values, found = self.book.values(area), set()
        for cell in area.cells():
            place = cell.row - area.top, cell.column - area.left
            one = cell.area
            if (
                self.book.formula(cell) is None
                and not isinstance(values[place[0]][place[1]], str)
                and not any(array.meets(one) for array in arrays)
            ):
                found.add(place)
        return frozenset(found) if len(found) < area.size else frozenset()

    def refuse_unanswered(self, task: OwnTask, area: Area, where: str) -> None:
        arrays = [array.area for array in self.book.sheet(area.sheet).arrays.values()]
        for cell in area.cells():
            if (cell.row - area.top, cell.column - area.left) in task.held:
                continue
            one = cell.area
            array = next((other for other in arrays if other.meets(one)), None)
            if array and not (array.top >= area.top and array.left >= area.left and array.bottom <= area.bottom
                              and array.right <= area.right):  # fmt: skip
                raise DataError(f"{where}: {cell} is part of the array formula in {array.local()}; ask for all of it.")
            if array is None and self.book.formula(cell) is None and task.kind != "number":
                raise DataError(
                    f"{where}: {cell} holds no formula in your workbook; put the right one there, or write "
                    'kind = "number" where a number is to be typed.'
                )
            if self.book.values(one)[0][0] is None and self.book.formula(cell) is None and array is None:
                raise DataError(f"{where}: {cell} is empty in your workbook; put the right answer there.")

    def state(self, entry: Mapping[str, Any], task: OwnTask, area: Area, where: str) -> OwnTask:
        if area.size != 1:
            raise DataError(f"{where}: {area} is {area.size} cells; a state is that of one cell.")
        if (task.below, task.above) == (math.inf, -math.inf):
            raise DataError(f"{where}: write below, above or both: what the cell has to come to.")
        names = self.changing(entry, task, where)
        if not names:
            raise DataError(f'{where}: changing is missing; write which cells may change, like ["Sheet1!B2:B9"].')
        return replace(task, changing=names, changed=names)

    def derivative(self, entry: Mapping[str, Any], task: OwnTask, area: Area, where: str) -> OwnTask:
        of, names = self.area(entry, where, "of"), self.changing(entry, task, where)
        count = sum(one.size for name in names if (one := self.used[name]) is not None)
        if of.size != 1 or count != area.size:
            raise DataError(
                f"{where}: {area} is to hold {area.size} derivatives of {of}, by {count} cells: name one cell as of = "
                '"Sheet1!D5", and as changing = ["Sheet1!B2:B9"] as many cells as there are derivatives.'
            )
        return replace(task, of=self.known(str(entry["of"]), f"{task.title} of", of), changing=names)

    def changing(self, entry: Mapping[str, Any], task: OwnTask, where: str) -> tuple[str, ...]:
        """Return the blocks of the cells that a task calls changing."""
        texts = _texts(entry, "changing", where)
        found = []
        for text in texts:
            areas = self.all_at(text, f"{where}: changing = {brief(text)}")
            for area in areas:
                found.append(self.known(text if len(areas) == 1 else "", f"{task.title} changing", area))
        return tuple(found)

    def known(self, text: str, title: str, area: Area) -> str:
        """Return the block that some cells are already, or a new one; see `block`."""
        found = next((name for name, other in self.used.items() if other == area), None)
        return found or self.block(text, title, area)

    def solver(self, entry: Mapping[str, Any], task: OwnTask, where: str) -> OwnTask:
        from embedsheet.solvers.model import Specification, choose_setup

        sense = entry.get("sense")
        if sense is not None and sense not in _SENSES:
            guess = did_you_mean(str(sense), {name: name for name in _SENSES})
            raise DataError(f"{where}: sense = {brief(sense)}; take {', '.join(_SENSES)}{guess or '.'}")
        objective = None if entry.get("objective") is None else str(self.area(entry, where, "objective"))
        areas = list(task.plan.values())
        sheet = areas[0].sheet if objective is None else self.area(entry, where, "objective").sheet
        try:
            specified = Specification(
                objective,
                list(map(str, areas)) if objective else (),
                cast("Sense | None", sense),
                _number(entry, "target", where, 0.0) if "target" in entry else None,
                _texts(entry, "constraints", where),
                _flag(entry, "nonnegative", where) if "nonnegative" in entry else None,
            )
            setup = choose_setup(self.book, sheet, specified)
        except EmbedsheetError as fault:
            raise DataError(
                f'{where}: {fault} In this file: objective = "Sheet1!D5", constraints = ["Sheet1!B2:B4 <= 10"].'
            ) from None
        if setup.objective is None:
            raise DataError(f'{where}: no objective cell; write one, like objective = "Sheet1!D5".')
        if any(isinstance(one.right, str) for one in setup.constraints):
            raise DataError(f"{where}: a constraint's right side is a formula; put it into a cell and name that.")
        if set(setup.changing) != set(areas):
            cells, mine = (", ".join(map(str, some)) for some in (setup.changing, areas))
            raise DataError(f"{where}: Solver changes {cells}, the task's cells are {mine}; they must be the same.")
        if not 0 <= task.within <= 100:
            raise DataError(f"{where}: within = {task.within:g}; write per cents, like 1.")
        return replace(task, setup=setup, changed=tuple(task.plan))

    def refuse_overlaps(self, varies: Sequence[Variation], tasks: Sequence[OwnTask]) -> None:
        filled = [(task.title, area) for task in tasks for area in task.blanks]
        filled += [(one.name, one.area) for one in varies]
        for place, (title, area) in enumerate(filled):
            for other, theirs in filled[:place]:
                if area.meets(theirs):
                    raise DataError(
                        f"{self.place}: {title} ({area}) and {other} ({theirs}) share cells; each cell once."
                    )


def _tables(content: Mapping[str, Any], key: str, place: str) -> list[tuple[int, Any]]:
    entries = content.get(key, [])
    if not isinstance(entries, list):
        raise DataError(f"{place}: {key} = {brief(entries)}; write tables [[{key}]].")
    return list(enumerate(entries, 1))


def _text(entry: Mapping[str, Any], key: str, where: str, default: str = "") -> str:
    value = entry.get(key, default)
    if not isinstance(value, str):
        raise DataError(f"{where}: {key} = {brief(value)} is no text; put it into quotation marks.")
    return value.strip()


def _texts(entry: Mapping[str, Any], key: str, where: str) -> list[str]:
    values = entry.get(key, [])
    if not isinstance(values, list) or not all(isinstance(one, str) for one in values):
        raise DataError(f'{where}: {key} = {brief(values)}; write a list of texts, like ["Sheet1!B2:B9"].')
    return values


def _flag(entry: Mapping[str, Any], key: str, where: str) -> bool:
    value = entry.get(key, False)
    if not isinstance(value, bool):
        raise DataError(f"{where}: {key} = {brief(value)}; write true or false.")
    return value


def _number(entry: Mapping[str, Any], key: str, where: str, default: float) -> float:
    return number_of(entry[key], f"{where}: {key}") if key in entry else default

"""A workbook that is open in Excel or LibreOffice, read into the same arrays as one from a file, and written back.

Everything is read in blocks, two calls a sheet (values and formulas); the compiler and the solvers then work on the
result as on a file's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.book.edits import Edit
from embedsheet.book.sheet import Sheet
from embedsheet.book.solver_names import READ_OPTIONS, is_solver_model
from embedsheet.book.tables import Table
from embedsheet.ground.errors import ModelError
from embedsheet.ground.keys import name_key
from embedsheet.ground.kinds import BLANK, BOOLEAN, ERROR, ERROR_CODES, NUMBER, TEXT
from embedsheet.ground.notation.addresses import Area, quote_sheet
from embedsheet.ground.strings import Strings
from embedsheet.hosts.live_names import LiveNames
from embedsheet.hosts.protocol import Host, Rows
from embedsheet.workbook import Book, formula_areas

_SOLVER_NAMES = ("solver_opt", "solver_adj", "solver_typ", "solver_val", "solver_neg", "solver_num", "solver_rlx",
                 "solver_eng")  # fmt: skip
# One:Three!A1 or 'My one:three'!A1, which mean the sheets between as well.
_THREE_D = re.compile(r"'[^'!]*:[^'!]*'!|\w:\w[\w.]*!")


def live_workbook(host: Host, model_sheet: str, wanted: Iterable[str] = (), also: Iterable[str] = ()) -> Book:
    """Read `model_sheet` of an open workbook, with its Solver model, and every sheet that its formulas lead to.

    `also` are further sheets to read, where there are such. Names are those that the formulas use and those `wanted`
    that the workbook or a sheet read has. Raises ModelError when the Solver model of the sheet is broken.
    """
    strings = Strings()
    live = host.sheets()
    names = LiveNames(host, wanted)
    tables: dict[str, Table] = {}
    read: dict[str, Sheet] = {}
    solver = _solver_names(host, model_sheet)
    waiting = {model_sheet, *(name for name in also if name in live)}
    while waiting:
        name = waiting.pop()
        read[name] = _read_sheet(host, name, strings)
        texts = [*read[name].formula_texts, *(solver.values() if name == model_sheet else ())]
        if not tables and any("[" in text for text in texts):
            tables = {name_key(table.name): table for table in host.tables()}
        names.follow(name, texts)
        mentioned = _mentioned(live, [*texts, *(found.text for found in names.found)], tables)
        waiting = (waiting | mentioned) - read.keys()
    # The others are there as well, so that names of their cells mean something, but as if they were empty.
    sheets = {name: read.get(name) or _without_cells(name) for name in live}
    for place, one in enumerate(sheets.values()):
        one.index = place
    workbook = Book(
        path=Path(host.path), sheets=sheets, strings=strings, names=names.found, tables=tables,
        formula_areas=formula_areas,
    )  # fmt: skip
    if is_solver_model(solver):
        workbook.setups[model_sheet] = workbook.read_setup(model_sheet, solver)
    return workbook


def write_areas(host: Host, blocks: Sequence[tuple[Area, Rows]]) -> None:
    """Write values into areas, one call an area; all or nothing: a failure puts back what was there."""
    # All is read before the first is written: a program calculates anew after each.
    before = [(area, host.read(area)) for area, _ in blocks]
    begun = 0
    updating, host.updating = host.updating, False
    try:
        for area, rows in blocks:
            begun += 1
            host.write(area, rows)
    except BaseException:
        for area, rows in reversed(before[: max(begun - 1, 0)]):
            host.write(area, rows)
        raise
    finally:
        host.updating = updating


def blocks_of(areas: Sequence[Area], values: NDArray[np.float64]) -> list[tuple[Area, list[list[float]]]]:
    """Cut a flat vector, in the order of the changing cells, into one block of rows an area."""
    blocks = []
    taken = 0
    for area in areas:
        block = values[taken : taken + area.size].reshape(area.shape)
        blocks.append((area, block.tolist()))
        taken += area.size
    return blocks


def _mentioned(live: Iterable[str], texts: Iterable[str], tables: dict[str, Table]) -> set[str]:
    """The sheets that formulas and names lead to; rather one too many than one too few."""
    everything = name_key("\n".join(texts))
    if _THREE_D.search(everything):
        return set(live)
    found = {name for name in live if name_key(f"{quote_sheet(name)}!") in everything}
    return found | {table.area.sheet for name, table in tables.items() if name in everything}


def block_of(edit: Edit, strings: Strings) -> tuple[Area, list[list[Any]]]:
    """Return an edit that fills a rectangle as area and rows; None for a blank."""
    top, left = int(edit.rows.min()), int(edit.columns.min())
    area = Area(edit.sheet, top, left, int(edit.rows.max()), int(edit.columns.max()))
    rows: list[list[Any]] = [[None] * area.shape[1] for _ in range(area.shape[0])]
    for row, column, kind, number in zip(edit.rows, edit.columns, edit.kinds, edit.numbers, strict=True):
        if kind != BLANK:
            value = strings.text(number) if kind == TEXT else float(number)
            rows[row - top][column - left] = value
    return area, rows


def _without_cells(name: str) -> Sheet:
    def none(kind: type) -> NDArray[Any]:
        return np.empty(0, kind)

    return Sheet(
        name=name, index=0, rows=none(np.int32), columns=none(np.int32), kinds=none(np.uint8),
        numbers=none(np.float64), formula_cells=none(np.int32), formula_texts=[], formula_masters=none(np.int32),
        has_stored=none(np.bool_),
    )  # fmt: skip


def _read_sheet(host: Host, name: str, strings: Strings) -> Sheet:
    top, left, values, formulas, spread, hidden = host.contents(name)
    arrays = {(array.area.top, array.area.left): array for array in spread}
    followers = {(cell.row, cell.column) for array in spread for cell in array.area.cells()} - arrays.keys()
    rows: list[int] = []
    columns: list[int] = []
    kinds: list[int] = []
    numbers: list[float] = []
    places: list[int] = []
    texts: list[str] = []
    for row, (line, contents) in enumerate(zip(values, formulas, strict=True), top):
        for column, (value, content) in enumerate(zip(line, contents, strict=True), left):
            # A text that begins with "=" is its own content; a formula's result is not its text.
            is_formula = (
                isinstance(content, str)
                and content.startswith("=")
                and len(content) > 1
                and content != value
                and (row, column) not in followers
            )
            if value is None and not is_formula:
                continue
            if is_formula:
                places.append(len(rows))
                texts.append(content[1:])
            rows.append(row)
            columns.append(column)
            kind, number = _stored(value, is_formula, strings)
            kinds.append(kind)
            numbers.append(number)
    count = len(texts)
    found = Sheet(
        name=name, index=0, rows=np.array(rows, np.int32), columns=np.array(columns, np.int32),
        kinds=np.array(kinds, np.uint8), numbers=np.array(numbers, np.float64),
        formula_cells=np.array(places, np.int32), formula_texts=texts,
        formula_masters=np.arange(count, dtype=np.int32), has_stored=np.ones(count, np.bool_), arrays=arrays,
    )  # fmt: skip
    found.hidden = hidden
    return found


def _stored(value: Any, is_formula: bool, strings: Strings) -> tuple[int, float]:
    if isinstance(value, bool):
        return BOOLEAN, float(value)
    if isinstance(value, int | float):
        return NUMBER, float(value)
    if isinstance(value, str):
        if value in ERROR_CODES:
            return ERROR, float(ERROR_CODES[value])
        return TEXT, float(strings.code(value))
    # xlwings gives None for nothing and for the empty text alike; a formula has no other way to show nothing.
    return (TEXT, float(strings.code(""))) if is_formula else (BLANK, 0.0)


def _solver_names(host: Host, sheet: str) -> dict[str, str]:
    # One by one: these names are hidden, and enumerating all names of a workbook can take minutes on macOS.
    names = host.refers_to(_SOLVER_NAMES, sheet)
    if not is_solver_model(names):
        return {}
    names |= host.refers_to(READ_OPTIONS, sheet)
    try:
        count = int(float(names.get("solver_num", "0").strip('"')))
    except ValueError:
        raise ModelError(f"{sheet}: solver_num is {names['solver_num']!r}; set the model anew in Solver.") from None
    parts = [f"solver_{part}{place}" for place in range(1, count + 1) for part in ("lhs", "rel", "rhs")]
    return names | (host.refers_to(parts, sheet) if parts else {})

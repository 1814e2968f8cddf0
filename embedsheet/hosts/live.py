"""A workbook that is open in Excel or LibreOffice, read into the same arrays as one from a file, and written back.

Everything is read in blocks, two calls a sheet (values and formulas); the compiler and the solvers then work on the
result as on a file's. `book` is an `xlwings.Book` throughout, whichever program stands behind it.
"""

from __future__ import annotations

import datetime
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.book.edits import Edit
from embedsheet.book.sheet import ArrayFormula, Sheet
from embedsheet.book.solver_names import READ_OPTIONS, is_solver_model
from embedsheet.book.tables import Table
from embedsheet.ground.errors import ModelError
from embedsheet.ground.keys import name_key
from embedsheet.ground.kinds import BLANK, BOOLEAN, ERROR, ERROR_CODES, NUMBER, TEXT
from embedsheet.ground.notation.addresses import Area, parse_area, quote_sheet
from embedsheet.ground.strings import Strings
from embedsheet.hosts.live_arrays import array_formulas
from embedsheet.hosts.live_names import LiveNames, refers_to
from embedsheet.workbook import Book, formula_areas

_EPOCH = datetime.datetime(1899, 12, 30)
_SOLVER_NAMES = ("solver_opt", "solver_adj", "solver_typ", "solver_val", "solver_neg", "solver_num", "solver_rlx",
                 "solver_eng")  # fmt: skip
# One:Three!A1 or 'My one:three'!A1, which mean the sheets between as well.
_THREE_D = re.compile(r"'[^'!]*:[^'!]*'!|\w:\w[\w.]*!")


def live_workbook(book: Any, model_sheet: str, wanted: Iterable[str] = (), also: Iterable[str] = ()) -> Book:
    """Read `model_sheet` of an open workbook, with its Solver model, and every sheet that its formulas lead to.

    `also` are further sheets to read, where there are such. Names are those that the formulas use and those `wanted`
    that the workbook or a sheet read has. Raises ModelError when the Solver model of the sheet is broken.
    """
    strings = Strings()
    live = {sheet.name: sheet for sheet in book.sheets}
    names = LiveNames(book, wanted)
    tables: dict[str, Table] = {}
    read: dict[str, Sheet] = {}
    solver = _solver_names(live[model_sheet])
    waiting = {model_sheet, *(name for name in also if name in live)}
    while waiting:
        name = waiting.pop()
        read[name] = _read_sheet(live[name], 0, strings)
        texts = [*read[name].formula_texts, *(solver.values() if name == model_sheet else ())]
        if not tables and any("[" in text for text in texts):
            tables = {name_key(table.name): table for sheet in live.values() for table in _tables(sheet)}
        names.follow(live[name], texts)
        mentioned = _mentioned(live, [*texts, *(found.text for found in names.found)], tables)
        waiting = (waiting | mentioned) - read.keys()
    # The others are there as well, so that names of their cells mean something, but as if they were empty.
    sheets = {name: read.get(name) or _without_cells(name) for name in live}
    for place, one in enumerate(sheets.values()):
        one.index = place
    workbook = Book(
        path=Path(book.fullname), sheets=sheets, strings=strings, names=names.found, tables=tables,
        formula_areas=formula_areas,
    )  # fmt: skip
    if is_solver_model(solver):
        workbook.setups[model_sheet] = workbook.read_setup(model_sheet, solver)
    return workbook


def rows_of(block: Any) -> list[list[Any]]:
    """Return a block as rows, as it comes from xlwings: a scalar for one cell, a flat list for one row."""
    if not isinstance(block, list | tuple):
        return [[block]]
    if block and not isinstance(block[0], list | tuple):
        return [list(block)]
    return [list(row) for row in block]


def read_area(book: Any, area: Area) -> list[list[Any]]:
    """Return the values of an area, row by row: float, str, bool or None."""
    cells = book.sheets[area.sheet].range((area.top, area.left), (area.bottom, area.right))
    return rows_of(cells.options(ndim=2, err_to_str=True, dates=_serial).value)


def write_areas(book: Any, blocks: Sequence[tuple[Area, Sequence[Sequence[Any]]]]) -> None:
    """Write values into areas, one call an area; all or nothing: a failure puts back what was there."""
    done: list[tuple[Area, list[list[Any]]]] = []
    updating = book.app.screen_updating
    book.app.screen_updating = False
    try:
        for area, rows in blocks:
            before = read_area(book, area)
            done.append((area, before))
            _write(book, area, rows)
    except BaseException:
        for area, rows in reversed(done[:-1]):
            _write(book, area, rows)
        raise
    finally:
        book.app.screen_updating = updating


def _write(book: Any, area: Area, rows: Sequence[Sequence[Any]]) -> None:
    cells = book.sheets[area.sheet].range((area.top, area.left), (area.bottom, area.right))
    cells.value = [list(row) for row in rows]


def refusal(sheet: Any) -> str:
    """Why a sheet's cells cannot be changed, with the remedy; "" where they can."""
    if sheet.book.app.engine.name == "libreoffice":
        return str(sheet.impl.refusal)
    protected = sheet.api.protect_contents.get() if sys.platform == "darwin" else sheet.api.ProtectContents
    return f"The sheet {sheet.name} is protected; unprotect it (Review ► Unprotect Sheet)." if protected else ""


def is_saved(book: Any) -> bool:
    """Whether the workbook's file holds what is on the screen."""
    if book.app.engine.name == "libreoffice":
        return bool(book.impl.saved)
    return bool(book.api.saved.get() if sys.platform == "darwin" else book.api.Saved) and Path(book.fullname).is_file()


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


def _serial(year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0,
            microsecond: int = 0, tzinfo: Any = None) -> float:  # fmt: skip
    """The number behind a date, which xlwings' Windows side delivers as a date."""
    moment = datetime.datetime(year, month, day, hour, minute, second, microsecond)
    return (moment - _EPOCH) / datetime.timedelta(days=1)


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


def _read_sheet(sheet: Any, index: int, strings: Strings) -> Sheet:
    used = sheet.used_range
    top, left = used.row, used.column
    values = rows_of(used.options(ndim=2, err_to_str=True, dates=_serial).value)
    formulas = rows_of(used.formula)
    arrays = {(area.top, area.left): ArrayFormula(area, dynamic) for area, dynamic in array_formulas(used)}
    followers = {(cell.row, cell.column) for array in arrays.values() for cell in array.area.cells()} - arrays.keys()
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
        name=sheet.name, index=index, rows=np.array(rows, np.int32), columns=np.array(columns, np.int32),
        kinds=np.array(kinds, np.uint8), numbers=np.array(numbers, np.float64),
        formula_cells=np.array(places, np.int32), formula_texts=texts,
        formula_masters=np.arange(count, dtype=np.int32), has_stored=np.ones(count, np.bool_), arrays=arrays,
    )  # fmt: skip
    found.hidden = not sheet.visible
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


def _tables(sheet: Any) -> Iterator[Table]:
    for table in sheet.tables:
        area = parse_area(table.range.address, sheet.name)
        header = int(bool(table.show_headers))
        first = rows_of(table.range[0, :].options(ndim=2).value)[0] if header else []
        columns = tuple(str(text) for text in first) or tuple(f"Column{n}" for n in range(1, area.shape[1] + 1))
        yield Table(table.name, area, columns, header, int(bool(table.show_totals)))


def _solver_names(sheet: Any) -> dict[str, str]:
    # One by one: these names are hidden, and enumerating all names of a workbook can take minutes on macOS.
    scope = sheet.names
    names: dict[str, str] = {}
    for name in _SOLVER_NAMES:
        if (text := refers_to(scope, name)) is not None:
            names[name] = text
    if not is_solver_model(names):
        return {}
    for name in READ_OPTIONS:
        if (text := refers_to(scope, name)) is not None:
            names[name] = text
    try:
        count = int(float(names.get("solver_num", "0").strip('"')))
    except ValueError:
        raise ModelError(
            f"{sheet.name}: solver_num is {names['solver_num']!r}; set the model anew in Solver."
        ) from None
    for place in range(1, count + 1):
        for part in ("lhs", "rel", "rhs"):
            if (value := refers_to(scope, f"solver_{part}{place}")) is not None:
                names[f"solver_{part}{place}"] = value
    return names

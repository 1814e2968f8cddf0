"""Formulas of every function in which exactly one argument differs from cell to cell, made from the function table.

A case is a function with its arguments and the place of one of them. Its cells, as many as there are copies of the
inputs, are the same but for that argument, which reads another copy in each; `FILLS` says how it is written and where
the cells stand. Arguments come from `function_samples` where a function has some there, else from the letters of its
parameters: those that give a result rather than an error are taken.
"""

from __future__ import annotations

import functools
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xlsxwriter

from embedsheet.formulas.functions.table import FUNCTIONS, parameter
from embedsheet.ground.notation.addresses import column_letters, column_number
from kit.agreement import same
from kit.function_samples import CONSTANTS, POINTS, SAMPLES
from kit.judges import CellValue, embedsheet_values, write_book
from kit.twin_arguments import ORDINARY

COPIES = 4
WIDTH, HEIGHT = 4, 10  # from copy to copy, to the right and down

# What stands in B1:C9 of the copies: numbers, texts, truth values, blanks and errors that differ.
_OWN: list[dict[str, CellValue]] = [
    {},
    {"A6": None, "A8": "text", "B1": 3, "B3": "apple", "B6": 4, "B7": 2, "B9": 3},
    {"A5": True, "A7": "=1/0", "B1": 1, "B2": 0.25, "B3": 5, "B8": None},
    {"A9": "0.5", "B1": 2, "B3": "TEXT", "B4": "=NA()", "B5": 7, "B6": 2},
]
_OPTIONS: dict[str, list[CellValue]] = {
    "C1": [1, 2, 3, 2], "C2": [2, 1, 1, 3], "C3": [True, False, True, False], "C4": [0, 1, 0, -1],
    "C5": ["ab-cd", "x", "A-b-c", "-"], "C6": [0.1, 0.25, 0.5, 0.9], "C7": [5, 7, 9, 12],
    "C8": [40000, 40123.25, 43860.5, 44196], "C9": ["-", "b", "c", ""],
}  # fmt: skip
_CELL = re.compile(r"(?<![A-Z.\"$])([ABC])([1-9])(?![0-9(.])")
_RANGE = re.compile(rf"{_CELL.pattern}(:{_CELL.pattern})?")
# What an argument may be when nothing else is known of it; the first of each list that gives results are taken.
_BY_LETTER = {
    "v": ["A1", "C1", "C7", "C5", "C8", "C3", "B6", "C6", "C9", "C2"],
    "r": ["A1:A9", "B1:B9", "A1:B4", "C1:C4", "C1"],
    "a": ["A1:A4", "A5:A8", "B1:B4", "A1:B2", "C6:C7"],
}
_MOST_TRIED = 40
# What an argument may be where it should not: as many threes as there are rotations.
_ODD: list[CellValue] = [0, -1, "x", "=NA()", True, 1e9, None, "", 0.5, "3", 2, "=1/0"]


@dataclass(frozen=True)
class Case:
    """A call of a function in which the argument at `place` differs from cell to cell."""

    name: str
    arguments: tuple[str, ...]
    place: int

    def __str__(self) -> str:
        return f"{self.name}({','.join(self.arguments)}) by argument {self.place + 1}"

    @property
    def own(self) -> str:
        """The argument that differs."""
        return self.arguments[self.place]

    def formula(self, own: str, sheet: str = "") -> str:
        """Return the call with another text for the argument that differs, all others fixed by `$`."""
        rest = [fixed(argument, sheet) for argument in self.arguments]
        return f"{self.name}({','.join([*rest[: self.place], own, *rest[self.place + 1 :]])})"


def inputs(copy: int) -> dict[str, CellValue]:
    """Return what stands in A1:C9 of a copy."""
    numbers = np.roll(POINTS[copy % 2], copy)
    return {
        **{f"A{row}": float(number) for row, number in enumerate(numbers, 1)}, **CONSTANTS, **_OWN[copy],
        **{address: values[copy] for address, values in _OPTIONS.items()},
    }  # fmt: skip


def changing_cells(copies: Sequence[int], down: bool = False, equal: bool = False) -> list[str]:
    """Return the addresses of the numbers of copies, where they stand to the right or below; `equal` as in a book."""
    return [
        _address(int(address[1:]) - 1 + HEIGHT * copy * down, column_number(address[0]) - 1 + WIDTH * copy * (not down))
        for copy in copies
        for address, value in inputs(0 if equal else copy).items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    ]


def _replaced(text: str, change: Callable[[str, int], str], sheet: str = "") -> str:
    """Return a formula's text with other references; texts in quotes stay."""

    def whole(match: re.Match[str]) -> str:
        first = sheet + change(match[1], int(match[2]))
        return f"{first}:{change(match[4], int(match[5]))}" if match[3] else first

    parts = re.split(r'("[^"]*")', text)
    return "".join(part if part.startswith('"') else _RANGE.sub(whole, part) for part in parts)


def shifted(text: str, down: int = 0, right: int = 0, sheet: str = "") -> str:
    """Return an argument that reads cells further down and to the right, by relative references."""
    return _replaced(text, lambda column, row: column_letters(column_number(column) + right) + str(row + down), sheet)


def fixed(text: str, sheet: str = "", right: int = 0) -> str:
    """Return an argument with all its references fixed by `$`."""
    return _replaced(text, lambda column, row: f"${column_letters(column_number(column) + right)}${row}", sheet)


def _calls(name: str) -> Iterator[tuple[str, ...]]:
    """Yield the arguments of the calls of a function in its samples, or those that people give it."""
    for text in SAMPLES.get(name, [f"{name}({ORDINARY[name]})"] if name in ORDINARY else []):
        if 'INDIRECT("R"' in text:
            continue  # names a cell of the sheet that it stands in, where alone no other formulas stand
        start = re.search(rf"(?<![A-Z.]){re.escape(name)}\(", text)
        if start is not None:
            yield tuple(_split(text[start.end() :]))


def _split(text: str) -> Iterator[str]:
    """Yield the arguments at the beginning of a text, up to the bracket that closes the call."""
    depth, quoted, begun = 0, False, 0
    for place, letter in enumerate(text):
        quoted ^= letter == '"'
        if quoted:
            continue
        if not depth and letter in ",)":
            if place or letter == ",":
                yield text[begun:place]
            begun = place + 1
            if letter == ")":
                return
        depth += (letter in "({") - (letter in ")}")


def _tries(name: str) -> Iterator[tuple[str, ...]]:
    """Yield arguments that a function may take, by the letters of its parameters."""
    row = FUNCTIONS[name]
    plain, _, group = row.parameters.partition("(")
    most = min(row.most, len(plain) + 2 * len(group.rstrip(")")))
    chance = np.random.default_rng(len(name))
    for count in dict.fromkeys((most, row.least)):
        lists = [_BY_LETTER[parameter(row, place).replace("c", "v")] for place in range(count)]
        for start in range(max(map(len, lists), default=0)):
            yield tuple(texts[start % len(texts)] for texts in lists)
        for _ in range(_MOST_TRIED // 2):
            yield tuple(str(chance.choice(texts)) for texts in lists)


@functools.cache
def working_calls(most: int) -> dict[str, list[tuple[str, ...]]]:
    """Return up to `most` lists of arguments for each function, those before others that give a result."""
    good: dict[str, list[tuple[str, ...]]] = {name: list(dict.fromkeys(_calls(name)))[:most] for name in FUNCTIONS}
    tried = {
        name: list(dict.fromkeys(_tries(name)))[:_MOST_TRIED] for name, several in good.items() if len(several) < most
    }
    places = [(name, arguments) for name, several in tried.items() for arguments in several]
    sheet = {**inputs(0), **{f"Z{row}": f"={n}({','.join(a)})" for row, (n, a) in enumerate(places, 1)}}
    with tempfile.TemporaryDirectory() as folder:
        values = embedsheet_values(write_book(Path(folder) / "tries.xlsx", {"S": sheet}))["S"]
    for row, (name, arguments) in enumerate(places, 1):
        failed = str(values.get(f"Z{row}", "")).startswith(("#", "unsupported"))
        if len(good[name]) < most and not failed:
            good[name].append(arguments)
    for name, several in good.items():
        several += [] if several else tried[name][:1]
    return good


@functools.cache
def cases(most: int) -> list[Case]:
    """Return the cases of all functions, with up to `most` lists of arguments for each."""
    found = []
    for name, several in working_calls(most).items():
        for arguments in several:
            for place, text in enumerate(arguments):
                found += [
                    Case(name, (*arguments[:place], own, *arguments[place + 1 :]), place) for own in _varying(text)
                ]
    return list(dict.fromkeys(found))


def _varying(text: str) -> list[str]:
    """Return an argument as it differs from copy to copy: with references, if it had none."""
    if _replaced(text, lambda *_: "") != text:
        return [text]
    if text.upper() in ("TRUE", "FALSE"):
        return ["C3"]
    if text.startswith('"'):
        return ["C9", "C5"]
    if text.startswith("{"):
        return [f"{text}+C4"]
    return [] if "LAMBDA" in text else ["C1", "C4"]


class Book:
    """The workbook of some cases: inputs, the arrays, names and table columns that arguments want, and the formulas."""

    def __init__(self) -> None:
        self.spills: dict[str, int] = {}
        self.names: dict[str, int] = {}
        self.columns: dict[str, int] = {}
        self.odd: dict[tuple[int, int], CellValue] = {}
        self.formulas: dict[tuple[str, int, int], str] = {}

    def add(self, fill: str, case: Case, number: int, copies: Iterable[int]) -> dict[int, tuple[str, int, int]]:
        """Add the cells of a case and return where those of the copies stand; nothing if it cannot be written so."""
        places = {}
        for copy in copies:
            cell = FILLS[fill](self, case, number, copy)
            if cell is not None:
                places[copy] = (fill, *cell[:2])
                self.formulas[places[copy]] = cell[2]
        return places

    def addresses(self) -> list[tuple[str, str]]:
        """Return sheet and address of each formula."""
        return [(place[0], self.address(place)) for place in self.formulas]

    @staticmethod
    def address(place: tuple[str, int, int]) -> str:
        """Return the address of a formula on its sheet."""
        return _address(*place[1:])

    def write(self, path: Path, equal: bool = False) -> Path:
        """Write the workbook, without stored results; `equal`: all copies hold what the first does."""
        with xlsxwriter.Workbook(path, {"use_future_functions": True}) as book:
            sheet = book.add_worksheet("S")
            for copy in range(COPIES):
                for address, value in inputs(0 if equal else copy).items():
                    column, row = column_number(address[0]) - 1, int(address[1:]) - 1
                    for there in {(row, column + WIDTH * copy), (row + HEIGHT * copy, column)}:
                        _write(sheet, *there, value)
            arrays = book.add_worksheet("P")
            for text, place in self.spills.items():
                for copy in range(COPIES):
                    top, left, bottom, right = _corners(text)
                    height, width = max(bottom - top - copy % 3, 0), right - left
                    row, column = HEIGHT * place, WIDTH * copy
                    source = f"S!{_address(top, left + WIDTH * copy)}:{_address(top + height, right + WIDTH * copy)}"
                    arrays.write_array_formula(row, column, row + height, column + width, f"={source}")
            for text, place in self.names.items():
                book.define_name(f"own.{place}", "=" + _replaced(text, lambda column, row: f"{column}${row}", "S!"))
            odd = book.add_worksheet("O")
            for there, value in self.odd.items():
                _write(odd, *there, value)
            sheets = {fill: book.add_worksheet(fill) for fill in dict.fromkeys(fill for fill, *_ in self.formulas)}
            if self.columns:
                headers = [{"header": f"c{place}"} for place in self.columns.values()]
                sheets["table"].add_table(0, 0, COPIES, len(headers) - 1, {"name": "Own", "columns": headers})
                for text, place in self.columns.items():
                    for copy in range(COPIES):
                        formula = shifted(text, right=WIDTH * copy, sheet="S!")
                        sheets["table"].write_formula(copy + 1, place, f"={formula}")
            for (fill, row, column), formula in self.formulas.items():
                _write(sheets[fill], row, column, formula)
        return path


def _right(_: Book, case: Case, number: int, copy: int) -> tuple[int, int, str]:
    return number, WIDTH * copy, "=" + case.formula(shifted(case.own, right=WIDTH * copy, sheet="S!"), "S!")


def _down(_: Book, case: Case, number: int, copy: int) -> tuple[int, int, str]:
    # A judge that takes every formula as dynamic finds room here for what it spills.
    return HEIGHT * copy, WIDTH * number, "=" + case.formula(shifted(case.own, down=HEIGHT * copy, sheet="S!"), "S!")


def _growing(_: Book, case: Case, number: int, copy: int) -> tuple[int, int, str] | None:
    """A range that begins at one cell and ends further down from cell to cell, as running totals have it."""
    text = _grown(case.own, copy)
    return text and (copy, number, f"={case.formula(text, 'S!')}")


def _grown(own: str, copy: int) -> str | None:
    corners = _corners(own)
    if corners is None or corners[0] == corners[2]:
        return None
    top, left, bottom, right = corners
    # The last row is COPIES − 1 further up in the first cell, but a range has a row at least.
    last = max(bottom - COPIES + 1, top) + copy
    return f"S!${column_letters(left + 1)}${top + 1}:{_address(last, right)}"


def _scattered(_: Book, case: Case, number: int, copy: int) -> tuple[int, int, str]:
    """All references are fixed, so that no cell is filled on from another: `alike` joins them, those of each case."""
    call = case.formula(fixed(case.own, "S!", WIDTH * copy), "S!")
    return number, WIDTH * copy, f'=IF(TRUE,{call},"{number}")'


def _array(_: Book, case: Case, number: int, copy: int) -> tuple[int, int, str]:
    """An array that is no range, in an array formula."""
    own = f"TRANSPOSE(TRANSPOSE({shifted(case.own, right=WIDTH * copy, sheet='S!')}))"
    return number, WIDTH * copy, "{=" + case.formula(own, "S!") + "}"


def _growing_array(_: Book, case: Case, number: int, copy: int) -> tuple[int, int, str] | None:
    text = _grown(case.own, copy)
    return text and (copy, number, "{=" + case.formula(f"TRANSPOSE(TRANSPOSE({text}))", "S!") + "}")


def _list(_: Book, case: Case, number: int, copy: int) -> tuple[int, int, str] | None:
    """A list where one value is wanted, longer from cell to cell: what is given for each of its values."""
    corners = _corners(case.own)
    if corners is None or corners[0] != corners[2]:
        return None
    top, left = corners[:2]
    last = f"{column_letters(left + 1)}{min(top, 9 - COPIES) + 1 + copy}"
    own = f"S!${column_letters(left + 1)}${min(top, 9 - COPIES) + 1}:{last}"
    call = case.formula(f"TRANSPOSE(TRANSPOSE({own}))", "S!")
    return copy, number, f'{{=TEXTJOIN("|",FALSE,IFERROR({call},"!"))}}'


def _spill(book: Book, case: Case, number: int, copy: int) -> tuple[int, int, str] | None:
    """What an array formula fills, of a size of its own in each copy."""
    if _corners(case.own) is None:
        return None
    place = book.spills.setdefault(case.own, len(book.spills))
    anchor = f"_xlfn.ANCHORARRAY(P!{_address(HEIGHT * place, WIDTH * copy)})"
    return number, WIDTH * copy, "=" + case.formula(anchor, "S!")


def _name(book: Book, case: Case, number: int, copy: int) -> tuple[int, int, str]:
    """A name whose cells lie where the cell that uses it lies."""
    place = book.names.setdefault(case.own, len(book.names))
    return number, WIDTH * copy, "=" + case.formula(f"own.{place}", "S!")


def _table(book: Book, case: Case, number: int, copy: int) -> tuple[int, int, str] | None:
    """A column of a table in the cell's own row."""
    if ":" in case.own:
        return None
    place = book.columns.setdefault(case.own, len(book.columns))
    return copy + 1, 500 + number, "=" + case.formula(f"Own[[#This Row],[c{place}]]", "S!")


def _odd(rotation: int, book: Book, case: Case, number: int, copy: int) -> tuple[int, int, str] | None:
    """A cell or range of its own on another sheet: in the first copy as it should be, in others with an odd value."""
    corners = _corners(case.own)
    if corners is None and ":" in case.own:
        return None
    row, column = HEIGHT * number, WIDTH * copy
    top, left, bottom, right = corners or (0, 0, 0, 0)
    for down, across in np.ndindex(bottom - top + 1, right - left + 1):
        address = _address(top + down, left + across)
        book.odd[row + down, column + across] = inputs(0).get(address) if corners else f"={fixed(case.own, 'S!')}"
    turn = (number + rotation) % (len(_ODD) // (COPIES - 1))
    if copy:
        book.odd[row + turn % (bottom - top + 1), column] = _ODD[turn * (COPIES - 1) + copy - 1]
    last = f":{_address(row + bottom - top, column + right - left)}" if ":" in case.own else ""
    return number, column, "=" + case.formula(f"O!{_address(row, column)}{last}", "S!")


FILLS: dict[str, Callable[[Book, Case, int, int], tuple[int, int, str] | None]] = {
    "right": _right, "down": _down, "growing": _growing, "scattered": _scattered, "array": _array,
    "growing array": _growing_array, "list": _list, "spill": _spill, "name": _name, "table": _table,
    **{f"odd {rotation}": functools.partial(_odd, rotation) for rotation in range(4)},
}  # fmt: skip


def _corners(text: str) -> tuple[int, int, int, int] | None:
    """Return (top, left, bottom, right), from 0, of an argument that is one range or cell."""
    match = _RANGE.fullmatch(text)
    if match is None:
        return None
    column, row, last_column, last_row = match[1], match[2], match[4] or match[1], match[5] or match[2]
    return int(row) - 1, column_number(column) - 1, int(last_row) - 1, column_number(last_column) - 1


def is_single(text: str) -> bool:
    """Return whether an argument is one cell."""
    corners = _corners(text)
    return corners is not None and corners[:2] == corners[2:]


def _address(row: int, column: int) -> str:
    return f"{column_letters(column + 1)}{row + 1}"


def _write(sheet: Any, row: int, column: int, value: CellValue) -> None:
    sheet.use_future_functions = "NORMS" not in str(value)  # XlsxWriter takes NORMSDIST for NORM.DIST
    if isinstance(value, str) and value.startswith("{="):
        sheet.write_array_formula(row, column, row, column, value)
    elif isinstance(value, str) and value.startswith("="):
        sheet.write_formula(row, column, value)
    elif value is not None:
        sheet.write(row, column, value)


def _refused(value: CellValue) -> bool:
    return str(value).startswith("unsupported")


def apart(fill: str, several: Sequence[Case], folder: Path) -> list[str]:
    """Return the cells of cases that have another result together than each alone, in words."""
    together = Book()
    places = [together.add(fill, case, number, range(COPIES)) for number, case in enumerate(several)]
    values = embedsheet_values(together.write(folder / "together.xlsx"))
    found = []
    for copy in range(COPIES):
        single = Book()
        for number, case in enumerate(several):
            single.add(fill, case, number, [copy])
        alone = embedsheet_values(single.write(folder / f"{copy}.xlsx"))
        for case, of_copies in zip(several, places, strict=True):
            if copy in of_copies:
                sheet, row, column = of_copies[copy]
                mine, theirs = (of.get(sheet, {}).get(_address(row, column)) for of in (values, alone))
                if not (same(mine, theirs) or (_refused(mine) and _refused(theirs))):
                    found.append(f"{fill}, cell {copy + 1}: {case} is {mine!r}, alone {theirs!r}")
    return found

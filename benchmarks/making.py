"""Making workbooks, and `--help`: in a fresh process, and beside XlsxWriter alone writing the same cells.

    python -m benchmarks.making

From a fresh process the fastest of several runs counts, and its memory. Bare XlsxWriter writes every number, text and
formula of the finished workbook with its stored result, and nothing else: no styles, charts, notes or names. It takes
turns with ours in this process; the fastest of each counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import xlsxwriter

import embedsheet as es
from benchmarks.books import every_rating, folder, lesson
from benchmarks.measure import embedsheet, in_turns
from benchmarks.row import Row, tell
from embedsheet.ground.kinds import BLANK, NUMBER
from embedsheet.ground.notation.addresses import Cell
from embedsheet.lessons.movielens import build

PART = "Making workbooks"
# Row and column from 0, a formula or None, a number or a text.
Cells = dict[str, list[tuple[int, int, str | None, float | str]]]


def rows() -> Iterator[Row]:
    """Yield the fresh processes, then both writers beside each other."""
    shown = min(embedsheet("--help") for _ in range(5))
    yield Row(PART, "`embedsheet --help`, fresh process", shown.seconds, most=0.5)
    small = min(embedsheet("new", "movielens", "-o", folder() / "a.xlsx", "--force") for _ in range(3))
    yield Row(PART, "`new movielens`, fresh process", small.seconds, note=f"{small.megabytes:,.0f} MB")
    large = embedsheet("new", "movielens", "--all", "-o", folder() / "a.xlsx", "--force")
    yield Row(PART, "`new movielens --all`, fresh process", large.seconds, most=30,
              note=f"once; {large.processor:.1f} s of processor")  # fmt: skip
    yield Row(PART, "`new movielens --all`: memory", large.megabytes, "MB", most=1500)
    for what, book, every, rounds in (
        ("15 × 15 with all sheets", lesson(), False, 5),
        ("100,004 ratings", every_rating(), True, 1),
    ):
        cells = read(book)
        count = sum(map(len, cells.values()))
        ours, theirs = in_turns(_make(every), _write(cells, every), rounds=rounds).least()
        yield Row(PART, what, ours, rival="XlsxWriter, cells alone", theirs=theirs, note=f"{count:,} cells")


def read(path: Path) -> Cells:
    """Return what a workbook's cells hold, by sheet."""
    book = es.open(path)
    cells: Cells = {}
    for name, sheet in book.sheets.items():
        formulas = set(sheet.formula_cells.tolist())
        held = cells.setdefault(name, [])
        for place in range(len(sheet.rows)):
            row, column, kind = int(sheet.rows[place]), int(sheet.columns[place]), sheet.kinds[place]
            formula = book.formula(Cell(name, row, column)) if place in formulas else None
            if kind == BLANK and formula is None:
                continue
            number = float(sheet.numbers[place])
            value = number if kind == NUMBER else "" if kind == BLANK else book.strings.text(number)
            held.append((row - 1, column - 1, formula, value))
    return cells


def _make(every: bool) -> Callable[[], None]:
    return lambda: build(folder() / "b.xlsx", all_ratings=every, force=True) and None


def _write(cells: Cells, row_by_row: bool) -> Callable[[], None]:
    def work() -> None:
        with xlsxwriter.Workbook(folder() / "c.xlsx", {"constant_memory": row_by_row}) as book:
            for name, held in cells.items():
                sheet = book.add_worksheet(name)
                for row, column, formula, value in held:
                    if formula is not None:
                        sheet.write_formula(row, column, f"={formula}", None, value)
                    elif isinstance(value, str):
                        sheet.write_string(row, column, value)
                    else:
                        sheet.write_number(row, column, value)

    return work


if __name__ == "__main__":
    tell(rows())

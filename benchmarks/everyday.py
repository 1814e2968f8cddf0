"""Everyday formulas filled down far: counts and ranks over a shared range, typed keys, running sums.

    python -m benchmarks.everyday [--quick]

Each is one workbook, recalculated once in a fresh process; what counts is its processor time, the start of Python
included. 5,000 to 100,000 rows, a tenth of that with --quick.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import xlsxwriter

from benchmarks.books import folder
from benchmarks.measure import embedsheet
from benchmarks.row import Row, tell

PART = "Everyday formulas filled down"
MOST = 3.0  # seconds

FORMULAS: dict[str, tuple[int, Callable[[int, int], str]]] = {
    'COUNTIF(range,">"&cell)': (5_000, lambda row, last: f'=COUNTIF($A$1:$A${last},">"&A{row})'),
    "COUNTIFS with two relations": (
        5_000, lambda row, last: f'=COUNTIFS($A$1:$A${last},">"&A{row},$B$1:$B${last},"<="&B{row})'
    ),
    "VLOOKUP of typed keys": (20_000, lambda row, last: f"=VLOOKUP({row},$A$1:$B${last},2,FALSE)"),
    "SUM(A$1:An)": (20_000, lambda row, last: f"=SUM(A$1:A{row})"),
    "COUNTIF(range,cell)": (100_000, lambda row, last: f"=COUNTIF($A$1:$A${last},A{row})"),
    'SUMIF(range,">="&cell)': (100_000, lambda row, last: f'=SUMIF($A$1:$A${last},">="&A{row})'),
    "RANK": (100_000, lambda row, last: f"=RANK(A{row},$A$1:$A${last})"),
    "MATCH(cell,range,0)": (100_000, lambda row, last: f"=MATCH(A{row},$A$1:$A${last},0)"),
    "FREQUENCY(range,cell)": (100_000, lambda row, last: f"=FREQUENCY($A$1:$A${last},A{row})"),
}  # fmt: skip


def rows() -> Iterator[Row]:
    """Yield the processor seconds of each formula."""
    for place, (name, (count, formula)) in enumerate(FORMULAS.items()):
        last = count // 10 if "--quick" in sys.argv else count
        path = folder() / f"everyday{place}.xlsx"
        book = xlsxwriter.Workbook(str(path))
        page = book.add_worksheet()
        for row in range(1, last + 1):
            page.write_row(row - 1, 0, [row * 7919 % 50_021, row % 7])
            page.write_formula(row - 1, 2, formula(row, last))
        book.close()
        done = embedsheet("recalculate", path, "--dry-run")
        yield Row(PART, f"{name}, {last:,} rows", done.processor, most=MOST, note=f"{done.megabytes:.0f} MB")


if __name__ == "__main__":
    tell(rows())

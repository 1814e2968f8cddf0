"""Changing 150 cells of a workbook: embedsheet's open and lossless save, beside openpyxl's load and save.

    python -m benchmarks.saving

Both write a copy. They take turns; the fastest of each counts. A part of the file is kept when its content is the same
byte for byte.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import openpyxl

import embedsheet as es
from benchmarks.books import folder, lesson, some_ratings
from benchmarks.measure import in_turns
from benchmarks.row import Row, tell

PART = "Opening a workbook, changing 150 cells, saving"
COUNT = 30_000


def rows() -> Iterator[Row]:
    """Yield one row a workbook."""
    for what, path, rounds in (
        ("`new movielens`", lesson(), 5),
        (f"{COUNT:,} ratings, one a row", some_ratings(COUNT), 1),
    ):
        mine, other = folder() / "mine.xlsx", folder() / "other.xlsx"
        seconds = in_turns(partial(ours, path, mine), partial(theirs, path, other), rounds=rounds).least()
        kept, lost, parts = same_parts(path, mine), same_parts(path, other), len(parts_of(path))
        yield Row(PART, what, seconds[0], rival="openpyxl", theirs=seconds[1],
                  note=f"parts of the file kept: {kept} / {lost} of {parts}")  # fmt: skip


def ours(path: Path, target: Path) -> None:
    """Set the first 150 changing cells to 1 with embedsheet."""
    book = es.open(path)
    setup = next(iter(book.setups.values()))
    edits, left = [], 150
    for area in setup.changing:
        top = area._replace(bottom=min(area.bottom, area.top + left // area.shape[1] - 1))
        edits.append(es.Edit.of_numbers(top, np.ones(top.shape)))
        left -= top.shape[0] * top.shape[1]
        if left <= 0:
            break
    book.save(edits, target)


def theirs(path: Path, target: Path) -> None:
    """Do it with openpyxl; which 150 cells makes no difference to it."""
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[1]
    for row in range(150):
        sheet.cell(row + 8, 3).value = 1.0
    book.save(target)


def parts_of(path: Path) -> dict[str, bytes]:
    """Return the content of a file's parts by name."""
    with zipfile.ZipFile(path) as package:
        return {name: package.read(name) for name in package.namelist()}


def same_parts(before: Path, after: Path) -> int:
    """Return how many parts of the first file the second has too, byte for byte."""
    new = parts_of(after)
    return sum(new.get(name) == content for name, content in parts_of(before).items())


if __name__ == "__main__":
    tell(rows())

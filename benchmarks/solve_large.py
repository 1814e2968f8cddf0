"""Large workbooks: read, compile, 100 iterations, write, in a fresh process timed from its start to its end.

    python -m benchmarks.solve_large [--quick]

`new movielens --all` of 10,000, of 30,000 and of all 100,004 ratings, and all ratings with every lookup in a cell of
its own (15 formulas a rating). Without --quick also 713,737 ratings made up in GroupLens' form, five million cells,
whose bars are seconds of processor and memory. Each runs once, the largest twice, of which the one that took less
processor counts: the first after a pause takes up to a tenth more. Processor time is little disturbed by other work.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks import books
from benchmarks.measure import Run, python
from benchmarks.row import Row, tell

PART = "Large workbooks: read, compile, 100 iterations, write"
COUNTS = (10_000, 30_000)
MANY = 713_737
SOLVE = """
import json, sys
from embedsheet.solver import solve
print(json.dumps(solve(sys.argv[1], max_iterations=100, output=sys.argv[2], force=True).as_dict()))
"""


def rows() -> Iterator[Row]:
    """Yield seconds and memory of every workbook."""
    for count in COUNTS:
        yield _seconds(f"{count:,} ratings", solved(books.some_ratings(count)), count)
    every = solved(books.every_rating())
    yield _seconds("100,004 ratings, 4 formulas each", every, 100_004, most=4)
    yield _memory("100,004 ratings, 4 formulas each", every, most=600)
    lookups = solved(books.every_lookup())
    yield _seconds("100,004 ratings, 15 formulas each", lookups, 100_004, most=40)
    yield _memory("100,004 ratings, 15 formulas each", lookups)
    if "--quick" not in sys.argv:
        many = min((solved(books.made_up_ratings(MANY)) for _ in range(2)), key=lambda run: run.processor)
        note = f"{many.seconds:.1f} s by the clock"
        yield Row(PART, f"{MANY:,} ratings, 4 formulas each: processor", many.processor, most=20, note=note)
        yield _memory(f"{MANY:,} ratings, 4 formulas each", many, most=2000)


def solved(book: Path) -> Run:
    """Solve a copy of a workbook in a fresh process."""
    return python("-c", SOLVE, book, books.folder() / "solved.xlsx")


def _seconds(work: str, run: Run, ratings: int, most: float | None = None) -> Row:
    told = json.loads(run.printed)
    parts = ", ".join(f"{phase} {spent:.1f} s" for phase, spent in told["seconds"].items())
    note = (
        f"{run.seconds / ratings * 1e6:.0f} µs a rating; {parts}; {run.processor:.1f} s of processor; "
        f"RMSE {told['objective_before']:.3f} → {told['objective_after']:.4f}, {told['cells_written']:,} cells written"
    )
    return Row(PART, work, run.seconds, most=most, note=note)


def _memory(work: str, run: Run, most: float | None = None) -> Row:
    return Row(PART, f"{work}: memory", run.megabytes, "MB", most=most)


if __name__ == "__main__":
    tell(rows())

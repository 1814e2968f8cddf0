"""Models on which a gradient does not lead to the best: the known optimum, beside other solvers from the same start.

    python -m benchmarks.solve_global [--quick]

Each solver gets the same workbook and the same start several times, ours and scipy's with other seeds. What counts is
the share of runs that come within 1e-4 of the known optimum, and the median seconds of a run, file to result. Without
the rivals of whole programs with --quick.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import openpyxl

import embedsheet as es
from benchmarks import solver_rivals as rivals
from benchmarks.books import folder
from benchmarks.row import Row, tell
from embedsheet.ground.notation.addresses import Cell

PART = "Solving where gradients do not lead (known optimum)"
SHEET, RUNS, SECONDS, NEAR = "Model", 5, 60.0, 1e-4
# What is computed of each changing cell {x}, summed up; the cells' number, bounds and start; the optimum; our method.
MODELS: dict[str, tuple[str, int, float, float, float, float, str]] = {
    # Rastrigin 1974: 0 at 0, beside 11 to the power of cells other valleys.
    "Rastrigin, 5 cells": ("10+{x}^2-10*COS(2*PI()*{x})", 5, -5.12, 5.12, 3.3, 0.0, "global"),
    # A step down at 2, a fixed charge above 0: each cell costs 4 at 0; above 0 it costs 3 and what it is off 2.
    "IF and ROUNDUP, 8 cells": ("IF({x}>0,3,4)+ABS(ROUNDUP({x},0)-2)", 8, 0.0, 9.0, 7.5, 24.0, "auto"),
}


def rows() -> Iterator[Row]:
    """Yield one row a model and rival."""
    for name, (term, count, low, high, start, optimum, method) in MODELS.items():
        path = _book(folder() / f"global-{count}.xlsx", term, count, start)
        model = rivals.Box(
            Cell(SHEET, 1, 3), [(row, 1) for row in range(1, count + 1)], np.full(count, start), low, high
        )
        ours = _runs(lambda seed, path=path, model=model, method=method: _ours(path, model, seed, method), optimum)
        work = f"{name}: median run of {RUNS}"
        others: dict[str, Callable[[int], rivals.Found]] = {
            "scipy's differential evolution around formulon": lambda seed, path=path, model=model: rivals.evolution(
                path, model, seed, SECONDS
            ),
        }
        if "--quick" not in sys.argv:
            for solver, service in (rivals.LIBREOFFICE | rivals.SWARM).items():
                others[f"LibreOffice's {solver} solver"] = lambda seed, path=path, model=model, service=service: (
                    rivals.libreoffice(path, model, service, folder(), SECONDS, SHEET)
                )
        for rival, run in others.items():
            try:
                theirs = _runs(run, optimum)
            except rivals.NotHereError as why:
                yield Row(PART, work, ours[0], rival=rival, note=f"ours finds the optimum {ours[1]}; theirs: {why}")
                continue
            note = f"found the optimum {ours[1]} / {theirs[1]}; worst {ours[2]:.4g} / {theirs[2]:.4g}"
            yield Row(PART, work, ours[0], rival=rival, theirs=theirs[0], note=note)
        yield Row(PART, work, ours[0], rival="Gnumeric's solver", note="has no bounded or global nonlinear method")


def _book(path: Path, term: str, count: int, start: float) -> Path:
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page.title = SHEET
    for row in range(1, count + 1):
        page.cell(row, 1, start)
        page.cell(row, 2, "=" + term.replace("{x}", f"A{row}"))
    page["C1"] = f"=SUM(B1:B{count})"
    book.save(path)
    return path


def _ours(path: Path, model: rivals.Box, seed: int, method: str) -> rivals.Found:
    last = len(model.cells)
    found = es.solve(
        path, objective="C1", changing=[f"A1:A{last}"], sense="minimize", seed=seed, dry_run=True, method=method,
        constraints=[f"A1:A{last} >= {model.low}", f"A1:A{last} <= {model.high}"],
    )  # fmt: skip
    return rivals.Found(sum(found.seconds.values()), found.objective_after)


def _runs(run: Callable[[int], rivals.Found], optimum: float) -> tuple[float, str, float]:
    """Return the median seconds, how many runs of how many found the optimum, and the worst value."""
    found = [run(seed) for seed in range(1, RUNS + 1)]
    there = sum(one.rmse <= optimum + NEAR for one in found)
    return statistics.median(one.seconds for one in found), f"{there}/{RUNS}", max(one.rmse for one in found)


if __name__ == "__main__":
    tell(rows())

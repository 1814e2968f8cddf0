"""A recording run number by number gives what its arrays give: values and gradients of every function's samples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embedsheet.compiler.engines import scalars
from embedsheet.compiler.engines.arrays import NUMPY
from embedsheet.compiler.engines.graph import Graph, record
from embedsheet.compiler.engines.tape import TapeCompiled
from embedsheet.compiler.program import compile_program
from embedsheet.ground.errors import EmbedsheetError
from embedsheet.solver import solve
from embedsheet.workbook import Workbook
from kit.function_samples import CONSTANTS, POINTS, SAMPLES
from kit.sheets import program, setup, write

Arrays = list[np.ndarray[Any, Any]]
# Beside the samples' own points: ties, zeros, negative numbers, and what overflows.
MORE_POINTS = (np.full(9, 0.5), np.zeros(9), -POINTS[0], POINTS[1] * 400)
FORMULAS = [formula for name in sorted(SAMPLES) for formula in SAMPLES[name]]
SHARES = 12


def by_numbers(graph: Graph) -> Any:
    """Return the recording as Python, also where it is no quicker; None where there is none."""
    graph.seconds = np.inf
    found = scalars.straight(graph)
    return None if found is None else found[0]


def same(one: Arrays, other: Arrays) -> bool:
    return len(one) == len(other) and all(
        np.shape(a) == np.shape(b) and np.allclose(a, b, rtol=1e-9, atol=1e-12, equal_nan=True)
        for a, b in zip(one, other, strict=True)
    )


@pytest.mark.parametrize("share", range(SHARES))
def test_every_sample_is_the_same_number_by_number(share: int, tmp_path: Path) -> None:
    mine = FORMULAS[share::SHARES]
    cells: dict[str, Any] = {f"A{row}": value for row, value in enumerate(POINTS[0], 1)} | CONSTANTS
    cells |= {f"D{row}": f"={formula}" for row, formula in enumerate(mine, 1)}
    book = Workbook.open(write(tmp_path / "samples.xlsx", cells))
    written, wrong = 0, []
    for row, formula in enumerate(mine, 1):
        try:
            compiled = compile_program(book, setup(f"D{row}", ["A1:A9"]), engine="tape")
            compiled.value_and_gradient(compiled.start)
        except EmbedsheetError:
            continue  # a text, or an error at these points
        found = compiled._objective
        assert isinstance(found, TapeCompiled)
        graph = found._with_gradient
        quick = by_numbers(graph)
        if quick is None:
            continue
        written += 1
        for x in (*POINTS, *MORE_POINTS):
            try:
                if not same(quick(x), graph._run([x])):
                    wrong.append(f"{formula} at {x.tolist()}: {quick(x)} for {graph._run([x])}")
            except ZeroDivisionError:
                continue  # the arrays answer
    assert wrong == []
    assert written > len(mine) / 2, f"only {written} of {len(mine)}"


def test_numbers_are_joined_sorted_out_and_counted_as_numpy_does() -> None:
    """What formulas rarely do: arrays of different shapes, truths as numbers, products of matrices."""

    def f(x: Any) -> list[Any]:
        grid = x.reshape(3, 1) * x.reshape(1, 3)
        large = (grid > 0.2) & ~(grid == 0.25)
        chosen = NUMPY.where(large, grid, -grid)
        return [
            chosen.sum(axis=0),
            NUMPY.max(chosen, axis=1),
            NUMPY.min(grid),
            1.0 * NUMPY.any(large, axis=0),
            1.0 * NUMPY.all(large, axis=(0, 1)),
            (1.0 * large).sum(),
            grid @ chosen,
            chosen[::-1, 1:],
            grid.sum(axis=1, keepdims=True),
        ]

    graph = record(f, np.array([0.5, 0.4, 0.7]))[0]
    quick = by_numbers(graph)
    assert quick is not None
    for x in (np.array([0.5, 0.4, 0.7]), np.array([-1.0, np.inf, 0.0]), np.array([np.nan, 1.0, 2.0])):
        assert same(quick(x), graph._run([x]))


def test_a_division_by_zero_is_answered_by_the_arrays() -> None:
    graph = record(lambda x: [1.0 / x], np.array([2.0]))[0]
    graph._spent, graph.seconds = 0.0, 1.0
    assert graph.run(np.array([4.0]))[0] == 0.25
    assert graph._straight is not None
    assert graph.run(np.array([0.0]))[0] == np.inf
    assert graph.run(np.array([-8.0]))[0] == -0.125


def test_what_does_not_agree_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = record(lambda x: [x * 2.0], np.array([2.0]))[0]
    monkeypatch.setattr(scalars, "straight", lambda *_: (lambda x: [x * 3.0], 1e-9))
    graph.seconds = 1.0
    assert graph.run(np.array([4.0]))[0] == 8.0
    assert graph._straight is None
    assert graph.run(np.array([5.0]))[0] == 10.0


def test_a_long_recording_stays_one_of_arrays() -> None:
    graph = record(lambda x: [(x * x + 1.0).sum()], np.ones(scalars.MOST_LINES))[0]
    assert by_numbers(graph) is None


def test_large_arrays_stay_arrays() -> None:
    """A thousand numbers a line each would take longer than three operations."""
    graph = record(lambda x: [(x * x + 1.0).sum()], np.ones(1000))[0]
    assert scalars.straight(graph) is None


def test_long_arrays_of_few_moving_numbers_are_not_looked_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three numbers among 200,000 that stay: few lines, but every number would have to be looked at to find them."""
    still = np.random.default_rng(0).normal(size=(2, 100_000))
    graph, _ = record(lambda x: [NUMPY.where(still > 9, x[0], still).sum()], np.ones(3))
    assert graph.size > 10 * scalars.LINES_A_SECOND * 0.3
    monkeypatch.setattr(scalars, "_results", lambda *_: pytest.fail("it was looked through"))
    assert scalars.straight(graph, 0.3) is None


def test_a_solve_that_changes_over_ends_where_one_that_does_not_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A recurrence fitted to numbers that it made: the parameters that made them, 0.3 and 1.7."""
    cells: dict[str, Any] = {"A1": 0.5, "A2": 1.0, "C1": 1.0}
    level = 1.0
    for row in range(2, 13):
        level = 0.3 * level + 1.7 / (1 + level)
        cells |= {
            f"B{row}": level,
            f"C{row}": f"=$A$1*C{row - 1}+$A$2/(1+C{row - 1})",
            f"D{row}": f"=(B{row}-C{row})^2",
        }
    path = write(tmp_path / "fit.xlsx", cells | {"F1": "=SUM(D2:D12)"})
    ends = []
    for worth in ((1e-9,), ()):
        monkeypatch.setattr("embedsheet.compiler.engines.graph._WORTH", worth)
        found = solve(path, objective="S!F1", changing=["S!A1:A2"], engine="tape", dry_run=True)
        ends.append(found.x)
    assert ends[0] == pytest.approx([0.3, 1.7], abs=1e-6)
    assert ends[1] == pytest.approx(ends[0], abs=1e-6)


def test_a_hessian_and_a_jacobian_are_the_same(tmp_path: Path) -> None:
    cells = {
        "A1": 0.4,
        "A2": 0.7,
        "B1": "=EXP(A1*A2)",
        "B2": "=MAX(A1,A2^2)/A2",
        "B3": "=IF(A1>A2,A1^3,A2/A1)",
        "C1": "=SUM(B1:B3)",
    }
    compiled = program(tmp_path / "bent.xlsx", cells, "C1", ["A1:A2"], engine="tape")._objective
    assert isinstance(compiled, TapeCompiled)
    x, v = np.array([0.4, 0.7]), np.array([1.0, -2.0])
    compiled.hessian_product(x, v)
    graph = compiled._hessian_product
    quick = by_numbers(graph)
    assert same(quick(x, v), graph._run([x, v]))

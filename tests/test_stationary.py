"""A point where the gradient vanishes and that is no minimum is left, or not called optimal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from embedsheet.solver import solve
from embedsheet.solvers.problem import Limits
from embedsheet.solvers.search import search
from kit.problems import problem
from kit.sheets import program, write

# Each begins where the gradient leads into a saddle or an inflection; the optima by algebra.
LEFT: dict[str, tuple[Any, float]] = {
    "a cubic's inflection": (problem(lambda x: (x[0] - 1) ** 3, [3.0], lower=-1, upper=3), -8.0),
    "a saddle": (problem(lambda x: x[0] ** 2 - x[1] ** 2 + x[1] ** 4, [1.0, 0]), -0.25),
    "a saddle on a bound": (problem(lambda x: x[0] ** 2 - x[1] ** 2, [1.0, 0], lower=[-9, 0], upper=[9, 1]), -1.0),
    "a monkey saddle": (problem(lambda x: x[0] ** 3 - 3 * x[0] * x[1] ** 2 + (x @ x) ** 2, [1.0, 0]), -0.10546875),
    "a peak in one direction": (problem(lambda x: jnp.cos(x).sum(), [0.0, 1]), -2.0),
    "a flat quartic": (problem(lambda x: x[1] ** 2 - x[0] ** 4, [0.0, 1], lower=-1, upper=1), -1.0),
    "a valley that bends away": (problem(lambda x: jnp.prod(x) + x[0] ** 2, [1.0, 0, 0], lower=-1, upper=1), -0.25),
    "a saddle where an equation holds": (
        problem(lambda x: x[0] ** 2 - x[1] ** 2 + x[1] ** 4 + x[2] ** 2, [1.0, 0, 0], relations=["="],
                c=lambda x: jnp.array([x[0] + x[2] - 1])), 0.25),
    "a peak on a circle": (
        problem(lambda x: x[0] ** 2 - x[1] ** 2, [0.6, 0], relations=["="], c=lambda x: jnp.array([x @ x - 1])), -1.0),
    "a corner of a disk": (
        problem(lambda x: -x[0] - x[1] ** 2, [0.5, 0], relations=[">="], c=lambda x: jnp.array([1 - x @ x])), -1.25),
    "the target behind an inflection": (
        problem(lambda x: (x[0] - 1) ** 3 + 2, [4.0], sense="target", target=-6.0), -6.0),
    "the target behind a saddle": (
        problem(lambda x: x[0] ** 2 - x[1] ** 2, [1.0, 0], sense="target", target=-4.0), -4.0),
}  # fmt: skip


@pytest.mark.parametrize("name", LEFT)
def test_a_point_without_a_gradient_that_is_no_minimum_is_left(name: str) -> None:
    asked, optimum = LEFT[name]
    found = search(asked)
    assert found.status == "optimal", found.message
    assert found.value == pytest.approx(optimum, rel=1e-6)


def _among(count: int) -> Any:
    """Return a function that bends down along one of many cells, elsewhere up, each in its own measure."""
    weights = jnp.arange(1, count + 1.0).at[7].set(-1.0)
    return lambda x: (weights * x**2).sum() + x[7] ** 4


@pytest.mark.parametrize(("count", "kept", "optimum"), [(150, False, -0.25), (2000, False, -0.25), (150, True, 5 / 12)])
def test_a_saddle_among_many_cells_is_left(count: int, kept: bool, optimum: float) -> None:
    """Beside x² − x⁴ lie the weights 1, 2, …; with x₁ + x₂ = 1 they are least at (2/3, 1/3), by algebra."""
    start = [0.0 if place == 7 else 1.0 for place in range(count)]
    equation: dict[str, Any] = {"relations": ["="], "c": lambda x: jnp.array([x[0] + x[1] - 1])} if kept else {}
    found = search(problem(_among(count), start, **equation))
    assert found.status == "optimal", found.message
    assert found.value == pytest.approx(optimum, abs=1e-6)


def test_a_cubic_that_falls_for_ever_is_not_at_its_optimum_at_its_inflection(tmp_path: Path) -> None:
    path = write(tmp_path / "book.xlsx", {"A1": 1, "B1": "=A1^3"})
    found = solve(path, objective="B1", changing=["A1"], dry_run=True)
    assert found.status == "unbounded"


@pytest.mark.parametrize("method", ["L-BFGS-B", "SLSQP"])
def test_a_method_asked_for_by_name_calls_no_inflection_an_optimum(method: str) -> None:
    found = search(problem(lambda x: x[0] ** 3, [1.0]), method=method)
    assert found.status == "improved"
    assert "beside it are better ones" in found.message


@pytest.mark.parametrize("start", [[3.0, 2], [-1.5, 0.5]])
def test_a_minimum_of_any_kind_stays_an_optimum(start: list[float]) -> None:
    """Strict, flat to the fourth order, in a valley whose floor is level, and on bounds."""
    for asked in (
        problem(lambda x: x @ x + jnp.exp(x[0]), start),
        problem(lambda x: (x**4).sum(), start),
        problem(lambda x: (x[0] - x[1]) ** 2, start),
        problem(lambda x: x[0] ** 3 + x[1] ** 2, start, lower=0),
        problem(lambda x: jnp.abs(x[0] - 1) + jnp.abs(x[1]), start),
    ):
        assert search(asked).status == "optimal"


SQUARES = ("SUMXMY2(A1:A2,B1:B2)", "(A1-1)^2+(A2-2)^2", "(A1-1)*(A1-1)", "SQRT(SUMSQ(A1:A2)/2)", "ABS(A1)+EXP(A2)",
           "SUMPRODUCT((A1:A2-B1:B2)^2)", "DEVSQ(A1:A2)", "MAX(A1^2,A2)", "IF(A1>0,A1^4,ABS(A2))",
           "A1^2/(1+A2^2)", "AVERAGE(C1:C2)", "A3*A1^2")  # fmt: skip
ANYTHING = ("A1", "A1^3", "A1^2-A2^2", "(A1-1)*(A1-2)", "SUMSQ(A1:A2)-0.000001", "MIN(A1,A2^2)", "LN(A1)", "A1^2/A2",
            "SUMPRODUCT(A1:A2,B1:B2)", "IF(A1>0,A1^2,A2)", "-ABS(A1)", "A1*A2", "SUMX2MY2(A1:A2,B1:B2)")  # fmt: skip


def test_what_is_made_of_squares_is_proven_to_be_nowhere_negative(tmp_path: Path) -> None:
    inputs = {"A1": 1.5, "A2": 2.5, "A3": 1, "B1": 1, "B2": 2, "C1": "=(A1-B1)^2", "C2": "=(A2-B2)^2"}
    proven = []
    for formula in (*SQUARES, *ANYTHING):
        compiled = program(tmp_path / "book.xlsx", {**inputs, "D1": f"={formula}"}, "D1", ["A1:A2"], engine="tape")
        proven += [formula] if compiled.never_negative else []
    assert tuple(proven) == SQUARES


def test_zero_to_rounding_is_the_optimum_only_of_what_cannot_be_negative(tmp_path: Path) -> None:
    """The second falls without end far below A1 = −1000000, where no search looks."""
    for more, proven in (("", True), ("+2*MIN(A1+1000000,0)", False)):
        cells = {"A1": 15, "A2": 25, "B1": f"=ABS(A1-PI())+ABS(A2-A1*EXP(1)){more}"}
        path = write(tmp_path / "book.xlsx", cells)
        found = solve(path, objective="B1", changing=["A1:A2"], method="L-BFGS-B", dry_run=True)
        assert found.objective_after == pytest.approx(0, abs=1e-7)
        assert ("nothing can bring it below 0" in found.message) == proven


def test_nothing_is_looked_for_beside_a_zero_that_nothing_can_pass(tmp_path: Path) -> None:
    """A sum of squares that is 0 needs no probes; the same with 1 more, for which that is no proof, gets some."""
    found = {}
    for more in (0, 1):
        path = write(tmp_path / "book.xlsx", {"A1": 3, "A2": 1, "B1": f"=(A1-1)^2+(A2-2)^2+{more}"})
        found[more] = solve(path, objective="B1", changing=["A1:A2"], dry_run=True)
    assert [one.objective_after for one in found.values()] == pytest.approx([0, 1], abs=1e-12)
    assert {one.status for one in found.values()} == {"optimal"}
    assert found[0].evaluations < found[1].evaluations / 4


# From starts so bad that a billionth of the objective there is more than all that there is to gain; the first three
# optima by algebra, the fourth by scipy.optimize.least_squares from (0.1, 2).
FAR: dict[str, tuple[Any, float]] = {
    "a sixth power": (problem(lambda x: x[0] ** 6 + (x[1] - 2) ** 2, [5000.0, 1]), 0.0),
    "a sixth power, nearer": (problem(lambda x: x[0] ** 6 + (x[1] - 2) ** 2, [300.0, 1]), 0.0),
    "an exponential": (
        problem(lambda x: jnp.exp(x[0] / 10) + (x[1] - 2) ** 2, [1000.0, 0], lower=[0, -np.inf], upper=np.inf), 1.0),
    "a curve": (
        problem(lambda x: ((jnp.exp(x[0] * jnp.arange(1.0, 5)) * x[1] - jnp.array([2.7, 3.1, 3.9, 4.1])) ** 2).sum(),
                [5.0, 1]), 0.0803296),
    "units far apart": (problem(lambda x: (1e9 * x[0] - 3) ** 2 + (x[1] - 2) ** 2, [1.0, 1]), 0.0),
    "units far apart under a constraint": (
        problem(lambda x: (1e9 * x[0] - 3) ** 2 + (x[1] - 2) ** 2 + 0 * x[0] ** 4, [1.0, 1], relations=["<="],
                c=lambda x: jnp.array([x[0] + x[1] - 10])), 0.0),
    "a valley under a constraint": (
        problem(lambda x: (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2, [1000.0, -1000], relations=["<="],
                c=lambda x: jnp.array([x[0] + x[1] - 3000])), 0.0),
}  # fmt: skip


@pytest.mark.parametrize("name", FAR)
def test_a_bad_start_does_not_make_an_optimum_of_the_first_place_that_is_better(name: str) -> None:
    asked, optimum = FAR[name]
    found = search(asked)
    assert (found.status, found.value) == ("optimal", pytest.approx(optimum, abs=1e-6))


@pytest.mark.parametrize("method", ["L-BFGS-B", "CG", "SLSQP", "trust-constr", "augmented-lagrangian", "momentum"])
@pytest.mark.parametrize("name", FAR)
def test_no_method_claims_an_optimum_because_the_start_was_worse(name: str, method: str) -> None:
    asked, optimum = FAR[name]
    if (len(asked.relations) and method in ("L-BFGS-B", "CG", "momentum")) or (asked.has_bounds and method == "CG"):
        return
    found = search(asked, method=method, limits=Limits(max_iterations=300))
    # A plateau far out, where the curve has become a constant, has no gradient at all.
    assert found.status != "optimal" or found.largest_gradient == 0 or found.value == pytest.approx(optimum, abs=1e-4)


# Objectives that go to 0, whose slope is never a small part of them; each from starts of three sizes.
TO_ZERO: dict[str, Any] = {
    "a square": lambda x: (x[0] - 2) ** 2 + (x[1] + 3) ** 2,
    "a square around 0": lambda x: x @ x,
    "a valley": lambda x: (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2,
    "a perfect fit": lambda x: ((x[0] * jnp.arange(5.0) + x[1] - 3 - 2 * jnp.arange(5.0)) ** 2).sum(),
    "units far apart": lambda x: (x[0] - 1e6) ** 2 + 1e12 * (x[1] - 1e-3) ** 2,
}


@pytest.mark.parametrize("size", [1.0, 100.0, 1e4])
@pytest.mark.parametrize("name", TO_ZERO)
def test_an_objective_that_goes_to_zero_is_optimal_there(name: str, size: float) -> None:
    found = search(problem(TO_ZERO[name], [size, -size / 2]))
    assert (found.status, found.value) == ("optimal", pytest.approx(0.0, abs=1e-12))

"""What a set-up stores under Options, and what is said of the method."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import embedsheet as es
from embedsheet.book.setups import Constraint, SolverOptions
from embedsheet.book.solver_names import OPTIONS, read_setup, solver_names
from embedsheet.compiler.program import compile_program
from embedsheet.ground.notation.addresses import Area, parse_area
from embedsheet.solver import limits_of, problem_of, solve, starts_of
from embedsheet.solvers.plan import plan
from embedsheet.solvers.problem import Limits
from embedsheet.solvers.search import search
from embedsheet.workbook import Workbook
from kit.problems import problem
from kit.sheets import setup, write

MODEL = {"solver_opt": "S!$B$1", "solver_adj": "S!$A$1:$A$2", "solver_typ": "2", "solver_neg": "2"}


def read(**names: str) -> SolverOptions:
    def areas(text: str) -> list[Area]:
        return [parse_area(text.replace("$", ""), "S")]

    return read_setup("S", MODEL | names, areas, lambda name: False).options


def test_options_that_nobody_touched_set_nothing() -> None:
    assert read(**OPTIONS) == SolverOptions()
    # What Excel 2003 wrote: 100 seconds, 100 iterations, 5 %.
    assert read(solver_tim="100", solver_itr="100", solver_pre="0.000001", solver_tol="0.05") == SolverOptions()


def test_options_are_read_by_their_names_and_written_back() -> None:
    stored = read(
        solver_tim="7", solver_itr="250", solver_pre="0.001", solver_tol="0.2", solver_ssz="40", solver_rsd="3",
        solver_nod="900", solver_mip="5", solver_msl="1", solver_cvg="0.02", solver_mni="4",
    )  # fmt: skip
    assert stored == SolverOptions(7.0, 250, 0.001, 0.2, 40, 3, 900, 5, True, 0.02, 4.0)
    written = dict(solver_names(setup("B1", ["A1:A2"], options=stored)))
    assert read(**{name: text for name, text in written.items() if name in OPTIONS}) == stored


def test_stored_options_become_limits_and_what_is_said_beats_them() -> None:
    stored = setup("B1", ["A1"], options=SolverOptions(7.0, 250, 0.001, 0.2, 40, 3, 900, 5, True, 0.02, 4.0))
    found = limits_of(stored)
    assert (found.seconds, found.max_iterations, found.precision, found.gap) == (7.0, 250, 0.001, 0.2)
    assert (found.population, found.seed, found.nodes, found.solutions) == (40, 3, 900, 5)
    assert (found.convergence, found.idle) == (0.02, 4.0)
    said = limits_of(stored, seconds=1.0, max_iterations=3, gap=0.0, seed=0)
    assert (said.seconds, said.max_iterations, said.gap, said.seed) == (1.0, 3, 0.0, 0)
    assert starts_of(stored) == 30 and starts_of(setup("B1", ["A1"])) == 1
    assert limits_of(setup("B1", ["A1"])) == Limits()


def test_a_stored_precision_is_how_far_a_constraint_may_be_missed() -> None:
    asked = problem(
        lambda x: (x**2).sum() + jnp.exp(x[0]), [3.0, 3.0], c=lambda x: jnp.array([x[0] * x[1] - 4.0]), relations=[">="]
    )
    missed = problem(
        lambda x: 0.0 * x.sum(), [1.0001], c=lambda x: jnp.array([x[0] - 1.0]), relations=["="], sense="satisfy"
    )
    assert search(missed, limits=Limits(precision=1e-3)).x[0] == 1.0001  # holds as it stands
    assert abs(search(missed).x[0] - 1.0) <= 1e-6
    assert search(asked, limits=Limits(precision=1e-8)).status == "optimal"


def test_a_stored_convergence_ends_a_search_that_hardly_gains() -> None:
    # Rosenbrock's valley: each step along it gains little; the optimum is 0 at (1, 1).
    asked = problem(lambda x: 1 + 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2, [-1.2, 1.0])
    whole, rough = search(asked), search(asked, limits=Limits(convergence=0.5))
    assert whole.status == "optimal" and whole.value == pytest.approx(1.0)
    assert rough.status == "improved" and "the Convergence of 0.5 in 5 iterations" in rough.message
    assert rough.iterations < whole.iterations and 1.0 < rough.value < asked.objective.value(np.array([-1.2, 1.0]))


def test_a_global_search_ends_when_its_points_are_alike_or_nothing_better_comes() -> None:
    asked = problem(lambda x: 1 + (x**2).sum(), [3.0, 3.0], lower=-5, upper=5)
    usual = search(asked, method="global")
    soon = search(asked, method="global", limits=Limits(convergence=0.1))
    assert soon.evaluations < usual.evaluations and soon.value == pytest.approx(1.0)
    idle = search(asked, method="global", limits=Limits(idle=0.0))
    assert "no better point was found in 0 s" in idle.message


@pytest.mark.parametrize("method", ["auto", "global", "SLSQP", "augmented-lagrangian", "trust-constr"])
def test_no_time_ends_every_method_with_the_best_so_far(method: str) -> None:
    asked = problem(
        lambda x: (x**4).sum() + x[0], [3.0, 3.0], c=lambda x: jnp.array([x[0] * x[1] - 4.0]), relations=[">="]
    )
    found = search(asked, method=method, limits=Limits(seconds=0.0))
    assert found.status in ("improved", "failed")
    assert "time limit of 0 s" in found.message
    assert found.value <= 165.0


def test_no_time_ends_branch_and_bound_and_highs() -> None:
    generator = np.random.default_rng(0)
    factor, centre = generator.normal(size=(9, 9)), generator.uniform(-4, 4, 9)
    whole = np.ones(9, bool)
    curved = problem(lambda x: ((factor @ (x - centre)) ** 2).sum(), np.zeros(9), integer=whole, lower=-99, upper=99)
    found = search(curved, limits=Limits(seconds=0.0))
    assert found.status != "optimal" and "time limit" in found.message
    found = search(curved, limits=Limits(nodes=3))
    assert found.status == "improved" and "limit of 3 nodes" in found.message and "gap" in found.message


def test_a_gap_lets_a_linear_model_in_whole_numbers_end_sooner_and_says_what_is_proven() -> None:
    # A knapsack of 30 things; within 20 % is enough.
    generator = np.random.default_rng(1)
    worth, weight = generator.integers(10, 99, 30), generator.integers(10, 99, 30)
    asked = problem(
        lambda x: worth @ x, np.zeros(30), lower=0, upper=1, integer=np.ones(30, bool), sense="maximize",
        c=lambda x: jnp.array([weight @ x - 400.0]), relations=["<="],
    )  # fmt: skip
    exact, rough = search(asked), search(asked, limits=Limits(gap=0.2))
    assert exact.bound == pytest.approx(exact.value)
    assert 0.8 * exact.value <= rough.value <= exact.value
    assert rough.bound is not None and rough.bound >= exact.value - 1e-6


# Each structure, and the method that is foretold and then used.
STRUCTURES: dict[str, tuple[dict[str, Any], list[Constraint], str, str]] = {
    "linear": ({"B1": "=2*A1+3*A2", "B2": "=A1+A2"}, [], "linear", "linear model"),
    "convex quadratic": ({"B1": "=A1^2+A2^2-A1*A2", "B2": "=A1+A2"}, [], "quadratic", "convex quadratic"),
    "smooth": ({"B1": "=A1^4+A2^2", "B2": "=A1*A2"}, [], "SLSQP", "smooth nonlinear"),
    "stepping": ({"B1": "=ROUNDUP(A1/3,0)+A2", "B2": "=A1+A2"}, [], "mixed-integer linear",
                 "stepping (S!B1: ROUNDUP) model, piecewise linear"),
    "stepping and curved": ({"B1": "=ROUNDUP(A1/3,0)+A2^2", "B2": "=A1+A2"}, [], "mixed-integer linear",
                            "curves of sums: HiGHS on tangents and chords"),
    "stepping and waved": ({"B1": "=ROUNDUP(A1/3,0)+SIN(A2)", "B2": "=A1+A2"}, [], "SLSQP", "then a global search"),
    "few points": ({"B1": "=A1^3-5*A2", "B2": "=A1+A2"}, [Constraint(parse_area("A1:A2", "S"), "integer", None),
                   Constraint(parse_area("A1:A2", "S"), "<=", 9.0)], "all points", "all 100 possible points"),
    "whole and convex": ({"B1": "=(A1-2.4)^2+A2^2", "B2": "=A1+A2"}, [Constraint(parse_area("A1:A2", "S"), "integer",
                         None)], "branch and bound", "convex quadratic model with 2 whole numbers"),
    "orders": ({"B1": "=A1*3+A2", "B2": "=A1+A2"}, [Constraint(parse_area("A1:A2", "S"), "all different", None)],
               "all points", "all 2 orders"),
}  # fmt: skip


@pytest.mark.parametrize("name", STRUCTURES)
def test_the_method_that_is_foretold_from_the_structure_is_used(tmp_path: Path, name: str) -> None:
    cells, more, method, words = STRUCTURES[name]
    least = Constraint(parse_area("B2", "S"), ">=", 3.0)
    book = Workbook.open(write(tmp_path / "book.xlsx", {"A1": 2, "A2": 1, **cells}))
    asked = setup("B1", ["A1:A2"], constraints=(least, *more), nonnegative=True)
    found = problem_of(compile_program(book, asked), asked)
    foretold = plan(found)
    assert foretold.method == method and words in str(foretold)
    assert search(found).method.split(",")[0] == method


def test_inspect_says_the_method_and_solve_that_another_engine_took_the_place_of_the_stored_one(tmp_path: Path) -> None:
    path = write(tmp_path / "book.xlsx", {"A1": 2, "A2": 1, "B1": "=2*A1+3*A2", "B2": "=A1+A2"})
    asked = setup("B1", ["A1:A2"], constraints=(Constraint(parse_area("B2", "S"), ">=", 3.0),), engine=3,
                  nonnegative=True)  # fmt: skip
    Workbook.open(path).save([], setups=[asked])
    assert es.inspect(path)["methods"] == {"S": "a linear model: HiGHS solves it, which proves the optimum"}
    found = solve(path, dry_run=True)
    assert found.choice.startswith("a linear model")
    assert "the set-up stores Evolutionary; linear took its place, which proves the optimum" in found.notes

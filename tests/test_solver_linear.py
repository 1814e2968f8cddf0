"""Linear models are recognised by their constant derivatives and solved by HiGHS."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from problems import TracedObjective, problem

from embedsheet.errors import ModelError
from embedsheet.solvers.linear import recognise
from embedsheet.solvers.problem import Limits, Problem
from embedsheet.solvers.search import search


def wyndor(**more: Any) -> Problem:
    """Hillier & Lieberman's first example: maximise 3x + 5y; optimum 36 at (2, 6)."""
    return problem(lambda x: 3 * x[0] + 5 * x[1], [0.0, 0], lower=0, sense="maximize", relations=["<="] * 3,
                   c=lambda x: jnp.array([x[0] - 4, 2 * x[1] - 12, 3 * x[0] + 2 * x[1] - 18]), **more)  # fmt: skip


def test_a_linear_model_is_solved_exactly() -> None:
    found = search(wyndor())
    assert (found.status, found.method, found.value) == ("optimal", "linear", 36.0)
    assert found.x.tolist() == [2.0, 6.0]
    assert found.active == ["constraint 1", "constraint 2"]


def test_whole_numbers_are_exact() -> None:
    # Taha, Operations Research, ch. 9: maximise 5x + 4y, x + y ≤ 5, 10x + 6y ≤ 45. Without whole numbers (3.75, 1.25).
    asked = problem(lambda x: 5 * x[0] + 4 * x[1], [0.0, 0], lower=0, sense="maximize", relations=["<="] * 2,
                    c=lambda x: jnp.array([x[0] + x[1] - 5, 10 * x[0] + 6 * x[1] - 45]),
                    integer=np.array([True, True]))  # fmt: skip
    found = search(asked)
    assert (found.value, found.x.tolist()) == (23.0, [3.0, 2.0])


def test_mixed_models_keep_fractions_where_they_may() -> None:
    asked = problem(lambda x: x[0] + x[1], [0.0, 0], lower=0, sense="maximize", relations=["<="] * 2,
                    c=lambda x: jnp.array([2 * x[0] + x[1] - 5.5, x[1] - 1.25]),
                    integer=np.array([True, False]))  # fmt: skip
    assert search(asked).x.tolist() == [2.0, 1.25]


def test_no_way_to_satisfy_all_constraints_is_infeasible() -> None:
    asked = problem(lambda x: x.sum(), [0.0, 0], lower=0, relations=["<=", ">="],
                    c=lambda x: jnp.array([x.sum() - 1, x.sum() - 2]))  # fmt: skip
    assert search(asked).status == "infeasible"


def test_a_missing_constraint_is_unbounded() -> None:
    asked = problem(lambda x: x.sum(), [0.0, 0], lower=0, sense="maximize", relations=["<="],
                    c=lambda x: jnp.array([x[0] - x[1]]))  # fmt: skip
    found = search(asked)
    assert found.status == "unbounded"
    assert "grows without end" in found.message


@pytest.mark.parametrize("kink", [0.3, 3.0, -40.0, 2e3, 1e6])
def test_a_slope_that_turns_on_one_side_of_the_start_is_no_line(kink: float) -> None:
    # |x − k| + x/2 is least at k; on either side alone it is linear, and beside k > 1 it seems to fall without end.
    for seed in range(8):
        asked = problem(lambda x: jnp.abs(x[0] - kink) + x[0] / 2, [1.0])
        found = search(asked, limits=Limits(seed=seed))
        assert (found.status, found.value) == ("optimal", pytest.approx(kink / 2, abs=1e-6))


def test_an_infeasible_model_is_not_called_unbounded() -> None:
    asked = problem(lambda x: x.sum(), [0.0, 0], sense="maximize", relations=[">=", "<="],
                    c=lambda x: jnp.array([x[0] - x[1] - 1, x[0] - x[1]]))  # fmt: skip
    assert search(asked).status == "infeasible"


def test_a_linear_target_is_met_or_the_nearest_value_named() -> None:
    def asked(target: float) -> Problem:
        return problem(lambda x: 3 * x[0] + 5 * x[1], [0.0, 0], lower=0, upper=4, sense="target", target=target)

    assert search(asked(10)).value == pytest.approx(10)
    found = search(asked(100))
    assert found.status == "infeasible"
    assert "nearest value is 32" in found.message


def test_an_objective_that_nothing_changes_is_refused() -> None:
    with pytest.raises(ModelError, match="does not depend"):
        search(problem(lambda x: 0 * x[0] + 3, [1.0]))


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x[0] * x[1],
        lambda x: x[0] + 1e-3 * x[1] ** 2,
        lambda x: jnp.abs(x[0] - 0.5) + x[1],
        lambda x: jnp.where(x[0] > 3, 2 * x[0], x[0]) + x[1],
        lambda x: x[0] + jnp.round(x[1]),
    ],
)
def test_what_is_not_linear_is_not_taken_for_it(f: Any) -> None:
    asked = problem(f, [1.0, 1.0], lower=0, upper=10)
    assert recognise(asked, asked.objective.start) is None


def test_a_kink_that_sampling_missed_is_noticed_at_the_solution() -> None:
    # The price doubles beyond 9,000, further out than any sampled point; the linear optimum lies there.
    asked = problem(lambda x: jnp.where(x[0] > 9000, 2 * x[0] - 9000, x[0]) - 1.5 * x[0], [1.0], relations=["<="],
                    c=lambda x: jnp.array([x[0] - 20_000]))  # fmt: skip
    assert recognise(asked, asked.objective.start) is not None
    found = search(asked)
    assert found.method != "linear"
    assert found.value == pytest.approx(-4500, rel=1e-6)


def test_an_objective_that_says_it_is_linear_is_believed_unsampled() -> None:
    class Declared(TracedObjective):
        is_linear = True
        calls = 0

        def value_and_gradient(self, x: Any) -> Any:
            self.calls += 1
            return super().value_and_gradient(x)

    objective = Declared(lambda x: x.sum(), np.zeros(3))
    asked = Problem(objective, np.full(3, -1.0), np.ones(3))
    assert recognise(asked, objective.start) is not None
    assert objective.calls == 1


def test_method_linear_refuses_what_is_not() -> None:
    with pytest.raises(ModelError, match="not linear"):
        search(problem(lambda x: x[0] ** 2, [1.0]), method="linear")

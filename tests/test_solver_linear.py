"""Linear models are proven by their operations and solved by HiGHS."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import embedsheet as es
from embedsheet.ground.errors import ModelError
from embedsheet.ground.strings import number_in_words
from embedsheet.solver import solve
from embedsheet.solvers.linear import recognise
from embedsheet.solvers.problem import Limits, Problem
from embedsheet.solvers.search import search
from kit.problems import TracedObjective, problem
from kit.sheets import write


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
    assert recognise(asked) is None


def test_a_kink_far_from_the_start_is_no_line_either() -> None:
    # The price doubles beyond 9,000; the linear optimum would lie there.
    asked = problem(lambda x: jnp.where(x[0] > 9000, 2 * x[0] - 9000, x[0]) - 1.5 * x[0], [1.0], relations=["<="],
                    c=lambda x: jnp.array([x[0] - 20_000]))  # fmt: skip
    assert recognise(asked) is None
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
    assert recognise(asked) is not None
    assert objective.calls == 1


def test_method_linear_refuses_what_is_not() -> None:
    with pytest.raises(ModelError, match="not linear"):
        search(problem(lambda x: x[0] ** 2, [1.0]), method="linear")


def test_a_target_between_whole_numbers_names_the_nearest_value_on_either_side() -> None:
    # 2x + 4y is even for whole x and y: 16 and 18 stand beside 17.
    asked = problem(lambda x: 2 * x[0] + 4 * x[1], [0.0, 0], lower=0, upper=9, sense="target", target=17,
                    integer=np.array([True, True]))  # fmt: skip
    found = search(asked)
    assert (found.status, found.value in (16, 18)) == ("infeasible", True)
    assert "the nearest values are 16 and 18" in found.message


def test_a_third_keeps_all_its_digits() -> None:
    # The largest t with x ≥ t and Σx = 1 over three cells is 1/3; at ten digits the shares would sum to 0.9999999999.
    asked = problem(lambda x: x[3], [1.0, 0, 0, 0], lower=0, sense="maximize", relations=["=", ">=", ">=", ">="],
                    c=lambda x: jnp.concatenate([(x[:3].sum() - 1)[None], x[:3] - x[3]]))  # fmt: skip
    found = search(asked)
    assert found.x[:3].sum() == 1.0
    assert found.value == 1 / 3


def test_a_value_asked_for_is_met_to_the_last_digit() -> None:
    # 0.00536821623 x = 1000 at x = 186281.53…, which ten digits miss by 2.5e-7.
    asked = problem(lambda x: 0.005368216230121398 * x[0], [1e5], lower=0, sense="target", target=1000)
    assert search(asked).value == pytest.approx(1000, abs=1e-12 * 1000)


def test_a_vertex_of_round_numbers_is_given_in_round_numbers() -> None:
    # 0.1 x + 0.2 y = 0.3·20 and x = y at (20, 20): no 19.999999999999996.
    asked = problem(lambda x: x[0] + x[1], [0.0, 0], lower=0, relations=["=", "="],
                    c=lambda x: jnp.array([0.1 * x[0] + 0.2 * x[1] - 6, x[0] - x[1]]))  # fmt: skip
    assert search(asked).x.tolist() == [20.0, 20.0]


def test_constraints_that_contradict_each_other_are_named_and_no_others() -> None:
    # x + y ≥ 10 against x ≤ 3 and y ≤ 4; what z must be has no part in it.
    asked = problem(lambda x: x.sum(), [0.0, 0, 0], lower=0, upper=[3, 4, 9], relations=[">=", "<=", ">="],
                    c=lambda x: jnp.array([x[0] + x[1] - 10, x[2] - 5, x[2] - 1]))  # fmt: skip
    found = search(asked)
    assert found.status == "infeasible"
    assert found.message.endswith("without any one of them they would not: constraint 0; x[0] <= 3; x[1] <= 4")


def test_whole_numbers_are_named_where_fractions_would_do() -> None:
    # 2x = 1 has no whole solution.
    asked = problem(lambda x: x[0], [0.0], lower=-5, upper=5, relations=["="], c=lambda x: jnp.array([2 * x[0] - 1]),
                    integer=np.array([True]))  # fmt: skip
    assert search(asked).message.endswith(
        "contradict each other, and without any one of them they would not: constraint 0; x[0] a whole number"
    )


def test_every_set_named_is_irreducible() -> None:
    # Random systems; each set is tried again by linprog, whole and with each constraint left out in turn.
    from scipy.optimize import linprog

    generator, tried = np.random.default_rng(3), 0
    for _ in range(12):
        matrix, right = generator.integers(-3, 4, (8, 3)).astype(float), generator.integers(-6, 3, 8).astype(float)
        asked = problem(lambda x: x.sum(), [0.0] * 3, relations=["<="] * 8, c=lambda x, a=matrix, b=right: a @ x - b)
        found = search(asked)
        if found.status != "infeasible":
            continue
        tried += 1
        rows = [int(words.split()[-1]) for words in found.message.rsplit(": ", 1)[1].split("; ")]

        def feasible(kept: list[int], a: Any = matrix, b: Any = right) -> bool:
            if not kept:
                return True
            return bool(linprog(np.zeros(3), a[kept], b[kept], bounds=(None, None)).status == 0)

        assert not feasible(rows)
        assert all(feasible([row for row in rows if row != left_out]) for left_out in rows)
    assert tried >= 3


@pytest.mark.parametrize(("wanted", "whole", "status"), [
    (10.0, (True, True), "infeasible"), (12.0, (True, True), "optimal"), (10.0, (True, False), "optimal"),
    (10.5, (True, True), "infeasible"),
])  # fmt: skip
def test_whole_numbers_without_bounds_never_make_what_their_factors_do_not_divide(
    wanted: float, whole: tuple[bool, bool], status: str
) -> None:
    """6x + 9y is a multiple of 3; HiGHS alone looks for such x and y for ever."""
    asked = problem(lambda x: x[0], [0.0, 0], lower=-1e20, relations=["=", ">="],
                    c=lambda x: jnp.array([6 * x[0] + 9 * x[1] - wanted, x[0] + 5]),
                    integer=np.array(whole))  # fmt: skip
    found = search(asked)
    assert found.status == status
    assert status == "optimal" or "constraint 0; x[0] a whole number" in found.message


_BIG_M = {"C1": "=2*A1+3*A2+10*B1+5*B2", "D1": "=A1+A2", "D2": "=A1-{M}*B1", "D3": "=A2-{M}*B2"}


@pytest.mark.parametrize(
    ("cells", "sense", "constraints", "best"),
    [
        # Bounds of whole numbers that are none: each box is small enough to look at every point.
        ({"C1": "=A1+A2", "D1": "=3*A1+5*A2"}, "minimize",
         ["D1>=5", "A1 binary", "A2 integer", "A2>=0.5", "A2<=1"], 1.0),
        ({"C1": "=0.25*A1-8*A2", "D1": "=-3*A1+5*A2"}, "minimize",
         ["D1<=-5", "A1 binary", "A2 integer", "A2>=-1", "A2<=-0.3"], 8.0),
        ({"C1": "=2*A1+0*A2", "D1": "=A1"}, "minimize", ["D1<=2", "A1 integer", "A1>=-1.7", "A1<=8"], -2.0),
        ({"C1": "=-3*A1-9*A2", "D1": "=A1"}, "minimize",
         ["A1:A2 integer", "A1>=-4", "A1<=6", "A2>=1.3", "A2<=2.999999", "D1<=2"], -24.0),
        ({"C1": "=A1+0*A2"}, "maximize", ["A1 integer", "A1>=-6", "A1<=-3.000001"], -4.0),
        # A charge of 5 for any A2: 3 · 0.5 + 5 is less than 2 · 0.5 + 10, whatever the large number is.
        *((
            {at: text.replace("{M}", large) for at, text in _BIG_M.items()}, "minimize",
            ["D1>=0.5", "D2:D3<=0", "B1:B2 binary", "A1:A2>=0"], 6.5,
        ) for large in ("1E4", "1E6", "1E8")),
        # Numbers beyond HiGHS' own tolerances: the same models in other units are solved by hand.
        ({"C1": "=2E-8*A1+1E-8*A2", "D1": "=A1+A2"}, "minimize", ["D1>=1E9", "A2<=4E8", "A1:A2>=0"], 16.0),
        ({"C1": "=1E-9*(3*A1+5*A2)", "D1": "=3*A1+2*A2"}, "maximize",
         ["D1<=18", "A1<=4", "A2<=6", "A1:A2>=0"], 3.6e-8),
        ({"C1": "=A1/6.022E23", "D1": "=A1+A2"}, "maximize", ["D1<=6.022E23", "A1:A2>=0"], 1.0),
        ({"C1": "=5E-9*A1+4E-9*A2", "D1": "=6*A1+4*A2", "D2": "=A1+2*A2"}, "maximize",
         ["D1<=24", "D2<=6", "A1:A2 integer", "A1:A2>=0"], 2e-8),
        ({"C1": "=A1+0*A2", "D1": "=1E-9*A1"}, "maximize", ["D1<=5", "A1>=0"], 5e9),
        ({"C1": "=A1", "D1": "=A1+5E-10*A2"}, "maximize", ["D1=3", "A1<=2", "A2<=5E9", "A1:A2>=0"], 2.0),
        ({"C1": "=A1", "D1": "=A1-1E-9*A2"}, "maximize", ["D1<=1", "A1<=2", "A2<=1E9", "A1:A2>=0"], 2.0),
        ({"C1": "=A1+0*A2", "D1": "=1E16*A1"}, "maximize", ["D1<=1E10", "A1>=0"], 1e-6),
        ({"C1": "=A1+0*A2"}, "maximize", ["A1<=1E20", "A1>=0"], 1e20),
        ({"C1": "=5E-10*MIN(A1,3)+4E-10*A2", "D1": "=6*A1+4*A2", "D2": "=A1+2*A2"}, "maximize",
         ["D1<=2400", "D2<=600", "A1:A2 integer", "A1:A2>=0"], 5e-10 * 3 + 4e-10 * 298),
        ({"C1": "=1E-9*(ABS(A1-3)+MAX(A2,2-A1)+IF(A1>2,A2,5))"}, "minimize", ["A1:A2>=-5", "A1:A2<=5"], -6e-9),
    ],
)  # fmt: skip
def test_the_proven_optimum_is_the_optimum_in_any_units(
    cells: dict[str, str], sense: Any, constraints: list[str], best: float, tmp_path: Path
) -> None:
    path = write(tmp_path / "book.xlsx", {"A1": 0, "A2": 0, "B1": 0, "B2": 0, **cells})
    changing = ["A1:A2", "B1:B2"] if "B1" in cells["C1"] else ["A1:A2"]
    outcome = es.solve(path, objective="C1", changing=changing, sense=sense, constraints=constraints,
                       nonnegative=False, dry_run=True)  # fmt: skip
    assert outcome.status == "optimal"
    assert outcome.objective_after == pytest.approx(best, rel=1e-6)
    assert outcome.bound == pytest.approx(best, rel=1e-6)


def test_json_is_all_that_stands_on_the_standard_output(tmp_path: Path) -> None:
    """HiGHS prints a line while it solves this model, which no option of SciPy's turns off."""
    cells: dict[str, Any] = {f"{column}{row}": 0 for column in "AB" for row in range(1, 5)}
    cells |= {"C1": "=7*A1+49*B1+9*A2+60*B2+A3+48*B3+3*A4+30*B4", "D1": "=5*A1+5*A2+4*A3+4*A4"}
    cells |= {f"E{row}": f"=A{row}-1000*B{row}" for row in range(1, 5)}
    path = write(tmp_path / "book.xlsx", cells)
    words = "--objective C1 --changing A1:A4 --changing B1:B4 --minimize --nonnegative --json --dry-run"
    limits = ["D1 >= 3", "E1:E4 <= 0", "B1:B4 binary", "A1 <= 50", "A3 <= 50"]
    done = subprocess.run(
        [sys.executable, "-m", "embedsheet", "solve", str(path), *words.split(),
         *(word for limit in limits for word in ("--subject-to", limit))],
        capture_output=True, encoding="utf-8", env=os.environ | {"PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    assert json.loads(done.stdout)["status"] == "optimal", done.stderr


def test_a_limit_is_named_with_as_many_digits_as_it_takes(tmp_path: Path) -> None:
    # A1 + 2 A2 ≥ 1 contradicts twice that being at most 1.999998, and does not contradict 2.
    path = write(tmp_path / "b.xlsx", {"A1": 0, "A2": 0, "C1": "=A1+A2", "D1": "=A1+2*A2", "D2": "=2*A1+4*A2"})
    limits = ["D1 >= 1", "D2 <= 1.999998"]
    found = solve(path, objective="C1", changing=["A1:A2"], constraints=limits, sense="minimize", nonnegative=False)
    assert found.message.endswith("S!D1 >= 1; S!D2 <= 1.999998")


def test_bounds_that_cross_by_less_than_ten_digits_are_told_apart() -> None:
    found = search(problem(lambda x: x[0], [0.0], lower=0.1 + 0.2, upper=0.3))
    assert found.message.endswith("would have to be at least 0.30000000000000004 and at most 0.3")


def test_a_number_is_said_with_as_many_digits_as_it_takes() -> None:
    said = [number_in_words(number, 6) for number in (2.0, 1.5, 1e6, 1234567.0, 1.999998, 0.1 + 0.2, -np.inf)]
    assert said == ["2", "1.5", "1e+06", "1234567", "1.999998", "0.30000000000000004", "-inf"]

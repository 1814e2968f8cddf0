"""How large cells count as, a problem in units of size 1, and what cells that have not moved could gain."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from embedsheet.solvers.problem import Limits, Problem
from embedsheet.solvers.tracker import Tracker
from embedsheet.solvers.units import Units, block_means, block_sizes, cell_sizes, cell_units, finite, spans
from embedsheet.solvers.unmoved import farther, promised_gain
from kit.problems import problem

INF = np.inf


def at(asked: Problem, x: Any, **limits: Any) -> Tracker:
    return Tracker(asked, np.array(x, float), Limits(**limits))


def flat(x: Any) -> Any:
    return 0.0 * x.sum()


BLOCKS = [slice(0, 2), slice(2, 4), slice(4, 4)]
X = np.array([3.0, -4.0, 0.0, 0.0])
ROOT = np.sqrt(12.5)  # the root mean square of 3 and −4


def test_sizes_are_those_of_cells_and_of_their_blocks() -> None:
    one = problem(flat, X, blocks=BLOCKS, lower=[-9, -9, 0, -INF], upper=[9, 9, 6, 5])
    assert block_means(one, X) == pytest.approx([ROOT, ROOT, 0, 0])
    assert block_sizes(one, X) == pytest.approx([ROOT, ROOT, 6, 1])
    assert cell_units(one, X) == pytest.approx([3, 4, 6, 1])
    assert cell_sizes(one, X) == pytest.approx([ROOT, 4, 1, 1])
    assert spans(one, X) == pytest.approx([ROOT, 4, 6, 1])
    together = problem(flat, X)
    assert block_means(together, X) == pytest.approx(np.full(4, 2.5))
    assert cell_units(together, X) == pytest.approx([3, 4, 2.5, 2.5])
    closed = problem(flat, [0.0], lower=2, upper=2)
    assert spans(closed, np.zeros(1)).tolist() == [1.0]
    empty = problem(flat, np.zeros(2), blocks=[slice(0, 0)])
    assert block_means(empty, np.ones(2)).tolist() == [0.0, 0.0]
    assert cell_sizes(problem(flat, [0.0]), np.array([-0.25])).tolist() == [0.25]


def test_what_has_no_value_is_badly_missed_and_has_no_slope() -> None:
    numbers = np.array([1.0, np.nan, INF, -INF])
    assert finite(numbers).tolist() == [1.0, -1e6, 1e6, -1e6]
    assert finite(numbers[None]).tolist() == [[1.0, 0.0, 1e6, -1e6]]
    assert finite(numbers[:1]).tolist() == [1.0]


def curved(x: Any) -> Any:
    return x[0] ** 3 + x[0] * x[1] ** 2 + 5.0


def rows(x: Any) -> Any:
    import jax.numpy as jnp

    return jnp.stack([x[0] ** 2 * x[1] - 3, x[0] - 4 * x[1], 0 * x[0] - 1.0])


def units(**more: Any) -> Units:
    one = problem(curved, [2.0, 1.0], lower=[0, -INF], upper=[INF, 7], c=rows, relations=["<=", ">=", "<="])
    return Units(at(one, [2.0, 1.0]), np.array([2.0, 1.0]), np.array([4.0, 0.5]), **more)


def test_in_units_derivatives_are_those_of_the_values() -> None:
    made, step = units(), 1e-5
    z, v, weights = np.array([0.7, 1.8]), np.array([0.3, -0.8]), np.array([0.6, -1.7, 0.4])
    (above, slope_above), (below, slope_below) = (made.merit(z + side * step * v) for side in (1, -1))
    assert made.merit(z)[1] @ v == pytest.approx((above - below) / (2 * step), rel=1e-6)
    assert made.hessian_product(z, v) == pytest.approx((slope_above - slope_below) / (2 * step), rel=1e-6)
    ahead, behind = (made.rows(z + side * step * v) for side in (1, -1))
    assert made.row_jacobian(z) @ v == pytest.approx((ahead - behind) / (2 * step), rel=1e-6)
    assert made.pull_back(z, weights) == pytest.approx(weights @ made.row_jacobian(z))
    ahead, behind = (weights @ made.row_jacobian(z + side * step * v) for side in (1, -1))
    assert made.row_hessian_product(z, weights, v) == pytest.approx((ahead - behind) / (2 * step), rel=1e-6)


def test_units_are_the_steepest_slope_and_the_rows_lengths_at_the_start() -> None:
    """At (2, 1) the slopes are 13 and 4, times the sizes 52 and 2; of the rows (4, 4) and (1, −4), (16, 2), (4, −2)."""
    made = units()
    assert made.height == pytest.approx(52.0)
    assert units(least_height=10.0).height == pytest.approx(150.0)  # of the value 15
    assert units(least_height=1e-3).height == pytest.approx(52.0)
    assert made.start.tolist() == [0.5, 2.0]
    assert made.lengths == pytest.approx([np.hypot(16, 2), np.hypot(4, 2), 1.0])
    assert made.merit(made.start)[0] == pytest.approx(15 / 52)
    assert made.rows(made.start) == pytest.approx([-1 / np.hypot(16, 2), -2 / np.hypot(4, 2), 1.0])
    assert made.bounds is not None
    assert (made.bounds.lb.tolist(), made.bounds.ub.tolist()) == ([0.0, -INF], [INF, 14.0])
    assert Units(at(problem(flat, [1.0]), [1.0]), np.ones(1), np.ones(1)).bounds is None
    assert Units(at(problem(flat, [1.0]), [1.0]), np.ones(1), np.ones(1)).height == 1.0
    assert Units(at(problem(lambda x: 0.0 * x[0] + 7.0, [1.0]), [1.0]), np.ones(1), np.ones(1)).height == 1.0
    slow = problem(flat, [1.0], c=lambda x: 0.25 * x, relations=["<="])
    assert Units(at(slow, [1.0]), np.ones(1), np.ones(1)).lengths.tolist() == [0.25]


def test_beyond_a_bound_is_only_looked_at_where_a_method_wants_it() -> None:
    z = np.array([-0.25, 20.0])
    assert units().inside(z).tolist() == [0.0, 7.0]
    assert units().merit(z)[0] == pytest.approx(5 / 52)
    assert units(strays=True).merit(z)[0] == pytest.approx((-1 - 100 + 5) / 52)
    made = units()
    best = made.tracker.best

    class Result:
        x = np.array([np.nan, 1.0])

    made.take(Result)
    assert made.tracker.best is best
    Result.x = np.array([-0.25, 2.0])
    made.take(Result)
    assert made.tracker.point(np.array([0.0, 1.0])) is made.tracker.point(np.array([0.0, 1.0]))


# -- what is promised ------------------------------------------------------------------------------------------------


def promised(asked: Problem, x: Any, start: Any = None, multipliers: Any = (1.0,), sizes: Any = None) -> float:
    """Return what is promised by slopes and bends alone, as where a row has a price; with none, by walking, too."""
    x = np.array(x, float)
    tracker = at(asked, x if start is None else start)
    gradient = asked.sign * tracker.point(x).gradient
    if asked.sense == "target":
        gradient = np.sign(tracker.point(x).value - asked.target) * gradient
    sizes = np.ones(len(x)) if sizes is None else np.array(sizes, float)
    return promised_gain(tracker, x, gradient, sizes, np.array(multipliers, float))


def test_a_cell_at_zero_promises_what_its_parabola_falls() -> None:
    """Of −6 x + x²/20, whose minimum −180 lies at 60."""

    def valley(x: Any) -> Any:
        return -6.0 * x[0] + 0.05 * x[0] ** 2 + 0.0 * x.sum()

    assert promised(problem(valley, [0.0]), [0.0]) == pytest.approx(180.0)
    assert promised(problem(lambda x: valley(-x), [0.0]), [0.0]) == pytest.approx(180.0)
    assert promised(problem(lambda x: -valley(x), [0.0], sense="maximize"), [0.0]) == pytest.approx(180.0)
    # Half way to a bound at 30: 180 − 45.
    assert promised(problem(valley, [0.0], upper=30), [0.0]) == pytest.approx(135.0)
    assert promised(problem(lambda x: valley(-x), [0.0], lower=-30), [0.0]) == pytest.approx(135.0)
    # A move that was looked at already promises nothing more.
    assert promised(problem(valley, [0.0]), [0.0], sizes=[60.0]) == 0.0
    assert promised(problem(valley, [0.0]), [0.0], sizes=[59.0]) == pytest.approx(180.0)
    assert promised(problem(valley, [0.0], upper=0.5), [0.0]) == 0.0
    # From 1 towards 60: 0.05 · 59².
    assert promised(problem(valley, [1.0]), [0.0], start=[1.0]) == pytest.approx(180.0)  # come down to it
    assert promised(problem(valley, [1.0]), [1.0]) == 0.0  # its size is known
    assert promised(problem(valley, [1.0]), [1.0], start=[0.0]) == pytest.approx(0.05 * 59**2)
    assert promised(problem(valley, [1.0]), [1e-4], start=[1.0]) == pytest.approx(180.0, rel=1e-4)


def test_a_slope_that_nothing_ends_promises_nothing_that_can_be_told() -> None:
    assert promised(problem(lambda x: -6.0 * x[0], [0.0]), [0.0]) == 0.0
    assert promised(problem(lambda x: -6.0 * x[0] - x[0] ** 2, [0.0]), [0.0]) == 0.0
    assert promised(problem(lambda x: -6.0 * x[0], [0.0], upper=1e14), [0.0]) == pytest.approx(6e14)
    assert promised(problem(lambda x: -6.0 * x[0], [0.0], upper=1e15), [0.0]) == 0.0
    assert promised(problem(lambda x: -6.0 * x[0] - x[0] ** 2, [0.0], upper=10), [0.0]) == pytest.approx(60.0)
    assert promised(problem(flat, [0.0]), [0.0]) == 0.0


def test_a_slope_that_goes_on_is_walked_along_where_no_row_has_a_price() -> None:
    """To 1, 10, 100 …, while each gains what the slope explains; 1e15 is too far."""
    ahead = problem(lambda x: -6.0 * x[0], [0.0])
    assert promised(ahead, [0.0], multipliers=()) == pytest.approx(6e14)
    assert promised(problem(lambda x: -6.0 * x[0], [0.0], upper=500), [0.0], multipliers=()) == pytest.approx(6 * 500)
    # At 60 lies the bottom of the valley, and 600 is on its other side.
    valley = problem(lambda x: -6.0 * x[0] + 0.05 * x[0] ** 2, [0.0])
    assert promised(valley, [0.0], multipliers=(), sizes=[60.0]) == pytest.approx(180.0)
    # At 100 it is -7100, beyond a hill of 19 at 10: no slope leads there. The bend promises 1/2 · 1²/0.6.
    hill = problem(lambda x: -x[0] + 0.3 * x[0] ** 2 - 1e-4 * x[0] ** 4, [0.0])
    assert promised(hill, [0.0], multipliers=()) == pytest.approx(1 / 1.2)


def test_a_walk_is_made_once_and_only_where_it_matters_and_there_is_time() -> None:
    """A walk takes many evaluations, and verdicts ask what is promised several times of one point."""
    valley = problem(lambda x: -6.0 * x[0] + 0.05 * x[0] ** 2, [0.0])
    tracker = at(valley, [0.0])
    x, sizes, none = np.zeros(1), np.ones(1), np.empty(0)
    gradient = tracker.point(x).gradient

    def asked(enough: float = np.inf) -> int:
        before = tracker.evaluations
        assert promised_gain(tracker, x, gradient, sizes, none, enough) == pytest.approx(180.0)
        return tracker.evaluations - before

    assert asked(enough=179.0) == 0  # by its bend
    assert asked() >= 2
    assert asked() <= 1  # the point itself
    late = at(valley, [0.0], deadline=0.0)
    before = late.evaluations
    assert farther(late, late.base, gradient, sizes) is late.base
    assert late.evaluations == before


def test_what_is_promised_is_worked_out_once_a_point(monkeypatch: pytest.MonkeyPatch) -> None:
    valley = problem(lambda x: -6.0 * x[0] + 0.05 * x[0] ** 2, [0.0])
    products = counted(monkeypatch, valley)
    tracker = at(valley, [0.0])

    def asked(price: float) -> float:
        x = np.zeros(1)
        return promised_gain(tracker, x, tracker.point(x).gradient, np.ones(1), np.array([price]))

    assert [asked(1.0), asked(1.0), asked(1.0)] == pytest.approx([180.0] * 3)
    assert len(products) == 1
    assert asked(2.0) == pytest.approx(180.0)  # by other prices of the rows it may be another answer
    assert len(products) == 2


def test_a_large_model_is_asked_for_few_walks_and_for_no_bends_unless_rows_have_prices(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each cell falls by its slope times 100 to its bound, where a walk ends; the 11th has the most room."""
    n = 10_001
    slopes = np.linspace(6.0, 5.0, n)
    large = problem(lambda x: -(slopes @ x), np.zeros(n), upper=np.where(np.arange(n) == 10, 1000.0, 100.0))
    products = counted(monkeypatch, large)
    tracker = at(large, np.zeros(n))
    x, gradient, sizes = np.zeros(n), -slopes, np.ones(n)
    before = tracker.evaluations
    assert promised_gain(tracker, x, gradient, sizes, np.empty(0)) == pytest.approx(100 * slopes[:10].sum())
    assert not products
    assert tracker.evaluations - before <= 50  # ten cells to 1, 10, 100, and all of them together
    assert promised_gain(tracker, x, gradient, sizes, np.ones(1)) == pytest.approx(600.0)
    assert len(products) == 10
    less = problem(lambda x: -(slopes[1:] @ x), np.zeros(n - 1), upper=100.0)
    products = counted(monkeypatch, less)
    assert promised_gain(at(less, np.zeros(n - 1)), x[1:], gradient[1:], sizes[1:], np.empty(0)) == pytest.approx(
        100 * slopes[1:31].sum()
    )
    assert len(products) == 30


def counted(monkeypatch: pytest.MonkeyPatch, asked: Problem) -> list[int]:
    """Return what gets an entry with every product with the second derivatives."""
    entries: list[int] = []
    product = asked.objective.hessian_product

    def noted(x: Any, v: Any) -> Any:
        entries.append(int(np.argmax(v)))
        return product(x, v)

    monkeypatch.setattr(asked.objective, "hessian_product", noted)
    return entries


def test_the_best_of_thirty_steepest_cells_counts() -> None:
    """Each falls by its slope times 2 to a bound."""
    slopes = np.arange(1.0, 41.0)
    assert promised(problem(lambda x: -(slopes @ x), np.zeros(40), upper=2.0), np.zeros(40)) == pytest.approx(80.0)
    # The 31st steepest has the most room.
    room = np.where(slopes == 10.0, 1000.0, 2.0)
    assert promised(problem(lambda x: -(slopes @ x), np.zeros(40), upper=room), np.zeros(40)) == pytest.approx(80.0)
    room = np.where(slopes == 11.0, 1000.0, 2.0)
    assert promised(problem(lambda x: -(slopes @ x), np.zeros(40), upper=room), np.zeros(40)) == pytest.approx(11000.0)


def test_a_row_that_is_slack_ends_a_move_where_it_is_used_up() -> None:
    """x + 2y <= 30: x may go to 30, y to 15; a row with a price has it in the slope already, as an equation has."""
    row = {"c": lambda x: x[:1] + 2 * x[1:] - 30}

    def of(slope: list[float], relation: str, multiplier: float) -> float:
        one = problem(lambda x: np.array(slope) @ x, [0.0, 0.0], relations=[relation], upper=100, lower=-100, **row)
        return promised(one, [0.0, 0.0], multipliers=[multiplier])

    assert of([-6.0, 0.0], "<=", 0.0) == pytest.approx(6 * 30)
    assert of([0.0, -6.0], "<=", 0.0) == pytest.approx(6 * 15)
    assert of([6.0, 0.0], "<=", 0.0) == pytest.approx(6 * 100)  # away from it
    assert of([-6.0, 0.0], "<=", 2.0) == pytest.approx(6 * 100)
    assert of([-6.0, 0.0], "=", 0.0) == pytest.approx(6 * 100)
    assert of([-6.0, 0.0], ">=", 0.0) == pytest.approx(6 * 100)
    assert of([6.0, 0.0], ">=", 1e-9) == pytest.approx(6 * 100)  # its price is in the slope


def test_towards_a_target_no_more_is_promised_than_is_missing() -> None:
    def valley(x: Any) -> Any:
        return -6.0 * x[0] + 0.05 * x[0] ** 2

    aimed = {"sense": "target"}
    assert promised(problem(valley, [0.0], target=-100.0, **aimed), [0.0]) == pytest.approx(
        6.0 * (100 / 6) - 0.05 * (100 / 6) ** 2
    )
    assert promised(problem(valley, [0.0], target=-1000.0, **aimed), [0.0]) == pytest.approx(180.0)
    # Of a bend away from the target, as much as there is to gain.
    assert promised(problem(lambda x: -6.0 * x[0] - x[0] ** 2, [0.0], target=-100.0, **aimed), [0.0]) == (
        pytest.approx(100.0)
    )
    assert promised(problem(lambda x: 6.0 * x[0] - 0.05 * x[0] ** 2, [0.0], target=1000.0, **aimed), [0.0]) == (
        pytest.approx(180.0)
    )
    # Cells of any size may move; where the target is met to a millionth nothing is left.
    assert promised(problem(valley, [1.0], target=-1000.0, **aimed), [1.0]) == pytest.approx(0.05 * 59**2)
    met = problem(lambda x: 1000.0 - 1e-3 * x[0], [0.0], target=1000.0 - 0.9e-3, **aimed)
    assert promised(met, [0.0], sizes=[0.1]) == 0.0
    near = problem(lambda x: 1000.0 - 1e-3 * x[0], [0.0], target=1000.0 - 1.1e-3, **aimed)
    assert promised(near, [0.0], sizes=[0.1]) == pytest.approx(1.1e-3)

"""When a search goes on by other means: what is settled, what lies on a plateau, what a constant hides."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from embedsheet.ground.errors import ModelError
from embedsheet.solvers import rescue
from embedsheet.solvers.problem import Limits, Problem
from embedsheet.solvers.reasons import Reason, Why
from embedsheet.solvers.rescue import _edged, _on_plateau, _settled, beneath_a_constant, is_rough, onto_rows
from embedsheet.solvers.search import search
from embedsheet.solvers.tracker import Tracker
from kit.problems import problem

INF = np.inf


def moved(asked: Problem, x: Any, **limits: Any) -> Tracker:
    """Return a tracker that began at the problem's start and has come to x."""
    tracker = Tracker(asked, asked.objective.start, Limits(**limits))
    tracker.best = tracker.point(np.array(x, float))
    tracker.best_violation = tracker.violation(tracker.best)
    return tracker


def test_a_point_is_settled_where_conditions_rows_and_target_hold() -> None:
    def bowl(x: Any) -> Any:
        return 1 + ((x - 1) ** 2).sum()

    assert _settled(moved(problem(bowl, [3.0]), [1.0]))
    assert not _settled(moved(problem(bowl, [3.0]), [1.1]))
    assert _settled(moved(problem(bowl, [3.0]), [1.1], tolerance=0.5))
    row = {"c": lambda x: x - 2, "relations": [">="]}
    assert _settled(moved(problem(bowl, [3.0], **row), [2.0]))
    assert not _settled(moved(problem(bowl, [3.0], **row), [1.0]))
    assert _settled(moved(problem(lambda x: x[0], [3.0], sense="target", target=7.0), [7.0]))
    assert not _settled(moved(problem(lambda x: x[0], [3.0], sense="target", target=7.0), [6.0]))
    assert not _settled(moved(problem(lambda x: x[0], [3.0], sense="target", target=7.0, **row), [1.0]))


def test_a_plateau_is_where_a_cell_has_neither_slope_nor_curvature_left() -> None:
    def curve(x: Any) -> Any:
        return 1 + (x[0] - 3) ** 2 - jnp.exp(-(x[1] ** 2))

    assert _on_plateau(moved(problem(curve, [3.0, 1.0]), [3.0, 40.0]))
    assert not _on_plateau(moved(problem(curve, [3.0, 1.0]), [3.0, 0.0]))  # a bottom bends
    assert not _on_plateau(moved(problem(curve, [3.0, 1.0]), [3.0, 1.5]))
    assert not _on_plateau(moved(problem(curve, [3.0, 0.0]), [3.0, 40.0]))  # it had no slope at the start either
    assert not _on_plateau(moved(problem(curve, [3.0, 1.0], upper=40.0), [3.0, 40.0]))  # a bound holds it
    assert not _on_plateau(moved(problem(curve, [3.0, 1.0], lower=[-9, -40]), [3.0, -40.0]))
    # What is nearly flat is one where that is asked for.
    nearly = moved(problem(curve, [3.0, 1.0]), [3.0, 4.2])
    assert not _on_plateau(nearly)
    assert _on_plateau(nearly, 1e-4)


def going_on(monkeypatch: pytest.MonkeyPatch, tracker: Tracker) -> bool:
    monkeypatch.setattr(rescue, "_to_the_end", lambda tracker: Why.NEWTON_STEPS())
    before: Reason = Why.PRECISION()
    after = beneath_a_constant(tracker, before)
    assert after is before or after.why is Why.NEWTON_STEPS
    return after is not before


def test_a_constant_that_hides_what_is_left_to_gain_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside a million, a gain of 1 of which some is left; more than a thousandth of it is not hidden."""

    def of(f: Any, x: float, start: float = 1.0, **more: Any) -> bool:
        return going_on(monkeypatch, moved(problem(f, [start], **more), [x]))

    def cost(x: Any) -> Any:
        return 1e6 + x[0] ** 2

    assert of(cost, 0.5)
    assert of(lambda x: -cost(x), 0.5, sense="maximize")
    assert not of(cost, 0.0)  # nothing is left
    assert not of(cost, 1.0)  # nothing has been gained
    assert of(cost, 0.03)  # 0.0018 is left
    assert not of(cost, 0.02)  # 0.0008, less than a billionth of a million
    assert of(cost, 0.08, 10.0)  # 0.0128
    assert not of(cost, 0.06, 10.0)  # 0.0072, less than a ten-thousandth of the 100 that have been gained
    assert not of(lambda x: 1e13 + x[0] ** 2, 0.5)  # less than a billionth of it
    assert of(cost, 1.0, 30.0)  # 899 have been gained, less than a thousandth of a million
    assert not of(cost, 1.0, 33.0)  # 1088
    assert not of(cost, 0.5, sense="target", target=0.0)
    assert not of(cost, 0.5, c=lambda x: x - 9, relations=["<="])
    spent = moved(problem(cost, [1.0]), [0.5], max_iterations=3)
    spent.iteration = 3
    assert not going_on(monkeypatch, spent)
    many = problem(lambda x: 1e6 + (x**2).sum(), np.full(251, 0.06))
    assert not going_on(monkeypatch, moved(many, np.full(251, 0.03)))


def test_a_point_that_misses_a_row_is_led_onto_it() -> None:
    row = {"c": lambda x: x[:1] + x[1:] - 2, "relations": ["="]}
    tracker = moved(problem(lambda x: (x**2).sum(), [3.0, 3.0], **row), [1.0, 1.0 + 1e-4])
    onto_rows(tracker)
    assert tracker.best.x.sum() == pytest.approx(2.0, abs=1e-9)
    assert tracker.best_violation <= 1.0
    near = moved(problem(lambda x: (x**2).sum(), [3.0, 3.0], **row), [1.0, 1.0 + 5e-7])
    best = near.best
    onto_rows(near)
    assert near.best is best  # what is allowed stays


def test_what_is_rough_is_told_by_steps_or_by_jumps_that_are_found() -> None:
    def rough(f: Any, start: Any = (1.0,), **more: Any) -> bool:
        return is_rough(moved(problem(f, list(start), lower=0, upper=5, **more), list(start)))

    def step(x: Any) -> Any:
        return jnp.where(x[0] > 2.3, 1.0, 0.0)

    told = {"jumps": lambda: ["B1"]}
    assert rough(lambda x: x[0], unseen=lambda: ["A1"])
    assert not rough(lambda x: x[0])
    assert rough(step, **told)
    assert not rough(step)
    assert not rough(lambda x: x[0], **told)
    assert not rough(step, np.ones(251), **told)


def test_a_model_of_edges_is_one_that_is_linear_between_them() -> None:
    def edged(curved: bool | None, **more: Any) -> bool:
        lowered = None if curved is None else SimpleNamespace(curved=curved)
        return _edged(problem(lambda x: x[0], [1.0], piecewise=lambda: lowered, **({"kinked": lambda: True} | more)))

    assert edged(False)
    assert edged(False, sense="maximize")
    assert not edged(True)
    assert not edged(None)
    assert not edged(False, kinked=lambda: False)
    assert not edged(False, sense="target")


# -- where a derivative is infinite at the start ----------------------------------------------------------------------


def rooted(offset: float = 0.0, sign: float = 1.0, **more: Any) -> Problem:
    """Return the root of x, whose derivative at 0 counts as 0, from 0."""

    def root(x: Any) -> Any:
        return offset + sign * jnp.where(x[0] > 0, jnp.sqrt(jnp.where(x[0] > 0, x[0], 1.0)), 0.0)

    def undefined(x: Any) -> Any:
        return [("B1", "an infinite derivative")] if x[0] == 0 else []

    return problem(root, [0.0], **({"lower": 0, "undefined": undefined} | more))


def test_a_perfect_fit_is_where_everybody_wants_to_be() -> None:
    perfect = search(rooted())
    assert (perfect.status, perfect.reason.why, perfect.x.tolist()) == ("optimal", Why.KINK_AT_START, [0.0])
    assert not perfect.notes
    for other in (
        rooted(offset=1.0), rooted(sense="maximize", upper=4), rooted(sign=-1.0, upper=4),
        rooted(c=lambda x: x - 1, relations=[">="]),
    ):  # fmt: skip
        found = search(other)
        assert found.reason.why is not Why.KINK_AT_START
        assert any("the search began beside the stored values" in note for note in found.notes)
        if other.sense == "maximize" or other.objective.value(np.ones(1)) < 0:
            assert found.x == pytest.approx([4.0])
        elif other.relations:
            assert found.x == pytest.approx([1.0])
    with pytest.raises(ModelError, match="B1: an infinite derivative"):
        search(rooted(offset=1.0), method="L-BFGS-B")
    with pytest.raises(ModelError, match="B1: an infinite derivative"):
        search(replace(rooted(offset=1.0), undefined=lambda x: [("B1", "an infinite derivative")]))

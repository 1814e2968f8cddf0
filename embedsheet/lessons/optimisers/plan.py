"""The lesson's numbers: points on a line, where the search begins, and every number that the formulas will show."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from embedsheet.ground.errors import LessonError
from embedsheet.lessons.optimisers.rules import RULES, Rule
from embedsheet.mirrors.optimisers.comparison import Floats, batch_rows, gradient

TRUE_LINE = (3.0, 2.0)  # intercept and slope that the points are drawn around
START = (-4.0, 7.0)
MOST_POINTS, MOST_STEPS = 200, 500


@dataclass(frozen=True, slots=True)
class Plan:
    """The points x, y (n,), how many of them a batch takes, and how many steps are shown."""

    x: Floats
    y: Floats
    batch: int
    steps: int

    def loss(self, weights: Floats) -> float:
        """Return the mean squared error over all points."""
        return float(np.mean((weights[0] + weights[1] * self.x - self.y) ** 2))

    @property
    def best(self) -> Floats:
        """The least-squares line: intercept and slope."""
        slope = float(
            np.sum((self.x - self.x.mean()) * (self.y - self.y.mean())) / np.sum((self.x - self.x.mean()) ** 2)
        )
        return np.array([self.y.mean() - slope * self.x.mean(), slope])


def plan(points: int, batch: int | None, steps: int, seed: int) -> Plan:
    """Return the plan for the lesson's options. Raises LessonError for those that make no sense."""
    if not 3 <= points <= MOST_POINTS:
        raise LessonError(f"--points {points}: take 3 to {MOST_POINTS}.")
    if batch is not None and not 1 <= batch <= points:
        raise LessonError(f"--batch {batch}: take 1 to {points}, the number of points.")
    if not 1 <= steps <= MOST_STEPS:
        raise LessonError(f"--steps {steps}: take 1 to {MOST_STEPS}.")
    if seed < 0:
        raise LessonError(f"--seed {seed}: take 0 or more.")
    random = np.random.default_rng(seed)
    x = random.uniform(-1, 3, points).round(2)
    y = (TRUE_LINE[0] + TRUE_LINE[1] * x + random.normal(0, 0.7, points)).round(2)
    if np.ptp(x) == 0:
        raise LessonError(f"--seed {seed}: all points have one x; take another seed.")
    return Plan(x, y, batch or points, steps)


@dataclass(frozen=True, slots=True)
class Trace:
    """What a rule does: weights and each state (steps + 1, 2), gradients (steps, 2), losses (steps + 1,)."""

    weights: Floats
    gradients: Floats
    states: list[Floats]
    losses: Floats


def trace(plan: Plan, rule: Rule) -> Trace:
    """Walk a rule's steps from the start."""
    first = rule.settings.get(rule.first_state, 0.0)
    weights, slopes = [np.array(START)], []
    states = [[np.full(2, first) for _ in rule.states]]
    for step in range(1, plan.steps + 1):
        rows = batch_rows(step, plan.batch, len(plan.x))
        slopes.append(gradient(weights[-1], plan.x[rows], plan.y[rows]))
        there, kept = rule.step(weights[-1], slopes[-1], states[-1], step, rule.settings)
        weights.append(there)
        states.append(kept)
    return Trace(
        np.stack(weights),
        np.stack(slopes),
        [np.stack(one) for one in zip(*states, strict=True)],
        np.array([plan.loss(one) for one in weights]),
    )


def traces(plan: Plan) -> dict[str, Trace]:
    """Return the trace of every rule, by its name."""
    return {rule.name: trace(plan, rule) for rule in RULES}

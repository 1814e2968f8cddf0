"""Small changes of a point that gradients do not see, tried in batches: pattern search with exchanges.

One cell by a step, to a bound or to 0; an amount from one cell to another, so that sums stay; two cells' values
exchanged. Steps become smaller where none of them is better.
"""

from __future__ import annotations

import numpy as np

from embedsheet.solvers.problem import FloatArray
from embedsheet.solvers.trials import Trials
from embedsheet.solvers.units import spans

_STEPS = (0.3, 0.1, 0.03, 1e-2, 1e-3, 1e-4, 1e-6, 1e-8)
_WHOLE_STEPS = (1.0, 2.0, 5.0, 13.0)
_MOST_PAIRS = 400
_MOST_POINTS = 4000
_MOST_ROUNDS = 200
_LEAST_GAIN = 1e-12


def improve(trials: Trials, generator: np.random.Generator) -> None:
    """Move the tracker's best point while one of the moves makes it better."""
    size = len(_STEPS)
    scale = 0
    for _ in range(_MOST_ROUNDS):
        before = trials.energy
        x = trials.tracker.best.x
        trials.judge(trials.inside(_beside(trials, x, _STEPS[scale], generator)))
        gain = before - trials.energy
        if not gain > _LEAST_GAIN * max(1.0, abs(before)):
            scale += 1
            if scale == size:
                return


def _beside(trials: Trials, x: FloatArray, step: float, generator: np.random.Generator) -> FloatArray:
    """Return the points that one move reaches from x."""
    problem, n = trials.problem, len(x)
    low, high = trials.box
    reach = np.minimum(spans(problem, x), np.maximum(high - low, 1e-12))
    whole = np.zeros(n, bool) if problem.integer is None else problem.integer
    points: list[FloatArray] = []

    def moved(*changes: tuple[int, float]) -> None:
        if len(points) < _MOST_POINTS:
            point = x.copy()
            for place, value in changes:
                point[place] = value
            points.append(point)

    def steps(place: int) -> list[float]:
        sizes = _WHOLE_STEPS if whole[place] else (step * reach[place],)
        return [sign * size for size in sizes for sign in (1.0, -1.0)]

    for place in generator.permutation(n)[: _MOST_POINTS // 8]:
        for change in steps(place):
            moved((place, x[place] + change))
        for value in (problem.lower[place], problem.upper[place], 0.0):
            if np.isfinite(value) and value != x[place]:
                moved((place, value))
    pairs = (
        [(one, other) for one in range(n) for other in range(n) if one != other]
        if n * n <= 4 * _MOST_PAIRS
        else [tuple(generator.choice(n, 2, replace=False)) for _ in range(_MOST_PAIRS)]
    )
    for one, other in pairs:
        for change in steps(one)[: 2 if whole[one] else 1]:
            moved((one, x[one] + change), (other, x[other] - change))
        if x[one] != x[other]:
            moved((one, x[other]), (other, x[one]))
        end = problem.lower[one] if np.isfinite(problem.lower[one]) else 0.0
        moved((one, end), (other, x[other] + x[one] - end))
    found = np.array(points).reshape(-1, n)
    return np.concatenate([found, trials.repaired(found)]) if len(trials.linear_rows[0]) else found

"""Small changes of a point that gradients do not see, tried in batches: pattern search with exchanges.

One cell by a step, to a bound or to 0; an amount from one cell to another, so that sums stay; two cells' values
exchanged. Steps become smaller where none of them is better.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from embedsheet.solvers.problem import FloatArray
from embedsheet.solvers.trials import Trials
from embedsheet.solvers.units import spans

_STEPS = (0.3, 0.1, 0.03, 1e-2, 1e-3, 1e-4, 1e-6, 1e-8)
_WHOLE_STEPS = (1.0, 2.0, 5.0, 13.0)
_MOST_PAIRS = 400
_MOST_POINTS = 4000
_MOST_ROUNDS = 200
_SEVERAL = 500
_LEAST_GAIN = 1e-12


def improve(trials: Trials, generator: np.random.Generator, held: NDArray[np.bool_] | None = None) -> None:
    """Move the tracker's best point, but for the cells that are `held`, while one of the moves makes it better."""
    free = np.arange(trials.problem.size) if held is None else np.flatnonzero(~held)
    size = len(_STEPS)
    scale = 0
    for _ in range(_MOST_ROUNDS):
        before = trials.energy
        x = trials.tracker.best.x
        trials.judge(trials.inside(_beside(trials, x, _STEPS[scale], generator, free)))
        gain = before - trials.energy
        if not gain > _LEAST_GAIN * max(1.0, abs(before)):
            scale += 1
            if scale == size:
                return


def _beside(
    trials: Trials, x: FloatArray, step: float, generator: np.random.Generator, free: NDArray[np.int64]
) -> FloatArray:
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

    for place in generator.permutation(free)[: _MOST_POINTS // 8]:
        for change in steps(place):
            moved((place, x[place] + change))
        for value in (problem.lower[place], problem.upper[place], 0.0):
            if np.isfinite(value) and value != x[place]:
                moved((place, value))
    pairs = [(one, other) for one in free for other in free if one != other]
    if len(pairs) > 4 * _MOST_PAIRS:
        pairs = [pairs[place] for place in generator.choice(len(pairs), _MOST_PAIRS, replace=False)]
    for one, other in pairs:
        for change in steps(one)[: 2 if whole[one] else 1]:
            moved((one, x[one] + change), (other, x[other] - change))
        if x[one] != x[other]:
            moved((one, x[other]), (other, x[one]))
        end = problem.lower[one] if np.isfinite(problem.lower[one]) else 0.0
        moved((one, end), (other, x[other] + x[one] - end))
    found = np.concatenate([np.array(points).reshape(-1, n), _several(x, free[whole[free]], generator)])
    if not len(trials.linear_rows[0]) or len(free) < n:
        return found
    return np.concatenate([found, trials.repaired(found)])


def _several(x: FloatArray, places: NDArray[np.int64], generator: np.random.Generator) -> FloatArray:
    """Return x with several whole numbers moved a little at once: all ways if they are few, else some."""
    k = len(places)
    if not k:
        return np.empty((0, len(x)))
    if 5**k <= _MOST_POINTS:
        shifts = np.stack(np.unravel_index(np.arange(5**k), (5,) * k), axis=1) - 2.0
    else:
        moved = generator.uniform(size=(_SEVERAL, k)) < 3.0 / k
        shifts = np.where(moved, generator.integers(-2, 3, size=(_SEVERAL, k)), 0.0)
    points = np.repeat(x[None], len(shifts), axis=0)
    points[:, places] += shifts
    return points

"""A search of the whole box for models whose gradient does not lead anywhere: ROUND, IF, COUNTIF, look-ups.

Start points (the stored one, the best so far, corners, what the same model finds without its rounding), then scipy's
differential evolution over batches of points, moves that gradients do not see, and exact-gradient descents from the
best. The same seed gives the same points. Nothing here proves an optimum.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from embedsheet.solvers import moves
from embedsheet.solvers.methods import choose, descend
from embedsheet.solvers.problem import Finished, FloatArray, Limits, Objective, Problem, Unbounded
from embedsheet.solvers.reasons import Reason, Why
from embedsheet.solvers.tracker import Found, Tracker
from embedsheet.solvers.trials import Trials

MOST_CELLS = 250  # of a search that nobody asked for
_POPULATION = (24, 96)
_GENERATIONS = 120
_MOST_ROUNDS = 4
_MARGIN = 0.05  # beyond the bounds, onto which such points are moved: evolution alone would never meet a bound
_CORNERS = 8
_POINTS, _CELLS = (2_000, 60_000), 300_000_000
_FAR = 1e6  # times the start: there an unbounded search has gone


def search_globally(tracker: Tracker) -> Reason:
    """Look for better points than the tracker's best; return what was done."""
    trials = Trials(tracker)
    generator = np.random.default_rng(tracker.limits.seed)
    ended = None
    try:
        _begin(trials, generator)
        trials.most = most_points(tracker.problem)
        for round_ in range(_MOST_ROUNDS):
            before = trials.energy
            _evolve(trials, generator, round_)
            moves.improve(trials, generator)
            _polish(trials)
            if round_ and not trials.energy < before:
                break
    except Finished as end:
        ended = None if end.reason.why is Why.SPENT else end.reason
    if tracker.population is not None:
        # What moves and descents found beside the population belongs to it.
        tracker.population = np.vstack([tracker.best.x, tracker.population])
    done = Why.GLOBAL(points=trials.evaluated)
    return Why.ENDED(ended=ended, done=done) if ended else done


def _begin(trials: Trials, generator: np.random.Generator) -> None:
    """Try the points that need no search."""
    tracker, problem = trials.tracker, trials.problem
    low, high = trials.box
    points = [tracker.start, tracker.best.x, low, high, (low + high) / 2.0, np.clip(0.0, low, high)]
    points += [np.where(generator.uniform(size=problem.size) < 0.5, low, high) for _ in range(_CORNERS)]
    for place in range(min(problem.size, 50)):
        points += [np.where(np.arange(problem.size) == place, high, low)]
    trials.judge(_and_repaired(trials, np.array(points)))
    smooth = problem.unrounded()
    if smooth is None:
        return
    found = without_rounding(tracker, smooth)
    if found is None:
        return
    trials.judge(_and_repaired(trials, np.array([found.x])))
    if found.interrupted:
        raise KeyboardInterrupt
    moves.improve(trials, generator)
    if found.status == "unbounded":
        _go_far(trials, smooth)


def _go_far(trials: Trials, smooth: Objective) -> None:
    """Raise Unbounded where the sheet's own function follows an unrounded one that has no end."""
    tracker, problem = trials.tracker, trials.problem
    start = tracker.best.x
    slope = problem.sign * np.asarray(smooth.value_and_gradient(start)[1])
    steps = -slope / (np.abs(slope).max(initial=0.0) or 1.0)
    trials.judge(_and_repaired(trials, start + (10.0 ** np.arange(1, 13))[:, None] * steps))
    far = np.abs(tracker.best.x).max() > _FAR * (1.0 + np.abs(tracker.start).max())
    if far and tracker.best_violation <= 1.0 and tracker.without_end(tracker.best):
        raise Unbounded


def most_points(problem: Problem) -> int:
    """Return how many points a search may try: more where it was asked for, fewer on large sheets."""
    cells = getattr(problem.objective, "cells", 1)
    return int(max(_POINTS[0], min(_POINTS[1], _CELLS // cells))) * (4 if problem.evolutionary else 1)


def without_rounding(tracker: Tracker, smooth: Objective) -> Found | None:
    """Return what a search finds in the same model without its rounding; None where it finds nothing."""
    from embedsheet.ground.errors import ModelError

    if tracker.again is None:
        return None
    easier = replace(
        tracker.problem, objective=smooth, unseen=tuple, jumps=tuple, unrounded=lambda: None, evolutionary=False,
        undefined=None,
    )  # fmt: skip
    try:
        found = tracker.again(easier, tracker.limits)
    except ModelError:
        return None
    return found if np.isfinite(found.x).all() else None


def _and_repaired(trials: Trials, points: FloatArray) -> FloatArray:
    if not len(trials.linear_rows[0]):
        return points
    return np.concatenate([points, trials.repaired(points)])


def _evolve(trials: Trials, generator: np.random.Generator, round_: int) -> None:
    """Run differential evolution; the first population holds the best point so far."""
    from scipy import optimize

    low, high = trials.box
    free = np.flatnonzero(high > low)
    if not len(free):
        return
    width = np.where(high > low, high - low, 0.0) * _MARGIN
    count = trials.tracker.limits.population or int(np.clip(8 * len(free), *_POPULATION))
    start = low + generator.uniform(size=(count, len(low))) * (high - low)
    start[0] = trials.tracker.best.x
    if round_ % 2:  # about the best point, more closely each time
        start[1 : count // 2] = trials.tracker.best.x + (start[1 : count // 2] - trials.tracker.best.x) * 0.1**round_
    start = np.clip(start, low, high)

    def energies(columns: FloatArray) -> FloatArray:
        points = np.repeat(trials.tracker.best.x[None], columns.shape[1], axis=0)
        points[:, free] = np.clip(columns.T, low[free], high[free])
        return trials.judge(trials.repaired(points)).energies

    def keep(intermediate_result: optimize.OptimizeResult) -> bool:
        """Keep the population; end where its points are as good as each other, if that was asked for."""
        columns = intermediate_result.population.T
        points = np.repeat(trials.tracker.best.x[None], columns.shape[1], axis=0)
        points[:, free] = np.clip(columns.T, low[free], high[free])
        trials.tracker.population = trials.inside(trials.repaired(points))
        return _alike(intermediate_result.population_energies, trials.tracker.limits.convergence)

    bounds = optimize.Bounds(low[free] - width[free], high[free] + width[free])
    optimize.differential_evolution(
        energies, bounds, init=start[:, free], vectorized=True, updating="deferred", polish=False,
        maxiter=_GENERATIONS, tol=1e-10, rng=generator, mutation=(0.4, 1.0), recombination=0.8, callback=keep,
    )  # fmt: skip


def _alike(energies: FloatArray, convergence: float | None) -> bool:
    """Whether 99 % of a population differ by less than a Convergence (solver.com, on the Evolutionary method's end)."""
    if convergence is None:
        return False
    best = np.sort(energies)[: max(2, int(np.ceil(0.99 * len(energies))))]
    return bool(best[-1] - best[0] <= convergence * max(abs(best[0]), abs(best[-1])))


def _polish(trials: Trials) -> None:
    """Descend along exact gradients from the best point: on all cells, and without those at a bound or at 0."""
    tracker, problem = trials.tracker, trials.problem
    for held in (False, True):
        x = tracker.best.x
        resting = _resting(problem, x) if held else np.zeros(len(x), bool)
        if held and not resting.any():
            break
        _descend_from(trials, x, resting)
        _descend_unrounded(trials)


def placed_from(trials: Trials, x: FloatArray) -> None:
    """Keep the whole numbers of a point and descend along exact gradients in the others: all, and those not at rest."""
    _descend_from(trials, x, np.zeros(len(x), bool))
    resting = _resting(trials.problem, x)
    if resting.any():
        _descend_from(trials, x, resting)


def _resting(problem: Problem, x: FloatArray) -> NDArray[np.bool_]:
    """Return which cells are at a bound or at 0."""
    return np.asarray((x == problem.lower) | (x == problem.upper) | (x == 0.0))


def _descend_from(trials: Trials, x: FloatArray, held: NDArray[np.bool_]) -> None:
    tracker, problem = trials.tracker, trials.problem
    fixed = held | problem.integer if problem.integer is not None else held
    if fixed.all():
        return
    part = replace(
        problem, lower=np.where(fixed, x, problem.lower), upper=np.where(fixed, x, problem.upper), integer=None,
        all_different=(),
    )  # fmt: skip
    inner = _descended(part, x, tracker.limits)
    if inner is None:
        return
    tracker.evaluations += inner.evaluations
    trials.judge(np.array([inner.best.x]))


def _descended(part: Problem, x: FloatArray, limits: Limits) -> Tracker | None:
    """Return the tracker of a search from x, None where there is nothing to begin from or no end."""
    inner = Tracker(part, x, limits)
    if not inner.base.sound:
        return None
    inner.method = choose(part)
    try:
        descend(inner, x)
    except Unbounded:
        return None
    return inner


def _descend_unrounded(trials: Trials) -> None:
    """Descend in the model without its rounding, from the best point."""
    tracker, problem = trials.tracker, trials.problem
    smooth = problem.unrounded()
    if smooth is None or (problem.integer is not None and problem.integer.all()):
        return
    x = tracker.best.x
    fixed = np.zeros(len(x), bool) if problem.integer is None else problem.integer
    part = replace(
        problem, objective=smooth, lower=np.where(fixed, x, problem.lower), upper=np.where(fixed, x, problem.upper),
        integer=None, all_different=(), unrounded=lambda: None,
    )  # fmt: skip
    inner = _descended(part, x, tracker.limits)
    if inner is None:
        return
    trials.judge(_and_repaired(trials, np.array([inner.best.x])))


def steps(problem: Problem) -> str:
    """Say which cells and functions hide the gradient, after a colon; "" for none."""
    unseen = [one.split(" is constant")[0].split(" takes a place")[0] for one in problem.unseen()]
    steps = [*unseen, *problem.jumps()]
    if not steps:
        return ""
    more = f" and {len(steps) - 2} more" if len(steps) > 2 else ""
    return f": {'; '.join(steps[:2])}{more}"


# -- jumps ------------------------------------------------------------------------------------------------------------

_SEGMENTS = 64
_LENGTHS = (1.0, 1e-1, 1e-3, 1e-5)
_HALVINGS = 44
_JUMP = 1e-7


def jumps_somewhere(tracker: Tracker) -> bool:
    """Whether the objective or a row is found to jump: between two points a rounding apart they differ by more.

    Segments between points of the box are halved, always keeping the half across which more changes. A model that is
    not caught may still jump.
    """
    trials = Trials(tracker)
    low, high = trials.box
    generator = np.random.default_rng(tracker.limits.seed)
    corner = generator.integers(0, 4, size=(_SEGMENTS, len(low)))
    drawn = low + generator.uniform(size=corner.shape) * (high - low)
    ends = np.where(corner == 0, low, np.where(corner == 1, high, drawn))
    ends[: _SEGMENTS // 4] = tracker.best.x
    ends[_SEGMENTS // 4 : _SEGMENTS // 2] = low
    # Long ones follow what is steep; short ones meet the step beside the bound that they begin at.
    length = np.take(_LENGTHS, np.arange(_SEGMENTS) % len(_LENGTHS))[:, None]
    one, other = ends, ends + length * (low + generator.uniform(size=ends.shape) * (high - low) - ends)
    at_one, at_other = (_all_of(trials, side) for side in (one, other))
    size = np.maximum(1.0, np.nanmax(np.abs(np.concatenate([at_one, at_other])), axis=0, initial=0.0))
    for _ in range(_HALVINGS):
        middle = 0.5 * (one + other)
        at_middle = _all_of(trials, middle)
        left = _apart(at_one, at_middle, size) >= _apart(at_middle, at_other, size)
        other = np.where(left[:, None], middle, other)
        at_other = np.where(left[:, None], at_middle, at_other)
        one = np.where(left[:, None], one, middle)
        at_one = np.where(left[:, None], at_one, at_middle)
    return bool((_apart(at_one, at_other, size) > _JUMP).any())


def _all_of(trials: Trials, points: FloatArray) -> FloatArray:
    """Return objective and rows of points as they are, whole or not, (k, 1 + m)."""
    shortcut = getattr(trials.problem.objective, "outcomes", None)
    if shortcut is None:
        return np.array([[trials.problem.objective.value(x)] for x in points])
    return np.asarray(shortcut(points), dtype=np.float64)


def _apart(one: FloatArray, other: FloatArray, size: FloatArray) -> FloatArray:
    with np.errstate(invalid="ignore"):
        changes = np.nan_to_num(np.abs(one - other) / size, nan=0.0, posinf=0.0)
    return np.asarray(changes.max(axis=1))

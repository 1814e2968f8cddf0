"""Generated models of every kind that is proven: no random point, no move and no other search beats an "optimal"."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embedsheet.solver import Solution, Specification, load_model, problem_of, solve
from embedsheet.solvers.moves import improve
from embedsheet.solvers.problem import Limits, Problem
from embedsheet.solvers.search import search
from embedsheet.solvers.tracker import EXACT, Tracker
from embedsheet.solvers.trials import Trials
from kit.sheets import write

Random = np.random.Generator
Model = tuple[dict[str, Any], dict[str, Any]]
# Words of a verdict that is a proof, see docs/choosing-a-method.md.
PROVEN = (
    "proven",
    "proves",
    "possible points were tried",
    "possible point was tried",
    "optimality conditions hold, and the model is convex",
)
WITHIN = 2e-6  # curves are proven to 1e-6


def _sum(generator: Random, n: int, low: int = -9, high: int = 9) -> str:
    return "+".join(f"{generator.integers(low, high + 1)}*A{place}" for place in range(1, n + 1))


def _asked(generator: Random, n: int, *constraints: str, top: int = 9) -> dict[str, Any]:
    return {
        "objective": "B1", "changing": [f"A1:A{n}"], "sense": generator.choice(["minimize", "maximize"]),
        "constraints": [f"0 <= A1:A{n} <= {top}", *constraints],
    }  # fmt: skip


def _cells(generator: Random, n: int, objective: str, *rows: str) -> dict[str, Any]:
    start = {f"A{place}": int(generator.integers(0, 4)) for place in range(1, n + 1)}
    return start | {"B1": f"={objective}"} | {f"B{place}": f"={row}" for place, row in enumerate(rows, 2)}


def linear(generator: Random) -> Model:
    n = int(generator.integers(2, 7))
    cells = _cells(generator, n, _sum(generator, n), _sum(generator, n), _sum(generator, n, 0))
    whole = [f"A1:A{generator.integers(1, n + 1)} integer"] if generator.uniform() < 0.6 else []
    return cells, _asked(generator, n, f"B2 <= {generator.integers(0, 30)}", "B3 <= 70", *whole)


def quadratic(generator: Random) -> Model:
    n = int(generator.integers(2, 5))
    squares = "+".join(f"({_sum(generator, n, -3, 3)}-{generator.integers(0, 20)})^2" for _ in range(n + 1))
    asked = _asked(generator, n, f"B2 >= {generator.integers(1, 12)}", *_some_whole(generator, n))
    return _cells(generator, n, squares, _sum(generator, n, 0, 4)), asked | {"sense": "minimize"}


def _some_whole(generator: Random, n: int) -> list[str]:
    return [f"A1:A{generator.integers(1, n + 1)} integer"] if generator.uniform() < 0.7 else []


CURVES = [
    "{a}*A{i}^2", "{a}*A{i}*A{j}", "{a}*A{i}/(A{j}+2)", "{a}*EXP(-A{i}/3)", "{a}*LN(A{i}+1)", "{a}*SQRT(A{i}+A{j})",
    "{a}*(A{i}-A{j})^2", "{a}/(A{i}+1)", "{a}*A{i}^1.5", "{a}*2^(A{i}/3)",
]  # fmt: skip
STEPS = [
    "IF(A{i}>{c},{b}*A{j},{a}*A{i})", "{a}*MAX(A{i},A{j},{c})", "{a}*ABS(A{i}-{c})", "{a}*ROUND(A{i}*1.3,0)",
    "{a}*(A{i}>A{j})", '{a}*COUNTIF(A1:A3,">{c}")', "{a}*INT(A{i}/2)+A{j}", "IF(AND(A{i}>{c},A{j}<5),{b},{a})",
    "{a}*MIN(A{i}+A{j},7)", "IF(A{i}>0,{b},0)+A{i}",
]  # fmt: skip


def _terms(generator: Random, kinds: list[str], count: int) -> str:
    found = []
    for kind in generator.choice(kinds, count):
        i, j = generator.permutation(3)[:2] + 1
        a, b, c = generator.integers(-6, 7), generator.integers(-9, 10), generator.integers(1, 7)
        found.append(str(kind).format(i=i, j=j, a=a, b=b, c=c))
    return "+".join(found).replace("+-", "-")


def curved(generator: Random) -> Model:
    objective, row = _terms(generator, CURVES, int(generator.integers(2, 5))), _terms(generator, CURVES, 1)
    cells = _cells(generator, 3, objective, row, "A1+A2+A3")
    whole = f"A1:A{generator.integers(1, 4)} integer"
    return cells, _asked(generator, 3, f"B2 <= {generator.integers(0, 20)}", f"B3 >= {generator.integers(0, 8)}", whole)


def stepping(generator: Random) -> Model:
    cells = _cells(generator, 3, _terms(generator, STEPS, int(generator.integers(2, 5))), "A1+A2+A3")
    return cells, _asked(generator, 3, f"B2 >= {generator.integers(0, 8)}", *_some_whole(generator, 3)[:1])


def stepping_and_curved(generator: Random) -> Model:
    both = f"{_terms(generator, STEPS, 2)}+{_terms(generator, CURVES, 1)}".replace("+-", "-")
    cells = _cells(generator, 3, both, "A1+A2+A3")
    return cells, _asked(generator, 3, f"B2 >= {generator.integers(0, 8)}", *_some_whole(generator, 3)[:1])


def few_points(generator: Random) -> Model:
    cells = _cells(generator, 3, f"SIN(A1*{generator.integers(1, 5)})*A2+MOD(A3*A1,4)-A2", "A1*A2")
    return cells, _asked(generator, 3, f"B2 <= {generator.integers(3, 30)}", "A1:A3 integer")


def ordered(generator: Random) -> Model:
    n = int(generator.integers(4, 7))
    cells = _cells(generator, n, "+".join(f"{generator.integers(1, 9)}*A{i}*A{i % n + 1}" for i in range(1, n + 1)))
    cells |= {f"A{place}": place for place in range(1, n + 1)}
    return cells, _asked(generator, n) | {"constraints": [f"A1:A{n} all different"]}


KINDS: list[Callable[[Random], Model]] = [
    linear, quadratic, curved, stepping, stepping_and_curved, few_points, ordered
]  # fmt: skip


def rivals(problem: Problem, found: Solution, generator: Random) -> Trials:
    """Return trials that hold the best of random points, corners, points beside `found`, and moves from these."""
    tracker = Tracker(problem, problem.lower.copy(), Limits())
    if len(problem.all_different):
        tracker = Tracker(problem, np.asarray(problem.objective.start), Limits())
    trials, n = Trials(tracker), problem.size
    low, high = trials.box
    drawn = low + generator.uniform(size=(4000, n)) * (high - low)
    drawn[::7] = np.where(generator.uniform(size=drawn[::7].shape) < 0.5, low, high)
    beside = found.x + generator.normal(size=(2000, n)) * generator.choice([1.0, 0.1, 1e-2, 1e-4], (2000, 1))
    points = np.concatenate([drawn, beside])
    if len(problem.all_different):
        points = np.array([generator.permutation(n) + 1.0 for _ in range(800)])
        trials.judge(points)
        return trials
    trials.judge(np.concatenate([points, trials.repaired(points)]))
    improve(trials, generator)
    return trials


def attacked(kind: Callable[[Random], Model], seed: int, folder: Path, searches: int) -> str:
    """Solve a generated model and attack the verdict; return what it was."""
    generator = np.random.default_rng([seed, KINDS.index(kind)])
    cells, asked = kind(generator)
    path = write(folder / "book.xlsx", cells)
    found = solve(path, dry_run=True, **asked)
    claimed = found.status == "optimal" and (found.bound is not None or any(word in found.message for word in PROVEN))
    claimed |= found.status == "infeasible"
    if not claimed:
        return found.status
    model = load_model(path, None, Specification(**asked))
    problem = problem_of(model.program, model.setup)
    trials = rivals(problem, found, generator)
    best = [(trials.tracker.best.value, trials.tracker.best_violation, trials.tracker.best.x)]
    for more in range(searches):
        other = search(problem, method="global", limits=Limits(seed=seed + more + 1))
        if other.status in ("optimal", "improved"):
            best.append((other.value, 0.0, other.x))
    for value, violation, x in best:
        if violation > EXACT or not np.isfinite(value):
            continue
        assert found.status == "optimal", (cells, asked, found.message, x, value)
        size = max(abs(value), abs(found.objective_after), 1e-3)
        gain = problem.sign * (found.objective_after - value)
        assert gain <= WITHIN * size, (cells, asked, found.message, found.objective_after, x, value)
    return f"{found.status}, attacked"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.__name__))
def test_nothing_beats_what_is_called_proven(kind: Callable[[Random], Model], tmp_path: Path) -> None:
    for seed in range(3):
        attacked(kind, seed, tmp_path, 0)


@pytest.mark.soak
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.__name__))
def test_nothing_beats_what_is_called_proven_in_many_models(kind: Callable[[Random], Model], tmp_path: Path) -> None:
    verdicts = [attacked(kind, seed, tmp_path, 2) for seed in range(3, 35)]
    # A generator whose models are never proven would attack nothing.
    assert sum("attacked" in one for one in verdicts) >= 16, verdicts

"""Why a linear model has no solution: constraints that contradict each other, none of which can be spared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from embedsheet.ground.strings import number_in_words
from embedsheet.solvers.linear_model import LinearModel
from embedsheet.solvers.problem import Problem

# A constraint that can be left out: ("row", its place), or a cell's ("lower" | "upper" | "integer", its place).
Part = tuple[str, int]
Feasible = Callable[[Problem, LinearModel], bool | None]

_MOST_SOLVES = 300
_MOST_SHOWN = 10


def explain(problem: Problem, model: LinearModel, feasible: Feasible) -> str:
    """Say which constraints contradict each other, as few as can be; `feasible` solves, None where it gave up."""
    return _words(problem, *contradicting(problem, model, feasible))


def contradicting(problem: Problem, model: LinearModel, feasible: Feasible) -> tuple[list[Part], bool]:
    """Return constraints that contradict each other, and whether none of them can be spared.

    Found by deletion: what can be left out without the rest becoming feasible is left out, in halves first.
    """
    whole = np.zeros(problem.size, bool) if problem.integer is None else problem.integer
    given = {"integer": whole, "lower": np.isfinite(problem.lower), "upper": np.isfinite(problem.upper)}
    kept: list[Part] = [(kind, place) for kind, mask in given.items() for place in np.flatnonzero(mask).tolist()]
    kept += [("row", place) for place in range(len(problem.relations))]
    solves, sure = 0, True
    size = len(kept)
    while size:
        start = 0
        while start < len(kept):
            fewer = kept[:start] + kept[start + size :]
            if not fewer:
                break
            solves += 1
            if solves > _MOST_SOLVES:
                return _sorted(kept), False
            possible = feasible(*_only(problem, model, fewer))
            if possible is False:
                kept = fewer
            else:
                sure &= possible is not None or size > 1
                start += size
        size //= 2
    return _sorted(kept), sure


def _sorted(parts: list[Part]) -> list[Part]:
    order = list(_WORDS)
    return sorted(parts, key=lambda part: (order.index(part[0]), part[1]))


def _only(problem: Problem, model: LinearModel, parts: list[Part]) -> tuple[Problem, LinearModel]:
    """Return the model with some of its constraints."""
    from scipy import sparse

    places = {kind: np.array([place for one, place in parts if one == kind], int) for kind in _WORDS}
    lower, upper = np.full(problem.size, -np.inf), np.full(problem.size, np.inf)
    lower[places["lower"]], upper[places["upper"]] = problem.lower[places["lower"]], problem.upper[places["upper"]]
    integer = np.zeros(problem.size, bool)
    integer[places["integer"]] = True
    rows = places["row"]
    matrix = sparse.csr_array(model.matrix)[rows] if len(rows) else np.empty((0, problem.size))
    some = replace(
        problem, sense="satisfy", lower=lower, upper=upper, integer=integer,
        relations=[problem.relations[row] for row in rows],
    )  # fmt: skip
    return some, replace(model, matrix=matrix, shift=model.shift[rows])


_WORDS: dict[str, Callable[[Problem, int], str]] = {
    "row": lambda problem, place: problem.row_name(place),
    "lower": lambda problem, place: f"{problem.cell_name(place)} >= {number_in_words(problem.lower[place])}",
    "upper": lambda problem, place: f"{problem.cell_name(place)} <= {number_in_words(problem.upper[place])}",
    "integer": lambda problem, place: f"{problem.cell_name(place)} a whole number",
}


def _words(problem: Problem, parts: list[Part], smallest: bool) -> str:
    shown = [_WORDS[kind](problem, int(place)) for kind, place in parts[:_MOST_SHOWN]]
    more = f"; and {len(parts) - _MOST_SHOWN} more" if len(parts) > _MOST_SHOWN else ""
    spare = ", and without any one of them they would not" if smallest and len(parts) > 1 else ""
    what = "these contradict each other" if len(parts) > 1 else "this one cannot hold"
    return f"{what}{spare}: {'; '.join(shown)}{more}"

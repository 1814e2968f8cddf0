"""The history of a search as a film: at some iterations all numbers that follow from the changing cells."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.solvers.load import load_model
from embedsheet.solvers.problem import Limits, Progress
from embedsheet.solvers.search import search
from embedsheet.solvers.solve import problem_of
from embedsheet.translations.coder.code import Code, code
from embedsheet.workbook import Workbook

_MOST_FRAMES = 40
_MOST_NUMBERS = 60_000  # of all frames together: what a page of 1 MB has room for


@dataclass
class Film:
    """`losses` of all iterations; `at` the iterations of the frames; each frame the numbers of blocks by name."""

    losses: list[float]
    at: list[int]
    frames: list[dict[str, list[float]]]
    words: str


class _Recorder:
    """An objective that keeps the points at which it is asked for a gradient."""

    def __init__(self, objective: Any) -> None:
        self._objective = objective
        self.points: list[tuple[float, NDArray[np.float64]]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._objective, name)

    def value_and_gradient(self, x: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        value, slope = self._objective.value_and_gradient(x)
        self.points.append((value, x.copy()))
        return value, slope

    def point(self, value: float) -> NDArray[np.float64]:
        """Return the point whose value is nearest, of the last ones."""
        recent = self.points[-50:]
        found = recent[int(np.argmin([abs(one - value) for one, _ in recent]))][1]
        self.points = recent[-50:]
        return found


def film(workbook: Workbook, sheet: str | None, iterations: int = 1000) -> Film:
    """Solve a sheet's model without writing, and return its history."""
    model = load_model(workbook, sheet)
    recorder = _Recorder(model.program)
    problem = replace(problem_of(model.program, model.setup, model.objective_name), objective=recorder)
    told: list[tuple[float, NDArray[np.float64]]] = []

    def watch(progress: Progress) -> None:
        if recorder.points:
            told.append((float(progress.objective), recorder.point(progress.objective)))

    outcome = search(problem, method="auto", limits=Limits(max_iterations=iterations), watcher=watch)
    start = model.program.start
    told = [(float(model.program.value(start)), start), *told, (float(outcome.value), outcome.x)]
    written = code(workbook, model.setup.sheet)
    forward = _forward(written)
    first = forward(_blocks(start, written))
    count = sum(np.size(array) for array in first.values())
    most = int(np.clip(_MOST_NUMBERS // max(count, 1), 2, _MOST_FRAMES))
    at = np.unique(np.linspace(0, len(told) - 1, min(most, len(told))).round().astype(int)).tolist()
    frames = [
        {name: _numbers(array) for name, array in forward(_blocks(told[place][1], written)).items()} for place in at
    ]
    words = f"{outcome.message}"
    return Film([loss for loss, _ in told], at, frames, words)


def _numbers(array: Any) -> list[Any]:
    return [None if one != one else float(f"{one:.5g}") for one in np.asarray(array, float).ravel().tolist()]


def _blocks(x: NDArray[np.float64], written: Code) -> list[NDArray[np.float64]]:
    sizes = [np.shape(array) for array in written.start]
    ends = np.cumsum([int(np.prod(size)) for size in sizes])[:-1]
    return [part.reshape(size) for part, size in zip(np.split(x, ends), sizes, strict=True)]


def _forward(written: Code) -> Any:
    """Return the module's `forward` with the weights among what it gives."""
    text = re.sub(r"(?m)^DATA = .*$", "", written.text)
    module: dict[str, Any] = {"__name__": "written", "DATA": written.arrays}
    exec(compile(text, "written", "exec"), module)  # our own text of the formulas

    def forward(weights: list[NDArray[np.float64]]) -> dict[str, Any]:
        own = module["Weights"](*weights)
        return {**own._asdict(), **module["forward"](own)}

    return forward

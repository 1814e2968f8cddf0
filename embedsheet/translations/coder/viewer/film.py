"""The history of a search, or of a training, as a film: at some iterations all numbers that the changing cells give."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.ground.errors import ModelError
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
    """What `title` did: `losses` of all its iterations, each called `step`; `at` are the iterations of the frames.

    Each frame has the numbers of blocks by name.
    """

    title: str
    step: str
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


def film(workbook: Workbook, sheet: str | None, iterations: int = 1000, share: float = 1.0) -> Film:
    """Solve a sheet's model without writing, and return its history; `share`: how much of a page it may fill."""
    model = load_model(workbook, sheet)
    recorder = _Recorder(model.program)
    problem = replace(problem_of(model.program, model.setup, model.objective_name), objective=recorder)
    told: list[tuple[float, NDArray[np.float64]]] = []

    def watch(progress: Progress) -> None:
        if recorder.points:
            told.append((float(progress.objective), recorder.point(progress.objective)))

    outcome = search(problem, method="auto", limits=Limits(max_iterations=iterations), watcher=watch)
    start, end = model.program.start, float(outcome.value)
    before = float(model.program.value(start))
    # A method tells of its start, and most of their end, too: these are no iterations more.
    if not told or told[0][0] != before:
        told.insert(0, (before, start))
    if told[-1][0] != end or len(told) == 1:
        told.append((end, outcome.x))
    return _shown(("Solver", "iteration"), code(workbook, model.setup.sheet), told, f"{outcome.message}", share)


def training(
    workbook: Workbook, sheet: str | None, epochs: int = 300, learning_rate: float = 0.03, share: float = 1.0
) -> Film:
    """Train a sheet's model in Keras, by Adam with all samples at once, and return its history.

    What is trained is the module that `code(…, to="keras")` writes, in a process of its own. Raises ModelError for a
    sheet without a model, and where the training fails.
    """
    model = load_model(workbook, sheet)
    if model.setup.constraints:
        raise ModelError(
            f"{model.setup.sheet}: has constraints, which a training in Keras knows nothing of; use --solve."
        )
    if np.isfinite(model.program.lower).any() or np.isfinite(model.program.upper).any():
        raise ModelError(f"{model.setup.sheet}: has bounds, which a training in Keras knows nothing of; use --solve.")
    written = code(workbook, model.setup.sheet, to="keras")
    with tempfile.TemporaryDirectory() as folder:
        written.save(Path(folder) / "written.py")
        command = [sys.executable, "-c", _TRAINING, str(epochs), str(learning_rate)]
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, "KERAS_BACKEND": "jax"}
        )
        if done.returncode:
            said = done.stderr.strip().splitlines() or [f"its process ended with {done.returncode} and said nothing."]
            raise ModelError(f"{model.setup.sheet}: Keras could not train it: {said[-1]}")
        with np.load(Path(folder) / "history.npz") as history:
            points = history["points"]
    told = [(float(model.program.value(x)), x) for x in points]
    words = f"Adam in Keras, {epochs} epochs at a learning rate of {learning_rate:g}."
    return _shown(("Keras", "epoch"), code(workbook, model.setup.sheet), told, words, share)


_TRAINING = """
import sys
sys.path.insert(0, "")
import keras
import numpy as np
import written

epochs, rate = int(sys.argv[1]), float(sys.argv[2])
weights = [keras.Variable(array) for array in written.START]
optimizer = keras.optimizers.Adam(rate)
points = []
for epoch in range(epochs + 1):
    here = [np.asarray(one) for one in weights]
    points.append(np.concatenate([one.ravel() for one in here]))
    slope = written.gradient(written.Weights(*here))[1]
    optimizer.apply([keras.ops.convert_to_tensor(one) for one in slope], weights)
np.savez("history.npz", points=points)
"""


def _shown(
    names: tuple[str, str], written: Code, told: list[tuple[float, NDArray[np.float64]]], words: str, share: float
) -> Film:
    """Return the film of some iterations, by their losses and changing cells."""
    forward = _forward(written)
    count = sum(np.size(array) for array in forward(_blocks(told[0][1], written)).values())
    most = int(np.clip(_MOST_NUMBERS * share // max(count, 1), 2, _MOST_FRAMES))
    at = np.unique(np.linspace(0, len(told) - 1, min(most, len(told))).round().astype(int)).tolist()
    frames = [
        {name: _numbers(array) for name, array in forward(_blocks(told[place][1], written)).items()} for place in at
    ]
    return Film(*names, [loss for loss, _ in told], at, frames, words)


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

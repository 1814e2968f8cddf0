"""A search's progress as a notebook shows it while it runs: the objective and its curve, in a widget."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import cache, wraps
from importlib import resources
from typing import Any

from embedsheet.solvers import solve as searching
from embedsheet.solvers.problem import Progress
from embedsheet.solvers.solution import Solution

_EVERY = 0.1  # seconds between what is sent
_MOST = 400  # points of the curve


def _display() -> Callable[[Any], None] | None:
    """Return what shows something below the cell that runs; None outside Jupyter and marimo."""
    ipython: Any = sys.modules.get("IPython")
    marimo: Any = sys.modules.get("marimo")
    shell = ipython.get_ipython() if ipython is not None else None
    if ipython is not None and getattr(shell, "kernel", None) is not None:
        show: Callable[[Any], None] = ipython.display.display
        return show
    if marimo is not None and marimo.running_in_notebook():
        append: Callable[[Any], None] = marimo.output.append
        return append
    return None


class Live:
    """A watcher of a search that tells a widget: `losses` and `words`."""

    def __init__(self, widget: Any) -> None:
        self.widget = widget
        self._losses: list[float] = []
        self._sent = 0.0

    def __call__(self, progress: Progress) -> None:
        self._losses.append(float(progress.objective))
        now = time.monotonic()
        if now - self._sent >= _EVERY:
            self._sent = now
            self._tell(f"Iteration {progress.iteration}: {progress.objective:.6g}")

    def end(self, words: str) -> None:
        """Show how it ended."""
        self._tell(words)

    def _tell(self, words: str) -> None:
        step = max(1, -(-len(self._losses) // _MOST))
        self.widget.losses = [*self._losses[::step], *self._losses[-1:]]
        self.widget.words = words


@cache
def _kind() -> Any:
    import anywidget
    import traitlets

    script = resources.files(__package__ or "").joinpath("live.js").read_text(encoding="utf-8")
    losses = traitlets.List(trait=traitlets.Float()).tag(sync=True)
    members = {"_esm": script, "losses": losses, "words": traitlets.Unicode("").tag(sync=True)}
    return type("LiveProgress", (anywidget.AnyWidget,), members)


def shown() -> Live | None:
    """Show a widget below the cell that runs, and return what tells it; None without a notebook or anywidget."""
    display = _display()
    if display is None:
        return None
    try:
        widget = _kind()()
    except ImportError:
        return None
    display(widget)
    return Live(widget)


@wraps(searching.solve)
def solve(*args: Any, **options: Any) -> Solution:
    live = shown() if options.get("watcher") is None else None
    if live is None:
        return searching.solve(*args, **options)
    try:
        solution = searching.solve(*args, **{**options, "watcher": live})
    except BaseException as fault:
        live.end(f"Stopped: {type(fault).__name__}")
        raise
    live.end(solution.summary())
    return solution

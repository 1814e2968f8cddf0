"""`embedsheet solve --history` and `--replay`: every iterate of a search in a CSV file, and back."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from embedsheet.ground.errors import FileError

if TYPE_CHECKING:
    from embedsheet.solvers.problem import FloatArray, Progress, Watcher
    from embedsheet.solvers.replay import Recorded
    from embedsheet.solvers.solution import Solution

_COLUMNS = ("iteration", "objective", "gradient_norm", "seconds")
MOST_CELLS = 1000  # a column each; with more of them a history would be larger than the workbook


def check_history(path: Path, force: bool) -> None:
    """Raise FileError where the history would take a workbook's place, or another file's unasked."""
    from embedsheet.ground.files import refuse_existing, refuse_unwritable

    refuse_unwritable(path)
    if path.suffix.casefold().startswith((".xl", ".ods")):
        raise FileError(f"{path}: is a workbook's name, and the history is a CSV file; call it {path.stem}.csv.")
    refuse_existing(path, force)


class Recorder:
    """Remembers where each iterate was, for the history; hands everything on to another watcher."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._points: dict[tuple[int, float], FloatArray] = {}
        self._names: Sequence[str] = ()

    def hear(self, progress: Progress) -> None:
        """Remember one iterate."""
        if progress.x is not None and len(progress.x) <= MOST_CELLS:
            self._names = self._names or [progress.cell_name(place) for place in range(len(progress.x))]
            self._points[progress.iteration, progress.seconds] = progress.x
        self._watcher(progress)

    def write(self, solution: Solution, path: Path) -> None:
        """Write the solution's history, with the changing cells of each iterate in a column each."""
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow([*_COLUMNS, *self._names])
            for row in solution.history:
                point = self._points.get((row[0], row[3]))
                writer.writerow([*row, *(point.tolist() if point is not None else [""] * len(self._names))])


def read_history(path: Path, names: Sequence[str]) -> Recorded:
    """Return the iterates of a history whose columns are the changing cells `names`; raises FileError for any other."""
    import numpy as np

    from embedsheet.solvers.replay import Recorded

    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as fault:
        raise FileError(f"{path}: cannot be read as a CSV file ({fault}); name what --history has written.") from None
    if not rows or tuple(rows[0][: len(_COLUMNS)]) != _COLUMNS:
        raise FileError(f"{path}: is no history of a search; name what --history has written.")
    missing = [name for name in names if name not in rows[0]]
    if missing:
        raise FileError(
            f"{path}: has no column for {missing[0]}; write the history anew, of this workbook and of at most "
            f"{MOST_CELLS:,} changing cells."
        )
    places = [rows[0].index(name) for name in names]
    found, points = [], []
    for number, row in enumerate(rows[1:], 2):
        try:
            iteration, objective, norm, seconds = int(row[0]), *(float(text) for text in row[1:4])
            point = np.array([float(row[place]) for place in places])
        except (ValueError, IndexError):
            raise FileError(f"{path}, line {number}: is no iterate; write the history anew.") from None
        found.append((iteration, objective, norm, seconds))
        points.append(point)
    if not found:
        raise FileError(f"{path}: has no iterates.")
    return Recorded(tuple(found), tuple(points), path.name)

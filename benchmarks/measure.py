"""Clocks: of work that takes turns in this process, and of a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).parents[1]


class Turns(NamedTuple):
    """Seconds of each work in each round by the clock, and those of this process's threads, (works, rounds)."""

    seconds: NDArray[np.float64]
    processor: NDArray[np.float64]

    def least(self) -> list[float]:
        """Return the fewest seconds of each work."""
        return self.seconds.min(axis=1).tolist()

    def processor_note(self) -> str:
        """Say how the first work's processor seconds compare with the second's: other programs disturb these little."""
        ours, theirs = self.processor.min(axis=1)[:2].tolist()
        return f"processor {ours:.3g} / {theirs:.3g} s, {ours / theirs:.3g}×"


def in_turns(*works: Callable[[], object], rounds: int) -> Turns:
    """Return what each work takes; a round runs every work once, in this order.

    Work that takes turns meets the same disturbances, so that ratios hold on a machine that does other things too.
    """
    turns = Turns(np.empty((len(works), rounds)), np.empty((len(works), rounds)))
    for turn in range(rounds):
        for place, work in enumerate(works):
            began, busy = time.perf_counter(), time.process_time()
            work()
            turns.seconds[place, turn] = time.perf_counter() - began
            turns.processor[place, turn] = time.process_time() - busy
    return turns


@dataclass(frozen=True, slots=True, order=True)
class Run:
    """A process that has ended: seconds from start to end, of a processor, its largest memory, what it printed.

    Processor and memory are NaN on Windows, which does not tell them of a process that has ended.
    """

    seconds: float
    processor: float
    megabytes: float
    printed: str


def run(command: Sequence[str | Path], folder: Path | None = None, limit: float | None = None) -> Run:
    """Run a command to its end, in a folder, with this tree's embedsheet.

    Raises TimeoutError after `limit` seconds, RuntimeError with what it said when the command fails.
    """
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    environment = os.environ | {"PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as said:
        began = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=out, stderr=said)
        stop = threading.Timer(limit or threading.TIMEOUT_MAX, process.kill)
        stop.start()
        processor, megabytes = wait(process)
        seconds = time.perf_counter() - began
        stop.cancel()
        out.seek(0)
        said.seek(0)
        printed, words = out.read().decode(errors="replace"), said.read().decode(errors="replace")
    if limit is not None and seconds >= limit:
        raise TimeoutError(f"not done after {limit:g} s")
    if process.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))} failed: {words.strip() or printed.strip()}")
    return Run(seconds, processor, megabytes, printed)


def python(*words: str | Path, folder: Path | None = None) -> Run:
    """Run this Python with these words."""
    return run([sys.executable, *words], folder)


def embedsheet(*words: str | Path, folder: Path | None = None) -> Run:
    """Run an embedsheet command in a fresh process."""
    return python("-m", "embedsheet", *words, folder=folder)


def wait(process: subprocess.Popen[Any]) -> tuple[float, float]:
    """Return processor seconds and megabytes of a process, after its end; NaN on Windows."""
    if sys.platform == "win32":
        process.wait()
        return float("nan"), float("nan")
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    # Kilobytes on Linux, bytes on macOS.
    return used.ru_utime + used.ru_stime, used.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)

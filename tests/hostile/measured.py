"""A process of its own, with the processor time and memory that it took."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from benchmarks.measure import wait

ROOT = Path(__file__).parents[2]
MEGABYTES, SECONDS = 1500, 60  # for one command on one workbook; with room for a slow machine


class Run(NamedTuple):
    """How a process ended: its exit code and what it said, in seconds of processor and megabytes."""

    code: int
    said: str
    seconds: float
    megabytes: float

    def fits(self) -> bool:
        """Whether it stayed within the bounds."""
        return self.seconds < SECONDS and self.megabytes < MEGABYTES


def run(module: str, *words: str | Path) -> Run:
    """Run a module with arguments, on one core; POSIX only."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", module, *map(str, words)]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    with process.stdout:
        said = process.stdout.read()
    seconds, megabytes = wait(process)
    return Run(process.returncode, said, seconds, megabytes)

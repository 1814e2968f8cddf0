"""Random formulas that grow end with a number, an error value or a refusal that names the cell."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hostile import random_bombs

ROOT = Path(__file__).parents[2]
MEGABYTES, SECONDS = 1500, 60  # for one workbook; with room for a slow machine


@pytest.mark.parametrize("seed", [*range(12), 146])
def test_random_formulas_that_grow_stop_nothing_else(seed: int) -> None:
    random_bombs.main([str(seed)])


@pytest.mark.soak
@pytest.mark.skipif(sys.platform == "win32", reason="measures as POSIX does")
@pytest.mark.parametrize("seed", range(100, 400))
def test_random_formulas_take_seconds_and_a_gigabyte(seed: int) -> None:
    words = [sys.executable, "-m", "tests.hostile.random_bombs", str(seed)]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}", "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(words, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    errors = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, errors
    megabytes = used.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)
    assert (used.ru_utime + used.ru_stime, megabytes) < (SECONDS, MEGABYTES) and megabytes < MEGABYTES

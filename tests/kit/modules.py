"""Modules that `embedsheet code` wrote, run in a process of their own in which embedsheet cannot be imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import embedsheet as es

_RUN = """
import importlib, sys, json
sys.modules["embedsheet"] = None
sys.path.insert(0, ".")
import numpy as np
for name in sys.argv[1:]:
    written = importlib.import_module(name)
    found = {"wrong": written.check(), "stored": len(written.STORED), "gradient": None}
    if hasattr(written, "gradient"):
        value, slope = written.gradient(written.START)
        found["gradient"] = [float(value)] + [float(one) for array in slope for one in np.ravel(array)]
    print("FOUND" + json.dumps(found))
"""

# What XLA is given is the module's; how hard XLA then works at it changes no result, and is most of the time.
_QUICK = {"XLA_FLAGS": "--xla_backend_optimization_level=0"}


@dataclass(frozen=True)
class Run:
    """What a module says of itself: blocks that differ from the file, how many it compared, loss and gradient."""

    wrong: list[str]
    stored: int
    gradient: NDArray[np.float64] | None


def run(code: es.Code, folder: Path) -> Run:
    """Save a module and let it check itself."""
    return run_all({"written": code}, folder)["written"]


def run_all(codes: Mapping[str, es.Code], folder: Path) -> dict[str, Run]:
    """Save modules by name and let them check themselves, in one process."""
    for name, code in codes.items():
        code.save(folder / f"{name}.py", force=True)
    done = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-c", _RUN, *codes],
        cwd=folder,
        env={**os.environ, **_QUICK},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line[5:]) for line in done.stdout.splitlines() if line.startswith("FOUND")]
    return {
        name: Run(told["wrong"], told["stored"], None if told["gradient"] is None else np.array(told["gradient"]))
        for name, told in zip(codes, lines, strict=True)
    }


def sheet_gradient(book: Path, sheet: str | None, **options: object) -> NDArray[np.float64]:
    """Return the objective and its gradient as the compiler has them, one behind the other."""
    slope = es.gradient(book, sheet, **options)  # type: ignore[arg-type]
    return np.concatenate([[slope.value], *(block.ravel() for block in slope.blocks.values())])

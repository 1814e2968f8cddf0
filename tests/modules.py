"""Modules that `embedsheet code` wrote, run in a process of their own in which embedsheet cannot be imported."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import embedsheet as es

_RUN = """
import sys, json
sys.modules["embedsheet"] = None
sys.path.insert(0, ".")
import numpy as np
import written
found = {"wrong": written.check(), "stored": len(written.STORED), "gradient": None}
if hasattr(written, "gradient"):
    value, slope = written.gradient(written.START)
    found["gradient"] = [float(value)] + [float(one) for array in slope for one in np.ravel(array)]
print("FOUND" + json.dumps(found))
"""


@dataclass(frozen=True)
class Run:
    """What a module says of itself: blocks that differ from the file, how many it compared, loss and gradient."""

    wrong: list[str]
    stored: int
    gradient: NDArray[np.float64] | None


def run(code: es.Code, folder: Path) -> Run:
    """Save a module and let it check itself."""
    code.save(folder / "written.py", force=True)
    done = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-c", _RUN],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("FOUND"))[5:])
    gradient = None if told["gradient"] is None else np.array(told["gradient"])
    return Run(told["wrong"], told["stored"], gradient)


def sheet_gradient(book: Path, sheet: str, **options: object) -> NDArray[np.float64]:
    """Return the objective and its gradient as the compiler has them, one behind the other."""
    slope = es.gradient(book, sheet, **options)  # type: ignore[arg-type]
    return np.concatenate([[slope.value], *(block.ravel() for block in slope.blocks.values())])

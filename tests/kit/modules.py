"""Modules that `embedsheet code` wrote, run in a process of their own in which embedsheet cannot be imported."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

import embedsheet as es
from kit import judges, quick_xla, sheets

# Nets by name: each gives sheets' cells, the objective, the changing cells.
Nets: TypeAlias = Mapping[str, Callable[[], tuple[dict[str, sheets.Cells], str, list[str]]]]

# What written modules may import is loaded, nothing is computed, and a copy of the process is made for each run: most
# of a run's time would be those imports.
_SERVE = """
import importlib, json, os, sys
sys.modules["embedsheet"] = None
import numpy as np
import keras, jax, scipy.optimize

def run(folder, names):
    os.chdir(folder)
    sys.path.insert(0, ".")
    for name in names:
        written = importlib.import_module(name)
        found = {"wrong": written.check(), "stored": len(written.STORED), "gradient": None}
        if hasattr(written, "gradient"):
            value, slope = written.gradient(written.START)
            found["gradient"] = [float(value)] + [float(one) for array in slope for one in np.ravel(array)]
        print("FOUND" + json.dumps(found))

for line in sys.stdin:
    folder, names = json.loads(line)
    if child := os.fork():
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
        continue
    for number, file in enumerate(("out.txt", "err.txt"), 1):
        os.dup2(os.open(os.path.join(folder, file), os.O_CREAT | os.O_WRONLY | os.O_TRUNC), number)
    code = 1
    try:
        run(folder, names)
        code = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
"""


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
    server = _server()
    assert server.stdin is not None and server.stdout is not None
    server.stdin.write(json.dumps([str(folder), list(codes)]) + "\n")
    server.stdin.flush()
    assert server.stdout.readline() == "0\n", (folder / "err.txt").read_text(encoding="utf-8")
    told = (folder / "out.txt").read_text(encoding="utf-8")
    lines = [json.loads(line[5:]) for line in told.splitlines() if line.startswith("FOUND")]
    return {
        name: Run(told["wrong"], told["stored"], None if told["gradient"] is None else np.array(told["gradient"]))
        for name, told in zip(codes, lines, strict=True)
    }


@cache
def _server() -> subprocess.Popen[str]:
    """The process from which each run starts; it ends with its input."""
    # What XLA is given is the module's; how hard XLA then works at it is most of the time. Where it does not optimise,
    # a gradient has been seen to be NaN that is a number otherwise, never the other way round.
    quick = {"XLA_FLAGS": quick_xla.flags(), "KERAS_BACKEND": "jax"}
    server = subprocess.Popen(
        [sys.executable, "-W", "error::RuntimeWarning", "-c", _SERVE],
        env={**os.environ, **quick},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(server.communicate)
    return server


def sheet_gradient(book: Path, sheet: str | None, **options: object) -> NDArray[np.float64]:
    """Return the objective and its gradient as the compiler has them, one behind the other."""
    slope = es.gradient(book, sheet, **options)  # type: ignore[arg-type]
    return np.concatenate([[slope.value], *(block.ravel() for block in slope.blocks.values())])


def stored_nets(nets: Nets, folder: Path) -> dict[str, Path]:
    """Write nets into workbooks, and return those with the results that LibreOffice stores."""
    paths = []
    for name, net in nets.items():
        (first, cells), *more = net()[0].items()
        paths.append(sheets.write(folder / f"{name}.xlsx", cells, first, dict(more)))
    judges.libreoffice_converted(paths, folder / "stored")
    return {path.stem: folder / "stored" / path.name for path in paths}


def checked_nets(
    nets: Nets, books: Mapping[str, Path], folder: Path, to: str, names: Sequence[str]
) -> dict[str, es.Code]:
    """Hold the modules of some nets to the stored results, the sheets' gradients and a statement a block."""
    codes = {}
    for name in names:
        _, objective, changing = nets[name]()
        codes[name] = es.code(books[name], to=to, objective=objective, changing=changing)
        assert codes[name].statements <= codes[name].distinct, name
        assert not codes[name].notes, name
    for name, found in run_all(codes, folder).items():
        _, objective, changing = nets[name]()
        assert found.stored >= 3, name
        assert found.wrong == [], name
        assert found.gradient is not None
        # Exact derivatives, held against differences elsewhere.
        wanted = sheet_gradient(books[name], None, objective=objective, changing=changing)
        assert np.abs(found.gradient - wanted).max() < 1e-9, name
    return codes

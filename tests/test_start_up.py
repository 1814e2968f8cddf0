"""What a small model may import: a command that takes a moment must not import for longer than it computes."""

from __future__ import annotations

import subprocess
import sys
from ast import literal_eval
from pathlib import Path

from kit.judges import write_book

# Beside Python's own and those of `embedsheet --help`.
# NumPy and lxml bring cython_runtime.
OURS = {"embedsheet", "numpy", "cython_runtime", "lxml", "autograd", "threadpoolctl"}
_CODE = """
import contextlib, io, sys
from embedsheet.cli import app
def run(*words):
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
        app(list(words))
    return {name.split(".")[0] for name in sys.modules} - set(sys.stdlib_module_names)
before = run("--help")
run(*sys.argv[1:])
print(sorted({name.split(".")[0] for name in sys.modules} - set(sys.stdlib_module_names) - before))
print("scipy.optimize" in sys.modules)
"""


def _imported(folder: Path, *words: str) -> tuple[set[str], bool]:
    """Return the packages that a command imports beyond those of --help, and whether scipy.optimize is among them."""
    book = write_book(folder / "book.xlsx", {"S": {"A1": 3.0, "A2": 1.0, "B1": "=(A1-2)^2+(A2*A1-3)^2"}})
    command = [sys.executable, "-c", _CODE, words[0], str(book), *words[1:]]
    done = subprocess.run(command, capture_output=True, text=True, check=True, encoding="utf-8")
    packages, minimises = done.stdout.splitlines()
    named = {name for name in literal_eval(packages) if not name.startswith(("_", "__mp_"))}
    return named, minimises == "True"


def test_the_gradient_of_a_small_model_imports_no_solver(tmp_path: Path) -> None:
    packages, minimises = _imported(tmp_path, "gradient", "--objective", "B1", "--changing", "A1:A2")
    assert packages <= OURS
    assert not minimises


def test_a_small_solve_imports_of_scipy_the_compiled_search_alone(tmp_path: Path) -> None:
    packages, minimises = _imported(tmp_path, "solve", "--objective", "B1", "--changing", "A1:A2", "--dry-run")
    assert packages <= OURS | {"scipy"}
    assert not minimises


def test_a_small_solve_by_our_own_descent_imports_no_other(tmp_path: Path) -> None:
    words = ("--objective", "B1", "--changing", "A1:A2", "--dry-run", "--method", "gradient-descent")
    packages, minimises = _imported(tmp_path, "solve", *words)
    assert packages <= OURS
    assert not minimises

"""Each example runs by itself, as its docstring says, and says something."""

from __future__ import annotations

import os
import re
import runpy
import socket
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
# What makes an example short enough, or why it runs with the long checks only.
ARGUMENTS = {"pseudo_labels.py": ["2"]}
LONG = {"pseudo_labels.py": "trains sixteen nets", "demo.py": "`make demo` runs it in .ci/run"}


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(path, id=path.stem, marks=pytest.mark.soak if path.name in LONG else ())
        for path in sorted(EXAMPLES.glob("*.py"))
    ],
)
def test_an_example_runs_and_says_something(script: Path, tmp_path: Path) -> None:
    assert finished(start(script, ARGUMENTS.get(script.name, []), tmp_path)).strip()


def test_the_demonstration_shows_commands_as_they_are_typed(capfd: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(EXAMPLES / "demo.py"))["run"]("What lessons there are.", "lessons", "--help")
    assert "$ embedsheet lessons --help\n" in capfd.readouterr().out


WITHOUT_SCIKIT_LEARN = """
import runpy, sys
sys.modules["sklearn.datasets"] = None
from embedsheet.mirrors.full_size import pseudo_labels
pseudo_labels.movielens_trial = lambda *_: sys.exit("It worked before it asked.")
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_an_example_of_minutes_asks_for_what_it_needs_before_it_works() -> None:
    command = [sys.executable, "-c", WITHOUT_SCIKIT_LEARN, str(EXAMPLES / "pseudo_labels.py"), "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "MissingDependencyError" in done.stderr
    assert "scikit-learn; install it" in done.stderr
    assert done.stdout == ""


@pytest.mark.skipif(sys.platform != "linux", reason="JAX's processes on CPUs are tried on Linux only")
@pytest.mark.soak
def test_two_hosts_learn_what_one_learns(tmp_path: Path) -> None:
    """The same rows in the same order, each batch cut in two: the held-out RMSE agrees, but for float32's rounding."""
    script = EXAMPLES / "several_hosts.py"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        first = f"127.0.0.1:{free.getsockname()[1]}"
    hosts = [start(script, [first, "2", this], tmp_path) for this in ("0", "1")]
    together, _ = [finished(host) for host in hosts]
    alone = finished(start(script, [], tmp_path))
    one, two = (float(re.findall(r"held out ([\d.]+)", said)[0]) for said in (alone, together))
    assert together.splitlines()[-1].startswith("2 host(s), 79,872 ratings")
    assert abs(one - two) <= 2e-5


def start(script: Path, arguments: list[str], folder: Path) -> subprocess.Popen[str]:
    """Run an example in a folder."""
    return subprocess.Popen(
        [sys.executable, str(script), *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONWARNINGS": "error::DeprecationWarning:__main__"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def finished(example: subprocess.Popen[str]) -> str:
    """Return what an example printed, once it has ended well."""
    try:
        said, complaints = example.communicate(timeout=300)
    finally:
        example.kill()
    assert example.returncode == 0, complaints
    return said

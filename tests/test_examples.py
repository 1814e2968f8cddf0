"""Each example runs by itself, as its docstring says, and says something."""

from __future__ import annotations

import os
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
    done = subprocess.run(
        [sys.executable, str(script), *ARGUMENTS.get(script.name, [])],
        cwd=tmp_path,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONWARNINGS": "error::DeprecationWarning:__main__"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()

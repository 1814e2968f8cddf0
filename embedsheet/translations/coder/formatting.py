"""The module's text as ruff formats it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

LINE = 120


def formatted(text: str) -> str:
    """Return the text formatted; as it is where ruff is not installed."""
    program = _ruff()
    if program is None:
        return text
    done = subprocess.run(
        [program, "format", "--isolated", "--line-length", str(LINE), "--no-cache", "-"],
        input=text, capture_output=True, text=True, encoding="utf-8", check=False,
    )  # fmt: skip
    return done.stdout if done.returncode == 0 else text


def _ruff() -> str | None:
    beside = Path(sys.executable).parent / ("ruff.exe" if sys.platform == "win32" else "ruff")
    return str(beside) if beside.exists() else shutil.which("ruff")

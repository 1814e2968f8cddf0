"""How long `--help` and the making of workbooks take, each in a fresh process, with the largest memory.

Bars: help 0.5 s; `new movielens --all` 30 s and 1.5 GB.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUNS = 5
CASES = (
    ("help", ["--help"], RUNS),
    ("new movielens", ["new", "movielens", "-o", "a.xlsx", "--force"], 3),
    ("new green-eggs", ["new", "green-eggs", "-o", "b.xlsx", "--force"], 3),
    ("new movielens --all", ["new", "movielens", "--all", "-o", "c.xlsx", "--force"], 1),
)
# ru_maxrss of the only child there was, in kilobytes on Linux and bytes on macOS.
MEMORY = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_maxrss * (1 if sys.platform == "darwin" else 1024), used.ru_utime + used.ru_stime, code)
"""


def main() -> None:
    """Print one line a case: the best of the runs, its processor seconds, and the largest memory."""
    print(f"{'case':<22}{'seconds':>9}{'processor':>11}{'memory MB':>11}")
    with tempfile.TemporaryDirectory() as folder:
        for name, words, runs in CASES:
            best, processor, memory = min(_run(words, Path(folder)) for _ in range(runs))
            print(f"{name:<22}{best:>9.2f}{processor:>11.2f}{memory / 1e6:>11.0f}", flush=True)


def _run(words: list[str], folder: Path) -> tuple[float, float, float]:
    began = time.perf_counter()
    command = [sys.executable, "-m", "embedsheet", *words]
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, *command], cwd=folder, check=True, capture_output=True, text=True
    )
    seconds = time.perf_counter() - began
    memory, processor, code = (float(word) for word in done.stdout.split())
    if code:
        sys.exit(f"{' '.join(words)} failed: {done.stderr}")
    return seconds, processor, memory


if __name__ == "__main__":
    main()

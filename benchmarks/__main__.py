"""Run the benchmarks, each in a process of its own, and print one table.

    python -m benchmarks                      # all, and write docs/benchmarks.md
    python -m benchmarks --quick              # without the rivals that need minutes; writes nothing
    python -m benchmarks saving making        # these alone; writes nothing

Exit code 1: a benchmark failed. A bar that is missed is marked ✗ and fails nothing.
"""

from __future__ import annotations

import compileall
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from datetime import date

from rich.console import Console

from benchmarks import report
from benchmarks.books import FOLDER
from benchmarks.measure import ROOT
from benchmarks.row import Row

# In the table's order; those that need the workbooks of others come after these.
NAMES = (
    "solve_crosstab", "solve_global", "gradient_by_hand", "solve_large", "making", "saving", "recommender",
    "keras_throughput", "text_throughput", "keras_mixed_batches", "press", "homework", "everyday", "start_up",
)  # fmt: skip


def main(words: list[str]) -> int:
    """Return the exit code."""
    options = [word for word in words if word.startswith("--")]
    names = [word for word in words if word not in options] or list(NAMES)
    unknown = [*(set(names) - set(NAMES)), *(set(options) - {"--quick"})]
    if unknown:
        print(f"There is no {', '.join(sorted(unknown))}. Benchmarks: {', '.join(NAMES)}; option: --quick.")
        return 2
    rows: list[Row] = []
    failed = []
    began = time.perf_counter()
    # pip compiles what it installs; a checkout's first process would else compile, or each where none may write it.
    compileall.compile_dir(ROOT / "embedsheet", quiet=1)
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            print(f"== {name}", flush=True)
            try:
                for row in run(name, folder, options):
                    print("  ".join(filter(None, row.cells())), flush=True)
                    rows.append(row)
            except RuntimeError as error:
                print(error, flush=True)
                failed.append(name)
    minutes = (time.perf_counter() - began) / 60
    report.show(rows, Console(width=None if sys.stdout.isatty() else report.WIDTH), minutes)
    if failed:
        print(f"Failed: {', '.join(failed)}.")
    elif len(names) == len(NAMES) and not options:
        page = ROOT / "docs" / "benchmarks.md"
        page.write_text(report.page(rows, date.today(), minutes), encoding="utf-8")
        print(f"Wrote {page}.")
    return 1 if failed else 0


def run(name: str, folder: str, options: list[str]) -> Iterator[Row]:
    """Yield the rows of one benchmark as they come, with workbooks in `folder`. Raises RuntimeError when it fails."""
    return collect([sys.executable, "-m", f"benchmarks.{name}", "--json", *options], os.environ | {FOLDER: folder})


def collect(command: list[str], environment: Mapping[str, str]) -> Iterator[Row]:
    """Yield the rows that a command prints as JSON. Raises RuntimeError when it fails."""
    with subprocess.Popen(command, cwd=ROOT, env={**environment, "PYTHONIOENCODING": "utf-8"}, encoding="utf-8",
                          stdout=subprocess.PIPE) as process:  # fmt: skip
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("{"):  # libraries may print too
                yield Row(**json.loads(line))
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with exit code {process.returncode}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

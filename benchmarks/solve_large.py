"""The whole MovieLens workbook: read, compile, 100 iterations, write.

    python benchmarks/solve_large.py

Makes `new movielens --all` in a temporary folder (half a minute) and solves it in a fresh process, which is timed from
its start to its end. Its processor time is little disturbed by other work on the machine. Not for Windows, which does
not tell a process its largest memory in this way.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUN = """
import json, resource, sys
from embedsheet.solver import solve
told = solve(sys.argv[1], max_iterations=100, output=sys.argv[2]).as_dict()
peak = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({"seconds": told["seconds"], "before": told["objective_before"], "after": told["objective_after"],
                  "evaluations": told["evaluations"], "written": told["cells_written"],
                  "megabytes": peak.ru_maxrss / 1024, "processor": peak.ru_utime + peak.ru_stime}))
"""


def main() -> None:
    """Print the phases, memory and result."""
    with tempfile.TemporaryDirectory() as folder:
        book = Path(folder) / "all.xlsx"
        subprocess.run([sys.executable, "-m", "embedsheet", "new", "movielens", "--all", "-o", str(book)],
                       check=True, capture_output=True)  # fmt: skip
        began = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", RUN, str(book), str(Path(folder) / "solved.xlsx")],
                              check=True, capture_output=True, text=True)  # fmt: skip
        seconds = time.perf_counter() - began
    told = json.loads(done.stdout)
    parts = ", ".join(f"{phase} {spent:.1f}" for phase, spent in told["seconds"].items())
    print(f"{seconds:.1f} s in all ({parts}), {told['processor']:.1f} s of processor, {told['megabytes']:,.0f} MB")
    print(f"{told['before']:.4f} → {told['after']:.4f}, {told['evaluations']} evaluations, {told['written']:,} cells")


if __name__ == "__main__":
    main()

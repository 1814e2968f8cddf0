"""What `make demo` does: makes the workbooks, trains one, and says what to open.

It only runs commands that you could type yourself, and shows them.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

FOLDER = Path("demo")
STEPS = (
    ("A workbook of film ratings: 15 users, 15 movies, embeddings with 5 factors.",
     ["new", "movielens", "-o", "demo/movielens.xlsx", "--force"]),
    ("A workbook of words: fifty words as vectors, a text as a matrix of floats.",
     ["new", "green-eggs", "-o", "demo/green-eggs.xlsx", "--force"]),
    ("Train the cross-tab's own formulas in place, as Data ► Solver would.",
     ["solve", "demo/movielens.xlsx", "--sheet", "Cross-tab"]),
    ("The same with biases.",
     ["solve", "demo/movielens.xlsx", "--sheet", "Cross-tab with bias"]),
)  # fmt: skip


def main() -> int:
    """Run the steps, stop at the first that fails, end with what to open."""
    FOLDER.mkdir(exist_ok=True)
    began = time.monotonic()
    for text, words in STEPS:
        command = " ".join(f'"{word}"' if " " in word else word for word in words)
        print(f"\n{text}\n  $ embedsheet {command}", flush=True)
        code = subprocess.run([sys.executable, "-m", "embedsheet", *words], check=False).returncode
        if code:
            return code
    print(f"\nDone in {time.monotonic() - began:.0f} s. Open in Excel or LibreOffice, sheet Guide first:")
    for path in sorted(FOLDER.glob("*.xls[xm]")):
        print(f"  {path}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

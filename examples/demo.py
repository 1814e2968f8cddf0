"""What `make demo` does: a workbook, solved by its own formulas, trained in Keras, and compared.

It only runs commands that you could type yourself, and shows them.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from embedsheet.workbook import Workbook

FOLDER = Path("demo")
ROWS = "One rating a row"
console = Console()


def run(story: str, *words: str) -> None:
    """Tell what comes, show the command, run it. Raises SystemExit when it fails."""
    command = " ".join(f'"{word}"' if " " in word else word for word in words)
    console.print(f"\n[bold]{story}[/bold]")
    console.print(f"  $ embedsheet {command}", style="cyan", highlight=False, soft_wrap=True)
    code = subprocess.run([sys.executable, "-m", "embedsheet", *words], check=False).returncode
    if code:
        raise SystemExit(code)


def number(book: Path, name: str, sheet: str) -> float:
    """Return the number in the cell that a sheet calls `name`."""
    workbook = Workbook.open(book)
    return float(workbook.numbers(workbook.area(name, sheet))[0, 0])


def main() -> None:
    """Tell the story; end with a table and with what to open."""
    began = time.monotonic()
    FOLDER.mkdir(exist_ok=True)
    films, words = FOLDER / "movielens.xlsx", FOLDER / "green-eggs.xlsx"
    run("1. A workbook: what 15 people thought of 15 films, 5 numbers for each.",
        "new", "movielens", "-o", films.as_posix(), "--force")  # fmt: skip
    run("   And one of words as vectors.", "new", "green-eggs", "-o", words.as_posix(), "--force")
    before = number(films, "rmse", ROWS)
    console.print(f"\nThe 150 numbers are random, so the sheet is wrong by {before:.2f} stars (RMSE).")
    run("2. The same model, the same weights, in Keras: does it compute the same?",
        "compare", films.as_posix(), "--sheet", ROWS, "--float64")  # fmt: skip
    run("3. Train it in Keras, beside the sheet.", "train", films.as_posix(), "--sheet", ROWS, "--epochs", "60")
    keras = number(films, "keras.rmse", "Keras")
    run("4. Solve the sheet's own formulas in place, as Data ► Solver would, with exact gradients.",
        "solve", films.as_posix(), "--sheet", ROWS)  # fmt: skip
    sheet = number(films, "rmse", ROWS)

    table = Table(title="\nRMSE in stars; two searches, so not equal, but of one model")
    for heading in ("", "sheet", "Keras", "difference"):
        table.add_column(heading, justify="right")
    table.add_row("before", f"{before:.4f}", f"{before:.4f}", f"{0:.4f}")
    table.add_row("after", f"{sheet:.4f}", f"{keras:.4f}", f"{keras - sheet:.4f}")
    console.print(table)
    console.print(f"\nDone in {time.monotonic() - began:.0f} s. Open in Excel or LibreOffice, sheet Guide first:")
    for path in (films, words):
        console.print(f"  {path}", soft_wrap=True)


if __name__ == "__main__":
    main()

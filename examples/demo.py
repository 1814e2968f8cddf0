"""What `make demo` does: a workbook, trained in Keras, solved by its own formulas, and compared.

It only runs commands that you could type yourself, and shows them.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

import embedsheet as es

FOLDER = Path("demo")
ROWS = "One rating a row"
console = Console(highlight=False)


def run(story: str, *words: str) -> None:
    """Tell what comes, show the command, run it. Raises SystemExit when it fails."""
    command = " ".join(f'"{one}"' if " " in one else one for one in words)
    console.print(f"\n[bold]{story}[/bold]")
    console.print(f"  $ embedsheet {command}", style="cyan", soft_wrap=True)
    code = subprocess.run([sys.executable, "-m", "embedsheet", *words], check=False).returncode
    if code:
        raise SystemExit(code)


def number(book: Path, name: str, sheet: str) -> float:
    """Return the number in the cell that a sheet calls `name`."""
    workbook = es.open(book)
    return float(workbook.numbers(workbook.area(name, sheet))[0, 0])


def checked(book: Path) -> tuple[float, float]:
    """Return the RMSE that the sheet and Keras compute from the same weights, in float64, off the sheet Compare."""
    workbook = es.open(book)
    checks = {str(row[0]): row for row in workbook.values(workbook.area("compare.checks", "Compare"))}
    _, sheet, keras, *_ = checks["RMSE (float64)"] if "RMSE (float64)" in checks else checks["RMSE (float32)"]
    return float(str(sheet)), float(str(keras))


def main() -> None:
    """Tell the story; end with a table and with what to open."""
    began = time.monotonic()
    FOLDER.mkdir(exist_ok=True)
    films = FOLDER / "movielens.xlsx"
    book = films.as_posix()
    run("1. Make a workbook: what 15 people thought of 15 films, 5 numbers for each.",
        "new", "movielens", "-o", book, "--force")  # fmt: skip
    before = number(films, "rmse", ROWS)
    console.print(f"The 150 numbers are random, so the sheet is wrong by {before:.2f} stars (RMSE).")
    run("2. Train it in Keras, beside the sheet.", "train", book, "--sheet", ROWS, "--epochs", "60")
    trained = number(films, "keras.rmse", "Keras")
    run("3. Solve the sheet's formulas in place, as Data ► Solver would.", "solve", book, "--sheet", ROWS)
    solved = number(films, "rmse", ROWS)
    run("4. Put the sheet's numbers into Keras: does it compute the same?",
        "compare", book, "--sheet", ROWS, "--float64")  # fmt: skip
    sheet, keras = checked(films)

    table = Table(title="RMSE, in stars", title_justify="left", box=None, title_style="bold")
    for heading in ("", "sheet", "Keras", "difference"):
        table.add_column(heading, justify="right" if heading else "left")
    table.add_row("random numbers", f"{before:.4f}", "", "")
    table.add_row("after training, each by itself", f"{solved:.4f}", f"{trained:.4f}", f"{abs(trained - solved):.4f}")
    table.add_row("the sheet's numbers in both", f"{sheet:.4f}", f"{keras:.4f}", f"{abs(keras - sheet):.1e}")
    console.print()
    console.print(table)
    console.print(f"\nDone in {time.monotonic() - began:.0f} s. Open [bold]{book}[/bold], its sheet Guide first.")


if __name__ == "__main__":
    main()

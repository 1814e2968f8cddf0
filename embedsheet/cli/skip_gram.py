"""What `embedsheet compare` does with the words' workbook."""

from __future__ import annotations

from dataclasses import asdict

from embedsheet.cli.progress import MARKS, print_json, print_table, say
from embedsheet.workbook import Workbook


def compare(book: Workbook, sheet: str | None, steps: int, rate: float, json: bool = False) -> bool:
    """Print the comparison of sheet, compiled formulas and Keras, or JSON; return whether all agree within rounding."""
    from rich.table import Table

    from embedsheet.mirrors.skip_gram import compare_skip_grams

    rows = compare_skip_grams(book, None if sheet is None else [book.sheet(sheet).name], steps, rate)
    agree = all(row.agrees for row in rows)
    if json:
        print_json({"same": agree, "programs": [asdict(row) | {"agrees": row.agrees} for row in rows]})
        return agree
    table = Table(title=f"Δ: the largest difference from the cells, and after {steps} steps together", box=None)
    for heading in ("", "loss", "Δ loss", "Δ softmax", "Δ gradient", "Δ weights", "allowed", ""):
        table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    for row in rows:
        walked = "–" if row.steps_difference is None else f"{row.steps_difference:.1e}"
        table.add_row(
            row.name, f"{row.loss:.4f}", f"{row.loss_difference:.1e}", f"{row.probability_difference:.1e}",
            f"{row.gradient_difference:.1e}", walked, f"{row.tolerance:.0e}",
            MARKS[row.agrees],
        )  # fmt: skip
    print_table(table)
    if agree:
        say("The same model: every difference is rounding.", "green")
    else:
        say("Not the same: see the lines marked ✗.", "red")
    return agree

"""What `embedsheet compare` does with the workbook of the lesson optimisers."""

from __future__ import annotations

from dataclasses import asdict

from embedsheet.cli.progress import MARKS, print_json, print_table, say
from embedsheet.workbook import Workbook


def compare(book: Workbook, sheet: str | None = None, json: bool = False) -> bool:
    """Print how far the paths of the sheets and of Keras' optimizers lie apart; return whether all agree.

    sheet: the only one to compare; every optimiser without it. json: print JSON.
    """
    from rich.table import Table

    from embedsheet.mirrors.optimisers import compare_descents

    rows = compare_descents(book, None if sheet is None else [book.sheet(sheet).name])
    agree = all(row.agrees for row in rows)
    if json:
        print_json({"same": agree, "sheets": [asdict(row) | {"agrees": row.agrees} for row in rows]})
        return agree
    table = Table(title="The same steps in the sheet and in Keras (float64)", box=None)
    for heading in ("", "Keras", "steps", "largest difference", "allowed", ""):
        table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    for row in rows:
        table.add_row(
            row.sheet, row.keras, str(row.steps), f"{row.difference:.1e}", f"{row.tolerance:.0e}",
            MARKS[row.agrees],
        )  # fmt: skip
    print_table(table)
    if agree:
        say("The same steps: every difference is rounding.", "green")
    else:
        say("Not the same: see the lines marked ✗.", "red")
    return agree

"""What `embedsheet compare` does with the recurrent net's workbook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from embedsheet.cli.progress import MARKS, print_json, print_table, say
from embedsheet.workbook import Workbook

if TYPE_CHECKING:
    from embedsheet.mirrors.recurrent.comparison import Row


def compare(path: Path, book: Workbook, sheet: str | None = None, json: bool = False) -> bool:
    """Print the comparison of sheet, Keras, PyTensor and NumPy; return whether all agree within rounding.

    sheet: the only one to compare; every model sheet without it. json: print JSON.
    """
    from embedsheet.ground.errors import MissingDependencyError
    from embedsheet.hosts.libreoffice.recalculate import recalculated
    from embedsheet.mirrors.recurrent.comparison import compare_rnn

    notes: list[str] = []

    def note(words: str, style: str = "") -> None:
        notes.append(words)
        if not json:
            say(words, style)

    try:
        second = recalculated(path)
    except MissingDependencyError as error:
        note(f"Without a spreadsheet program's opinion: {error}", "yellow")
        second = None
    rows = compare_rnn(book, second, note, None if sheet is None else [book.sheet(sheet).name])
    wrong = [row for row in rows if not row.agrees]
    # Large weights magnify the rounding of float32.
    same = all(row.name.endswith("float32") for row in wrong)
    if json:
        found = [asdict(row) | {"agrees": row.agrees} for row in rows]
        print_json({"same": same, "programs": found, "notes": notes})
        return same
    _print_rows(rows)
    for sheet in sorted({row.sheet for row in rows if row.on_kink}):
        say(f"{sheet}: a relu stands exactly at its kink, where there are two slopes; the gradient may be either.")
    if not wrong:
        say("One answer: every program computes the same net.", "green")
    elif same:
        say("One answer in double precision; large weights magnify the rounding of float32.", "green")
    else:
        say("Not one answer: see the lines marked ✗.", "red")
    return same


def _print_rows(rows: Sequence[Row]) -> None:
    from itertools import groupby

    from rich.table import Table
    from rich.text import Text

    # A sheet's name has a line of its own: the numbers and the marks shall fit into 80 columns.
    table = Table(
        title="Δ: the largest difference from the numbers in the cells; a gradient's, from the compiled formulas'",
        box=None,
    )
    for heading in ("", "loss", "Δ loss", "Δ probability", "Δ gradient", "allowed", ""):
        table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    for name, its_rows in groupby(rows, key=lambda row: row.sheet):
        table.add_row(Text(name, style="bold"))
        for row in its_rows:
            gradient = "–" if row.gradient_difference is None else f"{row.gradient_difference:.1e}"
            table.add_row(
                f"  {row.name}", f"{row.loss:.6f}", f"{row.loss_difference:.1e}",
                f"{row.probability_difference:.1e}", gradient, f"{row.tolerance:.0e}",
                MARKS[row.agrees],
            )  # fmt: skip
    print_table(table)

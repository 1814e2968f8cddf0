"""Reports in the terminal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table as RichTable

from embedsheet.cli.progress import say

if TYPE_CHECKING:
    from embedsheet.solvers.reports.tables import Entry, Report, Table

_MOST_ROWS = 60  # of one table; --json and the sheet have all


def tell_reports(reports: list[Report]) -> None:
    """Print reports as the sheet shows them."""
    for report in reports:
        say("")
        say(report.title, "bold")
        if report.refused is not None:
            say(f"None: {report.refused}.", "yellow")
            continue
        for words, value in report.facts:
            say(f"{words}: {value}")
        for table in report.tables:
            _tell_table(table)
        for note in report.notes:
            say(f"Note: {note}", "yellow")


def _tell_table(table: Table) -> None:
    terminal = Console(highlight=False)
    # Off a terminal nothing is cut to a width that nobody has.
    console = terminal if terminal.is_terminal else Console(highlight=False, width=10_000)
    say(table.title, "cyan")
    shown = RichTable(box=None, pad_edge=False)
    texts = {
        place
        for place in range(len(table.columns))
        if any(isinstance(row[place], str) and row[place] != "none" for row in table.rows)
    }
    for place, heading in enumerate(table.columns):
        shown.add_column(heading, justify="left" if place in texts else "right", overflow="fold")
    for row in table.rows[:_MOST_ROWS]:
        shown.add_row(*map(_words, row))
    console.print(shown)
    if len(table.rows) > _MOST_ROWS:
        say(f"  and {len(table.rows) - _MOST_ROWS:,} more; --json and the sheet have all", "dim")


def _words(entry: Entry) -> str:
    if isinstance(entry, float):
        if math.isnan(entry):
            return ""
        return "none" if math.isinf(entry) else f"{entry:.10g}"
    return entry or ""

"""`embedsheet doctor`: what is installed, and what keeps a workbook's buttons from working."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import embedsheet as es

app = typer.Typer()

_STYLES = {"fine": "green", "note": "yellow", "fault": "red"}
_MARKS = {"fine": "✓", "note": "!", "fault": "✗"}


@app.command(epilog="Example: [cyan]embedsheet doctor films.xlsm[/cyan]")
def doctor(
    book: Annotated[
        Path | None, typer.Argument(help="A workbook whose buttons do not work.", show_default=False)
    ] = None,
    run: Annotated[
        bool, typer.Option("--run", help="Start the Python that the workbook names, to see whether it has embedsheet.")
    ] = False,
) -> None:
    """Say what is installed; with a workbook, check whatever its buttons need. Exit code 1: something is wrong.

    No program is started because a workbook names it, unless you say --run.
    """
    from rich.table import Table
    from rich.text import Text

    from embedsheet.cli.progress import print_table

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    faults = 0
    for finding in es.doctor(book, run=run):
        # Text, not markup: an extra such as embedsheet[torch] is no style.
        table.add_row(Text(_MARKS[finding.state], _STYLES[finding.state]), finding.what, Text(finding.text))
        if finding.remedy:
            table.add_row("", "", Text(f"→ {finding.remedy}", "cyan"))
        faults += finding.state == "fault"
    print_table(table)
    if faults:
        raise typer.Exit(1)

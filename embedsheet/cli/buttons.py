"""`embedsheet buttons`: buttons for somebody's own workbook."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from embedsheet.cli.progress import say
from embedsheet.cli.solve import BookArgument, LockOption
from embedsheet.ground.shell import word

app = typer.Typer()


@app.command(epilog="Example: [cyan]embedsheet buttons shop.xlsx -o shop-buttons.xlsm[/cyan]")
def buttons(
    book: BookArgument,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The workbook to make, .xlsm; default: beside the other.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
    ignore_lock: LockOption = False,
) -> None:
    """Make a copy of a workbook with a sheet of buttons: Step, Solve, Gradient, Check mine,
    Randomize, Undo, Reset.

    They work on the model that Data ► Solver keeps in a sheet of your choice. Nothing else in the workbook changes.
    """
    from embedsheet.hosts.buttons.foreign import add_buttons_to

    report = add_buttons_to(book, output, force=force, ignore_lock=ignore_lock)
    made = report.path
    say(f"Made {made}: see its sheet Buttons. In Excel allow the macros; without Excel: embedsheet open {word(made)}")
    for note in report.notes:
        say(f"Note: {note}", "yellow")

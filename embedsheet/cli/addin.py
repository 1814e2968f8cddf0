"""`embedsheet excel`: the add-in, a ribbon tab for every workbook in Excel."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from embedsheet.cli.progress import say

app = typer.Typer()
excel = typer.Typer(help="Put a tab of buttons for every workbook into Excel, or take it away.", no_args_is_help=True)
app.add_typer(excel, name="excel")

FolderOption = Annotated[
    Path | None,
    typer.Option("--folder", help="Where the add-in lies; default: the folder from which your Excel loads add-ins."),
]


@excel.command(epilog="Example: [cyan]embedsheet excel install --folder .[/cyan]")
def install(folder: FolderOption = None) -> None:
    """Put embedsheet.xlam where Excel loads it: it adds a tab of buttons for every workbook.

    Solve, Step, Gradient, Derive, Code, Report, Compare, Undo and Doctor work on the sheet in front. The add-in starts
    the Python that this command runs in. Install it again after moving or updating that.
    """
    import sys

    from embedsheet.hosts.buttons.addin import install as put
    from embedsheet.hosts.buttons.addin import startup_folder

    made = put(folder or startup_folder())
    say(f"Made {made}. Start Excel anew: it has a tab embedsheet.", "green")
    if sys.platform == "darwin":
        say("If you have not yet, run once: xlwings runpython install")


@excel.command(epilog="Example: [cyan]embedsheet excel uninstall --folder .[/cyan]")
def uninstall(folder: FolderOption = None) -> None:
    """Take embedsheet.xlam away again."""
    from embedsheet.hosts.buttons.addin import startup_folder
    from embedsheet.hosts.buttons.addin import uninstall as take

    say(f"Removed {take(folder or startup_folder())}. It is gone when Excel starts anew.", "green")

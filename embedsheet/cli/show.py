"""`embedsheet show`: a sheet and its code on one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from embedsheet.cli.progress import say
from embedsheet.cli.solve import BookArgument

app = typer.Typer()


@app.command(epilog="Example: [cyan]embedsheet show films.xlsx --sheet Cross-tab --solve -o films.html[/cyan]")
def show(
    book: BookArgument,
    sheet: Annotated[
        str | None, typer.Option("--sheet", help="The sheet to show, with what it needs; default: the whole workbook.")
    ] = None,
    solve: Annotated[
        bool, typer.Option("--solve", help="Show as a film how the solver finds the changing cells' values.")
    ] = False,
    train: Annotated[
        bool, typer.Option("--train", help="Show as a film how Keras trains the model, beside the solver's.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The page to make; default: the workbook's name with .html.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
) -> None:
    """Make one HTML page of a sheet and its code: point at a line and its cells light up, at a cell and its line does.

    The page holds everything and needs no network. The code is there in NumPy, JAX and Keras. The workbook is not
    changed, not by --solve and --train either.
    """
    from embedsheet.translations.coder.viewer.page import page

    made = page(book, sheet, solve=solve, train=train)
    target = made.save(output or book.with_suffix(".html"), force=force)
    say(f"Wrote {target}, {len(made.html.encode()) / 1000:,.0f} kB.")
    for note in made.notes:
        say(note)

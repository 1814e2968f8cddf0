"""`embedsheet code`: a workbook's formulas as a Python module."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from embedsheet.cli.progress import say
from embedsheet.cli.solve import BookArgument, ChangingOption, ObjectiveOption, OverwriteOption
from embedsheet.ground.shell import word

if TYPE_CHECKING:
    from embedsheet.translations.coder.code import Code

app = typer.Typer()


@app.command(epilog="Example: [cyan]embedsheet code films.xlsx --sheet Cross-tab --to jax -o films.py[/cyan]")
def code(
    book: BookArgument,
    sheet: Annotated[
        str | None, typer.Option("--sheet", help="The sheet to write, with what it needs; default: the whole workbook.")
    ] = None,
    to: Annotated[
        Literal["numpy", "jax", "keras", "torch"],
        typer.Option("--to", metavar="LANGUAGE", help="What to write: numpy, jax, keras or torch."),
    ] = "numpy",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The module to make; without it the code is shown.")
    ] = None,
    objective: ObjectiveOption = None,
    changing: ChangingOption = None,
    overwrite_formulas: OverwriteOption = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the files if they exist.")] = False,
) -> None:
    """Write a workbook's formulas as a Python module: one statement for each block of like formulas.

    The module stands alone: it needs NumPy, for gradients JAX, and SciPy for the search. Larger arrays lie in an .npz
    file beside it. Running it compares every block with what the workbook stores, and trains.
    """
    from embedsheet.translations.coder.code import code as write
    from embedsheet.xlsx.writer.page import counted

    found = write(
        book, sheet, to=to, objective=objective, changing=changing or (), overwrite_formulas=overwrite_formulas
    )
    if output is None:
        show(found)
        return
    files = found.save(output, force=force)
    say(
        f"Wrote {' and '.join(str(file) for file in files)}: {counted(found.statements, 'statement')} for "
        f"{counted(found.distinct, 'block')} of like formulas. Run it: python {word(str(output))}"
    )
    for note in found.notes:
        say(note)
    if not found.start and not found.notes:
        say("It has no loss and gradient: there is no Solver set-up; name them with --objective and --changing.")
    for block in found.blocks:
        if block.constants:
            say(f"As the workbook has it, not computed: {block.cells}: {', '.join(block.constants)}")


def show(found: Code) -> None:
    """Show a module's text."""
    typer.echo(found.text, nl=False)
    if found.arrays:
        typer.echo(
            "The arrays named DATA are written beside the module: choose a file with embedsheet code -o.", err=True
        )

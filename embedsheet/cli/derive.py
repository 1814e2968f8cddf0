"""`embedsheet derive`: the gradient as live formulas, on a sheet of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from embedsheet.cli.progress import print_json, say
from embedsheet.cli.solve import (
    BookArgument,
    ChangingOption,
    JsonOption,
    LockOption,
    ObjectiveOption,
    SheetOption,
    TrustOption,
)

app = typer.Typer()


@app.command(epilog="Example: [cyan]embedsheet derive films.xlsx --sheet Cross-tab -o films-gradient.xlsx[/cyan]")
def derive(
    book: BookArgument,
    sheet: SheetOption = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write a copy here and leave the workbook as it is.")
    ] = None,
    objective: ObjectiveOption = None,
    changing: ChangingOption = None,
    trust_embedsheet: TrustOption = False,
    buttons: Annotated[
        bool, typer.Option("--buttons", help="Add Step, Run 100 and Reset as plain macros: writes a copy, .xlsm.")
    ] = False,
    json: JsonOption = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the file that --output names, if it exists.")] = False,
    ignore_lock: LockOption = False,
) -> None:
    """Add a sheet on which formulas calculate the gradient: backpropagation in cells.

    Each block between the changing cells and the objective gets a mirror block: how the objective changes with each of
    its cells. At the end stand the gradient, and next to it each changing cell's next value by gradient descent. The
    rest of the workbook stays as it is. Lessons have such sheets unless they are made with --no-gradient-sheet.
    """
    from embedsheet import api

    done = api.derive(
        book, sheet, output, objective=objective, changing=changing or (), trust_embedsheet=trust_embedsheet,
        buttons=buttons, force=force, ignore_lock=ignore_lock,
    )  # fmt: skip
    if json:
        print_json(
            {
                "sheet": done.sheet,
                "gradients": [
                    {"changing": str(area), "gradient": str(block)} for area, block in done.gradients.items()
                ],
                "formulas": done.formulas,
                "largest_relative_difference": done.difference,
                "notes": list(done.report.notes),
                "path": str(done.report.path),
            }
        )
        return
    say(f"Sheet {done.sheet} added to {done.report.path}: {done.formulas:,} formulas.", "green")
    for area, block in done.gradients.items():
        say(f"  {area} → {block}")
    say(f"Calculated: every derivative is the exact one (largest relative difference {done.difference:.1e}).")
    for note in done.report.notes:
        say(f"Note: {note}", "yellow")

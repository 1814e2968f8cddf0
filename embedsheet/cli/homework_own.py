"""`embedsheet homework from`: homework from the teacher's own workbook, looked through before it is handed out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

own = typer.Typer()


@own.command("from", epilog="Example: [cyan]embedsheet homework from loan.xlsx -o loan[/cyan]")
def from_workbook(
    solution: Annotated[Path, typer.Argument(help="Your finished workbook: the right formulas are in it.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the assignment; it is made.")],
    asked: Annotated[
        list[str] | None,
        typer.Option(help="What students fill in: how names begin (ask), a cell style (Output), a colour (#FFEB9C), "
                     "'like Sheet1!C9' for every cell of that colour, or an address. Again for more."),
    ] = None,
    varies: Annotated[
        list[str] | None, typer.Option(help="What varies from student to student; as for --asked (vary, Input).")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an assignment that is there already.")] = False,
) -> None:  # fmt: skip
    """Make homework from a finished workbook: a first draft of assignment.toml, explained, for you to change.

    Without options, cells whose names begin with ask or answer are asked for, and cells whose names begin with vary or
    input vary; where there are no such names, cells of the styles Output and Input.
    """
    from embedsheet.ground.files import refuse_as_folder, refuse_existing, replace_file
    from embedsheet.homework.own.draft import draft
    from embedsheet.workbook import Workbook
    from embedsheet.writer.page import counted

    refuse_as_folder(output)
    target, copy = output / "assignment.toml", output / solution.name
    refuse_existing(target, force)
    book = Workbook.open(solution)
    made = draft(book, output.name, asked or (), varies or ())
    if copy.resolve() != solution.resolve():
        refuse_existing(copy, force)
    output.mkdir(parents=True, exist_ok=True)
    if copy.resolve() != solution.resolve():
        replace_file(copy, solution.read_bytes())
    replace_file(target, made.text.encode())
    typer.echo(f"{target}: {counted(made.text.count('[[task]]'), 'task')}, {counted(len(made.varies), 'area')} "
               f"that vary. Your workbook lies beside it as {copy.name}.")  # fmt: skip
    for note in made.notes:
        typer.echo(f"Note: {note}.")
    typer.echo(f"Read the file through, then: embedsheet homework preview {output}")

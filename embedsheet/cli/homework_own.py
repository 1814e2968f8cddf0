"""`embedsheet homework from`: homework from the teacher's own workbook, looked through before it is handed out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import embedsheet as es

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
    from embedsheet.xlsx.writer.page import counted

    made = es.draft_homework(solution, output, asked=asked or (), varies=varies or (), force=force)
    target = output / "assignment.toml"
    vary = "varies" if len(made.varies) == 1 else "vary"
    typer.echo(f"{target}: {counted(made.tasks, 'task')}, {counted(len(made.varies), 'area')} "
               f"that {vary}. Your workbook lies beside it as {made.workbook.name}.")  # fmt: skip
    for note in made.notes:
        typer.echo(f"Note: {note}.")
    typer.echo(f"Read the file through, then: embedsheet homework preview {output}")


@own.command("preview", epilog="Example: [cyan]embedsheet homework preview loan[/cyan]")
def preview(
    assignment: Annotated[Path, typer.Argument(help="The folder that `homework from` made, or its assignment.toml.")],
) -> None:
    """Show what students will get, what is right, how long it takes, and what a guesser earns; nothing is written."""
    for line in es.preview_homework(assignment):
        typer.echo(line)


@own.command("check", epilog="Example: [cyan]embedsheet homework check loan[/cyan]")
def check(
    assignment: Annotated[Path, typer.Argument(help="The folder that `homework from` made, or its assignment.toml.")],
) -> None:
    """Look an assignment through: every task solvable, every hint right, nothing to be had by typing.

    Exit code 1 where something must be mended before it is handed out; nothing is written.
    """
    from embedsheet.homework.own.check import STUDENTS

    found = es.check_homework(assignment)
    for note in found.notes:
        typer.echo(f"Note: {note}.")
    for fault in found.faults:
        typer.echo(f"To mend: {fault}")
    if found.faults:
        raise typer.Exit(1)
    typer.echo(f"In order: your formulas earn all points with the numbers of {STUDENTS} students; no hint is wrong.")

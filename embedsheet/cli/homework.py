"""`embedsheet homework`: make a class's workbooks, grade what comes back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from embedsheet.cli.homework_own import own

app = typer.Typer()
homework = typer.Typer(no_args_is_help=True, help="Make homework for a class, and grade it by running the formulas.")
homework.add_typer(own)
app.add_typer(homework, name="homework")


@homework.command("list", epilog="Example: [cyan]embedsheet homework list[/cyan]")
def list_assignments() -> None:
    """List the assignments that come with embedsheet."""
    from embedsheet.homework.assignment import outline, ready_made

    for name in ready_made():
        title, tasks, points = outline(name)
        typer.echo(f"{name:18} {title}: {tasks} tasks, {points:g} points")


@homework.command(
    "new",
    epilog="Example: [cyan]embedsheet homework new embeddings --roster class.csv -o embeddings[/cyan]",
)
def new(
    assignment: Annotated[
        str,
        typer.Argument(
            help="A ready-made assignment (see `homework list`), a TOML file, or a folder of `homework from`."
        ),
    ],
    roster: Annotated[Path, typer.Option(help="The class, .csv or .xlsx with the columns id and name.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the students' workbooks.")],
    key: Annotated[
        Path | None, typer.Option(help="The key; default OUTPUT-key.json beside the folder. Keep it.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace workbooks that are there already.")] = False,
) -> None:
    """Make one workbook a student, each with numbers of its own.

    Run it again to add students who came late, or to tell the key of changed words, points or tolerances: nobody's
    numbers change, and no file is replaced without --force.
    """
    from embedsheet.api.homework import lesson_workbook
    from embedsheet.cli.bars import bar
    from embedsheet.cli.progress import resumable
    from embedsheet.ground.files import refuse_as_folder
    from embedsheet.homework.enrolment import enrol
    from embedsheet.homework.generate import make_class
    from embedsheet.homework.own.assignment import OwnAssignment
    from embedsheet.homework.roster import read_class
    from embedsheet.xlsx.writer.page import counted

    refuse_as_folder(output)
    people = read_class(roster)
    place = key or output.parent / f"{output.name}-key.json"
    with resumable("Nothing was written; the same command begins again."), bar("numbers drawn") as drawn:
        parsed, kept = enrol(assignment, people, place, drawn, lesson_workbook)
    with resumable("The same command makes the workbooks that are missing."), bar("workbooks") as progress:
        written, there = make_class(kept, people.students, output, force=force, progress=progress)
    typer.echo(f"{parsed.title}: {counted(len(written), 'workbook')} written to {output}.")
    if there:
        typer.echo(f"{len(there)} were there already and were left alone; --force replaces them.")
    if isinstance(parsed, OwnAssignment) and not parsed.varies:
        typer.echo("Note: nothing varies, so that everybody has the same homework; write a [[varies]].")
    typer.echo(f"The key is {place}. Keep it to yourself: without it nothing can be graded.")


@homework.command(
    "grade",
    epilog="Example: [cyan]embedsheet homework grade handed-in.zip --key embeddings-key.json -o gradebook.xlsx[/cyan]",
)
def grade(
    submissions: Annotated[Path, typer.Argument(help="Folder, or a learning platform's zip, with the workbooks.")],
    key: Annotated[Path, typer.Option(help="The key that `homework new` wrote.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The gradebook to write.")] = Path("gradebook.xlsx"),
    processes: Annotated[int | None, typer.Option(min=1, help="How many files at once; default: one a core.")] = None,
    seconds: Annotated[float, typer.Option(min=1, help="Longest time for one file.")] = 30.0,
    megabytes: Annotated[int, typer.Option(min=256, help="Most memory for one file.")] = 2048,
    assignment: Annotated[
        str | None, typer.Option(help="The assignment with other words, points or tolerances than were handed out.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace gradebook, texts and CSV that exist.")] = False,
) -> None:
    """Grade the workbooks: gradebook, a text for each student, a CSV to upload.

    Points that you typed into the gradebook for words of students are kept when you grade again with --force.

    An interrupted run continues where it stopped: results are kept in GRADEBOOK.journal. Exit code 1: no file could be
    graded.
    """
    import tempfile

    from embedsheet.cli.bars import bar
    from embedsheet.cli.progress import resumable
    from embedsheet.ground.files import refuse_existing
    from embedsheet.homework.assignment import find, parse, workbook_beside
    from embedsheet.homework.gradebook import best_of_each, not_graded, write_feedback, write_gradebook, write_upload
    from embedsheet.homework.key import Key
    from embedsheet.homework.mending import mended
    from embedsheet.homework.submissions import find_submissions
    from embedsheet.homework.typed import read_points, with_points
    from embedsheet.homework.whose import FOREIGN
    from embedsheet.homework.workers import Limits, grade_all
    from embedsheet.xlsx.writer.page import check_target, counted

    kept = Key.load(key)
    if assignment is not None:
        kept = mended(kept, find(assignment), assignment, workbook_beside(assignment))
    asked = parse(kept.assignment, workbook=kept.workbook)
    check_target(output, force)
    typed = read_points(output, kept, asked) if output.exists() else {}
    feedback, upload = output.with_name(f"{output.stem}-feedback"), output.with_name(f"{output.stem}-upload.csv")
    for place in (feedback, upload):
        refuse_existing(place, force)
    journal = output.with_suffix(".journal")
    with tempfile.TemporaryDirectory() as folder:
        found, notes = find_submissions(submissions, Path(folder), [output, feedback, upload, journal])
        with resumable(f"What is graded is kept in {journal}; the same command goes on."), bar("graded") as progress:

            def told(done: int, total: int, one: Any) -> None:
                progress(done, total, one.file)

            grades = grade_all(
                kept, found, journal, processes=processes, limits=Limits(seconds, megabytes), progress=told
            )
    grades = with_points(grades, typed)
    best = best_of_each(kept, grades)
    write_gradebook(kept, asked, grades, notes, output, force=force)
    write_feedback(asked, best, feedback, grades)
    write_upload(kept, asked, best, upload, not_graded(kept, grades, notes))
    files = counted(len(found) + len(notes), "file")
    typer.echo(f"{files}, {len(best)} of {len(kept.students)} students graded; gradebook: {output}.")
    troubles = [f"{Path(one.file).name} {one.fault}" for one in grades if one.fault] + list(notes)
    if troubles:
        count = counted(len(troubles), "file")
        typer.echo(f"{count} could not be graded: see the sheet “Not graded”. The first: {troubles[0]}")
        if not best and any(one.fault.endswith(FOREIGN) for one in grades):
            typer.echo(f"None has a code of this key: is {key} the key of this class?")
    journal.unlink(missing_ok=True)
    if not best:
        raise typer.Exit(1)

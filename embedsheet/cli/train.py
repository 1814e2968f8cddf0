"""`embedsheet compare` and `embedsheet train`: a sheet's model in Keras."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import embedsheet as es
from embedsheet.cli.code import show
from embedsheet.cli.movielens import Bar, DeviceOption, ForceOption
from embedsheet.cli.progress import MARKS, print_json, print_table, say
from embedsheet.cli.solve import JsonOption

if TYPE_CHECKING:
    from embedsheet.mirrors.protocol import Comparison

app = typer.Typer()

BookArgument = Annotated[Path, typer.Argument(help="The workbook, .xlsx or .xlsm.", show_default=False)]
LockOption = Annotated[bool, typer.Option("--ignore-lock", help="Write though a lock file says the workbook is open.")]
# Where the blocks of `mirrors.recommender.blocks.NAMES` are, for a workbook without our names.
BLOCKS = {
    "user_ids": "Cells with the users' ids, by address or name.",
    "user_factors": "The users' factors.",
    "user_bias": "The users' biases, if there are any.",
    "movie_ids": "Cells with the movies' ids.",
    "movie_factors": "The movies' factors.",
    "movie_bias": "The movies' biases, if there are any.",
    "ratings": "The ratings: a cross-tab, or with the next two a column.",
    "rating_users": "One rating a row: the column with its user's id.",
    "rating_movies": "One rating a row: the column with its movie's id.",
    "predictions": "The sheet's predictions, as the ratings lie.",
    "rmse": "The cell with the error; default: the objective of Solver.",
}


def with_blocks(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command an option for each of `BLOCKS`; its `given` gets those that were named: {block: place}."""

    @functools.wraps(command)
    def call(**options: Any) -> None:
        named = {block: options.pop(block) for block in BLOCKS}
        command(**options, given={block: place for block, place in named.items() if place})

    signature = inspect.signature(command, eval_str=True)
    parameters = [parameter for name, parameter in signature.parameters.items() if name != "given"]
    for block, text in BLOCKS.items():
        annotation = Annotated[str | None, typer.Option(help=text)]
        parameters.append(inspect.Parameter(block, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation))
    call.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return call


@app.command(
    name="compare",
    epilog="Example: [cyan]embedsheet compare movielens.xlsx --float64[/cyan]",
)
@with_blocks
def compare_command(
    book: BookArgument,
    sheet: Annotated[str | None, typer.Option(help="The model sheet to compare; default: every one.")] = None,
    float64: Annotated[bool, typer.Option("--float64", help="Let Keras compute in double precision.")] = False,
    steps: Annotated[int, typer.Option(min=1, help="Steps of gradient descent to walk together.")] = 10,
    learning_rate: Annotated[float, typer.Option(min=1e-9, help="Of these steps.")] = 0.1,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Leave the workbook's sheet Compare as it is.")] = False,
    code: Annotated[
        bool, typer.Option("--code", help="Only show the model in Keras, as `embedsheet code` writes it.")
    ] = False,
    json: JsonOption = False,
    ignore_lock: LockOption = False,
    *,
    given: dict[str, str],
) -> None:
    """Prove that the sheet and Keras are the same model: equal weights give equal numbers.

    Compares predictions, loss, the gradient, and the weights after some steps of gradient descent, and fills in a
    lesson's sheet Compare. Exit code 1 when anything differs by more than rounding. The sheets of other
    lessons than movielens are compared with Keras in ways of their own, each with what it computes, and nets that read
    in steps with NumPy and PyTensor, too.
    """
    from embedsheet.ground.errors import FileError
    from embedsheet.hosts.libreoffice.recalculate import recalculated
    from embedsheet.mirrors.protocol import Asked
    from embedsheet.mirrors.recommender.results import is_lesson, save
    from embedsheet.mirrors.table import models as models_of

    workbook = es.Workbook.open(book)
    mirror, models = models_of(workbook, sheet, given)
    if code:
        for name, model in models.items():
            lines = mirror.own_code(model)
            if lines:
                typer.echo("\n".join([f"# {name}", *lines, ""]))
                continue
            objective, changing = mirror.searched(workbook, model)
            show(es.code(workbook, name, to="keras", objective=objective, changing=changing))
        return
    if not dry_run and is_lesson(workbook):
        try:
            workbook.check_target(ignore_lock=ignore_lock)  # rather than after the comparison
        except FileError as fault:
            raise FileError(f"{fault} Or leave its sheet Compare as it is: --dry-run.") from None
    notes: list[str] = []

    def note(words: str, style: str = "") -> None:
        notes.append(words)
        if not json:
            say(words, style)

    dtype = "float64" if float64 else "float32"
    asked = Asked(steps, learning_rate, dtype, note, lambda workbook: recalculated(workbook.path))
    found = mirror.compare(workbook, models, asked)
    if not json:
        _print_table(found)
    written = 0
    if found.edits is not None and not dry_run:
        report = save(workbook, found.edits(), ignore_lock=ignore_lock)
        written = report.cells_written
        if not json:
            say(f"Filled in the sheet Compare ({written:,} cells).")
        for words in report.notes:
            note(words if json else f"Note: {words}", "yellow")
    if json:
        print_json({"same": found.same, **found.found, "cells_written": written, "notes": notes})
    else:
        for remark in found.remarks:
            say(remark)
        say(found.verdict, "green" if found.same else "red")
    if not found.same:
        raise typer.Exit(1)


def _print_table(found: Comparison) -> None:
    from rich.table import Table
    from rich.text import Text

    # A sheet's name has a line of its own: the numbers and the marks shall fit into 80 columns.
    table = Table(title=found.title, box=None)
    for heading in (*found.headings, ""):
        table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    above = ""
    for line in found.lines:
        if line.sheet != above:
            table.add_row(Text(line.sheet, style="bold"))
            above = line.sheet
        first, *rest = line.cells
        table.add_row(Text(f"  {first}" if line.sheet else first), *map(Text, rest), MARKS[line.agrees])
    print_table(table)


@app.command(
    epilog="Example: [cyan]embedsheet train movielens.xlsx --epochs 200 --learning-rate 0.02[/cyan]",
)
@with_blocks
def train(
    book: BookArgument,
    sheet: Annotated[
        str | None, typer.Option(help="The model sheet to train; default: the one-rating-a-row one.")
    ] = None,
    optimizer: Annotated[str, typer.Option(help="adam, sgd, rmsprop, adagrad, adamax, nadam or adamw.")] = "adam",
    learning_rate: Annotated[float, typer.Option(min=1e-9, help="The optimizer's.")] = 0.03,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="At most so many. [dim](default: 10 to 300, by size)[/dim]")
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Ratings in a batch.")] = 64,
    l2: Annotated[float, typer.Option("--l2", min=0.0, help="Penalty λ Σ w² on the factors.")] = 0.0,
    validation: Annotated[float, typer.Option(min=0.0, max=0.9, help="Share of ratings held out to judge by.")] = 0.0,
    patience: Annotated[int, typer.Option(min=1, help="End after so many epochs without gain.")] = 30,
    seed: Annotated[int, typer.Option(min=0, help="Draws the batches and what is held out.")] = 42,
    float64: Annotated[bool, typer.Option("--float64", help="Compute in double precision.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Write over the sheet's own factors, too.")] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="A lesson: write a copy here. Any other workbook: the new comparison."),
    ] = None,
    device: DeviceOption = None,
    force: ForceOption = False,
    ignore_lock: LockOption = False,
    *,
    given: dict[str, str],
) -> None:
    """Train a sheet's model in Keras, from the sheet's own weights, and write the result back.

    In a lesson's workbook it goes to the sheets Keras and Compare. To any other workbook no sheet is added: -o names a
    new workbook for the comparison, --replace writes over the factors. Ctrl-C stops and keeps the best.
    """
    from embedsheet.mirrors.protocol import Settings, Task
    from embedsheet.mirrors.table import trainer as trainer_of

    dtype = "float64" if float64 else "float32"
    settings = Settings(optimizer, learning_rate, epochs, batch_size, l2, validation, patience, seed, dtype)
    task = Task(settings, given, output, replace, device, force, ignore_lock)
    trainer = trainer_of(es.Workbook.open(book), sheet, task)
    with Bar(trainer.sheet) as bar:
        learned = trainer.learn(bar.show)
    say(learned, "green")
    for words, style in trainer.keep():
        say(words, style)

"""`embedsheet compare` and `embedsheet train`: a sheet's model in Keras."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from embedsheet.cli.movielens import Bar, DeviceOption, ForceOption
from embedsheet.cli.progress import MARKS, print_json, print_table, say
from embedsheet.cli.solve import JsonOption

if TYPE_CHECKING:
    from embedsheet.keras_bridge import Check
    from embedsheet.mirrors.recommender.blocks import SheetModel
    from embedsheet.workbook import SaveReport, Workbook

app = typer.Typer()

BookArgument = Annotated[Path, typer.Argument(help="The workbook, .xlsx or .xlsm.", show_default=False)]
LockOption = Annotated[bool, typer.Option("--ignore-lock", help="Write though a lock file says the workbook is open.")]
# Where the blocks of `keras_blocks.NAMES` are, for a workbook without our names.
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
    json: JsonOption = False,
    ignore_lock: LockOption = False,
    *,
    given: dict[str, str],
) -> None:
    """Prove that the sheet and Keras are the same model: equal weights give equal numbers.

    Compares predictions, RMSE, the gradient, and the weights after some steps of gradient descent, and fills in a
    lesson's sheet Compare. Exit code 1 when anything differs by more than rounding. A workbook of the lessons rnn,
    optimisers and green-eggs is compared by its own programs.
    """
    from embedsheet.mirrors import optimisers, skip_gram
    from embedsheet.mirrors.recurrent import comparison as rnn_bridge
    from embedsheet.workbook import Workbook

    workbook = Workbook.open(book)
    if rnn_bridge.model_sheets(workbook):
        from embedsheet.cli import rnn

        if not rnn.compare(book, workbook, sheet, json):
            raise typer.Exit(1)
        return
    if optimisers.model_sheets(workbook):
        from embedsheet.cli import optimisers as steps_side_by_side

        if not steps_side_by_side.compare(workbook, sheet, json):
            raise typer.Exit(1)
        return
    if skip_gram.model_sheets(workbook):
        from embedsheet.cli import skip_gram as words_side_by_side

        if not words_side_by_side.compare(workbook, sheet, steps, learning_rate, json):
            raise typer.Exit(1)
        return
    from embedsheet import keras_bridge
    from embedsheet.mirrors.recommender import results as keras_results
    from embedsheet.mirrors.recommender.blocks import choose_sheet, model_sheets, read_model

    dtype = "float64" if float64 else "float32"
    several = model_sheets(workbook) if sheet is None and not given else []
    sheets = several or [choose_sheet(workbook, sheet, given)]
    models = {name: read_model(workbook, name, given) for name in sheets}
    checks = {
        name: keras_bridge.compare(workbook, model, dtype, steps, learning_rate) for name, model in models.items()
    }
    same = all(one.agrees for every in checks.values() for one in every)
    if not json:
        _print_checks(checks, dtype)
    report = None
    if keras_results.is_lesson(workbook) and not dry_run:
        model = models.get(keras_results.compared_sheet(workbook)) or next(iter(models.values()))
        both = _both_precisions(workbook, model, steps, learning_rate)
        report = keras_results.save(
            workbook, keras_results.compared_edits(workbook, model, both), ignore_lock=ignore_lock
        )
    if json:
        print_json(
            {
                "precision": dtype,
                "same": same,
                "sheets": {
                    name: [asdict(one) | {"agrees": one.agrees} for one in every] for name, every in checks.items()
                },
                "cells_written": report.cells_written if report else 0,
                "notes": list(report.notes) if report else [],
            }
        )
    elif report:
        say(f"Filled in the sheet Compare ({report.cells_written:,} cells).")
        _tell_notes(report)
    if not json:
        say(*(("The same model: every difference is rounding.", "green") if same else
              ("Not the same: see the lines marked ✗.", "red")))  # fmt: skip
    if not same:
        raise typer.Exit(1)


def _print_checks(checks: dict[str, list[Check]], dtype: str) -> None:
    from rich.table import Table
    from rich.text import Text

    # A sheet's name has a line of its own: the numbers and the marks shall fit into 80 columns.
    table = Table(title=f"The same weights in the sheet and in Keras ({dtype})", box=None)
    for heading in ("", "sheet", "Keras", "difference", "allowed", ""):
        table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    for name, every in checks.items():
        table.add_row(Text(name, style="bold"))
        for one in every:
            table.add_row(
                f"  {one.what}", f"{one.sheet:.6f}", f"{one.keras:.6f}",
                f"{one.difference:.1e}", f"{one.tolerance:.0e}",
                MARKS[one.agrees],
            )  # fmt: skip
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
    from embedsheet.ground.errors import ModelError
    from embedsheet.mirrors.recommender import results as keras_results
    from embedsheet.mirrors.recommender.blocks import read_model
    from embedsheet.mirrors.recommender.training import Settings
    from embedsheet.mirrors.recommender.training import train as train_model
    from embedsheet.networks.devices import device as on_device
    from embedsheet.workbook import Workbook
    from embedsheet.writer.page import check_target

    workbook = Workbook.open(book)
    model = read_model(workbook, sheet, given)
    lesson = keras_results.is_lesson(workbook) and not given
    if not lesson and output is None and not replace:
        raise ModelError(
            f"{book.name}: has no sheet Keras to write to; name a new workbook for the comparison with -o, or write "
            "over its factors with --replace."
        )
    if output is not None:
        check_target(output, force)
    if lesson or replace:
        workbook.check_target(output if lesson else None, ignore_lock, force=force)
    dtype = "float64" if float64 else "float32"
    settings = Settings(optimizer, learning_rate, epochs, batch_size, l2, validation, patience, seed, dtype)
    with on_device(device) as where, Bar(model.sheet) as bar:
        learned = train_model(model, settings, lambda done: bar.show(done.epoch + 1, done.epochs))
    say(
        f"{model.sheet}: RMSE {learned.rmse_before:.4f} → {learned.rmse:.4f} after {learned.kept + 1} epochs of Keras' "
        f"{optimizer} on {where}; ended by {learned.ended}.",
        "green",
    )
    checks = _both_precisions(workbook, model) if "rmse" in model.blocks else []
    if lesson:
        edits = keras_results.learned_edits(workbook, model, learned)
        edits += keras_results.compared_edits(workbook, model, checks)
        if replace:
            edits += keras_results.replaced_edits(model, learned)
        report = keras_results.save(workbook, edits, output, ignore_lock)
        say(f"Wrote {report.cells_written:,} cells of {report.path}; see its sheets Keras and Compare.")
        _tell_notes(report)
        return
    if replace:
        report = keras_results.replace_in_place(workbook, model, learned, ignore_lock)
        say(f"Wrote {report.cells_written:,} cells of {report.path}.")
        _tell_notes(report)
    if output is not None:
        from embedsheet.lessons import comparison

        comparison.build(output, model, learned, checks, book.name, force=force)
        say(f"Wrote {output}: the sheet and Keras side by side.")


def _tell_notes(report: SaveReport) -> None:
    for note in report.notes:
        say(f"Note: {note}", "yellow")


def _both_precisions(workbook: Workbook, model: SheetModel, steps: int = 10, learning_rate: float = 0.1) -> list[Check]:
    """Return the checks in float32 and, where the engine can, float64, as the sheet Compare shows them."""
    from dataclasses import replace

    from embedsheet.keras_bridge import compare, precisions

    return [
        replace(one, what=f"{one.what} ({dtype})")
        for dtype in precisions()
        for one in compare(workbook, model, dtype, steps, learning_rate)
    ]

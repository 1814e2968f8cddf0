"""`embedsheet solve`, `inspect`, `gradient`, `recalculate`, `undo`: train a workbook's own formulas in place."""

from __future__ import annotations

import os.path
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

import typer

import embedsheet as es
from embedsheet.cli.against import as_json, tell
from embedsheet.cli.history import Recorder, check_history, read_history
from embedsheet.cli.progress import LiveSearch, complain, print_json, say
from embedsheet.cli.steps import Steps
from embedsheet.ground.shell import word

if TYPE_CHECKING:
    from embedsheet.solvers.solution import Solution

app = typer.Typer()

BookArgument = Annotated[Path, typer.Argument(help="The workbook, .xlsx or .xlsm.", show_default=False)]
SheetOption = Annotated[
    str | None, typer.Option("--sheet", help="The sheet whose Solver set-up is meant; needed when there are several.")
]
ObjectiveOption = Annotated[
    str | None, typer.Option(help="The objective cell, by address or name, in place of the stored set-up.")
]
ChangingOption = Annotated[
    list[str] | None, typer.Option("--changing", help="Cells that may change, by address or name; may be repeated.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
LockOption = Annotated[bool, typer.Option("--ignore-lock", help="Write though a lock file says the workbook is open.")]
TrustOption = Annotated[
    bool, typer.Option("--trust-embedsheet", help="Go on though recomputed formulas differ from the stored results.")
]
OverwriteOption = Annotated[
    bool, typer.Option("--overwrite-formulas", help="Replace formulas in changing cells by their stored results.")
]
# `solvers.methods.METHODS` once more: importing it takes scipy, and --help must not.
MethodName = Literal[
    "auto", "linear", "global", "L-BFGS-B", "CG", "Newton-CG", "SLSQP", "trust-constr", "augmented-lagrangian",
    "gradient-descent", "momentum", "adam",
]  # fmt: skip

EngineOption = Annotated[
    Literal["auto", "jax", "tape"],
    typer.Option(
        "--engine",
        metavar="ENGINE",
        case_sensitive=False,
        help="What differentiates: tape at once, jax after compiling, or auto.",
    ),
]


@app.command(
    epilog="Example: [cyan]embedsheet solve shop.xlsx --sheet Plan --objective F20 --maximize --changing B2:B9 "
    '--subject-to "D2:D5 <= E2:E5" --dry-run[/cyan]'
)
def solve(
    books: Annotated[list[Path], typer.Argument(metavar="BOOK", help="The workbook, or several, .xlsx or .xlsm.")],
    sheet: SheetOption = None,
    objective: ObjectiveOption = None,
    changing: ChangingOption = None,
    minimize: Annotated[bool, typer.Option("--minimize", help="Make the objective as small as possible.")] = False,
    maximize: Annotated[bool, typer.Option("--maximize", help="Make the objective as large as possible.")] = False,
    target: Annotated[float | None, typer.Option(help="Bring the objective to this value.")] = None,
    bound: Annotated[
        list[str] | None, typer.Option("--bound", help="A bound such as 'B2:B9 >= 0' or '0 <= B2:B9 <= 1'.")
    ] = None,
    subject_to: Annotated[
        list[str] | None,
        typer.Option("--subject-to", help="A constraint such as 'A1:A5 <= B1:B5' or 'B2:B9 integer'."),
    ] = None,
    nonnegative: Annotated[
        bool | None,
        typer.Option(
            "--nonnegative/--free", help="Changing cells without a lower bound are (not) ≥ 0.", show_default=False
        ),
    ] = None,
    without_stored: Annotated[
        bool,
        typer.Option(
            "--without-stored",
            help="Beside --objective: leave out the stored set-up's constraints and bounds.",
        ),
    ] = False,
    save_setup: Annotated[
        bool, typer.Option("--save-setup", help="Store the model in the workbook, for Data ► Solver.")
    ] = False,
    method: Annotated[
        MethodName,
        typer.Option(metavar="METHOD", case_sensitive=False, help=f"How to search: {', '.join(get_args(MethodName))}."),
    ] = "auto",
    learning_rate: Annotated[
        float | None, typer.Option(help="Step of gradient-descent, momentum and adam. (default: as in Keras)")
    ] = None,
    restarts: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Search again from so many random starts; the best counts. [default: 0, or Multistart as stored]",
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of restarts and of the global search. [default: as stored, else 0]")
    ] = None,
    time_limit: Annotated[
        float | None,
        typer.Option(min=0.0, metavar="SECONDS", help="Stop after so long and keep the best. [default: as stored]"),
    ] = None,
    gap: Annotated[
        float | None,
        typer.Option(
            min=0.0, help="What whole numbers may cost, as a part of the objective. [default: as stored, else 0]"
        ),
    ] = None,
    max_iterations: Annotated[
        int | None,
        typer.Option(min=1, help="Stop after so many iterations. [default: 1,000; 20,000 for augmented-lagrangian]"),
    ] = None,
    tolerance: Annotated[
        float, typer.Option(min=0.0, help="Stop when no cell's change can gain more than this part of the objective.")
    ] = 1e-6,
    randomize: Annotated[
        int | None, typer.Option(metavar="SEED", help="Begin at random values instead of the stored ones.")
    ] = None,
    overwrite_formulas: OverwriteOption = False,
    trust_embedsheet: TrustOption = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write a copy here and leave the workbook as it is.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Solve and say so, but write nothing.")] = False,
    json: JsonOption = False,
    history: Annotated[
        Path | None,
        typer.Option("--history", metavar="FILE.csv", help="Write every iterate, objective and cells, to a CSV file."),
    ] = None,
    replay: Annotated[
        Path | None,
        typer.Option(
            "--replay",
            metavar="FILE.csv",
            help="Go through the iterates of a --history again, in place of a search, and keep the last one shown.",
        ),
    ] = None,
    step: Annotated[
        bool, typer.Option("--step", help="Show every iterate; on a terminal, wait for Enter after each.")
    ] = False,
    report: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            help="Reports as tables here and as sheets of the workbook: answer, sensitivity, limits, population, "
            "linearity, feasibility, inputs; several with commas, or all.",
        ),
    ] = None,
    follow: Annotated[
        list[str] | None,
        typer.Option(
            "--follow", metavar="CELL", help="In the inputs report: how the changing cells follow this typed number."
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the files that --output and --history name, if they exist.")
    ] = False,
    ignore_lock: LockOption = False,
    engine: EngineOption = "auto",
) -> None:
    """Solve a workbook's model in place, as Data ► Solver would, with exact gradients.

    The model is the Solver set-up stored in the sheet, or what --objective and --changing say. Only the changing cells
    and the results that follow from them are rewritten. Ctrl-C stops and keeps the best so far; `embedsheet undo`
    brings the old values back. Exit code 0: optimal or improved; 1: infeasible, unbounded or failed; 2: bad input.

    Several workbooks are solved with the same options; one that cannot be stops no other.
    """
    if without_stored and objective is None:
        raise typer.BadParameter("--without-stored is for a model named by --objective.")
    if minimize + maximize + (target is not None) > 1:
        raise typer.BadParameter("choose one of --minimize, --maximize and --target.")
    if dry_run and (output or save_setup):
        raise typer.BadParameter("--dry-run writes nothing; leave out --output and --save-setup.")
    if step and json:
        raise typer.BadParameter("--step talks and --json does not; --json has the history.")
    if len(books) > 1:
        _refuse_unquoted(books, sheet)
    if len(books) > 1 and (output or history or replay):
        raise typer.BadParameter("--output, --history and --replay are for one workbook; solve each alone.")
    if replay and (history or method != "auto" or restarts or randomize is not None):
        raise typer.BadParameter("--replay does not search; leave out --history, --method, --restarts, --randomize.")
    from embedsheet.solvers.descent import LEARNING_RATES
    from embedsheet.solvers.reports.tables import kinds_of
    from embedsheet.solvers.solve import solve as solve_book

    reports = kinds_of(report or "")
    if follow and "inputs" not in reports:
        raise typer.BadParameter("--follow belongs to --report inputs.")
    if learning_rate is not None and method not in LEARNING_RATES:
        raise typer.BadParameter(f"--learning-rate is for --method {', '.join(LEARNING_RATES)}; {method} has none.")
    if history is not None:
        check_history(history, force)
    recorder: Recorder | None = None

    def solve_one(book: Path) -> Solution:
        nonlocal recorder
        shown = step or (replay is not None and not json)
        with LiveSearch(quiet=json or shown) as live:
            watcher = Steps().hear if shown else live.hear
            recorder = Recorder(watcher)
            return solve_book(
                book,
                sheet,
                objective=objective,
                changing=changing or (),
                sense="minimize" if minimize else "maximize" if maximize else None,
                target=target,
                constraints=[*(bound or ()), *(subject_to or ())],
                nonnegative=nonnegative,
                without_stored=without_stored,
                save_setup=save_setup,
                method=method,
                learning_rate=learning_rate,
                restarts=restarts,
                seed=seed,
                time_limit=time_limit,
                gap=gap,
                max_iterations=max_iterations,
                tolerance=tolerance,
                randomize=randomize,
                overwrite_formulas=overwrite_formulas,
                trust_embedsheet=trust_embedsheet,
                output=output,
                force=force,
                dry_run=dry_run,
                ignore_lock=ignore_lock,
                watcher=watcher if history is None else recorder.hear,
                engine=engine,
                reports=reports,
                moving=follow or (),
                replayed=None if replay is None else lambda names: read_history(replay, names),
            )

    if len(books) > 1:
        _solve_each(books, sheet, solve_one, json)
        return
    solution = solve_one(books[0])
    if history is not None and recorder is not None:  # before anything is said, which somebody may not wait for
        recorder.write(solution, history)
    if json:
        print_json(solution.as_dict())
    else:
        _tell(solution)
    if not solution.solved:
        raise typer.Exit(1)


def _refuse_unquoted(books: list[Path], sheet: str | None) -> None:
    """Raise FileError where several words are one name with spaces, of a workbook or of the sheet."""
    from embedsheet.ground.errors import FileError

    whole = Path(" ".join(map(str, books)))
    if os.path.isfile(whole):  # Path.is_file raises where many names make one that is too long
        raise FileError(f"{whole}: its name has spaces, so it must stand in quotation marks: {word(whole)}.")
    words = [str(book) for book in books if not book.suffix and not book.exists()]
    if sheet is not None and words:  # else the sheet that the first word names would be solved
        named = word(" ".join([sheet, *words]))
        raise FileError(
            f"{words[0]}: there is no such file; a sheet's name with spaces stands in quotation marks: --sheet {named}."
        )


def _solve_each(books: list[Path], sheet: str | None, solve_one: Callable[[Path], Solution], json: bool) -> None:
    """Solve several workbooks; exit with the highest code that any of them alone would have ended with."""
    from embedsheet.ground.errors import EmbedsheetError

    code = 0
    results: list[dict[str, Any]] = []
    for place, book in enumerate(books):
        if not json:
            say(f"{book}:", "bold")
        try:
            solution = solve_one(book)
        except EmbedsheetError as error:
            code = max(code, error.exit_code)
            results.append({"path": str(book), "error": str(error)})
            if not json:
                complain(str(error))
            continue
        code = max(code, 0 if solution.solved else 1)
        results.append(solution.as_dict())
        if not json:
            _tell(solution)
        if solution.interrupted:
            left = [word(one) for one in books[place + 1 :]]
            if left and not json:
                say(f"Not begun: {' '.join(left)}", "yellow")
            break
    if json:
        print_json(results)
    if code:
        raise typer.Exit(code)


def _tell(solution: Solution) -> None:
    say(solution.summary(), "green" if solution.solved else "red")
    if solution.solved and solution.active:
        shown, rest = solution.active[:8], len(solution.active) - 8
        say("Active: " + "; ".join(shown) + (f"; and {rest} more" if rest > 0 else ""))
    for note in solution.notes:
        say(f"Note: {note}", "yellow")
    choice = solution.choice
    if solution.status in ("infeasible", "unbounded", "failed") and choice.endswith("which proves the optimum"):
        choice = choice.partition(": ")[0]  # no optimum was proven
    if choice:
        say(f"{choice[:1].upper()}{choice[1:]}.", "dim")
    seconds = ", ".join(f"{phase} {time:.2f} s" for phase, time in solution.seconds.items())
    evaluations = f"{solution.evaluations:,} evaluation{'' if solution.evaluations == 1 else 's'}"
    say(f"{solution.method}, {evaluations} by {solution.engine}; {seconds}", "dim")
    if solution.parts_changed:
        say(f"Changed parts: {', '.join(solution.parts_changed)}", "dim")
    if solution.interrupted and solution.written_to is not None:
        say(f"embedsheet solve {word(solution.written_to)}, with the same options, goes on from there.", "yellow")
    if solution.undo_kept:
        say(f"embedsheet undo {word(solution.path)} brings the old values back.", "dim")
    if solution.reports:
        from embedsheet.cli.reports import tell_reports

        tell_reports(solution.reports)


@app.command(epilog="Example: [cyan]embedsheet gradient films.xlsx --sheet Cross-tab --check[/cyan]")
def gradient(
    book: BookArgument,
    sheet: SheetOption = None,
    objective: ObjectiveOption = None,
    changing: ChangingOption = None,
    check: Annotated[bool, typer.Option("--check", help="Compare with central finite differences.")] = False,
    against: Annotated[
        list[str] | None,
        typer.Option(help="Cells that claim to be these derivatives: compare them, one by one; may be repeated."),
    ] = None,
    overwrite_formulas: OverwriteOption = False,
    trust_embedsheet: TrustOption = False,
    json: JsonOption = False,
    engine: EngineOption = "auto",
) -> None:
    """Print the gradient of the objective at the stored values, block by block. Nothing is written.

    With --against, cells of the workbook that claim to be the derivatives, in the order of the changing cells, are
    compared with the exact ones, and where it can be told, what kind of mistake was made. Exit code 1 if one is wrong.
    """
    from embedsheet import api
    from embedsheet.cli.progress import print_block
    from embedsheet.solvers.check import check_gradient

    if against:
        compared = api.against(
            book, against, sheet, objective=objective, changing=changing or (), overwrite_formulas=overwrite_formulas,
            trust_embedsheet=trust_embedsheet,
        )  # fmt: skip
        if json:
            print_json(as_json(compared))
        else:
            tell(compared)
        if compared.wrong:
            raise typer.Exit(1)
        return
    found = api.gradient(
        book, sheet, objective=objective, changing=changing or (), overwrite_formulas=overwrite_formulas,
        trust_embedsheet=trust_embedsheet, engine=engine,
    )  # fmt: skip
    model, value, blocks = found.model, found.value, found.blocks
    checked = check_gradient(model.program) if check else None
    if json:
        result: dict[str, Any] = {
            "objective": str(model.setup.objective),
            "value": value,
            "gradient": [{"area": str(area), "values": block.tolist()} for area, block in blocks.items()],
            "notes": model.notes,
            "engine": model.program.engine,
        }
        if checked is not None:
            result["check"] = {
                "cells": len(checked.cells),
                "largest_difference": checked.largest_difference,
                "at": model.program.cell_name(checked.worst),
                "passed": checked.passed,
            }
        print_json(result)
    else:
        say(f"{model.objective_name} = {value:.10g}")
        for area, block in blocks.items():
            print_block(area, block)
        for note in model.notes:
            say(f"Note: {note}", "yellow")
        if checked is not None:
            say(
                f"Largest difference from central finite differences: {checked.largest_difference:.2e} at "
                f"{model.program.cell_name(checked.worst)} ({len(checked.cells):,} of {len(model.program.start):,} "
                f"cells compared): {'they agree' if checked.passed else 'THEY DISAGREE'}.",
                "green" if checked.passed else "red",
            )
    if checked is not None and not checked.passed:
        raise typer.Exit(1)


@app.command(epilog="Example: [cyan]embedsheet inspect collab_filter.xlsx[/cyan]")
def inspect(book: BookArgument, json: JsonOption = False) -> None:
    """Show a workbook's sheets, Solver set-ups and functions, and whether its stored results can be recomputed."""
    from embedsheet.cli.inspection import tell_inspection

    found = es.inspect(book)
    if json:
        print_json(found)
    else:
        tell_inspection(found)


@app.command(epilog="Example: [cyan]embedsheet recalculate budget.xlsx -o budget-fresh.xlsx[/cyan]")
def recalculate(
    book: BookArgument,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write a copy here and leave the workbook as it is.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what differs, but write nothing.")] = False,
    json: JsonOption = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the file that --output names, if it exists.")] = False,
    ignore_lock: LockOption = False,
) -> None:
    """Recompute every supported formula and refresh the stored results, without Excel."""
    from embedsheet import api

    fresh = api.recalculate(book, output, dry_run=dry_run, force=force, ignore_lock=ignore_lock)
    done, report, refreshed = fresh.results, fresh.report, fresh.refreshed
    if json:
        print_json(
            {
                "formulas": done.formulas,
                "refreshed": refreshed,
                "out_of_date": done.out_of_date,
                "cells_written": report.cells_written if report else 0,
                "parts_changed": report.parts_changed if report else [],
                "not_supported": done.faults,
                "not_recomputed": done.left,
                "notes": list(report.notes) if report else [],
            }
        )
        return
    written = f"{report.cells_written:,} cells written to {report.path}" if report else "nothing was written"
    rounded = refreshed - done.out_of_date
    rest = f", {rounded:,} more off by rounding" if rounded else ""
    say(f"{done.formulas:,} formulas, {done.out_of_date:,} results out of date or missing{rest}; {written}.", "green")
    if report and report.parts_changed:
        say(f"Changed parts: {', '.join(report.parts_changed)}", "dim")
    for note in report.notes if report else ():
        say(f"Note: {note}", "yellow")
    for fault in done.faults:
        say(f"Note: not recomputed: {fault}", "yellow")
    if done.left > len(done.faults):
        say(f"Note: {done.left:,} cells keep the results that they had: these and what follows from them.", "yellow")


@app.command(epilog="Example: [cyan]embedsheet undo films.xlsx[/cyan]")
def undo(
    book: BookArgument,
    ignore_lock: LockOption = False,
    force: Annotated[
        bool, typer.Option("--force", help="Even where something else wrote the file since: those changes are lost.")
    ] = False,
) -> None:
    """Bring back what the last in-place write to a workbook replaced."""
    undone = es.undo(book, ignore_lock, force=force)
    say(f"{undone.path}: as before the last write, {undone.cells:,} cells brought back.", "green")

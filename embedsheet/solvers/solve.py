"""Solve a workbook's model in place: the formulas below the objective cell, differentiated exactly, and scipy.

    from embedsheet.solver import solve
    solution = solve("collab_filter.xlsx", sheet="dotprod")
    print(solution.summary())

The file is read, compiled and checked against its own stored values before anything else; it is written only when a
better point was found, and then only the changed cells and the stored results that follow from them.
"""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from embedsheet.book.edits import Edit
from embedsheet.book.setups import EVOLUTIONARY, Sense, SolverSetup
from embedsheet.compiler.engines.heap import give_back
from embedsheet.ground.errors import ModelError
from embedsheet.ground.notation.addresses import Cell
from embedsheet.solvers.load import Model, load_model
from embedsheet.solvers.model import Specification
from embedsheet.solvers.outcome import Outcome
from embedsheet.solvers.plan import plan, replaced
from embedsheet.solvers.problem import FEASIBILITY, Limits, Problem, Watcher
from embedsheet.solvers.replay import Recorded, replay
from embedsheet.solvers.reports.tables import kinds_of
from embedsheet.solvers.search import search
from embedsheet.solvers.solution import Solution
from embedsheet.solvers.solve_log import log_areas, log_edits
from embedsheet.workbook import Workbook

if TYPE_CHECKING:
    from embedsheet.compiler.engines import EngineName
    from embedsheet.compiler.program import Program
    from embedsheet.workbook import Draw

_MOST_STARTS = 30  # of a stored multistart
_MANY = 100_000  # cells to write


def problem_of(program: Program, setup: SolverSetup, objective_name: str = "the objective") -> Problem:
    """Return a compiled program as the search wants it."""
    return Problem(
        objective=program,
        lower=program.lower,
        upper=program.upper,
        sense="satisfy" if setup.objective is None else setup.sense,
        target=setup.target,
        relations=program.relations,
        integer=program.integer,
        all_different=program.all_different,
        impossible=program.impossible,
        cell_name=program.cell_name,
        row_name=program.row_name,
        objective_name=objective_name,
        blocks=program.blocks,
        undefined=program.undefined_cells,
        unseen=lambda: program.unseen,
        jumps=lambda: program.jumps,
        kinked=lambda: program.kinked,
        never_negative=lambda: program.never_negative,
        unrounded=lambda: program.unrounded,
        piecewise=program.piecewise,
        evolutionary=setup.engine == EVOLUTIONARY,
    )


def limits_of(
    setup: SolverSetup,
    *,
    max_iterations: int | None = None,
    tolerance: float = 1e-6,
    learning_rate: float | None = None,
    seed: int | None = None,
    seconds: float | None = None,
    gap: float | None = None,
) -> Limits:
    """Return when a search stops: as said here, else as the set-up stores under Options, else as usual."""
    stored = setup.options
    return Limits(
        max_iterations=max_iterations or stored.iterations,
        tolerance=tolerance,
        learning_rate=learning_rate,
        seed=(stored.seed or 0) if seed is None else seed,
        gap=(stored.gap or 0.0) if gap is None else gap,
        precision=stored.precision or FEASIBILITY,
        population=stored.population,
        nodes=stored.nodes,
        solutions=stored.solutions,
        convergence=stored.convergence,
        idle=stored.idle,
        seconds=stored.seconds if seconds is None else seconds,
    )


def starts_of(setup: SolverSetup) -> int:
    """Return from how many points a search begins: more than one where the set-up stores a multistart."""
    return min(setup.options.population or _MOST_STARTS, _MOST_STARTS) if setup.options.multistart else 1


def solve(
    book: str | Path | Workbook,
    sheet: str | None = None,
    *,
    objective: str | None = None,
    changing: Sequence[str] = (),
    sense: Sense | None = None,
    target: float | None = None,
    constraints: Sequence[str] = (),
    nonnegative: bool | None = None,
    without_stored: bool = False,
    save_setup: bool = False,
    method: str = "auto",
    learning_rate: float | None = None,
    restarts: int | None = None,
    seed: int | None = None,
    time_limit: float | None = None,
    gap: float | None = None,
    max_iterations: int | None = None,
    tolerance: float = 1e-6,
    randomize: int | None = None,
    overwrite_formulas: bool = False,
    trust_embedsheet: bool = False,
    output: str | Path | None = None,
    force: bool = False,
    dry_run: bool = False,
    ignore_lock: bool = False,
    watcher: Watcher | None = None,
    engine: EngineName = "auto",
    reports: Sequence[str] = (),
    moving: Sequence[str] = (),
    replayed: Callable[[Sequence[str]], Recorded] | None = None,
) -> Solution:
    """Solve the model of a workbook and write the result into it, or into the copy `output`.

    A file that is at `output` already is replaced only if `force`.

    The model is the Solver set-up of `sheet` (default: the only one), or `objective` and `changing` by address or
    defined name; `constraints` are texts such as "B2:B9 >= 0"; see `choose_setup`. `restarts` more searches begin at
    random points from `seed`; `randomize` replaces the start itself. `time_limit` (seconds), `gap` (what whole numbers
    may cost, as a part of the objective), `max_iterations`, `restarts` and `seed` are, where they are None, what the
    set-up stores under Options; see `limits_of`. `watcher` hears every iteration and may raise
    KeyboardInterrupt. `reports` (`reports.tables.KINDS`) are kept in the solution and added to the workbook as sheets;
    "inputs" also says how the changing cells follow each of the `moving` cells. `replayed` gives, for the names of the
    changing cells, the iterates to go through in place of a search.
    Raises the errors of `embedsheet.ground.errors`; a model without a solution is no error but a `Solution.status`.
    """
    kinds = kinds_of(",".join(reports))
    began = time.perf_counter()
    workbook = book if isinstance(book, Workbook) else Workbook.open(book)
    read = time.perf_counter() - began
    specified = Specification(objective, changing, sense, target, constraints, nonnegative, without_stored)
    model = load_model(
        workbook, sheet, specified, overwrite_formulas=overwrite_formulas, trust_embedsheet=trust_embedsheet,
        engine=engine, beside=log_areas(workbook),
    )  # fmt: skip
    model.seconds["read"] += read
    if not dry_run:
        workbook.check_target(output, ignore_lock, force=force)  # rather than after a long search
    followed = [_cell(model, text) for text in moving]
    began = time.perf_counter()
    limits = limits_of(
        model.setup, max_iterations=max_iterations, tolerance=tolerance, learning_rate=learning_rate, seed=seed,
        seconds=time_limit, gap=gap,
    )  # fmt: skip
    if restarts is None:
        restarts = starts_of(model.setup) - 1
    if restarts < 0:
        raise ModelError(f"restarts={restarts}: give 0 or more.")
    problem = problem_of(model.program, model.setup, model.objective_name)
    searched = method == "auto" and not problem.impossible and replayed is None
    planned = plan(problem) if searched else None
    choice = str(planned or "")
    if replayed is None:
        outcome = search(
            problem, method=method, limits=limits, restarts=restarts, randomize=randomize, watcher=watcher,
        )  # fmt: skip
    else:
        iterates = replayed([problem.cell_name(place) for place in range(problem.size)])
        outcome = replay(problem, iterates, limits, watcher)
    if _without_gradients(outcome):
        unseen = set(problem.unseen())
        model.notes = [note for note in model.notes if note not in unseen]
    stored = model.setup.sheet in model.workbook.setups
    if stored and searched and outcome.status in ("optimal", "improved"):
        note = replaced(model.setup.engine, outcome.method, outcome.status == "optimal" and outcome.bound is not None)
        outcome.notes += [note] if note else []
    model.seconds["solve"] = time.perf_counter() - began
    solution = record(model, outcome)
    other = outcome.method == "mixed-integer linear" and choice and "HiGHS" not in choice
    unproven = planned is not None and planned.method in ("linear", "quadratic") and outcome.method != planned.method
    if other:
        choice += "; then HiGHS on its mixed-integer linear form"
    elif unproven:
        choice += f"; here it proved nothing, and {outcome.method} went on"
    solution.choice = choice
    began = time.perf_counter()
    if kinds:
        from embedsheet.solvers.reports.make import make_reports

        solution.reports = make_reports(model, problem, solution, kinds, followed)
        solution.seconds["reports"] = time.perf_counter() - began
        began = time.perf_counter()
    if not dry_run:
        work = _work(workbook, model, solution, save_setup)
        if sum(len(edit.rows) for edit in work.edits) > _MANY:
            # What was compiled takes more memory than the saving, and refers to itself.
            del model, problem, outcome
            gc.collect()
            give_back()
        _write(workbook, work, solution, Path(output) if output else None, ignore_lock)
    solution.seconds["write"] = time.perf_counter() - began
    return solution


def _without_gradients(outcome: Outcome) -> bool:
    """Whether nothing that was found hangs on a gradient, so that nobody need know what it does not see."""
    proven = outcome.status in ("optimal", "infeasible") and outcome.method in ("all points", "mixed-integer linear")
    return proven or outcome.method == "orders"


def record(model: Model, outcome: Outcome) -> Solution:
    """Return what a search found as the solution of a model."""
    setup = model.setup
    aimless = setup.objective is None
    return Solution(
        path=model.workbook.path,
        sheet=setup.sheet,
        objective=None if aimless else str(setup.objective),
        objective_name=model.objective_name,
        sense="satisfy" if aimless else setup.sense,
        target=setup.target if setup.sense == "target" and not aimless else None,
        changing=list(setup.changing),
        x=outcome.x,
        objective_before=math.nan if aimless else outcome.value_before,
        objective_after=math.nan if aimless else outcome.value + 0.0,  # 0, not -0, as a cell shows it
        status=outcome.status,
        reason=outcome.reason,
        method=outcome.method,
        iterations=outcome.iterations,
        evaluations=outcome.evaluations,
        engine=model.program.engine,
        largest_gradient=outcome.largest_gradient,
        active=outcome.active,
        history=outcome.history,
        notes=[*model.notes, *outcome.notes],
        seconds=dict(model.seconds),
        bound=outcome.bound,
        population=outcome.population,
    )


@dataclass(frozen=True)
class _Work:
    """What is to be saved of a solution."""

    edits: list[Edit]
    setups: list[SolverSetup]
    full_calculation: bool
    notes: list[str]
    draw: Draw | None


def _work(workbook: Workbook, model: Model, solution: Solution, save_setup: bool) -> _Work:
    from embedsheet.compiler.results import Results

    results, log = Results([]), []
    if solution.solved:
        log = log_edits(workbook, solution)
        results = model.program.results(solution.x, trusted=model.trusted, beside=log)
    setups = [model.setup] if save_setup else []
    return _Work(results.edits + log, setups, results.full_calculation, results.notes, _drawing(model, solution))


def _write(workbook: Workbook, work: _Work, solution: Solution, output: Path | None, ignore_lock: bool) -> None:
    if not work.edits and not work.setups and work.draw is None:
        return
    report = workbook.save(
        work.edits,
        output,
        setups=work.setups,
        full_calculation=work.full_calculation,
        ignore_lock=ignore_lock,
        draw=work.draw,
    )
    solution.notes += [*report.notes, *work.notes]
    solution.written_to = report.path
    solution.cells_written = report.cells_written
    solution.parts_changed = list(report.parts_changed)
    solution.undo_kept = report.undo_kept
    # Where the file is as it was, there is nothing to keep.
    if report.path == workbook.path and report.parts_changed and not report.undo_kept:
        solution.notes.append("the file as it was could not be kept for undo: it is too large or no cache is writable")


def _drawing(model: Model, solution: Solution) -> Draw | None:
    if not solution.reports:
        return None
    from embedsheet.solvers.reports.sheet import drawing

    return drawing(model.workbook, solution.sheet, solution.reports)


def _cell(model: Model, text: str) -> Cell:
    area = model.workbook.area(text, model.setup.sheet)
    if area.size != 1:
        raise ModelError(f"{text} is {area.size} cells; name one cell that the changing cells are to follow.")
    return Cell(area.sheet, area.top, area.left)

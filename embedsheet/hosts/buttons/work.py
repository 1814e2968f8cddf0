"""What each button does: one function each, of a `Press`; it returns what the button says."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xlwings
from numpy.typing import NDArray

from embedsheet.ground.errors import MismatchError, ModelError
from embedsheet.ground.notation.addresses import Area, column_letters
from embedsheet.hosts.buttons import file_work
from embedsheet.hosts.buttons.memory import Memory
from embedsheet.hosts.buttons.press import Press, escape_pressed, gradient_sheet, run
from embedsheet.hosts.buttons.table import START, UNDO
from embedsheet.hosts.live import block_of, write_areas
from embedsheet.hosts.through_xlwings import XlwingsHost

_SECONDS_BETWEEN_WORDS = 0.25
_MOST_TOLD = 8  # wrong derivatives in one sentence


def press(function: str, cancelled: Callable[[], bool] = escape_pressed) -> str:
    """Do what the button of that name does in the workbook whose button was pressed, and return what it says."""
    return run(function, WORK[function], pressed, cancelled)


def pressed() -> XlwingsHost:
    """Return the workbook whose button was pressed."""
    return XlwingsHost(xlwings.Book.caller())


def _step(press: Press) -> str:
    program, setup, start = press.program, press.setup, press.start
    value, slope = program.value_and_gradient(start)
    _refuse_undefined(press, value, slope)
    rate = press.setting("learning_rate")
    direction = -slope
    if setup.sense == "maximize":
        direction = slope
    elif setup.sense == "target":
        direction = -slope * np.sign(value - setup.target)
    x = np.clip(start + rate * direction, program.lower, program.upper)
    press.write_changing(x)
    foretold = float(slope @ (x - start))
    return f"{press.objective_name} {value:.6g} → {press.objective_now():.6g} (the gradient foretold {foretold:+.3g})"


def _watcher(press: Press, words: Callable[[Any], str]) -> Callable[[Any], None]:
    """Return what a search or training tells its progress: the status bar says it in `words`, and Esc stops."""
    shown = time.perf_counter()

    def watch(progress: Any) -> None:
        nonlocal shown
        if press.cancelled():
            raise KeyboardInterrupt
        if time.perf_counter() - shown > _SECONDS_BETWEEN_WORDS:
            shown = time.perf_counter()
            press.status(f"{words(progress)} (Esc stops)")

    return watch


def _solve(press: Press) -> str:
    from embedsheet.solvers.load import Model
    from embedsheet.solvers.problem import Progress
    from embedsheet.solvers.search import search
    from embedsheet.solvers.solve import limits_of, problem_of, record, starts_of
    from embedsheet.solvers.solve_log import SCHEMA, log_edits

    program, name = press.program, press.objective_name
    limits = limits_of(press.setup, max_iterations=int(press.setting("iterations")))
    began = time.perf_counter()

    def words(progress: Progress) -> str:
        return f"iteration {progress.iteration}: {name} {progress.objective:.6g}"

    outcome = search(
        problem_of(program, press.setup, name), limits=limits, restarts=starts_of(press.setup) - 1,
        watcher=_watcher(press, words),
    )  # fmt: skip
    seconds = {"solve": time.perf_counter() - began}
    solution = record(Model(press.workbook, press.setup, program, seconds, []), outcome)
    if not solution.solved:
        raise ModelError(solution.summary())
    press.find_names(SCHEMA.title, [block.name for block in SCHEMA.blocks])
    log = [block_of(edit, press.workbook.strings) for edit in log_edits(press.workbook, solution)]
    press.write_changing(solution.x, also=log)
    solution.written_to, solution.cells_written = solution.path, len(solution.x)
    return solution.summary()


def _train(press: Press) -> str:
    model = press.recommender
    press.status("starting Keras …")
    from embedsheet.mirrors.protocol import Settings
    from embedsheet.mirrors.recommender.results import is_lesson, learned_edits
    from embedsheet.mirrors.recommender.training import Progress
    from embedsheet.mirrors.recommender.training import train as train_in_keras

    workbook = press.beside_keras
    if not is_lesson(workbook):
        raise ModelError("The workbook has no sheet Keras with its blocks, where what Keras learns could be shown.")

    def words(progress: Progress) -> str:
        return f"epoch {progress.epoch + 1} of {progress.epochs}: RMSE {progress.finished.rmse:.4f}"

    learned = train_in_keras(model, Settings(epochs=int(press.setting("epochs"))), _watcher(press, words))
    press.write([block_of(edit, workbook.strings) for edit in learned_edits(workbook, model, learned)])
    return (
        f"Keras: RMSE {learned.rmse_before:.4f} → {learned.rmse:.4f} in {len(learned.epochs)} epochs; what it learned "
        "is on the sheet Keras, and beside the solver's on Compare"
    )


def _compare(press: Press) -> str:
    if not press.has_ratings:
        return file_work.compare(press)
    model = press.recommender
    press.status("comparing with Keras …")
    from embedsheet.mirrors.recommender.comparison import compare as checks_of
    from embedsheet.mirrors.recommender.results import compared_edits

    workbook = press.beside_keras
    checks = checks_of(workbook, model)
    press.write([], also=[block_of(edit, workbook.strings) for edit in compared_edits(workbook, model, checks)])
    apart = "; ".join(f"{check.what}: {check.difference:.0e} apart" for check in checks)
    wrong = [check.what for check in checks if not check.agrees]
    if wrong:
        raise MismatchError(
            f"At equal weights sheet and Keras differ in {', '.join(wrong)} by more than rounding. {apart}."
        )
    return f"The same model at equal weights. {apart}."


def _gradient(press: Press) -> str:
    program = press.program
    value, slope = program.value_and_gradient(press.start)
    _refuse_undefined(press, value, slope)
    name = gradient_sheet(press.sheet_name)
    if name not in press.host.sheets():
        press.host.add_sheet(name, after=press.sheet_name)
    press.host.clear(name)
    blocks = [
        (area._replace(sheet=name), slope[block].reshape(area.shape).tolist())
        for area, block in zip(press.setup.changing, program.blocks, strict=True)
    ]
    write_areas(press.host, blocks)
    if not any(area.top == 1 for area, _ in blocks):
        words = f"∂ {press.objective_name} / ∂ each changing cell of {press.sheet_name}, at the cell's own address"
        press.host.write(Area(name, 1, 1, 1, 1), [[words]])
    steepest = int(np.argmax(np.abs(slope)))
    return (
        f"The gradient of {press.objective_name} is on the sheet {name}; its largest component is "
        f"{slope[steepest]:.3g}, at {program.cell_name(steepest)}."
    )


def _check(press: Press) -> str:
    from embedsheet.translations.gradient_sheet.against import mistakes

    program, claimed = press.program, press.selected
    value, slope = program.value_and_gradient(press.start)
    _refuse_undefined(press, value, slope)
    places = _claimed(claimed, press.setup.changing)
    if not places:
        blocks = ", ".join(f"{area.local()} ({area.size})" for area in press.setup.changing)
        raise ModelError(
            f"{claimed.local()} has {claimed.size} cells: select your own derivatives, one by each changing cell of a "
            f"block ({blocks}), and press again."
        )
    exact = np.concatenate([slope[program.blocks[place]] for place in places])
    changing = [press.setup.changing[place] for place in places]
    claims = mistakes(press.workbook, [claimed], changing, exact)
    wrong = [claim for claim in claims if claim.kind != "right"]
    by = " and ".join(area.local() for area in changing)
    if not wrong:
        return f"All {len(claims)} cells of {claimed.local()} are the derivative of {press.objective_name} by {by}."
    told = "; ".join(
        f"{column_letters(claim.cell.column)}{claim.cell.row} {claim.words} ({claim.exact:.6g})"
        for claim in wrong[:_MOST_TOLD]
    )
    rest = f"; and {len(wrong) - _MOST_TOLD} more" if len(wrong) > _MOST_TOLD else ""
    return (
        f"{len(wrong)} of {len(claims)} cells are not the derivative of {press.objective_name} by {by}: {told}{rest}."
    )


def _claimed(claimed: Area, changing: Sequence[Area]) -> list[int]:
    """Return which changing areas so many cells, in that shape, can be derivatives by: all, or one; else none."""
    if claimed.size == sum(area.size for area in changing):
        return list(range(len(changing)))
    for shape in (claimed.shape, claimed.shape[::-1]):
        found = [place for place, area in enumerate(changing) if area.shape == shape]
        if found:
            return found if len(found) == 1 else []
    return []


def _randomize(press: Press) -> str:
    from embedsheet.solvers.problem import Problem
    from embedsheet.solvers.start import random_start

    program = press.program
    before = press.objective_now()
    problem = Problem(program, program.lower, program.upper)
    press.write_changing(random_start(problem, np.random.default_rng(), around=np.zeros_like(press.start)))
    now = press.objective_now()
    return f"{len(press.start)} cells filled at random: {press.objective_name} {before:.6g} → {now:.6g}"


def _undo(press: Press) -> str:
    return _bring_back(press, UNDO, "Undone")


def _reset(press: Press) -> str:
    return _bring_back(press, START, "As the workbook was made")


def _bring_back(press: Press, what: str, word: str) -> str:
    blocks = Memory(press.host).recall(press.sheet_name, what)
    press.write(blocks)
    cells = sum(area.size for area, _ in blocks)
    return f"{word}: {cells} cells, {press.objective_name} {press.objective_now():.6g}"


def _refuse_undefined(press: Press, value: float, slope: NDArray[np.float64]) -> None:
    if np.isfinite(value) and np.isfinite(slope).all():
        return
    cells = "; ".join(f"{cell} {fault}" for cell, fault in press.program.undefined_cells(press.start)[:3])
    raise ModelError(f"The gradient of {press.objective_name} is undefined here: {cells or 'an infinite derivative'}.")


WORK: dict[str, Callable[[Press], str]] = {
    "step": _step,
    "solve": _solve,
    "train": _train,
    "compare": _compare,
    "gradient": _gradient,
    "check": _check,
    "randomize": _randomize,
    "undo": _undo,
    "reset": _reset,
    "derive": file_work.derive,
    "code": file_work.code,
    "report": file_work.report,
    "doctor": file_work.doctor,
}

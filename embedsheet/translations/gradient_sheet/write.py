"""`derive`: plan, lay out, calculate a draft, and only then write."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

from embedsheet.ground.errors import ModelError
from embedsheet.ground.notation.addresses import Area
from embedsheet.solvers.load import Model, load_model
from embedsheet.translations.gradient_sheet.check import Calculated, calculate
from embedsheet.translations.gradient_sheet.descent import companions
from embedsheet.translations.gradient_sheet.layout import formulas, lay_out
from embedsheet.translations.gradient_sheet.plan import plan
from embedsheet.translations.gradient_sheet.sheet import draw, heading, names_of, title_of
from embedsheet.translations.gradient_sheet.sketch import Sketch
from embedsheet.workbook import MakeProject, SaveReport, Workbook


@dataclass(frozen=True)
class Derived:
    """The sheet that was added: its `gradients` in the order of the changing areas, how many formulas it has.

    `difference` is the largest relative difference of a derivative from the exact engine's; `distinct` counts the
    forms that the formulas are filled from.
    """

    sheet: str
    gradients: dict[Area, Area]
    formulas: int
    difference: float
    report: SaveReport


def macros() -> str:
    """Return the source of the VBA module behind the sheet's buttons."""
    return resources.files(__package__).joinpath("gradient.bas").read_text(encoding="utf-8")


def derive_model(
    workbook: Workbook,
    model: Model,
    output: Path | None = None,
    *,
    ignore_lock: bool = False,
    project: MakeProject | None = None,
) -> Derived:
    """Add the gradient sheet of a workbook's model to it, in place or in the copy `output`.

    `project` makes the VBA project of a copy with buttons, see `Workbook.save`. Raises as `derive_models` does.
    """
    buttons = project is not None
    return derive_models(workbook, [model], output, ignore_lock=ignore_lock, project=project, buttons=buttons)[0]


def derive_models(
    workbook: Workbook,
    models: Sequence[Model],
    output: Path | None = None,
    *,
    ignore_lock: bool = False,
    keep_undo: bool = True,
    project: MakeProject | None = None,
    buttons: bool = False,
) -> list[Derived]:
    """Add the gradient sheets of several models of one workbook, one behind the other.

    `buttons`: with those that step along the gradient; the macros are `project`'s, or the workbook has them.

    Raises UnsupportedError with all cells that have no rule, MismatchError where a sheet's own derivatives are not the
    exact ones; nothing is written then.
    """
    sketches = [_sketched(workbook, model, buttons) for model in models]
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / f"draft{workbook.path.suffix}"
        workbook.save((), draft, draw=partial(_draw, sketches))
        book = Workbook.open(draft)
        done = [_calculated(book, sketch) for sketch in sketches]
    filled = [replace(sketch, values=one.values) for sketch, one in zip(sketches, done, strict=True)]
    report = workbook.save((), output, draw=partial(_draw, filled), ignore_lock=ignore_lock, keep_undo=keep_undo,
                           project=project)  # fmt: skip
    return [
        Derived(sketch.title, _gradients_of(sketch), len(one.values), one.difference, report)
        for sketch, one in zip(sketches, done, strict=True)
    ]


def derive_sheets(path: Path, sheets: Sequence[str], *, buttons: bool = False) -> list[Derived]:
    """Add the gradient sheets of the models on these sheets of a file that nobody has open, which keeps no undo."""
    workbook = Workbook.open(path)
    models = [load_model(workbook, sheet) for sheet in sheets]
    return derive_models(workbook, models, ignore_lock=True, keep_undo=False, buttons=buttons)


def _sketched(workbook: Workbook, model: Model, buttons: bool) -> Sketch:
    program, objective = model.program, model.program.setup.objective
    if objective is None:
        raise ModelError(f"{program.setup.sheet}: there is no objective cell, so there is no gradient; name one.")
    blocks = plan(program)
    names = names_of(program._store, blocks)
    placed = lay_out(blocks, companions(buttons), partial(heading, names, model.objective_name, objective.sheet))
    return Sketch(
        title_of(workbook, objective.sheet), objective.sheet, objective, model.objective_name, placed,
        formulas(placed), names, program, {}, buttons,
    )  # fmt: skip


def _draw(sketches: Sequence[Sketch], workbook: Any) -> None:
    for sketch in sketches:
        draw(workbook, sketch)


def _calculated(book: Workbook, sketch: Sketch) -> Calculated:
    # The objective's own derivative, 1, says nothing of how large the others are.
    blocks = [sketch.mirror(one) for one in sketch.placed[1:]]
    return calculate(book, sketch.title, blocks, list(_gradients_of(sketch).values()), sketch.program)


def _gradients_of(sketch: Sketch) -> dict[Area, Area]:
    """Return the block of derivatives by each changing area."""
    return {area: sketch.gradient(number) for number, area in enumerate(sketch.program.changing)}

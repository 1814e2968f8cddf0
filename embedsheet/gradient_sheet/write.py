"""`derive`: plan, lay out, calculate a draft, and only then write."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from functools import partial
from importlib import resources
from pathlib import Path

from embedsheet.gradient_sheet.check import calculate
from embedsheet.gradient_sheet.descent import companions
from embedsheet.gradient_sheet.layout import formulas, lay_out
from embedsheet.gradient_sheet.plan import plan
from embedsheet.gradient_sheet.sheet import draw, names_of, title_of
from embedsheet.gradient_sheet.sketch import Sketch
from embedsheet.ground.errors import ModelError
from embedsheet.notation.addresses import Area
from embedsheet.solvers.load import Model
from embedsheet.workbook import SaveReport, Workbook
from embedsheet.xlsx.macros import MakeProject


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

    `project` makes the VBA project of a copy with buttons, see `Workbook.save`.

    Raises UnsupportedError with all cells that have no rule, MismatchError where the sheet's own derivatives are not
    the exact ones; nothing is written then.
    """
    program = model.program
    if program.setup.objective is None:
        raise ModelError(f"{program.setup.sheet}: there is no objective cell, so there is no gradient; name one.")
    sheet = program.setup.objective.sheet
    title = title_of(workbook, sheet)
    buttons = project is not None
    placed = lay_out(plan(program), companions=companions(buttons))
    sketch = Sketch(
        title, sheet, program.setup.objective, model.objective_name, placed, formulas(placed),
        names_of(workbook, placed), program, {}, buttons,
    )  # fmt: skip
    gradients = {area: sketch.gradient(number) for number, area in enumerate(program.changing)}
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / f"draft{workbook.path.suffix}"
        workbook.save((), draft, draw=partial(draw, sketch=sketch))
        # The objective's own derivative, 1, says nothing of how large the others are.
        blocks = [sketch.mirror(one) for one in placed[1:]]
        done = calculate(draft, title, blocks, list(gradients.values()), program)
    report = workbook.save((), output, draw=partial(draw, sketch=replace(sketch, values=done.values)),
                           ignore_lock=ignore_lock, project=project)  # fmt: skip
    return Derived(title, gradients, len(done.values), done.difference, report)

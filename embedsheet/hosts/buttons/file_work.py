"""What the buttons do that work on the workbook's file: each makes a new file beside it, or only looks."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from embedsheet.ground.errors import MismatchError, ModelError
from embedsheet.hosts.buttons.press import Press

_REPORTS = ("answer", "sensitivity", "limits")


def derive(press: Press) -> str:
    """Make NAME-gradient.xlsx, a copy with the gradient sheet."""
    from embedsheet.solvers.load import load_model
    from embedsheet.translations.gradient_sheet.write import derive_model
    from embedsheet.workbook import Workbook

    path = _saved(press)
    workbook, target = Workbook.open(path), _free(path, "-gradient", path.suffix)
    workbook.check_target(target)
    done = derive_model(workbook, load_model(workbook, press.sheet_name), target)
    return f"{target.name} is made beside this workbook: its sheet {done.sheet} calculates the gradient by formulas."


def code(press: Press) -> str:
    """Make NAME.py, the sheet's formulas as a module of Python."""
    from embedsheet.translations.coder.code import code as write

    path = _saved(press)
    files = write(path, press.sheet_name).save(_free(path, "", ".py"))
    return f"{' and '.join(file.name for file in files)} made beside this workbook: its formulas as Python."


def report(press: Press) -> str:
    """Make NAME-report.xlsx, a solved copy with the Answer, Sensitivity and Limits Report."""
    from embedsheet.solvers.solve import solve

    path = _saved(press)
    target = _free(path, "-report", path.suffix)
    solution = solve(path, press.sheet_name, output=target, reports=_REPORTS)
    if not target.exists():
        raise ModelError(solution.summary())
    return f"{target.name} is made beside this workbook, solved, with the reports as sheets. {solution.summary()}"


def compare(press: Press) -> str:
    """Compare the models that are no recommender with their twins in Keras."""
    from embedsheet.mirrors.protocol import Asked
    from embedsheet.mirrors.table import models as models_of
    from embedsheet.workbook import Workbook

    workbook = Workbook.open(_saved(press))
    mirror, models = models_of(workbook, press.sheet_name, {})
    press.status("comparing with Keras …")
    found = mirror.compare(workbook, models, Asked())
    if not found.same:
        raise MismatchError(found.verdict)
    return found.verdict


def doctor(press: Press) -> str:
    """Say what was looked at, and what to do where something is not fine."""
    return "\n".join(_findings(press))


def _findings(press: Press) -> Iterator[str]:
    from embedsheet.hosts.buttons.checks import check_machine

    yield f"embedsheet {metadata.version('embedsheet')}, Python {platform.python_version()}: {sys.executable}"
    try:
        setup = press.setup
        yield f"{press.sheet_name}: {len(setup.changing)} blocks of changing cells, objective {setup.objective}"
    except ModelError as fault:
        yield str(fault)
    for finding in check_machine():
        yield f"{finding.what}: {finding.text}" + (f" → {finding.remedy}" if finding.remedy else "")


def _saved(press: Press) -> Path:
    """Return the workbook's file. Raises ModelError where it is not what the screen shows."""
    if not press.host.saved:
        raise ModelError("This button reads the workbook's file: save the workbook first (Ctrl+S), then press again.")
    return Path(press.host.path)


def _free(path: Path, addition: str, suffix: str) -> Path:
    """Return a name beside the workbook that no file has: films-gradient.xlsx, films-gradient-2.xlsx …"""
    number = 1
    while True:
        more = f"-{number}" if number > 1 else ""
        target = path.with_name(f"{path.stem}{addition}{more}{suffix}")
        if not target.exists() and not target.with_suffix(".npz").exists():
            return target
        number += 1

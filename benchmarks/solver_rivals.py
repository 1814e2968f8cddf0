"""Other solvers of the cross-tab's model: minimise its RMSE from the values in the file.

Each rival takes a workbook that holds the sheet Cross-tab alone, so that it recalculates nothing else, and returns what
it found. `NotHereError` says why a rival cannot run on this machine.
"""

from __future__ import annotations

import gzip
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import openpyxl
from numpy.typing import NDArray
from scipy import optimize

import embedsheet as es
from benchmarks.books import CROSSTAB
from benchmarks.by_hand import rmse_by_hand
from benchmarks.measure import run
from embedsheet.ground.errors import EmbedsheetError
from embedsheet.ground.notation.addresses import Area, Cell
from embedsheet.hosts.libreoffice.locate import import_uno
from embedsheet.hosts.libreoffice.office import Office, properties

Floats = NDArray[np.float64]
OPTIONS = {"maxiter": 1000, "maxfun": 10**6}
SECONDS = 300.0  # the longest that a rival may take


# Those that take a nonlinear objective without bounds; they come with the extension nlpsolver, which needs Java.
LIBREOFFICE = {
    "DEPS": "com.sun.star.comp.Calc.NLPSolver.DEPSSolverImpl",
    "SCO": "com.sun.star.comp.Calc.NLPSolver.SCOSolverImpl",
}


# Comes with LibreOffice itself; it wants bounds.
SWARM = {"Swarm": "com.sun.star.comp.Calc.SwarmSolver"}


class NotHereError(Exception):
    """A rival that is not installed, or does not work, on this machine."""


@dataclass(frozen=True, slots=True)
class Found:
    """Seconds, the RMSE at the end, and what else is worth saying."""

    seconds: float
    rmse: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class Model:
    """The cross-tab: its objective cell, its changing areas (movies' and users' factors), ratings (n, m) with NaN."""

    objective: Cell
    changing: tuple[Area, ...]
    start: Floats
    ratings: Floats

    @classmethod
    def of(cls, path: Path) -> Model:
        """Read it from a workbook of the lesson."""
        book = es.open(path)
        setup = book.setups[CROSSTAB]
        assert setup.objective is not None
        start = np.concatenate([book.numbers(area).ravel() for area in setup.changing])
        return cls(setup.objective, tuple(setup.changing), start, book.numbers(book.area("ratings", CROSSTAB)))

    @property
    def cells(self) -> list[tuple[int, int]]:
        """(row, column) of every changing cell, from 1, in the order of `start`."""
        return [
            (row, column)
            for area in self.changing
            for row in range(area.top, area.bottom + 1)
            for column in range(area.left, area.right + 1)
        ]


@dataclass(frozen=True, slots=True)
class Box:
    """A model of a few cells between two bounds: its objective cell, its changing cells (row, column) from 1."""

    objective: Cell
    cells: list[tuple[int, int]]
    start: Floats
    low: float
    high: float


def _bounds(model: Box, variables: tuple[object, ...]) -> Iterator[object]:
    """Yield LibreOffice's constraints that keep the changing cells between the bounds."""
    uno = import_uno()
    operators = "com.sun.star.sheet.SolverConstraintOperator"
    for variable in variables:
        for operator, bound in (("GREATER_EQUAL", model.low), ("LESS_EQUAL", model.high)):
            constraint = uno.createUnoStruct("com.sun.star.sheet.SolverConstraint")
            constraint.Left, constraint.Right = variable, bound
            constraint.Operator = uno.Enum(operators, operator)
            yield constraint


@contextmanager
def recalculated(path: Path, model: Model | Box) -> Iterator[Callable[[Floats], float]]:
    """Yield the objective as a function of the changing cells, its cone recalculated by formulon."""
    try:
        from formulon import Workbook as Engine
    except ImportError as error:
        raise NotHereError("pip install formulon") from error
    cells = [(row - 1, column - 1) for row, column in model.cells]
    row, column = model.objective.row - 1, model.objective.column - 1
    with Engine.load(path.read_bytes()) as book:
        there = np.full(len(cells), np.nan)

        def objective(x: Floats) -> float:
            for place in np.flatnonzero(x != there):  # finite differences change one cell at a time
                book.set_number(0, *cells[place], float(x[place]))
            there[:] = x
            book.partial_recalc(0, row, row, column, column)
            return float(book.get_value(0, row, column).to_python())

        book.recalc()
        yield objective


def evolution(path: Path, model: Box, seed: int, seconds: float) -> Found:
    """Let scipy's differential evolution run around formulon's recalculation of the objective's cone."""
    with recalculated(path, model) as value:
        began = time.perf_counter()
        found = optimize.differential_evolution(
            value, [(model.low, model.high)] * len(model.cells), x0=model.start, rng=seed,
            callback=lambda intermediate_result: time.perf_counter() - began > seconds,
        )  # fmt: skip
        return Found(time.perf_counter() - began, float(found.fun), f"{found.nfev:,} evaluations")


def alone(path: Path, target: Path) -> Path:
    """Write a copy of the lesson's workbook that holds the cross-tab alone."""
    book = openpyxl.load_workbook(path)
    for name in book.sheetnames:
        if name != CROSSTAB:
            del book[name]
    book.save(target)
    return target


def by_hand(model: Model) -> Callable[[Floats], tuple[float, Floats]]:
    """Return RMSE and gradient as somebody writes them in NumPy who knows the model: the floor."""
    return rmse_by_hand(model.ratings, *(area.shape for area in model.changing))


def formulon(path: Path, model: Model) -> Found:
    """Let scipy take finite differences around formulon's recalculation of the objective's cone."""
    with recalculated(path, model) as rmse:
        began = time.perf_counter()
        found = optimize.minimize(rmse, model.start, method="L-BFGS-B", options=OPTIONS)
        return Found(time.perf_counter() - began, float(found.fun), f"{found.nfev:,} evaluations")


def gnumeric(path: Path, model: Model, folder: Path) -> Found:
    """Let Gnumeric's nonlinear solver run through `ssconvert --solve`.

    It takes one range of changing cells only, so that the factors refer to one column that is added for them, and it
    reads its model from Gnumeric's own format only.
    """
    program = shutil.which("ssconvert")
    if program is None:
        raise NotHereError("Gnumeric is not installed")
    book = openpyxl.load_workbook(path)
    sheet = book[CROSSTAB]
    added = sheet.max_column + 2
    for place, (row, column) in enumerate(model.cells, 1):
        cell = sheet.cell(row, column)
        sheet.cell(place, added).value = cell.value
        cell.value = f"={sheet.cell(place, added).coordinate}"
    inputs = f"{sheet.cell(1, added).coordinate}:{sheet.cell(len(model.cells), added).coordinate}"
    one_column, source, target = folder / "column.xlsx", folder / "model.gnumeric", folder / "solved.xlsx"
    book.save(one_column)
    run([program, one_column, source])
    text = gzip.decompress(source.read_bytes()).decode("utf-8")
    objective = sheet.cell(model.objective.row, model.objective.column).coordinate
    setup = (
        f'<gnm:Solver ModelType="2" ProblemType="0" Target="{objective}" Inputs="{inputs}" MaxTime="{SECONDS:.0f}" '
        'MaxIter="100000" NonNeg="0" Discr="0" AutoScale="0" ProgramR="0" SensitivityR="0"/>'
    )
    text, count = re.subn(r"<gnm:Solver [^>]*/>", setup, text)
    if count != 1:
        raise NotHereError("this version of Gnumeric keeps its solver's model differently")
    source.write_bytes(gzip.compress(text.encode("utf-8")))
    try:
        done = run([program, "--solve", source, target], limit=SECONDS)
    except TimeoutError as error:
        raise NotHereError(str(error)) from error
    result = model.objective
    solved = es.open(target).numbers(Area(CROSSTAB, result.row, result.column, result.row, result.column))
    return Found(done.seconds, float(solved[0, 0]), "file to file")


def libreoffice(
    path: Path, model: Model | Box, solver: str, folder: Path, seconds: float = SECONDS, sheet: str = CROSSTAB
) -> Found:
    """Let one of LibreOffice's solvers run with its own settings, from the start of LibreOffice to the result."""
    # In a new folder: an office that is ended leaves its lock beside the file, and the next one then opens nothing.
    book = Path(shutil.copy(path, tempfile.mkdtemp(dir=folder)))
    began = time.perf_counter()
    try:
        office = Office.start(headless=True)
    except EmbedsheetError as error:
        raise NotHereError(str(error).splitlines()[0]) from error
    stop = threading.Timer(seconds, office.kill)
    stop.start()
    try:
        engine = office.service(solver)
        if engine is None:
            raise NotHereError("LibreOffice has no such solver here; Debian and Ubuntu: libreoffice-nlpsolver")
        document = office.desktop.loadComponentFromURL(book.as_uri(), "_blank", 0, properties(Hidden=True))
        page = document.Sheets.getByName(sheet)
        address = import_uno().getClass("com.sun.star.table.CellAddress")
        engine.Document = document
        engine.Objective = address(0, model.objective.column - 1, model.objective.row - 1)
        engine.Variables = tuple(address(0, column - 1, row - 1) for row, column in model.cells)
        engine.Maximize = False
        if isinstance(model, Box):
            engine.Constraints = tuple(_bounds(model, engine.Variables))
        if solver in LIBREOFFICE.values():
            engine.setPropertyValue("EnhancedSolverStatus", False)  # a window
        engine.solve()
        cell = page.getCellByPosition(model.objective.column - 1, model.objective.row - 1)
        for variable, value in zip(engine.Variables, engine.Solution, strict=True):
            page.getCellByPosition(variable.Column, variable.Row).Value = value
        return Found(time.perf_counter() - began, float(cell.Value), "file to result")
    except NotHereError:
        raise
    except Exception as error:  # the bridge's exceptions share no other base
        if time.perf_counter() - began >= seconds:
            raise NotHereError(f"not done after {seconds:g} s") from error
        raise
    finally:
        stop.cancel()
        office.close()

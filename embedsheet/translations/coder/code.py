"""A workbook's formulas as a module of Python: `code("films.xlsx", "Cross-tab").text`."""

from __future__ import annotations

import ast
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from embedsheet.book.setups import SolverSetup
from embedsheet.compiler.forms import rectangles
from embedsheet.ground.errors import DataError, ModelError, did_you_mean
from embedsheet.ground.files import replace_file
from embedsheet.ground.notation.addresses import Area
from embedsheet.solvers.model import Specification, choose_setup
from embedsheet.translations.coder.formatting import formatted
from embedsheet.translations.coder.keras_module import keras_module
from embedsheet.translations.coder.model import Written, written
from embedsheet.translations.coder.module import module
from embedsheet.translations.coder.spelling import JAX, NUMPY
from embedsheet.translations.coder.torch_module import torch_module
from embedsheet.translations.coder.variables import Variable
from embedsheet.workbook import Workbook

Target = Literal["numpy", "jax", "keras", "torch"]
# Values of names that have got them before.
_AGAIN = ("found[", "np.asarray(found[", "np.asarray(weights.", "ops.convert_to_tensor(self.")
TARGETS: tuple[str, ...] = get_args(Target)


@dataclass(frozen=True)
class Block:
    """A statement of the code: `names` are the arrays it makes, `areas` their cells, `lines` (first, last) from 1.

    `constants` are the functions whose values were taken from the workbook.
    """

    names: tuple[str, ...]
    cells: str
    formula: str
    areas: tuple[Area, ...]
    lines: tuple[int, int]
    role: str = "block"
    constants: tuple[str, ...] = ()


@dataclass(frozen=True)
class Code:
    """A module's text; `blocks` in the order of the text; `arrays` lie in an .npz beside it.

    `distinct` counts the workbook's blocks of like formulas; `notes` are what the user should know. `cells` has the
    sheet, rows and columns of each array's numbers, flat; `start` are the weights as the workbook has them.
    """

    text: str
    blocks: tuple[Block, ...]
    arrays: dict[str, NDArray[Any]] = field(repr=False)
    distinct: int = 0
    cells: dict[str, tuple[str, list[int], list[int]]] = field(default_factory=dict, repr=False)
    start: tuple[NDArray[np.float64], ...] = field(default=(), repr=False)
    notes: tuple[str, ...] = ()

    @property
    def statements(self) -> int:
        """How many statements stand for formulas."""
        return sum(block.role == "block" for block in self.blocks)

    def save(self, path: str | Path, *, force: bool = False) -> list[Path]:
        """Write the module, and the arrays beside it where there are any; return the files written.

        Raises DataError where a file is there already, unless `force`.
        """
        target = Path(path)
        files = [target, target.with_suffix(".npz")] if self.arrays else [target]
        for file in files:
            if file.exists() and not force:
                raise DataError(f"{file}: is there already; choose another name, or replace it with --force.")
        replace_file(target, self.text.encode())
        if self.arrays:
            arrays = io.BytesIO()
            np.savez_compressed(arrays, allow_pickle=False, **self.arrays)
            replace_file(files[1], arrays.getvalue())
        return files


def code(
    book: str | Path | Workbook,
    sheet: str | None = None,
    *,
    to: str = "numpy",
    objective: str | None = None,
    changing: Sequence[str] = (),
    overwrite_formulas: bool = False,
) -> Code:
    """Return the formulas of a sheet, and what they need, as a module of Python; of the whole workbook by default.

    `to`: "numpy", "jax", "keras" or "torch". The weights are the changing cells of the sheet's Solver set-up, or
    `changing`; without either the module computes the formulas. Raises UnsupportedError with all formulas that
    cannot be written and depend on the weights.
    """
    return codes(
        book, sheet, (to,), objective=objective, changing=changing, overwrite_formulas=overwrite_formulas
    )[to]  # fmt: skip


def codes(
    book: str | Path | Workbook,
    sheet: str | None = None,
    to: Sequence[str] = TARGETS,
    *,
    objective: str | None = None,
    changing: Sequence[str] = (),
    overwrite_formulas: bool = False,
) -> dict[str, Code]:
    """Return what `code` returns in several languages, for which the formulas are read once."""
    for target in to:
        if target not in TARGETS:
            guess = did_you_mean(target, {one: one for one in TARGETS}) or f"; there are {', '.join(TARGETS)}."
            raise ModelError(f"{target!r} is no language to write code in{guess}")
    workbook = book if isinstance(book, Workbook) else Workbook.open(book)
    if sheet is not None:
        sheet = workbook.sheet(sheet).name
    model = written(workbook, sheet, _setup(workbook, sheet, objective, changing), overwrite_formulas)
    notes = [*model.notes]
    if not model.weights and len(workbook.setups) > 1 and sheet is None:
        sheets_with = ", ".join(workbook.setups)
        notes.append(f"Without weights: there are Solver set-ups on {sheets_with}; choose one with --sheet.")
    return {target: _code(model, sheet, target, notes) for target in to}


def _code(model: Written, sheet: str | None, to: str, notes: Sequence[str]) -> Code:
    writers = {
        "numpy": lambda: module(model, NUMPY, sheet),
        "jax": lambda: module(model, JAX, sheet),
        "keras": lambda: keras_module(model, sheet),
        "torch": lambda: torch_module(model, sheet),
    }
    parts = writers[to]()
    text = formatted(parts.text)
    sheets = model.store.table.sheet_names
    cells = {
        one.name: (sheets[one.sheet], one.rows.ravel().tolist(), one.columns.ravel().tolist())
        for one in model.memory.variables
    }
    start = tuple(variable.value for variable in model.weights)
    return Code(text, _blocks(model, text), parts.arrays, model.distinct, cells, start, tuple(notes))


def _setup(workbook: Workbook, sheet: str | None, objective: str | None, changing: Sequence[str]) -> SolverSetup | None:
    if objective or changing:
        return choose_setup(workbook, sheet, Specification.differentiated(objective, changing))
    own = workbook.setups.get(sheet) if sheet is not None else None
    if sheet is None and len(workbook.setups) == 1:
        own = next(iter(workbook.setups.values()))
    return own if own is not None and not own.is_leftover else None


def _blocks(model: Written, text: str) -> tuple[Block, ...]:
    lines = _lines(text)
    found = []
    sheets = model.store.table.sheet_names
    for role, variables in (("input", model.inputs), ("weight", model.weights)):
        for variable in variables:
            if variable.name in lines:
                found.append(
                    Block((variable.name,), "", "", tuple(_areas(sheets, variable)), lines[variable.name], role)
                )
    for statement in model.statements:
        names = tuple(variable.name for variable in statement.variables)
        spans = [lines[name] for name in names if name in lines]
        span = (min(one for one, _ in spans), max(last for _, last in spans)) if spans else (0, 0)
        areas = tuple(area for variable in statement.variables for area in _areas(sheets, variable))
        found.append(Block(names, statement.cells, statement.formula, areas, span, "block", tuple(statement.constants)))
    return tuple(sorted(found, key=lambda block: block.lines))


def _areas(sheets: Sequence[str], variable: Variable) -> list[Area]:
    """Return an array's cells as rectangles."""
    return [Area(sheets[variable.sheet], *one) for one in rectangles(variable.rows.ravel(), variable.columns.ravel())]


def _lines(text: str) -> dict[str, tuple[int, int]]:
    """Return the lines, from 1, on which each name gets its value."""
    found: dict[str, tuple[int, int]] = {}
    tree = ast.parse(text)
    bodies: list[Sequence[ast.stmt]] = [tree.body]
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    inner = [node for one in classes for node in one.body]
    bodies += [node.body for node in (*tree.body, *inner) if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
    for body in bodies:
        for node in body:
            targets: list[ast.expr] = []
            if isinstance(node, ast.Assign):
                targets = node.targets
            elif isinstance(node, ast.AnnAssign):
                targets = [node.target]
            for target in targets:
                for name in target.elts if isinstance(target, ast.Tuple) else [target]:
                    value = ast.unparse(getattr(node, "value", None) or name)
                    again = value == "weights" or value.startswith(_AGAIN)
                    if isinstance(name, ast.Name) and not again:
                        own = name.id.removesuffix("_steps")
                        found[own] = (found.get(own, (node.lineno, 0))[0], node.end_lineno or node.lineno)
    return found

"""The proof that a sheet's recommender and Keras' are the same model: equal weights give equal numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from embedsheet.book.book import Book
from embedsheet.book.setups import SolverSetup
from embedsheet.ground.errors import ModelError, TrainingError
from embedsheet.ground.notation.addresses import Cell
from embedsheet.mirrors.full_size.engine import load_keras
from embedsheet.mirrors.recommender.blocks import Floats, SheetModel
from embedsheet.mirrors.recommender.keras_net import (
    build,
    loss_and_gradient,
    precision,
    predictions,
    rmse,
    weights_of,
)

if TYPE_CHECKING:
    from embedsheet.compiler.program import Program

# Relative to the largest number compared, or 1: what rounding leaves in each precision. A path of many steps
# accumulates it.
TOLERANCES = {
    "float32": {"predictions": 1e-5, "RMSE": 1e-5, "gradient": 1e-5, "path": 1e-4},
    "float64": {"predictions": 1e-12, "RMSE": 1e-12, "gradient": 1e-12, "path": 1e-10},
}


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison of sheet and Keras: the two numbers where they differ most, their difference, what is allowed."""

    what: str
    sheet: float
    keras: float
    difference: float
    tolerance: float

    @property
    def agrees(self) -> bool:
        """Whether the difference is no more than rounding."""
        return self.difference <= self.tolerance


def compare(
    workbook: Book, model: SheetModel, dtype: str = "float32", steps: int = 10, learning_rate: float = 0.1
) -> list[Check]:
    """Compare the sheet with Keras at equal weights, and along `steps` of gradient descent from them.

    Predictions and RMSE are the values stored in the file, gradient and path those of the sheet's compiled formulas.
    Raises ModelError when the sheet has no RMSE cell to compare with.
    """
    program = compile_sheet(workbook, model)
    allowed = TOLERANCES[dtype]
    checks = []

    def check(what: str, kind: str, sheet: Floats, keras: Floats) -> None:
        apart = np.abs(sheet - keras)
        worst = int(np.argmax(np.where(np.isnan(apart), np.inf, apart)))
        scale = max(1.0, float(np.abs(sheet).max()))
        checks.append(Check(what, float(sheet[worst]), float(keras[worst]), float(apart[worst]), allowed[kind] * scale))

    with precision(dtype):
        built = build(model)
        if model.predictions is not None:
            check(f"{len(model.rating):,} predictions", "predictions", model.predictions, predictions(built, model))
        stored = program.value(program.start) if model.rmse is None else model.rmse
        loss, gradient = loss_and_gradient(built, model)
        check("RMSE", "RMSE", np.array([stored]), np.array([loss]))
        _, slope = program.value_and_gradient(program.start)
        check(f"gradient, {len(slope):,} parts", "gradient", slope, flat(model, gradient))
        reached = _descend(program, steps, learning_rate)
        keras = load_keras()
        built.compile(keras.optimizers.SGD(learning_rate), loss=rmse)
        built.fit(
            [model.user, model.movie], model.rating[:, None], batch_size=len(model.rating), epochs=steps, shuffle=False,
            verbose=0,
        )  # fmt: skip
        after = flat(model, weights_of(built, model))
        check(f"weights after {steps} steps", "path", reached, after)
    return checks


def compile_sheet(workbook: Book, model: SheetModel) -> Program:
    """Compile the sheet's formulas from the blocks that Keras has as weights to the RMSE cell, checking its values."""
    from embedsheet.compiler.program import compile_program
    from embedsheet.solvers.load import verify

    if "rmse" not in model.blocks:
        raise ModelError(f"{model.sheet}: no cell is named rmse; say with --rmse where the error is computed.")
    area = model.blocks["rmse"]
    setup = SolverSetup(
        model.sheet, Cell(area.sheet, area.top, area.left), tuple(model.blocks[name] for name in model.weights)
    )
    program = compile_program(workbook, setup)
    verify(program, trust_embedsheet=False)
    return program


def flat(model: SheetModel, tables: dict[str, Floats]) -> Floats:
    """Return Keras' tables as the cells that `compile_sheet` makes changing, in their order, (cells,)."""
    return np.concatenate([model.in_sheet(name, tables[name]).ravel() for name in model.weights])


def _descend(program: Program, steps: int, learning_rate: float) -> Floats:
    from embedsheet.solvers.problem import Limits, Problem
    from embedsheet.solvers.search import search

    free = np.full(len(program.start), np.inf)
    problem = Problem(objective=program, lower=-free, upper=free)
    limits = Limits(max_iterations=steps, tolerance=0.0, learning_rate=learning_rate)
    outcome = search(problem, method="gradient-descent", limits=limits)
    if outcome.iterations != steps:
        raise TrainingError(
            f"Gradient descent with learning rate {learning_rate:g} went uphill after {outcome.iterations} steps; "
            "choose a smaller --learning-rate."
        )
    return np.asarray(outcome.x)

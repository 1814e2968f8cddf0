"""The reports that are asked for, of a solved model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from embedsheet.ground.notation.addresses import Cell
from embedsheet.solvers.reports.answer import answer
from embedsheet.solvers.reports.feasibility import feasibility
from embedsheet.solvers.reports.inputs import inputs
from embedsheet.solvers.reports.limits import limits
from embedsheet.solvers.reports.linearity import linearity
from embedsheet.solvers.reports.point import Found
from embedsheet.solvers.reports.population import population
from embedsheet.solvers.reports.sensitivity import sensitivity
from embedsheet.solvers.reports.tables import Kind, Report

if TYPE_CHECKING:
    from embedsheet.solvers.load import Model
    from embedsheet.solvers.problem import Problem
    from embedsheet.solvers.solution import Solution

FEASIBILITY: Kind = "feasibility"


def found_of(model: Model, solution: Solution) -> Found:
    """Return a solution as the reports read it."""
    return Found(
        program=model.program,
        workbook=model.workbook,
        objective_name=model.objective_name,
        x=solution.x,
        status=solution.status,
        message=solution.message,
        before=solution.objective_before,
        after=solution.objective_after,
        method=solution.method,
    )


def make_reports(
    model: Model, problem: Problem, solution: Solution, kinds: Sequence[Kind], moving: Sequence[Cell] = ()
) -> list[Report]:
    """Return the reports; where the model has no solution, the Feasibility Report comes with whatever was asked for."""
    found = found_of(model, solution)
    wanted = list(dict.fromkeys(kinds))
    if wanted and solution.status == "infeasible" and FEASIBILITY not in wanted:
        wanted.append(FEASIBILITY)
    return [
        population(found, solution.population) if kind == "population" else _one(kind, found, problem, moving)
        for kind in wanted
    ]


def _one(kind: Kind, found: Found, problem: Problem, moving: Sequence[Cell]) -> Report:
    if kind == "feasibility":
        return feasibility(found, problem)
    if kind == "inputs":
        return inputs(found, moving)
    return {"answer": answer, "sensitivity": sensitivity, "limits": limits, "linearity": linearity}[kind](found)

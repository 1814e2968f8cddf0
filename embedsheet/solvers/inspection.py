"""What a workbook holds, and what the solver would do with its models."""

from __future__ import annotations

from typing import Any

from embedsheet.book.setups import SolverSetup
from embedsheet.compiler.program import compile_program
from embedsheet.compiler.recalculation import recalculate
from embedsheet.ground.errors import EmbedsheetError
from embedsheet.solvers.model import describe
from embedsheet.workbook import Workbook

_MOST_SHOWN = 10


def inspect_book(workbook: Workbook) -> dict[str, Any]:
    """Return sheets, Solver set-ups, functions, unsupported formulas and the check of the stored results."""
    done = recalculate(workbook)
    check = done.verification
    models = {name: _model(workbook, setup) for name, setup in workbook.setups.items()}
    sheets = [
        {
            "name": sheet.name,
            "cells": len(sheet.rows),
            "formulas": len(sheet.formula_cells),
            "arrays": len(sheet.arrays),
            "data_tables": [str(area) for area in sheet.data_tables],
        }
        for sheet in workbook.sheets.values()
    ]
    return {
        "path": str(workbook.path),
        "sheets": sheets,
        "setups": {name: describe(setup) for name, setup in workbook.setups.items()},
        "methods": {name: method for name, (method, _) in models.items()},
        "bends": {name: bends for name, (_, bends) in models.items()},
        "setup_notes": [note for setup in workbook.setups.values() for note in setup.notes],
        "setup_faults": workbook.setup_faults,
        "external_links": workbook.external_links,
        "functions": dict(sorted(done.functions.items(), key=lambda item: (-item[1], item[0]))),
        "not_supported": done.faults,
        "formulas": done.formulas,
        "check": {
            "compared": check.compared,
            "differing": check.mismatch_count,
            "largest_difference": check.largest_difference,
            "largest_at": None if check.largest_at is None else str(check.largest_at),
            "never_calculated": check.never_calculated,
            "examples": [str(mismatch) for mismatch in check.mismatches[:_MOST_SHOWN]],
        },
    }


def _model(workbook: Workbook, setup: SolverSetup) -> tuple[str, list[dict[str, Any]]]:
    """Say what `--method auto` would do with a set-up, or why not, and which cells keep it from being linear."""
    # A workbook without a model needs none of the solver.
    from embedsheet.solvers.plan import plan
    from embedsheet.solvers.reports.linearity import bends
    from embedsheet.solvers.solve import problem_of

    if setup.is_leftover:
        return "nothing to solve", []
    try:
        program = compile_program(workbook, setup)
        if program.impossible:
            return f"infeasible: {program.impossible[0]}", []
        program.value_and_gradient(program.start)
        return str(plan(problem_of(program, setup))), bends(program).as_dict()["rows"]
    except EmbedsheetError as error:
        return f"cannot be solved: {str(error).splitlines()[0]}", []

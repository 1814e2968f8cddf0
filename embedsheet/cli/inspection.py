"""What `embedsheet inspect` finds out about a workbook."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from embedsheet.cli.progress import say

if TYPE_CHECKING:
    from embedsheet.book.setups import SolverSetup
    from embedsheet.workbook import Workbook

_MOST_SHOWN = 10


def inspect_book(path: Path) -> dict[str, Any]:
    """Return sheets, Solver set-ups, functions, unsupported formulas and the check of the stored results."""
    from embedsheet.compiler.program import recalculate
    from embedsheet.solvers.model import describe
    from embedsheet.workbook import Workbook

    workbook = Workbook.open(path)
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
    from embedsheet.compiler.program import compile_program
    from embedsheet.ground.errors import EmbedsheetError
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


def tell_inspection(found: dict[str, Any]) -> None:
    """Print what `inspect_book` found."""
    for sheet in found["sheets"]:
        arrays = f", {sheet['arrays']} array formulas" if sheet["arrays"] else ""
        say(f"{sheet['name']}: {sheet['cells']:,} cells, {sheet['formulas']:,} formulas{arrays}")
        for area in sheet["data_tables"]:
            say(f"  data table {area}: its results are kept as stored")
    say("")
    for name, words in found["setups"].items():
        say(f"Solver set-up on {name}: {words}", "cyan")
        say(f"  {found['methods'][name]}")
    for note in found["setup_notes"]:
        say(f"Note: {note}", "yellow")
    for name, fault in found["setup_faults"].items():
        say(f"Solver set-up on {name} cannot be read: {fault}", "red")
    if not found["setups"] and not found["setup_faults"]:
        say("No Solver set-up; name a model with embedsheet solve BOOK --sheet … --objective … --changing …")
    if found["external_links"]:
        say("The workbook refers to other workbooks; their values are kept as stored.", "yellow")
    if found["functions"]:
        say("Functions: " + ", ".join(f"{name} ({count:,})" for name, count in found["functions"].items()))
    for fault in found["not_supported"]:
        say(f"Not supported: {fault}", "red")
    check = found["check"]
    if not found["formulas"]:
        say("There are no formulas.")
    elif check["never_calculated"]:
        say("No spreadsheet program has calculated this file: it stores no results to compare with.", "yellow")
    elif not check["differing"]:
        say(f"All {check['compared']:,} stored results are what embedsheet computes{_largest(check)}.", "green")
    else:
        say(f"{check['differing']:,} of {check['compared']:,} stored results differ{_largest(check)}:", "red")
        for example in check["examples"]:
            say(f"  {example}")
        if check["differing"] > len(check["examples"]):
            say(f"  and {check['differing'] - len(check['examples']):,} more")


def _largest(check: dict[str, Any]) -> str:
    if not check["largest_at"]:
        return ""
    return f" (largest difference {check['largest_difference']:.1e} at {check['largest_at']})"

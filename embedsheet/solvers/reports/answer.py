"""The Answer Report: objective, changing cells and constraints, before and after."""

from __future__ import annotations

from embedsheet.solvers.reports.point import Found
from embedsheet.solvers.reports.tables import Entry, Report, Table, clean


def answer(found: Found) -> Report:
    """Return what Excel's Answer Report says, in the columns of printed ones (`tests/test_reports_printed.py`)."""
    program = found.program
    tables = []
    if program.setup.objective is not None:
        row: tuple[Entry, ...] = (*found.named(program.setup.objective), found.before, found.after)
        title = f"Objective Cell ({found.sense_word})"
        if found.sense == "target":
            title = f"Objective Cell (Value Of {program.setup.target:.15g})"
        tables.append(Table(title, ("Cell", "Name", "Original Value", "Final Value"), [row]))
    cells = zip(program.changing_cells, program.stored, found.x, found.kinds, strict=True)
    tables.append(
        Table(
            "Variable Cells",
            ("Cell", "Name", "Original Value", "Final Value", "Integer"),
            [(*found.named(cell), float(before), float(after), kind) for cell, before, after, kind in cells],
        )
    )
    rows: list[tuple[Entry, ...]] = []
    for line in found.lines:
        slack = clean(line.slack, max(1.0, abs(line.right)) * 1e3)
        rows.append((line.address, line.name, line.left, line.formula, line.status, slack))
    rows += whole_rows(found)
    tables.append(Table("Constraints", ("Cell", "Name", "Cell Value", "Formula", "Status", "Slack"), rows))
    notes = []
    if found.program.setup.nonnegative:
        notes.append("Changing cells without a lower bound of their own are not negative (an option of the set-up).")
    return Report("answer", (("Result", found.message), ("Method", found.method)), tables, notes)


def whole_rows(found: Found) -> list[tuple[Entry, ...]]:
    """Return the constraints on whole numbers as Excel lists them: "$B$3:$B$5=Integer"."""
    words = {"integer": "Integer", "binary": "Binary", "all different": "AllDifferent"}
    rows: list[tuple[Entry, ...]] = []
    for constraint in found.program.setup.constraints:
        if constraint.relation in words:
            area = constraint.left
            address = area.local(absolute=True) if area.sheet == found.home else area.absolute()
            rows.append((address, "", None, f"{address}={words[constraint.relation]}", "", None))
    return rows

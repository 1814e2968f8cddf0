"""Plan a workshop's week and ask what the plan hangs on: reports on a linear model.

python examples/workshop.py [FOLDER]
"""

from __future__ import annotations

import sys
from pathlib import Path

import xlsxwriter

import embedsheet as es

PRODUCTS = {"Chairs": (45, 5, 10), "Tables": (80, 20, 15), "Shelves": (30, 8, 6)}  # profit, wood, hours of one
LIMITS = {"Wood": 400, "Hours": 450}


def make(path: Path) -> None:
    """Write the plan, with a model that Data ► Solver opens filled in."""
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Plan")
        sheet.set_column(0, 0, 18)
        sheet.write_row("A1", ["Workshop", *PRODUCTS, "Total", "Available"])
        sheet.write_row("A2", ["Made a week", 0, 0, 0])
        for row, name in enumerate(["Profit of one", *LIMITS]):
            sheet.write_row(2 + row, 0, [name, *(numbers[row] for numbers in PRODUCTS.values())])
            sheet.write_formula(2 + row, 4, f"=SUMPRODUCT($B$2:$D$2,B{row + 3}:D{row + 3})")
        sheet.write_column("F4", list(LIMITS.values()))
    es.solve(
        path, objective="Plan!E3", changing=["Plan!B2:D2"], sense="maximize", constraints=["Plan!E4:E5 <= Plan!F4:F5"],
        nonnegative=True, save_setup=True,
    )  # fmt: skip


if __name__ == "__main__":
    path = Path(sys.argv[1] if len(sys.argv) > 1 else ".") / "workshop.xlsx"
    make(path)
    solution = es.solve(path, reports=["sensitivity", "inputs"], dry_run=True)
    for report in solution.reports:
        for table in report.tables:
            print(f"{report.title}, {table.title}:")
            for row in table.rows:
                print("  ", *row)

"""Fit a growth curve in a workbook of your own: any formulas, no Solver model needed beforehand.

python examples/solve_a_workbook.py [FOLDER]
"""

from __future__ import annotations

import sys
from pathlib import Path

import xlsxwriter

import embedsheet as es

DAYS = (0, 1, 2, 3, 4, 5, 6)
HEIGHT = (1.0, 1.9, 3.4, 5.3, 7.1, 8.4, 9.2)


def make(path: Path) -> None:
    """Write days, heights, and the logistic curve limit / (1 + EXP(−rate (day − middle)))."""
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Growth")
        sheet.write_row("A1", ["limit", "rate", "middle", "squared error"])
        sheet.write_row("A2", [8.0, 1.0, 2.0])
        sheet.write_row("A4", ["day", "height", "curve"])
        for row, (day, height) in enumerate(zip(DAYS, HEIGHT, strict=True), start=5):
            sheet.write_row(f"A{row}", [day, height])
            sheet.write_formula(f"C{row}", f"=$A$2/(1+EXP(-$B$2*(A{row}-$C$2)))")
        sheet.write_formula("D2", "=SUMXMY2(B5:B11,C5:C11)")


if __name__ == "__main__":
    path = Path(sys.argv[1] if len(sys.argv) > 1 else ".") / "growth.xlsx"
    make(path)
    solution = es.solve(
        path, objective="Growth!D2", changing=["Growth!A2:C2"], constraints=["Growth!A2 <= 12"], nonnegative=True,
        save_setup=True,
    )  # fmt: skip
    print(f"squared error {solution.objective_before:.4f} → {solution.objective_after:.4f}")
    print(f"{path} holds limit, rate and middle, and a model that Data ► Solver opens filled in")

"""A class of two: workbooks with numbers of their own, one filled in by copying the right formulas, both graded.

python examples/homework_of_a_class.py [FOLDER]
"""

from __future__ import annotations

import sys
from pathlib import Path

import openpyxl

import embedsheet as es

SOLUTION = {"C2": "=A2*B2", "C3": "=A3*B3", "C4": "=A4*B4", "C5": "=SUM(C2:C4)"}

if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    # The teacher's finished workbook: what varies from student to student, and what is asked.
    solution = openpyxl.Workbook()
    sheet = solution.active
    for row in (["Pieces", "Price", "Worth"], [12, 2.5], [7, 4.25], [30, 1.75], ["In all"]):
        sheet.append(row)
    for cell, formula in SOLUTION.items():
        sheet[cell] = formula
    solution.save(folder / "shop.xlsx")
    drafted = es.draft_homework(folder / "shop.xlsx", folder / "shop", asked=["C2:C4", "C5"], varies=["A2:B4"],
                                force=True)  # fmt: skip
    print(f"{drafted.tasks} tasks; to mend: {es.check_homework(drafted.folder).faults or 'nothing'}")

    people = [("007", "Ada Lovelace"), ("008", "Émile Zola")]
    handed_out = es.make_homework(drafted.folder, people, folder / "handed-in", force=True)
    of_ada = handed_out.written[0]
    hers = openpyxl.load_workbook(of_ada)
    for cell, formula in SOLUTION.items():
        hers[sheet.title][cell] = formula
    hers.save(of_ada)

    for grade in es.grade(folder / "handed-in", handed_out.key).grades:
        print(f"{grade.name}: {grade.points:g} points")
        for task in grade.tasks:
            print(f"  {task.block:22} {task.verdict:8} {task.points:g} of {task.of:g}")

"""A class of two: workbooks with numbers of their own, one filled in by copying the right formulas, both graded.

python examples/homework_of_a_class.py [FOLDER]
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import openpyxl

from embedsheet.homework.assignment import find, parse
from embedsheet.homework.generate import SHEET, make_class
from embedsheet.homework.grade import grade_file
from embedsheet.homework.key import Key
from embedsheet.homework.roster import Student

if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".") / "homework"
    key = Key.new(find("embeddings"))
    key.students += [Student("007", "Ada Lovelace"), Student("008", "Émile Zola")]
    (of_ada, of_emile), _ = make_class(key, key.students, folder, force=True)

    # What Ada would do by hand. (In real life nobody but the teacher has the key.)
    assignment = parse(key.assignment)
    hers = openpyxl.load_workbook(of_ada)
    for block in assignment.sketch(key.generator("007")).blocks.values():
        for row, column in np.ndindex(block.area.shape):
            cell = hers[SHEET].cell(block.area.top + row, block.area.left + column)
            if block.formula is not None and cell.value is None:
                cell.value = "=" + block.formula_at(row, column)
    hers.save(of_ada)

    for path in (of_ada, of_emile):
        grade = grade_file(key, path)
        print(f"{grade.name}: {grade.points:g} of {assignment.points:g} points")
        for task in grade.tasks:
            print(f"  {task.block:22} {task.verdict:6} {task.points:g} of {task.of:g}")

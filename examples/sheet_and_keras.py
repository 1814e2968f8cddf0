"""One model, twice: the sheet's formulas and Keras, at the same weights.

python examples/sheet_and_keras.py [FOLDER]
"""

from __future__ import annotations

import sys
from pathlib import Path

from embedsheet.lessons import find
from embedsheet.mirrors.recommender.blocks import read_model
from embedsheet.mirrors.recommender.comparison import compare
from embedsheet.workbook import Workbook

if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    book = Workbook.open(
        find("movielens").load().build(folder / "films.xlsx", users=6, movies=6, factors=2, force=True)
    )
    for check in compare(book, read_model(book, "One rating a row"), "float64"):
        print(f"{check.what:24} sheet {check.sheet:+.6f}  Keras {check.keras:+.6f}  difference {check.difference:.1e}")

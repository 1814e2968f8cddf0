"""One model, twice: the sheet's formulas and Keras, at the same weights.

python examples/sheet_and_keras.py [FOLDER]
"""

from __future__ import annotations

import sys
from pathlib import Path

import embedsheet as es

if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    path = es.new("movielens", folder / "films.xlsx", users=6, movies=6, factors=2, force=True)
    found = es.compare(path, "One rating a row", float64=True)
    for line in found.lines:
        what, sheet, keras, difference, _ = line.cells
        print(f"{what:24} sheet {sheet}  Keras {keras}  difference {difference}")
    print(found.verdict)

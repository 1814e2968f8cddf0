"""The exact gradient of a sheet's formulas, beside finite differences.

python examples/gradient_of_a_sheet.py [FOLDER]
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import embedsheet as es

if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    book = es.new("movielens", folder / "films.xlsx", users=6, movies=6, factors=2, force=True)
    slope = es.gradient(book, "Cross-tab")
    program = slope.model.program
    x = program.start
    print(f"RMSE {slope.value:.6f} as a function of {len(x)} cells; {program.verification.compared} formulas checked")
    gradient = np.concatenate([block.ravel() for block in slope.blocks.values()])
    for cell in range(3):
        step = np.zeros_like(x)
        step[cell] = 1e-6
        difference = (program.value(x + step) - program.value(x - step)) / 2e-6
        print(f"cell {cell}: exact {gradient[cell]:+.9f}, by differences {difference:+.9f}")

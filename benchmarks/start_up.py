"""Small and odd models in a fresh process, the start of Python included.

    python -m benchmarks.start_up

What counts is processor time, the least of three runs. Beside the small solve stands its floor: the same file read and
written by embedsheet, its model, known beforehand, minimised by hand-written NumPy and SciPy's L-BFGS-B between. Beside
the others stands what no solve with L-BFGS-B can do without: Python that imports NumPy and scipy.optimize and does
nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xlsxwriter

from benchmarks.books import CROSSTAB, folder, lesson
from benchmarks.measure import embedsheet, python
from benchmarks.row import Row, tell

# With the command's own care for the processor, without its command line: from the file to the gradient.
FIRST = """
import sys, time
import embedsheet
from embedsheet.ground.processor import save_processor
save_processor()
began = time.process_time()
embedsheet.gradient(sys.argv[1], "Sequence")
print(time.process_time() - began)
"""
PART = "Small and odd models, fresh process"
Cells = dict[str, float | str]


def rows() -> Iterator[Row]:
    """Yield the processor seconds of each model."""
    floor = min(python("-c", "import numpy, scipy.optimize").processor for _ in range(3))
    copy = str(folder() / "solved.xlsx")
    solved = min(embedsheet("solve", lesson(), "--sheet", CROSSTAB, "-o", copy, "--force").processor for _ in range(3))
    by_hand = min(python("-m", "benchmarks.by_hand", lesson(), CROSSTAB, copy).processor for _ in range(3))
    yield Row(PART, "solve, the lesson's Cross-tab from file to file", solved, most=0.6, rival="NumPy by hand",
              theirs=by_hand, most_ratio=2.0)  # fmt: skip
    sequence = str(folder() / "rnn.xlsx")
    embedsheet("new", "rnn", "-o", sequence, "--force")
    first = min(embedsheet("gradient", sequence, "--sheet", "Sequence").processor for _ in range(3))
    yield Row(PART, "gradient, the lesson's Sequence sheet", first, rival="importing SciPy's minimize", theirs=floor)
    alone = min(float(python("-c", FIRST, sequence).printed) for _ in range(3))
    yield Row(PART, "of that, from the file to the gradient", alone, most=0.3)
    for what, command, cells, objective, changing, most in (
        ("solve, 30 rows of Bass diffusion", "solve", bass(30), "F1", "A1:A3", 1.5),
        ("gradient, 500 rows of growing sums", "gradient", _growing(500), "F1", "A1:A2", 3.0),
        ("gradient, 300 formulas of different shapes", "gradient", _shapes(300), "F1", "A1:A3", 3.0),
        ("gradient, 80 steps of descent, one with its own rate", "gradient", descent(80, 40), "C81", "A1:B1", 3.0),
        ("gradient, the first of 80 steps of descent", "gradient", descent(80, 40), "C1", "A1:B1", 1.0),
    ):
        path = _written(cells)
        words = [command, path, "--objective", objective, "--changing", changing]
        words += ["--dry-run"] if command == "solve" else []
        taken = min(embedsheet(*words).processor for _ in range(3))
        rival = "importing SciPy's minimize" if command == "solve" else ""
        yield Row(PART, what, taken, most=most, rival=rival, theirs=floor if rival else None)


def bass(count: int) -> Cells:
    """Sales D from the sales so far, C, beside those that other parameters give, 5 % off."""
    cells: Cells = {"A1": 0.01, "A2": 0.3, "A3": 900.0, "C2": 0.0}
    so_far = 0.0
    for row in range(2, count + 2):
        sales = (0.013 + 0.4 * so_far / 1200) * (1200 - so_far)
        so_far += sales
        cells |= {
            f"B{row}": sales * (1 + 0.05 * np.sin(row)),
            f"D{row}": f"=($A$1+$A$2*C{row}/$A$3)*($A$3-C{row})",
            f"E{row}": f"=(B{row}-D{row})^2",
        }
        cells[f"C{row + 1}"] = f"=SUM(D$1:D{row})"
    return cells | {"F1": f"=SUM(E2:E{count + 1})"}


def descent(count: int, deviating: int = 0) -> Cells:
    """Gradient descent written out, a row a step: (a b − 1)² + (a − 2)² in C, its derivatives in D and E.

    The rate is H1's, but for the step `deviating`, which has one of its own.
    """
    cells: Cells = {"A1": 1.0, "B1": 0.2, "H1": 0.05}
    for row in range(1, count + 2):
        if row > 1:
            rate = "0.04" if row == deviating else "$H$1"
            cells |= {f"A{row}": f"=A{row - 1}-{rate}*D{row - 1}", f"B{row}": f"=B{row - 1}-{rate}*E{row - 1}"}
        cells |= {
            f"C{row}": f"=(A{row}*B{row}-1)^2+(A{row}-2)^2",
            f"D{row}": f"=2*(A{row}*B{row}-1)*B{row}+2*(A{row}-2)",
            f"E{row}": f"=2*(A{row}*B{row}-1)*A{row}",
        }
    return cells


def _growing(count: int) -> Cells:
    cells: Cells = {"A1": 0.001, "A2": 3.0, "C1": 1.0, "F1": f"=SUM(C1:C{count})"}
    for row in range(2, count + 1):
        cells |= {f"B{row}": f"=$A$2+SUM(C$1:C{row - 1})", f"C{row}": f"=B{row}*$A$1"}
    return cells


def _shapes(count: int) -> Cells:
    chance = np.random.default_rng(5)

    def tree(depth: int) -> str:
        if depth == 0:
            return ("$A$1", "$A$2", "$A$3", f"{chance.uniform(0.5, 2):.3f}")[chance.integers(4)]
        kind = chance.integers(3)
        if kind == 0:
            return f"{('SIN', 'COS', 'TANH', 'ATAN')[chance.integers(4)]}({tree(depth - 1)})"
        return f"({tree(depth - 1)}{'+-*'[chance.integers(3)]}{tree((depth - 1) * (kind - 1))})"

    cells: Cells = {"A1": 0.5, "A2": 1.2, "A3": 0.8, "F1": f"=SUMSQ(C1:C{count})"}
    return cells | {f"C{row}": f"={tree(5)}" for row in range(1, count + 1)}


def _written(cells: Cells) -> str:
    path = folder() / "start_up.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("S")
        for address, held in cells.items():
            sheet.write(address, held)
    return str(path)


if __name__ == "__main__":
    tell(rows())

"""The buttons: one function each, called from Excel through xlwings' RunPython; VBA knows this module's name.

Each works on the active sheet of the workbook whose button was pressed (`xlwings.Book.caller()`), with the compiler and
the solvers that the files use; only cells that the model may change are written. Each returns what it says.
"""

from __future__ import annotations

from embedsheet.ground.processor import save_processor

save_processor()  # Excel starts a Python for every press

from embedsheet.hosts.buttons.work import press  # noqa: E402


def step() -> str:
    """x ← x − η ∇f(x), clipped to the bounds; η is `controls.learning_rate`. Uphill when the model maximises."""
    return press("step")


def solve() -> str:
    """Change the cells until the objective is at its best, in at most `controls.iterations` iterations."""
    return press("solve")


def train() -> str:
    """Train the same model in Keras for `controls.epochs` epochs and write what it learned beside the sheet's."""
    return press("train")


def compare() -> str:
    """Give Keras the sheet's weights and say how far apart predictions, objective and gradient are."""
    return press("compare")


def gradient() -> str:
    """Write ∂f/∂x of each changing cell to a sheet of its own, at the cell's own address."""
    return press("gradient")


def check() -> str:
    """Say whether the cells selected are the derivatives by a changing block, or by all, and which are wrong how."""
    return press("check")


def randomize() -> str:
    """Fill the changing cells with small random numbers."""
    return press("randomize")


def undo() -> str:
    """Bring back what the last button replaced; pressed twice it brings back the button's work."""
    return press("undo")


def reset() -> str:
    """Bring back the changing cells as the workbook was made."""
    return press("reset")


def derive() -> str:
    """Make a copy of the workbook with a sheet whose formulas calculate the gradient."""
    return press("derive")


def code() -> str:
    """Write the sheet's formulas as a Python module beside the workbook."""
    return press("code")


def report() -> str:
    """Make a solved copy of the workbook with the Solver's reports as sheets."""
    return press("report")


def doctor() -> str:
    """Say what keeps the buttons from working here."""
    return press("doctor")

"""The line under a model sheet's heading that says how it is trained, and what Excel's own Solver can take."""

from __future__ import annotations

from embedsheet.ground.shell import word

SOLVER_LIMIT = 200  # changing cells that Excel's own Solver accepts


def to_train(file: str, sheet: str, cells: int, options: str = "") -> str:
    """Return how to train a sheet of so many changing cells: by the command, and in Excel where its Solver can.

    LibreOffice does not read the set-up that Excel's Solver keeps in a sheet; the command works for both.
    """
    command = f"To train, save and close, then: embedsheet solve {word(file)} --sheet {word(sheet)}{options}"
    if cells > SOLVER_LIMIT:
        return f"{command}     (Excel’s own Solver stops at {SOLVER_LIMIT} changing cells; there are {cells:,} here)"
    return f"{command}     or, in Excel: Data ► Solver ► Solve (it opens filled in)"

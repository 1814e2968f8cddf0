"""`embedsheet solve --step`: every iterate, as Solver's "Show Iteration Results" does."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from embedsheet.cli.progress import say

if TYPE_CHECKING:
    from embedsheet.solvers.problem import Progress

_MOST_CELLS = 12


class Steps:
    """Prints the objective and the changing cells after each iteration; on a terminal it waits for Enter.

    `hear` raises KeyboardInterrupt, which keeps the best point, where a person answers "s".
    """

    def __init__(self) -> None:
        self._waits = sys.stdin.isatty() and sys.stdout.isatty()

    def hear(self, progress: Progress) -> None:
        """Show one iterate."""
        if progress.x is None:
            return
        cells = [f"{progress.cell_name(place)} = {value:.8g}" for place, value in enumerate(progress.x[:_MOST_CELLS])]
        rest = len(progress.x) - _MOST_CELLS
        more = f", and {rest:,} more" if rest > 0 else ""
        start = f"start {progress.restart + 1}, " if progress.restart else ""
        say(
            f"{start[:1].upper()}{start[1:]}{'i' if start else 'I'}teration {progress.iteration}: objective "
            f"{progress.objective:.10g}, gradient {progress.gradient_norm:.1e}; {', '.join(cells)}{more}"
        )
        if self._waits and input("Enter goes on, s stops: ").strip().lower() in ("s", "stop"):
            raise KeyboardInterrupt

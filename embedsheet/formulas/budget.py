"""How much one formula may take: what grows beyond it is refused before it is computed.

A workbook of 2 kB can ask for 10^12 cells (`SEQUENCE(1000000,1000000)`) or for 2^60 additions (a LAMBDA that calls
itself twice). What formulas make is counted where it comes into being, before memory is taken: cells of arrays,
operations on them, steps (an expression evaluated once for all cells of a filled-down formula), characters of texts.
Counting instead of timing makes the answer the same on every machine; memory alone bounds arrays by the machine.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

_MOST_CELLS = 16_000_000
_BYTES_A_CELL = 128  # numbers, kinds, addresses and what a computation keeps beside them
_UNKNOWN_MEMORY = 8 << 30
_COUNTED = ("operations", "steps", "characters")
TRACED = 12  # what is traced takes no memory for each of its operations


@dataclass(slots=True)
class Limits:
    """What one formula may take; the whole run may take ten times as much in formulas that take a hundredth or more."""

    cells: int
    operations: float = 1e9
    steps: float = 250_000
    characters: float = 100e6


_raised = 1.0


def raise_limits(factor: float) -> None:
    """Let formulas take `factor` times as much from now on, in every workbook opened later."""
    global _raised
    _raised = factor


def memory() -> int:
    """Return the bytes of memory that this process may have."""
    try:
        found = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        found = _UNKNOWN_MEMORY
    if sys.platform != "win32":
        import resource

        allowed, _ = resource.getrlimit(resource.RLIMIT_AS)
        if allowed != resource.RLIM_INFINITY:
            found = min(found, allowed)
    return found


class Budget:
    """What the formulas of one workbook have taken, and may take; `stored` is the number of its cells."""

    def __init__(self, stored: int) -> None:
        # A workbook that is itself large makes large arrays.
        cells = max(min(_MOST_CELLS, memory() // _BYTES_A_CELL), 4 * stored)
        own = Limits(cells)
        self.limits = Limits(*(int(getattr(own, name) * _raised) for name in ("cells", *_COUNTED)))
        self._left = {name: 10 * getattr(self.limits, name) for name in _COUNTED}
        self._taken = dict.fromkeys(_COUNTED, 0.0)
        self.begin(1)

    def begin(self, cells: int) -> None:
        """Begin to count for a formula filled down over some cells."""
        for name, taken in self._taken.items():
            if taken > getattr(self.limits, name) / 100:
                self._left[name] -= taken
        self._taken = dict.fromkeys(_COUNTED, 0.0)
        # What is filled down far may take more: every cell adds a ten-thousandth.
        self.filled = 1 + cells * 1e-4

    def take(self, name: str, count: float) -> str:
        """Count operations, steps or characters; return what to say of the formula beyond its limit, else ""."""
        limit, taken = getattr(self.limits, name), self._taken[name] + count
        if taken > limit * self.filled:
            return self.refusal(taken, name)
        if taken > max(self._left[name], limit / 100):
            return f"needs more {name} than all formulas of a workbook together may take{_REMEDY}"
        self._taken[name] = taken
        return ""

    def refusal(self, count: float, name: str) -> str:
        """Return what to say of a formula that asks for more than its limit."""
        limit = in_words(getattr(self.limits, name))
        return f"needs {in_words(count)} {name}, more than the {limit} that one formula may take{_REMEDY}"


_REMEDY = "; name only the cells in use, split it over several cells, or raise the limits with --limit 10."


def in_words(count: float) -> str:
    """Return a count as people say it: 250,000, but 10^12."""
    if count < 1e9:
        return f"{count:,.0f}"
    digits, _, power = f"{count:.1e}".partition("e")
    return f"10^{int(power)}" if digits == "1.0" else f"{digits}·10^{int(power)}"

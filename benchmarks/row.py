"""One line of the table, and how a benchmark hands its lines over."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement, of which less is better: ours, in `unit`, and a rival's if there is one.

    `ours` is None where it cannot be measured on this machine, and `theirs` where there is no rival, or where it is not
    here; the note then says why. `most` is what ours may be, `most_ratio` what ours / theirs may be; None where nothing
    is asked.
    """

    part: str
    work: str
    ours: float | None
    unit: str = "s"
    rival: str = ""
    theirs: float | None = None
    most: float | None = None
    most_ratio: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Ours / theirs, None without a rival's figure."""
        return None if self.ours is None or self.theirs is None else self.ours / self.theirs

    @property
    def bar(self) -> str:
        """What is asked for, in words; "" for nothing."""
        words = [] if self.most is None else [f"≤ {self.most:g} {self.unit}".strip()]
        return ", ".join(words if self.most_ratio is None else [*words, f"≤ {self.most_ratio:.3g}×"])

    @property
    def missed(self) -> bool:
        """Whether a bar is missed. What cannot be compared misses nothing."""
        over = self.ours is not None and self.most is not None and self.ours > self.most
        return over or (self.most_ratio is not None and self.ratio is not None and self.ratio > self.most_ratio)

    def cells(self) -> tuple[str, ...]:
        """Return the row's texts under `HEADS`."""
        theirs = self._figure(self.theirs) if self.rival else ""
        ratio = "" if self.ratio is None else f"{self.ratio:.3g}×" if self.ratio > 0.05 else f"1/{1 / self.ratio:,.0f}×"
        judged = self.ours is not None and (self.most is not None or self.ratio is not None)
        bar = f"{self.bar} {'✗' if self.missed else '✓'}" if self.bar and judged else self.bar
        return self.work, self._figure(self.ours), self.rival, theirs, ratio, bar, self.note

    def _figure(self, value: float | None) -> str:
        if value is None:
            return "—"
        digits = f"{value:,.0f}" if value >= 1000 else f"{value:.4g}" if not self.unit else f"{value:.3g}"
        return f"{digits} {self.unit}".strip()


HEADS = ("what", "embedsheet", "beside", "theirs", "ours / theirs", "asked for", "note")


def tell(rows: Iterable[Row]) -> None:
    """Print rows as they come: for a reader, or with `--json` in the command line one JSON object a line."""
    for row in rows:
        print(json.dumps(asdict(row)) if "--json" in sys.argv else "  ".join(filter(None, row.cells())), flush=True)

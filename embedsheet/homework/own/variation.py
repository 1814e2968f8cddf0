"""What varies: how other numbers or texts are drawn for some cells of the teacher's workbook."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from embedsheet.ground.notation.addresses import Area

Distribution = Literal["even", "normal", "log"]
DISTRIBUTIONS: tuple[str, ...] = get_args(Distribution)
_INSIDE = 2.0  # lowest and highest lie so many standard deviations from the middle of a normal distribution


@dataclass(frozen=True, eq=False)
class Variation:
    """How the cells of `area` are drawn; `shown` is what the teacher's workbook holds, (rows, columns).

    Either from `choices`, or between `lowest` and `highest`, or, where these are None, within `spread` per cent of
    what each cell holds; numbers are rounded to multiples of `step` (0: not at all). `different`: no choice twice.
    `handed_out`: students get other numbers; else only grading uses them. An empty cell stays empty.
    """

    name: str
    area: Area
    shown: NDArray[Any]
    lowest: float | None = None
    highest: float | None = None
    spread: float = 20.0
    step: float = 0.0
    distribution: Distribution = "even"
    choices: tuple[float | str, ...] = ()
    different: bool = False
    handed_out: bool = True

    def __eq__(self, other: object) -> bool:
        """Whether both draw alike."""
        if not isinstance(other, Variation):
            return NotImplemented
        mine, theirs = ({**vars(one), "shown": one.shown.tolist()} for one in (self, other))
        return repr(mine) == repr(theirs)  # an empty cell is NaN, which equals nothing

    __hash__ = None  # type: ignore[assignment]

    @property
    def texts(self) -> bool:
        """Whether the cells hold texts."""
        return self.shown.dtype == object

    def drawn(self, rng: np.random.Generator) -> NDArray[Any]:
        """Return other numbers, or texts, for the cells, (rows, columns)."""
        if self.choices:
            kind = object if self.texts else float
            return rng.choice(np.array(self.choices, kind), self.shown.shape, replace=not self.different)
        shown = self.shown.astype(float)
        sizes = np.nan_to_num(shown)  # an empty cell is drawn as well, and left out at last
        if self.lowest is not None and self.highest is not None:
            low, high = np.full(shown.shape, self.lowest), np.full(shown.shape, self.highest)
        else:
            reach = np.abs(sizes) * self.spread / 100
            low, high = sizes - reach, sizes + reach
        numbers = self._between(rng, low, high)
        if self.step:
            # Rounding inwards: what is drawn stays between the limits; ten digits take away what binary adds.
            first, last = np.ceil(low / self.step - 1e-9), np.floor(high / self.step + 1e-9)
            steps = np.clip(np.round(numbers / self.step), first, np.maximum(first, last))
            numbers = np.round(steps * self.step, 10)
        return np.where(np.isnan(shown), np.nan, numbers)

    def _between(
        self, rng: np.random.Generator, low: NDArray[np.float64], high: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        if self.distribution == "log":
            return np.asarray(np.exp(rng.uniform(np.log(low), np.log(high))))
        if self.distribution == "normal":
            middle, deviation = (low + high) / 2, (high - low) / (2 * _INSIDE)
            return np.clip(rng.normal(middle, deviation), low, high)
        return rng.uniform(low, high)

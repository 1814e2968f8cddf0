"""A report as data: facts, tables, notes. What draws it, in a sheet or a terminal, adds no number."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, get_args

from embedsheet.ground.errors import ModelError, did_you_mean

Kind: TypeAlias = Literal[
    "answer",
    "sensitivity",
    "limits",
    "population",
    "linearity",
    "feasibility",
    "inputs",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
TITLES: dict[Kind, str] = {kind: f"{kind.capitalize()} Report" for kind in KINDS}
Entry: TypeAlias = float | str | None

# What Excel's reports print for infinity.
INFINITE = 1e30


@dataclass(frozen=True)
class Table:
    """Rows under headings, as long as these."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[Entry, ...]]

    def as_dict(self) -> dict[str, Any]:
        """Return the table as JSON knows it: a row is an object, and what is infinite "inf" or "-inf".

        A heading that stands twice, as "Objective Result" in Excel's Limits Report, is "Objective Result 2" there.
        """
        keys = [
            heading + (f" {before + 1}" if (before := self.columns[:place].count(heading)) else "")
            for place, heading in enumerate(self.columns)
        ]
        return {"title": self.title, "rows": [dict(zip(keys, map(_json, row), strict=True)) for row in self.rows]}


@dataclass(frozen=True)
class Bars:
    """A bar chart of a table's first rows: `column` by `label`, both by their headings."""

    title: str
    table: int
    label: str
    column: str
    most: int


@dataclass(frozen=True)
class Report:
    """`facts` stand above the tables; `refused` says why there are none."""

    kind: Kind
    facts: tuple[tuple[str, str], ...] = ()
    tables: list[Table] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    refused: str | None = None
    bars: Bars | None = None

    @property
    def title(self) -> str:
        """As Excel calls it: "Answer Report"."""
        return TITLES[self.kind]

    def as_dict(self) -> dict[str, Any]:
        """Return everything as JSON knows it."""
        return {
            "kind": self.kind,
            "facts": dict(self.facts),
            "refused": self.refused,
            "tables": [table.as_dict() for table in self.tables],
            "notes": self.notes,
        }


def _json(entry: Entry) -> Entry:
    if isinstance(entry, float) and not math.isfinite(entry):
        return None if math.isnan(entry) else "inf" if entry > 0 else "-inf"
    return entry


def kinds_of(text: str) -> list[Kind]:
    """Return the reports that a text such as "answer,limits" or "all" names; raises ModelError for another word."""
    found: list[Kind] = []
    for word in filter(None, (word.strip().lower() for word in text.split(","))):
        if word == "all":
            found += KINDS
            continue
        kind = next((kind for kind in KINDS if kind == word), None)
        if kind is None:
            guess = did_you_mean(word, {kind: kind for kind in KINDS})
            raise ModelError(f"There is no report {word!r}{guess or '.'} There are {', '.join(KINDS)} and all.")
        found.append(kind)
    return list(dict.fromkeys(found))


def clean(number: float, size: float = 1.0) -> float:
    """Return a number without the crumbs of rounding: 0 for 1e-17 of a `size`, twelve digits otherwise."""
    if not math.isfinite(number):
        return number
    return 0.0 if abs(number) <= 1e-10 * size else float(f"{number:.12g}")

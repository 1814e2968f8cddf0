"""Formulas calculated here and by the judges, and where they part."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from kit.judges import CellValue, embedsheet_values, formulon_values, gnumeric_values, libreoffice_values, write_book
from kit.openvba import openvba_values

FIRST_COLUMN = "Z"


# A number of so many digits that its last one, at the end of the 15 that a text shows, hangs on the library's rounding.
_LONG_NUMBER = re.compile(r"\d*\.\d{13,}")


def calls(names: str, *arguments: Iterable[object]) -> list[str]:
    """Return a formula for each function with each of all combinations of its arguments."""
    return [
        f"={name}({','.join(str(part) for part in parts if part != '')})"
        for name in names.split()
        for parts in itertools.product(*arguments)
    ]


def same(one: CellValue, two: CellValue, tolerance: float = 1e-9) -> bool:
    """Return whether two results are the same value: numbers to a relative tolerance, all else exactly.

    In a text the 15th digit of a number may differ: TANH(1.5) is 0.905148253644866438, and NumPy gives the next number.
    """
    if isinstance(one, str) and isinstance(two, str) and one != two:
        parts = [_LONG_NUMBER.split(text) for text in (one, two)]
        numbers = [[float(number) for number in _LONG_NUMBER.findall(text)] for text in (one, two)]
        return parts[0] == parts[1] and all(
            math.isclose(mine, other, rel_tol=2e-14) for mine, other in zip(*numbers, strict=True)
        )
    if isinstance(one, bool) or isinstance(two, bool) or not isinstance(one, float) or not isinstance(two, float):
        return type(one) is type(two) and one == two
    return one == two or abs(one - two) <= tolerance * max(abs(one), abs(two), 1e-3)


def disagreements(
    folder: Path, cells: Mapping[str, CellValue], formulas: Iterable[str], known: Mapping[str, CellValue] | None = None
) -> list[str]:
    """Return the formulas whose result no judge shares, or not both where they agree with each other.

    The judges are formulon and pyOpenVBA's engine. `known`: results that differ by design, which must then be these.
    """
    formulas = list(dict.fromkeys(formulas))
    sheet, path = _written(folder, cells, formulas)
    ours = embedsheet_values(path)["S"]
    one, two = formulon_values(_without_braces(sheet)), openvba_values(sheet)
    found = []
    for place, formula in enumerate(formulas, 1):
        address = f"{FIRST_COLUMN}{place}"
        mine, theirs = ours.get(address), [one.get(address), two.get(address)]
        if known and formula in known:
            agreed = same(mine, known[formula])
        else:
            votes = [same(mine, result) for result in theirs if result != "failed"]
            agreed = all(votes) if same(*theirs) or len(votes) == 1 else any(votes)
        if not agreed:
            found.append(f"{formula} is {mine!r}; formulon {theirs[0]!r}, pyOpenVBA {theirs[1]!r}")
    return found


def numeric_disagreements(
    folder: Path, cells: Mapping[str, CellValue], formulas: Iterable[str], known: Iterable[str] = ()
) -> list[str]:
    """Return the formulas for which Gnumeric and LibreOffice give the same number, and we another result."""
    formulas = [formula for formula in dict.fromkeys(formulas) if formula not in set(known)]
    _, path = _written(folder, cells, formulas)
    ours, one, two = (judge(path)["S"] for judge in (embedsheet_values, gnumeric_values, libreoffice_values))
    found = []
    for place, formula in enumerate(formulas, 1):
        address = f"{FIRST_COLUMN}{place}"
        mine, theirs = ours.get(address), one.get(address)
        if isinstance(theirs, float) and same(theirs, two.get(address)) and not same(mine, theirs):
            found.append(f"{formula} is {mine!r}; Gnumeric and LibreOffice {theirs!r}")
    return found


def _written(folder: Path, cells: Mapping[str, CellValue], formulas: list[str]) -> tuple[dict[str, CellValue], Path]:
    sheet = {**cells, **{f"{FIRST_COLUMN}{place}": formula for place, formula in enumerate(formulas, 1)}}
    return sheet, write_book(folder / "formulas.xlsx", {"S": sheet})


def _without_braces(cells: Mapping[str, CellValue]) -> dict[str, CellValue]:
    """Return array formulas as formulon writes them, which takes every formula as one."""
    return {
        address: value[1:-1] if isinstance(value, str) and value.startswith("{=") else value
        for address, value in cells.items()
    }

"""The cells of `twins` as other programs calculate them: a workbook of all cases to a judge for each way to fill.

A judge has no say in a cell whose formula it does not know, nor where the table `_NO_SAY` says so. Of two errors the
names may differ, since LibreOffice has errors that no file can name; but formulon or IronCalc must give ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from embedsheet.formulas.functions.table import FUNCTIONS
from kit.agreement import same
from kit.judges import (
    CellValue,
    embedsheet_values,
    formulon_book_values,
    gnumeric_values,
    ironcalc_values,
    libreoffice_values_of,
)
from kit.twins import COPIES, Book, Case, is_single

JUDGES = ("Gnumeric", "LibreOffice", "formulon", "IronCalc")
_NAME_ERRORS = ("formulon", "IronCalc")
# What a judge says of a formula that it does not know, or whose array found no room beside other cells.
_UNKNOWN = ("#NAME?", "#N/IMPL!", "#ERROR!", "#SPILL!")
# (judge, way to fill): whether it has no say in any cell there, or in those with an array of a single value.
_NO_SAY: dict[tuple[str, str], str] = {
    ("Gnumeric", "table"): "all",  # knows no tables
    ("Gnumeric", "spill"): "all",  # knows no A1#
    ("LibreOffice", "spill"): "all",
    ("formulon", "name"): "all",  # a name's relative references lie elsewhere there
    ("IronCalc", "name"): "all",
    # An array of one value is no value there.
    ("formulon", "array"): "single", ("IronCalc", "array"): "single",
    ("formulon", "spill"): "single", ("IronCalc", "spill"): "single", ("LibreOffice", "array"): "single",
}  # fmt: skip


@dataclass(frozen=True)
class Judged:
    """A cell of a case: its formula, our result, and those of the judges who have a say."""

    fill: str
    case: Case
    formula: str
    own: CellValue
    votes: dict[str, CellValue]

    @property
    def dissenters(self) -> list[str]:
        """The judges who have another result."""
        return [judge for judge, value in self.votes.items() if not _agrees(self.own, value)]

    @property
    def outvoted(self) -> bool:
        """Whether several judges agree on another result, more than agree on ours, or name another error."""
        others = [self.votes[judge] for judge in self.dissenters]
        most = max((sum(_agrees(one, other) for other in others) for one in others), default=0)
        names = [self.votes[judge] for judge in _NAME_ERRORS if judge in self.votes]
        misnamed = _is_error(self.own) and bool(names) and self.own not in names
        return misnamed or (most > 1 and most > len(self.votes) - len(others))

    def __str__(self) -> str:
        votes = ", ".join(f"{judge} {value!r}" for judge, value in self.votes.items())
        return f"{self.fill}: {self.formula} is {self.own!r}; {votes}"


def _is_error(value: CellValue) -> bool:
    return isinstance(value, str) and value.startswith("#")


def _agrees(own: CellValue, other: CellValue) -> bool:
    if _is_error(own) and _is_error(other):
        return True
    empty: tuple[CellValue, ...] = (None, "")
    if own in empty and other in empty:
        return True
    return same(*(float(value) if isinstance(value, bool) else value for value in (own, other)))


def _has_say(judge: str, fill: str, case: Case, value: CellValue, own: CellValue) -> bool:
    silent = _NO_SAY.get((judge, fill))
    if silent == "all" or (silent == "single" and is_single(case.own)):
        return False
    return value not in _UNKNOWN or value == own


def judged(fills: Sequence[str], cases: Iterable[Case], folder: Path) -> list[Judged]:
    """Return the cells of cases, filled in these ways, with the results of all judges.

    Left out are functions whose results nothing fixes, RAND and its kin, and what embedsheet refuses, as a SORT
    that gives several cells, for which XlsxWriter keeps one.
    """
    cases = [case for case in cases if FUNCTIONS[case.name].gradient != "frozen"]
    books, places, paths = [], [], []
    for fill in fills:
        book = Book()
        places.append([book.add(fill, case, number, range(COPIES)) for number, case in enumerate(cases)])
        books.append(book)
        paths.append(book.write(folder / f"{fill}.xlsx"))
    found = []
    for fill, book, of_cases, path, office in zip(
        fills, books, places, paths, libreoffice_values_of(paths), strict=True
    ):
        own = embedsheet_values(path)
        results = (gnumeric_values(path), office, formulon_book_values(path), ironcalc_values(path, book.addresses()))
        for case, copies in zip(cases, of_cases, strict=True):
            for place in copies.values():
                sheet, address = fill, book.address(place)
                mine = own[sheet].get(address)
                if str(mine).startswith("unsupported"):
                    continue
                said = {
                    judge: result[sheet].get(address) for judge, result in zip(JUDGES, results, strict=True)
                }  # fmt: skip
                votes = {judge: value for judge, value in said.items() if _has_say(judge, fill, case, value, mine)}
                found.append(Judged(fill, case, book.formulas[place], mine, votes))
    return found

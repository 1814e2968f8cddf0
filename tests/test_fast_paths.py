"""Sorted and joint evaluation beside the plain way, on ranges with ties, blanks, texts, booleans and errors."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedsheet.formulas import growing
from embedsheet.formulas.functions import conditional, selection
from embedsheet.formulas.functions.conditions import Conditions
from embedsheet.formulas.functions.selection import MAX, MIN, SUM, Operation, select
from embedsheet.formulas.values import BLANK, BOOLEAN, DIV0, ERROR, NA, NUMBER, TEXT, Reference, Strings, Value
from kit.judges import embedsheet_values
from kit.sheets import Cells, write

Cell = tuple[int, Any]  # a kind and a number or a text

_CELLS: list[Cell] = [
    *((NUMBER, x) for x in (-2.0, 0.0, 0.3, 0.1 + 0.2, 1.0, 2.0, 5.0, 1e15, 1e15 + 2)),
    *((TEXT, x) for x in ("a", "A", "ab", "b*", "", "5", "5.0", "TRUE", "co-op", "coop", "é", "e\u0301")),
    (BOOLEAN, 1.0), (BOOLEAN, 0.0), (ERROR, float(NA)), (ERROR, float(DIV0)), (BLANK, 0.0),
]  # fmt: skip
_RELATIONS = ("", "=", "<>", "<", "<=", ">", ">=")
_COMPARED = ("", "1", "5", "0.3", "a", "A*", "?", "b~*", "*", "TRUE", "#N/A", "coop", "co-op")
_WANTED: list[Cell] = [*_CELLS, *((TEXT, relation + x) for relation in _RELATIONS for x in _COMPARED)]


def evaluated(cells: Cells, addresses: Sequence[str]) -> list[Any]:
    """Return what embedsheet gives for some cells of a workbook."""
    with tempfile.TemporaryDirectory() as folder:
        values = embedsheet_values(write(Path(folder) / "book.xlsx", cells))["S"]
    return [values[address] for address in addresses]


class _Context:
    """As much of an evaluation as conditions ask for."""

    def __init__(self) -> None:
        self.strings = Strings()

    def value(self, argument: Value) -> Value:
        return argument

    def warn(self, text: str) -> None:
        pass

    def spend(self, name: str, count: float) -> None:
        pass


def _value(context: _Context, cells: Sequence[Cell], down: bool) -> Value:
    """Return cells as one column, or as one cell each of a filled-down formula."""
    kinds = np.array([kind for kind, _ in cells], np.uint8)
    numbers = np.array([context.strings.code(x) if kind == TEXT else x for kind, x in cells], float)
    shape = (-1, 1, 1) if down else (1, -1, 1)
    return Value(kinds.reshape(shape), numbers.reshape(shape))


def _conditions(draw: Any) -> tuple[_Context, Conditions, Value]:
    context = _Context()
    size, results = draw(st.integers(1, 12)), draw(st.integers(2, 6))
    cells = st.lists(st.sampled_from(_CELLS), min_size=size, max_size=size)
    wanted = st.lists(st.sampled_from(_WANTED), min_size=results, max_size=results)
    pairs = [
        (_value(context, draw(cells), down=False), _value(context, draw(wanted), down=True))
        for _ in range(draw(st.integers(1, 3)))
    ]
    return context, Conditions(context, pairs, "COUNTIFS"), _value(context, draw(cells), down=False)  # type: ignore[arg-type]


conditions = st.composite(_conditions)()


@settings(max_examples=400)
@given(conditions)
def test_criteria_found_in_a_sorted_list_count_as_those_compared_cell_by_cell(case: Any) -> None:
    _, asked, _ = case
    expected = asked.mask(np.arange(asked.results)).sum(axis=1)
    assert asked.counts().tolist() == expected.tolist()


@pytest.mark.parametrize("operation", [SUM, MAX, MIN], ids=["sum", "max", "min"])
@given(case=conditions)
def test_sums_over_stretches_are_those_of_the_cells(operation: Operation, case: Any) -> None:
    context, asked, numbers = case
    mask = asked.mask(np.arange(asked.results))
    kinds, values = numbers.kinds.ravel(), numbers.numbers.ravel()
    combine = {"add": sum, "maximum": lambda x: max(x, default=-np.inf), "minimum": lambda x: min(x, default=np.inf)}
    expected = [combine[operation.pair](values[row & (kinds == NUMBER)].tolist()) for row in mask]
    errors = [next(iter(values[row & (kinds == ERROR)].tolist()), 0) for row in mask]
    for most in (10**9, -1):  # pairs, stretches
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(selection, "CHUNK", most)
            found = select(context, "SUMIFS", asked, numbers, operation)  # type: ignore[arg-type]
        assert found.combined == pytest.approx(expected, rel=1e-15)
        assert found.failed.tolist() == errors
        assert found.count.tolist() == [(row & (kinds == NUMBER)).sum() for row in mask]


_NUMBERS = st.sampled_from([-2.0, 0.0, 0.3, 1.0, 5.0])


@settings(max_examples=50, deadline=None)
@given(st.lists(_NUMBERS, min_size=1, max_size=9), st.lists(_NUMBERS, min_size=2, max_size=6), st.integers(0, 1))
def test_a_rank_in_a_shared_range_is_the_count_of_those_before(
    numbers: list[float], asked: list[float], ascending: int
) -> None:
    """RANK counts the larger ones (the smaller ones in ascending order); a number that is not there is #N/A."""
    cells: dict[str, Any] = {f"A{row}": x for row, x in enumerate(numbers, 1)}
    for row, x in enumerate(asked, 1):
        cells |= {f"B{row}": x, f"C{row}": f"=RANK(B{row},A$1:A${len(numbers)},{ascending})"}
    expected = [sum(other < x if ascending else other > x for other in numbers) + 1 for x in asked]
    ranks: list[Any] = [rank if x in numbers else "#N/A" for rank, x in zip(expected, asked, strict=True)]
    assert evaluated(cells, [f"C{row}" for row in range(1, len(asked) + 1)]) == ranks


@settings(max_examples=50, deadline=None)
@given(st.lists(_NUMBERS, min_size=1, max_size=9), st.lists(_NUMBERS, min_size=1, max_size=6))
def test_frequencies_are_counts_above_the_next_smaller_limit(numbers: list[float], limits: list[float]) -> None:
    """Of equal limits the first has the numbers, the others 0 (Microsoft's page on FREQUENCY)."""
    cells: dict[str, Any] = {f"A{row}": x for row, x in enumerate(numbers, 1)}
    cells |= {f"B{row}": x for row, x in enumerate(limits, 1)}
    expected = []
    for place, limit in enumerate(limits):
        next_smaller = max((other for other in limits if other < limit), default=-np.inf)
        expected.append(0 if limit in limits[:place] else sum(next_smaller < x <= limit for x in numbers))
    for place in range(len(limits)):
        cells[f"D{place + 1}"] = f"=INDEX(FREQUENCY(A1:A{len(numbers)},B1:B{len(limits)}),{place + 1})"
    assert evaluated(cells, [f"D{place + 1}" for place in range(len(limits))]) == expected


def test_typed_keys_find_what_the_same_keys_in_cells_find() -> None:
    """`MATCH("a",…)` in one cell, `MATCH("b",…)` in the next are evaluated together; so are typed criteria."""
    listed = [3.0, "a", "b*", 5.0, "A", "c", 1.0]
    keys = [5.0, 3.0, "a", "c", "b~*", 9.0, "C", "?"]
    cells: dict[str, Any] = {f"A{row}": x for row, x in enumerate(listed, 1)}
    cells |= {f"B{row}": row * 10.0 for row in range(1, 8)}
    asked = ["MATCH(k,A$1:A$7,0)", "VLOOKUP(k,A$1:B$7,2,FALSE)", "COUNTIF(A$1:A$7,k)", "SUMIF(A$1:A$7,k,B$1:B$7)"]
    asked += ['COUNTIFS(A$1:A$7,k,B$1:B$7,">20")', "SUMIFS(B$1:B$7,A$1:A$7,k)", "LOOKUP(k,B$1:B$7,A$1:A$7)"]
    for row, key in enumerate(keys, 1):
        cells[f"C{row}"] = key
        for column, formula in zip("DEFGHIJ", asked, strict=True):
            typed = f'"{key}"' if isinstance(key, str) else f"{key:g}"
            cells[f"{column}{row}"] = "=" + re.sub(r"\bk\b", typed, formula)
            cells[f"{column}{row + 20}"] = "=" + re.sub(r"\bk\b", f"C{row}", formula)
    addresses = [[f"{column}{row + gap}" for row in range(1, 9) for column in "DEFGHIJ"] for gap in (0, 20)]
    typed, read = (evaluated(cells, some) for some in addresses)
    assert typed == read
    assert typed[:7] == [4.0, 40.0, 1.0, 40.0, 1.0, 40.0, "#N/A"]  # the 5 in A4, beside 40


_GROWING = (
    "COUNTIF(A${first}:A{row},A{row})",
    "COUNTIF(A{row}:A${last},A{row})",
    'COUNTIF(A${first}:A{row},">"&A{row})',
    'COUNTIF(A${first}:A{row},"<>a*")',
    "SUMIF(A${first}:A{row},A{row},B${first}:B{row})",
    "SUMIF(A{row}:A${last},A{row},B{row}:B${last})",
    "SUMIFS(B${first}:B{row},A${first}:A{row},A{row},C${first}:C{row},C{row})",
    'COUNTIFS(A${first}:A{row},A{row},C${first}:C{row},">="&C{row})',
    "AVERAGEIF(A${first}:A{row},A{row},B${first}:B{row})",
    'MAXIFS(B{row}:B${last},A{row}:A${last},"<>"&A{row})',
    "MINIFS(B${first}:B{row},C${first}:C{row},C${first})",
    "COUNTIF(A${first}:C{row},A{row})",
    "SUMIF(A${first}:A{row},A{row},D${above}:D{before})+B{row}",
)


@pytest.mark.parametrize("formula", _GROWING)
def test_criteria_in_ranges_that_grow_find_what_they_find_in_each_range_of_its_own(
    formula: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = 40
    kinds = [1.0, 2.0, 3.0, "a", "ab", "1", True, None, "=1/0"]
    cells: Cells = {}
    for row in range(2, rows + 2):
        cells[f"A{row}"] = kinds[row * 7 % len(kinds)] if row % 5 else 2.0
        cells[f"B{row}"] = row * 1.25 if row != 23 else "text"
        cells[f"C{row}"] = row * row % 7
        cells[f"D{row}"] = "=" + formula.format(first=2, row=row, last=rows + 1, above=1, before=row - 1)
    book = write(tmp_path / "growing.xlsx", cells)
    apart = embedsheet_values(book)["S"]
    read = 0
    together = growing.grown_together

    def noticed(references: Sequence[Reference]) -> Any:
        nonlocal read
        found = together(references)
        read += found is not None
        return found

    monkeypatch.setattr(growing, "SMALLEST", 1)
    monkeypatch.setattr(conditional, "grown_together", noticed)
    assert embedsheet_values(book)["S"] == apart
    # A cell that needs the one before it is evaluated alone.
    assert bool(read) == ("D{before}" not in formula)

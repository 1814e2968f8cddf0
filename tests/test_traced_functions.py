"""Every function of the table with one argument after another on changing cells: traced, each gives the sheet's value.

The cases are those of the twins, made from the function table: a new function is among them. `Program` compares each
traced cell with the sheet's before it takes a derivative; here no difference that it names is let pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from embedsheet.book.setups import Constraint
from embedsheet.compiler.engines import EngineName
from embedsheet.compiler.program import Program, compile_program
from embedsheet.ground.errors import EmbedsheetError
from embedsheet.ground.notation.addresses import parse_area
from embedsheet.workbook import Workbook
from kit.sheets import setup
from kit.twins import COPIES, HEIGHT, WIDTH, Book, Case, cases, changing_cells

# In an array formula a place of INDEX that moves and is 0 at the start is refused as what is another function's.
_REFUSED = {("array", "INDEX(A1:A9,C4)")}
# The argument that differs depends on the changing cells and the others do not; or all of them do, in the first cell.
_OTHERS, _EVERY = tuple(range(1, COPIES)), tuple(range(COPIES))


def _compiled(
    folder: Path, fill: str, several: Sequence[Case], copies: Sequence[int], engine: EngineName, equal: bool = False
) -> Program:
    """Return the cells of cases, each below a constraint that an error meets too, as functions of copies' numbers."""
    book = Book()
    for number, case in enumerate(several):
        book.add(fill, case, number, range(COPIES))
    sums = [f"=IFERROR(N({sheet}!{address}),0)" for sheet, address in book.addresses()]
    for row, formula in enumerate(sums):
        book.formulas["sums", row, 0] = formula
    changing = tuple(parse_area(address, "S") for address in changing_cells(copies, fill == "down", equal))
    sides = (Constraint(parse_area(f"A1:A{len(sums)}", "sums"), ">=", 0.0),)
    model = replace(setup("A1", ["A1"]), objective=None, changing=changing, constraints=sides)
    return compile_program(Workbook.open(book.write(folder / "book.xlsx", equal)), model, engine=engine)


def differing(
    folder: Path, fill: str, several: Sequence[Case], copies: Sequence[int], engine: EngineName = "tape"
) -> list[str]:
    """Return what is said of cases of which another value is differentiated than the sheet's.

    What is refused for another reason says nothing about the rest, which is then looked at by itself.
    """
    try:
        found = _compiled(folder, fill, several, copies, engine)
        taped = found.constraints(found.start)
        if engine == "jax":
            judge = _compiled(folder, fill, several, copies, "tape")
            same = np.isclose(taped, judge.constraints(found.start), rtol=1e-9, atol=1e-12, equal_nan=True)
            return [f"{several[0]} and others: {np.flatnonzero(~same)} by JAX"] if not same.all() else []
    except EmbedsheetError as fault:
        if len(several) > 1:
            half = len(several) // 2
            parts = (several[:half], several[half:])
            return [one for part in parts for one in differing(folder, fill, part, copies, engine)]
        wrong = "differentiated, this formula gives" in str(fault)
        return [f"{several[0]}: {fault}"] if wrong else []
    return []


def parting(folder: Path, several: Sequence[Case]) -> list[str]:
    """Return the cases whose cells, equal at the start, do not get what the sheet has once their inputs differ."""
    try:
        found = _compiled(folder, "right", several, _EVERY, "tape", equal=True)
        x = found.start * (1.0 + 0.07 * np.repeat(np.arange(COPIES), len(found.start) // COPIES))
        traced = found.constraints(x)
    except EmbedsheetError:
        if len(several) == 1:
            return []
        half = len(several) // 2
        return parting(folder, several[:half]) + parting(folder, several[half:])
    own = {
        (edit.sheet, row): number
        for edit in found.results(x, trusted=True).edits
        for row, number in zip(edit.rows.tolist(), edit.numbers.tolist(), strict=True)
    }
    wrong, compared = [], 0
    for row, mine in enumerate(traced):
        place = int(found.row_name(row).split()[0].removeprefix("sums!A"))
        if ("sums", place) in own:
            compared += 1
            there = own["sums", place]
            if not np.isclose(mine, there, rtol=1e-9, atol=1e-12, equal_nan=True):
                wrong.append(f"{several[(place - 1) // COPIES]}, cell {(place - 1) % COPIES + 1}: {mine} for {there}")
    assert 2 * compared >= len(traced)
    return wrong


def _in_batches(
    folder: Path, fill: str, several: Sequence[Case], copies: Sequence[int], engine: EngineName = "tape"
) -> list[str]:
    batches = (several[start : start + 48] for start in range(0, len(several), 48))
    return [one for batch in batches for one in differing(folder, fill, batch, copies, engine)]


@pytest.mark.parametrize(
    ("part", "fill", "copies"),
    [
        (0, "right", _OTHERS),
        (5, "right", _EVERY),
        (10, "array", _OTHERS),
        *(pytest.param(part, "right", _OTHERS, marks=pytest.mark.soak) for part in range(1, 16)),
        *(pytest.param(None, fill, _EVERY, marks=pytest.mark.soak) for fill in ("right", "array", "down", "growing")),
    ],
)
def test_each_function_differentiated_gives_the_sheets_value(
    tmp_path: Path, part: int | None, fill: str, copies: tuple[int, ...]
) -> None:
    several = cases(3) if part is None else cases(1)[part::16]
    found = _in_batches(tmp_path, fill, several, copies)
    assert [one for one in found if (fill, one.split(" by ")[0]) not in _REFUSED] == []


@pytest.mark.parametrize("part", [3, *(pytest.param(part, marks=pytest.mark.soak) for part in range(3))])
def test_cells_that_are_equal_at_the_start_part_as_the_sheets_do(tmp_path: Path, part: int) -> None:
    several = cases(1)[part::4] if part < 3 else cases(1)[3::20]
    batches = (several[start : start + 32] for start in range(0, len(several), 32))
    assert [one for batch in batches for one in parting(tmp_path, batch)] == []


@pytest.mark.soak
def test_jax_gives_what_the_tape_gives_of_each_function(tmp_path: Path) -> None:
    assert _in_batches(tmp_path, "right", cases(1)[::4], _EVERY, "jax") == []


def test_the_cells_of_a_copy_lie_where_its_formulas_read() -> None:
    assert changing_cells([1])[0] == f"{chr(ord('A') + WIDTH)}1"
    assert changing_cells([1], down=True)[0] == f"A{1 + HEIGHT}"

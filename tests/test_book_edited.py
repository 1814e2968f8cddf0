"""A book edited in memory reads as the file does after the same edits were saved into it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embedsheet.book.book import Book
from embedsheet.ground.errors import ModelError
from embedsheet.ground.kinds import BLANK, BOOLEAN, ERROR, NUMBER, TEXT
from embedsheet.ground.notation.addresses import Area, Cell
from embedsheet.workbook import Edit, Workbook
from kit.packages import book

ROWS, COLUMNS = 6, 5
# Values, a blank cell with a style, a shared formula down B, a formula without a result, an array formula over D1:D2.
CELLS = (
    '<row r="1"><c r="A1"><v>1</v></c><c r="B1"><f t="shared" ref="B1:B4" si="0">A1*2</f><v>2</v></c>'
    '<c r="D1"><f t="array" ref="D1:D2">A1:A2*3</f><v>3</v></c></row>'
    '<row r="2"><c r="A2"><v>2</v></c><c r="B2"><f t="shared" si="0"/><v>4</v></c><c r="D2"><v>6</v></c></row>'
    '<row r="3"><c r="A3" t="inlineStr"><is><t>x</t></is></c><c r="B3" t="e"><f t="shared" si="0"/><v>#VALUE!</v></c>'
    "</row>"
    '<row r="4"><c r="A4" s="0"/><c r="B4"><f t="shared" si="0"/><v>0</v></c><c r="C4"><f>B4+1</f></c></row>'
)
Told = dict[tuple[int, int], tuple[object, str | None]]


def told(one: Book) -> tuple[Told, dict[tuple[int, int], Area], list[bool]]:
    """Return value and formula of each cell, the array formulas, and which results are stored."""
    cells: Told = {}
    for row in range(1, ROWS + 1):
        for column in range(1, COLUMNS + 1):
            value = one.values(Area("S", row, column, row, column))[0][0]
            cells[row, column] = value, one.formula(Cell("S", row, column))
    sheet = one.sheets["S"]
    return cells, {at: array.area for at, array in sheet.arrays.items()}, sheet.has_stored.tolist()


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return book(tmp_path_factory.mktemp("edited") / "b.xlsx", CELLS)


VALUES = st.one_of(
    st.tuples(st.just(NUMBER), st.floats(-1e9, 1e9, allow_nan=False)),
    st.tuples(st.just(TEXT), st.sampled_from(["x", "another", "=1"])),
    st.tuples(st.just(BOOLEAN), st.sampled_from([0.0, 1.0])),
    st.tuples(st.just(ERROR), st.sampled_from([2.0, 7.0])),
    st.tuples(st.just(BLANK), st.just(0.0)),
)
EDITS = st.lists(
    st.tuples(
        st.dictionaries(
            st.tuples(st.integers(1, ROWS), st.integers(1, COLUMNS)), VALUES, min_size=1, max_size=6
        ),
        st.booleans(),
    ),
    min_size=1,
    max_size=3,
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=EDITS)
def test_editing_a_book_is_saving_and_opening_it(
    asked: list[tuple[dict[tuple[int, int], tuple[int, float | str]], bool]], path: Path, tmp_path: Path
) -> None:
    one = Workbook.open(path)
    edits = []
    for cells, replaces in asked:
        rows, columns = np.array(list(cells), np.int32).T
        kinds = np.array([kind for kind, _ in cells.values()], np.uint8)
        numbers = [one.strings.code(value) if isinstance(value, str) else value for _, value in cells.values()]
        edits.append(Edit("s", rows, columns, kinds, np.array(numbers, float), replaces))
    before = told(one)
    copy = tmp_path / "copy.xlsx"
    try:
        one.save(edits, copy)
    except ModelError as refused:
        with pytest.raises(ModelError) as same:
            one.edited(edits)
        assert str(same.value) == str(refused)
        return
    assert told(one.edited(edits)) == told(Workbook.open(copy))
    assert told(one) == before  # the book itself stays as it was
    assert type(one.edited(edits)) is Book  # that nothing is saved into a file that is older

"""The small parts that the compiler is made of, each held to what is reckoned by hand."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from embedsheet.compiler.affine import Affine, interval, size_of, sizes, times, value_of
from embedsheet.compiler.cells import CellTable, missing_cells
from embedsheet.compiler.curvature import _function, _rows
from embedsheet.compiler.shapes import finished, fit, per_cell, pick, side_by_side
from embedsheet.compiler.sizes import picked, size_labels
from embedsheet.compiler.store import Store
from embedsheet.compiler.trusted import _agrees, _violates, gives_the_sheet, points_within
from embedsheet.compiler.windows import grown_by
from embedsheet.formulas import values
from embedsheet.formulas.growing import SMALLEST, bounding, grown_together, is_large
from embedsheet.formulas.values import ABSENT, BLANK, BOOLEAN, ERROR, NA, NUM, NUMBER, TEXT, Lambda, Reference, Union
from embedsheet.formulas.values import Value as Array
from embedsheet.ground.notation import tree as t
from embedsheet.ground.notation.addresses import MAX_COLUMN, parse_area
from embedsheet.workbook import Workbook
from kit.sheets import write

X = Affine({0: 2.0, 1: -3.0}, 1.0)


def _of(kinds: Any, numbers: Any) -> Array:
    return Array(np.array(kinds, np.uint8), np.array(numbers, np.float64))


def _numbers(numbers: Any) -> Array:
    array = np.array(numbers, np.float64)
    return Array(np.full(array.shape, NUMBER, np.uint8), array)


def _area(top: Any, left: Any, bottom: Any, right: Any, errors: Any = None) -> Reference:
    sides = np.broadcast_arrays(*(np.atleast_1d(np.array(side, np.int64)) for side in (top, left, bottom, right)))
    codes = None if errors is None else np.array(errors, np.uint8)
    return Reference(0, sides[0], sides[1], sides[2], sides[3], codes)


def test_sums_of_variables_are_added_and_multiplied() -> None:
    other = Affine({0: -2.0, 1: 1.0, 4: 5.0}, 0.5)
    assert X.plus(other) == Affine({1: -2.0, 4: 5.0}, 1.5)
    assert X.minus(other) == Affine({0: 4.0, 1: -4.0, 4: -5.0}, 0.5)
    assert (X.times(-2.0), X.times(0.0)) == (Affine({0: -4.0, 1: 6.0}, -2.0), Affine({}, 0.0))
    assert X.times(2.0) == Affine({0: 4.0, 1: -6.0}, 2.0)
    assert np.isnan(Affine({}, np.inf).times(0.0).constant)
    assert Affine({0: 2.0, 1: -3.0}, 1.0) == X  # as it was


def test_a_sum_of_variables_lies_between_the_sums_of_their_ends() -> None:
    lower, upper = [-1.0, 2.0], [4.0, 5.0]
    assert interval(X, lower, upper) == (1 - 2 - 15, 1 + 8 - 6)
    assert interval(Affine({}, 3.0), lower, upper) == (3.0, 3.0)
    assert interval(Affine({0: -0.5}), lower, upper) == (-2.0, 0.5)
    assert sizes(X, lower, upper) == (15.0, 8.0)
    assert sizes(Affine({1: -3.0}, -20.0), lower, upper) == (20.0, 20.0)
    assert sizes(Affine({0: 1.0}, 0.25), lower, upper) == (1.0, 4.0)
    assert sizes(Affine({0: -1.0}, 0.25), lower, upper) == (4.0, 1.0)
    assert value_of(X, np.array([0.5, 2.0])) == 1 + 1 - 6
    assert [size_of(X, np.array(at)) for at in ([0.1, 0.1], [-4.0, 1.0], [0.0, -9.0])] == [1.0, 8.0, 27.0]
    assert size_of(Affine({}, -7.0), np.zeros(0)) == 7.0
    assert size_of(Affine({0: 1.0}, 0.5), np.zeros(1)) == 1.0


def test_a_product_lies_between_the_products_of_the_ends() -> None:
    assert times((-2.0, 3.0), (-5.0, 7.0)) == (-15.0, 21.0)
    assert times((2.0, 3.0), (5.0, 7.0)) == (10.0, 21.0)
    assert times((0.0, 1.0), (-np.inf, np.inf)) == (-np.inf, np.inf)
    assert times((0.0, 0.0), (-np.inf, np.inf)) == (0.0, 0.0)


# -- cells and their numbers ------------------------------------------------------------------------------------------


def _store(path: Path) -> Store:
    return Store(Workbook.open(write(path / "book.xlsx", {"A1": 1.0, "C2": "=A1+1", "B3": "x"})))


def test_further_cells_come_before_the_empty_one(tmp_path: Path) -> None:
    store = _store(tmp_path)
    store.numbers[-1], store.kinds[-1] = -7.0, BOOLEAN  # to know it again
    store.table.rows[-1], store.table.columns[-1] = 91, 92
    cells = store.extend(np.array([5, 6]), np.array([8, 9]), np.array([2.5, 3.5]), np.array([True, False]))
    assert (cells.tolist(), store.table.count) == ([3, 4], 5)
    arrays = (store.group_of, store.kinds, store.numbers, store.tainted, store.done, store.operand, store.first_error)
    assert {len(array) for array in arrays} == {6}
    assert store.numbers.tolist() == [1.0, 0.0, store.numbers[2], 2.5, 3.5, -7.0]
    assert store.kinds[3:].tolist() == [NUMBER, NUMBER, BOOLEAN]
    assert store.group_of.tolist() == [-1, 0, -1, -1, -1, -1]
    assert store.tainted[3:].tolist() == [True, False, False]
    assert store.done.tolist() == [True, False, True, True, True, True]
    assert (store.operand[3:].tolist(), store.first_error[3:].tolist()) == ([0.0] * 3, [False] * 3)
    table = store.table
    assert (table.rows[3:].tolist(), table.columns[3:].tolist()) == ([5, 6, 91], [8, 9, 92])
    assert table.sheets.tolist() == [0, 0, 0, -1, -1, -1]
    assert (len(table.kinds), len(table.numbers)) == (6, 6)
    assert table.words(3) == "an empty cell" and str(table.cell(1)) == table.words(1) == "S!C2"


def test_a_copy_of_a_store_is_evaluated_apart(tmp_path: Path) -> None:
    store = _store(tmp_path)
    store.done[:], store.tainted[:2] = True, True
    moved = store.at(np.array([0]), np.array([9.0]))
    assert (moved.numbers[0], store.numbers[0]) == (9.0, 1.0)
    assert (moved.done.tolist(), store.done.all()) == ([True, False, True, True], np.True_)
    store.tainted[1] = False
    assert store.at(np.array([0]), np.array([9.0])).done.all()
    moved.tainted[0] = moved.first_error[0] = True
    moved.kinds[0], moved.operand[0] = ERROR, 4.0
    assert (store.kinds[0], store.operand[0], store.first_error[0]) == (NUMBER, 0.0, False)


def test_cells_are_found_by_row_and_column(tmp_path: Path) -> None:
    book = Workbook.open(write(tmp_path / "book.xlsx", {"A1": 1.0, "C2": 2.0, "B3": 3.0}, more={"T": {"D4": 4.0}}))
    table = CellTable(book, [parse_area("A1:A2", "S")], ["S!A1+1", "7*2"])
    wanted = np.array([1, 2, 2, 3, 4, 0, 1])
    assert table.find(0, wanted, np.array([1, 1, 3, 2, 1, 1, MAX_COLUMN])).tolist() == [0, 1, 2, 3, -1, -1, -1]
    assert table.find(1, np.array([4]), np.array([4])).tolist() == [4]
    assert table.area(parse_area("A1:C2", "S")).tolist() == [[0, -1, -1], [1, -1, 2]]
    assert (table.count, table.formulas) == (7, {"S!A1+1": 5, "7*2": 6})
    assert (table.words(6), table.words(4), table.kinds[1]) == ("7*2", "T!D4", BLANK)
    assert (table.used_height, table.used_width) == (4, 4)
    rows, columns = missing_cells(
        np.array([1, 2]), np.array([1, 3]), [parse_area("A1:B2", "S"), parse_area("B2:C2", "S")]
    )
    assert (rows.tolist(), columns.tolist()) == ([1, 2, 2], [2, 1, 2])
    rows, columns = missing_cells(np.array([1]), np.array([1]), [parse_area("D9", "S")])
    assert (rows.tolist(), columns.tolist()) == ([9], [4])
    rows, columns = missing_cells(np.zeros(0, np.int64), np.zeros(0, np.int64), [parse_area("B2", "S")])
    assert (rows.tolist(), columns.tolist()) == ([2], [2])
    rows, columns = missing_cells(np.array([2, 1]), np.array([3, 1]), [parse_area("A1:C2", "S")])
    assert (rows.tolist(), columns.tolist()) == ([1, 1, 2, 2], [2, 3, 1, 2])


def test_cells_that_lie_far_apart_are_found_as_well(tmp_path: Path) -> None:
    table = CellTable(Workbook.open(write(tmp_path / "book.xlsx", {"B1": 1.0, "A3": 2.0, "F900000": 3.0})))
    rows, columns = np.array([1, 3, 900_000, 1, 1, 900_000, 900_001]), np.array([2, 1, 6, 1, 3, 7, 1])
    assert table.indexes[0].grid is None
    assert table.find(0, rows, columns).tolist() == [0, 1, 2, -1, -1, -1, -1]
    two = {"B1": 4.0, "A3": 5.0, "F900000": 6.0}
    book = Workbook.open(write(tmp_path / "two.xlsx", {"A1": 1.0, "A2": 2.0}, more={"T": two}))
    assert CellTable(book).find(1, rows, columns).tolist() == [2, 3, 4, -1, -1, -1, -1]
    empty = CellTable(Workbook.open(write(tmp_path / "empty.xlsx", {})))
    assert empty.find(0, rows, columns).tolist() == [-1] * 7
    assert (empty.used_height, empty.used_width, empty.count) == (1, 1, 0)


# -- shapes -----------------------------------------------------------------------------------------------------------


def test_values_are_stretched_and_what_is_missing_is_not_available() -> None:
    assert fit(_numbers([[[1]]]), (1, 2, 2)).numbers.tolist() == [[[1, 1], [1, 1]]]
    assert fit(_numbers([[[1, 2]]]), (1, 2, 2)).numbers.tolist() == [[[1, 2], [1, 2]]]
    cut = fit(_numbers([[[1, 2, 3], [4, 5, 6], [7, 8, 9]]]), (1, 2, 2))
    assert cut.numbers.tolist() == [[[1, 2], [4, 5]]] and (cut.kinds == NUMBER).all()
    padded = fit(_numbers([[[1, 2], [3, 4]]]), (1, 3, 5))
    assert padded.kinds.tolist() == [[[NUMBER] * 2 + [ERROR] * 3] * 2 + [[ERROR] * 5]]
    assert padded.numbers.tolist() == [[[1, 2, NA, NA, NA], [3, 4, NA, NA, NA], [NA] * 5]]
    tall = fit(_numbers([[[1, 2]]]), (1, 2, 3))
    assert tall.numbers.tolist() == [[[1, 2, NA]] * 2] and tall.kinds[0, 1].tolist() == [NUMBER, NUMBER, ERROR]
    high = fit(_numbers([[[1], [2]]]), (1, 3, 2))
    assert high.numbers.tolist() == [[[1, 1], [2, 2], [NA, NA]]]


def test_a_result_is_kept_as_a_cell_keeps_it() -> None:
    kept = finished(_of([[[BLANK, ABSENT, NUMBER, NUMBER, TEXT, BOOLEAN]]], [[[0, 0, np.inf, 2, np.nan, 1]]]))
    assert kept.kinds.tolist() == [[[NUMBER, ERROR, ERROR, NUMBER, TEXT, BOOLEAN]]]
    assert kept.numbers.tolist() == [[[0, NA, NUM, 2, NUM, 1]]]
    mixed = [finished(Array(np.full((1, 1, 1), NUMBER, np.uint8), np.ones((1, 1, 1)), one)).mixed for one in (0, 1, 2)]
    assert mixed == [0 if one == values.OR_BLANK else one for one in (0, 1, 2)]


def test_values_side_by_side_are_one_row_of_each_cell() -> None:
    joined = side_by_side([_numbers([[[1, 2], [3, 4]]]), _numbers([[[5]], [[6]]])])
    assert joined.numbers.tolist() == [[[1, 2, 3, 4, 5]], [[1, 2, 3, 4, 6]]]
    assert joined.kinds.shape == (2, 1, 5)
    assert side_by_side([Array(joined.kinds, joined.numbers, 2), Array(joined.kinds, joined.numbers, 1)]).mixed == 2


def test_some_cells_of_a_result_are_picked() -> None:
    index = np.array([2, 0])
    every = _numbers([[[1]], [[2]], [[3]]])
    same = _numbers([[[7]]])
    assert pick(every, index).numbers.ravel().tolist() == [3, 1]  # type: ignore[union-attr]
    assert pick(same, index) is same
    part = pick(Array(same.kinds, every.numbers), index)
    assert isinstance(part, Array) and (part.kinds.shape, part.numbers.ravel().tolist()) == ((1, 1, 1), [3, 1])
    part = pick(Array(every.kinds, same.numbers), index)
    assert isinstance(part, Array) and (part.kinds.shape, part.numbers.shape) == ((2, 1, 1), (1, 1, 1))
    area = _area([1, 2, 3], 4, [5, 6, 7], 8, [0, 9, 3])
    found = pick(Union((area, _area(1, 1, 1, 1))), index)
    assert isinstance(found, Union)
    one = found.areas[0]
    assert [side.tolist() for side in (one.top, one.left, one.bottom, one.right)] == [[3, 1], [4, 4], [7, 5], [8, 8]]
    assert one.errors is not None and one.errors.tolist() == [3, 0]
    assert found.areas[1].top.tolist() == [1]
    function = pick(Lambda(("x",), t.Number(1.0), {"a": every}, 1), index)
    assert isinstance(function, Lambda) and (function.parameters, function.optional) == (("x",), 1)
    assert function.names["a"].numbers.ravel().tolist() == [3, 1]  # type: ignore[union-attr]
    assert per_cell(np.array([[[True, False]], [[False, False]]]), 2).tolist() == [True, False]
    assert per_cell(np.array(True), 3).tolist() == per_cell(np.array([True]), 3).tolist() == [True] * 3


def test_a_values_size_leaves_padding_out() -> None:
    kinds = [[[NUMBER, ABSENT], [NUMBER, ABSENT]], [[NUMBER, NUMBER], [ABSENT, ABSENT]], [[ABSENT] * 2] * 2]
    padded = _of(kinds, np.zeros((3, 2, 2)))
    assert padded.sizes().tolist() == [[2, 1], [1, 2], [1, 1]]
    assert _numbers([[[1, 2, 3]]]).sizes().tolist() == [[1, 3]]
    assert _of([[[ABSENT]]], [[[0]]]).sizes().tolist() == [[1, 1]]
    some = picked(padded, np.array([0]))
    assert isinstance(some, Array) and (some.kinds.shape, some.numbers.shape) == ((1, 2, 1), (1, 2, 1))
    assert picked(_area([1, 2], 1, [3, 4], 1), np.array([1])).top.tolist() == [2]  # type: ignore[union-attr]


def test_cells_are_taken_together_whose_arrays_are_of_one_size() -> None:
    one, list_, grows = _numbers([[[1]]]), _area(1, 1, 5, 1), _area(1, 1, [3, 4, 3], 1)
    assert size_labels("apart", [one, one]) is None
    assert size_labels("apart", [one, list_, None]) is None
    labels = size_labels("apart", [one, grows])
    assert labels is not None and labels.tolist() == [0, 1, 0]
    assert size_labels("any", [one, grows]) is None
    assert size_labels("alike", [one, grows, grows]) is None
    labels = size_labels("alike", [grows, list_])
    assert labels is not None and labels.tolist() == [0, 1, 0]
    assert size_labels("alike", [grows, _area(1, 1, [3, 4, 3], 2)]) is not None
    assert size_labels("lists", [one, grows]) is None
    # A list of one cell, of a row, of a column; a table that is as high as wide and one that is wider.
    labels = size_labels("lists", [one, _area(1, 1, [1, 1, 3], [1, 3, 1])])
    assert labels is not None and len(set(labels.tolist())) == 3
    labels = size_labels("lists", [one, _area(1, 1, [3, 4, 3], [3, 3, 4])])
    assert labels is not None and labels.tolist() == [1, 1, 0]
    column = _of([[[NUMBER], [NUMBER], [ABSENT]], [[NUMBER], [NUMBER], [NUMBER]]], np.zeros((2, 3, 1)))
    assert size_labels("lists", [one, column]) is None and size_labels("lists", [column, list_]) is not None
    assert size_labels("lists", [one, list_, column]) is not None
    value = _of([[[NUMBER, ABSENT]], [[NUMBER, NUMBER]]], np.zeros((2, 1, 2)))
    labels = size_labels("any", [value])
    assert labels is not None and len(set(labels.tolist())) == 2
    assert size_labels("apart", [Union((list_, grows))]) is not None
    assert size_labels("apart", [Union((list_, list_))]) is None


# -- ranges that grow -------------------------------------------------------------------------------------------------


def test_ranges_that_grow_by_a_row_add_it_to_the_one_before() -> None:
    found = grown_by(_area(2, 1, [4, 2, 3], 3))
    assert found is not None and found[1].tolist() == [1, 2, 0]
    added = found[0]
    assert [side.tolist() for side in (added.top, added.bottom)] == [[4, 2, 3], [4, 2, 3]]
    found = grown_by(_area([5, 6, 7], 1, 7, 3))
    assert found is not None and found[1].tolist() == [2, 1, 0]
    assert [side.tolist() for side in (found[0].top, found[0].bottom)] == [[5, 6, 7], [5, 6, 7]]
    found = grown_by(_area(2, 1, [4, 5, 5], 1))  # the shortest, of three rows, is read whole
    assert found is not None
    assert [side.tolist() for side in (found[0].top, found[0].bottom)] == [[2, 5, 5], [4, 5, 5]]
    assert grown_by(_area(2, 1, [2, 4], 1)) is None  # by two rows
    assert grown_by(_area([1, 2], 1, [3, 5], 1)) is None
    assert grown_by(_area(2, 1, [2, 3], 1, [0, 0])) is None
    half = SMALLEST // 2
    assert grown_by(_area(1, 1, [half, half + 1], 1)) is not None
    assert grown_by(_area(1, 1, [half + 1, half + 2], 1)) is None


def test_large_ranges_that_grow_are_read_as_one() -> None:
    n = 1001
    heights = np.arange(n)
    down, up = _area(2, 3, 1001 + heights, 3), _area(2001 - heights, 3, 3001, 3)
    assert is_large(down) and is_large(up)
    assert not is_large(_area(2, 3, 1001 + 0 * heights, 3)) and not is_large(_area(1, 1, [1, SMALLEST // 2], 1))
    assert is_large(_area(1, 1, [1, SMALLEST // 2 + 1], 1)) and is_large(_area(1, 1, [1, SMALLEST // 4 + 1], 2))
    found = grown_together([down])
    assert found is not None
    (whole,), grown = found
    assert [side.tolist() for side in (whole.top, whole.left, whole.bottom, whole.right)] == [[2], [3], [2001], [3]]
    assert (grown.heights.tolist(), grown.rows, grown.upwards) == ((1000 + heights).tolist(), 2000, False)
    assert grown.places().tolist() == list(range(1, 2001))
    found = grown_together([up])
    assert found is not None and found[1].upwards and found[1].places().tolist()[:2] == [2000 + 1, 2000]
    assert grown_together([down, _area(5, 9, 1004 + heights, 9)]) is not None
    assert grown_together([down, _area(5, 9, 1005 + heights, 9)]) is None
    assert grown_together([down, up]) is None
    bottoms = np.arange(1, 1502)
    assert grown_together([_area(1, 1, bottoms, 1)]) is not None
    assert grown_together([_area(1, 1, bottoms - 1, 1)]) is None  # the first has no row
    assert grown_together([_area(2, 3, 1001 + heights, 3, np.zeros(n))]) is None
    assert grown_together([_area(2, 3 + heights % 2, 1001 + heights, 4)]) is None
    around = bounding(_area([3, 1], [5, 4], [9, 8], [6, 7]))
    assert [side.tolist() for side in (around.top, around.left, around.bottom, around.right)] == [[1], [4], [9], [7]]


# -- where a model bends --------------------------------------------------------------------------------------------


def test_what_bends_is_called_by_what_a_person_wrote() -> None:
    scopes: list[tuple[str, ...]] = [(), ("*",), ("IF", "<"), ("<",), ("SUM", "÷"), ("SUM", "COUNTIF"), ("<", "&", "=")]
    assert [_function(scope) for scope in scopes] == [
        "an operation", "a product", "IF", "a comparison (<)", "a quotient", "COUNTIF", "a text"
    ]  # fmt: skip


def test_the_cells_that_bend_are_told_where_each_row_is_one_cell() -> None:
    bend: Any = SimpleNamespace(rows=np.array([2, 0]), length=3)
    assert _rows(bend, 3) == [2, 0]
    assert _rows(bend, 4) == [0, 1, 2, 3]
    assert _rows(SimpleNamespace(rows=None, length=3), 3) == [0, 1, 2]  # type: ignore[arg-type]


# -- points at which a model is held to the sheet ---------------------------------------------------------------------


def test_points_are_within_the_bounds_and_begin_with_the_start() -> None:
    start = np.array([1.0, -2.0, 30.0])
    lower, upper = np.array([0.0, -np.inf, 20.0]), np.array([4.0, np.inf, 50.0])
    points = list(points_within(start, lower, upper, np.array([True, False, False])))
    assert points[0].tolist() == start.tolist() and len(points) == 1 + 3 * 4 + 2 * 3
    assert all((lower <= point).all() and (point <= upper).all() for point in points)
    assert all(point[0] == round(point[0]) and point[1] == round(point[1], 9) for point in points)
    # Each cell alone at its ends; one without an end nine times its size, or 9, away.
    assert [point.tolist() for point in points[-6:]] == [
        [0, -2, 30], [4, -2, 30], [1, -20, 30], [1, 16, 30], [1, -2, 20], [1, -2, 50]
    ]  # fmt: skip
    everywhere = points[1:13:3]
    assert len({point[1] for point in everywhere}) == 4 and any(abs(point[1] + 2) > 4 for point in everywhere)
    near = points[2:13:3]
    assert all(abs(point[1] + 2) <= 4 for point in near) and any(abs(point[1] + 2) > 1 for point in near)
    some = {point[1] for point in points[3:13:3]}
    assert some & {-20.0, 16.0, -2.0}


class Variables(SimpleNamespace):
    def followed(self, x: Any) -> Any:
        return x

    def allows(self, values: Any) -> bool:
        return bool(values[1] <= 10)

    def at_edge(self, values: Any) -> bool:
        return bool(values[0] == 7)


def test_a_model_agrees_with_the_sheet_where_its_values_do_and_its_rows_are_met() -> None:
    rows = (Affine({0: 1.0}, -2.0), Affine({1: 1.0}, -3.0))
    model: Any = SimpleNamespace(variables=Variables(), objective=X, rows=rows, relations=["<=", "="])

    def agrees(x: tuple[float, float], *sheet: float) -> bool | None:
        return _agrees(model, np.array(x), np.array(sheet) if sheet else None)

    assert agrees((1.0, 3.0), -6.0, -1.0, 0.0) is True  # 2 − 9 + 1, 1 − 2, 3 − 3
    assert agrees((1.0, 3.0), -6.0 + 5e-7, -1.0, 0.0) is True and agrees((1.0, 3.0), -6.0 + 2e-6, -1.0, 0.0) is False
    assert agrees((1.0, 3.0), -6.0, -1.5, 0.0) is False and agrees((1.0, 3.0)) is None
    assert agrees((7.0, 3.0), 0.0, 5.0, 0.0) is None  # where a choice changes nothing is to be told
    assert agrees((np.inf, 3.0), 1.0, 1.0, 1.0) is None
    # Beyond the bounds the model need not be the sheet, if a row is missed there; if it is, it agrees.
    assert agrees((1.0, 20.0), -57.0, -1.0, 17.0) is True
    assert agrees((1.0, 20.0), -50.0, -1.0, 17.0) is None
    assert agrees((1.0, 20.0), -57.0, -1.0, 0.0) is False

    def violates(relation: str, number: float) -> bool:
        return _violates(SimpleNamespace(relations=[relation]), np.array([number]))  # type: ignore[arg-type]

    asked = [[violates(relation, number) for number in (-0.5, 0.0, 0.5)] for relation in ("<=", ">=", "=")]
    assert asked == [[False, False, True], [True, False, False], [True, False, True]]


def test_a_model_gives_the_sheet_if_it_agrees_somewhere_and_fails_nowhere() -> None:
    variables = Variables(lower=[-5.0, -5.0], upper=[5.0, 5.0], integer=[False, True])
    model: Any = SimpleNamespace(variables=variables, objective=X, rows=(), relations=[])
    start, asked = np.array([1.0, 3.0]), list[Any]()

    def told(differs: float, known: int) -> bool:
        asked.clear()

        def sheet_at(x: Any) -> Any:
            asked.append(x)
            number = value_of(X, x) + differs * (len(asked) == 5)
            return np.array([number]) if len(asked) <= known else None

        return gives_the_sheet(model, start, sheet_at)

    assert told(0.0, 99) and len(asked) == 13 and all(x[1] == round(x[1]) for x in asked)
    assert told(0.0, 1) and not told(0.0, 0)
    assert not told(1.0, 99) and len(asked) == 5
    assert told(1.0, 4)


def test_points_near_the_start_are_within_twice_its_size() -> None:
    start = np.array([0.0, 0.5, -40.0] * 5)
    near = list(points_within(start, start - np.inf, start + np.inf, start < -99))[2:13:3]
    far = np.concatenate([(point - start) / np.maximum(1.0, abs(start)) for point in near])
    assert far.min() >= -2.0 and far.max() <= 2.0 and far.min() < -1.5 and far.max() > 1.5


@pytest.mark.parametrize(("count", "points"), [(8, 29), (9, 29), (1, 15)])
def test_at_most_eight_cells_are_put_to_their_ends_alone(count: int, points: int) -> None:
    zero = np.zeros(count)
    found = list(islice(points_within(zero, zero - 1, zero + 1, np.zeros(count, bool)), 99))
    assert len(found) == points
    assert [np.count_nonzero(point) for point in found[13:]] == [1] * (points - 13)

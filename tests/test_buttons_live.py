"""Reading an open workbook asks its program as little as possible; a stand-in for Excel counts the questions."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from embedsheet.book.setups import Constraint
from embedsheet.ground.notation.addresses import Area, parse_area
from embedsheet.hosts.live import blocks_of, live_workbook, write_areas
from embedsheet.hosts.live_names import LiveNames
from embedsheet.hosts.through_xlwings import XlwingsHost, rows_of


class FakeNames:
    """Names that can be asked for one by one; enumerating them fails the test."""

    def __init__(self, meanings: dict[str, str], asked: Counter[str]) -> None:
        self.meanings, self.asked = {name.lower(): text for name, text in meanings.items()}, asked
        self.full: dict[str, str] = {}

    def contains(self, name: str) -> bool:
        self.asked["names"] += 1
        return name.lower() in self.meanings

    def __getitem__(self, name: str) -> Any:
        return type("Name", (), {"name": self.full.get(name.lower(), name), "refers_to": self.meanings[name.lower()]})

    def __iter__(self) -> Iterator[Any]:
        raise AssertionError("the names were enumerated, which can take minutes on macOS")


class FakeRange:
    def __init__(self, sheet: FakeSheet, area: Area) -> None:
        self.sheet, self.area = sheet, area
        self.row, self.column, self.shape = area.top, area.left, area.shape
        self.keywords: dict[str, Any] = {}

    def _block(self, cells: dict[tuple[int, int], Any]) -> Any:
        rows = [
            tuple(cells.get((row, column)) for column in range(self.area.left, self.area.right + 1))
            for row in range(self.area.top, self.area.bottom + 1)
        ]
        return rows[0][0] if self.area.size == 1 else tuple(rows)  # as COM gives it

    def options(self, **keywords: Any) -> FakeRange:
        self.keywords = keywords
        return self

    @property
    def value(self) -> Any:
        self.sheet.asked[f"{self.sheet.name} values"] += 1
        dates = self.keywords["dates"]

        def seen(value: Any) -> Any:
            if isinstance(value, datetime.datetime):
                return dates(year=value.year, month=value.month, day=value.day, hour=value.hour, minute=value.minute,
                             second=value.second, microsecond=0, tzinfo=None)  # fmt: skip
            return value

        return [[seen(value) for value in row] for row in rows_of(self._block(self.sheet.values))]

    @value.setter
    def value(self, rows: Any) -> None:
        if self.sheet.stubborn:
            raise OSError("the program refused")
        for line, row in enumerate(rows, self.area.top):
            for place, value in enumerate(row, self.area.left):
                self.sheet.values[line, place] = value

    @property
    def formula(self) -> Any:
        self.sheet.asked[f"{self.sheet.name} formulas"] += 1
        return self._block({**self.sheet.values, **self.sheet.formulas})

    @property
    def has_array(self) -> bool | None:
        self.sheet.asked["has_array"] += 1
        inside = [any(array.top <= c.row <= array.bottom and array.left <= c.column <= array.right
                      for array in self.sheet.arrays) for c in self.area.cells()]  # fmt: skip
        return None if any(inside) and not all(inside) else all(inside)

    def __getitem__(self, key: Any) -> FakeRange:
        top, left = self.area.top, self.area.left
        return FakeRange(self.sheet, Area(self.sheet.name, top, left, top, left))

    @property
    def api(self) -> Any:
        array = next(a for a in self.sheet.arrays if a.top <= self.row <= a.bottom and a.left <= self.column <= a.right)
        current = type("Array", (), {"Address": array.local(absolute=True), "get_address": lambda: array.local(True)})
        return type("Com", (), {"CurrentArray": current, "current_array": current})


class FakeSheet:
    visible = True
    tables: tuple[Any, ...] = ()

    def __init__(self, name: str, cells: dict[str, Any], names: dict[str, str], asked: Counter[str]) -> None:
        self.name, self.asked, self.stubborn = name, asked, False
        self.values: dict[tuple[int, int], Any] = {}
        self.formulas: dict[tuple[int, int], str] = {}
        self.arrays: list[Area] = []
        for address, content in cells.items():
            area = parse_area(address, name)
            place = area.top, area.left
            if isinstance(content, tuple):
                self.formulas[place], self.values[place] = content
            else:
                self.values[place] = content
        self.names = FakeNames(names, asked)
        self.book: Any = None

    @property
    def used_range(self) -> FakeRange:
        rows, columns = zip(*self.values, strict=True)
        return FakeRange(self, Area(self.name, min(rows), min(columns), max(rows), max(columns)))

    def range(self, first: tuple[int, int], last: tuple[int, int]) -> FakeRange:
        return FakeRange(self, Area(self.name, *first, *last))


class FakeSheets(list[FakeSheet]):
    def __getitem__(self, key: Any) -> Any:
        return next(sheet for sheet in self if sheet.name == key) if isinstance(key, str) else super().__getitem__(key)


class FakeBook:
    fullname = "C:\\models\\book.xlsm"

    def __init__(self, sheets: list[FakeSheet], names: dict[str, str], asked: Counter[str]) -> None:
        self.sheets = FakeSheets(sheets)
        self.names = FakeNames(names, asked)
        engine = type("Engine", (), {"name": "excel"})
        self.app = type("App", (), {"engine": engine, "screen_updating": True})()
        for sheet in sheets:
            sheet.book = self


@pytest.fixture
def asked() -> Counter[str]:
    return Counter()


@pytest.fixture
def book(asked: Counter[str]) -> FakeBook:
    model = FakeSheet(
        "Model",
        {
            "B2": 1.0, "B3": 2.0, "C2": True, "C3": "#N/A", "D2": "=text", "D3": datetime.datetime(2024, 1, 2),
            "E2": ("=scale*B2+Rates!A1", 7.0), "E3": ("=IF(B3>0,\"\",\"scale.other\")", None), "E4": ("=B2+B3", 3.0),
        },
        {
            "solver_opt": "=Model!$E$4", "solver_adj": "=Model!$B$2:$B$3", "solver_typ": "=2", "solver_num": "=1",
            "solver_lhs1": "=Model!$B$2", "solver_rel1": "=1", "solver_rhs1": "=10", "scale": "=factor*2",
        },
        asked,
    )  # fmt: skip
    rates = FakeSheet("Rates", {"A1": 5.0}, {}, asked)
    unused = FakeSheet("Unused", {"A1": 5.0, "A2": ("=A1", 5.0)}, {}, asked)
    return FakeBook([model, rates, unused], {"factor": "=1", "unused": "=9"}, asked)


def test_only_the_sheets_that_the_model_needs_are_read_each_in_two_blocks(book: Any, asked: Counter[str]) -> None:
    live_workbook(XlwingsHost(book), "Model")
    blocks = {question: count for question, count in asked.items() if question.endswith(("values", "formulas"))}
    assert blocks == {"Model values": 1, "Model formulas": 1, "Rates values": 1, "Rates formulas": 1}


def test_values_formulas_and_kinds_come_as_from_a_file(book: Any) -> None:
    live = live_workbook(XlwingsHost(book), "Model")
    assert live.values(Area("Model", 2, 2, 3, 5)) == [
        [1.0, True, "=text", 7.0],
        [2.0, "#N/A", 45293.0, ""],  # 2 January 2024, as Excel counts days
    ]
    assert live.sheets["Model"].formula_texts == ["scale*B2+Rates!A1", 'IF(B3>0,"","scale.other")', "B2+B3"]
    assert live.values(Area("Unused", 1, 1, 1, 1)) == [[None]]  # not read, as nothing leads there


def test_the_solver_model_is_read_name_by_name(book: Any) -> None:
    setup = live_workbook(XlwingsHost(book), "Model").setups["Model"]
    assert setup.objective == ("Model", 4, 5)
    assert setup.changing == (Area("Model", 2, 2, 3, 2),)
    assert setup.sense == "minimize"
    assert setup.constraints == (Constraint(Area("Model", 2, 2, 2, 2), "<=", 10.0),)


def test_the_options_of_solver_are_read_with_its_model(book: Any) -> None:
    book.sheets[0].names.meanings |= {"solver_tim": "=30", "solver_mip": "=2147483647", "solver_msl": "=1"}
    options = live_workbook(XlwingsHost(book), "Model").setups["Model"].options
    assert (options.seconds, options.solutions, options.multistart) == (30, None, True)


def test_names_are_found_where_formulas_and_other_names_use_them(book: Any) -> None:
    found = {(name.sheet, name.name): name.text for name in live_workbook(XlwingsHost(book), "Model", ["unused"]).names}
    assert found == {("Model", "scale"): "factor*2", (None, "factor"): "1", (None, "unused"): "9"}


def test_a_sheets_name_that_excel_gives_for_the_workbooks_is_not_taken_for_it(book: Any) -> None:
    book.names.meanings["scale"] = "=Other!$A$1"
    book.names.full["scale"] = "Model!scale"
    found = {(name.sheet, name.name): name.text for name in live_workbook(XlwingsHost(book), "Model").names}
    assert found == {("Model", "scale"): "factor*2", (None, "factor"): "1"}


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("SUM(rate,B2:B$3)", {"rate"}),
        ("IF(TRUE,x_1,\"not.a.name\")", {"x_1"}),
        ("'rate sheet'!A1+Sheet1!local", {"local"}),
        ("Sales[rate]+1E5+LOG10(weights.k)", {"sales", "weights.k"}),
        ("OFFSET(start,1,2)", {"start"}),
    ],
)  # fmt: skip
def test_a_formulas_words_are_those_that_can_be_names(formula: str, words: set[str], asked: Counter[str]) -> None:
    names = LiveNames(XlwingsHost(FakeBook([FakeSheet("S", {}, {}, asked)], {}, asked)), ())
    names.follow("S", [formula])
    assert set(names._words) == words


def test_array_formulas_are_found_by_halving(book: Any, asked: Counter[str], monkeypatch: pytest.MonkeyPatch) -> None:
    sheet = book.sheets["Model"]
    for row in range(10, 74):
        for column in range(1, 65):
            sheet.values[row, column] = 0.0
    square, single = Area("Model", 20, 3, 29, 12), Area("Model", 60, 40, 60, 40)
    sheet.arrays = [square, single]
    for area in sheet.arrays:
        for cell in area.cells():
            sheet.formulas[cell.row, cell.column] = "=MMULT(A1:B2,A1:B2)"
    live = live_workbook(XlwingsHost(book), "Model")
    assert {array.area for array in live.sheets["Model"].arrays.values()} == {square, single}
    # Only the anchors hold the formula, as in a file.
    assert sum(text.startswith("MMULT") for text in live.sheets["Model"].formula_texts) == 2
    assert asked["has_array"] < 200  # of 4,096 cells


def test_a_refused_write_puts_back_what_was_written_before(book: Any) -> None:
    book.sheets["Rates"].stubborn = True
    blocks = [(Area("Model", 2, 2, 3, 2), [[8.0], [9.0]]), (Area("Rates", 1, 1, 1, 1), [[0.0]])]
    with pytest.raises(OSError, match="refused"):
        write_areas(XlwingsHost(book), blocks)
    assert (book.sheets["Model"].values[2, 2], book.sheets["Model"].values[3, 2]) == (1.0, 2.0)
    assert book.app.screen_updating is True


def test_a_vector_is_cut_into_the_changing_areas() -> None:
    areas = [Area("S", 1, 1, 2, 2), Area("S", 5, 1, 5, 3)]
    blocks = blocks_of(areas, np.arange(7.0))
    assert blocks == [(areas[0], [[0.0, 1.0], [2.0, 3.0]]), (areas[1], [[4.0, 5.0, 6.0]])]

"""A third judge in process: the formula engine inside pyOpenVBA, held by its authors to formulas that Excel calculated.

It is private there, so a change of it skips the tests that ask it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from embedsheet.ground.notation.addresses import column_letters, column_number
from kit.judges import CellValue


def openvba_values(cells: Mapping[str, CellValue]) -> dict[str, CellValue]:
    """Return the values of one sheet's formulas ("=…", arrays "{=…}"); "failed" where the engine breaks down."""
    book = _book(cells)
    return {f"{column_letters(column)}{row}": book.result(row, column) for row, column in list(book.formulas)}


def _book(cells: Mapping[str, CellValue]) -> Any:
    evaluator = pytest.importorskip("pyopenvba.formula._calc.evaluator")
    values = pytest.importorskip("pyopenvba.formula._calc.values")
    calc = pytest.importorskip("pyopenvba.formula._calc")
    pytest.importorskip("pyopenvba.formula._calc.functions")

    class Book:
        """The workbook as the engine asks for it: one sheet S."""

        epoch_1904, name, folder = False, "book.xlsx", None

        def __init__(self) -> None:
            self.constants: dict[tuple[int, int], Any] = {}
            self.formulas: dict[tuple[int, int], str] = {}
            self.arrays: set[tuple[int, int]] = set()
            for address, value in cells.items():
                match = re.fullmatch(r"([A-Z]+)(\d+)(:.*)?", address)
                assert match is not None
                place = int(match[2]), column_number(match[1])
                if isinstance(value, str) and value.startswith("{="):
                    self.formulas[place] = value[2:-1]
                    self.arrays.add(place)
                elif isinstance(value, str) and value.startswith("="):
                    self.formulas[place] = value[1:]
                elif value is not None:
                    self.constants[place] = value if isinstance(value, str | bool) else float(value)

        def result(self, row: int, column: int) -> CellValue:
            try:
                value = self.cell("S", row, column)
            except (ArithmeticError, ValueError, TypeError, AttributeError, NotImplementedError):
                return "failed"
            return value.code if isinstance(value, values.CellError) else value  # type: ignore[no-any-return]

        def cell(self, sheet: str, row: int, column: int) -> Any:
            place = row, column
            if place not in self.constants and place in self.formulas:
                context = evaluator.Context(self, "S", row, column, array=place in self.arrays)
                try:
                    value = context.formula(calc.parse(self.formulas[place]))
                    if isinstance(value, values.Array):
                        value = value.rows[0][0]
                    elif isinstance(value, values.Reference):
                        value = context.first(value) if context.array else context.implicit(value)
                except values.ExcelError as error:
                    value = error.args[0]
                self.constants[place] = 0.0 if isinstance(value, values.Empty) else value
            return self.constants.get(place, values.EMPTY)

        def cells(self, area: Any) -> Iterator[tuple[int, int, Any]]:
            last_row, last_column = self.used("S")
            for row in range(area.top, min(area.bottom, last_row) + 1):
                for column in range(area.left, min(area.right, last_column) + 1):
                    value = self.cell("S", row, column)
                    if not isinstance(value, values.Empty):
                        yield row, column, value

        def used(self, sheet: str) -> tuple[int, int]:
            places = [*self.constants, *self.formulas]
            return max(row for row, _ in places), max(column for _, column in places)

        def sheet_key(self, name: str) -> str | None:
            return "S" if name.upper() == "S" else None

        def sheet_order(self) -> list[str]:
            return ["S"]

        def formula_text(self, sheet: str, row: int, column: int) -> str | None:
            return self.formulas.get((row, column))

        def subtotal(self, sheet: str, row: int, column: int) -> bool:
            return "SUBTOTAL" in self.formulas.get((row, column), "")

        def defined_name(self, *_: Any) -> None:
            return None

        table = table_at = spill = defined_name

        def row_hidden(self, *_: Any) -> bool:
            return False

        row_filtered = row_hidden

    return Book()

"""xlwings' Range over UNO: values and formulas of a whole block in one call."""

from __future__ import annotations

from typing import Any

from xlwings import base_classes

from embedsheet.ground.errors import ModelError
from embedsheet.ground.notation.addresses import Area
from embedsheet.hosts.libreoffice.formulas import rows_to_excel, to_calc
from embedsheet.hosts.libreoffice.parents import CellError, Worksheet

_ERROR_RESULTS = 4  # com.sun.star.sheet.FormulaResult.ERROR
_LOGICAL = 1024  # com.sun.star.util.NumberFormat.LOGICAL
_CLEAR = 1 | 2 | 4 | 16  # com.sun.star.sheet.CellFlags VALUE, DATETIME, STRING, FORMULA
# com.sun.star's error numbers → Excel's errors; any other is #VALUE!.
_ERRORS = {
    32767: "#N/A",
    532: "#DIV/0!",
    503: "#NUM!",
    502: "#NUM!",
    519: "#VALUE!",
    524: "#REF!",
    525: "#NAME?",
    521: "#NULL!",
}


class Range(base_classes.Range):
    """A rectangle of cells; `area` is (top, left, bottom, right), counted from 1, edges included."""

    def __init__(self, sheet: Worksheet, area: tuple[int, int, int, int]) -> None:
        self.sheet = sheet
        self.area = area
        self.options: dict[str, Any] = {}
        self.arg1_input = ""

    @property
    def api(self) -> Any:
        top, left, bottom, right = self.area
        return self.sheet.uno.getCellRangeByPosition(left - 1, top - 1, right - 1, bottom - 1)

    @property
    def coords(self) -> tuple[str, int, int, int, int]:
        return (self.sheet.name, self.row, self.column, *self.shape)

    @property
    def row(self) -> int:
        return self.area[0]

    @property
    def column(self) -> int:
        return self.area[1]

    @property
    def shape(self) -> tuple[int, int]:
        top, left, bottom, right = self.area
        return bottom - top + 1, right - left + 1

    @property
    def address(self) -> str:
        return Area(self.sheet.name, *self.area).local(absolute=True)

    def get_address(self, row_absolute: bool, col_absolute: bool, external: bool) -> str:
        area = Area(self.sheet.name, *self.area)
        local = area.local(absolute=row_absolute and col_absolute)
        return f"[{self.sheet.book.name}]{area}" if external else local

    def __len__(self) -> int:
        rows, columns = self.shape
        return rows * columns

    def __call__(self, arg1: int, arg2: int | None = None) -> Range:
        """The cell at (row, column) of the range, or the n-th cell, row by row; both from 1."""
        if arg2 is None:
            row, column = divmod(arg1 - 1, self.shape[1])
        else:
            row, column = arg1 - 1, arg2 - 1
        top, left = self.row + row, self.column + column
        return Range(self.sheet, (top, left, top, left))

    # xlwings chunks large blocks for Excel's sake; UNO takes a whole sheet at once.
    max_cells_per_read = None
    max_cells_per_write = None

    @property
    def raw_value(self) -> list[list[Any]]:
        """Rows of float, str, bool, CellError, or "" for nothing."""
        cells = self.api
        rows = [list(row) for row in cells.getDataArray()]
        top, left, _, _ = self.area
        if any(value is None for row in rows for value in row):
            for area in cells.queryFormulaCells(_ERROR_RESULTS).getRangeAddresses():
                for row in range(area.StartRow, area.EndRow + 1):
                    for column in range(area.StartColumn, area.EndColumn + 1):
                        code = self.sheet.uno.getCellByPosition(column, row).getError()
                        rows[row - top + 1][column - left + 1] = CellError(_ERRORS.get(code, "#VALUE!"))
        if not any(value in (0.0, 1.0) for row in rows for value in row):
            return rows
        for area in self._boolean_areas(cells):
            for row in range(area.StartRow, area.EndRow + 1):
                line = rows[row - top + 1]
                for column in range(area.StartColumn, area.EndColumn + 1):
                    value = line[column - left + 1]
                    if isinstance(value, float) and value in (0.0, 1.0):
                        line[column - left + 1] = bool(value)
        return rows

    @raw_value.setter
    def raw_value(self, data: Any) -> None:
        self._write(data, lambda value: value, "setDataArray")

    def _boolean_areas(self, cells: Any) -> list[Any]:
        # UNO gives TRUE as 1; only the number format, which a boolean result brings along, tells them apart.
        formats = self.sheet.book.model.NumberFormats
        logical: dict[int, bool] = {}  # by the format's key
        areas = []
        groups = cells.getUniqueCellFormatRanges()
        for place in range(groups.Count):
            group = groups.getByIndex(place)
            key = group.NumberFormat
            if not isinstance(key, int):
                continue
            if key not in logical:
                logical[key] = bool(formats.getByKey(key).Type & _LOGICAL)
            if logical[key]:
                areas += group.getRangeAddresses()
        return areas

    @property
    def formula(self) -> Any:
        rows = self.api.getFormulaArray()
        translated = rows_to_excel(rows, self.sheet.book.translator())
        # UNO marks text that looks like a number with an apostrophe; Excel gives the bare text.
        plain = [[text[1:] if text.startswith("'") else text for text in row] for row in translated]
        return plain[0][0] if len(self) == 1 else tuple(map(tuple, plain))

    @formula.setter
    def formula(self, value: Any) -> None:
        self._write(value, _formula_cell, "setFormulaArray")

    formula2 = formula

    @property
    def formula_array(self) -> str:
        text = str(self.api.getArrayFormula())
        return self.sheet.book.translator()(text) if text else ""

    @formula_array.setter
    def formula_array(self, value: str) -> None:
        self.api.setArrayFormula(to_calc(value))

    @property
    def has_array(self) -> bool | None:
        """True when all cells belong to array formulas, None when some do."""
        flags = {text.startswith("{=") for row in self.api.getFormulaArray() for text in row}
        return flags.pop() if len(flags) == 1 else None

    @property
    def current_array(self) -> Range:
        """The whole area of the array formula that the first cell belongs to."""
        cursor = self.sheet.uno.createCursorByRange(self(1).api)
        cursor.collapseToCurrentArray()
        found = cursor.RangeAddress
        return Range(self.sheet, (found.StartRow + 1, found.StartColumn + 1, found.EndRow + 1, found.EndColumn + 1))

    def _write(self, data: Any, prepare: Any, method: str) -> None:
        rows, columns = self.shape
        if not isinstance(data, list | tuple):
            block = ((prepare(data),) * columns,) * rows
        else:
            lines = data if data and isinstance(data[0], list | tuple) else [data]
            block = tuple(tuple(prepare(value) for value in line) for line in lines)
        refusal = self.sheet.refusal
        if refusal:
            raise ModelError(refusal)
        getattr(self.api, method)(block)

    def clear_contents(self) -> None:
        self.api.clearContents(_CLEAR)

    @property
    def number_format(self) -> str:
        return str(self.sheet.book.model.NumberFormats.getByKey(self.api.NumberFormat).FormatString)

    @number_format.setter
    def number_format(self, value: str) -> None:
        from embedsheet.hosts.libreoffice.locate import import_uno

        locale = import_uno().createUnoStruct("com.sun.star.lang.Locale", Language="en", Country="US")
        formats = self.sheet.book.model.NumberFormats
        key = formats.queryKey(value, locale, False)
        self.api.NumberFormat = key if key != -1 else formats.addNew(value, locale)

    @property
    def color(self) -> tuple[int, int, int] | None:
        value = int(self.api.CellBackColor)
        return None if value == -1 else (value >> 16 & 255, value >> 8 & 255, value & 255)

    @color.setter
    def color(self, value: tuple[int, int, int] | None) -> None:
        self.api.CellBackColor = -1 if value is None else value[0] << 16 | value[1] << 8 | value[2]

    def select(self) -> None:
        self.sheet.book.controller.select(self.api)


def _formula_cell(value: Any) -> str:
    text = str(value)
    return to_calc(text) if text.startswith("=") else text

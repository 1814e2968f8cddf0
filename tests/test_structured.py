"""Structured references mean the same cells to a formula and to whoever names them: one grammar, one rule."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest
from openpyxl.worksheet.table import Table

from embedsheet.ground.errors import ModelError
from embedsheet.workbook import Workbook
from kit.judges import embedsheet_values, libreoffice_values

COLUMNS = ("a", "b", "#c", "it's [d]")
NAMES = ("a", "b", "'#c", "it''s '[d']")
ITEMS = ("", "[#Data],", "[#All],", "[#Headers],", "[#Totals],", "[#Headers],[#Data],", "[#Data],[#Totals],")


def book(path: Path, formulas: list[str], header: int = 1, totals: int = 1) -> Path:
    """A table of three rows in B2:E6 (B3:E5 without header and totals row), formulas in column H below it."""
    out = openpyxl.Workbook()
    sheet = out.active
    sheet.title = "S"
    for column, name in enumerate(COLUMNS):
        sheet.cell(2, 2 + column, name)
        for row in range(3, 7):
            sheet.cell(row, 2 + column, 10**column * row)
    table = Table(displayName="T", ref=f"B{3 - header}:E{5 + totals}", headerRowCount=header, totalsRowCount=totals)
    table._initialise_columns()
    for column, name in zip(table.tableColumns, COLUMNS, strict=True):
        column.name = name
    if not header:
        table.autoFilter = None
    sheet.add_table(table)
    for row, formula in enumerate(formulas, 10):
        sheet[f"H{row}"] = formula
    out.save(path)
    return path


@pytest.mark.parametrize(("header", "totals"), [(1, 1), (1, 0), (0, 1), (0, 0)])
def test_every_part_of_a_table_is_the_same_to_formulas_and_areas(tmp_path: Path, header: int, totals: int) -> None:
    """A formula's own cells, told by ADDRESS, ROWS and COLUMNS, are those of `Workbook.area`, or both find none."""
    pairs = ["", *(f"[{name}]" for name in NAMES), *(f"[{one}]:[{two}]" for one in NAMES for two in NAMES)]
    whats = [f"[{(item + pair).rstrip(',')}]" for item in ITEMS for pair in pairs if item or pair]
    asked = ["ROW({})", "COLUMN({})", "ROWS({})", "COLUMNS({})"]
    path = book(tmp_path / "b.xlsx", [f"={one.format('T' + what)}" for what in whats for one in asked], header, totals)
    values, opened = embedsheet_values(path)["S"], Workbook.open(path)
    for place, what in enumerate(whats):
        told = [values[f"H{10 + 4 * place + one}"] for one in range(4)]
        try:
            area = opened.area(f"T{what}")
        except ModelError as fault:
            assert told == ["#REF!"] * 4 and "no such rows" in str(fault), what
        else:
            assert told == [area.top, area.left, *area.shape], what


def test_columns_may_be_named_from_the_last_to_the_first(tmp_path: Path) -> None:
    """The sums by hand; LibreOffice gives the same."""
    path = book(tmp_path / "b.xlsx", ["=SUM(T[[b]:[a]])", "=COLUMNS(T[['#c]:[a]])", "=SUM(T[[#Totals],[b]:[a]])"])
    expected = [12 + 120, 3, 6 + 60]  # 3 + 4 + 5 = 12 in a, tenfold in b
    for judge in (embedsheet_values, libreoffice_values):
        assert [judge(path)["S"][f"H{row}"] for row in (10, 11, 12)] == expected, judge


def test_a_union_of_tables_columns_is_its_areas(tmp_path: Path) -> None:
    opened = Workbook.open(book(tmp_path / "b.xlsx", []))
    found = opened.areas("T[[#Headers],[a]:[b]],S!A1,T['#c]")
    assert [area.local() for area in found] == ["B2:C2", "A1", "D3:D5"]


def test_a_formula_of_columns_is_no_area(tmp_path: Path) -> None:
    opened = Workbook.open(book(tmp_path / "b.xlsx", []))
    with pytest.raises(ModelError):
        opened.area("T[a]+T[b]", "S")

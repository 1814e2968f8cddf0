"""Lessons' sheets in print, from what their files say: large enough to be read, and with labels on every page."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from embedsheet.lessons import LESSONS, find
from kit import printed

TEMPLATES = Path(__file__).parents[1] / "templates"
SMALLEST, SMALLEST_GRADIENT = 0.55, 0.6  # of letters of 10 points


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lessons_sheets_print_large_enough_to_be_read_with_their_labels(lesson: str, tmp_path: Path) -> None:
    """A part that stands beside the first has columns of labels at its left, or begins with a heading."""
    made = find(lesson).load().build(tmp_path / f"{lesson}.xlsx", no_gradient_sheet=True)
    for sheet in openpyxl.load_workbook(made):
        assert printed.scale(sheet) >= SMALLEST, sheet.title
        assert all(wide <= 1 for wide, _ in printed.filling(sheet)), sheet.title
        for left, right, top, bottom in printed.parts(sheet):
            cells = [
                cell for row in sheet.iter_rows(top, bottom, left, right) for cell in row if cell.value is not None
            ]
            assert cells or (left, top) == (1, 1), sheet.title
            beside = printed.repeated_columns(sheet) or left == 1
            assert beside or isinstance(cells[0].value, str), sheet.title


@pytest.mark.parametrize("lesson", ["movielens", "green-eggs", "rnn"])
def test_a_printed_gradient_sheet_can_be_read_and_each_page_has_a_heading(lesson: str) -> None:
    """Each part is a page: none is wider or higher than one, and the feet say where it is not all."""
    book = openpyxl.load_workbook(TEMPLATES / f"{lesson}.xlsx")
    sheets = [sheet for sheet in book if sheet.title.endswith(" gradient")]
    assert sheets
    for sheet in sheets:
        assert printed.scale(sheet) >= SMALLEST_GRADIENT
        pages = printed.parts(sheet)
        for (left, right, top, bottom), (wide, high) in zip(pages, printed.filling(sheet), strict=True):
            assert wide <= 1
            assert high <= 1
            below = sheet.iter_rows(max(top, 4), bottom, left, right, values_only=True)
            words = [str(value) for row in below for value in row if value is not None]
            assert any(word.startswith(("how ", "gradient.", "…", "loss", "rmse")) for word in words)
        whole = {row for _, _, top, bottom in pages for row in range(top, bottom + 1)}
        cut = any(cell.value is not None for row in sheet.iter_rows() for cell in row if cell.row not in whole)
        assert ("the first rows and columns of large blocks" in str(sheet.oddFooter.center.text)) >= cut

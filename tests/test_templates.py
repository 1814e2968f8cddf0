"""The workbooks in templates/ are what the lessons make today."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from embedsheet.lessons import find
from kit.judges import CellValue, read_values

TEMPLATES = Path(__file__).parents[1] / "templates"


@pytest.mark.parametrize("lesson", ["movielens", "green-eggs", "rnn"])
def test_a_template_equals_what_its_lesson_makes(lesson: str, tmp_path: Path) -> None:
    """Cell by cell: formulas and texts equal, stored numbers to 1e-12."""
    made = find(lesson).load().build(tmp_path / f"{lesson}.xlsx")
    kept = TEMPLATES / f"{lesson}.xlsx"
    old, new = openpyxl.load_workbook(kept), openpyxl.load_workbook(made)
    assert old.sheetnames == new.sheetnames
    for sheet in old.sheetnames:
        formulas = [
            {cell.coordinate: getattr(cell.value, "text", cell.value) for row in book[sheet] for cell in row}
            for book in (old, new)
        ]
        assert formulas[0].keys() == formulas[1].keys()
        apart = [place for place, value in formulas[0].items() if not equal(value, formulas[1][place])]
        assert not apart, f"{sheet}: run `make docs`"
        names = [{name: found.attr_text for name, found in book[sheet].defined_names.items()} for book in (old, new)]
        assert names[0] == names[1]
    was, now = read_values(kept), read_values(made)
    for sheet, cells in was.items():
        assert cells.keys() == now[sheet].keys()
        apart = [address for address, value in cells.items() if not equal(value, now[sheet][address])]
        assert not apart, f"{sheet}: run `make docs`"


def equal(old: CellValue, new: CellValue) -> bool:
    if isinstance(old, float) and isinstance(new, float):
        return abs(old - new) <= 1e-12 * max(abs(old), abs(new), 1.0)
    return old == new

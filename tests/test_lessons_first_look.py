"""What somebody meets who opens a lesson's workbook for the first time: on a small screen, with buttons, in print."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from embedsheet.hosts.buttons.layout import add_buttons
from embedsheet.lessons import find
from embedsheet.lessons.how_to import to_train
from kit.trials import small

DOCS = Path(__file__).parents[1] / "docs"


def _open(folder: Path, lesson: str, buttons: bool = False) -> openpyxl.Workbook:
    made = find(lesson).load().build(
        folder / f"{lesson}.{'xlsm' if buttons else 'xlsx'}", no_gradient_sheet=True,
        finish=add_buttons if buttons else None, **small(lesson, folder),
    )  # fmt: skip
    return openpyxl.load_workbook(made)


def _column(sheet: Any, column: int) -> list[str]:
    return [str(row[0].value) for row in sheet.iter_rows(min_col=column, max_col=column) if row[0].value is not None]


@pytest.mark.parametrize(
    ("lesson", "where"), [("lstm", "on the sheet Buttons"), ("movielens", "at the top of Cross-tab")]
)
def test_the_guide_of_a_workbook_with_buttons_begins_with_them(lesson: str, where: str, tmp_path: Path) -> None:
    """Also where no model sheet keeps a row for buttons: these share a sheet of them."""
    book = _open(tmp_path, lesson, buttons=True)
    guide = book["Guide"]
    first = next(row for row in guide.iter_rows(max_col=2) if row[0].value == 1)[1].value
    assert where in str(first)
    assert f"embedsheet open {lesson}.xlsm" in str(first)
    assert ("Buttons" in book.sheetnames) == (lesson == "lstm")
    if lesson == "lstm":
        assert book["Buttons"]["B4"].value == "Simple recurrent net"
        assert "LSTM" in _column(book["Buttons"], 1)


@pytest.mark.parametrize("lesson", ["mlp", "conv", "attention", "lstm", "gru", "rnn"])
def test_what_a_newcomer_is_asked_after_ten_minutes_stands_in_the_workbook(lesson: str, tmp_path: Path) -> None:
    """Each answer of the page, word for word; each colour that the Guide names and each sheet is asked for."""
    made = find(lesson).load().build(tmp_path / f"{lesson}.xlsx", **small(lesson, tmp_path))
    book = openpyxl.load_workbook(made)
    page = (DOCS / f"lesson-{lesson}.md").read_text(encoding="utf-8").split("## After ten minutes")[1]
    rows = [[one.strip() for one in line.strip("| ").split(" | ")] for line in page.splitlines() if line[:2] == "| "]
    asked = rows[2:]  # after the headings and the line under them
    for question, answer, sheet in asked:
        cells = [cell for row in book[sheet].iter_rows() for cell in row]
        said = [str(cell.value) for cell in cells] + [cell.comment.text for cell in cells if cell.comment]
        assert any(answer in one for one in said), f"{sheet}: {question}"
    guide = _column(book["Guide"], 2)
    legend = guide[1 : guide.index(str(book["Guide"].cell(_row_of(book, "What to do") + 1, 2).value))]
    assert len(legend) >= 4
    for line in legend:
        assert any(answer in line for _, answer, _ in asked), line
    about = {sheet for *_, sheet in asked}
    assert about >= {one for one in book.sheetnames if one != "Solve log" and not one.endswith(" gradient")}


def _row_of(book: openpyxl.Workbook, heading: str) -> int:
    return next(row[0].row for row in book["Guide"].iter_rows(max_col=1) if row[0].value == heading)


def test_what_to_do_stands_before_the_picture(tmp_path: Path) -> None:
    guide = _open(tmp_path, "rnn")["Guide"]
    headings = _column(guide, 1)
    assert headings.index("What to do") < headings.index("The picture") < headings.index("The sheets")
    with zipfile.ZipFile(tmp_path / "rnn.xlsx") as parts:
        drawings = [parts.read(name).decode() for name in parts.namelist() if name.startswith("xl/drawings/drawing")]
    drawn = next(one for one in drawings if "<xdr:pic>" in one)
    row = int(re.findall(r"<xdr:row>(\d+)</xdr:row>", drawn)[0])  # counted from 0: the row above, counted from 1
    assert guide.cell(row, 1).value == "The picture"


@pytest.mark.parametrize("cells", [200, 201])
def test_the_command_comes_first_and_excels_solver_is_named_as_excels(cells: int) -> None:
    """Excel's Solver takes 200 changing cells; LibreOffice 7.4 does not read its set-up."""
    text = to_train("a b.xlsx", "Two words", cells)
    assert text.startswith('To train, save and close, then: embedsheet solve "a b.xlsx" --sheet "Two words"')
    assert ("in Excel: Data ► Solver ► Solve (it opens filled in)" in text) == (cells == 200)


def test_the_cross_tabs_frozen_rows_hold_a_link_to_the_orange_cells(tmp_path: Path) -> None:
    sheet = _open(tmp_path, "movielens")["Cross-tab"]
    link = next(cell for row in sheet.iter_rows(max_row=7) for cell in row if cell.hyperlink)
    target = link.hyperlink.location.split("!")[1].split(":")[0]
    assert int(sheet.freeze_panes[1:]) > link.row
    assert sheet[target].fill.fgColor.rgb == "FFFFD8A8"


def test_the_legend_of_compares_chart_names_each_programs_sheet(tmp_path: Path) -> None:
    book = _open(tmp_path, "movielens")
    names = [book["Compare"][name.replace("$", "")].value for name in _series_names(tmp_path / "movielens.xlsx")]
    assert len(names) == 2
    for program, name in zip(("solver", "Keras"), names, strict=True):
        assert f'"{program}, of "&' in name


def _series_names(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as parts:
        charts = [parts.read(name).decode() for name in parts.namelist() if name.startswith("xl/charts/chart")]
    return [one for chart in charts for one in re.findall(r"<c:tx><c:strRef><c:f>Compare!([^<]*)</c:f>", chart)]


@pytest.mark.parametrize("lesson", ["rnn", "attention", "pseudo-labels"])
def test_a_guide_prints_on_one_page(lesson: str, tmp_path: Path) -> None:
    guide = _open(tmp_path, lesson)["Guide"]
    assert guide.sheet_properties.pageSetUpPr.fitToPage
    assert (guide.page_setup.fitToHeight or 1, guide.page_setup.fitToWidth or 1) == (1, 1)


def test_each_table_of_the_student_prints_on_a_page_of_its_own_across_its_width(tmp_path: Path) -> None:
    sheet = _open(tmp_path, "pseudo-labels")["Student"]
    areas = str(sheet.print_area).split(",")
    assert len(areas) == 3
    assert (sheet.page_setup.fitToHeight or 1, sheet.page_setup.fitToWidth or 1) == (1, 1)
    assert sheet.page_setup.orientation == "landscape"


def test_no_line_of_a_drawn_net_runs_over_a_name(tmp_path: Path) -> None:
    sheet = _open(tmp_path, "mlp")["XOR"]

    def points(series: Any) -> list[tuple[Any, Any]]:
        across, up = (sheet[one.numRef.f.split("!")[1].replace("$", "")] for one in (series.xVal, series.yVal))
        return [(x.value, y.value) for (x,), (y,) in zip(across, up, strict=True)]

    drawn = next(chart for chart in sheet._charts if len(chart.series) == 5)  # two layers of weights, three of units
    lines, units = (list(map(points, part)) for part in (drawn.series[:2], drawn.series[2:]))
    assert not {point for line in lines for point in line} & {point for layer in units for point in layer}
    assert all(up is None for line in lines for _, up in line[2::3])


def test_a_solved_log_prints_on_one_page_with_its_chart(tmp_path: Path) -> None:
    sheet = _open(tmp_path, "attention")["Solve log"]
    chart = sheet._charts[0].anchor
    assert (sheet.page_setup.fitToHeight or 1, sheet.page_setup.fitToWidth or 1) == (1, 1)
    last = sheet[sheet.print_area.split("!")[1].replace("$", "").split(":")[1]]
    assert chart._from.row < last.row
    assert chart._from.col < last.column
    assert "rows 1 to 36" in str(sheet.oddFooter.center.text)

"""Reports as sheets of the workbook, in Excel's manner: no grid lines, column A left free, headings between lines."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

from embedsheet.book.book import Book
from embedsheet.ground.keys import name_key
from embedsheet.solvers.reports.tables import INFINITE, Bars, Entry, Report, Table
from embedsheet.workbook import Draw

_BLUE, _GREY = "#1F3864", "#6B7280"
_WIDEST, _NARROWEST = 42, 9
_ONE_PAGE = 60  # rows
_LEFT = 1  # the column of the first heading


def drawing(workbook: Book, sheet: str, reports: Sequence[Report]) -> Draw | None:
    """Return what adds the reports to the workbook, those refused left out; None where that leaves nothing."""
    shown = [report for report in reports if report.refused is None]
    if not shown:
        return None
    taken = {name_key(name) for name in workbook.sheets}
    names = []
    for report in shown:
        names.append(_free(report.title, taken))
        taken.add(name_key(names[-1]))
    return partial(_draw, workbook=workbook, sheet=sheet, reports=dict(zip(names, shown, strict=True)))


def _free(title: str, taken: set[str]) -> str:
    """Return "Answer Report 1", or the first number that is free, as Excel numbers them."""
    number = 1
    while name_key(f"{title} {number}") in taken:
        number += 1
    return f"{title} {number}"


def _draw(book: Any, workbook: Book, sheet: str, reports: dict[str, Report]) -> None:
    styles = {
        "title": book.add_format({"bold": True, "font_size": 12, "font_color": _BLUE}),
        "fact": book.add_format({"font_color": _GREY}),
        "section": book.add_format({"bold": True}),
        "head": book.add_format(
            {"bold": True, "font_color": _BLUE, "top": 1, "bottom": 1, "text_wrap": True, "align": "center",
             "valign": "vcenter"}
        ),
        "text": book.add_format({"bottom": 4, "bottom_color": "#9CA3AF", "indent": 1}),
        "number": book.add_format({"bottom": 4, "bottom_color": "#9CA3AF", "num_format": "General"}),
        "note": book.add_format({"text_wrap": True, "valign": "top"}),
    }  # fmt: skip
    for name, report in reports.items():
        _draw_one(book, book.add_worksheet(name), report, f"[{workbook.path.name}]{sheet}", styles)


def _draw_one(book: Any, page: Any, report: Report, home: str, styles: dict[str, Any]) -> None:
    page.hide_gridlines(2)
    page.set_column(0, 0, 2)
    page.write_string(0, 0, f"embedsheet {report.title}", styles["title"])
    row = 1
    for words, value in (("Worksheet", home), *report.facts):
        page.write_string(row, 0, f"{words}: {value}", styles["fact"])
        row += 1
    tops = []
    widths: dict[int, int] = {}
    for table in report.tables:
        row += 1
        page.write_string(row, 0, table.title, styles["section"])
        row += 1
        tops.append(row)
        row = _draw_table(page, table, row, styles, widths)
    for column, width in widths.items():
        page.set_column(column, column, width)
    last = _LEFT + max((len(table.columns) for table in report.tables), default=6) - 1
    across = sum(widths.get(column, _NARROWEST) for column in range(_LEFT, last + 1))
    for note in report.notes:
        row += 1
        page.merge_range(row, _LEFT, row, last, note, styles["note"])
        page.set_row(row, 15 * math.ceil(1.1 * len(note) / max(across, 40)))
    if report.bars is not None and report.tables[report.bars.table].rows:
        _draw_bars(book, page, report, report.bars, tops[report.bars.table], row + 2)
    page.set_landscape()
    page.fit_to_pages(1, 1 if report.bars is not None and row < _ONE_PAGE else 0)  # no page ends inside a chart


def _draw_table(page: Any, table: Table, row: int, styles: dict[str, Any], widths: dict[int, int]) -> int:
    """Write headings and rows; return the row below."""
    for column, heading in enumerate(table.columns, _LEFT):
        page.write_string(row, column, heading, styles["head"])
        longest = max((len(word) for word in heading.split()), default=0)
        shown = max((_length(entry[column - _LEFT]) for entry in table.rows), default=0)
        width = min(_WIDEST, max(_NARROWEST, longest + 2, shown + 2))
        widths[column] = max(widths.get(column, 0), width)
    lines = max(math.ceil(len(heading) / widths[column]) for column, heading in enumerate(table.columns, _LEFT))
    page.set_row(row, 15 * lines + 3)
    for entries in table.rows:
        row += 1
        for column, entry in enumerate(entries, _LEFT):
            _write(page, row, column, entry, styles)
    return row + 1


def _length(entry: Entry) -> int:
    return len(f"{entry:.10g}") if isinstance(entry, float) else len(entry or "")


def _write(page: Any, row: int, column: int, entry: Entry, styles: dict[str, Any]) -> None:
    if isinstance(entry, str) and entry:
        page.write_string(row, column, entry, styles["text"])
    elif isinstance(entry, float) and not math.isnan(entry):
        # As Excel's reports do, for no cell can hold infinity.
        page.write_number(row, column, min(max(entry, -INFINITE), INFINITE), styles["number"])
    else:
        page.write_blank(row, column, None, styles["text"])


def _draw_bars(book: Any, page: Any, report: Report, bars: Bars, top: int, row: int) -> None:
    """Put a tornado chart at a row."""
    table = report.tables[bars.table]
    count = min(len(table.rows), bars.most)
    labels, numbers = _LEFT + table.columns.index(bars.label), _LEFT + table.columns.index(bars.column)
    if len({entry[labels - _LEFT] or None for entry in table.rows[:count]} - {None}) < count:
        labels = _LEFT  # the address, where names do not tell the rows apart
    chart = book.add_chart({"type": "bar"})
    chart.add_series(
        {
            "name": bars.title,
            "categories": [page.name, top + 1, labels, top + count, labels],
            "values": [page.name, top + 1, numbers, top + count, numbers],
            "fill": {"color": "#2563EB"},
            "invert_if_negative": True,
            "invert_if_negative_color": "#C2410C",
            "gap": 40,
        }
    )
    chart.set_title({"name": bars.title, "name_font": {"size": 11}, "overlay": False})
    chart.set_legend({"none": True})
    chart.set_y_axis({"reverse": True, "label_position": "low", "major_gridlines": {"visible": False}})
    chart.set_x_axis({"major_gridlines": {"visible": True, "line": {"color": "#E5E7EB"}}})
    chart.set_size({"width": 640, "height": 90 + 22 * count})
    page.insert_chart(row, _LEFT, chart)

"""The page: one HTML file that holds everything, the sheet at the left, its code at the right."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.compiler.cells import CellTable
from embedsheet.compiler.forms import build_groups
from embedsheet.compiler.names import Names
from embedsheet.ground.errors import DataError
from embedsheet.ground.files import replace_file
from embedsheet.ground.kinds import BOOLEAN, ERROR, ERRORS, NUMBER, TEXT
from embedsheet.ground.notation import tree as t
from embedsheet.ground.notation.addresses import Area
from embedsheet.translations.coder.code import Code, codes
from embedsheet.translations.coder.viewer.film import Film, film, training
from embedsheet.translations.coder.viewer.formats import Look, look_of
from embedsheet.translations.coder.viewer.templates import template
from embedsheet.workbook import Sheet, Workbook

_MOST_CELLS = 20_000  # of all sheets together; of a larger workbook only what the code reads and makes
_WIDEST = 400
_LANGUAGES = ("numpy", "jax", "keras")


@dataclass(frozen=True)
class Page:
    """The page's text; `notes` say what it leaves out."""

    html: str
    notes: tuple[str, ...]

    def save(self, path: str | Path, *, force: bool = False) -> Path:
        """Write the page. Raises DataError where a file is there already, unless `force`."""
        target = Path(path)
        if target.exists() and not force:
            raise DataError(f"{target}: is there already; choose another name, or replace it with --force.")
        replace_file(target, self.html.encode("utf-8"))
        return target


def page(book: str | Path | Workbook, sheet: str | None = None, *, solve: bool = False, train: bool = False) -> Page:
    """Return a page of a sheet and its code in NumPy, JAX and Keras; of the whole workbook by default.

    `solve`: the page shows how the solver finds the weights, `train`: how Keras does; the workbook stays as it is.
    Raises the errors of `code`, ModelError where Keras cannot train the sheet.
    """
    workbook = book if isinstance(book, Workbook) else Workbook.open(book)
    written = codes(workbook, sheet, _LANGUAGES)
    first = written["numpy"]
    shown = _sheets(workbook, first, sheet)
    notes = list(first.notes)
    if sum(len(workbook.sheets[name].rows) for name in shown) > _MOST_CELLS:
        notes.append(
            f"The workbook has {sum(len(one.rows) for one in workbook.sheets.values()):,} cells: of large sheets the "
            f"page shows those that the code reads and makes, {_MOST_CELLS:,} cells at most."
        )
    looks = {name: look_of(workbook, name) for name in shown}
    data = {
        "title": workbook.path.name,
        "sheets": _cells_of(workbook, _chosen(workbook, shown, first), looks),
        "styles": next(iter(looks.values())).styles if looks else [],
        "groups": _groups(workbook, shown),
        "codes": {target: _code(one) for target, one in written.items()},
        "films": [_film(one, first) for one in _films(workbook, sheet, solve, train)],
        "notes": notes,
    }
    return Page(_html(workbook.path.name, data), tuple(notes))


def _sheets(workbook: Workbook, written: Code, sheet: str | None) -> list[str]:
    """Return the sheets that the code reads and makes, the one asked for first."""
    used = {area.sheet for block in written.blocks for area in block.areas}
    found = [name for name in workbook.sheets if name in used]
    own = workbook.sheet(sheet).name if sheet is not None else None
    return sorted(found, key=lambda name: name != own)


def _chosen(workbook: Workbook, shown: Sequence[str], written: Code) -> dict[str, NDArray[np.intp]]:
    """Return the places of the cells to show by their sheets: all, or of large sheets those of the code.

    The smallest are served first: beside a sheet of data the model's own is whole.
    """
    every = {name: np.arange(len(workbook.sheets[name].rows)) for name in shown}
    whole = sum(map(len, every.values())) <= _MOST_CELLS
    left = _MOST_CELLS
    for name in sorted(every, key=lambda name: len(every[name])):
        sheet = workbook.sheets[name]
        if not whole and len(every[name]) > _MOST_CELLS // (2 * len(shown)):
            inside = np.zeros(len(every[name]), bool)
            for area in (area for block in written.blocks for area in block.areas if area.sheet == name):
                inside |= (
                    (sheet.rows >= area.top) & (sheet.rows <= area.bottom)
                    & (sheet.columns >= area.left) & (sheet.columns <= area.right)
                )  # fmt: skip
            every[name] = every[name][inside][:left]
        left -= len(every[name])
        every[name] = every[name][sheet.columns[every[name]] <= _WIDEST]
    return every


def _cells_of(
    workbook: Workbook, chosen: Mapping[str, NDArray[np.intp]], looks: dict[str, Look]
) -> list[dict[str, Any]]:  # fmt: skip
    found = []
    for name, places in chosen.items():
        sheet, look = workbook.sheets[name], looks[name]
        cells = [_cell(workbook, sheet, int(place), look) for place in places]
        known = {(int(sheet.rows[place]), int(sheet.columns[place])) for place in places}
        if len(places) >= np.count_nonzero(sheet.columns <= _WIDEST):
            coloured = {place for place, style in enumerate(look.styles) if "fill" in style}
            cells += [
                [row, column, 0, None, style] for (row, column), style in look.cells.items()
                if (row, column) not in known and style in coloured and column <= _WIDEST
            ]  # fmt: skip
        found.append({
            "name": name,
            "cells": cells,
            "widths": {str(column): round(width, 1) for column, width in look.widths.items()},
            "scales": look.scales,
            "notes": [[row, column, words] for (row, column), words in look.notes.items()],
            "merges": [[area.top, area.left, area.bottom, area.right] for area in sheet.merges],
        })  # fmt: skip
    return found


def _cell(workbook: Workbook, sheet: Sheet, place: int, look: Look) -> list[Any]:
    row, column, kind = int(sheet.rows[place]), int(sheet.columns[place]), int(sheet.kinds[place])
    number = float(sheet.numbers[place])
    value: Any = None
    if kind == NUMBER:
        value = float(f"{number:.9g}")
    elif kind == BOOLEAN:
        value = bool(number)
    elif kind == TEXT:
        value = workbook.strings.text(int(number))
    elif kind == ERROR:
        value = ERRORS.get(int(number), "#VALUE!")
    return [row, column, kind, value, look.cells.get((row, column), 0)]


def _groups(workbook: Workbook, shown: Sequence[str]) -> list[dict[str, Any]]:
    table, names = CellTable(workbook), Names(workbook)

    def named(node: t.Name, sheet: str) -> t.Ref | None:
        meant = names.find(node.name, sheet)
        return meant if isinstance(meant, t.Ref) and meant.last_sheet is None else None

    return [
        template(group, lambda node, sheet=group.sheet_name: named(node, sheet))  # type: ignore[misc]
        for group in build_groups(workbook, table) if group.sheet_name in shown and group.text
    ]  # fmt: skip


def _code(written: Code) -> dict[str, Any]:
    return {
        "text": written.text,
        "blocks": [
            {
                "names": block.names,
                "lines": block.lines,
                "role": block.role,
                "formula": block.formula,
                "areas": [_area(area) for area in block.areas],
            }
            for block in written.blocks
        ],
    }


def _area(area: Area) -> list[Any]:
    return [area.sheet, area.top, area.left, area.bottom, area.right]


def _films(workbook: Workbook, sheet: str | None, solve: bool, train: bool) -> list[Film]:
    share = 0.5 if solve and train else 1.0
    searched = [film(workbook, sheet, share=share)] if solve else []
    return [*searched, *([training(workbook, sheet, share=share)] if train else [])]


def _film(found: Film, written: Code) -> dict[str, Any]:
    """Return the film with the cells of its numbers: for each name a sheet, rows and columns."""
    names = list(found.frames[0])
    cells = {name: written.cells[name] for name in names}
    return {
        "title": found.title,
        "step": found.step,
        "losses": [float(f"{loss:.7g}") for loss in found.losses],
        "at": found.at,
        "cells": cells,
        "frames": [[frame[name] for name in names] for frame in found.frames],
        "names": names,
        "words": found.words,
    }


def _html(title: str, data: dict[str, Any]) -> str:
    folder = resources.files("embedsheet.translations.coder.viewer")
    script, style = (folder.joinpath(name).read_text(encoding="utf-8") for name in ("page.js", "page.css"))
    # Nothing of the workbook is markup here: the script puts it in as text.
    told = json.dumps(data, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    told = told.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
        "script-src 'unsafe-inline'\">\n"
        f"<title>{html.escape(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n"
        f'<div id="page"></div>\n<script type="application/json" id="data">{told}</script>\n'
        f"<script>\n{script}</script>\n</body>\n</html>\n"
    )

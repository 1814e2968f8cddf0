"""Edits put together: what one sheet's cells become."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from embedsheet.book.edits import Edit
from embedsheet.book.sheet import Sheet, place_keys
from embedsheet.ground.errors import ModelError
from embedsheet.ground.kinds import BLANK, NUMBER
from embedsheet.ground.notation.addresses import MAX_COLUMN, MAX_ROW, Cell
from embedsheet.ground.notation.move import shift


@dataclass(frozen=True, slots=True)
class Changes:
    """The cells of one sheet to write: parallel arrays, each cell once, in row-major order.

    `replace`: whether a formula in the cell goes; else it stays and the value is its stored result.
    """

    rows: NDArray[np.int32]
    columns: NDArray[np.int32]
    kinds: NDArray[np.uint8]
    numbers: NDArray[np.float64]
    replace: NDArray[np.bool_]


def by_sheet(edits: Iterable[Edit]) -> dict[str, Changes]:
    """Return the changes of each sheet, by the names that the edits give."""
    grouped: dict[str, list[Edit]] = {}
    for edit in edits:
        grouped.setdefault(edit.sheet, []).append(edit)
    return {name: _merged(edits) for name, edits in grouped.items()}


def _merged(edits: Iterable[Edit]) -> Changes:
    """Return the edits as one, each cell once (the last edit counts), in row-major order."""
    edits = [edit for edit in edits if len(edit.rows)]
    if not edits:
        empty = np.empty(0, np.int32)
        return Changes(empty, empty, np.empty(0, np.uint8), np.empty(0), np.empty(0, np.bool_))
    rows, columns, kinds, numbers = (
        np.concatenate([np.asarray(getattr(edit, name)) for edit in edits])
        for name in ("rows", "columns", "kinds", "numbers")
    )
    replace = np.concatenate([np.full(len(edit.rows), edit.replace_formula) for edit in edits])
    keys = place_keys(rows, columns)
    _, last = np.unique(keys[::-1], return_index=True)
    order = len(keys) - 1 - last
    return Changes(rows[order], columns[order], kinds[order], numbers[order], replace[order])


def refuse(sheet: Sheet, changes: Changes) -> None:
    """Raise ModelError where a part of an array formula or data table would be replaced, or a value is no number."""
    _refuse_unwritable(sheet, changes)
    _refuse_parts_of_arrays(sheet, changes)


def _refuse_unwritable(sheet: Sheet, changes: Changes) -> None:
    outside = (changes.rows < 1) | (changes.rows > MAX_ROW) | (changes.columns < 1) | (changes.columns > MAX_COLUMN)
    for place in np.flatnonzero(outside).tolist():
        raise ModelError(f"{sheet.name}: has no cell in row {changes.rows[place]}, column {changes.columns[place]}.")
    for place in np.flatnonzero((changes.kinds == NUMBER) & ~np.isfinite(changes.numbers)).tolist():
        cell = Cell(sheet.name, int(changes.rows[place]), int(changes.columns[place]))
        raise ModelError(f"{cell}: {changes.numbers[place]} cannot be stored in a cell; nothing was written.")


def _refuse_parts_of_arrays(sheet: Sheet, changes: Changes) -> None:
    areas = [(array.area, "array formula") for array in sheet.arrays.values() if array.area.size > 1]
    areas += [(area, "data table") for area in sheet.data_tables]
    if not areas or not changes.replace.any():
        return
    rows, columns = changes.rows[changes.replace], changes.columns[changes.replace]
    keys = place_keys(rows, columns)
    for area, what in areas:
        first, last = np.searchsorted(keys, place_keys(np.array([area.top, area.bottom + 1]), np.array([0, 0])))
        row, column = rows[first:last], columns[first:last]
        inside = (column >= area.left) & (column <= area.right)
        if inside.any() and inside.sum() != area.size:
            cell = Cell(sheet.name, int(row[inside][0]), int(column[inside][0]))
            raise ModelError(f"{cell}: is part of the {what} in {area.local()}; replace all of it or none.")


def formulas_gone(sheet: Sheet, changes: Changes, positions: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return which formulas go, as places in the formula list; `positions` of the changed cells among the sheet's."""
    replaced = positions[(positions >= 0) & changes.replace]
    return np.flatnonzero(np.isin(sheet.formula_cells, replaced))


def kept(sheet: Sheet, changes: Changes, positions: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which cells get the value that the sheet stores for them already; `positions` as for `formulas_gone`."""
    found, there = np.zeros(len(positions), bool), np.flatnonzero(positions >= 0)
    kinds, where = changes.kinds[there], positions[there]
    found[there] = kinds == sheet.kinds[where]
    found[there] &= (kinds == BLANK) | (changes.numbers[there] == sheet.numbers[where])
    return found


def edited(sheet: Sheet, changes: Changes) -> Sheet:
    """Return a sheet as it reads after the changes are saved. Raises ModelError as saving does."""
    refuse(sheet, changes)
    positions = sheet.positions(changes.rows, changes.columns)
    there = positions >= 0
    new = ~there & (changes.kinds != BLANK)
    kinds, numbers = sheet.kinds.copy(), sheet.numbers.copy()
    kinds[positions[there]] = changes.kinds[there]
    numbers[positions[there]] = np.where(changes.kinds[there] == BLANK, 0.0, changes.numbers[there])
    rows = np.concatenate([sheet.rows, changes.rows[new].astype(np.int32)])
    columns = np.concatenate([sheet.columns, changes.columns[new].astype(np.int32)])
    order = np.argsort(place_keys(rows, columns), kind="stable")
    moved = np.empty(len(order), np.int32)  # where each cell stands now
    moved[order] = np.arange(len(order), dtype=np.int32)

    stays = np.ones(len(sheet.formula_cells), bool)
    stays[formulas_gone(sheet, changes, positions)] = False
    kept = np.flatnonzero(stays)
    texts, masters = _formulas(sheet, kept)
    stored = sheet.has_stored.copy()
    asked = np.flatnonzero(np.isin(sheet.formula_cells, positions[there]))
    stored[asked] = kinds[sheet.formula_cells[asked]] != BLANK
    anchors = {(int(sheet.rows[cell]), int(sheet.columns[cell])) for cell in sheet.formula_cells[kept]}
    return replace(
        sheet,
        rows=rows[order],
        columns=columns[order],
        kinds=np.concatenate([kinds, changes.kinds[new].astype(np.uint8)])[order],
        numbers=np.concatenate([numbers, changes.numbers[new]])[order],
        formula_cells=moved[sheet.formula_cells[kept]],
        formula_texts=texts,
        formula_masters=masters,
        has_stored=stored[kept],
        arrays={anchor: array for anchor, array in sheet.arrays.items() if anchor in anchors},
        _keys=None,
    )


def with_formulas(sheet: Sheet, texts: Mapping[tuple[int, int], str]) -> Sheet:
    """Return a sheet with other formulas in some cells, by (row, column), whose results are not known.

    Raises ModelError where a part of an array formula or data table would be replaced.
    """
    places = sorted(texts)
    rows, columns = (np.array([place[at] for place in places], np.int32) for at in (0, 1))
    kinds, all_of_them = np.full(len(rows), NUMBER, np.uint8), np.ones(len(rows), np.bool_)
    emptied = edited(sheet, Changes(rows, columns, kinds, np.zeros(len(rows)), all_of_them))
    cells = np.concatenate([emptied.formula_cells, emptied.positions(rows, columns)])
    formulas = np.argsort(cells)
    now = np.empty(len(formulas), np.int64)  # where each formula stands
    now[formulas] = np.arange(len(formulas))
    old = len(emptied.formula_texts)
    every = [*emptied.formula_texts, *(texts[place] for place in places)]
    masters = np.concatenate([emptied.formula_masters, np.arange(old, len(cells))])
    return replace(
        emptied,
        formula_cells=cells[formulas].astype(np.int32),
        formula_texts=[every[one] for one in formulas],
        formula_masters=now[masters][formulas].astype(np.int32),
        has_stored=np.concatenate([emptied.has_stored, np.zeros(len(rows), np.bool_)])[formulas],
    )


def _formulas(sheet: Sheet, kept: NDArray[np.int64]) -> tuple[list[str], NDArray[np.int32]]:
    """Return texts and masters of the formulas that stay; the first that shared one that goes takes it over."""
    place = {int(old): new for new, old in enumerate(kept)}
    texts: list[str] = []
    masters = np.empty(len(kept), np.int32)
    for new, old in enumerate(kept.tolist()):
        master = int(sheet.formula_masters[old])
        if master == old or master not in place:
            text = sheet.formula_texts[master]
            if master != old:
                home, cell = int(sheet.formula_cells[master]), int(sheet.formula_cells[old])
                text = shift(
                    text,
                    int(sheet.rows[cell] - sheet.rows[home]),
                    int(sheet.columns[cell] - sheet.columns[home]),
                )
                place[master] = new  # for those that share it and come later
            texts.append(text)
            masters[new] = new
        else:
            texts.append("")
            masters[new] = place[master]
    return texts, masters

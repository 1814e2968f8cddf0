"""Who is right up to rounding: the formula without its rounding functions is right, or a typed number is cut off."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import replace

import numpy as np

from embedsheet.book.sheet import Sheet
from embedsheet.ground.errors import EmbedsheetError
from embedsheet.ground.notation.addresses import Area, Cell
from embedsheet.ground.notation.parse import parse
from embedsheet.ground.notation.relative import relative_form
from embedsheet.ground.notation.tree import Call, Node
from embedsheet.ground.notation.walk import children, with_children
from embedsheet.ground.notation.write import FILE, write
from embedsheet.homework.evaluate import LIKE, Bools, Floats, Outcome, cut, is_number, like
from embedsheet.workbook import Workbook

TYPED_NUMBER = re.compile(r"(?<![\w.$])\d*\.\d+(?:[eE][+-]?\d+)?(?![\w.])")
QUOTED = re.compile(r'"[^"]*"')
_ROUNDING = re.compile(r"ROUND|CEILING|FLOOR|\b(?:INT|TRUNC|FIXED|TEXT|DOLLAR)\s*\(", re.IGNORECASE)
_FUNCTIONS = frozenset(
    "ROUND ROUNDUP ROUNDDOWN MROUND INT TRUNC FIXED TEXT DOLLAR CEILING CEILING.MATH CEILING.PRECISE ISO.CEILING "
    "FLOOR FLOOR.MATH FLOOR.PRECISE".split()
)


def without_rounding(book: Workbook, given: Collection[str]) -> Iterator[Workbook]:
    """Yield the workbook without the rounding functions of the student's formulas, and with the outermost ones alone.

    `given` are the relative forms of the formulas that were handed out, which stay. Yields nothing where nobody rounds.
    """
    for outermost in (False, True):
        sheets = {name: _rewritten(book, sheet, given, outermost) for name, sheet in book.sheets.items()}
        if any(sheet is not book.sheets[name] for name, sheet in sheets.items()):
            yield replace(book, sheets=sheets)


def _rewritten(book: Workbook, sheet: Sheet, given: Collection[str], outermost: bool) -> Sheet:
    if not any(_ROUNDING.search(text) for text in sheet.formula_texts):
        return sheet
    texts, changed = list[str](), False
    for at in sheet.formula_cells.tolist():
        row, column = int(sheet.rows[at]), int(sheet.columns[at])
        text = book.formula(Cell(sheet.name, row, column)) or ""
        if _ROUNDING.search(QUOTED.sub("", text)) and relative_form(text, row, column) not in given:
            try:
                tree = parse(text, row, column)
                bare = tree
                if outermost and _rounds(tree):
                    bare = with_children(tree, [_bare(children(tree)[0]), *children(tree)[1:]])
                else:
                    bare = _bare(tree)
                new = write(bare, row, column, FILE)
                text, changed = new, True
            except (EmbedsheetError, RecursionError):  # it stays as it is
                pass
        texts.append(text)
    own = np.arange(len(texts), dtype=np.int32)
    return replace(sheet, formula_texts=texts, formula_masters=own) if changed else sheet


def _rounds(node: Node) -> bool:
    return isinstance(node, Call) and node.name in _FUNCTIONS and bool(node.arguments)


def _bare(node: Node) -> Node:
    below = children(node)
    return _bare(below[0]) if _rounds(node) else with_children(node, [_bare(one) for one in below]) if below else node


def typed_numbers(book: Workbook, area: Area) -> Bools:
    """Return which cells of an area hold a formula in which a number with decimals is typed, (rows, columns).

    One that changes next to nothing as a factor or a summand, 1.0000001 or 1E-12, is none.
    """
    formulas = (book.formula(Cell(area.sheet, one.row, one.column)) or "" for one in area.cells())
    found = [
        any(abs(float(one) - 1) > LIKE < abs(float(one)) for one in TYPED_NUMBER.findall(QUOTED.sub("", text)))
        for text in formulas
    ]
    return np.array(found).reshape(area.shape)


def rounded(outcome: Outcome, wanted: Floats) -> Bools:
    """Return which formulas give what is right up to rounding, on the way or at the end, (rows, columns)."""
    return is_number(outcome) & (like(outcome.numbers, wanted) | cut(outcome.numbers, wanted))

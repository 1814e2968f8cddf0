"""INDIRECT: texts followed as the references they spell."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from embedsheet.compiler.faults import other_workbook
from embedsheet.compiler.reader import Reader
from embedsheet.compiler.resolve import resolve_name
from embedsheet.formulas.values import REF, Reference, Result
from embedsheet.ground.distinct import distinct
from embedsheet.ground.errors import FormulaError
from embedsheet.ground.notation import tree as t
from embedsheet.ground.notation.addresses import MAX_COLUMN, MAX_ROW, column_letters
from embedsheet.ground.notation.parse import parse

_PART = r"(?:R(?P<row{0}>\[-?[0-9]+\]|[0-9]+)?)?(?:C(?P<column{0}>\[-?[0-9]+\]|[0-9]+)?)?"
_R1C1 = re.compile(rf"(?P<sheet>.*!)?(?P<first>{_PART.format(1)})(?::(?P<last>{_PART.format(2)}))?\Z", re.I | re.DOTALL)


def followed(evaluator: Reader, texts: Sequence[str | int], a1: Sequence[bool]) -> Reference:
    """Return what the text of each cell spells, an error's code standing for its text: #REF! where it spells nothing.

    Raises SplitError where the cells' sheets differ.
    """
    found = np.ones((4, evaluator.count), np.int64)
    codes, sheets = np.zeros(evaluator.count, np.uint8), np.full(evaluator.count, -1)
    for place, (text, plain) in enumerate(zip(texts, a1, strict=True)):
        spelled = text if isinstance(text, int) else _reference(evaluator.subset(np.array([place])), text, plain)
        if isinstance(spelled, int):
            codes[place] = spelled
            continue
        found[:, place] = spelled.top[0], spelled.left[0], spelled.bottom[0], spelled.right[0]
        codes[place] = 0 if spelled.errors is None else spelled.errors[0]
        sheets[place] = spelled.sheet
    used = distinct(sheets[sheets >= 0])
    if len(used) > 1:
        raise evaluator.split(sheets)
    sheet = int(used[0]) if len(used) else evaluator.group.sheet
    top, left, bottom, right = found
    return Reference(sheet, top, left, bottom, right, codes if codes.any() else None)


def _reference(evaluator: Reader, text: str, a1: bool) -> Reference | int:
    """Return what a text spells in a formula of one cell, or the code of the error that it is."""
    row, column = int(evaluator.rows[0]), int(evaluator.columns[0])
    spelled = text.strip() if a1 else _in_letters(text.strip(), row, column)
    if not spelled:
        return REF
    try:
        node = parse(spelled, row, column)
    except FormulaError:
        return REF
    if not a1 and spelled == text.strip() and isinstance(node, t.Ref):
        return REF  # an address in letters where one in numbers is asked for
    if isinstance(node, t.External):
        raise evaluator.unsupported(other_workbook(node.text))
    if isinstance(node, t.Name):
        # A name of a formula, OFFSET say, is no text of a reference to Excel.
        body = resolve_name(evaluator.store, evaluator.group, node)
        if not isinstance(body, (t.Ref, t.TableRef)):
            return REF
    elif not isinstance(node, (t.Ref, t.TableRef)):
        return REF
    result: Result = evaluator.evaluate(node)
    return result if isinstance(result, Reference) else REF


def _in_letters(text: str, row: int, column: int) -> str:
    """Return an address in the style of R1C1 in that of A1, as it means in one cell; names as they are, "" for none."""
    match = _R1C1.match(text)
    if match is None or not match["first"]:
        return text if match is None else ""
    corners = [_corner(match, place, row, column) for place in (1, 2) if match["first" if place == 1 else "last"]]
    if any(corner is None for corner in corners):
        return ""
    return (match["sheet"] or "") + ":".join(str(corner) for corner in (corners * 2)[: max(2, len(corners))])


def _corner(match: re.Match[str], place: int, row: int, column: int) -> str | None:
    """Return one corner, "$B$5", "$B" of a whole column, "$5" of a whole row; None off the sheet."""
    whole = match["first" if place == 1 else "last"].upper()
    down = _number(match[f"row{place}"], row) if whole.startswith("R") else None
    across = _number(match[f"column{place}"], column) if "C" in whole else None
    if (down is not None and not 1 <= down <= MAX_ROW) or (across is not None and not 1 <= across <= MAX_COLUMN):
        return None
    return (f"${column_letters(across)}" if across else "") + (f"${down}" if down else "")


def _number(written: str | None, here: int) -> int:
    if written is None:
        return here
    return here + int(written[1:-1]) if written.startswith("[") else int(written)

"""Formulas as a page writes them for any of their cells: text between references, and references."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from embedsheet.compiler.forms import Group, rectangles
from embedsheet.ground.errors import EmbedsheetError
from embedsheet.ground.notation import tree as t
from embedsheet.ground.notation.walk import children, with_children
from embedsheet.ground.notation.write import write

_MARK = "\ue000"  # of a private use area: it stands in no formula that anybody types


def template(group: Group, named: Callable[[t.Name], t.Ref | None]) -> dict[str, Any]:
    """Return a group as {"text": pieces, "refs": references, "cells": rectangles, "sheet"}.

    A reference is {"s": sheet or None, "t": text or None, "e": [top, left, bottom, right], "a": which are absolute};
    relative edges are offsets from the cell. Where it has a text (a defined name), that is shown.
    """
    refs: list[dict[str, Any]] = []
    pieces = [group.text]
    try:
        first = write(_marked(group.tree, refs, named), int(group.rows[0]), int(group.columns[0]))
        pieces = first.split(_MARK)
    except (EmbedsheetError, TypeError, RecursionError):
        refs = []
    if len(pieces) != len(refs) + 1:
        pieces, refs = [group.text], []
    cells = [list(area) for area in rectangles(group.rows, group.columns)]
    return {"text": pieces, "refs": refs, "cells": cells, "sheet": group.sheet_name, "array": group.array}


def _marked(node: t.Node, refs: list[dict[str, Any]], named: Callable[[t.Name], t.Ref | None]) -> t.Node:
    if isinstance(node, t.Ref) and node.last_sheet is None:
        refs.append(_reference(node, None))
        return t.Name(_MARK)
    if isinstance(node, t.Name) and node.sheet is None and (meant := named(node)) is not None:
        refs.append(_reference(meant, node.name))
        return t.Name(_MARK)
    below = children(node)
    return with_children(node, [_marked(one, refs, named) for one in below]) if below else replace(node)


def _reference(node: t.Ref, text: str | None) -> dict[str, Any]:
    edges = (node.top, node.left, node.bottom, node.right)
    return {
        "s": node.sheet,
        "t": text,
        "e": [edge.value for edge in edges],
        "a": [int(edge.absolute) for edge in edges],
    }

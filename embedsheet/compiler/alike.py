"""Formulas of one shape that stand alone, evaluated together.

A sheet that nobody filled down has a form a cell: `=B7*F3+2` here, `=C9*F8+5` there. Compiled one by one, a thousand of
them take minutes. Those that are the same but for their addresses and numbers become one formula, whose addresses and
numbers are arrays; that none needs another is for the planner to see to.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace

import numpy as np

from embedsheet.compiler.cells import Ids
from embedsheet.compiler.forms import Group
from embedsheet.compiler.rectangles import edge
from embedsheet.formulas.operators import is_multiplied
from embedsheet.ground.distinct import distinct
from embedsheet.ground.errors import FormulaError
from embedsheet.ground.notation import tree as t
from embedsheet.ground.notation.addresses import MAX_COLUMN, MAX_ROW
from embedsheet.ground.notation.walk import children, is_fixed, walk, with_children

# Longer columns are read in one piece, as they lie; joined to others they would be read cell by cell.
_MOST_CELLS = 8
# Arguments, counted from 0, that are looked for: each formula's on its own.
_LOOKED_FOR: dict[str, Sequence[int]] = {
    **dict.fromkeys(("MATCH", "XMATCH", "LOOKUP", "VLOOKUP", "HLOOKUP", "XLOOKUP"), (0,)),
    **dict.fromkeys(("COUNTIF", "SUMIF", "AVERAGEIF"), (1,)),
    "COUNTIFS": range(1, 255, 2),
    **dict.fromkeys(("SUMIFS", "AVERAGEIFS", "MAXIFS", "MINIFS"), range(2, 255, 2)),
}
_ELEMENTWISE = frozenset(["+", "-", "*", "/", "=", "<>", "<", ">", "<=", ">="])
_SIDES = ("top", "left", "bottom", "right")


def shape_of(group: Group) -> Hashable:
    """Return what is equal for groups that `joined` can take together; None for a group that is to stay alone."""
    return None if group.array or len(group.ids) > _MOST_CELLS else any_shape_of(group)


def any_shape_of(group: Group) -> Hashable:
    """Return the same of any number of cells and of array formulas, which are evaluated well enough alone."""
    if group.fault:
        return None
    shape: list[Hashable] = [group.sheet, group.array, group.outputs.shape[1:]]
    try:
        # Only an operand may be another number, or what is looked for another constant: the digits of ROUND and small
        # whole exponents steer a computation.
        waiting: list[tuple[t.Node, bool]] = [(group.tree, False)]
        while waiting:
            node, operand = waiting.pop()
            own = () if operand and isinstance(node, (t.Number, t.Text)) else _own(node, group)
            if own is None:
                return None
            below = children(node)
            shape.append((type(node), len(below), own))
            waiting += reversed(list(zip(below, _may_differ(node, len(below)), strict=True)))
    except FormulaError:
        return None
    return tuple(shape)


def _may_differ(node: t.Node, count: int) -> list[bool]:
    """Return which constants directly below a node may be others in formulas that are joined."""
    if isinstance(node, t.Call):
        looked_for = _LOOKED_FOR.get(node.name, ())
        return [place in looked_for for place in range(count)]
    if isinstance(node, t.Binary) and node.operator == "^" and isinstance(node.right, t.Number):
        return [True, not is_multiplied(node.right.value)]
    return [isinstance(node, t.Binary) and node.operator in _ELEMENTWISE] * count


def _own(node: t.Node, group: Group) -> Hashable:
    """Return what must be equal in two nodes of one kind, beside what is below them; None if they cannot be joined."""
    match node:
        case t.Missing() | t.Apply():
            return ()
        case t.Number(value=value) | t.Text(value=value) | t.Boolean(value=value) | t.Error(code=value):
            return value
        case t.Array(rows=value) | t.Unary(operator=value) | t.Binary(operator=value) | t.Call(name=value):
            return value
        case t.Name() | t.TableRef():
            return node
        case t.Ref(last_sheet=None, sheet=sheet) if node.top == node.bottom and node.left == node.right:
            return (sheet, 0, 0)
        case t.Ref(last_sheet=None, sheet=sheet) if is_fixed(node):
            return (sheet, abs(node.bottom.value - node.top.value), abs(node.right.value - node.left.value))
        case t.Ref(last_sheet=None, sheet=sheet):
            top, left, bottom, right = _corners(node, group)
            heights, widths = distinct(bottom - top), distinct(right - left)
            return (sheet, int(heights[0]), int(widths[0])) if len(heights) == len(widths) == 1 else None
    return None


def _corners(node: t.Ref, group: Group) -> list[Ids]:
    """Return the rows and columns top, left, bottom, right, (n,) each, that a reference means in each cell."""
    rows = [edge(side, group.rows, MAX_ROW) for side in (node.top, node.bottom)]
    columns = [edge(side, group.columns, MAX_COLUMN) for side in (node.left, node.right)]
    sides = (np.minimum(*rows), np.minimum(*columns), np.maximum(*rows), np.maximum(*columns))
    return [np.broadcast_to(side, len(group.ids)) for side in sides]


def joined(groups: Sequence[Group]) -> Group:
    """Return one group of the cells of groups whose `shape_of` is equal."""
    nodes = [_joined(alike, groups) for alike in zip(*(walk(group.tree) for group in groups), strict=True)]
    built: list[t.Node] = []
    for node in reversed(nodes):  # the nodes below one come right behind it, so they are built already
        built.append(with_children(node, [built.pop() for _ in children(node)]))
    ids, rows, columns, outputs = (
        np.concatenate([getattr(group, name) for group in groups]) for name in ("ids", "rows", "columns", "outputs")
    )
    stored = all(group.stored for group in groups)
    offsets = [group.offsets for group in groups if group.offsets is not None]
    whole = replace(
        groups[0], ids=ids, rows=rows, columns=columns, outputs=outputs, stored=stored, dynamic=[],
        offsets=np.concatenate(offsets) if offsets else None,
    )  # fmt: skip
    whole.parts, whole._tree = tuple(groups), built[0]
    return whole


def _joined(alike: Sequence[t.Node], groups: Sequence[Group]) -> t.Node:
    first = alike[0]
    if isinstance(first, t.Ref) and is_fixed(first) and all(node == first for node in alike):
        return first
    if isinstance(first, t.Ref):
        counts = [len(group.ids) for group in groups]
        places = [np.concatenate([getattr(group, name) for group in groups]) for name in ("rows", "columns")] * 2
        sides = [
            _meant([getattr(node, name) for node in alike], counts, here, most)
            for name, here, most in zip(_SIDES, places, (MAX_ROW, MAX_COLUMN) * 2, strict=True)
        ]
        ordered = [f(sides[axis], sides[axis + 2]) for f in (np.minimum, np.maximum) for axis in (0, 1)]
        return t.Refs(first.sheet, *(side[:1] if (side == side[0]).all() else side for side in ordered))
    if isinstance(first, t.Number):
        values = [node.value for node in alike if isinstance(node, t.Number)]
        if len(set(values)) > 1:
            return t.Numbers(np.repeat(values, [len(group.ids) for group in groups]))
    if isinstance(first, t.Text):
        texts = [node.value for node in alike if isinstance(node, t.Text)]
        if len(set(texts)) > 1:
            repeated = zip(texts, groups, strict=True)
            return t.Texts(tuple(text for text, group in repeated for _ in range(len(group.ids))))
    return first


def _meant(coordinates: Sequence[t.Coordinate], counts: Sequence[int], here: Ids, most: int) -> Ids:
    """Return the rows or columns that coordinates mean, each in as many cells as `counts` says; see `edge`."""
    values = np.repeat([one.value for one in coordinates], counts)
    return np.where(np.repeat([one.absolute for one in coordinates], counts), values, (here + values - 1) % most + 1)

"""A group's formula with everything written out: names, tables, LET, spilled ranges, implicit intersection.

What is left are references with their sheet's name, constants, operators and calls; so it means the same on any sheet.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from embedsheet.compiler.cells import Ids
from embedsheet.compiler.evaluate import Evaluator
from embedsheet.compiler.forms import Group
from embedsheet.compiler.rectangles import edge
from embedsheet.compiler.resolve import resolve_name, resolve_table
from embedsheet.compiler.store import Store
from embedsheet.formulas.functions.table import FUNCTIONS, parameter
from embedsheet.formulas.values import Reference, Value
from embedsheet.ground.errors import UnsupportedError
from embedsheet.ground.keys import name_key
from embedsheet.ground.notation import tree as t
from embedsheet.ground.notation.addresses import MAX_COLUMN, MAX_ROW
from embedsheet.ground.notation.structured import THIS_ROW
from embedsheet.ground.notation.walk import children, walk, with_children
from embedsheet.translations.written_out import WRITTEN_OUT

_HERE = t.Coordinate(0, False)
_NO_LAMBDA = "a LAMBDA has no rule on a gradient sheet; write what it does into cells."
_REFERENCE_OPERATORS = (":", ",", " ")
# Of these the last arguments are what comes out, a range too.
_CHOICES = {"IF": 1, "CHOOSE": 1, "IFERROR": 0}


class Expander:
    """Writes one group's formula out."""

    def __init__(self, store: Store, group: Group) -> None:
        self.store, self.group = store, group

    def refuse(self, text: str) -> UnsupportedError:
        """Return the error that names the group's cells."""
        return UnsupportedError([f"{self.group.where()}: {text}"])

    def run(self) -> t.Node:
        """Return the whole formula; in an ordinary one ranges are intersected with the cell's own row or column."""
        return self.node(self.group.tree, self.group.array, not self.group.array, {})

    def node(self, node: t.Node, array: bool, scalar: bool, local: dict[str, t.Node]) -> t.Node:
        """Return an expression written out; `scalar`: the place wants one value."""
        match node:
            case t.Ref():
                return self.reference(node, scalar)
            case t.Name(name=name, sheet=sheet) if sheet is None and name_key(name) in local:
                return local[name_key(name)]
            case t.Name():
                body = resolve_name(self.store, self.group, node)
                if body is None:
                    raise self.refuse(f"there is no name {node.name}.")
                return self.node(body, array, scalar, {})
            case t.TableRef():
                return self.table(node, scalar)
            case t.Spill(anchor=t.Ref() as anchor):
                return self.spill(anchor, scalar)
            case t.Binary(operator=":" | " ") if not scalar:
                return with_children(node, [self.node(one, True, False, local) for one in children(node)])
            case t.Binary(operator=operator) if operator in _REFERENCE_OPERATORS:
                raise self.refuse("several ranges in one have no rule on a gradient sheet; take one after the other.")
            case t.Binary():
                return self.spine(node, array, local)
            case t.Call():
                return self.call(node, array, scalar, local)
            case t.Apply():
                raise self.refuse(_NO_LAMBDA)
            case t.External() | t.Spill() | t.Numbers() | t.Refs() | t.Texts() | t.Cells():
                raise self.refuse(f"{type(node).__name__} cannot be differentiated into formulas; use cells instead.")
        below = [self.node(one, array, not array, local) for one in children(node)]
        return with_children(node, below) if below else node

    def spine(self, node: t.Binary, array: bool, local: dict[str, t.Node]) -> t.Node:
        steps = [node]
        while isinstance(steps[-1].left, t.Binary) and steps[-1].left.operator not in _REFERENCE_OPERATORS:
            steps.append(steps[-1].left)
        result = self.node(steps[-1].left, array, not array, local)
        for step in reversed(steps):
            result = t.Binary(step.operator, result, self.node(step.right, array, not array, local))
        return result

    def call(self, node: t.Call, array: bool, scalar: bool, local: dict[str, t.Node]) -> t.Node:
        row = FUNCTIONS.get(node.name)
        if row is None:
            raise self.refuse(f"{node.name} cannot be differentiated into formulas; write it out in cells.")
        if node.name == "LET":
            inner = dict(local)
            for name, value in zip(node.arguments[0:-1:2], node.arguments[1:-1:2], strict=True):
                assert isinstance(name, t.Name)
                inner[name_key(name.name)] = self.node(value, array, False, inner)
            return self.node(node.arguments[-1], array, scalar, inner)
        if any(isinstance(one, t.Call) and one.name == "LAMBDA" for one in (node, *node.arguments)):
            raise self.refuse(_NO_LAMBDA)
        if node.name in WRITTEN_OUT:
            return self.node(WRITTEN_OUT[node.name](node.arguments), array, scalar, local)
        if node.name in {"ROW", "COLUMN"} and not node.arguments:
            _, height, width = self.group.outputs.shape
            last = t.Coordinate(height - 1, False), t.Coordinate(width - 1, False)
            own = t.Ref(self.group.sheet_name, _HERE, _HERE, *last)
            return t.Call(node.name, (own,))
        arguments: list[t.Node] = []
        for place, argument in enumerate(node.arguments):
            if isinstance(argument, t.Missing):
                arguments.append(argument)
                continue
            if node.name in _CHOICES:
                arguments.append(
                    self.node(argument, array, (scalar or place < _CHOICES[node.name]) and not array, local)
                )
                continue
            letter = "r" if row.lazy else parameter(row, place)
            inside = array or letter == "a"
            arguments.append(self.node(argument, inside, letter == "v" and not inside, local))
        return t.Call(node.name, tuple(arguments))

    # References

    def reference(self, node: t.Ref, scalar: bool) -> t.Node:
        if node.last_sheet is not None:
            raise self.refuse("a reference through several sheets cannot be differentiated; add the sheets one by one.")
        sheet = node.sheet or self.group.sheet_name
        place = self.store.table.sheet_places.get(name_key(sheet))
        if place is None:
            raise self.refuse(f"there is no sheet {sheet}.")
        node = replace(node, sheet=self.store.table.sheet_names[place], place=0)
        if node.bottom == (MAX_ROW, True):
            node = replace(node, bottom=t.Coordinate(self.store.table.used_height, True))
        if node.right == (MAX_COLUMN, True):
            node = replace(node, right=t.Coordinate(self.store.table.used_width, True))
        return self.intersected(node) if scalar else node

    def intersected(self, node: t.Ref) -> t.Ref:
        heights, widths = sizes(node, self.group.rows, self.group.columns)
        tall, wide = bool((heights > 1).any()), bool((widths > 1).any())
        if tall and wide:
            raise self.refuse("a whole range stands where one value belongs; name one cell.")
        if tall:
            return replace(node, top=_HERE, bottom=_HERE)
        return replace(node, left=_HERE, right=_HERE) if wide else node

    def table(self, node: t.TableRef, scalar: bool) -> t.Node:
        found = resolve_table(self.store, self.group, node, self.group.rows)
        if isinstance(found, Value) or found.errors is not None:
            raise self.refuse("a structured reference means no cells here.")
        here = THIS_ROW in node.what.items
        return self.of_reference(found, here, scalar)

    def spill(self, anchor: t.Ref, scalar: bool) -> t.Node:
        node = self.reference(anchor, False)
        assert isinstance(node, t.Ref)
        top, left, bottom, right = (side[:1] for side in corners(node, self.group))
        place = self.store.table.sheet_places[name_key(node.sheet or "")]
        found = self.store.spill(Reference(place, top, left, bottom, right))
        if found.errors is not None:
            raise self.refuse("refers to a spilled range that is none.")
        return self.of_reference(found, False, scalar)

    def of_reference(self, found: Reference, own_row: bool, scalar: bool) -> t.Node:
        top, left, bottom, right = (
            t.Coordinate(int(side[0]), True) for side in (found.top, found.left, found.bottom, found.right)
        )
        rows = (_HERE, _HERE) if own_row else (top, bottom)
        node = t.Ref(self.store.table.sheet_names[found.sheet], rows[0], left, rows[1], right)
        return self.intersected(node) if scalar else node


def corners(node: t.Ref, group: Group) -> list[Ids]:
    """Return top, left, bottom, right of a reference in each cell of a group, (n or 1,) each."""
    rows = [edge(side, group.rows, MAX_ROW) for side in (node.top, node.bottom)]
    columns = [edge(side, group.columns, MAX_COLUMN) for side in (node.left, node.right)]
    return [np.minimum(*rows), np.minimum(*columns), np.maximum(*rows), np.maximum(*columns)]


def sizes(node: t.Ref, rows: Ids, columns: Ids) -> tuple[Ids, Ids]:
    """Return height and width of a reference in each cell, (n or 1,) each."""
    high = np.abs(edge(node.bottom, rows, MAX_ROW) - edge(node.top, rows, MAX_ROW)) + 1
    wide = np.abs(edge(node.right, columns, MAX_COLUMN) - edge(node.left, columns, MAX_COLUMN)) + 1
    return high, wide


def placed(store: Store, group: Group, tree: t.Node) -> list[tuple[t.Node, Ids]]:
    """Return a formula for each lot of cells in which what finds a range is the range that it finds now.

    Such are an OFFSET of several cells, an INDIRECT, and ranges that are put together: `A1:INDEX(A:A,n)`.
    """
    ranges = {node: _Range(store, group, node) for node in _finders(tree)}
    if not ranges:
        return [(tree, np.arange(len(group.ids)))]
    _, lot = np.unique(np.column_stack([one.offsets for one in ranges.values()]), axis=0, return_inverse=True)
    lots = []
    for number in range(int(lot.max()) + 1):
        elements = np.flatnonzero(lot.ravel() == number)
        here = {node: one.at(int(elements[0])) for node, one in ranges.items()}
        lots.append((_exchanged(tree, here), elements))
    return lots


def _finders(node: t.Node) -> Iterator[t.Node]:
    """Yield the outermost expressions in a formula that find a range."""
    match node:
        case t.Call(name="INDIRECT") | t.Binary(operator=":" | " "):
            yield node
        case t.Call(name="OFFSET", arguments=arguments) if len(arguments) > 3:
            yield node
        case _:
            for one in children(node):
                yield from _finders(one)


class _Range:
    """The range that an expression finds in each cell of a group.

    `offsets` (cells, 4): its sides, relative to the cell those that are not the same for all.
    """

    def __init__(self, store: Store, group: Group, node: t.Node) -> None:
        found = Evaluator(store, group, np.arange(len(group.ids))).evaluate(node)
        if not isinstance(found, Reference) or (found.errors is not None and np.any(found.errors)):
            raise UnsupportedError([f"{group.where()}: a range that is put together here means no cells; name it."])
        self.sheet = store.table.sheet_names[found.sheet]
        sides = [np.broadcast_to(one, len(group.ids)) for one in (found.top, found.left, found.bottom, found.right)]
        self.fixed = [bool((one == one[0]).all()) for one in sides]
        own = (group.rows, group.columns) * 2
        self.offsets: Ids = np.column_stack(
            [side if fixed else side - at for side, at, fixed in zip(sides, own, self.fixed, strict=True)]
        )

    def at(self, element: int) -> t.Ref:
        """Return the range of one cell, relative to it where it moves."""
        sides = self.offsets[element].tolist()
        top, left, bottom, right = (t.Coordinate(*side) for side in zip(sides, self.fixed, strict=True))
        return t.Ref(self.sheet, top, left, bottom, right)


def _exchanged(node: t.Node, ranges: Mapping[t.Node, t.Ref]) -> t.Node:
    if node in ranges:
        return ranges[node]
    below = children(node)
    return with_children(node, [_exchanged(one, ranges) for one in below]) if below else node


def alike(tree: t.Node, group: Group, some: Ids) -> list[tuple[t.Node, Ids]]:
    """Return lots of some of a group's cells in each of which every reference has one size, with the formula for each.

    In it a reference's top and left are its upper and left edges.
    """
    references = list(dict.fromkeys(node for node in walk(tree) if isinstance(node, t.Ref)))
    n = len(group.ids)
    labels = np.zeros((n, 1), np.int64)
    for node in references:
        swapped = [
            edge(node.bottom, group.rows, MAX_ROW) < edge(node.top, group.rows, MAX_ROW),
            edge(node.right, group.columns, MAX_COLUMN) < edge(node.left, group.columns, MAX_COLUMN),
        ]
        more = [np.broadcast_to(side, n) for side in (*sizes(node, group.rows, group.columns), *swapped)]
        labels = np.column_stack([labels, *more])
    _, lot = np.unique(labels, axis=0, return_inverse=True)
    found = []
    for number in range(int(lot.max()) + 1):
        elements = some[lot.ravel()[some] == number]
        if not len(elements):
            continue
        row, column = int(group.rows[elements[0]]), int(group.columns[elements[0]])
        found.append((_upright(tree, row, column), elements))
    return found


def _upright(node: t.Node, row: int, column: int) -> t.Node:
    if isinstance(node, t.Ref):
        rows = sorted((node.top, node.bottom), key=lambda side: side.at(row))
        columns = sorted((node.left, node.right), key=lambda side: side.at(column))
        return replace(node, top=rows[0], bottom=rows[1], left=columns[0], right=columns[1])
    below = children(node)
    return with_children(node, [_upright(one, row, column) for one in below]) if below else node

"""Rules of functions that look up or pick: what they pick by must not depend on the weights."""

from __future__ import annotations

import numpy as np

from embedsheet.ground.notation import tree as t
from embedsheet.translations.coder.errors import chosen
from embedsheet.translations.coder.expressions import (
    Expr,
    Label,
    apply,
    elementwise,
    literal,
    number_of,
    order,
    over,
    reduced,
    relabelled,
    transposed,
    with_axes,
)
from embedsheet.translations.coder.translate import Translator, Untranslatable
from embedsheet.translations.coder.variables import Nodes, Rule


def matched(tr: Translator, nodes: Nodes) -> Expr:
    """MATCH(x, list, 0): the first place, counted from 1, at which the list has x."""
    kind = number_of(tr.number(tr.scalar(nodes[2]))) if len(nodes) > 2 else 1.0
    return elementwise("add", _place(tr, nodes[0], tr.range(nodes[1]), nodes[1], kind), literal(1.0))


def _place(tr: Translator, wanted: t.Node, keys: Expr, keys_node: t.Node | None, kind: float | None) -> Expr:
    """Return the place, from 0, of a value in a row or column of keys; `kind` is what MATCH calls its type."""
    along = [label for label in keys.axes if label in ("h", "w")]
    if len(along) != 1:
        raise Untranslatable("a look-up in more than one row or column")
    for function, op in (("MAX", "argmax"), ("MIN", "argmin")):
        largest = keys_node is not None and kind == 0 and wanted == t.Call(function, (keys_node,))
        if largest and not np.isnan(np.asarray(keys.value)).any():
            rest = tuple(label for label in keys.axes if label != along[0])
            return apply(op, keys, axes=rest, x=over(keys, along))
    value = tr.scalar(wanted)
    if not (value.fixed and keys.fixed):
        raise Untranslatable("a look-up that depends on the weights")
    if kind == 0:
        return place_of(tr, value, keys, along[0])
    if kind != 1 or keys.axes != tuple(along) or np.asarray(keys.value).dtype.kind != "f":
        raise Untranslatable("a look-up of the nearest in falling order, or of texts")
    below = apply("searchsorted", keys, tr.number(value), axes=value.axes)
    return elementwise("subtract", below, literal(1.0))


def place_of(tr: Translator, wanted: Expr, column: Expr, label: str | int) -> Expr:
    equal = tr.compare("=", column, wanted)
    rest = tuple(one for one in equal.axes if one != label)
    axis = equal.axes.index(label)
    if (~np.asarray(equal.value).any(axis=axis) & tr.counts(rest)).any():
        raise Untranslatable("a look-up that finds nothing")
    return apply("argmax", equal, axes=rest, x=f"axis={axis}" if rest else "")


def places_from(tr: Translator, expr: Expr, shift: float) -> Expr:
    """Return a whole number, counted from 1, as a place counted from 0 in a larger array."""
    total = expr
    constant = shift
    while total.op in ("add", "subtract") and number_of(total.args[1]) is not None:
        amount = number_of(total.args[1]) or 0.0
        constant += amount if total.op == "add" else -amount
        total = total.args[0]
    if total.op == "literal" and not total.axes:
        whole = int(float(total.value) + constant)
        return Expr("literal", (), (), np.int64(whole), str(whole))
    if np.asarray(total.value).dtype.kind != "i":
        value = np.asarray(total.value)
        if not (value == np.round(value)).all():
            raise Untranslatable("a place that is no whole number")
        total = apply("as_int" if total.axes else "whole", total, axes=total.axes)
    if constant == 0:
        return total
    shifted = Expr("literal", (), (), np.int64(abs(constant)), str(int(abs(constant))))
    return apply("add" if constant > 0 else "subtract", total, shifted, axes=total.axes)


def indexed(tr: Translator, nodes: Nodes) -> Expr:
    """INDEX(range, row, column): take."""
    source = tr.range(nodes[0])
    # The whole of an axis counts, also where all its cells are alike; what is picked must have fixed places.
    first = tr.scalar(nodes[1]) if len(nodes) > 1 and not isinstance(nodes[1], t.Missing) else None
    second = tr.scalar(nodes[2]) if len(nodes) > 2 and not isinstance(nodes[2], t.Missing) else None
    first, second = (None if place is not None and number_of(place) == 0 else place for place in (first, second))
    along: dict[str, Expr | None] = {"h": first, "w": second}
    if len(nodes) == 2 and "w" in source.axes and "h" not in source.axes:
        along = {"h": None, "w": first}
    return taken(tr, source, along)


def taken(tr: Translator, source: Expr, along: dict[str, Expr | None]) -> Expr:
    places: dict[str, Expr] = {}
    for label, place in along.items():
        if place is None or label not in source.axes:
            continue
        if not place.fixed and not 0 < _most(tr, place) <= source.size[label]:
            raise Untranslatable("a place that depends on the weights")
        found = places_from(tr, tr.number(place), -1)
        value = np.asarray(found.value)
        if (value < 0).any() or (value >= source.size[label]).any():
            raise Untranslatable("a place outside the range")
        places[label] = found
    # Places that count along one axis of the block, 0, 1, 2, …, are that axis itself.
    for label, place in list(places.items()):
        value = np.asarray(place.value)
        if len(place.axes) == 1 and place.axes[0] not in source.axes and len(value) == source.size[label]:
            other = next((one for name, one in places.items() if name != label), None)
            if (value == np.arange(len(value))).all() and (other is None or place.axes[0] not in other.axes):
                source = relabelled(source, {label: place.axes[0]})
                del places[label]
    if not places:
        return transposed(source, order(source.axes))
    outer = [label for label in source.axes if label not in places]
    shared = {label for place in places.values() for label in place.axes}
    if len(places) == 1:
        ((label, place),) = places.items()
        if not shared & set(outer):
            front = transposed(source, (label, *order(outer)))
            if place.op == "literal" and not place.axes:
                return apply("index", front, axes=tuple(order(outer)), x=place.x, kinds=source.kinds)
            axes = (*place.axes, *order(outer))
            return transposed(apply("take", front, place, axes=axes, kinds=source.kinds), order(axes))
    # Each cell of the block has its own row of the range, or row and column are both picked.
    wanted = order([*outer, *shared])
    everything: dict[Label, Expr] = {label: counted(source.size[label], label) for label in outer}
    everything.update(places)
    pair = [with_axes(everything[label], wanted) for label in source.axes]
    return apply("picked", source, *pair, axes=wanted, kinds=source.kinds)


def _most(tr: Translator, place: Expr) -> int:
    """Return the largest number, counted from 1, that the place of a row's largest or smallest can be; 0: not known."""
    while place.op == "name" and not place.args and place.x in tr.memory.definitions:
        place = tr.memory.definitions[place.x]
    if place.op == "add" and number_of(place.args[1]) == 1 and place.args[0].op in ("argmax", "argmin"):
        found = place.args[0]
        return int(np.asarray(found.args[0].value).size / max(1, np.asarray(found.value).size))
    return 0


def counted(length: int, label: str | int) -> Expr:
    return Expr("literal", (), (label,), np.arange(length), f"np.arange({length})")


def offset(tr: Translator, nodes: Nodes) -> Expr:
    """OFFSET(cell, rows, columns): take from the array in which the cells lie."""
    if len(nodes) != 3:
        return tr.reference(t.Call("OFFSET", tuple(nodes)))
    call = t.Call("OFFSET", tuple(nodes))
    sheet, rows, columns, _ = tr.cells(call)
    _, base_rows, base_columns, _ = tr.cells(nodes[0])
    owners = tr.memory.owners(sheet, rows, columns)
    if (owners != owners.flat[0]).any() or owners.flat[0] < 0 or rows.shape[-2:] != (1, 1) or base_rows.size != 1:
        return tr.reference(call)
    variable = tr.memory.variables[int(owners.flat[0])]
    place = variable.expr()
    apart = (np.diff(variable.rows, axis=0) != 1).any() if place.value.ndim == 2 else True
    if apart or (np.diff(variable.columns, axis=1) != 1).any():
        return tr.reference(call)
    source = relabelled(place, {0: "h", 1: "w"})
    down, right = (tr.number(tr.scalar(node)) for node in nodes[1:3])
    shift_down = int(base_rows.flat[0]) - int(variable.rows[0, 0]) + 1
    shift_right = int(base_columns.flat[0]) - int(variable.columns[0, 0]) + 1
    return taken(tr, source, {"h": shifted(down, shift_down), "w": shifted(right, shift_right)})


def shifted(expr: Expr, amount: int) -> Expr:
    if amount == 0:
        return expr
    found = number_of(expr)
    if found is not None:
        return literal(found + amount)
    if expr.op == "literal":
        return Expr("literal", (), expr.axes, expr.value + amount, f"{expr.x} + {amount}")
    return elementwise("add" if amount > 0 else "subtract", expr, literal(float(abs(amount))))


def table_lookup(keys_along: str) -> Rule:
    """VLOOKUP(x, table, column, FALSE), keys along "h": the row whose first cell is x; HLOOKUP, keys along "w"."""

    def rule(tr: Translator, nodes: Nodes) -> Expr:
        kind = 1.0 if len(nodes) < 4 else number_of(tr.number(tr.scalar(nodes[3])))
        which = tr.number(tr.scalar(nodes[2]))
        if not which.fixed or kind is None:
            raise Untranslatable("a column that depends on the weights")
        values = np.asarray(which.value)
        first, last = int(values.min()), int(values.max())
        sheet, rows, columns, outside = tr.cells(nodes[1], array=True)
        down = keys_along == "h"
        part = (lambda start, stop: np.s_[..., start:stop]) if down else (lambda start, stop: np.s_[..., start:stop, :])
        if outside is not None or not 1 <= first <= last <= rows.shape[-1 if down else -2]:
            raise Untranslatable("a column outside the table")
        labels = (*range(tr.elements.ndim), "h", "w")
        keys, results = (
            tr.reader(sheet, rows[cut], columns[cut], labels) for cut in (part(0, 1), part(first - 1, last))
        )
        place = elementwise("add", _place(tr, nodes[0], keys, None, 0.0 if kind == 0 else 1.0), literal(1.0))
        across = None if first == last else shifted(which, 1 - first)
        return taken(tr, results, {"h": place, "w": across} if down else {"h": across, "w": place})

    return rule


def found_by(kind: float) -> Rule:
    """XLOOKUP(x, keys, results, else), type 0; LOOKUP(x, keys, results), type 1: the last key that is not larger."""

    def rule(tr: Translator, nodes: Nodes) -> Expr:
        if len(nodes) < 3 or len(nodes) > 4 or (kind and len(nodes) > 3):
            raise Untranslatable("a look-up with more arguments")
        keys, results = tr.range(nodes[1]), tr.range(nodes[2])
        along = [label for label in keys.axes if label in ("h", "w")]
        there = _there(tr, nodes[0], keys) if len(nodes) > 3 else None
        if there is None:
            place = elementwise("add", _place(tr, nodes[0], keys, nodes[1], kind), literal(1.0))
            return taken(tr, results, {str(along[0]): place})
        with tr.branch(there, True):
            place = elementwise("add", _place(tr, nodes[0], keys, nodes[1], kind), literal(1.0))
            found = taken(tr, results, {str(along[0]): place})
        with tr.branch(there, False):
            return chosen(tr, there, found, tr.scalar(nodes[3]))

    return rule


def _there(tr: Translator, node: t.Node, keys: Expr) -> Expr | None:
    """Return where keys have a value; None: everywhere."""
    along = [label for label in keys.axes if label in ("h", "w")]
    value = tr.scalar(node)
    if len(along) != 1 or not (value.fixed and keys.fixed):
        raise Untranslatable("a look-up that depends on the weights")
    found = reduced("any", tr.compare("=", keys, value), along)
    return None if np.asarray(found.value).all() else found


def choose(tr: Translator, nodes: Nodes) -> Expr:
    which = tr.scalar(nodes[0])
    found = np.asarray(which.value)
    if which.fixed and found.ndim == 0:
        return tr.scalar(nodes[int(found)])
    if all(isinstance(node, (t.Text, t.Number)) for node in nodes[1:]):
        words = [node.value for node in nodes[1:] if isinstance(node, (t.Text, t.Number))]
        choices = Expr("literal", (), ("h",), np.array(words), f"np.array({words!r})")
        return taken(tr, choices, {"h": which})
    if which.fixed and found.dtype.kind == "f" and np.isin(found, np.arange(1, len(nodes))).all():
        chosen = tr.number(tr.scalar(nodes[-1]))
        for place in range(len(nodes) - 2, 0, -1):
            here = elementwise("equal", which, literal(float(place)))
            chosen = elementwise("where", here, tr.number(tr.scalar(nodes[place])), chosen)
        return chosen
    raise Untranslatable("CHOOSE by cells")

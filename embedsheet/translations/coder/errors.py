"""Rules of what asks whether an expression is an error: IFERROR, ISERROR and their kin.

Which cells hold errors is the same for all weights, but for divisions by what depends on them, logarithms of it and
roots: there the code asks what the sheet would.
"""

from __future__ import annotations

import numpy as np

from embedsheet.ground.kinds import BLANK, ERROR, NA, NUMBER, TEXT
from embedsheet.ground.notation import tree as t
from embedsheet.translations.coder.expressions import Expr, elementwise, literal, number_of, reduced, with_axes
from embedsheet.translations.coder.translate import Translator, Untranslatable, _is_nan
from embedsheet.translations.coder.variables import Nodes


def if_error(tr: Translator, nodes: Nodes) -> Expr:
    """IFERROR(x, y): x where it is a number, else y."""
    return _else(tr, nodes[0], nodes[1], False)


def if_not_available(tr: Translator, nodes: Nodes) -> Expr:
    """IFNA(x, y): y where x is #N/A."""
    return _else(tr, nodes[0], nodes[1], True)


def is_error(tr: Translator, nodes: Nodes) -> Expr:
    """ISERROR(x)."""
    sound = _taken(tr, nodes[0], False)[1]
    return literal(False) if sound is None else elementwise("not", sound)


def is_not_available(tr: Translator, nodes: Nodes) -> Expr:
    """ISNA(x)."""
    sound = _sound(tr, nodes[0], True)
    if tr.names_local(nodes[0]):
        _checked(tr.scalar(nodes[0]))
    return literal(False) if sound is None else elementwise("not", sound)


def _else(tr: Translator, node: t.Node, other: t.Node, only_missing: bool) -> Expr:
    value, sound = _taken(tr, node, only_missing)
    if sound is None:
        assert value is not None
        return value
    with tr.branch(sound, False):
        fallback = tr.scalar(other)
        if np.asarray(fallback.value).dtype.kind == "f" and BLANK in fallback.kinds:
            fallback = tr.number(fallback)
    if value is None:
        return fallback
    return chosen(tr, sound, value, fallback)


def _taken(tr: Translator, node: t.Node, only_missing: bool) -> tuple[Expr | None, Expr | None]:
    """Return an expression, and where it is no error: None everywhere. The expression is None where it always is."""
    sound = _sound(tr, node, only_missing)
    if sound is not None and not np.asarray(sound.value).any() and not tr.known(node)[1]:
        return None, sound
    value, asked = _asking(tr, node, sound, not only_missing)
    if asked and sound is not None:
        # An error that comes of the weights is asked for, and is none for good.
        holds = [np.asarray(with_axes(one, sound.axes).value) for one in asked]
        lasting = np.asarray(sound.value) | ~np.logical_and.reduce(np.broadcast_arrays(*holds, sound.value))
        sound = None if lasting.all() else tr.compact(lasting, sound.axes)
        value, asked = _asking(tr, node, sound, True)
    if tr.names_local(node):
        _checked(value)
    asked = [reduced("all", one, [label for label in one.axes if label not in value.axes]) for one in asked]
    every = [*([sound] if sound is not None else []), *asked]
    if not every:
        return value, None
    whole = every[0]
    for one in every[1:]:
        whole = elementwise("and", whole, one)
    return value, whole


def _checked(value: Expr) -> None:
    """Refuse an error that nothing asks for, behind a name of LET."""
    given = np.asarray(value.value)
    if given.dtype.kind == "f" and not np.isfinite(given).all():
        raise Untranslatable("an error behind a name of LET")


def _asking(tr: Translator, node: t.Node, sound: Expr | None, asks: bool) -> tuple[Expr, list[Expr]]:
    before, tr.sound = tr.sound, [] if asks else tr.sound
    try:
        if sound is None:
            value = tr.scalar(node)
        else:
            with tr.branch(sound, True):
                value = tr.scalar(node)
        return value, list(dict.fromkeys(tr.sound or [])) if asks else []
    finally:
        tr.sound = before


def _sound(tr: Translator, node: t.Node, only_missing: bool) -> Expr | None:
    """Return where an expression is no error as the workbook stands; None: everywhere."""
    if tr.names_local(node):  # what the compiler does not know
        return None
    known, _ = tr.known(node)
    failed = known.kinds == ERROR
    if only_missing:
        failed = failed & (np.asarray(known.numbers) == NA)
    if not failed.any():
        return None
    found = tr.by_cells(~failed)
    if isinstance(node, t.Binary) and node.operator == "/":
        below = tr.number(tr.scalar(node.right))
        if below.fixed and number_of(below) is None:
            plain = elementwise("unequal", below, literal(0.0))
            if plain.axes == found.axes and np.array_equal(np.asarray(plain.value), np.asarray(found.value)):
                return plain
    return found


def chosen(tr: Translator, condition: Expr, yes: Expr, no: Expr) -> Expr:
    """Return one of two expressions, cell by cell."""
    kinds = [np.asarray(one.value).dtype.kind for one in (yes, no)]
    if set(kinds) == {"U", "f"} and not condition.fixed:
        # A word in place of a number, as "skipped": nothing may ask then whether the cell holds "".
        tr.memory.worded = True
        yes, no = (literal(np.nan) if one.op == "literal" and not one.axes and kind == "U" else one
                   for one, kind in zip((yes, no), kinds, strict=True))  # fmt: skip
        kinds = [np.asarray(one.value).dtype.kind for one in (yes, no)]
    if "U" in kinds and set(kinds) != {"U"}:
        raise Untranslatable("texts and numbers from one IF")
    if "b" in kinds and set(kinds) != {"b"}:
        yes, no = (tr.number(one) for one in (yes, no))
    missing = any(_is_nan(one.value) for one in (yes, no)) or any(TEXT in one.kinds for one in (yes, no))
    if condition.op == "not":
        condition, yes, no = condition.args[0], no, yes
    return elementwise("where", condition, yes, no, kinds=frozenset({NUMBER, TEXT} if missing else {NUMBER}))

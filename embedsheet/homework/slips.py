"""Slips: which small mend would make a student's formula right, found by running it with that mend."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from embedsheet.book.changes import with_formulas
from embedsheet.ground.errors import EmbedsheetError
from embedsheet.ground.notation.addresses import MAX_COLUMN, MAX_ROW, Area, column_letters
from embedsheet.ground.notation.parse import parse
from embedsheet.ground.notation.tree import Binary, Call, Coordinate, Node, Number, Ref, Unary
from embedsheet.ground.notation.walk import children, with_children
from embedsheet.ground.notation.write import FILE, write
from embedsheet.workbook import Workbook

_MOST_REFERENCES = 6
_ROUNDERS = ("ROUND", "ROUNDUP", "ROUNDDOWN")
_LONGEST = 400  # characters of a formula that is looked at
Place = tuple[int, int]  # a cell's (row, column)
Mend = Callable[[Node], Node | None]


@dataclass(frozen=True)
class Slip:
    """`words` tell the student; `formulas` are the wrong cells' formulas, mended, without "=".

    `decimals`: what is right must have no more of them, for a number that is only near is within the tolerance.
    """

    words: str
    formulas: dict[Place, str]
    decimals: int | None = None


def slips(formulas: Mapping[Place, str], wrong: Sequence[Place]) -> list[Slip]:
    """Return the slips that may have made some cells of a block wrong; `formulas` are all that the block has."""
    here = next((place for place in wrong if place in formulas), None)
    found: list[Slip] = []
    if here is not None:
        found += [Slip(words, mended) for words, mend in _MENDS if (mended := _each(formulas, wrong, mend))]
        tree = _tree(formulas[here], here)
        own = tree.name if isinstance(tree, Call) and tree.name in _ROUNDERS else ""
        for words, function, decimals in _ROUNDED:
            if mended := _each(formulas, wrong, _rounding(function, decimals)):
                instead = f", by {function}, not {own}" if own not in ("", function) else ""
                found.append(Slip(f"it is to be rounded {words}{instead}", mended, decimals))
        for number, reference in enumerate(_references(tree)):
            for words, mend in _ranges(number, reference, here):
                found += [Slip(words, mended)] if (mended := _each(formulas, wrong, mend)) else []
    anchor = min(formulas, default=None)
    if anchor is not None and len(formulas) > 1:
        found += _filled(formulas, anchor, wrong)
    return found


def without_sign(texts: Mapping[Place, str]) -> list[Slip]:
    """Return the slip of cells that hold formulas as texts."""
    bare = {place: text.strip().lstrip("'=").strip() for place, text in texts.items()}
    if not bare or any(_tree(text, place) is None for place, text in bare.items()):
        return []
    return [Slip("it is a text: a formula begins with =, and nothing stands before it", bare)]


def _tree(text: str, place: Place) -> Node | None:
    if len(text) > _LONGEST:
        return None
    try:
        return parse(text, *place)
    except EmbedsheetError:
        return None


def _each(formulas: Mapping[Place, str], wrong: Sequence[Place], mend: Mend) -> dict[Place, str]:
    """Return each wrong cell's own formula, mended; nothing where that is not possible in one of them."""
    found: dict[Place, str] = {}
    for place in wrong:
        tree = _tree(formulas.get(place, ""), place)
        mended = None if tree is None else mend(tree)
        if mended is None:
            return {}
        found[place] = write(mended, *place, FILE)
    return found


def _squared(tree: Node) -> Node | None:
    """Return the root of what was squared."""
    two = isinstance(tree, Binary) and tree.operator == "^" and tree.right == Number(2.0)
    return Call("SQRT", (tree.left,)) if isinstance(tree, Binary) and two else None


def _rooted(tree: Node) -> Node | None:
    """Return the square of what the root was taken of."""
    root = isinstance(tree, Call) and tree.name == "SQRT" and len(tree.arguments) == 1
    return Binary("^", tree.arguments[0], Number(2.0)) if isinstance(tree, Call) and root else None


def _unrounded(tree: Node) -> Node | None:
    """Return what a formula rounds at its end."""
    rounds = isinstance(tree, Call) and tree.name in _ROUNDERS and len(tree.arguments) == 2
    return tree.arguments[0] if isinstance(tree, Call) and rounds else None


def _rounding(function: str, decimals: int) -> Mend:
    """Return the mend that rounds what was not rounded, or was otherwise."""
    return lambda tree: Call(function, (_unrounded(tree) or tree, Number(float(decimals))))


_MENDS: tuple[tuple[str, Mend], ...] = (
    # First, for to calculate with a text makes a number of it, too.
    ("it is a text, and a number is asked for", lambda tree: Call("VALUE", (tree,))),
    ("the sign is the wrong way round", lambda tree: Unary("-", tree)),
    ("a factor 2 is missing", lambda tree: Binary("*", Number(2.0), tree)),
    ("it is twice what it should be", lambda tree: Binary("/", tree, Number(2.0))),
    ("the square was taken, the square root is asked for", _squared),
    ("the square root was taken, the square is asked for", _rooted),
    ("the square root is missing", lambda tree: Call("SQRT", (tree,))),
    ("the square is missing", lambda tree: Binary("^", tree, Number(2.0))),
    ("do not round", _unrounded),
)
_ROUNDED: tuple[tuple[str, str, int], ...] = (
    ("to a whole number", "ROUND", 0), ("to 1 decimal", "ROUND", 1),
    *((f"to {decimals} decimals", "ROUND", decimals) for decimals in (2, 3, 4)),
    ("up to a whole number", "ROUNDUP", 0), ("down to a whole number", "ROUNDDOWN", 0),
)  # fmt: skip


def _references(tree: Node | None) -> list[Ref]:
    found: list[Ref] = []
    waiting = [] if tree is None else [tree]
    while waiting and len(found) < _MOST_REFERENCES:
        node = waiting.pop()
        if isinstance(node, Ref):
            found.append(node)
        waiting.extend(reversed(children(node)))
    return found


def _with_reference(tree: Node, number: int, change: Callable[[Ref], Ref]) -> Node | None:
    """Return the tree with its reference of that number changed; None where there is none."""
    seen = 0

    def visit(node: Node) -> Node:
        nonlocal seen
        if isinstance(node, Ref):
            seen += 1
            return change(node) if seen == number + 1 else node
        below = children(node)
        return with_children(node, [visit(one) for one in below]) if below else node

    changed = visit(tree)
    return changed if seen > number else None


_SIDES = (
    ("bottom", 1, "ends one row too early"), ("bottom", -1, "ends one row too late"),
    ("top", -1, "begins one row too late"), ("top", 1, "begins one row too early"),
    ("right", 1, "ends one column too early"), ("right", -1, "ends one column too late"),
    ("left", -1, "begins one column too late"), ("left", 1, "begins one column too early"),
)  # fmt: skip


def _ranges(number: int, reference: Ref, here: Place) -> Iterator[tuple[str, Mend]]:
    top, left, bottom, right = reference.sides(*here)
    if (top, left) == (bottom, right) or bottom - top >= MAX_ROW - 1 or right - left >= MAX_COLUMN - 1:
        return
    shown = write(reference, *here)
    for side, step, words in _SIDES:

        def moved(one: Ref, side: str = side, step: int = step) -> Ref:
            old: Coordinate = getattr(one, side)
            sides: dict[str, Any] = {side: Coordinate(old.value + step, old.absolute)}
            return replace(one, **sides)

        def mend(tree: Node, moved: Callable[[Ref], Ref] = moved) -> Node | None:
            return _with_reference(tree, number, moved)

        yield f"the range {shown} {words}", mend


def _filled(formulas: Mapping[Place, str], anchor: Place, wrong: Sequence[Place]) -> list[Slip]:
    """Return the first cell's formula filled into the wrong cells: as it is, or with a $ more or less in it."""
    tree = _tree(formulas[anchor], anchor)
    if tree is None or any(place not in formulas for place in wrong):
        return []
    if any(_tree(formulas[place], place) != tree for place in wrong):
        first = f"{column_letters(anchor[1])}{anchor[0]}"
        return [
            Slip(f"the formula of {first}, filled in, is right", {place: write(tree, *place, FILE) for place in wrong})
        ]
    found: list[Slip] = []
    for number, reference in enumerate(_references(tree)):
        old = write(reference, *anchor)
        ways = {_pin(reference, anchor, rows, columns): (rows, columns) for rows in (0, 1) for columns in (0, 1)}
        for other in ways:
            if other == reference:
                continue
            changed = _with_reference(tree, number, lambda _, other=other: other)  # type: ignore[misc]
            new = write(other, *anchor)
            more = new.count("$") > old.count("$")
            words = f"a $ is {'missing' if more else 'one too many'}: fill down and across with {new}, not {old}"
            found += [Slip(words, {place: write(changed, *place, FILE) for place in wrong})] if changed else []
    return found


def _pin(reference: Ref, anchor: Place, rows: int, columns: int) -> Ref:
    def at(side: Coordinate, here: int, absolute: int) -> Coordinate:
        return Coordinate(side.at(here), True) if absolute else Coordinate(side.at(here) - here, False)

    row, column = anchor
    return replace(
        reference, top=at(reference.top, row, rows), bottom=at(reference.bottom, row, rows),
        left=at(reference.left, column, columns), right=at(reference.right, column, columns),
    )  # fmt: skip


def on_trial(book: Workbook, sheet: str, texts: Sequence[str]) -> tuple[Workbook, list[Area]]:
    """Return the workbook with formulas in empty cells far to the right, and where each stands.

    Raises ValueError where the sheet has no room for them.
    """
    page = book.sheet(sheet)
    column = int(page.columns.max(initial=0)) + 2
    if column > MAX_COLUMN or len(texts) > MAX_ROW:
        raise ValueError("no room")
    changed = with_formulas(page, {(row, column): text for row, text in enumerate(texts, 1)})
    return (
        replace(book, sheets={**book.sheets, page.name: changed}),
        [Area(page.name, row, column, row, column) for row in range(1, len(texts) + 1)],
    )

"""Formulas that differ in numbers alone, read once: `=VLOOKUP(7,$A:$B,2)` gives the tree of `=VLOOKUP(8,$A:$B,2)`."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from embedsheet.ground.notation.lexis import LONGEST_FORMULA, NUMBER
from embedsheet.ground.notation.parse import parse
from embedsheet.ground.notation.tree import Call, Name, Node, Number, Ref, Spill, TableRef
from embedsheet.ground.notation.walk import children, is_fixed, walk, with_children

_GAP = "\x03"
# In a relative form: no part of a name, nor of a reference such as C2R[-1].
_NUMERAL = re.compile(rf"(?<![\w.\\?$\[])(?<!\[-){NUMBER}")
_OTHER_DIGITS = re.compile("[\"'{]")  # texts and names in quotes; the numbers of an array constant are no nodes


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """What formulas that differ in numbers alone have in common; `nodes` are the first one's, as `walk` gives them.

    `still`: they read the same cells wherever they stand on their sheet.
    """

    nodes: tuple[Node, ...]
    functions: frozenset[str]
    still: bool


class Patterns:
    """Reads formulas, the numbers alone of those that are else like one that it has read."""

    def __init__(self) -> None:
        self._known: dict[str, Pattern | None] = {}  # None: not every numeral is a number of the tree

    def read(self, form: str, text: str, row: int, column: int) -> tuple[Node, Pattern]:
        """Return the tree of the formula `text` of the cell at (row, column), and its pattern; see `parse`.

        `form`: the relative form of the text.
        """
        numbers = [float(one) for one in _NUMERAL.findall(form)]
        skeleton = "" if _OTHER_DIGITS.search(form) else _NUMERAL.sub(_GAP, form)
        known = self._known.get(skeleton)
        if known is not None and len(text) <= LONGEST_FORMULA and all(map(math.isfinite, numbers)):
            return _with_numbers(known.nodes, numbers), known
        tree = parse(text, row, column)
        found = _pattern(tree)
        if skeleton and skeleton not in self._known:
            whole = numbers == [node.value for node in found.nodes if isinstance(node, Number)]
            self._known[skeleton] = found if whole else None
        return tree, found


def _pattern(tree: Node) -> Pattern:
    nodes = tuple(walk(tree))
    still = all(
        is_fixed(node) if isinstance(node, Ref) else not isinstance(node, (Name, TableRef, Spill)) for node in nodes
    )
    return Pattern(nodes, frozenset(node.name for node in nodes if isinstance(node, Call)), still)


def _with_numbers(nodes: Sequence[Node], numbers: list[float]) -> Node:
    """Return the tree of some nodes with other numbers, from left to right."""
    built: list[Node] = []
    for node in reversed(nodes):  # the nodes below one come right behind it, so they are built already
        if isinstance(node, Number):
            built.append(Number(numbers.pop(), place=node.place))
        else:
            built.append(with_children(node, [built.pop() for _ in children(node)]))
    return built[0]

"""Walking trees.

A chain a+b+c+… of 3,000 terms is a left spine 3,000 deep. `walk` takes it, since it does not recurse; an evaluation
goes along left operands in a loop and recurses into the others, no deeper than `parse.DEEPEST`. For the same reason
trees are compared by their relative form, not by `==`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from embedsheet.ground.keys import name_key
from embedsheet.ground.notation.tree import Apply, Array, Binary, Call, Name, Node, Ref, Spill, Unary


def children(node: Node) -> tuple[Node, ...]:
    """Return the nodes directly below, from left to right."""
    if isinstance(node, Binary):
        return node.left, node.right
    if isinstance(node, Call):
        return node.arguments
    if isinstance(node, Apply):
        return node.function, *node.arguments
    if isinstance(node, Unary):
        return (node.operand,)
    if isinstance(node, Spill):
        return (node.anchor,)
    if isinstance(node, Array):
        return tuple(element for row in node.rows for element in row)
    return ()


def with_children(node: Node, below: Sequence[Node]) -> Node:
    """Return a node of the same kind with other nodes directly below; array constants stay as they are."""
    if isinstance(node, Binary):
        return Binary(node.operator, below[0], below[1], place=node.place)
    if isinstance(node, Call):
        return Call(node.name, tuple(below), place=node.place)
    if isinstance(node, Apply):
        return replace(node, function=below[0], arguments=tuple(below[1:]))
    if isinstance(node, Unary):
        return Unary(node.operator, below[0], place=node.place)
    if isinstance(node, Spill):
        return replace(node, anchor=below[0])
    return node


def walk(node: Node) -> Iterator[Node]:
    """Every node, each before those below it, from left to right."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(children(node)))


def is_fixed(node: Ref) -> bool:
    """Whether a reference means the same cells in every formula of its sheet."""
    return node.top.absolute and node.left.absolute and node.bottom.absolute and node.right.absolute


def unmoved(parameters: Collection[str], body: Node) -> list[Node]:
    """Return the largest expressions in a function's body that hang on no parameter, nor on names set around them.

    `parameters` are keys. References and constants are left out: they are as quickly evaluated as remembered.
    """
    free: dict[int, frozenset[str]] = {}
    for node in reversed(list(walk(body))):
        free[id(node)] = _free(node, free)
    found: list[Node] = []
    waiting = [(body, frozenset(parameters))]
    while waiting:
        node, around = waiting.pop()
        below = children(node)
        if free[id(node)] & around:
            waiting.extend((one, around | set_by(node)) for one in below)
        elif below:
            found.append(node)
    return found


def set_by(node: Node) -> frozenset[str]:
    """Return the keys of the names that a LET or LAMBDA sets."""
    if not (isinstance(node, Call) and node.name in ("LET", "LAMBDA")):
        return frozenset()
    names = node.arguments[: -1 : 2 if node.name == "LET" else 1]
    return frozenset(name_key(name.name) for name in names if isinstance(name, Name))


def _free(node: Node, free: dict[int, frozenset[str]]) -> frozenset[str]:
    """Return the keys of the names that an expression hangs on and does not set itself, from those of its parts."""
    if isinstance(node, Name):
        return frozenset((name_key(node.name),))
    parts = [free[id(below)] for below in children(node)]
    if isinstance(node, Call) and node.name == "LAMBDA" and parts:
        return parts[-1] - set_by(node)
    if isinstance(node, Call) and node.name == "LET" and parts:
        # A name's value may hang on a name of the same key outside.
        found = parts[-1]
        for name, value in reversed(list(zip(parts[:-1:2], parts[1:-1:2], strict=False))):
            found = (found - name) | value
        return found
    called = frozenset((name_key(node.name),)) if isinstance(node, Call) else frozenset()
    return called.union(*parts)

"""Walking trees.

A chain a+b+c+… of 3,000 terms is a left spine 3,000 deep. `walk` takes it, since it does not recurse; an evaluation
goes along left operands in a loop and recurses into the others, no deeper than `parse.DEEPEST`. For the same reason
trees are compared by their relative form, not by `==`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from embedsheet.ground.notation.tree import Apply, Array, Binary, Call, Node, Spill, Unary


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

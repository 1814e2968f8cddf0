"""Rules of statistics: means of other kinds, what two ranges have in common, and values by their rank."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np

from embedsheet.ground.notation import tree as t
from embedsheet.ground.notation.parse import parse
from embedsheet.ground.notation.walk import children, with_children
from embedsheet.translations.gradient_sheet.backward import Path, Seeds, Walk
from embedsheet.translations.gradient_sheet.terms import Term

Back = Callable[[Walk, t.Call, Path, Seeds], None]


def _put(text: str, names: dict[str, t.Node]) -> t.Node:
    def put(node: t.Node) -> t.Node:
        if isinstance(node, t.Name):
            return names[node.name]
        below = children(node)
        return with_children(node, [put(one) for one in below]) if below else node

    return put(parse(text, 1, 1))


def mean(slope: str) -> Back:
    """Return the rule of a mean: its derivative by one number, of that number x, the count n and the mean itself."""

    def call(walk: Walk, node: t.Call, path: Path, seeds: Seeds) -> None:
        value = walk.element(node, 0, 0)
        count: t.Node = t.Call("COUNT", node.arguments)
        for place, argument in enumerate(node.arguments):

            def below(i: int, j: int, argument: t.Node = argument) -> list[Term]:
                names = {"x": walk.number(argument, i, j), "n": count, "value": value}
                return [term.times(_put(slope, names)) for term in seeds(0, 0)]

            walk.back(argument, (*path, place), below)

    return call


def pairs(first: str, second: str) -> Back:
    """Return the rule of a number that two ranges x and y of equal shape have in common.

    The derivative by a number u of x, its partner v in y, and the same the other way round, are formulas of these, of
    the ranges and of the VALUE.
    """

    def call(walk: Walk, node: t.Call, path: Path, seeds: Seeds) -> None:
        x, y = node.arguments
        if walk.shape(x) != walk.shape(y) or not (walk.all_numbers(x) and walk.all_numbers(y)):
            walk.refuse(f"{node.name} has a rule on a gradient sheet for ranges of one shape that hold numbers only.")
            return
        value = walk.element(node, 0, 0)
        for place, slope in enumerate((first, second)):

            def below(i: int, j: int, slope: str = slope) -> list[Term]:
                names = {"u": walk.element(x, i, j), "v": walk.element(y, i, j), "x": x, "y": y, "VALUE": value}
                return [term.times(_put(slope, names)) for term in seeds(0, 0)]

            walk.back(node.arguments[place], (*path, place), below)

    return call


def ranked(walk: Walk, node: t.Call, path: Path, seeds: Seeds) -> None:
    """LARGE and SMALL: to the number of that rank; in equal parts to several."""
    some, rank = node.arguments
    if walk.flows(rank):
        walk.refuse(f"the rank in {node.name} must not depend on the changing cells.")
        return
    ranks = walk.shape(rank)
    for i, j in itertools.product(*map(range, ranks)):
        part = (*path, 0) if ranks == (1, 1) else (*path, 0, i, j)
        _to_equals(walk, [some], part, lambda _i, _j, i=i, j=j: seeds(i, j), walk.element(node, i, j))  # type: ignore[misc]


def median(walk: Walk, node: t.Call, path: Path, seeds: Seeds) -> None:
    """MEDIAN: to the number in the middle; half of it to each of the two in the middle."""
    arguments = node.arguments
    count = sum(walk.shape(one)[0] * walk.shape(one)[1] for one in arguments)
    if not all(walk.all_numbers(one) for one in arguments) or (count % 2 == 0 and len(arguments) > 1):
        walk.refuse(
            "MEDIAN has a rule on a gradient sheet for numbers only, of an odd count or in one range; sort them apart."
        )
        return
    if count % 2:
        for place in range(len(arguments)):
            _to_equals(walk, arguments, (*path, place), seeds, walk.element(node, 0, 0), place)
        return
    for half in (count // 2, count // 2 + 1):
        middle = t.Call("SMALL", (arguments[0], t.Number(float(half))))
        _to_equals(
            walk, arguments, (*path, half), lambda i, j: [term.times(t.Number(0.5)) for term in seeds(0, 0)], middle
        )


def _to_equals(
    walk: Walk, arguments: list[t.Node] | tuple[t.Node, ...], path: Path, seeds: Seeds, value: t.Node, place: int = 0
) -> None:
    found = [walk.evaluated(one) for one in arguments]
    flat = [np.broadcast_to(np.asarray(one.numbers), one.shape).reshape(one.shape[0], -1) for one in found]
    numbers = np.concatenate([np.broadcast_to(one, (len(walk.elements), one.shape[1])) for one in flat], axis=1)
    if any(len(np.unique(row)) < len(row) for row in numbers):
        walk.refuse("equal numbers share a rank here, where there is no one derivative; make them differ a little.")
        return
    argument = arguments[place]

    def below(i: int, j: int) -> list[Term]:
        return [term.times(t.Binary("=", walk.element(argument, i, j), value)) for term in seeds(0, 0)]

    walk.back(argument, path, below)

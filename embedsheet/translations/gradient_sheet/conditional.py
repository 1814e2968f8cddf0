"""Rules of sums and means under conditions: SUMIF, SUMIFS, AVERAGEIF, AVERAGEIFS."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from embedsheet.ground.kinds import NUMBER, TEXT
from embedsheet.ground.notation import tree as t
from embedsheet.translations.gradient_sheet.backward import Path, Seeds, Walk, moved
from embedsheet.translations.gradient_sheet.lookups import Axis, keyed, look_up
from embedsheet.translations.gradient_sheet.terms import Term

_OPERATORS = tuple("<>=*?~")  # with which a criterion means something else than an equal text


def sum_if(walk: Walk, node: t.Call, path: Path, seeds: Seeds) -> None:
    """SUMIF(range, criterion, added)."""
    tested, criterion, *added = node.arguments
    _sum(walk, path, seeds, added[0] if added else tested, [(tested, criterion)])


def sum_ifs(walk: Walk, node: t.Call, path: Path, seeds: Seeds) -> None:
    """SUMIFS(added, range, criterion, …)."""
    added, *rest = node.arguments
    _sum(walk, path, seeds, added, list(zip(rest[::2], rest[1::2], strict=True)))


def mean_if(walk: Walk, node: t.Call, path: Path, seeds: Seeds) -> None:
    """AVERAGEIF(range, criterion, added)."""
    tested, criterion, *added = node.arguments
    count = t.Call("COUNTIF", (tested, criterion))
    sum_if(walk, t.Call("SUMIF", (tested, criterion, *added)), path, _mean(walk, node, path, seeds, count))


def mean_ifs(walk: Walk, node: t.Call, path: Path, seeds: Seeds) -> None:
    """AVERAGEIFS(added, range, criterion, …)."""
    count = t.Call("COUNTIFS", node.arguments[1:])
    sum_ifs(walk, t.Call("SUMIFS", node.arguments), path, _mean(walk, node, path, seeds, count))


def _mean(walk: Walk, node: t.Call, path: Path, seeds: Seeds, count: t.Node) -> Seeds:
    terms = [term.divided(count) for term in seeds(0, 0)]
    return walk.shared(node, path, terms)


def _sum(walk: Walk, path: Path, seeds: Seeds, added: t.Node, tests: list[tuple[t.Node, t.Node]]) -> None:
    ranges = [one for one, _ in tests]
    if not isinstance(added, t.Ref) or not all(isinstance(one, t.Ref) for one in ranges):
        walk.refuse("a conditional sum of something else than ranges has no rule on a gradient sheet.")
        return
    high, wide = walk.shape(ranges[0])
    bottom, right = moved(added.top, high - 1), moved(added.left, wide - 1)
    added = replace(added, bottom=bottom, right=right)  # SUMIF adds as many cells as it tests
    if not walk.flows(added):
        return
    if len(tests) == 1 and min(high, wide) == 1 and _is_equality(walk, tests[0][1]):
        line, key = tests[0]
        assert isinstance(line, t.Ref)
        along = 0 if wide == 1 else 1
        axes = [Axis(t.Missing(), lambda table, place: table, 0)] * 2
        axes[along] = keyed(key, line, along)
        look_up(walk, path, seeds, added, (axes[0], axes[1]), every=True)
        return

    def below(i: int, j: int) -> list[Term]:
        pairs = [part for line, criterion in tests for part in (walk.element(line, i, j), criterion)]
        counted = t.Call("COUNTIF" if len(tests) == 1 else "COUNTIFS", tuple(pairs))
        return [term.times(counted) for term in seeds(0, 0)]

    walk.back(added, (*path, 0), below)


def _is_equality(walk: Walk, criterion: t.Node) -> bool:
    """Whether a criterion, wherever the formula stands, is a number or a text that is just compared."""
    value = walk.evaluated(criterion)
    numbers = np.broadcast_to(np.asarray(value.numbers), value.shape).ravel().tolist()
    kinds = np.broadcast_to(value.kinds, value.shape).ravel().tolist()
    for kind, number in zip(kinds, numbers, strict=True):
        text = walk.store.strings.text(number) if kind == TEXT else ""
        if kind not in (NUMBER, TEXT) or (kind == TEXT and (not text or any(sign in text for sign in _OPERATORS))):
            return False
    return True

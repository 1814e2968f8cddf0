"""Rules of functions that do not work element by element: sums, products of matrices, extremes, choices.

A row has a word for notes and a function that takes (walk, node, path, seeds), see `backward.Walk`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from embedsheet.ground.notation import tree as t
from embedsheet.translations.gradient_sheet import conditional, lookups, statistics
from embedsheet.translations.gradient_sheet.backward import FACTOR, Back, Path, Reducer, Seeds, Walk
from embedsheet.translations.gradient_sheet.terms import Term

_TWO = t.Number(2.0)


def _times(terms: Sequence[Term], *factors: t.Node) -> list[Term]:
    found = list(terms)
    for factor in factors:
        found = [term.times(factor) for term in found]
    return found


def _sum(walk: Walk, node: t.Call, path: Path, seeds: Seeds) -> None:
    for place, argument in enumerate(node.arguments):
        walk.back(argument, (*path, place), lambda i, j: seeds(0, 0))


def _mean(walk: Walk, node: t.Call, path: Path, seeds: Seeds) -> None:
    count: t.Node = t.Call("COUNT", node.arguments)
    if not all(isinstance(one, t.Ref) for one in node.arguments):
        shapes = [walk.shape(one) for one in node.arguments]
        count = t.Number(float(sum(high * wide for high, wide in shapes)))
    terms = [term.divided(count) for term in seeds(0, 0)]
    _sum(walk, node, path, walk.shared(node, path, terms))


def _squares(walk: Walk, node: t.Call, path: Path, seeds: Seeds) -> None:
    for place, argument in enumerate(node.arguments):
        walk.back(
            argument,
            (*path, place),
            lambda i, j, argument=argument: _times(seeds(0, 0), _TWO, walk.number(argument, i, j)),  # type: ignore[misc]
        )


def _products(walk: Walk, node: t.Call, path: Path, seeds: Seeds) -> None:
    for place, argument in enumerate(node.arguments):
        others = [one for other, one in enumerate(node.arguments) if other != place]

        def below(i: int, j: int, others: list[t.Node] = others) -> list[Term]:
            return _times(seeds(0, 0), *(walk.number(one, i, j) for one in others))

        walk.back(argument, (*path, place), below)


def _pairs(left: Callable[[t.Node, t.Node], t.Node], right: Callable[[t.Node, t.Node], t.Node]) -> Back:
    """Return the rule of a sum over pairs of numbers; a pair with a cell that is no number does not count."""

    def call(walk: Walk, node: t.Call, path: Path, seeds: Seeds) -> None:
        both = node.arguments
        partial = [one for one in both if not walk.all_numbers(one)]
        for place, slope in enumerate((left, right)):

            def below(i: int, j: int, slope: Callable[[t.Node, t.Node], t.Node] = slope) -> list[Term]:
                terms = _times(seeds(0, 0), _TWO, slope(walk.element(both[0], i, j), walk.element(both[1], i, j)))
                for one in partial:
                    condition = t.Call("ISNUMBER", (walk.element(one, i, j),))
                    terms = [term.guarded(condition, True) for term in terms]
                return terms

            walk.back(both[place], (*path, place), below)

    return call


def _difference(one: t.Node, other: t.Node) -> t.Node:
    return t.Binary("-", one, other)


def _matrix_product(walk: Walk, node: t.Call, path: Path, seeds: Seeds) -> None:
    """MMULT: dA = dC·Bᵀ, dB = Aᵀ·dC, element by element."""
    left, right = node.arguments
    high, wide = walk.shape(node)

    def to_left(i: int, k: int) -> list[Term]:
        return [term.times(walk.element(right, k, j)) for j in range(wide) for term in seeds(i, j)]

    def to_right(k: int, j: int) -> list[Term]:
        return [term.times(walk.element(left, i, k)) for i in range(high) for term in seeds(i, j)]

    walk.back(left, (*path, 0), to_left)
    walk.back(right, (*path, 1), to_right)


def _transposed(walk: Walk, node: t.Call, path: Path, seeds: Seeds) -> None:
    walk.back(node.arguments[0], (*path, 0), lambda i, j: seeds(j, i))


def _product(walk: Walk, node: t.Call, path: Path, seeds: Seeds) -> None:
    value = walk.element(node, 0, 0)
    for place, argument in enumerate(node.arguments):

        def below(i: int, j: int, argument: t.Node = argument) -> list[Term]:
            return [term.times(value).divided(walk.element(argument, i, j)) for term in seeds(0, 0)]

        walk.back(argument, (*path, place), below)


def _extreme(walk: Walk, node: t.Call, path: Path, seeds: Seeds) -> None:
    """MAX, MIN: to the largest; in equal parts to several."""
    arguments, sign = node.arguments, ">" if node.name == "MAX" else "<"
    value = walk.element(node, 0, 0)
    if len(arguments) == 2 and all(walk.shape(one) == (1, 1) for one in arguments):
        _extreme_of_two(walk, node, path, seeds, sign)
        return
    if len(arguments) == 1 and isinstance(arguments[0], t.Ref):
        equal = t.Binary("=", arguments[0], value)
        ties: t.Node = t.Call("SUMPRODUCT", (t.Unary("-", t.Unary("-", equal)),))
        terms = [term.divided(ties) for term in seeds(0, 0)] if _tied(walk, arguments[0]) else seeds(0, 0)
        seeds = walk.shared(node, path, terms)
    for place, argument in enumerate(arguments):

        def below(i: int, j: int, argument: t.Node = argument) -> list[Term]:
            return _times(seeds(0, 0), t.Binary("=", walk.element(argument, i, j), value))

        walk.back(argument, (*path, place), below)


def _tied(walk: Walk, node: t.Node) -> bool:
    """Whether several elements are the largest or the smallest one somewhere."""
    numbers = np.asarray(walk.evaluated(node).numbers)
    flat = np.sort(numbers.reshape(len(numbers), -1), axis=1)
    return flat.shape[1] > 1 and bool(((flat[:, 0] == flat[:, 1]) | (flat[:, -1] == flat[:, -2])).any())


def _extreme_of_two(walk: Walk, node: t.Call, path: Path, seeds: Seeds, sign: str) -> None:
    left, right = node.arguments
    first, second = (np.asarray(walk.evaluated(one).numbers) for one in node.arguments)
    tied = bool((first == second).any())
    for place, (one, other) in enumerate(((left, right), (right, left))):
        if tied:
            # Half of it to each where both are equal: (1+SIGN(one−other))/2.
            ends = (one, other) if sign == ">" else (other, one)
            ends = (ends[0], ends[1])
            gap: t.Node = ends[0] if ends[1] == t.Number(0.0) else t.Binary("-", *ends)
            factor: t.Node = t.Binary("/", t.Binary("+", t.Number(1.0), t.Call("SIGN", (gap,))), _TWO)
        elif isinstance(other, t.Number) and node is walk.tree:
            factor = t.Binary(sign, walk.element(node, 0, 0), other)  # as relu's derivative is written
        else:
            factor = t.Binary(sign, one, other)
        walk.back(one, (*path, place), lambda i, j, factor=factor: _times(seeds(0, 0), factor))  # type: ignore[misc]


def _choice(walk: Walk, node: t.Call, path: Path, seeds: Seeds) -> None:
    """IF: to the branch that is taken."""
    condition, *branches = node.arguments
    high, wide = walk.shape(node)
    for place, branch in enumerate(branches):
        _branch(walk, branch, (*path, place + 1), seeds, (high, wide), condition, place == 0)


def _branch(
    walk: Walk, branch: t.Node, path: Path, seeds: Seeds, size: tuple[int, int], condition: t.Node, wanted: bool
) -> None:
    high, wide = size
    tall, broad = walk.shape(branch)

    def below(i: int, j: int) -> list[Term]:
        found = []
        for r in range(high) if tall < high else [i]:
            for c in range(wide) if broad < wide else [j]:
                found += [term.guarded(walk.element(condition, r, c), wanted) for term in seeds(r, c)]
        return found

    walk.back(branch, path, below)


def _rescued(walk: Walk, node: t.Call, path: Path, seeds: Seeds) -> None:
    """IFERROR: to the first value unless it is an error, else to the other."""
    condition = t.Call("ISERROR", (node.arguments[0],))
    size = walk.shape(node)
    for place, branch in enumerate(node.arguments):
        _branch(walk, branch, (*path, place), seeds, size, condition, place == 1)


def _chosen(walk: Walk, node: t.Call, path: Path, seeds: Seeds) -> None:
    """CHOOSE: to the value with this number."""
    number, *values = node.arguments
    for place, value in enumerate(values, 1):
        condition = t.Binary("=", number, t.Number(float(place)))
        _branch(walk, value, (*path, place), seeds, walk.shape(node), condition, True)


def _squared_deviations(count: Callable[[t.Node], t.Node], root: bool) -> Back:
    """Return the rule of DEVSQ, VAR and STDEV: 2(x − mean)/count, for a root over twice the value."""

    def call(walk: Walk, node: t.Call, path: Path, seeds: Seeds) -> None:
        mean, degrees = t.Call("AVERAGE", node.arguments), count(t.Call("COUNT", node.arguments))
        terms = [term.divided(degrees) for term in seeds(0, 0)]
        value = walk.element(node, 0, 0)
        terms = walk.times(terms, t.Binary("/", t.Number(1.0), value) if root else _TWO)
        outer = walk.shared(node, path, terms, FACTOR)
        for place, argument in enumerate(node.arguments):

            def below(i: int, j: int, argument: t.Node = argument) -> list[Term]:
                return _times(outer(0, 0), _difference(walk.number(argument, i, j), mean))

            walk.back(argument, (*path, place), below)

    return call


_ALL: Callable[[t.Node], t.Node] = lambda count: count  # noqa: E731
_LESS_ONE: Callable[[t.Node], t.Node] = lambda count: t.Binary("-", count, t.Number(1.0))  # noqa: E731

_APART = "(v-AVERAGE(y))"
_ALIKE = "(v-AVERAGE(y))/SQRT(DEVSQ(x)*DEVSQ(y))-VALUE*(u-AVERAGE(x))/DEVSQ(x)"
_TURNED = str.maketrans("uvxy", "vuyx")  # the same the other way round; the functions' names are in capitals

REDUCERS: dict[str, Reducer] = {
    "AVERAGE": Reducer("sum rule", _mean),
    "AVERAGEIF": Reducer("look-up", conditional.mean_if),
    "AVERAGEIFS": Reducer("look-up", conditional.mean_ifs),
    "CHOOSE": Reducer("choice", _chosen),
    "CORREL": Reducer("chain rule", statistics.pairs(_ALIKE, _ALIKE.translate(_TURNED))),
    "COVAR": Reducer("product rule", statistics.pairs(f"{_APART}/COUNT(x)", f"{_APART.translate(_TURNED)}/COUNT(x)")),
    "COVARIANCE.P": Reducer(
        "product rule", statistics.pairs(f"{_APART}/COUNT(x)", f"{_APART.translate(_TURNED)}/COUNT(x)")
    ),
    "COVARIANCE.S": Reducer(
        "product rule", statistics.pairs(f"{_APART}/(COUNT(x)-1)", f"{_APART.translate(_TURNED)}/(COUNT(x)-1)")
    ),
    "DEVSQ": Reducer("sum rule", _squared_deviations(lambda count: t.Number(1.0), root=False)),
    "GEOMEAN": Reducer("power rule", statistics.mean("value/(n*x)")),
    "HARMEAN": Reducer("quotient rule", statistics.mean("value^2/(n*x^2)")),
    "HLOOKUP": Reducer("look-up", lookups.horizontal),
    "IF": Reducer("choice", _choice),
    "IFERROR": Reducer("choice", _rescued),
    "INDEX": Reducer("look-up", lookups.index),
    "LARGE": Reducer("choice", statistics.ranked, lifted=True),
    "MAX": Reducer("choice", _extreme),
    "MEDIAN": Reducer("choice", statistics.median),
    "MIN": Reducer("choice", _extreme),
    "MMULT": Reducer("matrix product", _matrix_product),
    "OFFSET": Reducer("look-up", lookups.offset),
    "PEARSON": Reducer("chain rule", statistics.pairs(_ALIKE, _ALIKE.translate(_TURNED))),
    "PRODUCT": Reducer("product rule", _product),
    "SLOPE": Reducer(
        "quotient rule",
        statistics.pairs("(v-AVERAGE(y))/DEVSQ(y)", "(u-AVERAGE(x)-2*VALUE*(v-AVERAGE(y)))/DEVSQ(y)"),
    ),
    "SMALL": Reducer("choice", statistics.ranked, lifted=True),
    "STDEV": Reducer("sum rule", _squared_deviations(_LESS_ONE, root=True)),
    "STDEV.P": Reducer("sum rule", _squared_deviations(_ALL, root=True)),
    "STDEV.S": Reducer("sum rule", _squared_deviations(_LESS_ONE, root=True)),
    "STDEVP": Reducer("sum rule", _squared_deviations(_ALL, root=True)),
    "SUM": Reducer("sum rule", _sum),
    "SUMIF": Reducer("look-up", conditional.sum_if),
    "SUMIFS": Reducer("look-up", conditional.sum_ifs),
    "SUMPRODUCT": Reducer("product rule", _products),
    "SUMSQ": Reducer("power rule", _squares),
    "SUMX2MY2": Reducer("power rule", _pairs(lambda a, b: a, lambda a, b: t.Unary("-", b))),
    "SUMX2PY2": Reducer("power rule", _pairs(lambda a, b: a, lambda a, b: b)),
    "SUMXMY2": Reducer("power rule", _pairs(_difference, lambda a, b: t.Unary("-", _difference(a, b)))),
    "TRANSPOSE": Reducer("sum rule", _transposed),
    "VAR": Reducer("sum rule", _squared_deviations(_LESS_ONE, root=False)),
    "VAR.P": Reducer("sum rule", _squared_deviations(_ALL, root=False)),
    "VAR.S": Reducer("sum rule", _squared_deviations(_LESS_ONE, root=False)),
    "VARP": Reducer("sum rule", _squared_deviations(_ALL, root=False)),
    "VLOOKUP": Reducer("look-up", lookups.vertical),
    "XLOOKUP": Reducer("look-up", lookups.any_way),
}

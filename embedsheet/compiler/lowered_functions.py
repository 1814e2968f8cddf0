"""The functions that become sums over variables, each from its arguments' trees: `CALLS`."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from embedsheet.compiler.affine import Affine
from embedsheet.compiler.curves import EXPONENTIAL, LOGARITHM, Shape, power
from embedsheet.compiler.lowered import (
    RELATIONS,
    Arguments,
    Call,
    Formula,
    as_truth,
    each,
    is_pure,
    only,
    plain,
    pure,
    single,
    with_numbers,
)  # fmt: skip
from embedsheet.compiler.lowering import NOTHING, Cells, Either, NotPiecewiseError, Truth, tier_at
from embedsheet.compiler.moving_criteria import parted
from embedsheet.ground.kinds import NUMBER, TEXT
from embedsheet.ground.notation import tree as t

_CRITERION = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*", re.IGNORECASE)


def _total(parts: Sequence[Affine]) -> Affine:
    total = Affine({})
    for part in parts:
        total = total.plus(part)
    return total


def _if(formula: Formula, nodes: Arguments, scalar: bool) -> Cells:
    truth = formula.tested(nodes[0])
    if len(nodes) < 3:
        raise NotPiecewiseError  # FALSE is no 0 to MAX
    if not truth.terms:
        return formula.of(nodes[1] if truth.constant else nodes[2], scalar)
    yes, no = (only(formula.of(node, scalar)) for node in nodes[1:3])
    if not scalar and (yes is NOTHING or no is NOTHING):
        raise NotPiecewiseError  # SUM and its kin pass over a blank cell that is chosen
    chosen = formula.lowering.choose(truth, plain(yes), plain(no))
    if all(isinstance(one, Truth) for one in (yes, no)):
        chosen = as_truth(chosen)
    elif any(isinstance(one, (Truth, Either)) for one in (yes, no)):
        chosen = Either(chosen.terms, chosen.constant)
    return single(chosen)


def _sum(formula: Formula, nodes: Arguments, scalar: bool) -> Cells:
    return single(_total(formula.numbers(nodes)))


def _mean(formula: Formula, nodes: Arguments, scalar: bool) -> Cells:
    found = formula.numbers(nodes)
    if not found or not all(one.terms for one in found):
        raise NotPiecewiseError
    return single(_total(found).times(1.0 / len(found)))


def _sum_product(formula: Formula, nodes: Arguments, scalar: bool) -> Cells:
    sides = [formula.within(True).of(node, scalar=False) for node in nodes]
    product = sides[0]
    for other in sides[1:]:
        if other.shape != product.shape:
            raise NotPiecewiseError
    if any(isinstance(one, (Truth, Either)) for side in sides for one in side.ravel()):
        raise NotPiecewiseError  # SUMPRODUCT passes over truth values
    if len(sides) == 1:
        product = with_numbers(lambda one: one, product)
    for other in sides[1:]:
        product = with_numbers(formula.lowering.product, product, other)
    return single(_total(list(product.ravel())))


def _curve(shape: Shape, name: str, factor: float = 1.0) -> Call:
    def call(formula: Formula, nodes: Arguments, scalar: bool) -> Cells:
        if len(nodes) != 1:
            raise NotPiecewiseError
        inner = formula.of(nodes[0], scalar=True)
        return with_numbers(lambda one: formula.lowering.curve(shape, name, one).times(factor), inner)

    return call


def _power(formula: Formula, nodes: Arguments, scalar: bool) -> Cells:
    return with_numbers(formula.lowering.raised, *(formula.of(node, scalar=True) for node in nodes))


def _sum_of_squares(formula: Formula, nodes: Arguments, scalar: bool) -> Cells:
    return single(_total([formula.lowering.product(one, one) for one in formula.numbers(nodes)]))


def _of_numbers(formula: Formula, nodes: Arguments) -> list[Cells]:
    """Return arrays that hold nothing but numbers."""
    found = [formula.within(True).of(node, scalar=False) for node in nodes]
    for cells in found:
        pure(cells)
    return found


def _sum_of_squared_gaps(formula: Formula, nodes: Arguments, scalar: bool) -> Cells:
    left, right = _of_numbers(formula, nodes)  # pairs with anything else do not count
    if left.shape != right.shape:
        raise NotPiecewiseError
    gaps = each(Affine.minus, left, right)
    return single(_total([formula.lowering.product(one, one) for one in gaps.ravel()]))


def _matrix_product(formula: Formula, nodes: Arguments, scalar: bool) -> Cells:
    left, right = _of_numbers(formula, nodes)
    if left.shape[1] != right.shape[0]:
        raise NotPiecewiseError
    found = np.empty((left.shape[0], right.shape[1]), object)
    for row, column in np.ndindex(*found.shape):
        pairs = zip(left[row], right[:, column], strict=True)
        found[row, column] = _total([formula.lowering.product(one, other) for one, other in pairs])
    return found


def _transposed(formula: Formula, nodes: Arguments, scalar: bool) -> Cells:
    return formula.within(True).of(nodes[0], scalar=False).T


def _largest(sign: float) -> Call:
    def call(formula: Formula, nodes: Arguments, scalar: bool) -> Cells:
        found = [one.times(sign) for one in formula.numbers(nodes)]
        if not found:
            raise NotPiecewiseError
        return single(formula.lowering.largest(found).times(sign))

    return call


def _absolute(formula: Formula, nodes: Arguments, scalar: bool) -> Cells:
    def one(number: Affine) -> Affine:
        return formula.lowering.largest([number, number.times(-1.0)])

    return with_numbers(one, formula.of(nodes[0], scalar=True))


def _all(formula: Formula, nodes: Arguments, scalar: bool) -> Cells:
    return single(as_truth(formula.lowering.both(formula.truths(nodes))))


def _any(formula: Formula, nodes: Arguments, scalar: bool) -> Cells:
    one = Affine({}, 1.0)
    return single(as_truth(one.minus(formula.lowering.both([one.minus(truth) for truth in formula.truths(nodes)]))))


def _not(formula: Formula, nodes: Arguments, scalar: bool) -> Cells:
    return single(as_truth(Affine({}, 1.0).minus(formula.truth(nodes[0]))))


def _count_if(formula: Formula, nodes: Arguments, scalar: bool) -> Cells:
    moving, behind = parted(nodes[1])
    limit = formula.one(behind) if not isinstance(behind, t.Text) else Affine({})
    if limit.terms:
        return _count_compared(formula, nodes[0], moving, limit)
    evaluator = formula.evaluator()
    wanted = evaluator.scalar(evaluator.evaluate(nodes[1]))
    if evaluator.trace.tainted.any() or wanted.kinds.size != 1:
        raise NotPiecewiseError
    kind, relation, number = int(wanted.kinds.flat[0]), "=", float(np.asarray(wanted.numbers).flat[0])
    if kind == TEXT:
        text = formula.lowering.store.strings.text(number)
        relation = next((one for one in RELATIONS if text.startswith(one)), "")
        written = text.removeprefix(relation)
        if not relation or not _CRITERION.fullmatch(written):
            raise NotPiecewiseError
        number = float(written)
    elif kind != NUMBER:
        raise NotPiecewiseError
    found = _counted(formula, nodes[0])
    if not all(one.terms for one in found):
        raise NotPiecewiseError  # a cell that does not move may be a blank, which meets no comparison with a number
    return single(_total([formula.lowering.compare(relation, one, Affine({}, number)) for one in found]))


def _counted(formula: Formula, area: t.Node) -> list[Affine]:
    """Return the cells of a range that holds nothing but numbers."""
    cells = formula.reference(area)
    if cells is None:
        raise NotPiecewiseError
    return pure(cells)


def _count_compared(formula: Formula, area: t.Node, relation: str, limit: Affine) -> Cells:
    """Return how many of a range's numbers meet a relation with a number that moves."""
    if relation == "<>" or not is_pure(limit):
        raise NotPiecewiseError
    return single(_total([formula.lowering.compare(relation, one, limit) for one in _counted(formula, area)]))


def _rounded(low: float, high: float, signed: bool = False) -> Call:
    """Return a rounding to digits; `signed`: away from zero for positive numbers, and known only for these."""

    def call(formula: Formula, nodes: Arguments, scalar: bool) -> Cells:
        number = formula.moved(nodes[0])
        digits = formula.number(nodes[1]) if len(nodes) > 1 else 0.0
        if signed and formula.lowering.variables.interval(number)[0] < 0:
            raise NotPiecewiseError
        return single(formula.lowering.whole(number, 10.0 ** float(np.trunc(digits)), low, high))

    return call


def _multiple(low: float, high: float) -> Call:
    def call(formula: Formula, nodes: Arguments, scalar: bool) -> Cells:
        step = formula.number(nodes[1])
        if step <= 0:
            raise NotPiecewiseError
        return single(formula.lowering.whole(formula.moved(nodes[0]), 1.0 / step, low, high))

    return call


def _tier(formula: Formula, nodes: Arguments, scalar: bool) -> Cells:
    """VLOOKUP among ascending numbers that do not move, by the last that is not above."""
    if len(nodes) > 3 and formula.number(nodes[3]) == 0:
        raise NotPiecewiseError
    table, column = formula.of(nodes[1], scalar=False), int(formula.number(nodes[2])) - 1
    if any(one.terms or np.isnan(one.constant) for one in table.ravel()) or not 0 <= column < table.shape[1]:
        raise NotPiecewiseError
    pure(table[:, [0, column]])
    edges = [one.constant for one in table[:, 0]]
    if sorted(edges) != edges:
        raise NotPiecewiseError
    variables, (needle,) = formula.lowering.variables, pure(single(formula.one(nodes[0])))
    if not variables.interval(needle)[0] >= edges[0]:
        raise NotPiecewiseError  # there it is #N/A, which in a branch that is not taken is no contradiction
    total, places = Affine({}), []
    for row, edge in enumerate(edges):
        places.append(variables.binary())
        variables.link(places[-1], 1, Affine({}, edge).minus(needle))
        if row + 1 < len(edges):
            variables.link(places[-1], 1, needle.minus(Affine({}, edges[row + 1])))
        variables.made_by(places[-1], tier_at(needle, edge, edges[row + 1] if row + 1 < len(edges) else np.inf))
        variables.edges.append((needle.minus(Affine({}, edge)), None))
        total = total.plus(Affine({places[-1]: table[row, column].constant}))
    variables.rows.append((Affine(dict.fromkeys(places, 1.0)), 1.0, 1.0))
    return single(total)


CALLS: dict[str, Call] = {
    "IF": _if, "SUM": _sum, "AVERAGE": _mean, "SUMPRODUCT": _sum_product, "MAX": _largest(1.0), "MIN": _largest(-1.0),
    "ABS": _absolute, "AND": _all, "OR": _any, "NOT": _not, "COUNTIF": _count_if, "VLOOKUP": _tier,
    "ROUND": _rounded(-0.5, 0.5), "INT": _rounded(-1.0, 0.0), "ROUNDUP": _rounded(0.0, 1.0, signed=True),
    "ROUNDDOWN": _rounded(-1.0, 0.0, signed=True), "TRUNC": _rounded(-1.0, 0.0, signed=True),
    "EXP": _curve(EXPONENTIAL, "exp"), "LN": _curve(LOGARITHM, "ln"), "SQRT": _curve(power(0.5), "^0.5"),
    "LOG10": _curve(LOGARITHM, "ln", 1.0 / float(np.log(10.0))), "POWER": _power, "SUMSQ": _sum_of_squares,
    "SUMXMY2": _sum_of_squared_gaps, "MMULT": _matrix_product, "TRANSPOSE": _transposed,
    "CEILING": _multiple(0.0, 1.0), "FLOOR": _multiple(-1.0, 0.0),
}  # fmt: skip

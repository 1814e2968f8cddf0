"""Products: what a reader sends back to one of the cells it reads.

term = coefficient · Π over / Π under     where all guards hold, else 0
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from embedsheet.ground.notation import tree as t
from embedsheet.ground.notation.walk import walk

Guard = tuple[t.Node, bool]  # a condition, and what it must be


@dataclass(frozen=True, slots=True)
class Term:
    """`outer` are guards that a factor obeys already; a factor that may be undefined needs them again."""

    coefficient: float = 1.0
    over: tuple[t.Node, ...] = ()
    under: tuple[t.Node, ...] = ()
    guards: tuple[Guard, ...] = ()
    outer: tuple[Guard, ...] = ()

    def times(self, node: t.Node) -> Term:
        """Return the product with an expression, taken apart into its own factors."""
        node = simplified(node)
        match node:
            case t.Number(value=value):
                return replace(self, coefficient=self.coefficient * value)
            case t.Unary(operator="-", operand=operand):
                return replace(self, coefficient=-self.coefficient).times(operand)
            case t.Unary(operator="+", operand=operand):
                return self.times(operand)
            case t.Binary(operator="*", left=left, right=right):
                return self.times(left).times(right)
            case t.Binary(operator="/", left=left, right=right):
                return self.times(left).divided(right)
        return self.safe(node, replace(self, over=(*self.over, node)))

    def divided(self, node: t.Node) -> Term:
        """Return the quotient by an expression."""
        node = simplified(node)
        match node:
            case t.Number(value=value) if value:
                return replace(self, coefficient=self.coefficient / value)
            case t.Unary(operator="-", operand=operand):
                return replace(self, coefficient=-self.coefficient).divided(operand)
            case t.Binary(operator="*", left=left, right=right):
                return self.divided(left).divided(right)
        return replace(self, under=(*self.under, node), guards=(*self.outer, *self.guards), outer=())

    def safe(self, node: t.Node, product: Term) -> Term:
        """Return a product, under the outer guards again where the new factor may be undefined."""
        if self.outer and any(may_fail(one) for one in walk(node)):
            return replace(product, guards=(*self.outer, *product.guards), outer=())
        return product

    def guarded(self, condition: t.Node, wanted: bool) -> Term:
        """Return the same where a condition is `wanted`, else 0."""
        guard = condition, wanted
        if guard in self.guards or guard in self.outer:
            return self
        return replace(self, guards=(*self.guards, guard))

    @property
    def bare(self) -> bool:
        """Whether it is a single factor, with a sign at most."""
        return len(self.over) == 1 and not self.under and not self.guards and abs(self.coefficient) == 1

    @property
    def heavy(self) -> bool:
        """Whether it is worth a cell of its own."""
        return bool(self.guards) or any(not isinstance(factor, t.Ref) for factor in (*self.over, *self.under))

    def tree(self) -> t.Node:
        """Return the formula of the whole term, its sign included."""
        product = multiplied(self.coefficient, self.over, self.under)
        return guarded(product, self.guards)


def guarded(node: t.Node, guards: Sequence[Guard]) -> t.Node:
    """Return IF(condition, node, 0) for each guard."""
    for condition, wanted in reversed(guards):
        branches = (node, t.Number(0.0)) if wanted else (t.Number(0.0), node)
        node = t.Call("IF", (condition, *branches))
    return node


def multiplied(coefficient: float, over: Sequence[t.Node], under: Sequence[t.Node]) -> t.Node:
    """Return coefficient · Π over / Π under as a formula."""
    sign, size = math.copysign(1.0, coefficient), abs(coefficient)
    inverse = size != 0 and size < 1 and not (1 / size) % 1
    factors = list(over)
    below = [t.Number(1 / size), *under] if inverse else list(under)
    if not inverse and (size != 1 or not factors):
        factors.insert(0, t.Number(size))
    if not factors:
        factors = [t.Number(1.0)]
    node = chained("*", factors)
    if below:
        node = t.Binary("/", node, chained("*", below))
    return t.Unary("-", node) if sign < 0 else node


def chained(operator: str, nodes: Sequence[t.Node]) -> t.Node:
    """Return a∘b∘c."""
    result = nodes[0]
    for node in nodes[1:]:
        result = t.Binary(operator, result, node)
    return result


def added(nodes: Sequence[t.Node]) -> t.Node:
    """Return the sum of expressions, a minus before one written as such; 0 of none."""
    if not nodes:
        return t.Number(0.0)
    # What is added comes before what is taken away, so that a formula seldom begins with a sign.
    ordered = sorted(nodes, key=lambda node: isinstance(node, t.Unary) and node.operator == "-")
    result = ordered[0]
    for node in ordered[1:]:
        minus = isinstance(node, t.Unary) and node.operator == "-"
        result = t.Binary("-" if minus else "+", result, node.operand if isinstance(node, t.Unary) and minus else node)
    return result


def simplified(node: t.Node) -> t.Node:
    """Return the same with x^1, x^0, sums of numbers and LN(EXP(x)) worked out."""
    if isinstance(node, t.Binary):
        left, right = simplified(node.left), simplified(node.right)
        if isinstance(left, t.Number) and isinstance(right, t.Number) and node.operator in "+-":
            return t.Number(left.value + right.value if node.operator == "+" else left.value - right.value)
        if node.operator == "^" and isinstance(right, t.Number) and right.value in (0.0, 1.0):
            return left if right.value else t.Number(1.0)
        return t.Binary(node.operator, left, right)
    match node:
        case t.Call(name="LN", arguments=(t.Call(name="EXP", arguments=(x,)),)):
            return x
    return node


def may_fail(node: t.Node) -> bool:
    """Whether an operator or function may give an error for numbers."""
    return isinstance(node, t.Call) or (isinstance(node, t.Binary) and node.operator in "/^")

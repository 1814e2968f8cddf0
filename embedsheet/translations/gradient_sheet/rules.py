"""The table of derivatives: one row a function that works element by element.

A row gives the derivative by each argument as a formula of the arguments x, y, z and of the function's own `value`;
"" where there is none. The word is how a note calls the rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from embedsheet.ground.notation import tree as t
from embedsheet.ground.notation.parse import parse
from embedsheet.ground.notation.walk import children, with_children


@dataclass(frozen=True, slots=True)
class Rule:
    """`slopes` has a formula for each argument, `word` what the rule is called."""

    word: str
    slopes: tuple[str, ...]


CHAIN = "chain rule"

OPERATORS: dict[str, Rule] = {
    "+": Rule("sum rule", ("1", "1")),
    "-": Rule("sum rule", ("1", "-1")),
    "*": Rule("product rule", ("y", "x")),
    "/": Rule("quotient rule", ("1/y", "-value/y")),
    "^": Rule("power rule", ("y*x^(y-1)", "value*LN(x)")),
}

PREFIXES: dict[str, Rule] = {
    "-": Rule("sum rule", ("-1",)),
    "+": Rule("sum rule", ("1",)),
    "%": Rule("product rule", ("0.01",)),
    "@": Rule("sum rule", ("1",)),
}

FUNCTIONS: dict[str, Rule] = {
    "ABS": Rule(CHAIN, ("SIGN(x)",)),
    "ACOS": Rule(CHAIN, ("-1/SQRT(1-x^2)",)),
    "ASIN": Rule(CHAIN, ("1/SQRT(1-x^2)",)),
    "ASINH": Rule(CHAIN, ("1/SQRT(1+x^2)",)),
    "ACOSH": Rule(CHAIN, ("1/SQRT(x^2-1)",)),
    "ATAN": Rule(CHAIN, ("1/(1+x^2)",)),
    "ATAN2": Rule(CHAIN, ("-y/(x^2+y^2)", "x/(x^2+y^2)")),
    "ATANH": Rule(CHAIN, ("1/(1-x^2)",)),
    "COS": Rule(CHAIN, ("-SIN(x)",)),
    "COSH": Rule(CHAIN, ("SINH(x)",)),
    "DEGREES": Rule(CHAIN, ("180/PI()",)),
    "EXP": Rule(CHAIN, ("value",)),
    "LN": Rule(CHAIN, ("1/x",)),
    "LOG": Rule(CHAIN, ("1/(x*LN(y))", "-value/(y*LN(y))")),
    "LOG10": Rule(CHAIN, ("1/(x*LN(10))",)),
    "MOD": Rule("sum rule", ("1",)),
    "N": Rule("sum rule", ("1",)),
    "NORMSDIST": Rule(CHAIN, ("EXP(-(x^2)/2)/SQRT(2*PI())",)),
    "POWER": Rule("power rule", ("y*x^(y-1)", "value*LN(x)")),
    "RADIANS": Rule(CHAIN, ("PI()/180",)),
    "SIN": Rule(CHAIN, ("COS(x)",)),
    "SINH": Rule(CHAIN, ("COSH(x)",)),
    "SQRTPI": Rule(CHAIN, ("PI()/(2*value)",)),
    "SQRT": Rule(CHAIN, ("1/(2*value)",)),
    "TAN": Rule(CHAIN, ("1+value^2",)),
    "TANH": Rule(CHAIN, ("1-value^2",)),
}

SIGMOID = Rule("sigmoid", ("value*(1-value)",))
_FALLING = Rule("sigmoid", ("-value*(1-value)",))


def inside_sigmoid(node: t.Node) -> tuple[t.Node, Rule] | None:
    """Return x, and its rule, of 1/(1+EXP(-x)), which has a derivative in terms of its own value; else None."""
    match node:
        case t.Binary(operator="/", left=t.Number(value=1.0), right=t.Binary(operator="+", left=one, right=other)):
            first, second = (one, other) if isinstance(one, t.Number) else (other, one)
            match first, second:
                case t.Number(value=1.0), t.Call(name="EXP", arguments=(t.Unary(operator="-", operand=x),)):
                    return x, SIGMOID
                case t.Number(value=1.0), t.Call(name="EXP", arguments=(x,)):
                    return x, _FALLING
    return None


# Arguments that may be left out, and what they are then.
DEFAULTS: dict[str, tuple[t.Node | None, ...]] = {"LOG": (None, t.Number(10.0))}


@cache
def _parsed(text: str) -> t.Node:
    return parse(text, 1, 1)


def slope(text: str, arguments: list[t.Node], value: t.Node) -> t.Node:
    """Return a row's formula with the arguments and the value put in."""
    names = {"value": value, **dict(zip("xyz", arguments, strict=False))}
    return _put_in(_parsed(text), names)


def _put_in(node: t.Node, names: dict[str, t.Node]) -> t.Node:
    if isinstance(node, t.Name):
        return names[node.name]
    below = children(node)
    return with_children(node, [_put_in(one, names) for one in below]) if below else node

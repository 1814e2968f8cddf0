"""Functions that code and gradient sheets take as others: those that Excel 2010 lacks, and those a formula says."""

from __future__ import annotations

from collections.abc import Callable

from embedsheet.ground.notation import tree as t
from embedsheet.ground.notation.parse import parse
from embedsheet.ground.notation.walk import children, with_children

Arguments = tuple[t.Node, ...]


def _conditions(arguments: Arguments) -> t.Node:
    """IFS as IF in IF."""
    rest: t.Node = t.Call("NA", ())
    for condition, value in reversed(list(zip(arguments[::2], arguments[1::2], strict=True))):
        rest = t.Call("IF", (condition, value, rest))
    return rest


def _cases(arguments: Arguments) -> t.Node:
    """SWITCH as IF in IF."""
    subject, *cases = arguments
    rest: t.Node = cases.pop() if len(cases) % 2 else t.Call("NA", ())
    for wanted, value in reversed(list(zip(cases[::2], cases[1::2], strict=True))):
        rest = t.Call("IF", (t.Binary("=", subject, wanted), value, rest))
    return rest


def by_formula(text: str) -> Callable[[Arguments], t.Node]:
    """Return what puts arguments x, y, z, w, v into a formula."""
    tree = parse(text, 1, 1)

    def put(node: t.Node, names: dict[str, t.Node]) -> t.Node:
        if isinstance(node, t.Name):
            return names[node.name]
        below = children(node)
        return with_children(node, [put(one, names) for one in below]) if below else node

    return lambda arguments: put(tree, dict(zip("xyzwv", arguments, strict=False)))


def _cumulative(whole: str, density: str, place: int) -> Callable[[Arguments], t.Node]:
    """Return what writes a distribution out: its last argument says whether the cumulative one is meant."""

    def put(arguments: Arguments) -> t.Node:
        flag = arguments[place]
        if isinstance(flag, t.Boolean | t.Number):
            return by_formula(whole if flag.value else density)(arguments)
        return t.Call("IF", (flag, by_formula(whole)(arguments), by_formula(density)(arguments)))

    return put


_BELL = "EXP(-(x^2)/2)/SQRT(2*PI())"
_SCALED_BELL = "EXP(-(((x-y)/z)^2)/2)/(z*SQRT(2*PI()))"
_NORMAL = _cumulative("NORMSDIST((x-y)/z)", _SCALED_BELL, 3)


def _error_function(arguments: Arguments) -> t.Node:
    """ERF(x), from 0 to x, or ERF(x,y), from x to y."""
    text = "2*NORMSDIST(x*SQRT(2))-1" if len(arguments) == 1 else "2*(NORMSDIST(y*SQRT(2))-NORMSDIST(x*SQRT(2)))"
    return by_formula(text)(arguments)


# What SUBTOTAL(n,…) is; n + 100 leaves out hidden rows, which is checked with all other derivatives.
_SUBTOTALS = {1: "AVERAGE", 4: "MAX", 5: "MIN", 6: "PRODUCT", 7: "STDEV", 8: "STDEVP", 9: "SUM", 10: "VAR", 11: "VARP"}


def _subtotal(arguments: Arguments) -> t.Node:
    kind, *ranges = arguments
    name = _SUBTOTALS.get(int(kind.value) % 100) if isinstance(kind, t.Number) else None
    return t.Call(name or "SUBTOTAL", tuple(ranges) if name else arguments)


WRITTEN_OUT: dict[str, Callable[[Arguments], t.Node]] = {
    "AVERAGEA": lambda arguments: t.Binary("/", t.Call("SUM", arguments), t.Call("COUNTA", arguments)),
    "ERF": _error_function,
    "ERF.PRECISE": _error_function,
    "ERFC": by_formula("2-2*NORMSDIST(x*SQRT(2))"),
    "ERFC.PRECISE": by_formula("2-2*NORMSDIST(x*SQRT(2))"),
    "FORECAST": by_formula("INTERCEPT(y,z)+SLOPE(y,z)*x"),
    "FORECAST.LINEAR": by_formula("INTERCEPT(y,z)+SLOPE(y,z)*x"),
    "GAUSS": by_formula("NORMSDIST(x)-0.5"),
    "IFNA": by_formula("IF(ISNA(x),y,x)"),
    "IFS": _conditions,
    "INTERCEPT": by_formula("AVERAGE(x)-SLOPE(x,y)*AVERAGE(y)"),
    "NORM.DIST": _NORMAL,
    "NORM.S.DIST": _cumulative("NORMSDIST(x)", _BELL, 1),
    "NORMDIST": _NORMAL,
    "PHI": by_formula(_BELL),
    "RSQ": by_formula("CORREL(x,y)^2"),
    "STANDARDIZE": by_formula("(x-y)/z"),
    "SUBTOTAL": _subtotal,
    "SWITCH": _cases,
}

"""Functions that a gradient sheet takes as others: those that Excel 2010 lacks, and those that a formula can say."""

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


def _as(text: str) -> Callable[[Arguments], t.Node]:
    """Return what puts arguments x, y, z, w into a formula."""
    tree = parse(text, 1, 1)

    def put(node: t.Node, names: dict[str, t.Node]) -> t.Node:
        if isinstance(node, t.Name):
            return names[node.name]
        below = children(node)
        return with_children(node, [put(one, names) for one in below]) if below else node

    return lambda arguments: put(tree, dict(zip("xyzw", arguments, strict=False)))


def _cumulative(whole: str, density: str, place: int) -> Callable[[Arguments], t.Node]:
    """Return what writes a distribution out: its last argument says whether the cumulative one is meant."""

    def put(arguments: Arguments) -> t.Node:
        flag = arguments[place]
        if isinstance(flag, t.Boolean | t.Number):
            return _as(whole if flag.value else density)(arguments)
        return t.Call("IF", (flag, _as(whole)(arguments), _as(density)(arguments)))

    return put


_BELL = "EXP(-(x^2)/2)/SQRT(2*PI())"
_SCALED_BELL = "EXP(-(((x-y)/z)^2)/2)/(z*SQRT(2*PI()))"
_NORMAL = _cumulative("NORMSDIST((x-y)/z)", _SCALED_BELL, 3)


def _error_function(arguments: Arguments) -> t.Node:
    """ERF(x), from 0 to x, or ERF(x,y), from x to y."""
    text = "2*NORMSDIST(x*SQRT(2))-1" if len(arguments) == 1 else "2*(NORMSDIST(y*SQRT(2))-NORMSDIST(x*SQRT(2)))"
    return _as(text)(arguments)


WRITTEN_OUT: dict[str, Callable[[Arguments], t.Node]] = {
    "ERF": _error_function,
    "ERF.PRECISE": _error_function,
    "ERFC": _as("2-2*NORMSDIST(x*SQRT(2))"),
    "ERFC.PRECISE": _as("2-2*NORMSDIST(x*SQRT(2))"),
    "FORECAST": _as("INTERCEPT(y,z)+SLOPE(y,z)*x"),
    "FORECAST.LINEAR": _as("INTERCEPT(y,z)+SLOPE(y,z)*x"),
    "GAUSS": _as("NORMSDIST(x)-0.5"),
    "IFNA": _as("IF(ISNA(x),y,x)"),
    "IFS": _conditions,
    "INTERCEPT": _as("AVERAGE(x)-SLOPE(x,y)*AVERAGE(y)"),
    "NORM.DIST": _NORMAL,
    "NORM.S.DIST": _cumulative("NORMSDIST(x)", _BELL, 1),
    "NORMDIST": _NORMAL,
    "PHI": _as(_BELL),
    "RSQ": _as("CORREL(x,y)^2"),
    "SWITCH": _cases,
}

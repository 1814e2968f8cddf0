"""The gradient written out in NumPy, backwards through the statements, where these are simple.

Each rule gives what a result's slope `g` is worth to the arguments of one operation; `g` may have fewer or shorter
axes than the result, as NumPy broadcasts. A loop is gone through from its last step to the first. What no rule covers
has its gradient from JAX.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np

from embedsheet.translations.coder.expressions import OPS, Expr, _calculation, _filled, literal, names_in, number_of
from embedsheet.translations.coder.loops import Loop
from embedsheet.translations.coder.model import Written
from embedsheet.translations.coder.spelling import NUMPY, spell
from embedsheet.translations.coder.variables import Variable

Rule: TypeAlias = Callable[["_Backwards", Expr, Expr, Expr], None]  # expression, how its result is spelled, slope


class NotSimple(Exception):  # noqa: N818  # never reaches a user
    """A gradient that is not written out."""


@dataclass
class _Slope:
    """What adds up to the slope of a name: wholes, and parts at places."""

    wholes: list[Expr] = field(default_factory=list)
    parts: list[tuple[str, Expr]] = field(default_factory=list)  # statements, "@" for the name, "{}" for the text


def gradient_lines(model: Written, seed: Expr) -> list[str]:
    """Return lines that compute the slopes of all weights from these and `found`, what `forward` gave, and return them.

    `seed` is the derivative of the loss with respect to the objective. Raises NotSimple.
    """
    return _Backwards(model, seed).lines()


class _Backwards:
    def __init__(self, model: Written, seed: Expr) -> None:
        self.model, self.seed = model, seed
        self.slopes: dict[str, _Slope] = {}
        self.made: list[str] = []
        self.step_slopes: dict[str, str] = {}  # of a loop's blocks at a step, by how these are spelled
        self.kept = 0  # slopes that have a name because they are long
        self.names = {variable.name for one in model.statements for variable in one.variables}
        self.names |= {variable.name for variable in (*model.weights, *model.inputs)}

    def lines(self) -> list[str]:
        goal = self.model.objective
        if goal is None:
            raise NotSimple("no objective")
        self.back(goal, goal, self.seed)
        for statement in reversed(self.model.statements):
            pairs = list(zip(statement.variables, statement.expressions, strict=False))
            if statement.loop:
                if any(variable.name in self.slopes for variable in statement.variables):
                    self.loop(statement.loop, statement.variables)
                continue
            for variable, expr in reversed(pairs):
                if not variable.fixed and variable.name in self.slopes:
                    self.finish(variable)
                    own = variable.expr()
                    slope = Expr("name", (), own.axes, np.ones_like(own.value, float), self.slope_name(variable.name))
                    self.back(expr, own, slope)
        for weight in self.model.weights:
            self.finish(weight)
        read = set(re.findall(r"[^\W\d]\w*", "\n".join(self.made)))
        weights = [weight.name for weight in self.model.weights]
        blocks = [
            variable.name for one in self.model.statements if not one.fixed for variable in one.variables
            if variable.name in read
        ]  # fmt: skip
        lines = [f"{name} = weights.{name}" for name in weights if name in read]
        if len(lines) == len(weights):
            lines = [f"{', '.join(weights)}{',' if len(weights) == 1 else ''} = weights"]
        lines += [f'{name} = found["{name}"]' for name in blocks]
        return [*lines, *self.made, f"slope = Weights({', '.join(map(self.slope_name, weights))})"]

    def slope_name(self, name: str) -> str:
        """Return what the slope of an array is called."""
        return self.unused(f"d_{name}")

    def finish(self, variable: Variable) -> None:
        """Write the slope of an array, all that adds up to it being known."""
        name, slope = self.slope_name(variable.name), self.slopes.get(variable.name, _Slope())
        shape = np.shape(variable.value)
        if [one.x for one in slope.wholes] == [name] and not slope.parts:
            return  # a loop added it up
        if not slope.parts and slope.wholes:
            total = slope.wholes[0]
            for one in slope.wholes[1:]:
                total = made("add", total, one)
            self.made.append(f"{name} = {spell(expanded(total, shape), NUMPY)}")
            return
        self.begin(variable.name, shape)

    def begin(self, name: str, shape: Sequence[int]) -> None:
        """Write what is known of a slope into an array of its own, to which more can be added."""
        slope, own = self.slopes.get(name, _Slope()), self.slope_name(name)
        new = [one for one in slope.wholes if one.x != own]
        if len(new) == len(slope.wholes):
            self.made.append(f"{own} = np.zeros({tuple(shape)})")
        self.added(own, _Slope(new, slope.parts))
        self.slopes[name] = _Slope([_called(own, np.ones(shape))])

    def added(self, name: str, slope: _Slope) -> None:
        """Write what is added to a slope."""
        self.made += [f"{name} += {spell(one, NUMPY)}" for one in slope.wholes]
        self.made += [text.replace("@", name).replace("{}", spell(one, NUMPY)) for text, one in slope.parts]

    def loop(self, loop: Loop, variables: Sequence[Variable]) -> None:
        """Hand the slopes of a loop's blocks on, step by step from the last one."""
        if loop.reverse:
            raise NotSimple("a loop that runs backwards")
        places: dict[str, Expr] = {}  # what the bodies read, by what they call it
        for place, (variable, before, axis) in enumerate(zip(variables, loop.before, loop.axes, strict=True)):
            self.begin(variable.name, variable.shape)
            slope, every = self.slope_name(variable.name), variable.name
            step = np.take(variable.value, 0, axis)
            if before:
                every = self.free(f"{variable.name}_all")
                shape = ", ".join("1" if one == axis else str(length) for one, length in enumerate(variable.shape))
                starts = [f"np.reshape({spell(one, NUMPY)}, ({shape},))" for one in before]
                along = f", axis={axis}" if axis else ""
                self.made.append(f"{every} = np.concatenate([{', '.join([*starts, variable.name])}]{along})")
                pads = [(len(before) if one == axis else 0, 0) for one in range(len(variable.shape))]
                self.made.append(f"{slope} = np.pad({slope}, {pads})")
            for ago in range(len(before) + 1):
                later = len(before) - ago
                there = _at(axis, f"t + {later}" if later else "t")
                places[f"@{place}.{ago}"] = _called(f"{every}{there}", step)
                self.step_slopes[f"{every}{there}"] = f"{slope}{there}"
        for key, outside in enumerate(loop.outside):
            name, slope = outside.x, f"d_{outside.x}_in"
            if outside.op != "name" or outside.args:
                name = self.free(f"{variables[0].name}_in{key + 1 if key else ''}")
                slope = f"d_{name}"
                self.made.append(f"{name} = {spell(outside, NUMPY)}")
            axis = outside.axes.index("t")
            here = f"{name}{_at(axis, 't')}"
            places[f"@x.{key}"] = replace(
                _called(here, np.take(np.asarray(outside.value), 0, axis)), fixed=outside.fixed
            )
            if not outside.fixed:
                slope = self.free(slope)
                self.made.append(f"{slope} = np.zeros({np.shape(outside.value)})")
                self.step_slopes[here] = f"{slope}{_at(axis, 't')}"
        bodies = [_in_place(body, places) for body in loop.bodies]
        known = {one.name: one for one in (*self.model.weights, *self.blocks())}
        for name in sorted(set[str]().union(*map(names_in, bodies)) & known.keys()):
            if not known[name].fixed:
                self.begin(name, known[name].shape)
        outer, self.made = self.made, []
        waiting, self.slopes = self.slopes, {}
        for place in reversed(loop.order):
            own = places[f"@{place}.0"]
            self.back(bodies[place], own, _called(self.step_slopes[own.x], own.value))
            for name, more in self.slopes.items():
                self.added(self.step_slopes.get(name) or self.slope_name(name), more)
            self.slopes = {}
        self.made, self.slopes = (
            [*outer, f"for t in reversed(range({loop.steps})):", *(f"    {one}" for one in self.made)],
            waiting,
        )
        for variable, before, axis in zip(variables, loop.before, loop.axes, strict=True):
            for place, one in enumerate(before):
                self.back(one, one, _called(f"{self.slope_name(variable.name)}{_at(axis, str(place))}", one.value))
        for key, outside in enumerate(loop.outside):
            if not outside.fixed:
                slope = self.step_slopes[places[f"@x.{key}"].x].partition("[")[0]
                self.back(outside, outside, _called(slope, outside.value))

    def blocks(self) -> list[Variable]:
        return [variable for one in self.model.statements for variable in one.variables]

    def free(self, name: str) -> str:
        """Return a name that nothing has, and keep it."""
        name = self.unused(name)
        self.names.add(name)
        return name

    def unused(self, name: str) -> str:
        while name in self.names:
            name += "_"
        return name

    def named(self, slope: Expr) -> Expr:
        """Return a slope under a name where it is long: it is written more than once."""
        if slope.op in ("name", "literal"):
            return slope
        self.kept += 1
        name = f"_g{self.kept}"
        self.made.append(f"{name} = {spell(slope, NUMPY)}")
        return Expr("name", (), tuple(range(np.ndim(slope.value))), slope.value, name)

    def back(self, expr: Expr, own: Expr, slope: Expr) -> None:
        """Hand a slope on to what an expression is made of; `own` spells the expression's result."""
        if expr.fixed or np.asarray(expr.value).dtype.kind != "f":
            return
        if expr.op == "name" and not expr.args:
            self.slopes.setdefault(expr.x, _Slope()).wholes.append(slope)
            return
        rule = _RULES.get(expr.op)
        if rule is None:
            raise NotSimple(expr.op)
        if sum(not arg.fixed for arg in expr.args) > 1:
            slope = self.named(slope)
        rule(self, expr, own, slope)

    def to(self, arg: Expr, slope: Expr, result: Expr) -> None:
        """Hand a slope to an argument, summed over the axes along which the argument is the same."""
        if arg.fixed or np.asarray(arg.value).dtype.kind != "f":
            return
        here, there = np.shape(arg.value), np.shape(result.value)
        if here == there:
            self.back(arg, arg, slope)
            return
        slope = expanded(slope, there)
        lead = len(there) - len(here)
        stretched = [axis + lead for axis, length in enumerate(here) if length == 1 and there[axis + lead] > 1]
        axes = [*range(lead), *stretched]
        if arg.op == "index" and "None" in arg.x:
            # The axes of length 1 were only made to line up.
            words = arg.x.split(", ")
            words += [":"] * (len(here) - len(words))
            if set(words) <= {":", "None"} and {
                place + lead for place, word in enumerate(words) if word == "None"
            } == set(stretched):
                self.back(arg.args[0], arg.args[0], summed(slope, axes, False))
                return
        slope = summed(slope, list(range(lead)), False) if lead else slope
        slope = summed(slope, [axis - lead for axis in stretched], True) if stretched else slope
        self.back(arg, arg, slope)


def _at(axis: int, step: str) -> str:
    """Return the index of a step along the axis of time."""
    return f"[{', '.join([':'] * axis + [step])}]"


def _called(name: str, like: object) -> Expr:
    """Return an array of the shape of another one under a name."""
    return Expr("name", (), tuple(range(np.ndim(like))), np.asarray(like, float), name, False)  # type: ignore[arg-type]


def _in_place(body: Expr, places: Mapping[str, Expr]) -> Expr:
    """Return a step's expression with what it reads of the loop under its name at this step."""
    if body.op == "name" and body.x.startswith("@"):
        here = places[body.x]
        return _in_place(body.args[0], {"@": here}) if body.args else replace(here, axes=body.axes, fixed=here.fixed)
    if not body.args:
        return body
    args = tuple(_in_place(one, places) for one in body.args)
    return replace(body, args=args, fixed=body.fixed and all(one.fixed for one in args))


def made(op: str, *args: Expr, x: str = "") -> Expr:
    """Return an operation on arrays by position, its value computed."""
    names = [f"a{place}" for place in range(len(args))]
    with np.errstate(all="ignore"):
        value = _calculation(_filled(OPS[op].text, names, x), len(args))(*(arg.value for arg in args))
    return Expr(op, args, tuple(range(np.ndim(value))), value, x, False)


def expanded(slope: Expr, shape: Sequence[int]) -> Expr:
    """Return a slope in the full shape."""
    if np.shape(slope.value) == tuple(shape):
        return slope
    return made("broadcast", slope, x=repr(tuple(shape)))


def summed(slope: Expr, axes: Sequence[int], keep: bool) -> Expr:
    words = f"axis={axes[0]}" if len(axes) == 1 else f"axis={tuple(axes)}"
    if len(axes) == np.ndim(slope.value) and not keep:
        words = ""
    return made("sum", slope, x=words + (", keepdims=True" if keep else ""))


def _times(one: Expr, other: Expr) -> Expr:
    if number_of(one) == 1:
        return other
    return made("multiply", one, other)


def _elementwise(factor: Callable[[Expr, Expr, Expr], Expr]) -> Rule:
    """Of one argument: the slope is `factor(slope, argument, result)`."""

    def rule(tr: _Backwards, expr: Expr, own: Expr, slope: Expr) -> None:
        (arg,) = expr.args
        tr.to(arg, factor(slope, arg, own), expr)

    return rule


def _add(tr: _Backwards, expr: Expr, own: Expr, slope: Expr) -> None:
    left, right = expr.args
    tr.to(left, slope, expr)
    tr.to(right, made("negative", slope) if expr.op in ("subtract", "difference") else slope, expr)


def _multiply(tr: _Backwards, expr: Expr, own: Expr, slope: Expr) -> None:
    left, right = expr.args
    for arg, other in ((left, right), (right, left)):
        if not arg.fixed:
            tr.to(arg, _times(slope, other), expr)


def _divide(tr: _Backwards, expr: Expr, own: Expr, slope: Expr) -> None:
    above, below = expr.args
    if not above.fixed:
        tr.to(above, made("divide", slope, below), expr)
    if not below.fixed:
        tr.to(below, made("negative", made("divide", _times(slope, own), below)), expr)


def _power(tr: _Backwards, expr: Expr, own: Expr, slope: Expr) -> None:
    base, exponent = expr.args
    number = number_of(exponent)
    if number is None:
        raise NotSimple("a power that is no number")
    rest = base if number == 2 else made("power", base, literal(number - 1))
    tr.to(base, _times(slope, made("multiply", literal(number), rest)), expr)


def _matmul(tr: _Backwards, expr: Expr, own: Expr, slope: Expr) -> None:
    left, right = expr.args
    slope = expanded(slope, np.shape(expr.value))
    dimensions = (np.ndim(left.value), np.ndim(right.value))
    if max(dimensions) > 2:
        raise NotSimple("a product of more axes")
    if not left.fixed:
        found = {
            (1, 1): lambda: _times(slope, right),
            (1, 2): lambda: made("matmul", right, slope),
            (2, 1): lambda: made("multiply", made("index", slope, x=":, None"), right),
            (2, 2): lambda: made("matmul", slope, turned(right)),
        }[dimensions]()
        tr.to(left, found, left)
    if not right.fixed:
        found = {
            (1, 1): lambda: _times(slope, left),
            (1, 2): lambda: made("multiply", made("index", left, x=":, None"), slope),
            (2, 1): lambda: made("matmul", turned(left), slope),
            (2, 2): lambda: made("matmul", turned(left), slope),
        }[dimensions]()
        tr.to(right, found, right)


def turned(expr: Expr) -> Expr:
    """Return a matrix with rows for columns."""
    return expr.args[0] if expr.op == "transpose" else made("transpose", expr)


def _transpose(tr: _Backwards, expr: Expr, own: Expr, slope: Expr) -> None:
    tr.to(expr.args[0], made("transpose", expanded(slope, np.shape(expr.value))), expr.args[0])


def _sum(tr: _Backwards, expr: Expr, own: Expr, slope: Expr) -> None:
    (arg,) = expr.args
    value = np.asarray(arg.value, float)
    axis = _axis(expr)
    missing = np.isnan(value)
    if expr.op.startswith("nan"):
        here = made("isnan", arg.args[0] if arg.op == "power" else arg)
        if expr.op == "nanmean":
            if axis is not None:
                raise NotSimple("means over parts with blanks")
            slope = made("divide", slope, literal(float((~missing).sum())))
    elif expr.op == "mean":
        slope = made("divide", slope, literal(float(value.size / max(1, np.size(expr.value)))))
    if axis is not None and np.ndim(slope.value) and axis < value.ndim - 1:
        slope = expanded(slope, np.shape(expr.value))
        if axis:
            raise NotSimple("a sum in the middle")
    elif axis is not None and np.ndim(slope.value):
        slope = made("index", slope, x=f"{':, ' * (value.ndim - 1)}None" if value.ndim == 2 else "..., None")
    if expr.op.startswith("nan"):
        slope = made("where", here, literal(0.0), slope)
    tr.back(arg, arg, slope)


def _axis(expr: Expr) -> int | None:
    if not expr.x:
        return None
    word = expr.x.removeprefix("axis=")
    if not word.lstrip("-").isdigit():
        raise NotSimple("a sum over several axes")
    return int(word) % np.ndim(expr.args[0].value)


def _where(tr: _Backwards, expr: Expr, own: Expr, slope: Expr) -> None:
    condition, yes, no = expr.args
    tr.to(yes, made("where", condition, slope, literal(0.0)), expr)
    tr.to(no, made("where", condition, literal(0.0), slope), expr)


def _maximum(tr: _Backwards, expr: Expr, own: Expr, slope: Expr) -> None:
    bounds = [number_of(arg) for arg in expr.args]
    if (bounds[0] is None) == (bounds[1] is None):
        raise NotSimple("a maximum of two arrays")
    bound, arg = expr.args if bounds[0] is not None else expr.args[::-1]
    # Half of it where both are equal, as in the sheet.
    if number_of(bound) == 0:
        above = arg if expr.op == "maximum" else made("negative", arg)
    else:
        above = made("subtract", *((arg, bound) if expr.op == "maximum" else (bound, arg)))
    side = made("sign", above)
    tr.to(arg, made("multiply", slope, made("divide", made("add", literal(1.0), side), literal(2.0))), expr)


def _relu(tr: _Backwards, expr: Expr, own: Expr, slope: Expr) -> None:
    (arg,) = expr.args
    tr.to(arg, made("where", made("greater", arg, literal(0.0)), slope, literal(0.0)), expr)


def _index(tr: _Backwards, expr: Expr, own: Expr, slope: Expr) -> None:
    (arg,) = expr.args
    if "None" in expr.x:
        words = expr.x.split(", ")
        if not set(words) <= {":", "None"}:
            raise NotSimple("places and new axes")
        axes = [place for place, word in enumerate(words) if word == "None"]
        tr.back(arg, arg, summed(expanded(slope, np.shape(expr.value)), axes, False))
        return
    whole = "@"
    if arg.op == "reshape" and np.size(arg.value) == np.size(arg.args[0].value):
        whole, arg = f"@.reshape({arg.x})", arg.args[0]
    if arg.op != "name" or arg.args:
        raise NotSimple("a part of what has no name")
    tr.slopes.setdefault(arg.x, _Slope()).parts.append((f"{whole}[{expr.x}] += {{}}", slope))


def _take(tr: _Backwards, expr: Expr, own: Expr, slope: Expr) -> None:
    arg, *places = expr.args
    if arg.op != "name" or arg.args or not all(place.fixed for place in places):
        raise NotSimple("places in what has no name")
    words = [spell(place, NUMPY) for place in places]
    where = words[0] if len(words) == 1 else f"({', '.join(words)})"
    slope = expanded(slope, np.shape(expr.value))
    tr.slopes.setdefault(arg.x, _Slope()).parts.append((f"np.add.at(@, {where}, {{}})", slope))


def _broadcast(tr: _Backwards, expr: Expr, own: Expr, slope: Expr) -> None:
    tr.to(expr.args[0], slope, expr)


def _reshape(tr: _Backwards, expr: Expr, own: Expr, slope: Expr) -> None:
    (arg,) = expr.args
    slope = expanded(slope, np.shape(expr.value))
    tr.back(arg, arg, made("reshape", slope, x=", ".join(map(str, np.shape(arg.value)))))


def _softmax(tr: _Backwards, expr: Expr, own: Expr, slope: Expr) -> None:
    product = made("multiply", slope, own)
    tr.to(expr.args[0], made("multiply", own, made("subtract", slope, summed(product, [int(expr.x)], True))), expr)


def _cumsum(tr: _Backwards, expr: Expr, own: Expr, slope: Expr) -> None:
    (arg,) = expr.args
    axis = int(expr.x.removeprefix("axis=") or 0)
    back = ", ".join([":"] * axis + ["::-1"])
    slope = made("index", expanded(slope, np.shape(expr.value)), x=back)
    tr.back(arg, arg, made("index", made("cumsum", slope, x=expr.x), x=back))


def _stacked(tr: _Backwards, expr: Expr, own: Expr, slope: Expr) -> None:
    axis, start = int(expr.x), 0
    slope = tr.named(expanded(slope, np.shape(expr.value)))
    for arg in expr.args:
        stop = start + (1 if expr.op == "stacked" else np.shape(arg.value)[axis])
        word = str(start) if expr.op == "stacked" else f"{start}:{stop}"
        start = stop
        if not arg.fixed:
            tr.back(arg, arg, made("index", slope, x=", ".join([":"] * axis + [word])))


def _bell(x: Expr) -> Expr:
    powers = made("exp", made("divide", made("negative", made("power", x, literal(2.0))), literal(2.0)))
    return made("divide", powers, literal(float(np.sqrt(2 * np.pi))))


_RULES: dict[str, Rule] = {
    "add": _add,
    "subtract": _add,
    "sum_of": _add,
    "difference": _add,
    "negative": _elementwise(lambda g, x, y: made("negative", g)),
    "multiply": _multiply,
    "divide": _divide,
    "power": _power,
    "exp": _elementwise(lambda g, x, y: _times(g, y)),
    "log": _elementwise(lambda g, x, y: made("divide", g, x)),
    "sqrt": _elementwise(lambda g, x, y: made("divide", g, made("multiply", literal(2.0), y))),
    "tanh": _elementwise(
        lambda g, x, y: _times(g, made("subtract", literal(1.0), made("power", y, literal(2.0))))
    ),
    "sigmoid": _elementwise(lambda g, x, y: made("multiply", _times(g, y), made("subtract", literal(1.0), y))),
    "sin": _elementwise(lambda g, x, y: _times(g, made("cos", x))),
    "cos": _elementwise(lambda g, x, y: made("negative", _times(g, made("sin", x)))),
    "normal": _elementwise(lambda g, x, y: _times(g, _bell(x))),
    "rounded": lambda tr, expr, own, slope: None,  # it does not change but at steps
    **dict.fromkeys(("floor", "sign"), lambda tr, expr, own, slope: None),
    "abs": _elementwise(lambda g, x, y: _times(g, made("sign", x))),
    "matmul": _matmul,
    "transpose": _transpose,
    **dict.fromkeys(("sum", "mean", "nansum", "nanmean"), _sum),
    "where": _where,
    "maximum": _maximum,
    "minimum": _maximum,
    "relu": _relu,
    "index": _index,
    "take": _take,
    "picked": _take,
    "broadcast": _broadcast,
    "reshape": _reshape,
    "softmax": _softmax,
    "cumsum": _cumsum,
    "stacked": _stacked,
    "concatenate": _stacked,
}  # fmt: skip

"""Of what degree a traced function is in its inputs: a proof from its operations, not a guess from its values.

    degree 0: constant · 1: a x + b · 2: quadratic · 3: anything else

JAX writes down every operation that a trace performs (a jaxpr), also those whose results go nowhere: whether something
can be counted, or is an error, may hang on them, and no number shows it. Here the operations are run over degrees
instead of numbers, element by element. A rule says what degree an operation gives; without a rule whatever an input
reaches is of degree 3, so that what is not known here is never called linear.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Degrees: TypeAlias = NDArray[np.int8]
Places: TypeAlias = NDArray[np.int64]

CONSTANT, LINEAR, QUADRATIC, OTHER = 0, 1, 2, 3
# A loop whose state has not settled after so many rounds takes the largest degree in it everywhere.
_ROUNDS = 4


@dataclass(frozen=True)
class Form:
    """An array's `degree`, element by element, and its `value`, which means something where the degree is 0.

    `value` is None where the constants are not known.
    """

    degree: Degrees
    value: NDArray[Any] | None = None

    @property
    def constant(self) -> bool:
        """Whether no element depends on the inputs."""
        return not self.degree.any()

    @property
    def largest(self) -> int:
        """The largest degree of an element, 0 of none."""
        return int(self.degree.max(initial=0))


@dataclass(frozen=True)
class Bend:
    """An operation whose result has a higher degree than what goes in: where a function stops being linear.

    `scope` are the names (`jax.named_scope`) around it, outermost first; `rows` the places along the first axis of the
    result, None where these are not known.
    """

    scope: tuple[str, ...]
    operation: str
    degree: int
    rows: Places | None
    length: int


@dataclass
class Analysis:
    """`degree` is the largest of any operation, used or not; `bends` (in order) say where degrees above 1 begin.

    `outputs`: the degrees of the results, element by element; where `degree` is 3 they may hang on more than they say.
    """

    degree: int = CONSTANT
    outputs: list[Degrees] = field(default_factory=list)
    bends: list[Bend] = field(default_factory=list)


Rule: TypeAlias = Callable[[dict[str, Any], list[Form]], "list[Form] | None"]


def analyse(jaxpr: Any) -> Analysis:
    """Return the degrees of a closed jaxpr in its inputs."""
    found = Analysis()
    inputs = [Form(np.full(one.aval.shape, LINEAR, np.int8)) for one in jaxpr.jaxpr.invars]
    found.outputs = [form.degree for form in _run(jaxpr, inputs, (), found)]
    return found


def _run(closed: Any, inputs: Sequence[Form], scope: tuple[str, ...], found: Analysis) -> list[Form]:
    """Return the forms of a closed jaxpr's outputs."""
    jaxpr, constants = (closed.jaxpr, closed.consts) if hasattr(closed, "jaxpr") else (closed, ())
    known: dict[Any, Form] = dict(zip(jaxpr.invars, inputs, strict=True))
    for variable, array in zip(jaxpr.constvars, constants, strict=True):
        known[variable] = _form_of(array)

    def read(variable: Any) -> Form:
        return _form_of(variable.val) if hasattr(variable, "val") else known[variable]

    for equation in jaxpr.eqns:
        arguments = [read(variable) for variable in equation.invars]
        outputs = _equation(equation, arguments, scope, found)
        known.update(zip(equation.outvars, outputs, strict=True))
    return [read(variable) for variable in jaxpr.outvars]


def _form_of(array: Any) -> Form:
    value = np.asarray(array)
    return Form(np.zeros(value.shape, np.int8), value)


def _equation(equation: Any, arguments: list[Form], scope: tuple[str, ...], found: Analysis) -> list[Form]:
    from embedsheet.compiler.degree_rules import RULES, default

    name, parameters = equation.primitive.name, equation.params
    shapes = [tuple(getattr(one.aval, "shape", ())) for one in equation.outvars]
    inner = (*scope, *_names(equation))
    if name in _LOOPS:
        return _LOOPS[name](parameters, arguments, inner, found, shapes)
    body = next((parameters[key] for key in ("jaxpr", "call_jaxpr", "fun_jaxpr") if key in parameters), None)
    if body is not None and name in _CALLS:
        return _run(body, arguments, inner, found)
    if name == "ne" and equation.invars[0] is equation.invars[1] and arguments[0].largest <= QUADRATIC:
        # What a polynomial gives is a number, never NaN.
        return [_is_nan(arguments[0])]
    if name == "eq" and equation.invars[0] is equation.invars[1] and arguments[0].largest <= QUADRATIC:
        nan = _is_nan(arguments[0])
        return [Form(nan.degree, None if nan.value is None else ~nan.value)]
    rule = RULES.get(name)
    with np.errstate(all="ignore"):
        outputs = rule(parameters, arguments) if rule is not None else None
    if outputs is None:
        outputs = default(arguments, shapes)
    if [form.degree.shape for form in outputs] != shapes:
        outputs = default(arguments, shapes)  # an operation that has changed since its rule was written
    _note(name, arguments, outputs, inner, found)
    return outputs


def _is_nan(form: Form) -> Form:
    none = np.zeros(form.degree.shape, np.int8)
    if form.value is None:
        return Form(none, None if form.constant else np.zeros(form.degree.shape, bool))
    with np.errstate(invalid="ignore"):
        return Form(none, (form.value != form.value) & (form.degree == 0))


def _names(equation: Any) -> tuple[str, ...]:
    text = str(equation.source_info.name_stack)
    return tuple(text.split("/")) if text else ()


def _note(name: str, arguments: list[Form], outputs: list[Form], scope: tuple[str, ...], found: Analysis) -> None:
    """Keep an operation that raises the degree above 1."""
    largest = max((form.largest for form in outputs), default=0)
    found.degree = max(found.degree, largest)
    if largest < QUADRATIC:
        return
    output = next(form for form in outputs if form.largest == largest)
    before: Any = max((form.largest for form in arguments), default=0)
    shapes = [form.degree.shape for form in arguments]
    if all(shape in ((), output.degree.shape) for shape in shapes):
        before = np.zeros(output.degree.shape, np.int8)
        for form in arguments:
            before = np.maximum(before, form.degree)
    raised = (output.degree > before) & (output.degree >= QUADRATIC)
    if not raised.any():
        return
    rows = None
    if output.degree.ndim:
        rows = np.flatnonzero(raised.reshape(raised.shape[0], -1).any(axis=1))
    length = output.degree.shape[0] if output.degree.ndim else 1
    found.bends.append(Bend(scope, name, largest, rows, length))


# -- loops and calls --------------------------------------------------------------------------------------------------

_CALLS = frozenset(
    ["jit", "pjit", "closed_call", "core_call", "remat", "checkpoint", "remat2", "custom_jvp_call", "custom_vjp_call",
     "custom_vjp_call_jaxpr", "custom_lin"]
)  # fmt: skip


def _unknown(form: Form) -> Form:
    return Form(form.degree)


def _settle(state: list[Form], step: Callable[[list[Form]], list[Form]]) -> tuple[list[Form], list[Form]]:
    """Return the state of a loop that holds in every round, and what `step` returns of it in all.

    `step` returns the next state first.
    """
    for round_ in range(100):
        outputs = step(state)
        wider = [Form(np.maximum(before.degree, after.degree)) for before, after in zip(state, outputs, strict=False)]
        if all((one.degree == other.degree).all() for one, other in zip(state, wider, strict=True)):
            break
        if round_ >= _ROUNDS:
            wider = [Form(np.full_like(form.degree, form.largest)) for form in wider]
        state = wider
    return state, outputs


def _scan(parameters: Any, arguments: list[Form], scope: Any, found: Analysis, shapes: Any) -> list[Form]:
    consts, carried = parameters["num_consts"], parameters["num_carry"]
    fixed, state, along = arguments[:consts], arguments[consts : consts + carried], arguments[consts + carried :]
    steps = [Form(form.degree.max(axis=0, initial=0)) for form in along]
    state = [_unknown(form) for form in state]

    def step(now: list[Form]) -> list[Form]:
        return _run(parameters["jaxpr"], [*fixed, *now, *steps], scope, found)

    state, outputs = _settle(state, step)
    stacked = [
        Form(np.array(np.broadcast_to(form.degree, shape)))
        for form, shape in zip(outputs[carried:], shapes[carried:], strict=True)
    ]
    return [*state, *stacked]


def _while(parameters: Any, arguments: list[Form], scope: Any, found: Analysis, shapes: Any) -> list[Form]:
    conditions, bodies = parameters["cond_nconsts"], parameters["body_nconsts"]
    of_condition, of_body = arguments[:conditions], arguments[conditions : conditions + bodies]
    state = [_unknown(form) for form in arguments[conditions + bodies :]]

    def step(now: list[Form]) -> list[Form]:
        return _run(parameters["body_jaxpr"], [*of_body, *now], scope, found)

    state, _ = _settle(state, step)
    ends = _run(parameters["cond_jaxpr"], [*of_condition, *state], scope, found)
    if ends[0].constant:
        return state
    found.degree = OTHER
    found.bends.append(Bend(scope, "while", OTHER, None, 1))
    return [Form(np.full(shape, OTHER, np.int8)) for shape in shapes]


def _cond(parameters: Any, arguments: list[Form], scope: Any, found: Analysis, shapes: Any) -> list[Form]:
    which, given = arguments[0], arguments[1:]
    branches = [_run(branch, given, scope, found) for branch in parameters["branches"]]
    if not which.constant:
        found.degree = OTHER
        found.bends.append(Bend(scope, "cond", OTHER, None, 1))
        return [Form(np.full(shape, OTHER, np.int8)) for shape in shapes]
    joined = []
    for forms in zip(*branches, strict=True):
        degree = forms[0].degree
        for form in forms[1:]:
            degree = np.maximum(degree, form.degree)
        joined.append(Form(degree))
    return joined


_LOOPS = {"scan": _scan, "while": _while, "cond": _cond}

"""Of what degree a traced function is in its inputs: a proof from its operations, not a guess from its values.

    degree 0: constant · 1: a x + b · 2: quadratic · 3: anything else

The tape writes down every operation that a trace performs, also those whose results go nowhere: whether something can
be counted, or is an error, may hang on them, and no number shows it. Here the operations are run over degrees beside
numbers, element by element. A rule says what degree an operation gives; without a rule whatever an input reaches is of
degree 3, so that what is not known here is never called linear.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.compiler.degree import (
    CONSTANT,
    LINEAR,
    OTHER,
    QUADRATIC,
    Bend,
    Degrees,
    Form,
    Operation,
    constant_form,
)
from embedsheet.compiler.degree_rules import default, rule_of
from embedsheet.compiler.engines.graph import Graph, Step, record
from embedsheet.compiler.engines.loop import Body, loop
from embedsheet.compiler.engines.operations import OPERATIONS

# A loop whose state has not settled after so many rounds takes the largest degree in it everywhere.
_ROUNDS = 4


@dataclass
class Analysis:
    """`degree` is the largest of any operation; `bends` (in order) say where degrees above 1 begin.

    Polynomials whose results go nowhere count for nothing: they are numbers wherever the inputs are.

    `outputs`: the degrees of the results, element by element; where `degree` is 3 they may hang on more than they say.
    """

    degree: int = CONSTANT
    outputs: list[Degrees] = field(default_factory=list)
    bends: list[Bend] = field(default_factory=list)


def analyse(graph: Graph, x: NDArray[np.float64]) -> Analysis:
    """Return the degrees of a recorded function in its input; x is any point."""
    found = Analysis()
    results = _run(graph, [Form(np.full(x.shape, LINEAR, np.int8), x)], (), found)
    found.outputs = [form.degree for form in results]
    return found


def _run(graph: Graph, inputs: Sequence[Form], scope: tuple[str, ...], found: Analysis) -> list[Form]:
    """Return the forms of a recorded function's results."""
    forms: list[Any] = [None] * graph.slots
    for slot, form in zip(graph.inputs, inputs, strict=True):
        forms[slot] = form
    last = {parent: place for place, step in enumerate(graph.recorded) for parent in step.parents}
    kept = {*graph.outputs, *graph.inputs}
    used = {step.slot for step in graph.steps}
    for place, step in enumerate(graph.recorded):
        seen, names = found if step.slot in used else Analysis(), (*scope, *step.scope)
        forms[step.slot] = _result(step, forms, names, seen)
        if not _looked_into(step):
            _note(step, forms, names, seen)
        if seen.degree == OTHER and seen is not found:
            found.degree = OTHER
            found.bends += [bend for bend in seen.bends if bend.degree == OTHER]
        for parent in step.parents:
            if last[parent] == place and parent not in kept:
                forms[parent] = None  # large sheets have large arrays
    return [
        constant_form(known) if slot < 0 else forms[slot]
        for slot, known in zip(graph.outputs, graph.known, strict=True)
    ]


def _result(step: Step, forms: list[Any], scope: tuple[str, ...], found: Analysis) -> Form:
    arguments, given = list(step.args), [_form(argument) for argument in step.args]
    for place, parent in zip(step.argnums, step.parents, strict=True):
        given[place] = forms[parent]
        arguments[place] = forms[parent].value
    known = all(form.known for form in given if form is not None)
    with np.errstate(all="ignore"):
        value = step.function.fun(*arguments, **step.kwargs)
        operation = Operation(step.function, arguments, given, step.kwargs, value)
        degree: Degrees | None
        own = getattr(step.function, "rule", None)
        if step.function is loop:
            degree, known = _loop(arguments[0], arguments[1], given[2:], scope, found), False
        elif own is not None:
            degree = _inner(own, [form for form in given if form is not None], scope, found)
        else:
            rule = rule_of(step.function)
            degree = None if rule is None else rule(operation)
        if degree is None or degree.shape != np.shape(value):
            degree = default(operation)
    return Form(degree, value, known)


def _looked_into(step: Step) -> bool:
    """Return whether the operations that a step consists of are analysed themselves."""
    return step.function is loop or hasattr(step.function, "rule")


def _form(argument: Any) -> Form | None:
    return constant_form(argument) if isinstance(argument, (np.ndarray, np.generic, float, int)) else None


def _inner(rule: Any, given: list[Form], scope: tuple[str, ...], found: Analysis) -> Degrees:
    """Return the degrees of a function with derivatives of its own, from the operations that it consists of."""
    graph, _ = record(
        lambda *arrays: [rule.value(OPERATIONS.numpy, *arrays)], *(np.asarray(form.value) for form in given)
    )
    return _run(graph, given, scope, found)[0].degree


def _note(step: Step, forms: list[Any], scope: tuple[str, ...], found: Analysis) -> None:
    """Keep an operation that raises the degree above 1."""
    result = forms[step.slot]
    largest = result.largest
    found.degree = max(found.degree, largest)
    if largest < QUADRATIC:
        return
    arrays = [forms[parent].degree for parent in step.parents]
    before: Any = max((int(degree.max(initial=0)) for degree in arrays), default=0)
    if all(degree.shape in ((), result.degree.shape) for degree in arrays):
        before = np.zeros(result.degree.shape, np.int8)
        for degree in arrays:
            before = np.maximum(before, degree)
    raised = (result.degree > before) & (result.degree >= QUADRATIC)
    if not raised.any():
        return
    rows = None
    if result.degree.ndim:
        rows = np.flatnonzero(raised.reshape(raised.shape[0], -1).any(axis=1))
    length = result.degree.shape[0] if result.degree.ndim else 1
    found.bends.append(Bend(scope, step.function.__name__, largest, rows, length))


# -- loops ------------------------------------------------------------------------------------------------------------


def _loop(body: Body, length: int, given: Sequence[Form | None], scope: tuple[str, ...], found: Analysis) -> Degrees:
    """Return the degrees of what a loop returns end to end, see `Body.packed`."""
    arrays = [form for form in given if form is not None]
    carry, now = body.carry, body.now
    examples = body.graph.examples
    state = [Form(form.degree, examples[at], False) for at, form in enumerate(arrays[:carry])]
    columns = [
        Form(form.degree.max(axis=0, initial=0), examples[carry + at], False)
        for at, form in enumerate(arrays[carry : carry + now])
    ]
    for round_ in range(100):
        outputs = _run(body.graph, [*state, *columns, *arrays[carry + now :]], scope, found)
        wider = [np.maximum(before.degree, after.degree) for before, after in zip(state, outputs, strict=False)]
        if all((one.degree == other).all() for one, other in zip(state, wider, strict=True)):
            break
        if round_ >= _ROUNDS:
            wider = [np.full_like(degree, degree.max(initial=0)) for degree in wider]
        state = [Form(degree, form.value, False) for degree, form in zip(wider, state, strict=True)]
    ends = [form.degree for form in (*state, *outputs[carry:])]
    shapes = body.packed(length)
    return np.concatenate([np.broadcast_to(one, shape).ravel() for one, shape in zip(ends, shapes, strict=True)])

"""What degree the tape's operations give, one rule an operation; see `degrees`.

Arithmetic and moving elements about have rules. Other functions of elements (exp, maximum, <) raise each element that
an input reaches to degree 3; what has no row and is no function of elements does that to its whole result.
"""

from __future__ import annotations

from typing import Any

import autograd.numpy as anp
import numpy as np
from numpy.typing import NDArray

from embedsheet.compiler.degree import CONSTANT, LINEAR, OTHER, QUADRATIC, Degrees, Form, Operation, Rule
from embedsheet.compiler.engines import arrays


def default(operation: Operation) -> Degrees:
    """Return a result of which nothing is known but whether inputs reach it."""
    degree = OTHER if any(form is not None and not form.constant for form in operation.forms) else CONSTANT
    return np.full(np.shape(operation.value), degree, np.int8)


def rule_of(function: Any) -> Rule | None:
    """Return the rule of one of the tape's functions."""
    found = RULES.get(function.fun)
    return _bent if found is None and isinstance(function.fun, np.ufunc) else found


def _capped(degree: Any) -> Degrees:
    capped: Degrees = np.minimum(degree, OTHER).astype(np.int8)
    return capped


def _spoiled(degree: Any, *constants: Form) -> Degrees:
    """Raise to 3 what meets a constant that is no number: NaN stays NaN whatever x is, and must not pass for linear."""
    result = _capped(degree)
    for form in constants:
        if form.known and np.asarray(form.value).dtype.kind == "f":
            bad = ~np.isfinite(form.value) & (form.degree == CONSTANT)
            if bad.any():
                result = np.where(bad & (result > CONSTANT), OTHER, result).astype(np.int8)
    return result


def _arrays(operation: Operation) -> list[Form]:
    return [form for form in operation.forms if form is not None]


# -- element by element -----------------------------------------------------------------------------------------------


def _sum(operation: Operation) -> Degrees:
    given = _arrays(operation)
    degree: Any = given[0].degree
    for form in given[1:]:
        degree = np.maximum(degree, form.degree)
    return _spoiled(degree, *given)


def _product(operation: Operation) -> Degrees:
    a, b = _arrays(operation)
    return _spoiled(a.degree + b.degree, a, b)


def _quotient(operation: Operation) -> Degrees:
    a, b = _arrays(operation)
    degree = np.where(b.degree > CONSTANT, OTHER, a.degree)
    if b.known:
        degree = np.where((b.degree == CONSTANT) & (np.asarray(b.value) == 0) & (degree > CONSTANT), OTHER, degree)
    return _spoiled(degree, a, b)


def _power(operation: Operation) -> Degrees:
    base, exponent = _arrays(operation)
    p = np.asarray(exponent.value, float)
    plain = (exponent.degree == CONSTANT) & exponent.known & np.isin(p, (0.0, 1.0, 2.0))
    degree = np.where(plain, base.degree * np.where(plain, p, 0.0), OTHER)
    reached = (base.degree > CONSTANT) | (exponent.degree > CONSTANT)
    return _spoiled(np.where(reached, degree, CONSTANT), base)


def _square(operation: Operation) -> Degrees:
    return _capped(_arrays(operation)[0].degree * 2)


def _bent(operation: Operation) -> Degrees:
    """A function of elements is of no degree wherever an input reaches it."""
    reached: Any = np.zeros((), bool)
    for form in _arrays(operation):
        reached = reached | (form.degree > CONSTANT)
    return np.where(np.broadcast_to(reached, np.shape(operation.value)), OTHER, CONSTANT).astype(np.int8)


def _finite(operation: Operation) -> Degrees:
    return _is_number(_arrays(operation)[0])


def _is_number(form: Form) -> Degrees:
    """What a polynomial gives is a number wherever it is one at one point."""
    return np.where(form.degree > QUADRATIC, OTHER, CONSTANT).astype(np.int8)


def _unequal(operation: Operation) -> Degrees:
    # x != x is how NaN is told.
    first, second = operation.forms[:2]
    return _is_number(first) if first is second and first is not None else _bent(operation)


def _chosen(operation: Operation) -> Degrees:
    which, *cases = _arrays(operation)
    yes, no = (form.degree for form in cases)
    degree = np.maximum(yes, no)
    if which.known:
        degree = np.where(np.asarray(which.value, bool), yes, no)
    return np.where(which.degree > CONSTANT, OTHER, degree).astype(np.int8)


# -- moving elements about --------------------------------------------------------------------------------------------


def _moved(operation: Operation) -> Degrees | None:
    """What becomes of the first argument's elements, which are moved about by constants."""
    first, *others = operation.forms
    assert first is not None
    if any(form is not None and not (form.constant and form.known) for form in others):
        return None
    return np.asarray(operation.run(first.degree, *operation.arguments[1:]), np.int8)


def _joined(operation: Operation) -> Degrees:
    axis, *parts = operation.arguments
    found = [np.zeros(np.shape(part), np.int8) if form is None else form.degree
             for part, form in zip(parts, operation.forms[1:], strict=True)]  # fmt: skip
    return np.concatenate(found, axis)


def _padded(operation: Operation) -> Degrees:
    form = operation.forms[0]
    assert form is not None
    return np.pad(form.degree, operation.arguments[1])


def _added_up(operation: Operation) -> Degrees:
    form = operation.forms[0]
    assert form is not None
    axis, kept = _axis(operation)
    spoiled = _spoiled(np.full_like(form.degree, LINEAR), form) == OTHER
    degree = form.degree.max(axis=axis, initial=0, keepdims=kept)
    lost = spoiled.any(axis=axis, keepdims=kept) & (degree > CONSTANT)
    return _capped(np.where(lost, OTHER, degree))


def _axis(operation: Operation) -> tuple[Any, bool]:
    axis = operation.options.get("axis", operation.arguments[1] if len(operation.arguments) > 1 else None)
    return axis, bool(operation.options.get("keepdims", False))


def _running(operation: Operation) -> Degrees:
    form = operation.forms[0]
    assert form is not None
    return np.maximum.accumulate(form.degree, axis=_axis(operation)[0] or 0)


def _by_segment(operation: Operation) -> Degrees:
    form, (_, rows, count) = operation.forms[0], operation.arguments
    assert form is not None
    degree = np.zeros(count, np.int8)
    np.maximum.at(degree, rows, _spoiled(form.degree, form))
    return degree


def _matrix_product(operation: Operation) -> Degrees:
    a, b = _arrays(operation)

    def times(left: NDArray[np.bool_], right: NDArray[np.bool_]) -> NDArray[np.bool_]:
        reached: NDArray[np.bool_] = np.asarray(operation.run(left.astype(np.float32), right.astype(np.float32))) > 0
        return reached

    degree = np.zeros(np.shape(operation.value), np.int8)
    for total in range(1, OTHER + 1):
        reached = np.zeros(degree.shape, bool)
        for part in range(total + 1):
            if a.largest >= part and b.largest >= total - part:
                reached |= times(a.degree >= part, b.degree >= total - part)
        degree[reached] = total
    for form in (a, b):
        if form.known and not np.isfinite(np.asarray(form.value)[form.degree == CONSTANT]).all():
            degree[degree > CONSTANT] = OTHER
    return degree


def _solved(operation: Operation) -> Degrees | None:
    """The solution of equations with constant coefficients is linear in their right sides."""
    a, b = _arrays(operation)
    if not a.constant:
        return None
    degree = np.broadcast_to(b.degree.max(axis=-2, keepdims=True), np.shape(operation.value))
    usable = a.known and np.isfinite(np.asarray(operation.value)).all()
    return degree.astype(np.int8) if usable else None


def _same(operation: Operation) -> Degrees:
    (form, *_) = _arrays(operation)
    return form.degree


_MOVED = [
    anp.reshape, anp.ravel, anp.transpose, anp.swapaxes, anp.moveaxis, anp.broadcast_to, anp.expand_dims, anp.squeeze,
    anp.flip, anp.tile, anp.repeat, anp.resize, arrays.item, arrays.windows, arrays.take_along, arrays.at,
]  # fmt: skip
_ROWS: dict[Any, Rule] = {
    **dict.fromkeys(_MOVED, _moved),
    anp.add: _sum,
    anp.subtract: _sum,
    anp.negative: _sum,
    anp.multiply: _product,
    anp.divide: _quotient,
    anp.true_divide: _quotient,
    anp.power: _power,
    anp.square: _square,
    anp.matmul: _matrix_product,
    anp.dot: _matrix_product,
    anp.linalg.solve: _solved,
    anp.sum: _added_up,
    np.mean: _added_up,
    anp.cumsum: _running,
    anp.isfinite: _finite,
    anp.isnan: _finite,
    anp.isinf: _finite,
    anp.equal: _unequal,
    anp.not_equal: _unequal,
    anp.concatenate_args: _joined,
    anp.pad: _padded,
    arrays.where: _chosen,
    arrays.segment_sum: _by_segment,
    arrays.converted: _same,
    arrays.constant: _same,
}
# A name of autograd's may be a frame around the operation, which holds NumPy's function.
RULES = {getattr(function, "fun", function): rule for function, rule in _ROWS.items()}

"""Products, inverses and determinants of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.formulas import guarded
from embedsheet.formulas.coerce import steering
from embedsheet.formulas.functions.samples import Argument
from embedsheet.formulas.functions.table import Context, function
from embedsheet.formulas.operators import product
from embedsheet.formulas.traced import fixed_rule, operations
from embedsheet.formulas.values import ERROR, NUM, NUMBER, VALUE, Array, Value, error, namespace
from embedsheet.ground.notation.addresses import MAX_COLUMN

# A product with fewer elements in each of its n results is summed directly: batches of tiny products are slow.
_SMALL = 4
_PER_PRODUCT = 0.1  # operations that a multiplication in a product of matrices counts as


def matrix_numbers(context: Context, argument: Argument) -> tuple[Array, NDArray[np.uint8]]:
    """Return the numbers (n or 1, rows, columns) and an error code for each of the n: #VALUE! if not all numbers."""
    value = context.value(argument)
    shape = value.shape
    numbers = value.numbers
    if numbers.shape[1:] != shape[1:]:
        numbers = namespace(numbers).broadcast_to(numbers, (numbers.shape[0], *shape[1:]))
    bad = (value.kinds != NUMBER).any(axis=(1, 2))
    codes = np.where(bad, VALUE, 0).astype(np.uint8)
    failed = value.kinds == ERROR
    if failed.any() and not value.traced:
        kinds = np.broadcast_to(value.kinds, shape).reshape(shape[0], -1)
        flat = np.broadcast_to(numbers, shape).reshape(shape[0], -1)
        first = (kinds == ERROR).argmax(axis=1)
        codes = np.where((kinds == ERROR).any(axis=1), flat[np.arange(shape[0]), first], codes).astype(np.uint8)
    if bad.any():
        numbers = namespace(numbers).where(value.kinds == NUMBER, numbers, 0.0)
    return numbers, codes


def _result(numbers: Array, codes: NDArray[np.uint8]) -> Value:
    """Return the matrices as a Value, errors where there is a code, #NUM! where NumPy found nothing finite."""
    kinds = np.full((1, 1, 1), NUMBER, np.uint8)
    if isinstance(numbers, np.ndarray):
        lost = ~np.isfinite(numbers).all(axis=(1, 2))
        if lost.any():
            codes = np.where((codes == 0) & lost, NUM, codes).astype(np.uint8)
    if codes.any():
        spread = codes[:, None, None]
        kinds = np.where(spread > 0, ERROR, NUMBER).astype(np.uint8)
        numbers = namespace(numbers).where(spread > 0, spread.astype(np.float64), numbers)
    return Value(kinds, numbers)


def matrix_product(a: Array, b: Array) -> Array:
    """Return a @ b; a: (n or 1, r, k), b: (n or 1, k, c)."""
    if a.shape[1] * b.shape[2] == 1:
        k = a.shape[2]
        return product(a.reshape(-1, k), b.reshape(-1, k)).sum(axis=1)[:, None, None]
    if a.shape[0] > 1 and b.shape[0] > 1 and a.shape[1] * b.shape[2] < _SMALL:
        return product(a[:, :, None, :], b.swapaxes(1, 2)[:, None, :, :]).sum(axis=3)
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return a @ b
    return guarded.matmul(a, b)


@function("MMULT", "aa", "Matrix product")
def _mmult(context: Context, left: Argument, right: Argument) -> Value:
    a, codes_a = matrix_numbers(context, left)
    b, codes_b = matrix_numbers(context, right)
    if a.shape[2] != b.shape[1]:
        return error(VALUE)
    n = max(len(a), len(b))
    context.claim(n, a.shape[1], b.shape[2])
    context.spend("operations", n * a.shape[1] * a.shape[2] * b.shape[2] * _PER_PRODUCT)
    with np.errstate(all="ignore"):
        return _result(matrix_product(a, b), np.where(codes_a > 0, codes_a, codes_b).astype(np.uint8))


@function("MINVERSE", "a", "Inverse of a matrix")
def _minverse(context: Context, argument: Argument) -> Value:
    a, codes = matrix_numbers(context, argument)
    if a.shape[1] != a.shape[2]:
        return error(VALUE)
    context.spend("operations", len(a) * a.shape[1] ** 3 * _PER_PRODUCT)
    if not isinstance(a, np.ndarray):
        return _result(_traced_inverse(a, codes), codes)
    singular = _singular(np, a)
    codes = np.where((codes == 0) & singular, NUM, codes).astype(np.uint8)
    safe = np.where((codes > 0)[:, None, None], np.eye(a.shape[1]), a)
    return _result(np.linalg.inv(safe), codes)


@function("MDETERM", "a", "Determinant of a matrix")
def _mdeterm(context: Context, argument: Argument) -> Value:
    a, codes = matrix_numbers(context, argument)
    if a.shape[1] != a.shape[2]:
        return error(VALUE)
    context.spend("operations", len(a) * a.shape[1] ** 3 * _PER_PRODUCT)
    if not isinstance(a, np.ndarray):
        xp = namespace(a)
        lost = ~xp.isfinite(a).all(axis=(1, 2), keepdims=True)
        value = guarded.determinant(xp.where(lost, 0.0, a))[:, None, None]
        return _result(xp.where(lost, xp.nan, value), codes)
    with np.errstate(all="ignore"):
        return _result(np.linalg.det(a)[:, None, None], codes)


def _traced_inverse(a: Array, codes: NDArray[np.uint8]) -> Array:
    """Return the inverse, NaN with derivative 0 where the matrix has none."""
    xp = namespace(a)
    ok = xp.isfinite(a).all(axis=(1, 2)) & (codes == 0)
    identity = xp.eye(a.shape[1])
    ok = ok & (operations(a).apply(_SINGULAR, xp.where(ok[:, None, None], a, identity)) == 0)
    safe = xp.where(ok[:, None, None], a, identity)
    return xp.where(ok[:, None, None], xp.linalg.inv(safe), xp.nan)


def _singular(xp: Any, a: Array) -> Array:
    """Return which matrices (n, k, k) have no inverse but rounding, whatever the units of their rows and columns."""
    for axis in (2, 1):
        size = xp.abs(a).max(axis=axis, keepdims=True)
        a = a / xp.where(size > 0, size, 1.0)
    values = xp.linalg.svd(a, compute_uv=False)
    return values[:, -1] <= values[:, 0] * a.shape[1] * np.finfo(float).eps


_SINGULAR = fixed_rule(lambda xp, a: _singular(xp, a) * 1.0)


@function("MUNIT", "v", "Identity matrix of a size", gradient="constant")
def _munit(context: Context, size: Value) -> Value:
    found = steering(context, size, "The size of MUNIT", np.trunc)
    if isinstance(found, Value):
        return found
    n = int(found)
    if n < 1:
        return error(VALUE)
    if n > MAX_COLUMN:
        return error(VALUE)
    context.claim(1, n, n)
    return Value(np.full((1, 1, 1), NUMBER, np.uint8), np.eye(n)[None])

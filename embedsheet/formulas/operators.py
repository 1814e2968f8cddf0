"""Excel's operators, element by element, and the arithmetic that functions share.

`product`, `quotient` and `power` work on plain arrays, NumPy or traced; a traced derivative is never NaN (`guarded`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.formulas import guarded
from embedsheet.formulas.coerce import (
    MIXED,
    UNMIXED,
    Faults,
    all_numbers,
    elementwise,
    first_fault,
    fit,
    fitted,
    map_elements,
    merged_errors,
    odd_root,
    operands,
    text_of,
    undefined,
    where_cells,
)
from embedsheet.formulas.collation import sort_key
from embedsheet.formulas.traced import operations
from embedsheet.formulas.values import BLANK, BOOLEAN, DIV0, FAILS, NUM, NUMBER, OR_BLANK, TEXT, Array, Value, namespace
from embedsheet.ground.distinct import distinct

if TYPE_CHECKING:
    from embedsheet.formulas.functions.table import Context

# Excel makes 0.5-0.4-0.1, 2^-51.7 of its operands, 0 and shows -2.9E-15 for 115-113.2-1.8, 2^-49.2 of them.
CRUMB = 2.0**-50
_LARGEST_INTEGER_POWER = 64  # beyond it, repeated multiplication costs more than the general power


def product(a: Array, b: Array) -> Array:
    """Return a·b."""
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return a * b
    return guarded.square(a) if a is b else guarded.multiply(a, b)


def squared(x: Array) -> Array:
    """Return x·x."""
    return product(x, x)


def quotient(a: Array, b: Array) -> tuple[Array, Faults]:
    """Return a/b and where it is #DIV/0! (as far as b is concrete; a traced result is NaN there)."""
    if not isinstance(b, np.ndarray):
        return guarded.divide(a, b), None
    zero = b == 0
    if not zero.any():
        return a / b, None
    return a / np.where(zero, 1.0, b), undefined(zero, DIV0)


def root(x: Array) -> Array:
    """Return √x; a traced derivative is 0 at 0, a traced result NaN below."""
    if isinstance(x, np.ndarray):
        return np.sqrt(x)
    xp = namespace(x)
    result = guarded.smooth(xp.sqrt, x, x > 0, 1.0)
    return xp.where(x == 0, 0.0, result)


def is_multiplied(exponent: float) -> bool:
    """Return whether a power is multiplied out where it is traced."""
    return exponent == int(exponent) and 0 < abs(exponent) <= _LARGEST_INTEGER_POWER


def power(context: Context, x: Array, p: Array) -> tuple[Array, Faults]:
    """Return x^p and where it is undefined: 0^0 and a negative number's fraction #NUM!, 0^-1 #DIV/0!."""
    if isinstance(x, np.ndarray) and isinstance(p, np.ndarray):
        return _concrete_power(context, x, p)
    if isinstance(p, np.ndarray) and p.size and (p == p.flat[0]).all() and not isinstance(x, np.ndarray):
        exponent = float(p.flat[0])
        if is_multiplied(exponent):
            shape = np.broadcast_shapes(x.shape, p.shape)
            return namespace(x).broadcast_to(guarded.power_of_integer(x, int(exponent)), shape), None
    return guarded.power(x, p), None


def _concrete_power(context: Context, x: NDArray[np.float64], p: NDArray[np.float64]) -> tuple[Array, Faults]:
    if p.size == 1:
        # NumPy squares by multiplication when the exponent is a plain number.
        result = np.power(x, float(p.flat[0]))
        result = result.reshape(np.broadcast_shapes(x.shape, p.shape))
    else:
        result = np.power(x, p)
    negative, zero = x < 0, x == 0
    faults: Faults = None
    if negative.any():
        whole = p == np.round(p)
        if not whole.all():
            odd = odd_root(np, p)
            rooted = negative & ~whole & odd
            if rooted.any():
                result = np.where(rooted, -np.power(np.abs(x), p), result)
            faults = undefined(negative & ~whole & ~odd, NUM)
    if zero.any():
        faults = first_fault(faults, undefined(zero & (p < 0), DIV0), undefined(zero & (p == 0), NUM))
        steep = zero & (p > 0) & (p < 1)
        if steep.any():
            context.singular("0 to a power below 1", where_cells(steep, len(context.rows)))
    return result, faults


def unary(context: Context, operator: str, value: Value) -> Value:
    """Return `-value`, `+value` (which leaves it as it is) or `value%`."""
    if operator == "+":
        return value
    if operator == "-":
        return elementwise(context, [value], lambda xp, x: (-x, None))
    if operator == "%":
        return elementwise(context, [value], lambda xp, x: (x / 100.0, None))
    raise context.unsupported(f"the operator {operator} is not known")


def binary(context: Context, operator: str, left: Value, right: Value) -> Value:
    """Return `left operator right`, element by element; one row and one column make a table."""
    if operator in _COMPARISONS:
        return _compare(context, _COMPARISONS[operator], left, right)
    if operator == "&":
        return join(context, [left, right])
    if operator == "+":
        return elementwise(context, [left, right], lambda xp, a, b: (a + b, None))
    if operator == "-":
        return elementwise(context, [left, right], lambda xp, a, b: (a - b, None))
    if operator == "*":
        return elementwise(context, [left, right], lambda xp, a, b: (product(a, b), None))
    if operator == "/":
        if right.traced or (left.traced and not right.numbers.all()):
            context.may_be_undefined(FAILS)
        return elementwise(context, [left, right], lambda xp, a, b: quotient(a, b))
    if operator == "^":
        if left.traced or right.traced:
            exponent = 0.0 if right.traced or right.numbers.size != 1 else float(right.numbers.flat[0])
            if exponent < 1 or not is_multiplied(exponent):
                context.may_be_undefined(FAILS)
        return elementwise(context, [left, right], lambda xp, a, b: power(context, a, b))
    raise context.unsupported(f"the operator {operator} is not known")


def without_crumb(left: Value, right: Value, result: Value) -> Value:
    """Return a sum or difference that stands last in a formula: 0 where it is nothing but rounding, as in Excel.

    The derivative stays that of the sum.
    """
    left, right = fit([left, right])
    counted = (left.kinds == NUMBER) & (right.kinds == NUMBER) & (result.kinds == NUMBER)
    a, b, numbers = left.numbers, right.numbers, result.numbers
    xp = namespace(a, b)
    crumb = counted & (numbers != 0) & (abs(numbers) <= CRUMB * xp.maximum(abs(a), abs(b)))
    if xp is np:
        return Value(result.kinds, np.where(crumb, 0.0, numbers)) if crumb.any() else result
    return Value(result.kinds, xp.where(crumb, numbers - operations(numbers).constant(numbers), numbers))


def join(context: Context, values: list[Value]) -> Value:
    """Return the texts of the values, one after the other."""
    strings = context.strings
    return map_elements(context, "&", values, lambda *pairs: "".join(text_of(strings, *pair) for pair in pairs))


_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
}

# Numbers come before texts, texts before booleans; a blank is 0, "" or FALSE, whatever it is compared with.
_CLASS = np.array([0, 0, 1, 2, 0, 0], np.int8)


def _compare(context: Context, relation: Callable[[Any, Any], Any], left: Value, right: Value) -> Value:
    left, right = fitted(context, [left, right])
    if left.mixed or right.mixed:
        _refuse_mixed(context, left, right)
    plain = all_numbers(left) and all_numbers(right)
    if plain:
        kinds, codes = np.full((1, 1, 1), BOOLEAN, np.uint8), None
        a, b = left.numbers, right.numbers
        xp = namespace(a, b)
        answer = relation(a, _levelled(a, b))
    else:
        kinds, codes = merged_errors([left, right])
        class_a, class_b = _CLASS[left.kinds], _CLASS[right.kinds]
        class_a, class_b = (
            np.where(left.kinds == BLANK, class_b, class_a),
            np.where(right.kinds == BLANK, class_a, class_b),
        )
        a, b = text_ranks(context, [left, right], [class_a, class_b])
        xp = namespace(a, b)
        # Where the classes differ they decide; there both sides are compared by class, elsewhere by number.
        same = class_a == class_b
        answer = xp.where(same, relation(a, _levelled(a, b)), relation(class_a, class_b))
    result = answer.astype(np.float64)
    if xp is not np:
        context.jumps("a comparison")
        # Comparing an undefined number is undefined, not FALSE.
        result = xp.where(xp.isfinite(a) & xp.isfinite(b), result, xp.nan)
    if not plain:
        kinds = np.where(kinds == NUMBER, BOOLEAN, kinds).astype(np.uint8)
        if codes is not None:
            result = namespace(result, codes).where(kinds == BOOLEAN, result, codes)
    return Value(kinds, result)


def _refuse_mixed(context: Context, *sides: Value) -> None:
    """Raise where a number compares otherwise than what it may be instead: only to numbers is an empty cell 0."""
    kinds = (BOOLEAN, TEXT)
    if max(side.mixed for side in sides) > OR_BLANK or any(np.isin(side.kinds, kinds).any() for side in sides):
        raise context.unsupported(f"what is compared is {MIXED}; {UNMIXED}")


def _levelled(a: Array, b: Array) -> Array:
    """Return b with a's number where the two agree in 15 digits, as far as Excel compares: 0.1+0.2=0.3 is TRUE."""
    xp = namespace(a, b)
    if xp is not np:
        # Enough for the rounding of a few operations; digits would cost a logarithm an element.
        return xp.where(abs(a - b) <= 1e-15 * abs(a), a, b)
    with np.errstate(invalid="ignore"):
        difference = np.abs(a - b)
    near = (difference > 0) & (difference <= 1e-14 * np.abs(a))
    if not near.any():
        return b
    a, b, near = np.broadcast_arrays(a, b, near)
    digits = np.array([f"{x:.14e}" == f"{y:.14e}" for x, y in zip(a[near], b[near], strict=True)])
    result = b.copy()
    result[near] = np.where(digits, a[near], b[near])
    return result


def text_ranks(context: Context, values: list[Value], classes: list[NDArray[np.int8]] | None = None) -> list[Array]:
    """Return the values' numbers with each text replaced by its rank in alphabetic order, without regard to case.

    Equal texts have equal ranks across all the values. `classes`: 1 where an element counts as a text (a blank beside a
    text is the text ""); default: where it is one.
    """
    masks = [
        np.broadcast_to((values[i].kinds == TEXT) if classes is None else (classes[i] == 1), _shape(values, classes, i))
        for i in range(len(values))
    ]
    if not any(mask.any() for mask in masks):
        return [value.numbers for value in values]
    empty = context.strings.code("")
    codes = [
        namespace(value.numbers).where((value.kinds == BLANK) & mask, float(empty), value.numbers)
        for value, mask in zip(values, masks, strict=True)
    ]
    if any(value.traced for value in values):
        used = np.arange(len(context.strings))
    else:
        used = distinct(
            np.concatenate(
                [np.broadcast_to(c, m.shape)[m] for c, m in zip(codes, masks, strict=True)] + [np.array([empty])]
            )
        ).astype(int)
    keys = [sort_key(context.strings.text(float(code))) for code in used]
    order = {key: rank for rank, key in enumerate(sorted(set(keys)))}
    table = np.zeros(len(context.strings))
    table[used] = [order[key] for key in keys]
    ranked = []
    for c, mask in zip(codes, masks, strict=True):
        xp = namespace(c)
        places = xp.where(mask, c, 0.0).astype(int)
        ranked.append(xp.where(mask, operations(places).pick(table, places), c))
    return ranked


def _shape(values: list[Value], classes: list[NDArray[np.int8]] | None, i: int) -> tuple[int, ...]:
    shape: tuple[int, ...] = values[i].shape
    return shape if classes is None else np.broadcast_shapes(shape, classes[i].shape)


__all__ = ["binary", "join", "operands", "power", "product", "quotient", "root", "squared", "text_ranks", "unary"]

"""Small functions that a module carries along where it needs them, and that work out its numbers here too."""

from __future__ import annotations

from typing import Any

import numpy as np

_SOFTMAX = '''
def _softmax(x: Any, axis: int, xp: Any = np) -> Any:
    """Return exp(x) over its sum along an axis."""
    powers = xp.exp(x - x.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)

'''
# A sheet knows 15 digits of a number: 1.005 · 100 is 100.5 for it.
_ROUNDED = '''
def _rounded(x: Any, digits: int, way: str, xp: Any = np) -> Any:
    """Return x with so many decimals as a sheet has it; by "half" it goes away from zero."""
    scaled = xp.abs(x) * 10.0**digits
    least, most = scaled * (1 - 1e-15), scaled * (1 + 1e-15)
    whole = xp.ceil(least) if way == "up" else xp.floor(most + (0.5 if way == "half" else 0))
    return xp.sign(x) * whole / 10.0**digits

'''
_NORMAL = '''
def _normal(x: Any, xp: Any = np) -> Any:
    """Return how much of the standard normal distribution lies below x."""
    if xp is np:
        from scipy.special import ndtr
    else:
        from jax.scipy.special import ndtr
    return ndtr(x)

'''
# A sum of two that stands last in a formula; the derivative stays that of the sum.
_SUM = '''
def _sum(x: Any, y: Any, xp: Any = np) -> Any:
    """Return x + y, 0 where nothing but rounding is left of them, as a sheet has it."""
    total = x + y
    if xp is np:
        rest = total
    else:
        from jax.lax import stop_gradient

        rest = stop_gradient(total)
    return xp.where(abs(total) <= 2.0**-50 * xp.maximum(abs(x), abs(y)), total - rest, total)

'''
_LEVEL = '''
def _level(x: Any, y: Any, xp: Any = np) -> Any:
    """Return x with y's number where both agree in 15 digits, as far as a sheet compares."""
    return xp.where(abs(x - y) <= 1e-15 * abs(y), y, x)

'''
HELPERS = {"_sum(": _SUM, "_level(": _LEVEL, "_softmax(": _SOFTMAX, "_rounded(": _ROUNDED, "_normal(": _NORMAL}
FUNCTIONS: dict[str, Any] = {"np": np, "Any": Any}
for _text in HELPERS.values():
    exec(_text, FUNCTIONS)  # our own text, above

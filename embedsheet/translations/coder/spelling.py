"""Expressions as text, in NumPy or a language like it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from embedsheet.translations.coder.expressions import OPS, Expr, Op, _filled


@dataclass(frozen=True)
class Language:
    """How a language of arrays is spelled: `name` takes np's place in what depends on the weights.

    `ops` are the operations that it spells otherwise.
    """

    name: str
    ops: Mapping[str, Op] = field(default_factory=dict)


_NUMPY = re.compile(r"\bnp\.(?!inf)")
NUMPY = Language("np")


def _helped(name: str) -> dict[str, Op]:
    """Return the module's own functions that work in several languages."""
    return {
        "normal": Op(f"_normal({{0}}, {name})"),
        "rounded": Op(f"_rounded({{0}}, {{x}}, {name})"),
        "sum_of": Op(f"_sum({{0}}, {{1}}, {name})"),
        "difference": Op(f"_sum({{0}}, -{{1}}, {name})", 9, (0, 7)),
        "level": Op(f"_level({{0}}, {{1}}, {name})"),
    }


# JAX has 1 for the derivative of abs at 0, sheets and everybody else 0.
_ABS = {"abs": Op("{0} * np.sign({0})", 6, (7,))}
# What is carried has one kind of numbers in all steps.
_SCAN = "jax.lax.scan(lambda total, x: ({x}(total, x),) * 2, jnp.asarray({1}, float), {0})"
_STEPS = {"reduce": Op(f"{_SCAN}[0]"), "accumulate": Op(f"{_SCAN}[1]")}
# The statements of NumPy's module that JAX derives; of IF(x>0,x,0) at 0 the derivative is 0, of a maximum 1/2.
NUMPY_OR_JAX = Language(
    "xp",
    {
        "softmax": Op("_softmax({0}, {x}, xp)"),
        "relu": Op("np.where({0} > 0, {0}, 0)", 9, (5,)),
        **_ABS,
        **_helped("xp"),
    },
)
JAX = Language(
    "jnp",
    {
        "softmax": Op("jax.nn.softmax({0}, axis={x})"),
        "sigmoid": Op("jax.nn.sigmoid({0})"),
        "relu": Op("jax.nn.relu({0})"),
        **_ABS,
        **_helped("jnp"),
        **_STEPS,
    },
)


def _functions(*names: str) -> dict[str, Op]:
    return {name: Op(f"np.{name}({{0}}{{,x}})") for name in names}


def _instead(number: str) -> str:
    """Return the text of an operand with another number in place of NaN."""
    return f"np.where(np.isnan({{0}}), {number}, {{0}})"


# Keras computes these, and means, in float32, whatever it is told.
_SINGLE = (
    "tanh", "sin", "cos", "tan", "sinh", "cosh", "arctan", "arcsin", "arccos", "floor", "ceil", "arcsinh", "arccosh",
    "arctanh",
)  # fmt: skip
KERAS = Language(
    "ops",
    {
        **_functions("sum", "max", "min", "prod", "all", "any"),
        "nansum": Op(f"np.sum({_instead('0.0')}{{,x}})"),
        "nanmax": Op(f"np.max({_instead('-np.inf')}{{,x}})"),
        "nanmin": Op(f"np.min({_instead('np.inf')}{{,x}})"),
        "mean": Op("np.sum({0}{,x}) / {count}", 6),
        "nanmean": Op(f"np.sum({_instead('0.0')}{{,x}}) / np.sum(np.where(np.isnan({{0}}), 0.0, 1.0){{,x}})", 6),
        "transpose": Op("np.transpose({0})"),
        "reshape": Op("np.reshape({0}, {x})"),
        "take": Op("np.take({0}, {1}, axis=0)"),
        "sigmoid": Op("np.sigmoid({0})"),
        "relu": Op("np.relu({0})"),
        **_ABS,
        "softmax": Op("self.softmax_{x}({0})"),
        "layer": Op("self.{x}({0})"),
        "recurrent": Op("self.{x}({0})"),
        "recurrent_from": Op("self.{x}({0}, initial_state=[{1*}])"),
        # With the shares asked for, Keras computes in float64; without, by an operation that knows float32 alone.
        "attention": Op("self.{x}({0}, {1}, return_attention_scores=True)[0]"),
        "causal_attention": Op("self.{x}({0}, {1}, use_causal_mask=True, return_attention_scores=True)[0]"),
        "masked_attention": Op("self.{x}({0}, {1}, attention_mask={2}, return_attention_scores=True)[0]"),
        "dot": Op("self.dot([{0}, {1}])[:, 0]"),
        "not": Op("np.logical_not({0})"),
        **{name: Op(f"jnp.{name}({{0}})") for name in _SINGLE},
        "arctan2": Op("jnp.arctan2({0}, {1})"),
        "inverse": Op("jnp.linalg.inv({0})"),
        "determinant": Op("jnp.linalg.det({0})"),
        **_STEPS,
        **_helped("jnp"),
    },
)

TORCH = Language(
    "torch",
    {
        "tensor": Op("torch.as_tensor({0})"),
        "floats": Op("torch.as_tensor({0}, dtype=torch.float64)"),
        "at_least_": Op("torch.clamp({1}, min={0})"),
        "at_most_": Op("torch.clamp({1}, max={0})"),
        "max": Op("torch.amax({0}{,x})"),
        "min": Op("torch.amin({0}{,x})"),
        "whole_max": Op("{0}.max()", 9, (9,)),
        "whole_min": Op("{0}.min()", 9, (9,)),
        "nanmax": Op(f"torch.amax({_instead('-np.inf')}{{,x}})"),
        "nanmin": Op(f"torch.amin({_instead('np.inf')}{{,x}})"),
        "moved": Op("torch.permute({0}, {x})"),
        "softmax": Op("torch.softmax({0}, {x})"),
        "sigmoid": Op("torch.sigmoid({0})"),
        "relu": Op("torch.relu({0})"),
        "cumsum": Op("torch.cumsum({0}, {x})"),
        "normal": Op("torch.special.ndtr({0})"),
        "rounded": Op("_rounded({0}, {x}, torch)"),
        "sum_of": Op("{0} + {1}", 5, (5, 6)),
        "difference": Op("{0} - {1}", 5, (5, 6)),
        "level": Op("_level({0}, {1}, torch)"),
        "sort": Op("torch.sort({0}).values"),
    },
)


def spell(expr: Expr, language: Language, names: Mapping[str, str] | None = None) -> str:
    """Return an expression's text; what does not depend on the weights is NumPy's in every language.

    `names` are texts that stand for names.
    """
    return _spelled(expr, language, names or {})[0]


def _spelled(expr: Expr, language: Language, names: Mapping[str, str]) -> tuple[str, int]:
    if expr.op == "name":
        text = names.get(expr.x, expr.x)
        if expr.args:
            return _spelled(expr.args[0], language, {**names, "@": text})
        return text, 9
    if expr.op == "relabel":
        return _spelled(expr.args[0], language, names)
    if expr.op == "literal":
        text = names.get(expr.x, expr.x)
        return text, 9 if not text.startswith("-") else 7
    op = OPS[expr.op] if expr.fixed else language.ops.get(expr.op) or OPS[expr.op]
    args = list(expr.args)
    if expr.op == "concatenate" and expr.x == "0" and any(map(_is_row, args)):
        op = Op("np.vstack([{*}])")  # which makes rows of them itself
        args = [arg.args[0] if _is_row(arg) else arg for arg in args]
    parts = []
    for place, arg in enumerate(args):
        text, binds = _spelled(arg, language, names)
        least = op.operands[min(place, len(op.operands) - 1)] if op.operands else 0
        parts.append(f"({text})" if binds < least else text)
    template = op.text
    if not expr.fixed and language.name != "np":
        template = _NUMPY.sub(f"{language.name}.", template)
    if "{count}" in template:
        over = math.prod(np.shape(expr.args[0].value)) // max(1, math.prod(np.shape(expr.value)))
        template = template.replace("{count}", str(over))
    return _filled(template, parts, expr.x), op.binds


def _is_row(expr: Expr) -> bool:
    """Whether an expression is a row of a matrix, made of an array of its length."""
    return (
        expr.op == "broadcast"
        and np.shape(expr.value) == (1, *np.shape(expr.args[0].value))
        and np.ndim(expr.value) == 2
    )

"""Expressions as text, in NumPy or a language like it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from embedsheet.coder.expressions import OPS, Expr, Op, _filled


@dataclass(frozen=True)
class Language:
    """How a language of arrays is spelled: `name` takes np's place in what depends on the weights.

    `ops` are the operations that it spells otherwise.
    """

    name: str
    ops: Mapping[str, Op] = field(default_factory=dict)


NUMPY = Language("np")
JAX = Language("jnp")


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
    if expr.op == "literal":
        text = names.get(expr.x, expr.x)
        return text, 9 if not text.startswith("-") else 7
    op = OPS[expr.op] if expr.fixed else language.ops.get(expr.op, OPS[expr.op])
    parts = []
    for place, arg in enumerate(expr.args):
        text, binds = _spelled(arg, language, names)
        least = op.operands[min(place, len(op.operands) - 1)] if op.operands else 0
        parts.append(f"({text})" if binds < least else text)
    template = op.text
    if not expr.fixed and language.name != "np":
        template = template.replace("np.", f"{language.name}.")
    return _filled(template, parts, expr.x), op.binds

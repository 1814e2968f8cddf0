"""Rules of what counts, adds up, averages or picks cells under conditions: SUMIF, COUNTIFS, MAXIFS and their kin."""

from __future__ import annotations

import re

import numpy as np

from embedsheet.ground.notation import tree as t
from embedsheet.translations.coder.aggregates import has_holes, numbers_of
from embedsheet.translations.coder.expressions import Expr, elementwise, literal, reduced
from embedsheet.translations.coder.translate import COMPARISONS, Translator, Untranslatable
from embedsheet.translations.coder.variables import Nodes, Rule

_SIGN = re.compile(r"<=|>=|<>|<|>|=|")
_WILD = re.compile(r"[*?~]")
_INFINITY = {"max": Expr("literal", (), (), np.float64(-np.inf), "-np.inf"),
             "min": Expr("literal", (), (), np.float64(np.inf), "np.inf")}  # fmt: skip


def under_condition(what: str) -> Rule:
    """SUMIF(range, criterion, added) and its kin: `what` is "sum", "mean" or "count"."""

    def rule(tr: Translator, nodes: Nodes) -> Expr:
        return _of_chosen(tr, what, nodes[2] if len(nodes) > 2 else nodes[0], _chosen(tr, nodes[:2]))

    return rule


def under_conditions(what: str) -> Rule:
    """SUMIFS(added, range, criterion, …) and its kin: `what` is "sum", "mean", "max", "min" or "count"."""

    def rule(tr: Translator, nodes: Nodes) -> Expr:
        if what == "count":
            return _of_chosen(tr, what, nodes[0], _chosen(tr, nodes))
        return _of_chosen(tr, what, nodes[0], _chosen(tr, nodes[1:]))

    return rule


def _chosen(tr: Translator, nodes: Nodes) -> Expr:
    """Return which cells meet all of some conditions: range, criterion, range, criterion, …"""
    found: Expr | None = None
    for where, wanted in zip(nodes[::2], nodes[1::2], strict=True):
        one = criterion(tr, tr.range(where), tr.scalar(wanted))
        found = one if found is None else elementwise("and", found, one)
    assert found is not None
    return found


def _of_chosen(tr: Translator, what: str, node: t.Node, chosen: Expr) -> Expr:
    if what == "count":
        return reduced("count", chosen)
    values = numbers_of(tr, node)
    if not {"h", "w"} & {*chosen.axes}:
        raise Untranslatable("a condition on a range whose cells are all the same")
    if what == "sum":
        return reduced("nansum" if has_holes(values) else "sum", elementwise("where", chosen, values, literal(0.0)))
    if has_holes(values):
        chosen = elementwise("and", chosen, elementwise("not", elementwise("isnan", values)))
    if what == "mean":
        total = reduced("sum", elementwise("where", chosen, values, literal(0.0)))
        return elementwise("divide", total, tr.guarded(reduced("count", chosen), "unequal"))
    none = ~np.asarray(chosen.value).any(axis=tuple(chosen.axes.index(one) for one in chosen.axes if one in ("h", "w")))
    found = reduced(what, elementwise("where", chosen, values, _INFINITY[what]))
    return elementwise("where", reduced("any", chosen), found, literal(0.0)) if none.any() else found


def criterion(tr: Translator, where: Expr, wanted: Expr) -> Expr:
    """Return which cells of a range meet a criterion: a number, a text, or a sign and a number, as ">=3"."""
    if not wanted.fixed:
        if np.asarray(wanted.value).dtype.kind != "f" or np.asarray(where.value).dtype.kind != "f":
            raise Untranslatable("a criterion that depends on the weights")
        return elementwise("equal", where, tr.number(wanted))
    if np.asarray(wanted.value).dtype.kind == "U":
        texts = np.asarray(wanted.value)
        signs = {found[0] for one in texts.ravel().tolist() if (found := _SIGN.match(one))}
        if len(signs) > 1 or any(_WILD.search(one) for one in texts.ravel().tolist()):
            raise Untranslatable("a criterion with signs for any letters, or of several kinds")
        (sign,) = signs
        numbers = _numbers(tr, wanted, sign)
        if numbers is not None:
            return _compared(tr, sign or "=", where, numbers)
        if sign not in ("", "=", "<>") or "" in texts.ravel().tolist():
            raise Untranslatable("a criterion with a text")
        wanted = _without(tr, wanted, sign)
        if np.asarray(where.value).dtype.kind != "U":
            raise Untranslatable("a text among numbers")
        return tr.compare("<>" if sign == "<>" else "=", where, wanted)
    if np.asarray(where.value).dtype.kind == "f":
        if np.asarray(wanted.value).dtype.kind != "f" or np.isnan(np.asarray(wanted.value)).any():
            raise Untranslatable("a text among numbers")
        return elementwise("equal", where, wanted)
    return tr.compare("=", where, wanted)


def _compared(tr: Translator, sign: str, where: Expr, bound: Expr) -> Expr:
    if np.asarray(where.value).dtype.kind != "f":
        raise Untranslatable("a number among texts")
    if sign == "<>" and has_holes(where):
        raise Untranslatable("<> among blanks")
    return elementwise(COMPARISONS[sign], where, bound)  # no comparison holds of what is no number


def _numbers(tr: Translator, wanted: Expr, sign: str) -> Expr | None:
    """Return the numbers behind a sign; None where there are texts."""
    try:
        values = np.vectorize(lambda one: float(one.removeprefix(sign)), otypes=[float])(np.asarray(wanted.value))
    except ValueError:
        return None
    if not np.isfinite(values).all():
        return None
    return literal(float(values)) if values.ndim == 0 else tr.compact(values, wanted.axes)


def _without(tr: Translator, wanted: Expr, sign: str) -> Expr:
    if not sign:
        return wanted
    texts = np.vectorize(lambda one: one.removeprefix(sign), otypes=[object])(np.asarray(wanted.value)).astype(str)
    return literal(str(texts)) if texts.ndim == 0 else tr.compact(texts, wanted.axes)

"""What a Keras model has small layers for, besides those whose weights it arranges: look-ups, products, dots."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from embedsheet.translations.coder.expressions import Expr, apply


@dataclass
class LookUp:
    """Rows of a table that has a name, by places that no weight changes; `way` with `part` is what is made of them."""

    table: str
    rows: Expr
    way: str = ""
    part: str = ""


def look_up(expr: Expr) -> LookUp | None:
    """Return which rows of something that has a name an expression takes, or which columns of them."""
    if expr.op not in ("take", "picked") or expr.fixed or not expr.args[1].fixed or np.ndim(expr.args[1].value) == 0:
        return None
    table, rows, *columns = expr.args
    part = ""
    if expr.op == "take" and table.op == "index" and table.x.startswith(":, "):
        table, part = table.args[0], table.x.removeprefix(":, ")
    if table.op != "name" or table.args or table.fixed:
        return None
    if expr.op == "take":
        return LookUp(table.x, rows, "index", f"..., {part}") if part else LookUp(table.x, rows)
    if len(columns) != 1 or not columns[0].fixed:
        return None
    if columns[0].op == "literal" and not columns[0].axes:
        return LookUp(table.x, rows, "index", f"..., {columns[0].x}")
    return _side_by_side(table, rows, columns[0], np.shape(expr.value))


def _side_by_side(table: Expr, rows: Expr, columns: Expr, shape: tuple[int, ...]) -> LookUp | None:
    """Return the look-up of whole rows of a table that stand one beside the other."""
    width = np.shape(table.value)[-1]
    fits = np.shape(rows.value) in (shape, (shape[0], 1))
    if len(shape) != 2 or np.ndim(table.value) != 2 or shape[1] % width or not fits:
        return None
    full = (np.broadcast_to(np.asarray(one.value), shape) for one in (rows, columns))
    places, asked = (one.reshape(shape[0], -1, width) for one in full)
    if (asked != np.arange(width)).any() or (places != places[..., :1]).any():
        return None
    if np.shape(rows.value) == shape and width > 1:
        rows = apply("index", rows, axes=rows.axes, x=f":, ::{width}")
    return LookUp(table.x, rows, "reshape", repr(shape))


def is_product(expr: Expr) -> bool:
    """Whether rows are multiplied by something that has a name."""
    if expr.op != "matmul" or len(expr.args[0].axes) < 2:
        return False
    right = expr.args[1]
    return right.op == "name" and not right.args and not right.fixed


def is_dot(expr: Expr) -> bool:
    """Whether rows of two matrices, both of which depend on the weights, are multiplied and added up."""
    if expr.op != "sum" or expr.x != "axis=1" or expr.args[0].op != "multiply":
        return False
    one, other = expr.args[0].args
    alike = one.axes == other.axes and len(one.axes) == 2 and np.shape(one.value) == np.shape(other.value)
    return alike and not one.fixed and not other.fixed

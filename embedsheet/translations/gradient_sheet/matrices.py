"""Blocks that are products of matrices, written as such: MMULT(A,TRANSPOSE(B)), MMULT(TRANSPOSE(A),B).

Cell by cell they are SUMPRODUCT of a row or column for the cell's row, and one for its column; no one form fills them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from embedsheet.ground.notation import tree as t
from embedsheet.translations.gradient_sheet.terms import chained

Ints = NDArray[np.int64]
Numbers = Callable[[t.Ref], bool]  # whether a range holds numbers only


def as_product(formulas: Mapping[tuple[int, int], t.Node], numbers: Numbers) -> t.Node | None:
    """Return the one array formula for a block, its formulas by (row, column), None where it is no product."""
    rows, columns = (sorted(set(side)) for side in zip(*formulas, strict=True))
    shape = len(rows), len(columns)
    if min(shape) < 2 or len(formulas) != shape[0] * shape[1]:
        return None
    terms = [_terms(formulas[row, column]) for row in rows for column in columns if (row, column) in formulas]
    if len(terms) != len(formulas) or len({len(one) for one in terms}) != 1 or not terms[0]:
        return None
    products = []
    for place in range(len(terms[0])):
        product = _product([one[place] for one in terms], shape, numbers)
        if product is None:
            return None
        products.append(product)
    return chained("+", products)


def _terms(node: t.Node) -> list[tuple[t.Ref, t.Ref]]:
    """Return the pairs of ranges in SUMPRODUCT(a,b)+SUMPRODUCT(c,d)+…, [] for anything else."""
    match node:
        case t.Binary(operator="+", left=left, right=right):
            first, last = _terms(left), _terms(right)
            return [*first, *last] if first and last else []
        case t.Call(name="SUMPRODUCT", arguments=(t.Ref() as one, t.Ref() as other)):
            return [(one, other)]
    return []


def _product(pairs: list[tuple[t.Ref, t.Ref]], shape: tuple[int, int], numbers: Numbers) -> t.Node | None:
    for first, second in ((0, 1), (1, 0)):
        by_row, by_column = ([pair[at] for pair in pairs] for at in (first, second))
        if len({one.sheet for one in by_row}) > 1 or len({one.sheet for one in by_column}) > 1:
            return None
        corners = [_corners(side).reshape(*shape, 4) for side in (by_row, by_column)]
        for along in (0, 1):  # of rows one below the other, of columns side by side
            a = _stacked(corners[0][:, 0], corners[0], along, by_row[0].sheet)
            b = _stacked(corners[1][0], corners[1].swapaxes(0, 1), along, by_column[0].sheet)
            if a is None or b is None or not (numbers(a) and numbers(b)):
                continue
            if along == 0:
                return t.Call("MMULT", (a, t.Call("TRANSPOSE", (b,))))
            return t.Call("MMULT", (t.Call("TRANSPOSE", (a,)), b))
    return None


def _stacked(lines: Ints, all_lines: Ints, along: int, sheet: str | None) -> t.Ref | None:
    """Return the matrix of lines, (k, 4), that stand next to each other; None where others are read beside them."""
    if (all_lines != lines[:, None]).any():
        return None
    thin = lines[:, along] == lines[:, along + 2]
    steps = np.zeros(4, np.int64)
    steps[[along, along + 2]] = 1
    if not thin.all() or (np.diff(lines, axis=0) != steps).any():
        return None
    top, left, bottom, right = (
        t.Coordinate(int(side), True) for side in (*lines[:, :2].min(axis=0), *lines[:, 2:].max(axis=0))
    )
    return t.Ref(sheet, top, left, bottom, right)


def _corners(nodes: list[t.Ref]) -> Ints:
    return np.array([(one.top.value, one.left.value, one.bottom.value, one.right.value) for one in nodes], np.int64)

"""Functions called with what their arguments stand for, and what they may not be called with."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, reduce

import numpy as np

from embedsheet.compiler.reading import CellReader
from embedsheet.formulas.coerce import MIXED, UNMIXED, fit, with_errors
from embedsheet.formulas.functions.descriptions import READING
from embedsheet.formulas.functions.table import NO_TRUTHS, Function, parameter
from embedsheet.formulas.values import (
    BOOLEAN,
    ERROR,
    FAILS,
    LACKS,
    MISSING,
    NA,
    NAME,
    NUMBER,
    REF,
    VALUE,
    Reference,
    Result,
    Value,
    error,
    namespace,
    number,
)
from embedsheet.ground.keys import name_key
from embedsheet.ground.notation import tree as t
from embedsheet.ground.notation.walk import set_by, walk

# Of these functions the first argument is an address: its cells are read only as far as the result points at them.
ADDRESS_FUNCTIONS = frozenset({"INDEX", "OFFSET"})
_SHAPE_FUNCTIONS = frozenset("ROW ROWS COLUMN COLUMNS AREAS ISREF SHEET SHEETS ISFORMULA FORMULATEXT".split())
_LOOKUPS = frozenset({"INDEX", "LOOKUP", "VLOOKUP", "HLOOKUP", "XLOOKUP"})  # what they give are cells
# These tell single values of one kind from those of another: FALSE and an empty cell are no 0 to them.
_BY_KIND = frozenset(
    """AVERAGEIF AVERAGEIFS COUNTIF COUNTIFS HLOOKUP ISBLANK ISEVEN ISLOGICAL ISNONTEXT ISNUMBER ISODD ISTEXT LOOKUP
    MATCH MAXIFS MDETERM MINIFS MINVERSE MMULT SUMIF SUMIFS TYPE VLOOKUP XLOOKUP XMATCH""".split()
) | frozenset(NO_TRUTHS)

# What these give of defined numbers is defined, but for numbers beyond a sheet's.
_ALWAYS_DEFINED = frozenset(
    """ABS AND AVERAGE CEILING.MATH CHOOSECOLS CHOOSEROWS COS COUNT COUNTA COUNTBLANK COUNTIF COUNTIFS DROP ERF ERFC
    EVEN FLOOR.MATH HSTACK INT ISBLANK ISERR ISERROR ISEVEN ISLOGICAL ISNA ISNONTEXT ISNUMBER ISODD ISOMITTED ISTEXT
    MAX MAXA MIN MINA N NOT ODD OR ROUND ROUNDDOWN ROUNDUP SIGN SIN SUM SUMIF SUMIFS SUMPRODUCT SUMSQ SUMX2MY2
    SUMX2PY2 SUMXMY2 TAKE TANH TRANSPOSE TRUNC TYPE VSTACK XOR""".split()
)
# As what these are undefined of defined numbers; all else as some other error than #N/A.
_LACKING = {
    **dict.fromkeys("HLOOKUP LOOKUP MATCH VLOOKUP XLOOKUP XMATCH".split(), LACKS),
    **dict.fromkeys("FILTER MODE MODE.MULT MODE.SNGL RANK RANK.AVG RANK.EQ".split(), LACKS | FAILS),
    **dict.fromkeys("PERCENTRANK PERCENTRANK.EXC PERCENTRANK.INC".split(), LACKS | FAILS),
}
# The same of those that get their arguments as expressions.
_LAZY = {"CHOOSE": FAILS, "IF": 0, "IFERROR": 0, "IFNA": 0, "IFS": LACKS, "LET": 0, "SWITCH": LACKS}


@cache
def singles(row: Function) -> frozenset[int]:
    """Return the places of a function's arguments that should be one value, where others are ranges or arrays."""
    letters = [parameter(row, place) for place in range(row.most)]
    return frozenset(place for place, letter in enumerate(letters) if letter == "v" and {"r", "a"} & {*letters})


def looks_at_addresses(node: t.Node) -> bool:
    """Whether a node is a call that asks of its ranges where they are, or what formulas they hold, but reads none."""
    match node:
        case t.Call(name="CELL", arguments=(t.Text(value=asked), *_)):
            return name_key(asked) not in READING
        case t.Call(name=name):
            return name in _SHAPE_FUNCTIONS
    return False


def undefined_by(tree: t.Node) -> int:
    """Return as what errors an expression may be undefined where all that it reads is defined."""
    found, nodes = 0, list(walk(tree))
    own = frozenset[str]().union(*map(set_by, nodes))  # names whose values are parts of the expression themselves
    for node in nodes:
        if isinstance(node, t.Call):
            found |= _LAZY.get(node.name, 0 if node.name in _ALWAYS_DEFINED else _LACKING.get(node.name, FAILS))
        elif isinstance(node, t.Binary) and node.operator in "/^":
            whole = isinstance(node.right, t.Number) and node.operator == "^" and node.right.value in range(1, 65)
            found |= 0 if whole else FAILS
        elif isinstance(node, t.Error) or (isinstance(node, t.Name) and name_key(node.name) not in own):
            found |= LACKS | FAILS
    return found


def number_only(argument: Result, required: bool) -> Result:
    """Return an argument that may be no truth value and, where it is `required`, not left out."""
    if argument is MISSING and required:
        return error(NA)
    if not isinstance(argument, Value) or not (argument.kinds == BOOLEAN).any():
        return argument
    truths = np.broadcast_to(argument.kinds == BOOLEAN, argument.shape)
    numbers = namespace(argument.numbers).where(truths, float(VALUE), argument.numbers)
    return Value(np.where(truths, ERROR, argument.kinds).astype(np.uint8), numbers)


def _lost(row: Function, arguments: Sequence[Result]) -> list[Value]:
    """Return the errors of the ranges among the arguments that are none, ERROR where a cell's is lost, (n or 1, 1, 1).

    Of computed values only errors count that no cell can make: an array of one error would else be another thing than
    the same array beside longer ones.
    """
    found = []
    for place, argument in enumerate(arguments):
        if parameter(row, place) in "vc":
            continue
        if isinstance(argument, Reference) and argument.errors is not None:
            codes = argument.errors[:, None, None]
            found.append(Value(np.where(codes > 0, ERROR, NUMBER).astype(np.uint8), codes.astype(np.float64)))
        elif isinstance(argument, Value) and argument.shape[1:] == (1, 1) and not argument.traced:
            lost = (argument.kinds == ERROR) & np.isin(argument.numbers, (REF, NAME))
            if lost.any():
                found.append(Value(np.where(lost, ERROR, NUMBER).astype(np.uint8), argument.numbers))
    return found


def _side_by_side(row: Function, arguments: Sequence[Result]) -> tuple[Sequence[Result], Value | None]:
    """Return arguments whose lists for single values spread over one shape, and #N/A where any of them is too short."""
    lists = {
        place: argument
        for place, argument in enumerate(arguments)
        if place in singles(row) and isinstance(argument, Value) and argument.shape[1:] != (1, 1)
    }
    try:
        rows, columns = np.broadcast_shapes(*(one.shape[1:] for one in lists.values())) if lists else (1, 1)
    except ValueError:
        rows, columns = (max(one.shape[axis] for one in lists.values()) for axis in (1, 2))
    else:
        return arguments, None
    beyond = np.zeros((1, rows, columns), bool)
    for one in lists.values():
        _, height, width = one.shape
        beyond[:, height if height > 1 else rows :] = True
        beyond[:, :, width if width > 1 else columns :] = True
    fitted = dict(zip(lists, fit(list(lists.values())), strict=True))
    kinds = np.where(beyond, ERROR, NUMBER).astype(np.uint8)
    return [fitted.get(place, one) for place, one in enumerate(arguments)], Value(kinds, np.full((1, 1, 1), float(NA)))


def computed(row: Function, evaluator: CellReader, *arguments: Result) -> Result:
    """Return what a function gives for arguments; raise where it tells kinds apart that the changing cells decide."""
    lost = () if row.takes_errors or row.name in ADDRESS_FUNCTIONS else _lost(row, arguments)
    failed = reduce(np.logical_or, [one.kinds == ERROR for one in lost], np.zeros((1, 1, 1), bool))
    if failed.all():
        return with_errors(number(0.0), *reversed(lost))  # of several the first counts
    if row.name in _BY_KIND and any(isinstance(one, Value) and one.mixed for one in arguments):
        raise evaluator.unsupported(f"{row.name} is given {MIXED}; {UNMIXED}")
    fitted, beyond = _side_by_side(row, arguments)
    before, evaluator.reader = evaluator.reader, row.name
    try:
        with evaluator.store.scope(row.name):
            result: Result = row.call(evaluator, *fitted)
    finally:
        evaluator.reader = before
    if beyond is not None:
        result = with_errors(evaluator.value(result), beyond)
    if isinstance(result, Value) and result.traced and row.name not in _ALWAYS_DEFINED:
        evaluator.may_be_undefined(_LACKING.get(row.name, FAILS))
    if row.name in _LOOKUPS and isinstance(result, Value) and not evaluator.single:
        evaluator.counted(evaluator.taker or "LET", result.mixed)
    if not failed.any():
        return result
    value = evaluator.value(result)
    if value.shape[1:] != (1, 1):  # the error is one value, however large the results of other cells are
        raise evaluator.split(np.broadcast_to(failed.ravel(), evaluator.count) * 1)
    return with_errors(value, *reversed(lost))

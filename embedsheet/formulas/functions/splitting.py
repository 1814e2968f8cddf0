"""TEXTSPLIT: a text cut into an array."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import product

import numpy as np

from embedsheet.formulas.coerce import FaultError, element_number, element_text
from embedsheet.formulas.functions.elements import Pair
from embedsheet.formulas.functions.samples import Argument
from embedsheet.formulas.functions.table import Context, function
from embedsheet.formulas.functions.text import all_texts
from embedsheet.formulas.values import ABSENT, CALC, ERROR, MISSING, NA, TEXT, VALUE, Value

_NAME = "TEXTSPLIT"


@function("TEXTSPLIT", "vrrvvv", "Parts of a text between delimiters, across and down", least=2, gradient="constant")
def textsplit(
    context: Context,
    text: Value,
    across: Argument,
    down: Argument | None = None,
    without_empty: Value | None = None,
    any_case: Value | None = None,
    filling: Value | None = None,
) -> Value:
    """Return the parts as an array, its short rows filled up; of each of several texts the first part."""
    options = [MISSING if option is None else option for option in (without_empty, any_case, filling)]
    for value in (text, *options):
        if value.traced:
            raise context.unsupported(
                f"{_NAME} works on text, which cannot depend on the changing cells; refer to the numbers themselves"
            )
    for option in options:
        if option.shape[1:] != (1, 1):
            raise context.unsupported(f"{_NAME}'s options must be single values, not arrays")
    delimiters = [
        None if argument is None or argument is MISSING else all_texts(context, _NAME, argument)
        for argument in (across, down)
    ]
    counts = [value.shape[0] for value in (text, *options)]
    n = max(*counts, *(len(own) for own in delimiters if own is not None))
    kinds, numbers = (np.broadcast_to(part, (n, *text.shape[1:])) for part in (text.kinds, text.numbers))
    cells: list[list[list[Pair]]] = []
    for place in range(n):
        own = [None if one is None else one[place % len(one)] for one in delimiters]
        chosen = [_single(option, place) for option in options]
        if options[2] is MISSING:
            chosen[2] = ERROR, float(NA)
        arrays = [
            [_split(context, (int(kind), float(number)), own, chosen) for kind, number in zip(*line, strict=True)]
            for line in zip(kinds[place], numbers[place], strict=True)
        ]
        cells.append(arrays[0][0] if text.shape[1:] == (1, 1) else [[one[0][0] for one in line] for line in arrays])
    return _stacked(cells)


def _single(value: Value, place: int) -> Pair:
    """Return the one element of a value in one of the cells."""
    kinds, numbers = value.kinds[:, 0, 0], value.numbers[:, 0, 0]
    return int(kinds[place % len(kinds)]), float(numbers[place % len(numbers)])


def _stacked(cells: Sequence[Sequence[Sequence[Pair]]]) -> Value:
    """Return arrays of several cells as one Value, each padded with ABSENT."""
    rows, columns = max(len(one) for one in cells), max(len(one[0]) for one in cells)
    kinds, numbers = np.full((len(cells), rows, columns), ABSENT, np.uint8), np.zeros((len(cells), rows, columns))
    for place, array in enumerate(cells):
        for row, column in product(range(len(array)), range(len(array[0]))):
            kinds[place, row, column], numbers[place, row, column] = array[row][column]
    return Value(kinds, numbers)


def _split(
    context: Context, text: Pair, delimiters: Sequence[list[Pair] | None], options: Sequence[Pair]
) -> list[list[Pair]]:
    """Return the parts of one text, row by row; one error where it cannot be cut."""
    try:
        return _parts(context, text, delimiters, options)
    except FaultError as fault:
        return [[(ERROR, float(fault.code))]]


def _parts(
    context: Context, text: Pair, delimiters: Sequence[list[Pair] | None], options: Sequence[Pair]
) -> list[list[Pair]]:
    for kind, number in (text, *(pair for own in delimiters for pair in own or ()), *options[:2]):
        if kind == ERROR:
            raise FaultError(int(number))
        if kind == ABSENT:
            return [[(ABSENT, 0.0)]]
    without_empty, any_case = (element_number(context, pair) for pair in options[:2])
    flags = re.IGNORECASE if int(any_case) else re.NOFLAG
    across, down = (_pattern(context, own, flags) for own in delimiters)
    if int(any_case) not in (0, 1) or (across is None and down is None):
        raise FaultError(VALUE)
    whole = element_text(context, text)
    lines = [[part for part in _cut(across, line) if part or not without_empty] for line in _cut(down, whole)]
    lines = [line for line in lines if line]
    if not lines:
        raise FaultError(CALC)
    width = max(len(line) for line in lines)
    context.claim(1, len(lines), width)
    context.spend("characters", len(whole))
    return [
        [*((TEXT, float(context.strings.code(part))) for part in line), *[options[2]] * (width - len(line))]
        for line in lines
    ]


def _pattern(context: Context, delimiters: list[Pair] | None, flags: re.RegexFlag) -> re.Pattern[str] | None:
    """Return what finds any of the delimiters, the longest of those that begin at one place; None without any."""
    if delimiters is None:
        return None
    texts = sorted((element_text(context, pair) for pair in delimiters if pair[0] != ABSENT), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, filter(None, texts))), flags) if any(texts) else None


def _cut(pattern: re.Pattern[str] | None, text: str) -> list[str]:
    return [text] if pattern is None else pattern.split(text)

"""What is to be known of a cell beside its value: where it stands, on which sheet, which formula it holds."""

from __future__ import annotations

import os

import numpy as np

from embedsheet.formulas.coerce import element_text, lost_references, no_reference
from embedsheet.formulas.functions.information import first_cell
from embedsheet.formulas.functions.samples import Argument
from embedsheet.formulas.functions.table import Context, function
from embedsheet.formulas.values import (
    BLANK,
    BOOLEAN,
    ERROR,
    NA,
    NUMBER,
    REF,
    TEXT,
    VALUE,
    Reference,
    Union,
    Value,
    error,
    number,
)
from embedsheet.ground.keys import name_key
from embedsheet.ground.notation.addresses import column_letters, quote_sheet

READING = frozenset({"contents", "type"})  # what CELL tells of a cell's value
# What a cell's format says; of files only what formulas need is read.
_OF_FORMATS = frozenset({"color", "format", "parentheses", "prefix", "protect", "width"})


def _corner(reference: Reference) -> Reference:
    """Return the upper left cell of a reference."""
    top, left = reference.top, reference.left
    return Reference(reference.sheet, top, left, top, left, reference.errors)


def _texts(context: Context, texts: list[str]) -> Value:
    """Return a text for each of the n cells, or one for all."""
    codes = np.array([context.strings.code(text) for text in texts], np.float64)
    return Value(np.full((1, 1, 1), TEXT, np.uint8), codes[:, None, None])


@function("CELL", "vr", "What is to be known of a cell: address, col, contents, filename, row or type", least=1)
def cell(context: Context, asked: Value, argument: Argument | None = None) -> Value:
    """Return what a text asks of the upper left cell of a reference; #VALUE! for a text that asks nothing."""
    kinds, codes = np.broadcast_arrays(asked.kinds, asked.numbers)
    if kinds.shape[1:] != (1, 1):
        raise context.unsupported("CELL of a list of questions is not supported; write one CELL for each.")
    different, which = np.unique(np.stack([kinds.ravel(), codes.ravel()], axis=1), axis=0, return_inverse=True)
    if len(different) > 1:
        raise context.split(which.ravel())
    kind, code = int(different[0, 0]), float(different[0, 1])
    if kind == ERROR:
        return asked
    question = name_key(element_text(context, (kind, code)))
    if question in _OF_FORMATS:
        raise context.unsupported(
            f'CELL("{question}") tells how a cell looks, which is not read; write its value into the cell.'
        )
    if argument is None:
        # Excel takes the cell that was changed last; on which sheet that is matters to the file's name alone.
        if question != "filename" or len(context.tabs) > 1:
            raise context.unsupported("CELL without a cell tells of the one changed last; name the cell.")
        return _texts(context, [_file_name(context, None)])
    if not isinstance(argument, Reference):
        return no_reference(argument)
    if question in READING:
        value = first_cell(context, argument)
        return value if question == "contents" else _type(context, value)
    found: Value
    match question:
        case "row":
            found = Value(np.full((1, 1, 1), NUMBER, np.uint8), argument.top[:, None, None] * 1.0)
        case "col":
            found = Value(np.full((1, 1, 1), NUMBER, np.uint8), argument.left[:, None, None] * 1.0)
        case "address":
            sheet = _sheet_before(context, argument)
            cells = zip(argument.left.tolist(), argument.top.tolist(), strict=True)
            found = _texts(context, [f"{sheet}${column_letters(column)}${row}" for column, row in cells])
        case "filename":
            found = _texts(context, [_file_name(context, argument)])
        case _:
            return error(VALUE)
    return lost_references(found, argument.errors)


def _sheet_before(context: Context, reference: Reference) -> str:
    """Return what stands before an address: nothing on the formula's own sheet, else workbook and sheet."""
    name = context.sheet_name(reference)
    if name == context.sheet_name(None):
        return ""
    file = context.file.name
    plain = quote_sheet(name) == name and quote_sheet(file) == file
    return f"[{file}]{name}!" if plain else "'" + f"[{file}]{name}".replace("'", "''") + "'!"


def _file_name(context: Context, reference: Reference | None) -> str:
    """Return folder, file and sheet, as Excel would where the workbook is opened here."""
    folder = str(context.file.absolute().parent)
    return f"{folder.rstrip(os.sep)}{os.sep}[{context.file.name}]{context.sheet_name(reference)}"


def _type(context: Context, value: Value) -> Value:
    """Return "b" for an empty cell, "l" for a text, "v" for anything else."""
    blank, label, other = (float(context.strings.code(letter)) for letter in "blv")
    codes = np.where(value.kinds == BLANK, blank, np.where(value.kinds == TEXT, label, other))
    return Value(np.full((1, 1, 1), TEXT, np.uint8), codes)


@function("ISFORMULA", "r", "Whether a cell holds a formula", gradient="constant")
def isformula(context: Context, argument: Argument) -> Value:
    """Return for each cell of a reference whether it holds a formula; #VALUE! for what is no reference."""
    if not isinstance(argument, Reference):
        return no_reference(argument)
    reference = argument if context.array_formula else _corner(argument)
    found = context.holds_formula(reference)
    return lost_references(Value(np.full((1, 1, 1), BOOLEAN, np.uint8), found * 1.0), reference.errors)


@function("FORMULATEXT", "r", "A cell's formula as text", gradient="constant")
def formulatext(context: Context, argument: Argument) -> Value:
    """Return the formula that a cell holds as Excel's formula bar shows it; #N/A where it holds none."""
    if not isinstance(argument, Reference):
        return no_reference(argument)
    reference = argument if context.array_formula else _corner(argument)
    texts = context.formula_texts(reference)
    kinds = [[[ERROR if text is None else TEXT for text in line] for line in cells] for cells in texts]
    code = context.strings.code
    codes = [[[NA if text is None else code(text) for text in line] for line in cells] for cells in texts]
    return lost_references(Value(np.array(kinds, np.uint8), np.array(codes, np.float64)), reference.errors)


@function("SHEET", "r", "Number of a sheet, the formula's own if left out", least=0, gradient="constant", sizes="any")
def sheet(context: Context, argument: Argument | None = None) -> Value:
    """Return the number of a reference's sheet or of one with a name; #N/A where there is none."""
    places = {name_key(name): place for place, name in enumerate(context.tabs, 1)}
    if argument is None or isinstance(argument, Reference):
        found = number(float(places[name_key(context.sheet_name(argument))]))
        return found if argument is None else lost_references(found, argument.errors)
    if isinstance(argument, Union):
        return error(REF)
    if argument.shape[1:] != (1, 1):
        return error(VALUE)
    if argument.traced:
        return error(NA)  # a number is no sheet's name
    kinds, codes = np.broadcast_arrays(argument.kinds, argument.numbers)
    numbers, failed = np.zeros(kinds.shape), np.full(kinds.shape, NUMBER, np.uint8)
    for at in np.ndindex(kinds.shape):
        if kinds[at] == ERROR:
            failed[at], numbers[at] = ERROR, codes[at]
            continue
        place = places.get(name_key(element_text(context, (int(kinds[at]), float(codes[at])))))
        failed[at], numbers[at] = (ERROR, NA) if place is None else (NUMBER, place)
    return Value(failed, numbers)


@function("SHEETS", "r", "Number of sheets of a reference, of the workbook if left out", least=0, gradient="constant")
def sheets(context: Context, argument: Argument | None = None) -> Value:
    """Return how many sheets a workbook has or a reference goes through; #REF! for what is no reference."""
    if argument is None:
        return number(float(len(context.tabs)))
    if isinstance(argument, Union):
        return number(float(len({area.sheet for area in argument.areas})))
    if isinstance(argument, Value):
        return no_reference(argument, REF)
    return lost_references(number(1.0), argument.errors)

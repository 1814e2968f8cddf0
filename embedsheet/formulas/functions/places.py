"""INDEX, OFFSET and the functions of addresses: ROW, COLUMN, ROWS, COLUMNS, AREAS, ADDRESS, TRANSPOSE."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from embedsheet.formulas.coerce import (
    FaultError,
    as_numbers,
    concrete,
    element_number,
    element_text,
    lost_references,
    map_elements,
    no_reference,
)
from embedsheet.formulas.functions.choice import SeveralPlacesError
from embedsheet.formulas.functions.gathering import combine, gather, gather_traced, rectangle, size_of
from embedsheet.formulas.functions.search import whole
from embedsheet.formulas.functions.table import Context, function
from embedsheet.formulas.values import (
    ABSENT,
    ERROR,
    MISSING,
    NUMBER,
    REF,
    VALUE,
    Array,
    Reference,
    Union,
    Value,
    boolean,
    error,
    namespace,
    number,
)
from embedsheet.ground.notation.addresses import MAX_COLUMN, MAX_ROW, column_letters, quote_sheet


def _codes(*values: Value) -> NDArray[np.uint8] | None:
    """Return the error codes of the arguments that steer a function, the first one's first."""
    found = (np.where(value.kinds == ERROR, value.numbers, 0).astype(np.uint8) for value in values)
    return combine(*found)


@function(
    "INDEX", "avvv", "The cell, row or column at a place in a range or array", least=2, gradient="exact", sizes="any"
)
def index(
    context: Context,
    source: Value | Reference | Union,
    row: Value | None,
    column: Value | None = None,
    area: Value | None = None,
) -> Value | Reference:
    """Return what stands at `row` and `column` (from 1; 0 is all of them) as a reference where `source` is one."""
    table = _area(context, source, area)
    row = number(0.0) if row is None else row
    if row.traced or (column is not None and column.traced):
        return _index_traced(context, table, row, column)
    rows, row_read = whole(context, row, 0.0, "")
    heights, widths = size_of(table)
    if column is None:
        # In a single row the one number given is the column; of a table of cells it is no place, of an array the row.
        single = (heights == 1) & (widths > 1)
        columns, column_read = np.where(single, rows, 0), number(0.0)
        rows = np.where(single, 1, rows)
        if isinstance(table, Reference):
            rows = np.where((heights > 1) & (widths > 1) & (rows >= 0), np.inf, rows)
    else:
        columns, column_read = whole(context, column, 0.0, "")
    negative = (rows < 0) | (columns < 0)
    beyond = (rows > heights) | (columns > widths)
    outside = np.where(negative, VALUE, np.where(beyond, REF, 0)).astype(np.uint8)
    errors = combine(_own_error(table), _codes(row_read, column_read), outside)
    if errors is not None:  # an error is one cell, not all that 0 asks for
        rows, columns = (np.where(errors > 0, 1, asked) for asked in (rows, columns))
    down, across = rows.astype(np.int64), columns.astype(np.int64)
    if isinstance(table, Reference) and down.shape[1:] == (1, 1) and across.shape[1:] == (1, 1):
        top, bottom = np.where(down == 0, 0, down - 1), np.where(down == 0, heights - 1, down - 1)
        left, right = np.where(across == 0, 0, across - 1), np.where(across == 0, widths - 1, across - 1)
        return rectangle(table, top, left, bottom, right, errors)
    value = context.value(table)
    _, height, width = value.shape
    down, across = _spread(down, height, 1), _spread(across, width, 2)
    if errors is not None:
        errors = np.where((down < 0) | (across < 0), 0, errors).astype(np.uint8)
    return gather(value, down, across, errors)


def _own_error(table: Value | Reference) -> NDArray[np.uint8] | None:
    """Return the codes of tables that are one error and nothing else, (n or 1, 1, 1); it is the result of INDEX."""
    if not isinstance(table, Value) or table.traced:
        return None
    kinds, numbers = (np.broadcast_to(part, table.shape)[:, :1, :1] for part in (table.kinds, table.numbers))
    alone = (kinds == ERROR) & (table.sizes() == 1).all(axis=1)[:, None, None]
    return np.where(alone, numbers, 0).astype(np.uint8)


def _spread(places: NDArray[np.int64], length: int, axis: int) -> NDArray[np.int64]:
    """Return places from 0 of places from 1, where 0 stands for all: they spread along an axis of length one."""
    every = places == 0
    if not every.any() or length == 1:
        return np.maximum(places - 1, 0)
    if places.shape[axis] > 1:
        return np.maximum(places - 1, 0)
    shape = [1, 1, 1]
    shape[axis] = length
    along = np.arange(length).reshape(shape)
    # In a cell that asks for one place only, the rest of the row or column is left empty.
    one = np.where(along == 0, places - 1, -1)
    return np.where(every, along, one)


def _index_traced(context: Context, source: Value | Reference, row: Value, column: Value | None) -> Value:
    context.warn("INDEX takes a place that depends on the changing cells as fixed: its gradient there is 0")
    table = context.value(source)
    _, height, width = table.shape
    if column is None:
        if isinstance(source, Reference) and height > 1 and width > 1:
            return error(REF)
        row, column = (number(1.0), row) if height == 1 and width > 1 else (row, number(0.0))
    places: list[Array] = []
    for asked, length, axis in ((row, height, 1), (column, width, 2)):
        read = as_numbers(context, asked)
        if (read.kinds == ERROR).any():
            raise context.unsupported("INDEX is asked for a place that is an error.")
        xp = namespace(read.numbers)
        place = xp.trunc(read.numbers) - 1
        if isinstance(source, Reference) and context.single and not context.array_formula:
            place = xp.where(place == -1, _own_place(context, source, length, axis), place)
        elif xp is np:
            place = _spread(place.astype(np.int64) + 1, length, axis)
        places.append(place)
    return gather_traced(context, table, *places)


def _own_place(context: Context, table: Reference, length: int, axis: int) -> NDArray[np.float64]:
    """Return the place, from 0, of each formula's own row or column in a table; NaN where it has none."""
    if length == 1:
        return np.zeros((1, 1, 1))
    own = (context.rows - table.top if axis == 1 else context.columns - table.left)[:, None, None] * 1.0
    return np.where((own >= 0) & (own < length), own, np.nan)


def _area(context: Context, source: Value | Reference | Union, area: Value | None) -> Value | Reference:
    """Return the area of a union that INDEX's last argument names."""
    places, read = whole(context, area, 1.0, "INDEX's area")
    areas = source.areas if isinstance(source, Union) else (source,)
    codes = np.where(read.kinds == ERROR, read.numbers, 0.0)
    if codes.shape[1:] != (1, 1) or places.shape[1:] != (1, 1):
        raise context.unsupported("INDEX takes one area, not a list of areas; write one INDEX for each.")
    asked, which = np.unique(np.where(codes > 0, -codes, places), return_inverse=True)
    if len(asked) > 1:
        raise context.split(which.ravel())
    if codes.any():
        return error(int(codes.flat[0]))
    place = int(asked[0])
    if not 1 <= place <= len(areas):
        return error(REF if place > len(areas) else VALUE)
    return areas[place - 1]


@function(
    "OFFSET", "rvvvv", "A range moved by rows and columns, or of another size", least=3, gradient="exact", sizes="any"
)
def offset(
    context: Context,
    base: Value | Reference | Union,
    rows: Value,
    columns: Value,
    height: Value | None = None,
    width: Value | None = None,
) -> Value | Reference:
    """Return the reference that lies `rows` and `columns` from `base`; a negative size reaches up or to the left."""
    steering = [value for value in (rows, columns, height, width) if value is not None]
    if isinstance(base, Union) or (isinstance(base, Value) and (base.kinds == ERROR).all()):
        return base if isinstance(base, Value) else error(VALUE)
    if isinstance(base, Value) or any(value.traced for value in steering):
        # A place that depends on the changing cells makes the evaluation read the first argument.
        raise context.unsupported(
            "OFFSET's place must not depend on the changing cells; INDEX takes such a place as fixed."
        )
    if any(value.shape[1:] != (1, 1) for value in steering):
        raise _several(context, "OFFSET with a list of places is supported in SUBTOTAL, SUMIF, N and their kin alone.")
    heights, widths = size_of(base)
    down, down_read = whole(context, rows, 0.0, "")
    across, across_read = whole(context, columns, 0.0, "")
    tall, tall_read = (heights, number(0.0)) if height is None or height is MISSING else whole(context, height, 0.0, "")
    wide, wide_read = (widths, number(0.0)) if width is None or width is MISSING else whole(context, width, 0.0, "")
    top = down + np.where(tall < 0, tall + 1, 0)
    left = across + np.where(wide < 0, wide + 1, 0)
    bottom, right = top + np.abs(tall) - 1, left + np.abs(wide) - 1
    first_row, first_column = base.top[:, None, None], base.left[:, None, None]
    outside = (tall == 0) | (wide == 0) | (first_row + top < 1) | (first_row + bottom > MAX_ROW)
    outside = outside | (first_column + left < 1) | (first_column + right > MAX_COLUMN)
    errors = combine(_codes(down_read, across_read, tall_read, wide_read), np.where(outside, REF, 0).astype(np.uint8))
    edges = [edge.astype(np.int64) for edge in (top, left, bottom, right)]
    return rectangle(base, edges[0], edges[1], edges[2], edges[3], errors)


def _several(context: Context, text: str) -> SeveralPlacesError:
    return SeveralPlacesError([str(context.unsupported(text))])


@function("INDIRECT", "vv", "What a text spells: an address, a name, a part of a table", least=1, gradient="exact")
def indirect(context: Context, text: Value, style: Value | None = None) -> Reference:
    """Return the reference; `style` FALSE reads the address as R1C1."""
    what = "a text that INDIRECT follows"
    read = as_numbers(context, concrete(context, boolean(True) if style is None else style, what))
    text = concrete(context, text, what)
    if text.shape[1:] != (1, 1) or read.shape[1:] != (1, 1):
        raise _several(context, "INDIRECT of a list of texts is supported in SUMIF, SUBTOTAL, N and their kin alone.")
    n = len(context.rows)
    kinds, numbers, styles, signs = (
        np.broadcast_to(array[:, 0, 0], n) for array in (text.kinds, text.numbers, read.kinds, read.numbers)
    )
    texts: list[str | int] = []
    for place in range(n):
        wrong = signs[place] if styles[place] == ERROR else numbers[place] if kinds[place] == ERROR else 0
        texts.append(int(wrong) if wrong else element_text(context, (int(kinds[place]), float(numbers[place]))))
    return context.followed(texts, [bool(sign) for sign in signs])


def _places(context: Context, first: NDArray[np.int64], last: NDArray[np.int64], axis: int) -> Value:
    """Return the numbers from first to last along an axis."""
    if (first == last).all():
        return Value(np.full((1, 1, 1), NUMBER, np.uint8), first[:, None, None].astype(np.float64))
    shape = [1, 1, 1]
    length = int((last - first).max()) + 1
    shape[axis] = length
    numbers = first[:, None, None] + np.arange(length).reshape(shape)
    kinds = np.where(numbers > last[:, None, None], ABSENT, NUMBER).astype(np.uint8)
    return Value(kinds, numbers.astype(np.float64))


@function("ROW", "r", "Row number of a cell", least=0, gradient="constant", sizes="any")
def row(context: Context, reference: Value | Reference | Union | None = None) -> Value:
    """Return the rows of a reference, without one those that the formula fills."""
    if reference is None:
        return _places(context, context.rows, context.rows + context.filled[0] - 1, 1)
    if not isinstance(reference, Reference):
        return no_reference(reference)
    return lost_references(_places(context, reference.top, reference.bottom, 1), reference.errors)


@function("COLUMN", "r", "Column number of a cell", least=0, gradient="constant", sizes="any")
def column(context: Context, reference: Value | Reference | Union | None = None) -> Value:
    """Return the columns of a reference, without one those that the formula fills."""
    if reference is None:
        return _places(context, context.columns, context.columns + context.filled[1] - 1, 2)
    if not isinstance(reference, Reference):
        return no_reference(reference)
    return lost_references(_places(context, reference.left, reference.right, 2), reference.errors)


@function("ROWS", "r", "Number of rows of a range or array", gradient="constant", sizes="any")
def rows(context: Context, table: Value | Reference | Union) -> Value:
    """Return how many rows a range or array has."""
    return _size(table, 0)


@function("COLUMNS", "r", "Number of columns of a range or array", gradient="constant", sizes="any")
def columns(context: Context, table: Value | Reference | Union) -> Value:
    """Return how many columns a range or array has."""
    return _size(table, 1)


def _size(table: Value | Reference | Union, axis: int) -> Value:
    if isinstance(table, Union):
        return error(REF)
    size = size_of(table)[axis].astype(np.float64)
    if isinstance(table, Value) and table.shape[1:] == (1, 1) and (table.kinds == ERROR).any():
        failed = table.kinds == ERROR
        return Value(
            np.where(failed, ERROR, NUMBER).astype(np.uint8),
            namespace(table.numbers).where(failed, table.numbers, size),
        )
    result = Value(np.full((1, 1, 1), NUMBER, np.uint8), size)
    return lost_references(result, table.errors) if isinstance(table, Reference) else result


@function("AREAS", "r", "Number of areas of a reference", gradient="constant")
def areas(context: Context, reference: Value | Reference | Union) -> Value:
    """Return how many areas a reference has."""
    if isinstance(reference, Value):
        return no_reference(reference)
    return number(float(len(reference.areas) if isinstance(reference, Union) else 1))


@function("TRANSPOSE", "a", "An array with rows and columns exchanged", sizes="any")
def transpose(context: Context, table: Value | Reference | Union) -> Value:
    """Return the array whose rows are the columns of the argument."""
    value = context.value(table)
    return value.transposed()


@function("ADDRESS", "vvvvv", "A cell's address as text", least=2, gradient="constant")
def address(context: Context, *arguments: Value) -> Value:
    """Return the text "$B$3" of a row and a column; `kind` 1 to 4 says what is absolute."""

    given = {place for place, argument in enumerate(arguments) if argument is not MISSING}

    def text(*pairs: tuple[int, float]) -> str:
        row_number, column_number = int(element_number(context, pairs[0])), int(element_number(context, pairs[1]))
        kind = int(element_number(context, pairs[2])) if 2 in given else 1
        a1 = 3 not in given or bool(element_number(context, pairs[3]))
        if not (1 <= row_number <= MAX_ROW and 1 <= column_number <= MAX_COLUMN and 1 <= kind <= 8):
            raise FaultError(VALUE)
        kind = (kind - 1) % 4 + 1  # 5 to 8 are the same again; Excel's own files have them
        if a1:
            row_mark, column_mark = ("$" if kind in (1, 2) else ""), ("$" if kind in (1, 3) else "")
            cell = f"{column_mark}{column_letters(column_number)}{row_mark}{row_number}"
        else:
            row_part = str(row_number) if kind in (1, 2) else f"[{row_number}]"
            cell = f"R{row_part}C{column_number if kind in (1, 3) else f'[{column_number}]'}"
        if 4 not in given:
            return cell
        sheet = element_text(context, pairs[4])
        return f"{sheet and quote_sheet(sheet)}!{cell}"

    return map_elements(context, "ADDRESS", list(arguments), text)

"""A range whose cells several variables of a model hold, put together of these."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from embedsheet.translations.coder.expressions import Expr
from embedsheet.translations.coder.polynomials import NotPlain, Symbols, atoms, written_out
from embedsheet.translations.coder.variables import slice_text

Places: TypeAlias = NDArray[np.int64]

_MOST_BLOCKS = 6
_LONGEST_LIST = 64  # places that are written one by one


@dataclass(frozen=True)
class Held:
    """A variable's text, and for each of its numbers the cell of the range that it is, or -1."""

    text: str
    cells: Places


def held_by(variables: dict[str, Expr], name: str, text: str) -> list[Held]:
    """Return the variables of a layer that hold cells of a range as they are; `text` is the layer's."""
    found = []
    for part, expr in variables.items():
        try:
            numbers = written_out(expr, _cells)
        except (NotPlain, KeyError, ValueError, TypeError, IndexError, RecursionError):
            continue
        cells = np.full(numbers.shape, -1)
        for place, number in enumerate(numbers.ravel().tolist()):
            match list(number.terms.items()):
                case [((("cell", own, cell),), 1.0)] if own == name:
                    cells.flat[place] = cell
        if (cells >= 0).any():
            found.append(Held(f"{text}.{part}", cells))
    return found


def _cells(expr: Expr) -> Symbols:
    return atoms("cell", expr.x, np.size(expr.value), np.shape(expr.value))


@dataclass(frozen=True)
class Range:
    """A range's text; where no layer holds all of it, the shape of a variable of its own, and which part this is."""

    text: str
    shape: tuple[int, ...] | None = None
    part: str = ""


def put_together(shape: tuple[int, ...], every: Sequence[Held], own: str, longest: int = _LONGEST_LIST) -> Range | None:
    """Return a range of cells that variables hold, the others in a variable `own`.

    None where more than `longest` lie without order.
    """
    held = np.concatenate([np.empty(0, np.int64), *(one.cells.ravel() for one in every)])
    rest = np.setdiff1d(np.arange(int(np.prod(shape))), held)
    if not rest.size:
        text = _text(shape, every, longest)
        return Range(text) if text else None
    along = [np.unique(one) for one in np.unravel_index(rest, shape)]
    if rest.size == np.prod([one.size for one in along]) and all((np.diff(one) == 1).all() for one in along):
        rest = rest.reshape([one.size for one in along])
        part = ", ".join(slice_text(int(one[0]), len(one), 1, length) for one, length in zip(along, shape, strict=True))
    else:
        part = ", ".join(f"np.array({one.tolist()})" for one in np.unravel_index(rest, shape))
    text = _text(shape, [*every, Held(own, rest)], longest)
    return Range(text, rest.shape, part) if text else None


def _text(shape: tuple[int, ...], every: Sequence[Held], longest: int) -> str:
    cells, flat = np.arange(int(np.prod(shape))), len(shape) < 2
    every = [Held(f"ops.ravel({one.text})", one.cells.ravel()) if flat and one.cells.ndim > 1 else one for one in every]
    table = cells.reshape((-1, 1) if flat else shape)
    found = [(_blocks(table, every, flat), False), ([] if flat else _blocks(table.T, every, turned=True), True)]
    ways = [one for one in found if one[0]]
    if ways:
        blocks, turned = min(ways, key=lambda way: len(way[0]))
        alike = len({(one.columns, one.width) for one in blocks}) == 1
        texts = [one.text if alike else f"{one.text}{one.columns}" for one in blocks]
        along = ", axis=1" if turned else ""
        whole = texts[0] if len(texts) == 1 else f"ops.concatenate([{', '.join(texts)}]{along})"
        return whole + (blocks[0].columns if alike else "") + ("" if shape else "[0]")
    if cells.size > longest:
        return ""
    row = np.concatenate([one.cells.ravel() for one in every])
    places = np.array([int(np.flatnonzero(row == cell)[0]) for cell in cells]).reshape(shape)
    texts = [one.text if one.cells.ndim == 1 else f"ops.ravel({one.text})" for one in every]
    return f"ops.concatenate([{', '.join(texts)}])[np.array({places.tolist()})]"


@dataclass(frozen=True)
class _Line:
    """A line of a variable, or of it `turned`, and the index of those of its numbers that are meant."""

    held: Held
    turned: bool
    place: int
    columns: str


@dataclass
class _Block:
    """Lines of a variable that follow each other."""

    text: str
    columns: str
    width: int


def _blocks(table: Places, every: Sequence[Held], flat: bool = False, turned: bool = False) -> list[_Block]:
    """Return what gives the rows of a table when it is put one below the other; nothing where too much is needed.

    `turned`: what gives them as columns, one beside the other.
    """
    runs: list[list[_Line]] = []
    for row in table:
        lines = list(_lines(row, every, flat))
        last = runs[-1][-1] if runs else None
        after = [one for one in lines if last is not None and _follows(one, last)]
        if after:
            runs[-1].append(after[0])
        elif not lines or len(runs) == _MOST_BLOCKS:
            return []
        else:
            runs.append([lines[0]])
    return [_block(run, flat, turned) for run in runs]


def _follows(line: _Line, last: _Line) -> bool:
    alike = (line.held, line.turned, line.columns) == (last.held, last.turned, last.columns)
    return alike and line.place == last.place + 1


def _lines(cells: Places, every: Sequence[Held], flat: bool) -> Iterator[_Line]:
    """Yield the lines of variables that hold some cells."""
    for held in every:
        for turned in (False,) if flat else (False, True):
            table = _table(held.cells, flat)
            table = table.T if turned else table
            for place in np.flatnonzero((table == cells[0]).any(axis=1)):
                line = table[place]
                if np.isin(cells, line).all():
                    where = [int(np.flatnonzero(line == cell)[0]) for cell in cells]
                    regular = where == [*range(where[0], where[0] + len(where))]
                    index = slice_text(where[0], len(where), 1, line.size) if regular else f"np.array({where})"
                    yield _Line(held, turned, int(place), index)


def _block(run: Sequence[_Line], flat: bool, turned: bool) -> _Block:
    first, held = run[0], run[0].held
    table, text = _table(held.cells, flat), held.text
    if not flat and held.cells.ndim != 2:
        text = f"{text}[None]" if held.cells.ndim == 1 else f"ops.reshape({text}, {table.shape})"
    text = text if first.turned == turned else f"ops.transpose({text})"
    count, width = table.shape[::-1] if first.turned else table.shape
    lines = slice_text(first.place, len(run), 1, count)
    return _Block(text + _index(lines, turned), _index(first.columns, not turned), width)


def _index(places: str, columns: bool) -> str:
    """Return an index of columns, or of rows; none for all."""
    return "" if places == ":" else f"[:, {places}]" if columns else f"[{places}]"


def _table(cells: Places, flat: bool) -> Places:
    """Return a variable's cells as a table, those of a line below each other where `flat`."""
    return cells.reshape(-1, 1) if flat else cells.reshape(-1, cells.shape[-1])

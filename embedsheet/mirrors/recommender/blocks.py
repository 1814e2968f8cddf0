"""The blocks of a recommender in a workbook: found by defined names or given by the user, read, checked, never guessed.

A model sheet has users with ids and factors, movies with ids and factors, perhaps biases, and ratings: as a cross-tab
(users down, movies across, blanks allowed) or one a row (user id, movie id, rating in three columns).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedsheet.book.book import Book
from embedsheet.ground.errors import ModelError
from embedsheet.ground.kinds import ErrorText
from embedsheet.ground.notation.addresses import Area, Cell

Floats = NDArray[np.float64]
Places = NDArray[np.int32]
Id = float | str

# Block → the names that a sheet may have for it. `ratings` alone is a cross-tab.
NAMES: dict[str, tuple[str, ...]] = {
    "user_ids": ("users.id",),
    "user_factors": ("users.factors",),
    "user_bias": ("users.bias",),
    "movie_ids": ("movies.id",),
    "movie_factors": ("movies.factors",),
    "movie_bias": ("movies.bias",),
    "ratings": ("ratings", "ratings.rating"),
    "rating_users": ("ratings.user",),
    "rating_movies": ("ratings.movie",),
    "predictions": ("predictions",),
    "rmse": ("rmse",),
}
NEEDED = ("user_ids", "user_factors", "movie_ids", "movie_factors", "ratings")
TABLES: tuple[str, ...] = ("user_factors", "movie_factors", "user_bias", "movie_bias")
_MOST_SHOWN = 5


@dataclass(frozen=True, slots=True, eq=False)
class SheetModel:
    """A recommender as a sheet holds it: n users, m movies, k factors, R ratings.

    blocks: where each block is, by the keys of `NAMES`. user_factors: (n, k), movie_factors: (m, k), biases (n,) and
    (m,) or None; user, movie: (R,) places of each rating's user and movie; rating: (R,). predictions: (R,) as stored,
    or None; rmse: as stored, or None.
    """

    sheet: str
    blocks: Mapping[str, Area]
    user_ids: Sequence[Id]
    movie_ids: Sequence[Id]
    user_factors: Floats
    movie_factors: Floats
    user_bias: Floats | None
    movie_bias: Floats | None
    user: Places
    movie: Places
    rating: Floats
    predictions: Floats | None
    rmse: float | None

    @property
    def weights(self) -> dict[str, Floats]:
        """The weights by their names in Keras: factors (rows, k) and, if the sheet has them, biases (rows, 1)."""
        found = {"user_factors": self.user_factors, "movie_factors": self.movie_factors}
        if self.user_bias is not None and self.movie_bias is not None:
            found |= {"user_bias": self.user_bias[:, None], "movie_bias": self.movie_bias[:, None]}
        return found

    def in_sheet(self, name: str, rows: Floats) -> Floats:
        """Turn a table of Keras, (users or movies, columns), as the block lies on the sheet."""
        turned = rows.T if _lies_across(self.blocks, name) else rows
        return turned if turned.shape == self.blocks[name].shape else turned.T


def model_sheets(workbook: Book) -> list[str]:
    """Return the sheets whose names make a recommender, in the workbook's order."""
    return [
        sheet
        for sheet in workbook.sheets
        if all(any(_own(workbook, name, sheet) for name in NAMES[block]) for block in NEEDED)
    ]


def choose_sheet(workbook: Book, sheet: str | None, given: Mapping[str, str]) -> str:
    """Return the sheet asked for, or that of the given blocks, the only one, the only one with one rating a row."""
    if sheet is not None:
        return workbook.sheet(sheet).name
    if given:
        return workbook.area(next(iter(given.values()))).sheet
    found = model_sheets(workbook)
    in_rows = [name for name in found if _own(workbook, "ratings.user", name)]
    for candidates in (found, in_rows):
        if len(candidates) == 1:
            return candidates[0]
    if found:
        raise ModelError(f"{workbook.path.name}: has several models; choose one with --sheet: {', '.join(found)}.")
    raise ModelError(
        f"{workbook.path.name}: no sheet has the names users.id, users.factors, movies.id, movies.factors and ratings; "
        "say where the blocks are with --user-ids, --user-factors, --movie-ids, --movie-factors and --ratings."
    )


def find_blocks(workbook: Book, sheet: str, given: Mapping[str, str] | None = None) -> dict[str, Area]:
    """Return the areas of a sheet's blocks; `given` (block → address or name) goes before the defined names.

    Raises ModelError that lists every block that is missing.
    """
    given = given or {}
    unknown = sorted(set(given) - set(NAMES))
    if unknown:
        raise ModelError(f"There are no blocks called {', '.join(unknown)}; there are {', '.join(NAMES)}.")
    blocks = {block: workbook.area(text, sheet) for block, text in given.items()}
    for block, names in NAMES.items():
        # Whoever says where the ratings are says it completely: a sheet's own columns beside them would be a guess.
        if block in blocks or (block.startswith("rating_") and "ratings" in given):
            continue
        own = next((name for name in names if _own(workbook, name, sheet)), None)
        if own is not None:
            blocks[block] = workbook.area(own, sheet)
    missing = [block for block in NEEDED if block not in blocks]
    for one, other in (("user_bias", "movie_bias"), ("rating_users", "rating_movies")):
        missing += [name for name in (one, other) if name not in blocks and (one in blocks or other in blocks)]
    if missing:
        options = ", ".join(f"--{block.replace('_', '-')}" for block in missing)
        raise ModelError(f"{sheet}: not found: {', '.join(map(_words, missing))}; say where with {options}.")
    if "rmse" not in blocks and sheet in workbook.setups and (objective := workbook.setups[sheet].objective):
        blocks["rmse"] = Area(*objective, objective.row, objective.column)
    return blocks


def read_model(workbook: Book, sheet: str | None = None, given: Mapping[str, str] | None = None) -> SheetModel:
    """Read a sheet's recommender. Raises ModelError that lists everything wrong with the blocks."""
    sheet = choose_sheet(workbook, sheet, given or {})
    blocks = find_blocks(workbook, sheet, given)
    faults: list[str] = []
    ids = {what: _ids(workbook, blocks[f"{what}_ids"], faults) for what in ("user", "movie")}
    tables: dict[str, Floats] = {
        name: _table(workbook, blocks, name, len(ids[name.split("_")[0]]), faults) for name in TABLES if name in blocks
    }
    read = _rows if "rating_users" in blocks else _crosstab
    user, movie, rating = read(workbook, blocks, ids["user"], ids["movie"], faults)
    widths = {tables[name].shape[1] for name in ("user_factors", "movie_factors")}
    if len(widths) > 1 and not faults:
        faults.append(
            f"users have {tables['user_factors'].shape[1]} factors ({blocks['user_factors']}), movies "
            f"{tables['movie_factors'].shape[1]} ({blocks['movie_factors']}); choose blocks of as many."
        )
    if not faults:
        faults += _without_factors(blocks, tables, ids, user, movie)
    if not faults and not len(rating):
        faults.append(f"{blocks['ratings']}: there is no rating; nothing can be learned.")
    predictions = _predictions(workbook, blocks, user, movie, rating, faults)
    if faults:
        shown = faults[: 2 * _MOST_SHOWN]
        raise ModelError("\n".join(shown + [f"and {len(faults) - len(shown)} more"] * (len(faults) > len(shown))))
    rmse = workbook.numbers(blocks["rmse"])[0, 0] if "rmse" in blocks else np.nan
    return SheetModel(
        sheet, blocks, ids["user"], ids["movie"], tables["user_factors"], tables["movie_factors"],
        tables["user_bias"][:, 0] if "user_bias" in tables else None,
        tables["movie_bias"][:, 0] if "movie_bias" in tables else None,
        user, movie, rating, predictions, None if np.isnan(rmse) else float(rmse),
    )  # fmt: skip


def _own(workbook: Book, name: str, sheet: str) -> bool:
    entry = workbook.name(name, sheet)
    return entry is not None and entry.sheet is not None and "#REF!" not in entry.text


def _words(block: str) -> str:
    return block.replace("_", " ")


def _lies_across(blocks: Mapping[str, Area], name: str) -> bool:
    """Whether a block's users or movies are side by side, as their ids are."""
    rows, columns = blocks[f"{name.split('_')[0]}_ids"].shape
    return rows < columns


def _cells(area: Area) -> Iterator[Cell]:
    return area.cells()


def _ids(workbook: Book, area: Area, faults: list[str]) -> list[Id]:
    """Return the ids of a row or column of cells; numbers and texts are ids."""
    if min(area.shape) != 1:
        faults.append(f"{area}: ids stand in one row or one column, not in {area.shape[0]} × {area.shape[1]} cells.")
        return []
    ids: list[Id] = []
    seen: dict[Id, Cell] = {}
    values = [value for row in workbook.values(area) for value in row]
    for cell, value in zip(_cells(area), values, strict=True):
        if value is None or isinstance(value, (bool, ErrorText)) or value == "":
            faults.append(f"{cell}: an id is missing; fill it in, or choose a block without it.")
            continue
        if value in seen:
            faults.append(f"{cell}: the id {_plain(value)} stands at {seen[value]} already; give each its own.")
        seen[value] = cell
        ids.append(value)
    return ids


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else repr(value)


def _numbers(workbook: Book, area: Area, faults: list[str], what: str) -> Floats:
    """Return the numbers of an area, NaN for a blank; whatever is neither is a fault."""
    numbers = workbook.numbers(area)
    for (row, column), value in (
        ((row, column), value)
        for row, line in enumerate(workbook.values(area))
        for column, value in enumerate(line)
        if value is not None and not (isinstance(value, float) or value == "")
    ):
        faults.append(f"{Cell(area.sheet, area.top + row, area.left + column)}: {value!s} is no {what}; type a number.")
    return numbers


def _table(workbook: Book, blocks: Mapping[str, Area], name: str, count: int, faults: list[str]) -> Floats:
    """Return a block's rows, (users or movies, k)."""
    area = blocks[name]
    numbers = _numbers(workbook, area, faults, _words(name))
    across = _lies_across(blocks, name)
    if area.shape[1 if across else 0] != count and area.shape[0 if across else 1] == count:
        across = not across  # factors may lie the other way than the ids, as long as the lengths leave no doubt
    if area.shape[1 if across else 0] != count:
        kind = name.split("_")[0]
        faults.append(
            f"{area}: {area.shape[0]} × {area.shape[1]} cells of {_words(name)} do not fit {count} {kind} ids "
            f"({blocks[f'{kind}_ids']}); choose blocks of the same length."
        )
    return numbers.T if across else numbers


def _crosstab(
    workbook: Book, blocks: Mapping[str, Area], users: list[Id], movies: list[Id], faults: list[str]
) -> tuple[Places, Places, Floats]:
    area = blocks["ratings"]
    numbers = _numbers(workbook, area, faults, "rating")
    if area.shape != (len(users), len(movies)):
        faults.append(
            f"{area}: a cross-tab of {len(users)} users × {len(movies)} movies has not {area.shape[0]} × "
            f"{area.shape[1]} cells; choose another block, or name the columns of users and movies with --rating-users "
            "and --rating-movies."
        )
    user, movie = np.nonzero(~np.isnan(numbers))
    return user.astype(np.int32), movie.astype(np.int32), numbers[user, movie]


def _rows(
    workbook: Book, blocks: Mapping[str, Area], users: list[Id], movies: list[Id], faults: list[str]
) -> tuple[Places, Places, Floats]:
    area = blocks["ratings"]
    rating = _numbers(workbook, area, faults, "rating")[:, 0]
    columns = [blocks[name] for name in ("rating_users", "rating_movies")]
    nothing = np.empty(0, np.int32)
    if any(column.shape != area.shape for column in columns) or area.shape[1] != 1:
        sizes = ", ".join(f"{column} has {column.shape[0]} × {column.shape[1]}" for column in (*columns, area))
        faults.append(f"users, movies and ratings must be columns of the same length: {sizes}.")
        return nothing, nothing, np.empty(0)
    for row in np.flatnonzero(np.isnan(rating))[:_MOST_SHOWN]:
        faults.append(f"{Cell(area.sheet, area.top + int(row), area.left)}: the rating is missing; fill it in.")
    places = []
    for column, ids, kind in zip(columns, (users, movies), ("user", "movie"), strict=True):
        place = {one: at for at, one in enumerate(ids)}
        values = [row[0] for row in workbook.values(column)]
        found = np.array([place.get(value, -1) for value in values], np.int32)  # type: ignore[arg-type]
        unknown = np.flatnonzero(found < 0)
        for row in unknown[:_MOST_SHOWN]:
            cell = Cell(column.sheet, column.top + int(row), column.left)
            faults.append(
                f"{cell}: there is no {kind} {_plain(values[row])} among the ids ({blocks[f'{kind}_ids']}); add a row "
                "of factors, or remove the rating."
            )
        if len(unknown) > _MOST_SHOWN:
            faults.append(f"{column}: {len(unknown) - _MOST_SHOWN} more unknown ids.")
        places.append(found)
    return places[0], places[1], rating


def _without_factors(
    blocks: Mapping[str, Area], tables: Mapping[str, Floats], ids: Mapping[str, list[Id]], user: Places, movie: Places
) -> list[str]:
    """Name the rated users and movies of whom a factor or bias is blank."""
    faults = []
    for name, table in tables.items():
        kind = name.split("_")[0]
        blank = np.flatnonzero(np.isnan(table).any(axis=1))
        for place in np.intersect1d(blank, user if kind == "user" else movie):
            faults.append(
                f"{blocks[name]}: {kind} {_plain(ids[kind][place])} has ratings but no {_words(name)}; fill in numbers "
                "to start from."
            )
    return faults


def _predictions(
    workbook: Book, blocks: Mapping[str, Area], user: Places, movie: Places, rating: Floats, faults: list[str]
) -> Floats | None:
    area = blocks.get("predictions")
    if area is None or faults:
        return None
    numbers = workbook.numbers(area)
    if "rating_users" in blocks:
        if area.shape == (len(rating), 1):
            return numbers[:, 0]
    elif area.shape == blocks["ratings"].shape:
        return np.asarray(numbers[user, movie])
    faults.append(
        f"{area}: {area.shape[0]} × {area.shape[1]} predictions do not fit the ratings ({blocks['ratings']})."
    )
    return None

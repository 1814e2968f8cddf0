"""Read any MovieLens release as GroupLens publishes it: `.csv`, `::`-separated, `u.data`, or the `.zip` as downloaded.

A rating is (user id, movie id, stars, seconds since 1970). Reading 25 million of them takes seconds; a line that makes
no sense is reported with its file and number rather than skipped.
"""

from __future__ import annotations

import csv
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING

import numpy as np

from embedsheet.ground.data.ratings import Movie, MovieLens, split_genres
from embedsheet.ground.errors import DataError

if TYPE_CHECKING:
    import polars as pl

COLUMNS = ("user", "movie", "rating", "timestamp")
LARGEST_ID = 2**31 - 1
LARGEST_RATING = 10.0  # GroupLens' scales end at 5; other sites' exports in the same form at 10
FAULTS_SHOWN = 5

_GENRES_100K = (
    "unknown|Action|Adventure|Animation|Children|Comedy|Crime|Documentary|Drama|Fantasy|Film-Noir|Horror|Musical|"
    "Mystery|Romance|Sci-Fi|Thriller|War|Western"
).split("|")
# Longer than any line of ratings; a file without line ends must not be held in memory as one.
_LONGEST_LINE = 10_000
_ID = re.compile(r"[0-9]{1,10}")
_NUMBER = re.compile(r"-?[0-9.eE+-]+")
# What Python's zipfile raises for damage, by where it lies; a password is a RuntimeError.
_ZIP_FAULTS = (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, RuntimeError, struct.error, ValueError)
_RATIO_FREE, _RATIO_LIMIT = 1 << 24, 100
_YEAR_AT_END = re.compile(r"\s*\((\d{4})(?:[-–]\d{0,4})?\)\s*\Z")


@dataclass(frozen=True, slots=True)
class Format:
    """How one family of releases writes its two files."""

    ratings: str
    movies: str
    separator: str
    header: bool
    read_movies: Callable[[bytes, str], tuple[Movie, ...]]


@dataclass(frozen=True, slots=True)
class Source:
    """One file, on disk or inside a zip. `name` is what a message calls it."""

    path: Path
    member: str | None = None

    @property
    def name(self) -> str:
        return str(self.path) if self.member is None else f"{self.path}:{self.member}"

    def beside(self, filename: str) -> Source | None:
        """Return the file of that name in the same folder, or None."""
        if self.member is None:
            path = self.path.with_name(filename)
            return Source(path) if path.is_file() else None
        member = str(PurePosixPath(self.member).with_name(filename))
        return Source(self.path, member) if member in _members(self.path) else None

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """Open the file for reading. Raises DataError when that fails, also while it is read."""
        try:
            if self.member is None:
                with self.path.open("rb") as file:
                    yield file
            else:
                with zipfile.ZipFile(self.path) as archive:
                    self._refuse_bomb(archive.getinfo(self.member))
                    with archive.open(self.member) as file:
                        yield file
        except OSError as error:
            raise DataError(f"{self.name}: cannot be read ({error.strerror or error}); check the file.") from error
        except _ZIP_FAULTS as error:
            raise DataError(f"{self.name}: is damaged ({str(error)[:200]}); download it again.") from error

    def _refuse_bomb(self, info: zipfile.ZipInfo) -> None:
        """Raise DataError for what is packed as no list of ratings is: those of GroupLens are packed 3 to 5 to one."""
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise DataError(f"{self.name}: is compressed in an unusual way; unpack the zip and name its folder.")
        if info.file_size > _RATIO_FREE and info.file_size > _RATIO_LIMIT * info.compress_size:
            raise DataError(
                f"{self.name}: unpacks to {info.file_size >> 20:,} MB from {info.compress_size >> 10:,} KB, which no "
                "list of ratings does; download it again."
            )

    def read(self) -> bytes:
        with self.open() as file:
            return file.read()


def read_ratings(path: str | Path) -> MovieLens:
    """Return the ratings of a MovieLens release; titles come from the movies file beside them where there is one.

    path: `ratings.csv`, `ratings.dat`, `u.data`, the folder that holds one of them, or the downloaded `.zip`.
    Raises DataError with file and line for what cannot be read.
    """
    source, form = _find(Path(path))
    frame = _read_columns(source, form)
    if frame.is_empty():
        raise DataError(f"{source.name}: holds no ratings; download the release again.")
    user_ids = frame["user"].to_numpy().astype(np.int32)
    movie_ids = frame["movie"].to_numpy().astype(np.int32)
    beside = source.beside(form.movies)
    known = {} if beside is None else {movie.id: movie for movie in form.read_movies(beside.read(), beside.name)}
    return MovieLens(
        users=np.unique(user_ids),
        movies=tuple(known.get(i) or Movie(i, None, None, ()) for i in np.unique(movie_ids).tolist()),
        user_ids=user_ids,
        movie_ids=movie_ids,
        ratings=frame["rating"].to_numpy().astype(np.float64),
        timestamps=frame["timestamp"].to_numpy().astype(np.int64),
    )


def _find(path: Path) -> tuple[Source, Format]:
    """Return the ratings file that `path` means, and its form."""
    names = ", ".join(FORMATS)
    if path.is_dir():
        for name, form in FORMATS.items():
            if (path / name).is_file():
                return Source(path / name), form
        raise DataError(f"{path}: holds none of {names}; name the folder of an unpacked MovieLens release.")
    if not path.exists():
        raise DataError(f"{path}: no such file; give ratings.csv, ratings.dat, u.data or the .zip as downloaded.")
    if path.suffix.lower() == ".zip":
        members = _members(path)
        for name, form in FORMATS.items():
            for member in members:
                if PurePosixPath(member).name == name:
                    return Source(path, member), form
        raise DataError(f"{path}: holds none of {names}; give a MovieLens release as GroupLens publishes it.")
    for name, form in FORMATS.items():
        if path.name == name or path.suffix.lower() == Path(name).suffix:
            return Source(path), form
    raise DataError(f"{path}: unknown kind of ratings file; give one of {names}, or the .zip as downloaded.")


def _members(path: Path) -> list[str]:
    """Return the names of the files in a zip."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (OSError, *_ZIP_FAULTS) as error:
        raise DataError(f"{path}: is not a whole zip file ({error}); download it again.") from error


def _read_columns(source: Source, form: Format) -> pl.DataFrame:
    """Return the four columns; when the fast reader or a range check objects, find the lines and say which."""
    import polars as pl

    if form.header:
        with source.open() as file:
            header = file.readline(_LONGEST_LINE).decode("utf-8-sig", errors="replace").strip()
        if header.split(form.separator)[:3] != ["userId", "movieId", "rating"]:
            raise DataError(
                f"{source.name}, line 1: found {header[:80]!r} where the header userId,movieId,rating,timestamp is "
                "expected; give a MovieLens release as GroupLens publishes it."
            )
    separator = form.separator
    content: Path | io.BytesIO = source.path
    if len(separator) > 1:  # Polars takes separators of one character only
        content = io.BytesIO(source.read().replace(separator.encode(), b"\t"))
        separator = "\t"
    elif source.member is not None:
        content = io.BytesIO(source.read())
    try:
        frame = pl.read_csv(
            content,
            has_header=False,
            skip_rows=int(form.header),
            separator=separator,
            quote_char=None,
            schema=dict(zip(COLUMNS, (pl.Int64, pl.Int64, pl.Float64, pl.Int64), strict=True)),
        )
    except pl.exceptions.NoDataError:
        return pl.DataFrame(schema=dict.fromkeys(COLUMNS, pl.Int64))
    except pl.exceptions.PolarsError as error:
        raise DataError(_faults(source, form) or f"{source.name}: {error}") from error
    in_range = frame.select(
        pl.col("user", "movie").is_between(0, LARGEST_ID).all(), pl.col("rating").is_between(0, LARGEST_RATING).all()
    ).row(0)
    if sum(frame.null_count().row(0)) or not all(in_range):
        raise DataError(_faults(source, form) or f"{source.name}: holds empty fields; download it again.")
    return frame


def _faults(source: Source, form: Format) -> str:
    """Return one message that names the first bad lines; "" when every line is sound."""
    bad: list[str] = []
    with source.open() as file:
        lines = iter(lambda: file.readline(_LONGEST_LINE), b"")
        for number, line in enumerate(lines, 1):
            text = line.decode("utf-8", errors="replace").rstrip("\r\n")
            fault = "" if number == 1 and form.header else _line_fault(text, form.separator)
            if fault and len(bad) == FAULTS_SHOWN:
                bad.append("… and more.")
                break
            if fault:
                bad.append(f"{source.name}, line {number}: {fault}; found {text[:80]!r}.")
    return "\n".join([*bad, "Mend or remove these lines, or download the release again."]) if bad else ""


def _line_fault(line: str, separator: str) -> str:
    """Return what is wrong with a line of ratings, or ""."""
    fields = line.split(separator)
    if len(fields) != len(COLUMNS):
        return f"{len(fields)} fields where user, movie, rating, timestamp are expected"
    for name, text in zip(COLUMNS, fields, strict=True):
        try:
            value = float(text) if name == "rating" else int(text)
        except ValueError:
            return f"the {name} is not a number"
        if name in ("user", "movie") and not 0 <= value <= LARGEST_ID:
            return f"the {name} id is out of range"
        if name == "rating" and not 0 <= value <= LARGEST_RATING:
            return "the rating is out of range"
        if not _NUMBER.fullmatch(text):  # Python reads more, such as 1_000 and Arabic digits
            return f"the {name} is not written as a number"
    return ""


def _decode(content: bytes, encoding: str) -> str:
    """Return the text: UTF-8 where it is valid, else the encoding of the older releases."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode(encoding)


def _titled(movie_id: str, title: str, genres: tuple[str, ...], place: str) -> Movie:
    """Return a movie from "Toy Story (1995)"."""
    if not _ID.fullmatch(movie_id.strip()):
        raise DataError(f"{place}: the movie id {movie_id[:20]!r} is not a number; download the release again.")
    year = _YEAR_AT_END.search(title)
    plain = " ".join((title[: year.start()] if year else title).split())
    return Movie(int(movie_id), plain or None, int(year[1]) if year else None, genres)


def _read_movies_csv(content: bytes, name: str) -> tuple[Movie, ...]:
    rows = csv.reader(io.StringIO(_decode(content, "latin-1"), newline=""))
    movies = []
    try:
        next(rows, None)
        for row in rows:
            place = f"{name}, line {rows.line_num}"
            if len(row) < 3:
                raise DataError(
                    f"{place}: {len(row)} fields where movieId,title,genres are expected; download it again."
                )
            movies.append(_titled(row[0], row[1], split_genres(row[2]), place))
    except csv.Error as error:
        raise DataError(f"{name}, line {rows.line_num}: cannot be read as CSV ({error}); download it again.") from error
    return tuple(movies)


def _read_movies_dat(content: bytes, name: str) -> tuple[Movie, ...]:
    movies = []
    for number, line in enumerate(_decode(content, "latin-1").splitlines(), 1):
        fields = line.split("::")
        if len(fields) != 3:
            raise DataError(f"{name}, line {number}: expected MovieID::Title::Genres, found {line[:80]!r}.")
        movies.append(_titled(fields[0], fields[1], split_genres(fields[2]), f"{name}, line {number}"))
    return tuple(movies)


def _read_movies_item(content: bytes, name: str) -> tuple[Movie, ...]:
    movies = []
    for number, line in enumerate(_decode(content, "latin-1").split("\n"), 1):
        fields = line.rstrip("\r").split("|")
        if len(fields) == 1 and not fields[0].strip():
            continue
        if len(fields) != 5 + len(_GENRES_100K):
            raise DataError(f"{name}, line {number}: {len(fields)} fields where 24 are expected, found {line[:80]!r}.")
        genres = tuple(genre for genre, flag in zip(_GENRES_100K, fields[5:], strict=True) if flag == "1")
        movies.append(_titled(fields[0], fields[1], genres, f"{name}, line {number}"))
    return tuple(movies)


FORMATS = {
    "ratings.csv": Format("ratings.csv", "movies.csv", ",", True, _read_movies_csv),
    "ratings.dat": Format("ratings.dat", "movies.dat", "::", False, _read_movies_dat),
    "u.data": Format("u.data", "u.item", "\t", False, _read_movies_item),
}

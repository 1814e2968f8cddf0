"""The MovieLens workbook holds the lecture's data, is right in every program, and its names lead to its blocks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openpyxl
import pytest

from embedsheet.ground.data import movielens
from embedsheet.ground.errors import FileError, LessonError
from embedsheet.lessons.movielens import build
from embedsheet.lessons.movielens.choice import choose, start
from embedsheet.workbook import Workbook
from embedsheet.xlsx.writer.page import Book
from kit.judges import (
    CellValue,
    Values,
    embedsheet_values,
    gnumeric_values,
    libreoffice_values,
    libreoffice_values_of,
    read_values,
)

LECTURE = Path(__file__).parents[2] / "shared" / "data" / "lecture" / "collab_filter.xlsx"
# What the lecture's cross-tab shows, as MovieLens ids.
LECTURE_USERS = [15, 30, 73, 212, 213, 294, 311, 380, 452, 468, 509, 547, 564, 580, 624]
LECTURE_MOVIES = [110, 296, 356, 480, 527, 589, 593, 318, 260, 1196, 1198, 1270, 2571, 1, 608]
MODEL_SHEETS = ("Cross-tab", "Cross-tab with bias", "One rating a row")
ODD_SIZES = [
    {"users": 1, "movies": 1, "factors": 1},
    {"users": 2, "movies": 40, "factors": 3},
    {"users": 40, "movies": 2, "factors": 1},
    {"users": 5, "movies": 4, "factors": 12},
    {"users": 7, "movies": 9, "factors": 2, "seed": 0},
]


def differences(written: Values, recalculated: Values) -> list[str]:
    """Return the cells whose values differ by more than 1e-9 of the larger one (or of 1, the size of the operands)."""
    found = []
    for sheet, cells in written.items():
        for address, ours in cells.items():
            theirs = recalculated[sheet].get(address)
            if not same(ours, theirs):
                found.append(f"{sheet}!{address}: written {ours!r}, recalculated {theirs!r}")
    return found


def same(ours: CellValue, theirs: CellValue) -> bool:
    if isinstance(ours, float) and isinstance(theirs, float):
        return abs(ours - theirs) <= 1e-9 * max(abs(ours), abs(theirs), 1.0)
    return ours == theirs or (ours in (None, "") and theirs in (None, ""))


def errors_in(values: Values) -> list[str]:
    return [
        f"{sheet}!{address}: {value}"
        for sheet, cells in values.items()
        for address, value in cells.items()
        if isinstance(value, str) and value.startswith("#")
    ]


def block(book: Workbook, sheet: str, name: str) -> np.ndarray:
    return book.numbers(book.area(name, sheet))


def test_the_defaults_give_the_lectures_ratings(movielens_book: Path) -> None:
    book = Workbook.open(movielens_book)
    for sheet in MODEL_SHEETS:
        assert block(book, sheet, "users.id").ravel().tolist() == LECTURE_USERS
        assert block(book, sheet, "movies.id").ravel().tolist() == LECTURE_MOVIES
    ratings = block(book, "Cross-tab", "ratings")
    assert np.sum(~np.isnan(ratings)) == 206
    data = movielens()
    for user, row in zip(LECTURE_USERS, ratings, strict=True):
        for movie, rating in zip(LECTURE_MOVIES, row, strict=True):
            there = data.ratings[(data.user_ids == user) & (data.movie_ids == movie)]
            assert [rating] == there.tolist() or (np.isnan(rating) and not len(there))


def test_the_cross_tab_equals_the_lecturers_own_sheet(movielens_book: Path) -> None:
    """`dotprod` holds the same ratings in H2:V16, under 0-based indices; the users' are in G2:G16."""
    if not LECTURE.exists():
        pytest.skip("the lecture's workbook is not here")
    lecture = Workbook.open(LECTURE)
    theirs = lecture.numbers(lecture.area("H2:V16", "dotprod"))
    users = lecture.numbers(lecture.area("G2:G16", "dotprod")).ravel()
    ours = Workbook.open(movielens_book)
    assert (users + 1).tolist() == LECTURE_USERS
    np.testing.assert_array_equal(block(ours, "Cross-tab", "ratings"), theirs)


@pytest.mark.parametrize("judge", [gnumeric_values, libreoffice_values, embedsheet_values])
def test_every_program_recalculates_what_was_written(movielens_book: Path, judge: object) -> None:
    written = read_values(movielens_book)
    assert not errors_in(written)
    assert sum(map(len, written.values())) > 5_000
    assert not differences(written, judge(movielens_book))  # type: ignore[operator]


@pytest.mark.soak
def test_odd_sizes_are_right_too(tmp_path: Path) -> None:
    paths = [build(tmp_path / f"odd {place}.xlsx", **options) for place, options in enumerate(ODD_SIZES)]  # type: ignore[arg-type]
    for path, office in zip(paths, libreoffice_values_of(paths), strict=True):
        written = read_values(path)
        assert not errors_in(written)
        assert not differences(written, office), path.name
        assert not differences(written, gnumeric_values(path)), path.name


@pytest.mark.parametrize(("sheet", "changing"), [
    ("Cross-tab", ["users.factors", "movies.factors"]),
    ("Cross-tab with bias", ["users.factors", "movies.factors", "users.bias", "movies.bias"]),
    ("One rating a row", ["users.factors", "movies.factors"]),
])  # fmt: skip
def test_solver_opens_filled_in(movielens_book: Path, sheet: str, changing: list[str]) -> None:
    """Read back by openpyxl: objective rmse, minimise (2), the named blocks, GRG (1), not restricted to ≥ 0 (2)."""
    names = openpyxl.load_workbook(movielens_book)[sheet].defined_names
    assert names["solver_opt"].attr_text == names["rmse"].attr_text
    assert names["solver_adj"].attr_text == ",".join(names[name].attr_text for name in changing)
    assert [names[f"solver_{what}"].attr_text for what in ("typ", "eng", "neg", "num")] == ["2", "1", "2", "0"]
    assert all(names[name].hidden for name in names if name.startswith("solver_"))
    assert not any(names[name].hidden for name in ("rmse", *changing))


def test_the_same_start_has_the_same_rmse_on_the_cross_tab_and_in_rows(movielens_book: Path) -> None:
    """The two sheets are the same model written in two ways; so are the lecture's (both start at 2.8061)."""
    book = Workbook.open(movielens_book)
    assert block(book, "Cross-tab", "rmse") == pytest.approx(block(book, "One rating a row", "rmse"), rel=1e-14)
    assert block(book, "Cross-tab with bias", "rmse") < block(book, "Cross-tab", "rmse")


def test_starting_factors_are_hundredths_and_the_seed_decides_them(tmp_path: Path) -> None:
    choice = choose(movielens(), 15, 15)
    first, again, other = start(choice, 5, 1), start(choice, 5, 1), start(choice, 5, 2)
    np.testing.assert_array_equal(first.users, again.users)
    assert not np.array_equal(first.users, other.users)
    for values in (first.users, first.movies, first.user_bias, first.movie_bias):
        assert all(float(f"{value:.15g}") == value == round(value, 2) and value > 0 for value in values.ravel())


def test_the_same_options_make_the_same_bytes(tmp_path: Path) -> None:
    first, second = (build(tmp_path / name / "a.xlsx", users=3, movies=3) for name in _folders(tmp_path, "one", "two"))
    assert first.read_bytes() == second.read_bytes()


def _folders(parent: Path, *names: str) -> tuple[str, ...]:
    for name in names:
        (parent / name).mkdir()
    return names


def test_of_equally_rated_movies_the_smaller_id_wins() -> None:
    """1198 and 2858 both have 220 ratings; the fifteenth place goes to 1198."""
    ids = [movie.id for movie in choose(movielens(), 15, 15).movies]
    assert 1198 in ids and 2858 not in ids


def test_a_pair_rated_twice_counts_once_with_the_later_rating(tmp_path: Path) -> None:
    path = tmp_path / "ratings.csv"
    path.write_text("userId,movieId,rating,timestamp\n1,2,1.0,1\n1,3,2.0,2\n1,2,5.0,3\n", encoding="utf-8")
    book = Workbook.open(build(tmp_path / "twice.xlsx", users=1, movies=2, factors=2, ratings=path))
    assert block(book, "Cross-tab", "ratings").tolist() == [[5.0, 2.0]]
    assert block(book, "One rating a row", "ratings.rating").ravel().tolist() == [2.0, 5.0]


def test_movies_without_titles_are_shown_by_their_id(tmp_path: Path) -> None:
    path = tmp_path / "ratings.csv"
    path.write_text("userId,movieId,rating,timestamp\n1,2,1.0,1\n", encoding="utf-8")
    book = Workbook.open(build(tmp_path / "untitled.xlsx", users=1, movies=1, ratings=path))
    assert book.values(book.area("movies.title", "Cross-tab")) == [["movie 2 (title unknown)"]]


def test_the_guide_carries_citation_and_conditions(movielens_book: Path) -> None:
    text = " ".join(str(value) for value in read_values(movielens_book)["Guide"].values())
    for words in ("GroupLens", "10.1145/2827872", "research purposes", "same conditions", "no endorsement"):
        assert words in text


def test_the_guide_says_when_excels_solver_cannot_train_a_sheet(tmp_path: Path) -> None:
    """15 users + 15 movies with 5 factors and biases are 180 cells; with 8 factors they are 270 and 240."""
    small = read_values(build(tmp_path / "small.xlsx"))
    large = read_values(build(tmp_path / "large.xlsx", factors=8))
    assert "Data ► Solver ► Solve" in " ".join(map(str, small["Guide"].values()))
    assert "Data ► Solver ► Solve" not in " ".join(map(str, large["Guide"].values()))
    assert "stops at 200 changing cells; there are 240 here" in " ".join(map(str, large["Cross-tab"].values()))


def test_results_sheets_are_laid_out_for_what_fills_them(movielens_book: Path) -> None:
    book = Workbook.open(movielens_book)
    shapes = {
        ("Keras", "keras.users.factors"): (15, 5), ("Keras", "keras.movies.factors"): (15, 5),
        ("Keras", "keras.users.bias"): (15, 1), ("Keras", "keras.movies.bias"): (15, 1),
        ("Keras", "keras.predictions"): (206, 1), ("Keras", "keras.history.epoch"): (500, 1),
        ("Keras", "keras.history.rmse"): (500, 1), ("Keras", "keras.source"): (1, 1),
        ("Compare", "compare.predictions.same_weights"): (206, 1), ("Compare", "compare.users.mixing"): (5, 5),
        ("Compare", "compare.checks"): (8, 4), ("Compare", "compare.summary"): (40, 1),
        ("Solve log", "solver.history.iteration"): (500, 1), ("Solve log", "solver.history.objective"): (500, 1),
    }  # fmt: skip
    for (sheet, name), shape in shapes.items():
        area = book.area(name, sheet)
        assert area.shape == shape, name
        assert all(value in (None, "") for row in book.values(area) for value in row), name


def test_every_rating_fits_on_one_sheet(tmp_path: Path) -> None:
    """A release of 300 ratings, all of them: four formulas a row, and every program agrees."""
    data = movielens()
    lines = zip(data.user_ids[:300], data.movie_ids[:300], data.ratings[:300], data.timestamps[:300], strict=True)
    text = "".join("{},{},{},{}\n".format(*line) for line in lines)
    (tmp_path / "ratings.csv").write_text("userId,movieId,rating,timestamp\n" + text, encoding="utf-8")
    seen: list[tuple[int, int]] = []
    path = build(
        tmp_path / "all.xlsx", all_ratings=True, factors=3, ratings=tmp_path / "ratings.csv",
        progress=lambda done, rows: seen.append((done, rows)),
    )  # fmt: skip
    written = read_values(path)
    assert not errors_in(written)
    for judge in (gnumeric_values, libreoffice_values, embedsheet_values):
        assert not differences(written, judge(path))
    book = Workbook.open(path)
    assert len(book.sheets["One rating a row"].formula_cells) == 300 * 4 + 1
    assert seen[-1][0] == seen[-1][1] >= 300
    assert list(book.setups) == ["One rating a row"]


@pytest.mark.soak
def test_all_100_004_ratings_are_right_in_gnumeric(tmp_path: Path) -> None:
    path = build(tmp_path / "all.xlsx", all_ratings=True)
    written = read_values(path)
    assert not errors_in(written)
    assert not differences(written, gnumeric_values(path))
    assert not differences(written, libreoffice_values(path))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"users": 672}, "--users 672: there are 671 users in the ratings; choose 1 to 671."),
        ({"users": 0}, "--users 0"),
        ({"movies": -3}, "--movies -3"),
        ({"movies": 10_000}, "there are 9,066 movies"),
        ({"factors": 0}, "--factors 0: choose 1 to 200."),
        ({"factors": 201}, "--factors 201"),
        ({"seed": -1}, "--seed -1"),
        ({"users": 600, "movies": 6_000}, "--all for every rating without a cross-tab"),
    ],
)
def test_impossible_options_are_refused_before_anything_is_written(
    tmp_path: Path, options: dict[str, int], message: str
) -> None:
    with pytest.raises(LessonError) as error:
        build(tmp_path / "no.xlsx", **options)  # type: ignore[arg-type]
    assert message in str(error.value)
    assert not list(tmp_path.iterdir())


def test_users_who_rated_none_of_the_movies_are_refused(tmp_path: Path) -> None:
    text = "userId,movieId,rating,timestamp\n1,5,1,1\n1,6,1,1\n2,7,1,1\n3,7,1,1\n"
    (tmp_path / "ratings.csv").write_text(text, encoding="utf-8")
    with pytest.raises(LessonError, match="None of these 1 users rated any of these 1 movies"):
        build(tmp_path / "no.xlsx", users=1, movies=1, ratings=tmp_path / "ratings.csv")


def test_a_failure_half_way_leaves_nothing_behind(tmp_path: Path) -> None:
    def fail(book: Book) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(tmp_path / "no.xlsx", users=2, movies=2, finish=fail)
    assert not list(tmp_path.iterdir())


def test_an_existing_file_is_kept_unless_forced(tmp_path: Path) -> None:
    path = tmp_path / "Größe & Maß 映画.xlsx"
    path.write_bytes(b"mine")
    with pytest.raises(FileError, match="exists already; add --force"):
        build(path, users=2, movies=2)
    assert path.read_bytes() == b"mine"
    assert build(path, users=2, movies=2, force=True) == path
    assert openpyxl.load_workbook(path).sheetnames[0] == "Guide"
    assert [item.name for item in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("name", "message"),
    [("book.csv", "is not called .xlsx"), ("nowhere/book.xlsx", "no such folder"), ("folder.xlsx", "is a folder")],
)
def test_a_target_that_cannot_be_a_workbook_is_refused(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "folder.xlsx").mkdir()
    with pytest.raises(FileError, match=message):
        build(tmp_path / name, users=2, movies=2)

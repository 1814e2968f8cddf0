"""Blocks that make no sense are refused, each with its cell and what to do, before anything is trained or written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import xlsxwriter

from embedsheet.ground.errors import ModelError
from embedsheet.mirrors.recommender.blocks import find_blocks, read_model
from embedsheet.workbook import Workbook

# Two users, three movies, two factors, as a cross-tab with its factors beside and above.
CROSSTAB: dict[str, object] = {
    "A4": 7, "A5": 9, "B4": 0.1, "C4": 0.2, "B5": 0.3, "C5": 0.4,
    "E1": 11, "F1": 12, "G1": 13, "E2": 0.5, "F2": 0.6, "G2": 0.7, "E3": 0.8, "F3": 0.9, "G3": 1.0,
    "E4": 4, "G4": 2, "F5": 5,
}  # fmt: skip
CROSSTAB_BLOCKS = {
    "user_ids": "A4:A5", "user_factors": "B4:C5", "movie_ids": "E1:G1", "movie_factors": "E2:G3", "ratings": "E4:G5",
}  # fmt: skip
# The same with one rating a row.
ROWS: dict[str, object] = {
    "A1": 7, "A2": 9, "B1": 0.1, "C1": 0.2, "B2": 0.3, "C2": 0.4,
    "A3": 11, "A4": 12, "A5": 13, "B3": 0.5, "C3": 0.8, "B4": 0.6, "C4": 0.9, "B5": 0.7, "C5": 1.0,
    "E1": 7, "F1": 11, "G1": 4, "E2": 7, "F2": 13, "G2": 2, "E3": 9, "F3": 12, "G3": 5,
}  # fmt: skip
ROWS_BLOCKS = {
    "user_ids": "A1:A2", "user_factors": "B1:C2", "movie_ids": "A3:A5", "movie_factors": "B3:C5",
    "rating_users": "E1:E3", "rating_movies": "F1:F3", "ratings": "G1:G3",
}  # fmt: skip

Make = Callable[..., Workbook]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Write cells (None: left out) to a sheet S and open the workbook."""

    def write(cells: dict[str, object], **changed: object) -> Workbook:
        path = tmp_path / "book.xlsx"
        with xlsxwriter.Workbook(str(path)) as book:
            sheet = book.add_worksheet("S")
            for cell, value in (cells | changed).items():
                if value is not None:
                    sheet.write(cell, value)
        return Workbook.open(path)

    return write


def test_both_forms_hold_the_same_model(make: Make) -> None:
    across, down = read_model(make(CROSSTAB), "S", CROSSTAB_BLOCKS), read_model(make(ROWS), "S", ROWS_BLOCKS)
    for model in (across, down):
        assert model.user_ids == [7, 9]
        assert model.movie_ids == [11, 12, 13]
        assert model.user_factors.tolist() == [[0.1, 0.2], [0.3, 0.4]]
        assert model.movie_factors.tolist() == [[0.5, 0.8], [0.6, 0.9], [0.7, 1.0]]
        assert list(zip(model.user, model.movie, model.rating, strict=True)) == [(0, 0, 4), (0, 2, 2), (1, 1, 5)]


def test_factors_may_lie_the_other_way_than_their_ids(make: Make) -> None:
    cells = {cell: value for cell, value in CROSSTAB.items() if cell not in ("E2", "F2", "G2", "E3", "F3", "G3")}
    turned = {"J1": 0.5, "K1": 0.8, "J2": 0.6, "K2": 0.9, "J3": 0.7, "K3": 1.0}
    model = read_model(make(cells | turned), "S", CROSSTAB_BLOCKS | {"movie_factors": "J1:K3"})
    assert model.movie_factors.tolist() == [[0.5, 0.8], [0.6, 0.9], [0.7, 1.0]]
    assert model.in_sheet("movie_factors", model.movie_factors).shape == (3, 2)


def test_ids_may_be_names(make: Make) -> None:
    book = make(ROWS, A1="Ann", A2="Bob", E1="Ann", E2="Ann", E3="Bob")
    assert read_model(book, "S", ROWS_BLOCKS).user.tolist() == [0, 0, 1]


FAULTS: dict[str, tuple[dict[str, object], dict[str, str], dict[str, object], str]] = {
    "an unknown user": (ROWS, ROWS_BLOCKS, {"E2": 8}, r"S!E2: there is no user 8 among the ids \(S!A1:A2\)"),
    "an unknown movie": (ROWS, ROWS_BLOCKS, {"F3": 99}, r"S!F3: there is no movie 99 among the ids"),
    "text among the ratings": (CROSSTAB, CROSSTAB_BLOCKS, {"F4": "n/a"}, r"S!F4: n/a is no rating; type a number"),
    "a missing rating in a row": (ROWS, ROWS_BLOCKS, {"G2": None}, r"S!G2: the rating is missing"),
    "ratings without factors": (
        CROSSTAB, CROSSTAB_BLOCKS, {"C5": None}, r"S!B4:C5: user 9 has ratings but no user factors; fill in numbers",
    ),
    "text among the factors": (CROSSTAB, CROSSTAB_BLOCKS, {"E3": "x"}, r"S!E3: x is no movie factors; type a number"),
    "too few factors": (
        CROSSTAB, CROSSTAB_BLOCKS | {"user_factors": "B4:D6"}, {},
        r"S!B4:D6: 3 × 3 cells of user factors do not fit 2 user ids \(S!A4:A5\); choose blocks of the same length",
    ),
    "different numbers of factors": (
        ROWS, ROWS_BLOCKS | {"user_factors": "B1:B2"}, {}, r"users have 1 factors \(S!B1:B2\), movies 2 \(S!B3:C5\)",
    ),
    "columns of different lengths": (
        ROWS, ROWS_BLOCKS | {"rating_users": "E1:E2"}, {}, r"must be columns of the same length: S!E1:E2 has 2 × 1",
    ),
    "a cross-tab of another size": (
        CROSSTAB, CROSSTAB_BLOCKS | {"ratings": "E4:F5"}, {}, r"a cross-tab of 2 users × 3 movies has not 2 × 2 cells",
    ),
    "an empty cross-tab": (
        CROSSTAB, CROSSTAB_BLOCKS, {"E4": None, "G4": None, "F5": None}, r"S!E4:G5: there is no rating; nothing can",
    ),
    "an id twice": (CROSSTAB, CROSSTAB_BLOCKS, {"A5": 7}, r"S!A5: the id 7 stands at S!A4 already"),
    "an id missing": (CROSSTAB, CROSSTAB_BLOCKS, {"F1": None}, r"S!F1: an id is missing"),
    "ids in a table": (
        CROSSTAB, CROSSTAB_BLOCKS | {"user_ids": "A4:B5"}, {}, r"S!A4:B5: ids stand in one row or one column",
    ),
    "predictions of another size": (
        CROSSTAB, CROSSTAB_BLOCKS | {"predictions": "J1:J2"}, {}, r"2 × 1 predictions do not fit the ratings",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_blocks_that_make_no_sense_are_refused(fault: str, make: Make) -> None:
    cells, blocks, changed, message = FAULTS[fault]
    with pytest.raises(ModelError, match=message):
        read_model(make(cells, **changed), "S", blocks)


def test_all_faults_come_in_one_message(make: Make) -> None:
    with pytest.raises(ModelError, match=r"(?s)S!E2: there is no user.*S!F1: there is no movie"):
        read_model(make(ROWS, E2=8, F1=1), "S", ROWS_BLOCKS)


def test_many_faults_are_counted(make: Make) -> None:
    cells = ROWS | {f"{column}{row}": 5 for column in "EFG" for row in range(4, 40)}
    blocks = ROWS_BLOCKS | {"rating_users": "E1:E39", "rating_movies": "F1:F39", "ratings": "G1:G39"}
    with pytest.raises(ModelError, match="31 more unknown ids"):
        read_model(make(cells), "S", blocks)


def test_blocks_that_were_not_named_are_listed_with_their_options(make: Make) -> None:
    with pytest.raises(
        ModelError, match="not found: movie factors, ratings; say where with --movie-factors, --ratings"
    ):
        find_blocks(
            make(CROSSTAB), "S", {name: CROSSTAB_BLOCKS[name] for name in ("user_ids", "user_factors", "movie_ids")}
        )
    with pytest.raises(ModelError, match="not found: movie bias; say where with --movie-bias"):
        find_blocks(make(CROSSTAB), "S", CROSSTAB_BLOCKS | {"user_bias": "H4:H5"})


def test_a_workbook_without_our_names_says_which_are_wanted(make: Make) -> None:
    with pytest.raises(ModelError, match=r"no sheet has the names users\.id, users\.factors"):
        read_model(make(CROSSTAB))


def test_a_block_of_another_name_is_refused(make: Make) -> None:
    with pytest.raises(ModelError, match="no blocks called user_factor;"):
        find_blocks(make(CROSSTAB), "S", {"user_factor": "A1"})

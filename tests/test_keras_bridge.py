"""The sheet and Keras are the same model: weights go in, and predictions, loss, gradient and path are equal."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from embedsheet import keras_bridge
from embedsheet.ground.errors import ModelError
from embedsheet.keras_bridge import SheetModel, precision, read_model
from embedsheet.mirrors.recommender import comparison
from embedsheet.mirrors.recommender.blocks import model_sheets
from embedsheet.workbook import Workbook

LECTURE = Path(__file__).parents[2] / "shared" / "data" / "lecture" / "collab_filter.xlsx"
SHEETS = ["Cross-tab", "Cross-tab with bias", "One rating a row"]


@pytest.fixture(scope="module")
def book(movielens_book: Path) -> Workbook:
    return Workbook.open(movielens_book)


def test_the_lessons_model_sheets_are_found_by_their_names(book: Workbook) -> None:
    assert model_sheets(book) == SHEETS


def test_without_a_word_the_one_rating_a_row_sheet_is_meant(book: Workbook) -> None:
    assert read_model(book).sheet == "One rating a row"


@pytest.mark.parametrize("sheet", SHEETS)
def test_the_blocks_come_in_the_shapes_that_keras_wants(book: Workbook, sheet: str) -> None:
    """15 users × 15 movies × 5 factors and the lecture's 206 ratings: the lesson's defaults."""
    model = read_model(book, sheet)
    assert {name: table.shape for name, table in model.weights.items() if "factors" in name} == {
        "user_factors": (15, 5), "movie_factors": (15, 5),
    }  # fmt: skip
    assert len(model.rating) == 206
    assert ("user_bias" in model.weights) == (sheet == "Cross-tab with bias")
    for name, table in model.weights.items():
        assert np.array_equal(model.in_sheet(name, table), book.numbers(model.blocks[name]))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("sheet", SHEETS)
def test_equal_weights_give_equal_numbers(book: Workbook, sheet: str, dtype: str) -> None:
    """Predictions ≤ 1e-5 in float32, ≤ 1e-12 in float64, relative to the largest: the project's requirement."""
    model = read_model(book, sheet)
    checks = keras_bridge.compare(book, model, dtype)
    assert [check.what.split(" ")[-1] for check in checks] == ["predictions", "RMSE", "parts", "steps"]
    assert [check for check in checks if not check.agrees] == []
    assert checks[0].tolerance <= {"float32": 1e-5, "float64": 1e-12}[dtype] * 5  # stars
    assert checks[1].sheet == model.rmse


def test_keras_gradient_is_that_of_finite_differences(book: Workbook) -> None:
    """The third witness: central differences of the RMSE, computed in NumPy from its definition."""
    model = read_model(book, "Cross-tab with bias")
    with precision("float64"):
        built = keras_bridge.build(model)
        loss, gradient = keras_bridge.loss_and_gradient(built, model)

    def rmse(weights: dict[str, np.ndarray]) -> float:
        stars = np.sum(weights["user_factors"][model.user] * weights["movie_factors"][model.movie], axis=1)
        stars += weights["user_bias"][model.user, 0] + weights["movie_bias"][model.movie, 0]
        return float(np.sqrt(np.mean((model.rating - stars) ** 2)))

    assert loss == pytest.approx(rmse(model.weights), abs=1e-14)
    for name, place in (
        ("user_factors", (3, 2)),
        ("movie_factors", (14, 0)),
        ("user_bias", (0, 0)),
        ("movie_bias", (7, 0)),
    ):
        step = 1e-6
        there, back = ({key: table.copy() for key, table in model.weights.items()} for _ in range(2))
        there[name][place] += step
        back[name][place] -= step
        assert gradient[name][place] == pytest.approx((rmse(there) - rmse(back)) / (2 * step), abs=1e-9)


def test_a_wrong_gradient_is_noticed(book: Workbook, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check itself is checked: a gradient off by 0.1 % must not pass."""
    model = read_model(book, "Cross-tab")
    right = keras_bridge.loss_and_gradient

    def wrong(*given: object) -> tuple[float, dict[str, np.ndarray]]:
        loss, gradient = right(*given)  # type: ignore[arg-type]
        return loss, {name: 1.001 * slope for name, slope in gradient.items()}

    monkeypatch.setattr(comparison, "loss_and_gradient", wrong)
    assert [check.agrees for check in keras_bridge.compare(book, model)] == [True, True, False, True]


def test_the_code_to_paste_builds_the_same_model(book: Workbook) -> None:
    for sheet in ("Cross-tab", "Cross-tab with bias"):
        model = read_model(book, sheet)
        pasted: dict[str, object] = {}
        lines = [line for line in keras_bridge.code(model) if not line.startswith("model.summary")]
        exec("\n".join(lines), pasted)
        built = keras_bridge.build(model)
        theirs = pasted["model"]
        assert keras_bridge.summary(theirs) == keras_bridge.summary(built)
        for name, table in model.weights.items():
            theirs.get_layer(name).set_weights([table])  # type: ignore[attr-defined]
        assert np.array_equal(keras_bridge.predictions(theirs, model), keras_bridge.predictions(built, model))


def test_the_summary_is_whole_on_a_narrow_terminal(book: Workbook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    lines = keras_bridge.summary(keras_bridge.build(read_model(book, "Cross-tab")))
    assert lines[1].startswith("┏") and lines[1].endswith("┓")
    assert any("movie_factors[0]" in line for line in lines)  # the last column: what Dot is connected to
    assert os.environ["COLUMNS"] == "40"


def test_the_summary_and_the_code_fit_their_blocks(book: Workbook) -> None:
    model = read_model(book, "Cross-tab with bias")
    assert len(keras_bridge.summary(keras_bridge.build(model))) <= book.area("compare.summary", "Compare").size
    assert len(keras_bridge.code(model)) <= book.area("compare.code", "Compare").size


LECTURES_BLOCKS = {
    "user_ids": "G25:G39", "movie_ids": "H1:V1", "user_factors": "B25:F39", "movie_factors": "H19:V23",
    "ratings": "H2:V16", "predictions": "H25:V39",
}  # fmt: skip


def test_the_lecturers_own_sheet_is_compared_when_its_blocks_are_named() -> None:
    """His RMSE cell, V41, is Solver's objective there and holds 2.80606…"""
    if not LECTURE.exists():
        pytest.skip("the lecture's workbook is not here")
    book = Workbook.open(LECTURE)
    with pytest.raises(ModelError, match="say where the blocks are with --user-ids"):
        read_model(book)
    model = read_model(book, "dotprod", LECTURES_BLOCKS)
    assert model.rmse == pytest.approx(2.80606206164831, abs=1e-14)
    assert all(check.agrees for check in keras_bridge.compare(book, model, "float64"))


def test_precision_is_as_before_afterwards() -> None:
    import jax
    import keras

    with precision("float64"):
        assert keras.config.floatx() == "float64"
        assert jax.numpy.zeros(1).dtype == np.float64
    assert keras.config.floatx() == "float32"
    assert keras.config.dtype_policy().name == "float32"
    assert jax.numpy.zeros(1).dtype == np.float32


def test_a_model_without_an_rmse_cell_cannot_be_compared(book: Workbook) -> None:
    model = read_model(book, "Cross-tab")
    blocks = {name: area for name, area in model.blocks.items() if name != "rmse"}
    lacking = SheetModel(**{name: getattr(model, name) for name in SheetModel.__slots__} | {"blocks": blocks})
    with pytest.raises(ModelError, match="say with --rmse where"):
        keras_bridge.compare(book, lacking)

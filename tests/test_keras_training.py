"""Training in Keras: it learns, stops when it should, keeps the best, and comes back into the workbook."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import embedsheet as es
from embedsheet.ground.errors import TrainingError
from embedsheet.keras_bridge import compare
from embedsheet.mirrors.recommender import results as keras_results
from embedsheet.mirrors.recommender.blocks import SheetModel, read_model
from embedsheet.mirrors.recommender.results import mixing
from embedsheet.mirrors.recommender.training import Learned, Progress, Settings, train
from embedsheet.workbook import Workbook
from kit.judges import gnumeric_values
from kit.stored import departures


@pytest.fixture(scope="module")
def model(movielens_book: Path) -> SheetModel:
    return read_model(Workbook.open(movielens_book), "Cross-tab with bias")


@pytest.fixture(scope="module")
def learned(model: SheetModel) -> Learned:
    return train(model, Settings(epochs=25))


def test_training_lowers_the_rmse_that_the_sheet_starts_from(model: SheetModel, learned: Learned) -> None:
    assert learned.rmse_before == pytest.approx(model.rmse, abs=1e-12)
    assert learned.rmse < 0.8 * learned.rmse_before
    assert len(learned.epochs) == 25


def test_what_is_said_of_the_kept_epoch_is_true_of_its_predictions(model: SheetModel, learned: Learned) -> None:
    stars = np.sum(learned.weights["user_factors"][model.user] * learned.weights["movie_factors"][model.movie], axis=1)
    stars += learned.weights["user_bias"][model.user, 0] + learned.weights["movie_bias"][model.movie, 0]
    assert learned.predictions == pytest.approx(stars, abs=1e-5)  # float32
    assert learned.rmse == pytest.approx(learned.epochs[learned.kept].rmse, abs=1e-6)
    assert learned.epochs[learned.kept].rmse == min(epoch.rmse for epoch in learned.epochs)


def test_the_same_seed_learns_the_same(model: SheetModel) -> None:
    first, second = (train(model, Settings(epochs=3)) for _ in range(2))
    assert np.array_equal(first.predictions, second.predictions)


def stop_after(epochs: int) -> Callable[[Progress], None]:
    def hear(progress: Progress) -> None:
        if progress.epoch + 1 == epochs:
            raise KeyboardInterrupt

    return hear


def test_ctrl_c_keeps_the_best_so_far(model: SheetModel) -> None:
    stopped = train(model, Settings(epochs=100), stop_after(4))
    assert stopped.ended == "Ctrl-C"
    assert len(stopped.epochs) == 4
    assert stopped.rmse < stopped.rmse_before


def test_a_loss_that_is_no_number_in_the_first_epoch_is_an_error_with_a_remedy(model: SheetModel) -> None:
    with pytest.raises(
        TrainingError, match="no longer a number after the first epoch; choose a smaller --learning-rate"
    ):
        train(model, Settings(optimizer="sgd", learning_rate=1e9, epochs=5))


def test_a_loss_that_stops_being_a_number_keeps_the_best_weights(model: SheetModel) -> None:
    """With this learning rate gradient descent first gets worse, then leaves float32; the start stays the best."""
    broken = train(model, Settings(optimizer="sgd", learning_rate=4.0, epochs=50))
    assert "no longer a number" in broken.ended
    assert np.isfinite(broken.rmse)
    assert broken.rmse <= broken.rmse_before + 1e-6


def test_training_ends_when_the_held_out_ratings_gain_nothing_more(model: SheetModel) -> None:
    early = train(model, Settings(epochs=200, validation=0.3, patience=5))
    assert early.ended == "5 epochs without gain"
    assert early.kept >= len(early.epochs) - 6
    held_out = [epoch.validation for epoch in early.epochs]
    assert held_out[early.kept] == min(held_out)


def test_the_penalty_keeps_the_factors_small(model: SheetModel) -> None:
    free, held = (train(model, Settings(epochs=15, l2=l2)) for l2 in (0.0, 0.05))
    assert np.sum(held.weights["user_factors"] ** 2) < np.sum(free.weights["user_factors"] ** 2)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (Settings(optimizer="newton"), "no optimizer 'newton'; choose one of adam"),
        (Settings(dtype="float16"), "'float16' is no precision"),
        (Settings(validation=1.0), "Holding out 1 of 206 ratings leaves a part empty"),
    ],
)
def test_settings_that_make_no_sense_are_refused(model: SheetModel, settings: Settings, message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        train(model, settings)


def test_the_best_mixing_undoes_an_invertible_one() -> None:
    """U A and V A⁻ᵀ predict as U and V do; from the former, the mixing that leads back to the latter is A⁻¹."""
    generator = np.random.default_rng(3)
    users, movies, a = generator.normal(size=(9, 3)), generator.normal(size=(7, 3)), generator.normal(size=(3, 3))
    found, found_movies = mixing(users @ a, movies @ np.linalg.inv(a).T, users, movies)
    assert found == pytest.approx(np.linalg.inv(a), abs=1e-4)
    assert users @ a @ found @ (movies @ np.linalg.inv(a).T @ found_movies).T == pytest.approx(users @ movies.T)


@pytest.fixture(scope="module")
def filled(movielens_book: Path, tmp_path_factory: pytest.TempPathFactory, learned: Learned) -> Path:
    """The lesson after `embedsheet train --sheet "Cross-tab with bias"`."""
    path = tmp_path_factory.mktemp("filled") / "movielens.xlsx"
    shutil.copy(movielens_book, path)
    book = Workbook.open(path)
    model = read_model(book, "Cross-tab with bias")
    edits = keras_results.learned_edits(book, model, learned)
    edits += keras_results.compared_edits(book, model, compare(book, model, "float64"))
    keras_results.save(book, edits)
    return path


def test_the_sheet_keras_holds_what_was_learned(filled: Path, learned: Learned) -> None:
    book = Workbook.open(filled)

    def block(name: str, sheet: str = "Keras") -> np.ndarray:
        return book.numbers(book.area(name, sheet))

    assert book.values(book.area("keras.source", "Keras"))[0][0] == "Cross-tab with bias"
    for name in ("users.factors", "movies.factors", "users.bias", "movies.bias"):
        table = learned.weights[name.replace("users.", "user_").replace("movies.", "movie_")]
        assert np.array_equal(block(f"keras.{name}"), table)
    history = block("keras.history.rmse").ravel()
    assert history[:25].tolist() == [epoch.rmse for epoch in learned.epochs]
    assert np.isnan(history[25:]).all()
    assert np.isnan(block("keras.history.validation")).all()


def test_predictions_stand_beside_their_own_ratings(filled: Path, model: SheetModel, learned: Learned) -> None:
    """The sheet Keras lists ratings in the order of "One rating a row", the cross-tab in its own."""
    book = Workbook.open(filled)
    users, movies, stars = (
        book.numbers(book.area(name, "Keras")).ravel()
        for name in ("keras.ratings.user", "keras.ratings.movie", "keras.predictions")
    )
    ours = {
        (model.user_ids[user], model.movie_ids[movie]): star
        for user, movie, star in zip(model.user, model.movie, learned.predictions, strict=True)
    }
    assert [ours[pair] for pair in zip(users, movies, strict=True)] == stars.tolist()


def test_gnumeric_computes_the_same_from_what_was_written(filled: Path, learned: Learned) -> None:
    """The stored results that follow from the edits are those of a spreadsheet program, and the RMSE is Keras'."""
    assert departures(filled, gnumeric_values) == []
    book = Workbook.open(filled)
    assert book.numbers(book.area("keras.rmse", "Keras"))[0, 0] == pytest.approx(learned.rmse, abs=1e-6)


def test_only_the_sheets_that_change_are_written(movielens_book: Path, filled: Path) -> None:
    with zipfile.ZipFile(movielens_book) as before, zipfile.ZipFile(filled) as after:
        changed = [name for name in before.namelist() if before.read(name) != after.read(name)]
    sheets = {sheet.name: sheet.part for sheet in Workbook.open(movielens_book).contents.sheets}
    assert sorted(changed) == sorted(sheets[name] for name in ("Keras", "Compare"))


def test_replacing_writes_over_the_sheets_factors_and_what_follows(movielens_book: Path, tmp_path: Path) -> None:
    path = tmp_path / "movielens.xlsx"
    shutil.copy(movielens_book, path)
    book = Workbook.open(path)
    model = read_model(book, "Cross-tab")
    result = train(model, Settings(epochs=3))
    keras_results.replace_in_place(book, model, result)
    again = read_model(Workbook.open(path), "Cross-tab")
    assert np.array_equal(again.user_factors, result.weights["user_factors"])
    assert np.array_equal(again.movie_factors, result.weights["movie_factors"])
    assert again.rmse == pytest.approx(result.rmse, abs=1e-6)


def test_training_from_python_writes_what_the_command_writes(movielens_book: Path, tmp_path: Path) -> None:
    copy = tmp_path / "trained.xlsx"
    heard: list[int] = []
    done = es.train(
        movielens_book, "Cross-tab with bias", copy, epochs=2, progress=lambda done, epochs: heard.append(done)
    )
    assert (done.sheet, heard) == ("Cross-tab with bias", [1, 2])
    assert done.written[0].endswith(f"of {copy}; see its sheets Keras and Compare.")
    kept = train(read_model(Workbook.open(movielens_book), "Cross-tab with bias"), Settings(epochs=2))
    assert f"→ {kept.rmse:.4f}" in done.summary
    book = es.open(copy)
    stars = book.numbers(book.area("keras.predictions", "Keras")).ravel()
    assert np.array_equal(np.sort(stars), np.sort(kept.predictions))  # the sheet has an order of its own


def test_training_from_python_raises_before_it_trains_where_the_result_has_no_place(movielens_book: Path) -> None:
    with pytest.raises(es.EmbedsheetError, match="exists already"):
        es.train(movielens_book, "Cross-tab", movielens_book.parent / movielens_book.name, epochs=10**9)

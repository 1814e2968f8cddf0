"""The recommenders learn from MovieLens, judge themselves by held-out ratings, and survive being stopped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from embedsheet.ground.data import MovieLens, movielens
from embedsheet.ground.errors import DataError, TrainingError
from embedsheet.mirrors.full_size import full_batch
from embedsheet.mirrors.full_size.devices import device, devices
from embedsheet.mirrors.full_size.dot_products import dot_products
from embedsheet.mirrors.full_size.movielens import BUILDERS, Options, keras, units
from embedsheet.mirrors.full_size.movielens_training import (
    DEFAULT,
    LECTURE,
    Progress,
    Recipe,
    choose_recipe,
    clipped_rmse,
    predict,
    train,
)
from embedsheet.mirrors.full_size.pseudo_labels import digits_trial, movielens_trial, unrated_pairs
from embedsheet.mirrors.full_size.ratings import Ratings, movie_features
from kit.trials import TRIALS


@pytest.fixture(scope="module")
def ratings() -> Ratings:
    return Ratings.of(movielens())


@pytest.fixture(scope="module")
def few(ratings: Ratings) -> tuple[Ratings, Ratings]:
    """The ratings of the first 60 users, split."""
    return ratings.take(ratings.user < 60).split()


def test_the_split_is_the_one_that_others_can_repeat(ratings: Ratings) -> None:
    """`numpy.random.default_rng(42).random(100004) < 0.8` in file order trains: the requirement's own words."""
    training, validation = ratings.split(0.2, 42)
    trains = np.random.default_rng(42).random(100004) < 0.8
    assert np.array_equal(training.rating, ratings.rating[trains])
    assert np.array_equal(validation.movie, ratings.movie[~trains])


def test_places_lead_back_to_ids(ratings: Ratings) -> None:
    data = movielens()
    assert np.array_equal(ratings.users[ratings.user], data.user_ids)
    assert [ratings.movies[place].id for place in ratings.movie[:50]] == data.movie_ids[:50].tolist()


def test_what_is_known_about_a_movie(ratings: Ratings) -> None:
    """Toy Story (id 1): five genres, hence 1/√5 each, from 1995, hence (1995 − 1990)/20."""
    training, _ = ratings.split()
    features, names = movie_features(training)
    known = dict(zip(names, features[0], strict=True))
    assert ratings.movies[0].title == "Toy Story"
    assert {name for name, value in known.items() if value == pytest.approx(5**-0.5)} == {
        "Adventure", "Animation", "Children", "Comedy", "Fantasy",
    }  # fmt: skip
    assert known["year"] == pytest.approx(0.25)
    assert known["popularity"] == pytest.approx((np.log1p(np.sum(training.movie == 0)) - 3) / 1.5)
    assert np.isfinite(features).all()


# `best` has the parts of svdpp.
@pytest.mark.parametrize("name", ["dot", "bias", "net", pytest.param("svdpp", marks=pytest.mark.soak), "best"])
def test_every_model_starts_from_the_mean_and_learns(name: str, few: tuple[Ratings, Ratings]) -> None:
    """A constant prediction, the mean of the training ratings, is what a model has to beat."""
    training, validation = few
    constant = clipped_rmse(np.full(len(validation), training.rating.mean()), validation.rating)
    recipe = replace(
        DEFAULT[name], iterations=12, phases=((1e-2, 2),) if DEFAULT[name].phases else (),
        sweeps=12 if DEFAULT[name].sweeps else 0,
    )  # fmt: skip
    heard: list[Progress] = []
    trained = train(name, recipe, training, validation, heard.append)
    assert trained.result.validation_rmse < constant
    assert trained.kept == len(trained.epochs) - 1
    # A sampler's last epoch is told anew: of the model that comes close to the mean over its sweeps.
    told = len(trained.epochs) - bool(recipe.sweeps)
    assert [one.finished for one in heard if one.finished][:told] == trained.epochs[:told]
    again = clipped_rmse(predict(trained.model, validation.user, validation.movie), validation.rating)
    assert again == pytest.approx(trained.result.validation_rmse, abs=1e-6)


@pytest.mark.soak
def test_the_default_model_reaches_the_bar_on_the_reference_split(ratings: Ratings) -> None:
    """0.830 is the requirement, of the mean over ten splits; this one came to 0.8241 when this was written."""
    assert train("best", choose_recipe("best"), *ratings.split()).result.validation_rmse <= 0.830


@pytest.mark.soak
def test_the_default_model_reaches_the_bar_on_average(ratings: Ratings) -> None:
    """0.830 is the requirement for the mean over ten splits; 0.823 when this was written."""
    splits = {seed: ratings.split(0.2, seed) for seed in range(10)}
    errors = [
        train("best", choose_recipe("best", seed=seed), *split).result.validation_rmse
        for seed, split in splits.items()
    ]  # fmt: skip
    assert np.mean(errors) <= 0.830, errors


def test_the_implicit_part_is_the_mean_direction_of_the_rated_movies(few: tuple[Ratings, Ratings]) -> None:
    """|N_u|^-½ Σ y_j, computed in a loop."""
    training, _ = few
    model = BUILDERS["svdpp"](training, Options(factors=3, implicit_penalty=1.0))
    layer = model.get_layer("implicit_factors")
    table = keras.ops.convert_to_numpy(layer.embeddings.value)
    found = keras.ops.convert_to_numpy(layer(np.array([4, 0, 17], np.int32)))
    for row, user in zip(found, (4, 0, 17), strict=True):
        rated = training.movie[training.user == user]
        assert row == pytest.approx(table[rated].sum(axis=0) / np.sqrt(len(rated)), abs=1e-6)


@pytest.mark.soak
def test_a_trained_model_is_a_dot_product_again(few: tuple[Ratings, Ratings]) -> None:
    training, validation = few
    for name in ("dot", "bias", "svdpp", "best"):
        recipe = replace(DEFAULT[name], iterations=4, sweeps=4 if DEFAULT[name].sweeps else 0)
        model = train(name, recipe, training, validation).model
        stars = dot_products(model, training).predict(validation.user, validation.movie)
        assert stars.clip(0.5, 5) == pytest.approx(predict(model, validation.user, validation.movie), abs=2e-5)
    with pytest.raises(TrainingError, match="net is no dot product"):
        dot_products(BUILDERS["net"](training, Options()), training)


def test_the_full_batch_loss_is_the_sum_of_squares_and_penalties(few: tuple[Ratings, Ratings]) -> None:
    training, _ = few
    options = Options(factors=4, bias_penalty=5.0, factor_penalty=17.0, start=0.1)
    model = BUILDERS["bias"](training, options)
    engine = full_batch._Jax(model, [training.user, training.movie], training.rating)
    weights = [keras.ops.convert_to_numpy(variable.value) for variable in model.trainable_variables]
    value, stars, gradient = engine.loss(weights)
    by_hand = np.sum((stars - training.rating) ** 2) + sum(
        (5.0 if "bias" in variable.path else 17.0) * np.sum(weight**2)
        for variable, weight in zip(model.trainable_variables, weights, strict=True)
    )
    assert value == pytest.approx(by_hand, rel=1e-5)  # float32
    user = 7
    errors = (stars - training.rating)[training.user == user]
    place = [variable.path for variable in model.trainable_variables].index("user_bias/embeddings")
    assert gradient[place][user, 0] == pytest.approx(2 * errors.sum() + 10 * weights[place][user, 0], rel=1e-4)


def test_units_have_the_shapes_of_the_weights(few: tuple[Ratings, Ratings]) -> None:
    training, _ = few
    for name in ("dot", "bias", "svdpp"):
        options = DEFAULT[name].options
        model = BUILDERS[name](training, options)
        for unit, variable in zip(units(model, training, options), model.trainable_variables, strict=True):
            assert np.broadcast_shapes(unit.shape, tuple(variable.shape)) == tuple(variable.shape)
            assert np.isfinite(unit).all()


def interrupt(at: int) -> object:
    def hear(progress: Progress) -> None:
        if progress.finished and progress.epoch == at:
            raise KeyboardInterrupt

    return hear


@pytest.mark.parametrize("recipe", [DEFAULT["bias"], Recipe(Options(factors=5), ((1e-2, 9),))])
def test_ctrl_c_keeps_the_epoch_with_the_least_validation_rmse(recipe: Recipe, few: tuple[Ratings, Ratings]) -> None:
    training, validation = few
    trained = train("bias", recipe, training, validation, interrupt(3))  # type: ignore[arg-type]
    assert trained.ended == "Ctrl-C"
    assert len(trained.epochs) == 4
    assert trained.result.validation_rmse == min(epoch.validation_rmse for epoch in trained.epochs)
    again = clipped_rmse(predict(trained.model, validation.user, validation.movie), validation.rating)
    assert again == pytest.approx(trained.result.validation_rmse, abs=1e-6)


def test_a_loss_that_is_no_number_is_named_and_the_best_kept(few: tuple[Ratings, Ratings]) -> None:
    training, validation = few
    good_then_bad = Recipe(Options(factors=5, mean="learned"), ((1e-2, 2), (1e30, 3)))
    trained = train("dot", good_then_bad, training, validation)
    assert trained.ended == "a loss that is no longer a number (choose a smaller --learning-rate)"
    assert trained.kept in (0, 1)
    assert np.isfinite(predict(trained.model, validation.user, validation.movie)).all()
    with pytest.raises(TrainingError, match="no longer a number in the first epoch; choose a smaller"):
        train("dot", Recipe(Options(factors=5, mean="learned"), ((1e30, 2),)), training, validation)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "best", "lecture": True}, "The lecture has no model 'best'"),
        ({"name": "best", "learning_rate": 0.1}, "learns from all ratings at once"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        choose_recipe(**options)  # type: ignore[arg-type]


def test_options_change_a_recipe() -> None:
    """The lecture's bias model: 50 factors, penalty 1e-4 · 80,000, batches of 64."""
    assert choose_recipe("bias", True).options.factors == 50
    assert LECTURE["bias"].batch_size == 64
    changed = choose_recipe("bias", True, factors=7, epochs=3, learning_rate=0.5, batch_size=10, seed=1)
    assert (changed.options.factors, changed.phases, changed.batch_size) == (7, ((0.5, 3),), 10)
    assert choose_recipe("svdpp", epochs=9).iterations == 9
    assert choose_recipe("svdpp", epochs=9).sweeps == 0
    assert choose_recipe("best", epochs=9).sweeps == 9


def test_too_few_ratings_are_refused(ratings: Ratings) -> None:
    empty = np.empty(0, np.int32)
    with pytest.raises(DataError, match="0 ratings are too few"):
        Ratings.of(MovieLens(empty, (), empty, empty, np.empty(0), np.empty(0, np.int64)))
    with pytest.raises(DataError, match="leaves one part empty"):
        ratings.take(np.arange(2)).split(0.0001)


def test_a_device_that_is_not_there_is_refused_and_those_that_are_named() -> None:
    with device("cpu") as where:
        assert where == "cpu:0 (jax)"
    with pytest.raises(TrainingError, match=r"sees no cpu:7, only .*cpu:0"), device("cpu:7"):
        pass
    with pytest.raises(TrainingError, match="'tpu' is no device; write cpu"), device("tpu"):
        pass
    if not devices("gpu"):
        with pytest.raises(TrainingError, match="sees no gpu:0"), device("gpu"):
            pass


FOUR_DEVICES = """
import numpy as np
from embedsheet.ground.data import movielens
from embedsheet.mirrors.full_size.devices import device
from embedsheet.mirrors.full_size.movielens import Options
from embedsheet.mirrors.full_size.movielens_training import Recipe, train
from embedsheet.mirrors.full_size.ratings import Ratings
ratings = Ratings.of(movielens())
training, validation = ratings.take(ratings.user < 30).split()
recipe = Recipe(Options(factors=4), ((1e-2, 2),))
whole = training.take(np.arange(len(training) // 4 * 4))
uneven = training.take(np.arange(len(whole) - 1))
# Filling up the last batch changes how the rows are shuffled, and so the path of the training.
for part, tolerance in ((whole, 1e-4), (uneven, 1e-2)):
    results = []
    for wanted in ("cpu:1", "cpu:all"):
        with device(wanted) as where:
            trained = train("bias", recipe, part, validation)
            sharding = trained.model.trainable_variables[0].value.sharding
            results.append(trained.result.validation_rmse)
            print(where, len(sharding.device_set), trained.result.validation_rmse)
    assert abs(results[0] - results[1]) < tolerance, results
"""


@pytest.mark.soak
def test_a_batch_is_split_among_four_devices_with_the_same_result() -> None:
    """Keras' own DataParallel on four CPU devices that JAX pretends to have.

    XLA wants a thread for each device, also on a machine with fewer cores (NPROC).
    """
    environment = {
        **os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=4", "NPROC": "8", "KERAS_BACKEND": "jax",
    }  # fmt: skip
    done = subprocess.run([sys.executable, "-c", FOUR_DEVICES], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines()[0].startswith("cpu:1 (jax) 1 ")
    assert done.stdout.splitlines()[1].startswith("4 × cpu (jax) 4 ")


def test_full_batch_learning_on_several_devices_is_refused(
    few: tuple[Ratings, Ratings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("embedsheet.mirrors.full_size.movielens_training.device_count", lambda: 4)
    with pytest.raises(TrainingError, match="uses one device; add --lecture"):
        train("svdpp", DEFAULT["svdpp"], *few)
    with pytest.raises(TrainingError, match="A batch of 63 cannot be split evenly among 4 devices"):
        train("dot", replace(LECTURE["dot"], batch_size=63), *few)


def test_unrated_pairs_are_unrated(few: tuple[Ratings, Ratings]) -> None:
    training, _ = few
    user, movie = unrated_pairs(training, 500, seed=1)
    rated = set(zip(training.user.tolist(), training.movie.tolist(), strict=True))
    pairs = list(zip(user.tolist(), movie.tolist(), strict=True))
    assert len(set(pairs)) == 500
    assert rated.isdisjoint(pairs)
    with pytest.raises(DataError, match="too many"):
        unrated_pairs(training, 10**7, seed=1)


@pytest.mark.soak
def test_the_pseudo_label_trials_run_and_count_both_ways(ratings: Ratings) -> None:
    """Whether pseudo-labels help is reported in docs/keras.md; here, that the errors are those of trained models."""
    trial = movielens_trial(ratings.take(ratings.user < 20), seed=0, epochs=2, pseudo=200)
    assert all(0.5 < error < 1.3 for error in (trial.teacher, trial.without, trial.with_pseudo))
    assert trial.gain == trial.without - trial.with_pseudo
    pytest.importorskip("sklearn")
    digits = digits_trial(seed=0, labelled=100, steps=120)
    assert all(0 < error < 0.4 for error in (digits.teacher, digits.without, digits.with_pseudo))  # guessing: 0.9


def with_engine(engine: str, code: str, *words: str) -> None:
    """Run a program in a process of its own, where Keras has that engine: it is chosen once."""
    pytest.importorskip(engine)
    environment = {**os.environ, "KERAS_BACKEND": engine}
    command = [sys.executable, "-c", code, *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]


LEARN = """
import sys
from dataclasses import replace
from embedsheet.ground.data import movielens
from embedsheet.mirrors.full_size.devices import device
from embedsheet.mirrors.full_size.movielens_training import DEFAULT, LECTURE, train
from embedsheet.mirrors.full_size.ratings import Ratings
ratings = Ratings.of(movielens())
parts = ratings.take(ratings.user < 60).split()
at_once, in_batches = replace(DEFAULT["svdpp"], iterations=8), replace(LECTURE["bias"], phases=((1e-2, 2),))
sampled = replace(DEFAULT["best"], sweeps=16)
# Least errors: in batches they start from 0 stars, 3.6 off, and take two epochs.
trials = {
    "torch": [("svdpp", at_once, 1.02), ("bias", in_batches, 2.0), ("best", sampled, 1.02)],
    # It does not learn at once.
    "tensorflow": [
        ("svdpp", replace(DEFAULT["svdpp"], phases=((1e-2, 2),)), 1.3), ("bias", in_batches, 2.0),
        ("best", sampled, 1.02),
    ],
}
with device() as where:
    assert f"({sys.argv[1]})" in where
    for name, recipe, least in trials[sys.argv[1]]:
        error = train(name, recipe, *parts).result.validation_rmse
        assert error < least, (name, error)
"""


@pytest.mark.parametrize(
    "engine", [pytest.param(name, marks=getattr(pytest.mark, name)) for name in ("torch", "tensorflow")]
)
def test_the_models_learn_with_other_engines_of_keras_too(engine: str) -> None:
    with_engine(engine, LEARN, engine)


COMPARED = ("movielens", "optimisers", "mlp", "attention", "conv", "gru", "green-eggs")
COMPARE = """
import json
import sys
from pathlib import Path
import embedsheet as es
from embedsheet.mirrors.protocol import Asked
from embedsheet.mirrors.table import choose
from embedsheet.workbook import Workbook
for lesson, options in json.loads(sys.argv[2]).items():
    book = Workbook.open(es.new(lesson, Path(sys.argv[1]) / f"{lesson}.xlsx", **options))
    mirror = choose(book, None, {})
    models = {sheet: mirror.read(book, sheet, {}) for sheet in mirror.sheets(book)}
    for dtype in ("float32", "float64"):
        found = mirror.compare(book, models, Asked(dtype=dtype))
        assert found.same, (lesson, [line.cells for line in found.lines])
"""


@pytest.mark.tensorflow
def test_sheets_and_tensorflow_are_the_same_models_in_both_precisions(tmp_path: Path) -> None:
    options = {lesson: TRIALS[lesson].small for lesson in COMPARED}
    with_engine("tensorflow", COMPARE, str(tmp_path), json.dumps(options))


@pytest.mark.torch
def test_the_sheet_and_pytorch_are_the_same_model_too(movielens_book: Path) -> None:
    """In float32; in float64 Keras' Dot layer rounds to float32 with this engine, which is refused."""
    pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'embedsheet[torch]'")
    environment = {**os.environ, "KERAS_BACKEND": "torch"}

    def compare(*options: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "embedsheet", "compare", str(movielens_book), "--dry-run", *options]
        return subprocess.run(command, env=environment, capture_output=True, text=True, encoding="utf-8")

    single, double = compare(), compare("--float64")
    assert "The same model: every difference is rounding." in single.stdout, single.stderr
    assert double.returncode == 1
    assert "computes its Dot layer in float32" in double.stderr

"""The sampler of `embedsheet movielens`: its sums, its draws and its mean, each beside what mathematics says."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from embedsheet.ground.data import Movie, movielens
from embedsheet.ground.errors import TrainingError
from embedsheet.mirrors.full_size import sampling
from embedsheet.mirrors.full_size.movielens_training import DEFAULT, Progress, clipped_rmse, predict, train
from embedsheet.mirrors.full_size.ratings import Ratings


@pytest.fixture(scope="module")
def few() -> tuple[Ratings, Ratings]:
    """The ratings of the first 60 users, split."""
    ratings = Ratings.of(movielens())
    return ratings.take(ratings.user < 60).split()


def made_up(users: int, movies: int, stars: np.ndarray) -> Ratings:
    """Every user rates every movie with `stars`, (users, movies); nothing is known about the movies."""
    user, movie = (part.ravel().astype(np.int32) for part in np.indices((users, movies)))
    known = tuple(Movie(number, None, None, ()) for number in range(movies))
    return Ratings(np.arange(users, dtype=np.int32), known, user, movie, stars.ravel().astype(np.float32))


@pytest.mark.parametrize("at_once", [7, sampling.ROWS_AT_ONCE])
def test_sums_over_the_ratings_of_each_are_those_of_a_loop(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "ROWS_AT_ONCE", at_once)
    rng = np.random.default_rng(3)
    whose, looked_up = rng.integers(0, 9, 60).astype(np.int32), rng.integers(0, 5, 60).astype(np.int32)
    whose[whose == 4] = 3  # one without any
    table, target, weight = rng.normal(size=(5, 3)), rng.normal(size=60), rng.uniform(0.5, 2, 60)
    squares, products = sampling.Shared(whose, 9).sums(table, looked_up, target, weight)
    for one in range(9):
        rows = np.flatnonzero(whose == one)
        x = table[looked_up[rows]]
        assert squares[one] == pytest.approx(sum((w * np.outer(v, v) for v, w in zip(x, weight[rows], strict=True)),
                                                 np.zeros((3, 3))))  # fmt: skip
        assert products[one] == pytest.approx(x.T @ (weight[rows] * target[rows]))


def test_weights_are_drawn_from_their_posterior(monkeypatch: pytest.MonkeyPatch) -> None:
    """Σ w x xᵀ = S, Σ w x y = s and the prior N(0, P⁻¹) make N((S + P)⁻¹ s, (S + P)⁻¹).

    Means of 200,000 draws lie within 5 standard deviations of 1/√200,000 each, covariances within as many of √2 times
    that.
    """
    rows = 200_000
    squares, products = np.array([[4.0, 1.0], [1.0, 2.0]]), np.array([1.0, -3.0])
    precision = np.array([[1.5, -0.5], [-0.5, 1.0]])
    side = sampling.Side(2, np.ones((rows, 1)), 1.0, 1.0, np.random.default_rng(0))
    monkeypatch.setattr(sampling.Side, "_draw_prior", lambda self: precision)
    side.draw(np.broadcast_to(squares, (rows, 2, 2)), np.broadcast_to(products, (rows, 2)))
    covariance = np.linalg.inv(squares + precision)
    within = 5 * rows**-0.5 * covariance.diagonal().max() ** 0.5
    assert side.weights.mean(axis=0) == pytest.approx(covariance @ products, abs=within)
    assert np.cov(side.weights.T) == pytest.approx(covariance, abs=5 * (2 / rows) ** 0.5 * covariance.max())


def test_the_prior_is_drawn_around_what_the_weights_say() -> None:
    """Weights that are 2 + 3 x, and noise of variance 0.25, 10,000 of them: the draws say so, to a few per cent.

    The precision of the noise is 4; its relative standard deviation, √(2/10,000), is 1.4 %.
    """
    rng = np.random.default_rng(5)
    x = rng.normal(size=10_000)
    side = sampling.Side(1, np.column_stack([np.ones(len(x)), x]), 1.0, 1.0, rng)
    side.weights = (2 + 3 * x + rng.normal(0, 0.5, len(x)))[:, None]
    side._draw_prior()  # from here on what it expects is right
    drawn = [float(side._draw_prior()[0, 0]) for _ in range(50)]
    assert np.mean(drawn) == pytest.approx(4.0, rel=0.05)
    assert np.std(drawn) == pytest.approx(4.0 * 2**0.5 / 100, rel=0.5)
    assert side._coefficients[:, 0] == pytest.approx([2.0, 3.0], abs=0.03)


def test_the_mean_over_sweeps_is_kept_in_as_few_factors_as_come_closest() -> None:
    """Of all matrices of rank 2, the one of the first two singular values is the closest (Eckart and Young)."""
    rng = np.random.default_rng(1)
    mean, sweeps = sampling.Mean(2), [sampling.Drawn(rng.normal(size=(30, 5)), rng.normal(size=(40, 3)))
                                      for _ in range(4)]  # fmt: skip
    for one in sweeps:
        mean.add(one)
    left, size, right = np.linalg.svd(sum(one.user[:, :2] @ one.movie[:, :2].T for one in sweeps) / 4)
    kept = mean.weights()
    closest = (left[:, :2] * size[:2]) @ right[:2]
    assert kept.user[:, :2] @ kept.movie[:, :2].T == pytest.approx(closest, abs=1e-5)  # held in float32
    assert kept.user[:, 2:] == pytest.approx(sum(one.user[:, 2:] for one in sweeps) / 4)
    assert kept.movie[:, 2] == pytest.approx(sum(one.movie[:, 2] for one in sweeps) / 4)


@pytest.mark.parametrize(("shape", "count"), [((40, 9), 2), ((9, 40), 9), ((300, 200), 5), ((200, 300), 5)])
@pytest.mark.parametrize("rank", [3, 9])
def test_a_truncated_decomposition_is_the_whole_ones_beginning(shape: tuple[int, int], count: int, rank: int) -> None:
    """Also of a matrix with noise, and of one whose rank is below what is asked for."""
    from scipy.sparse.linalg import aslinearoperator

    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(shape[0], rank)) @ rng.normal(size=(rank, shape[1]))
    matrix += rng.normal(size=shape) * (0.01 if rank == 9 else 0)
    left, size, right = sampling.truncated_svd(aslinearoperator(matrix), count)
    whole = np.linalg.svd(matrix, full_matrices=False)
    assert size == pytest.approx(whole[1][:count], abs=1e-9)
    assert (left * size) @ right.T == pytest.approx((whole[0][:, :count] * size) @ whole[2][:count], abs=1e-9)


def test_directions_of_who_rated_what() -> None:
    """Two tastes: the first three users rate the first two movies, the others the last three. One direction parts them.

    Each row has length 1, so it is one of two orthogonal unit vectors in the space of singular directions.
    """
    rated = np.array([[1, 1, 0, 0, 0]] * 3 + [[0, 0, 1, 1, 1]] * 4, bool)
    everything = made_up(7, 5, np.full((7, 5), 3.0))
    users, movies = sampling.who_rated_what(everything.take(rated.ravel()), 2)
    assert users.shape == (7, 2)
    assert movies.shape == (5, 2)
    between = np.linalg.norm(users[:, None] - users[None], axis=2)
    same = np.array([0] * 3 + [1] * 4)
    assert between == pytest.approx(np.where(same[:, None] == same[None], 0.0, 2**0.5), abs=1e-9)


def test_what_was_made_by_the_model_is_found_again() -> None:
    """Stars made of two factors and noise of 0.3: unseen ones are predicted nearly as well as the noise allows."""
    rng = np.random.default_rng(2)
    true = 3 + rng.normal(size=(60, 1)) * 0.3 + rng.normal(size=(60, 2)) @ rng.normal(size=(2, 50)) * 0.5
    training, validation = made_up(60, 50, true + rng.normal(0, 0.3, true.shape)).split()
    recipe = replace(DEFAULT["best"], options=replace(DEFAULT["best"].options, factors=4), sweeps=60)
    model = train("best", recipe, training, validation).model
    stars = predict(model, validation.user, validation.movie)
    seen = true[validation.user, validation.movie].clip(0.5, 5)
    assert clipped_rmse(stars, seen) < 0.15


def test_ctrl_c_keeps_the_mean_over_the_sweeps_so_far(few: tuple[Ratings, Ratings]) -> None:
    def hear(progress: Progress) -> None:
        if progress.epoch == 3:
            raise KeyboardInterrupt

    training, validation = few
    trained = train("best", replace(DEFAULT["best"], sweeps=20), training, validation, hear)
    assert trained.ended == "Ctrl-C"
    assert (len(trained.epochs), trained.kept) == (4, 3)
    again = clipped_rmse(predict(trained.model, validation.user, validation.movie), validation.rating)
    assert again == pytest.approx(trained.result.validation_rmse, abs=1e-6)
    constant = clipped_rmse(np.full(len(validation), training.rating.mean()), validation.rating)
    assert again < constant


def test_ctrl_c_before_the_first_sweep_has_nothing_to_keep(
    few: tuple[Ratings, Ratings], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr(sampling, "sweeps", stop)
    with pytest.raises(TrainingError, match="nothing to keep"):
        train("best", DEFAULT["best"], *few)


def test_two_runs_of_one_seed_are_one_run(few: tuple[Ratings, Ratings]) -> None:
    one, other = (list(islice(sampling.sweeps(few[0], 3, 7), 3)) for _ in range(2))
    assert np.array_equal(one[-1].movie, other[-1].movie)


@pytest.mark.parametrize("priors", [
    sampling.Priors(directions=0), sampling.Priors(content=False), sampling.Priors(noise_ratings=np.inf),
])  # fmt: skip
def test_each_part_can_be_left_out(priors: sampling.Priors, few: tuple[Ratings, Ratings]) -> None:
    drawn = next(sampling.sweeps(few[0], 3, 0, priors))
    assert np.isfinite(drawn.user).all()
    assert np.isfinite(drawn.movie).all()


@pytest.mark.parametrize("stars", [
    np.full((2, 2), 4.0), np.array([[1.0], [5.0]]), np.full((30, 40), 3.0), np.array([[0.5, 5.0]]),
])  # fmt: skip
def test_data_that_says_little_gives_numbers_all_the_same(stars: np.ndarray) -> None:
    """All alike, a single movie, a single user: no division by what is not there."""
    ratings = made_up(*stars.shape, stars)
    recipe = replace(DEFAULT["best"], sweeps=9)
    trained = train("best", recipe, ratings, ratings)
    assert np.isfinite(trained.result.validation_rmse)
    assert len(predict(trained.model, ratings.user, ratings.movie)) == stars.size

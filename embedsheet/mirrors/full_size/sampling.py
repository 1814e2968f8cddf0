"""Bayesian matrix factorisation with side information: many models drawn from what the ratings leave open, averaged.

    stars = μ + b_u + b_m + p_u · q_m + t_u · f_m + noise

As in `mirrors.full_size.movielens`: factors p and q, biases b, what is known about a movie f_m and what a user makes of
it t_u. Where training finds the one best setting of the weights, which 80,000 ratings do not determine, this draws a
setting from their posterior distribution again and again (Gibbs sampling: every user's weights given the movies', then
every movie's given the users') and predicts the mean over the draws. Nothing is left to choose but priors:

* A user's weights (p_u, b_u, t_u) are normal around a linear function of which movies they rated, whatever the stars;
  a movie's (q_m, b_m) around one of f_m and of who rated it. These functions and the covariances are drawn, too.
* The noise of a user's ratings has a variance of its own: some rate more consistently than others.

The factorisation is Salakhutdinov and Mnih's (2008, "Bayesian probabilistic matrix factorization using Markov chain
Monte Carlo"), the side information Simm et al.'s (2017, "Macau: scalable Bayesian factorization with high-dimensional
side information"), what ratings that exist tell by themselves Koren's (2008, SVD++). Everything is NumPy in float64.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.mirrors.full_size.ratings import Ratings, movie_features

Floats = NDArray[np.float64]
Places = NDArray[np.int32]

FIRST_PRECISION = 1.5  # of the noise, one over squared stars
FIRST_SPREAD = 0.1  # of the weights that the first sweep starts from
ROWS_AT_ONCE = 1 << 18  # ratings looked at together
MORE_DIRECTIONS, ROUNDS = 30, 4  # of the iteration that finds singular vectors: beside those wanted; how often
CONSTANT = 0.1  # precision of the priors' constants: they are hardly held back


@dataclass(frozen=True, slots=True)
class Priors:
    """What is believed of the weights beforehand; the defaults were chosen on a part of the training ratings.

    `directions` of "who rated what" are known, none where it is 0: of 671 users 150 tell as much as all. `content`:
    whether f_m is. The linear functions' coefficients have the precision `coefficient`, in units of the weights' own.
    Covariances begin at `user_spread` and `movie_spread`, in squared stars, spread over as many rows as they are drawn
    from. A user's noise is known as well as `noise_ratings` ratings would tell it; infinite: it is the same for all.
    """

    directions: int = 150
    content: bool = True
    coefficient: float = 1.0
    user_spread: float = 1.0
    movie_spread: float = 10.0
    noise_ratings: float = 10.0


DEFAULT = Priors()


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """Where one sweep has come to: user, (U, k + 1 + F): p_u, b_u, t_u; movie, (M, k + 1): q_m, b_m."""

    user: Floats
    movie: Floats


class Shared:
    """The ratings of each user, or of each movie: those with equally many stand together, to be summed at once."""

    def __init__(self, whose: Places, count: int) -> None:
        self._count = count
        held = np.bincount(whose, minlength=count)
        order = np.argsort(whose, kind="stable")
        begin = np.cumsum(held) - held
        self._parts: list[tuple[NDArray[np.intp], NDArray[np.intp]]] = []
        for size in np.unique(held[held > 0]):
            alike = np.flatnonzero(held == size)
            for some in np.array_split(alike, -(-len(alike) * size // ROWS_AT_ONCE)):
                self._parts.append((some, order[begin[some][:, None] + np.arange(size)]))

    def sums(self, table: Floats, looked_up: Places, target: Floats, weight: Floats) -> tuple[Floats, Floats]:
        """Return Σ w x xᵀ, (count, d, d), and Σ w x y, (count, d), over the ratings of each.

        x = table[looked_up] (table: (rows, d)), y = target and w = weight, all three (ratings,).
        """
        width = table.shape[1]
        squares, products = np.zeros((self._count, width, width)), np.zeros((self._count, width))
        for whose, rows in self._parts:
            x = table[looked_up[rows]]
            weighted = (x * weight[rows][..., None]).transpose(0, 2, 1)
            squares[whose] = weighted @ x
            products[whose] = (weighted @ target[rows][..., None])[..., 0]
        return squares, products


class Side:
    """The weights of all users, or all movies: normal around a linear function of what is known of each, `known`."""

    def __init__(self, width: int, known: Floats, coefficient: float, spread: float, rng: np.random.Generator) -> None:
        held_back = np.full(known.shape[1], coefficient)
        held_back[0] = CONSTANT  # the first column of `known` is 1
        self._known, self._held_back, self._spread, self._rng = known, held_back, spread, rng
        # The coefficients' precision never changes.
        self._root = np.linalg.cholesky(known.T @ known + np.diag(held_back))
        self._coefficients = np.zeros((known.shape[1], width))
        self._expected = np.zeros((len(known), width))
        self.weights: Floats = rng.normal(0.0, FIRST_SPREAD, (len(known), width))

    def draw(self, squares: Floats, products: Floats) -> None:
        """Draw the prior given the weights, then the weights given the prior and what `Shared.sums` says of them."""
        precision = self._draw_prior()
        posterior = squares + precision
        right = products + self._expected @ precision
        noise = np.linalg.cholesky(posterior) @ self._rng.normal(size=(*right.shape, 1))
        # A⁻¹(b + L z) with A = L Lᵀ: mean A⁻¹ b, covariance A⁻¹.
        self.weights = np.asarray(np.linalg.solve(posterior, right[..., None] + noise)[..., 0], np.float64)

    def _draw_prior(self) -> Floats:
        """Draw covariance and coefficients, matrix-normal and inverse Wishart, and return the precision, (d, d)."""
        from scipy.linalg import solve_triangular

        width = self.weights.shape[1]
        off = self.weights - self._expected
        scatter = off.T @ off + self._coefficients.T @ (self._held_back[:, None] * self._coefficients)
        degrees = width + 2 + len(self._known) + len(self._held_back)
        root = np.linalg.cholesky(np.linalg.inv(scatter + self._spread * np.eye(width)))
        # Bartlett's decomposition of a Wishart matrix.
        triangle = np.tril(self._rng.normal(size=(width, width)), -1)
        triangle[np.diag_indices(width)] = np.sqrt(self._rng.chisquare(degrees - np.arange(width)))
        precision = root @ triangle @ triangle.T @ root.T
        spread = np.linalg.cholesky(np.linalg.inv(precision))
        half = solve_triangular(self._root, self._known.T @ self.weights, lower=True)
        half += self._rng.normal(size=half.shape) @ spread.T
        self._coefficients = solve_triangular(self._root, half, lower=True, trans="T")
        self._expected = self._known @ self._coefficients
        return np.asarray(precision)


def sweeps(training: Ratings, factors: int, seed: int, priors: Priors = DEFAULT) -> Iterator[Drawn]:
    """Yield what sweep after sweep draws, without an end; the first dozen still remember where they started."""
    rng = np.random.default_rng(seed)
    users, movies = len(training.users), len(training.movies)
    rated = np.bincount(training.user, minlength=users)
    about_movie = about(training, priors)
    user_directions, movie_directions = who_rated_what(training, priors.directions)
    often = np.log1p(rated)
    user_known = np.column_stack([np.ones(users), often - often.mean(), user_directions])
    movie_known = np.column_stack([np.ones(movies), about_movie, movie_directions])
    user = Side(factors + 1 + about_movie.shape[1], user_known, priors.coefficient, priors.user_spread, rng)
    movie = Side(factors + 1, movie_known, priors.coefficient, priors.movie_spread, rng)
    by_user, by_movie = Shared(training.user, users), Shared(training.movie, movies)
    stars = training.rating - float(training.rating.mean())
    precision: float = FIRST_PRECISION
    own: Floats = np.ones(users)
    while True:
        weight = precision * own[training.user]
        bias = movie.weights[:, factors]
        table = np.column_stack([movie.weights[:, :factors], np.ones(movies), about_movie])
        user.draw(*by_user.sums(table, training.movie, stars - bias[training.movie], weight))
        left = stars - user.weights[training.user, factors]
        left -= _products(user.weights[:, factors + 1 :], about_movie, training)
        table = np.column_stack([user.weights[:, :factors], np.ones(users)])
        movie.draw(*by_movie.sums(table, training.user, left, weight))
        squares = np.bincount(training.user, (left - _products(table, movie.weights, training)) ** 2, users)
        if np.isfinite(priors.noise_ratings):
            own = rng.gamma((priors.noise_ratings + rated) / 2) * 2 / (priors.noise_ratings + precision * squares)
        precision = float(rng.gamma((1 + len(training)) / 2) * 2 / (1 / FIRST_PRECISION + own @ squares))
        yield Drawn(user.weights, movie.weights)


def about(training: Ratings, priors: Priors = DEFAULT) -> Floats:
    """Return f_m of every movie, (M, F); all zero where content is not to count."""
    features = movie_features(training)[0].astype(np.float64)
    return features if priors.content else np.zeros_like(features)


def _products(user_table: Floats, movie_table: Floats, ratings: Ratings) -> Floats:
    """Return the dot product of each rating's user and movie, (R,)."""
    return np.concatenate([
        np.einsum("rk,rk->r", user_table[ratings.user[rows]], movie_table[ratings.movie[rows]])
        for rows in _pieces(len(ratings))
    ])  # fmt: skip


def _pieces(rows: int) -> Iterator[slice]:
    return (slice(begin, begin + ROWS_AT_ONCE) for begin in range(0, rows, ROWS_AT_ONCE))


def who_rated_what(training: Ratings, most: int) -> tuple[Floats, Floats]:
    """Return for users, (U, n), and movies, (M, n), with n ≤ `most`, in what directions their ratings lie.

    Of the matrix that is 1 where a user rated a movie, each user's row divided by its length, or each movie's column
    by its: its first left, or right, singular vectors times its singular values, less their mean.
    """
    from scipy.sparse import csr_array, diags_array

    shape = (len(training.users), len(training.movies))
    if not most:
        return np.zeros((shape[0], 0)), np.zeros((shape[1], 0))
    rated = csr_array((np.ones(len(training)), (training.user, training.movie)), shape=shape)
    rated.data[:] = 1.0  # also where somebody rated a movie twice
    by_user, by_movie = (
        diags_array(np.maximum(np.bincount(whose, minlength=count), 1) ** -0.5)
        for whose, count in zip((training.user, training.movie), shape, strict=True)
    )
    directions = []
    for place, matrix in enumerate((by_user @ rated, rated @ by_movie)):
        left, size, right = truncated_svd(matrix, min(most, *shape))
        found = (left, right)[place] * size
        directions.append(found - found.mean(axis=0))
    return directions[0], directions[1]


def truncated_svd(matrix: Any, count: int) -> tuple[Floats, Floats, Floats]:
    """Return the first `count` left singular vectors, (rows, n), singular values, (n,), and right ones, (columns, n).

    `matrix`: a sparse array or a LinearOperator of scipy's, which is only multiplied with. Subspace iteration from a
    random start (Halko, Martinsson and Tropp 2011) minds neither a rank below `count` nor equal singular values, where
    scipy's `svds` gives something else at every call.
    """
    from scipy.sparse.linalg import aslinearoperator

    operator = aslinearoperator(matrix)
    rows, columns = operator.shape
    wide = min(count + MORE_DIRECTIONS, rows, columns)
    basis = operator @ np.random.default_rng(0).normal(size=(columns, wide))
    for _ in range(ROUNDS):
        basis = operator @ np.linalg.qr(operator.H @ np.linalg.qr(basis)[0])[0]
    basis = np.linalg.qr(basis)[0]
    left, size, right = np.linalg.svd((operator.H @ basis).T, full_matrices=False)
    return (basis @ left)[:, :count], size[:count], right[:count].T


class Mean:
    """The mean prediction over sweeps.

    It is a dot product of `sweeps · k` factors; `weights` finds the k that come closest to it over all pairs.
    """

    def __init__(self, factors: int) -> None:
        self._factors = factors
        self._user_factors: list[NDArray[np.float32]] = []
        self._movie_factors: list[NDArray[np.float32]] = []
        self._user_rest: Floats | float = 0.0
        self._movie_rest: Floats | float = 0.0

    def __len__(self) -> int:
        return len(self._user_factors)

    def add(self, drawn: Drawn) -> None:
        k = self._factors
        self._user_factors.append(drawn.user[:, :k].astype(np.float32))
        self._movie_factors.append(drawn.movie[:, :k].astype(np.float32))
        self._user_rest = self._user_rest + drawn.user[:, k:]
        self._movie_rest = self._movie_rest + drawn.movie[:, k:]

    def weights(self) -> Drawn:
        """Return factors, biases and preferences as one sweep has them."""
        from scipy.sparse.linalg import LinearOperator

        user, movie = (np.concatenate(parts, axis=1) for parts in (self._user_factors, self._movie_factors))
        products = LinearOperator(
            (len(user), len(movie)), dtype=np.float64,
            matvec=lambda x: user @ (movie.T @ x), rmatvec=lambda y: movie @ (user.T @ y),
            matmat=lambda x: user @ (movie.T @ x), rmatmat=lambda y: movie @ (user.T @ y),
        )  # fmt: skip
        left, size, right = truncated_svd(products, self._factors)
        root = np.sqrt(size / len(self))
        p, q = np.zeros((len(user), self._factors)), np.zeros((len(movie), self._factors))
        p[:, : len(size)], q[:, : len(size)] = left * root, right * root
        return Drawn(
            np.column_stack([p, np.asarray(self._user_rest) / len(self)]),
            np.column_stack([q, np.asarray(self._movie_rest) / len(self)]),
        )


def stars(drawn: Drawn, factors: int, mean: float, about_movie: Floats, ratings: Ratings) -> Floats:
    """Return what one sweep predicts for each of `ratings`, not clipped, (R,)."""
    user = np.column_stack([drawn.user[:, :factors], np.ones(len(drawn.user)), drawn.user[:, factors:]])
    movie = np.column_stack([drawn.movie, np.ones(len(drawn.movie)), about_movie])
    return mean + _products(user, movie, ratings)


def assign(model: Any, drawn: Drawn, factors: int) -> None:
    """Write factors, biases and preferences into the layers of a `best` model."""
    for name, table in (
        ("user_factors", drawn.user[:, :factors]),
        ("user_bias", drawn.user[:, factors : factors + 1]),
        ("user_preferences", drawn.user[:, factors + 1 :]),
        ("movie_factors", drawn.movie[:, :factors]),
        ("movie_bias", drawn.movie[:, factors:]),
    ):
        model.get_layer(name).set_weights([table.astype(np.float32)])

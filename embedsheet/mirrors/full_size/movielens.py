"""The lecture's recommenders and a better one, as Keras models of (user place, movie place) → stars.

With `p_u`, `q_m` the factors of a user and a movie (rows of length k), `b` biases and μ the mean rating:

* `dot`:   p_u · q_m
* `bias`:  p_u · q_m + b_u + b_m
* `net`:   dense(70) of [p_u, q_m], with dropout before and after it
* `svdpp`: μ + b_u + b_m + (p_u + |N_u|^-½ Σ_{j ∈ N_u} y_j) · q_m + (g + t_u) · f_m
* `best`:  μ + b_u + b_m + p_u · q_m + t_u · f_m

In `svdpp` (SVD++, Koren 2008, with content) N_u are the movies that the user rated in the training part: *that*
somebody rated a movie says something about their taste, whatever the stars. f_m is what is known about a movie (genres,
year, popularity), g what everybody makes of it and t_u what this user makes of it beyond that. `best` has the same
parts; its weights are a mean over draws from what the ratings leave open, as `mirrors.full_size.sampling` says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from embedsheet.mirrors.full_size.engine import load_keras
from embedsheet.mirrors.full_size.ratings import Ratings, movie_features

keras = load_keras()
ops = keras.ops


@dataclass(frozen=True, slots=True)
class Options:
    """What a model is built with.

    A penalty λ adds λ Σ w² over a table's weights to the *sum* of squared errors over all ratings, so that what a user
    with few ratings is held back by does not change with the size of the data. `start` is the spread of the first
    factors. The mean rating μ is left to be learned ("learned", as in the lecture), or the factors start around √(μ/k)
    and are drawn back there by their penalty, so that an unknown movie is an average one ("factors"), or μ is added to
    every prediction ("added").
    """

    factors: int = 50
    bias_penalty: float = 0.0
    factor_penalty: float = 0.0
    implicit_penalty: float = 0.0
    preference_penalty: float = 0.0
    start: float = 0.05
    mean: Literal["learned", "factors", "added"] = "added"
    dropout: tuple[float, float] = (0.3, 0.75)
    seed: int = 42


class L2Around(keras.regularizers.Regularizer):  # type: ignore[misc, name-defined]
    """λ Σ (w - mean)²: a row that nothing is known about stays where it starts."""

    def __init__(self, mean: float, penalty: float) -> None:
        self.mean, self.penalty = mean, penalty

    def __call__(self, weights: Any) -> Any:
        """`weights`: any shape; returns a scalar."""
        return self.penalty * ops.sum((weights - self.mean) ** 2)


class Constants(keras.layers.Layer):  # type: ignore[misc, name-defined]
    """A layer that holds arrays which do not train.

    They are weights, so that a function compiled by JAX takes them as arguments instead of holding millions of
    constants. With PyTorch, which allows no integers among a layer's weights and compiles nothing, they are tensors.
    """

    def constant(self, name: str, values: NDArray[Any]) -> Any:
        """Return an array as the engine wants it."""
        if keras.config.backend() == "torch":
            return ops.convert_to_tensor(values)
        weight = self.add_weight(
            shape=values.shape, dtype=values.dtype.name, trainable=False, name=name, initializer="zeros"
        )
        weight.assign(values)
        return weight


class MovieFeatures(Constants):
    """Return f_m for each movie of a batch, (batch, features)."""

    def __init__(self, features: NDArray[np.float32], **options: Any) -> None:
        super().__init__(**options)
        self.features = features
        self.table = self.constant("features", features)

    def call(self, movie: Any) -> Any:
        """`movie`: (batch,) places."""
        return ops.take(self.table, movie, axis=0)


class ImplicitFactors(Constants):
    """Return |N_u|^-½ Σ_{j ∈ N_u} y_j for each user of a batch, (batch, k).

    N_u, as pairs of user and rated movie, never changes.
    """

    def __init__(self, training: Ratings, factors: int, penalty: float, seed: int, **options: Any) -> None:
        super().__init__(**options)
        order = np.argsort(training.user, kind="stable")  # sums of neighbours: the rows of a user lie together
        # TensorFlow has no sum that knows both of the order and of how many sums there are.
        self.ordered = keras.config.backend() != "tensorflow"
        self.users = len(training.users)
        self.rated_user = self.constant("rated_user", training.user[order])
        self.rated_movie = self.constant("rated_movie", training.movie[order])
        counts = np.bincount(training.user, minlength=self.users)
        self.scale = self.constant("scale", (np.maximum(counts, 1) ** -0.5)[:, None].astype(np.float32))
        self.embeddings = self.add_weight(
            shape=(len(training.movies), factors), name="embeddings", regularizer=keras.regularizers.L2(penalty),
            initializer=keras.initializers.RandomNormal(stddev=0.025, seed=seed),
        )  # fmt: skip

    def call(self, user: Any) -> Any:
        """`user`: (batch,) places."""
        rated = ops.take(self.embeddings, self.rated_movie, axis=0)
        sums = ops.segment_sum(rated, self.rated_user, num_segments=self.users, sorted=self.ordered)
        return ops.take(sums * self.scale, user, axis=0)


class _Tables:
    """Makes a model's inputs and its looked-up rows; each table draws its start from a seed of its own."""

    def __init__(self, training: Ratings, options: Options) -> None:
        self.training, self.options = training, options
        self.mean = float(training.rating.mean())
        self.user = keras.Input((), dtype="int32", name="user")
        self.movie = keras.Input((), dtype="int32", name="movie")
        self._drawn = 0

    def seed(self) -> int:
        self._drawn += 1
        return 1000 * self.options.seed + self._drawn

    def rows(self, name: str, columns: int, penalty: float, start: float = 0.0, mean: float = 0.0) -> Any:
        """Look the batch's users or movies (as `name` begins) up in a table of its own."""
        training = self.training
        of_user = name.startswith("user")
        key, size = (self.user, len(training.users)) if of_user else (self.movie, len(training.movies))
        return keras.layers.Embedding(
            size, columns, name=name,
            embeddings_initializer=keras.initializers.RandomNormal(mean, start, self.seed()) if start else "zeros",
            embeddings_regularizer=L2Around(mean, penalty) if penalty else None,
        )(key)  # fmt: skip

    def factors(self) -> tuple[Any, Any]:
        """p_u and q_m, both (batch, k)."""
        options = self.options
        mean = (self.mean / options.factors) ** 0.5 if options.mean == "factors" else 0.0
        p, q = (
            self.rows(name, options.factors, options.factor_penalty, options.start, mean)
            for name in ("user_factors", "movie_factors")
        )
        return p, q

    def biases(self) -> list[Any]:
        """b_u and b_m, both (batch, 1)."""
        return [self.rows(name, 1, self.options.bias_penalty) for name in ("user_bias", "movie_bias")]

    def dense(self, columns: int, name: str, activation: str | None = None) -> Any:
        start = keras.initializers.GlorotUniform(self.seed())
        return keras.layers.Dense(columns, activation, name=name, kernel_initializer=start)

    def add_mean(self, stars: Any) -> Any:
        if self.options.mean != "added":
            return stars
        return keras.layers.Rescaling(1.0, offset=self.mean, name="mean")(stars)

    def model(self, stars: Any, name: str) -> Any:
        return keras.Model([self.user, self.movie], stars, name=name)


def dot(training: Ratings, options: Options) -> Any:
    """p_u · q_m."""
    tables = _Tables(training, options)
    return tables.model(tables.add_mean(keras.layers.Dot(1, name="dot")(list(tables.factors()))), "dot")


def bias(training: Ratings, options: Options) -> Any:
    """p_u · q_m + b_u + b_m."""
    tables = _Tables(training, options)
    product = keras.layers.Dot(1, name="dot")(list(tables.factors()))
    stars = keras.layers.Add(name="sum")([product, *tables.biases()])
    return tables.model(tables.add_mean(stars), "bias")


def net(training: Ratings, options: Options) -> Any:
    """The lecture's small network over both rows side by side."""
    tables = _Tables(training, options)
    before, after = options.dropout
    hidden = keras.layers.Concatenate(name="side_by_side")(list(tables.factors()))
    hidden = keras.layers.Dropout(before, seed=tables.seed())(hidden)
    hidden = tables.dense(70, "hidden", "relu")(hidden)
    hidden = keras.layers.Dropout(after, seed=tables.seed())(hidden)
    return tables.model(tables.add_mean(tables.dense(1, "stars")(hidden)), "net")


def svdpp(training: Ratings, options: Options) -> Any:
    """SVD++ with content, as the module says."""
    tables = _Tables(training, options)
    known, _ = movie_features(training)
    p, q = tables.factors()
    implicit = ImplicitFactors(
        training, options.factors, options.implicit_penalty, tables.seed(), name="implicit_factors"
    )(tables.user)
    taste = keras.layers.Add(name="taste")([p, implicit])
    f = MovieFeatures(known, name="movie_features")(tables.movie)
    everybody = keras.layers.Dense(
        1, use_bias=False, name="preferences", kernel_initializer="zeros", kernel_regularizer=keras.regularizers.L2(1.0)
    )
    t = tables.rows("user_preferences", known.shape[1], options.preference_penalty)
    parts = [keras.layers.Dot(1, name="dot")([taste, q]), *tables.biases(), everybody(f)]
    parts.append(keras.layers.Dot(1, name="liking")([t, f]))
    return tables.model(tables.add_mean(keras.layers.Add(name="sum")(parts)), "svdpp")


def best(training: Ratings, options: Options) -> Any:
    """p_u · q_m + t_u · f_m beside mean and biases."""
    tables = _Tables(training, options)
    known, _ = movie_features(training)
    parts = [keras.layers.Dot(1, name="dot")(list(tables.factors())), *tables.biases()]
    t = tables.rows("user_preferences", known.shape[1], options.preference_penalty)
    parts.append(keras.layers.Dot(1, name="liking")([t, MovieFeatures(known, name="movie_features")(tables.movie)]))
    return tables.model(tables.add_mean(keras.layers.Add(name="sum")(parts)), "best")


BUILDERS = {"dot": dot, "bias": bias, "net": net, "svdpp": svdpp, "best": best}


def units(model: Any, training: Ratings, options: Options) -> list[NDArray[np.float32]]:
    """Return a unit for each weight that trains, broadcastable to it: 1/√(its curvature), roughly.

    Moving a bias that a thousand ratings share changes the loss a thousand times as much as moving one that a single
    rating has. Measured in these units all weights are alike, and L-BFGS needs 40 iterations instead of 300.
    """
    users = np.bincount(training.user, minlength=len(training.users))[:, None]
    movies = np.bincount(training.movie, minlength=len(training.movies))[:, None]
    factor = (training.rating.mean() / options.factors) if options.mean == "factors" else 0.05
    squares = (movie_features(training)[0][training.movie] ** 2).mean(axis=0)
    curvatures = {
        "user_bias": users + options.bias_penalty,
        "movie_bias": movies + options.bias_penalty,
        "user_factors": factor * users + options.factor_penalty,
        "movie_factors": factor * movies + options.factor_penalty,
        # A movie's implicit factors reach every rating of every user who rated it, a little.
        "implicit_factors": factor * movies / 30 + options.implicit_penalty,
        "user_preferences": users * squares + options.preference_penalty,
        "preferences": len(training) * squares[:, None] + 1.0,
    }
    return [
        np.asarray(curvatures[weight.path.split("/")[0]] ** -0.5, np.float32) for weight in model.trainable_variables
    ]

"""A trained recommender as the lecture's formula: stars = μ + b_u + b_m + v_u · w_m."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.ground.errors import SettingsError
from embedsheet.mirrors.full_size.engine import get_weights
from embedsheet.mirrors.full_size.movielens import keras
from embedsheet.mirrors.full_size.ratings import Ratings, movie_features

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class DotProducts:
    """U users, M movies. user_bias: (U,); user_factors: (U, k); movie_bias: (M,); movie_factors: (M, k).

    The first `learned` columns of movie_factors are learned, the rest is what is known about a movie.
    factor_names: (k,).
    """

    mean: float
    user_bias: Floats
    user_factors: Floats
    movie_bias: Floats
    movie_factors: Floats
    learned: int
    factor_names: Sequence[str]

    def predict(self, user: NDArray[np.int32], movie: NDArray[np.int32]) -> Floats:
        """Return stars, not clipped, (rows,)."""
        products = np.einsum("rk,rk->r", self.user_factors[user], self.movie_factors[movie])
        return np.asarray(self.mean + self.user_bias[user] + self.movie_bias[movie] + products)


def dot_products(model: Any, training: Ratings) -> DotProducts:
    """Read a trained model. Raises TrainingError for `net`, which is no dot product.

    In `svdpp` and `best` a user's row is their factors, those of the movies they rated included, and then their
    preferences; a movie's row is its factors and then what is known about it, and what everybody makes of that is in
    the movie's bias.
    """
    layers = {layer.name: layer for layer in model.layers}
    if "dot" not in layers:
        raise SettingsError(f"The model {model.name} is no dot product; choose best, svdpp, bias or dot.")

    def weights(name: str, rows: int) -> Floats:
        if name not in layers:
            return np.zeros((rows, 1))
        return np.asarray(get_weights(layers[name])[-1], np.float64)

    users, movies = len(training.users), len(training.movies)
    p, q = weights("user_factors", users), weights("movie_factors", movies)
    names = [f"factor {number + 1}" for number in range(p.shape[1])]
    user_bias, movie_bias = weights("user_bias", users)[:, 0], weights("movie_bias", movies)[:, 0]
    mean = layers["mean"].offset if "mean" in layers else 0.0
    if "implicit_factors" in layers:
        p = p + keras.ops.convert_to_numpy(layers["implicit_factors"](np.arange(users, dtype=np.int32)))
    if "movie_features" in layers:
        known = layers["movie_features"].features.astype(np.float64)
        movie_bias = movie_bias + known @ weights("preferences", known.shape[1])[:, 0]
        p = np.hstack([p, weights("user_preferences", users)])
        q = np.hstack([q, known])
        names += movie_features(training)[1]
    learned = layers["movie_factors"].output_dim
    return DotProducts(float(mean), user_bias, p, movie_bias, q, learned, names)

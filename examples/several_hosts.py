"""One training on several hosts: each learns from its part of the ratings, all have the same weights at every step.

On every host, THIS being 0 on the first, 1 on the next, …:

python examples/several_hosts.py FIRST_HOST:1234 HOSTS THIS
"""

from __future__ import annotations

import sys
from typing import Any

import jax
import numpy as np

import embedsheet as es

BATCH = 1024  # of all hosts together
EPOCHS = 3
keras = es.parts.load_keras()


def build(training: es.parts.Ratings) -> Any:
    """Return the lecture's dot product, with the same start on every host."""
    keras.utils.set_random_seed(42)
    model = es.parts.BUILDERS["dot"](training, es.parts.Options(factor_penalty=1e-4, mean="learned"))
    model.compile(keras.optimizers.Adam(0.01), "mse")
    return model


def main(first: str = "", hosts: int = 1, this: int = 0) -> None:
    """Train, then let the first host judge."""
    if hosts > 1:
        jax.distributed.initialize(first, hosts, this)  # before anything asks JAX for its devices
        # Each host brings its own part; Keras need not cut the data up.
        keras.distribution.set_distribution(keras.distribution.DataParallel(auto_shard_dataset=False))
    training, validation = es.parts.Ratings.of(es.read_ratings()).split()
    model = build(training)
    # The same order everywhere, whole batches only: every host must take the same number of steps.
    order = np.random.default_rng(0).permutation(len(training))[: len(training) // BATCH * BATCH]
    mine = training.take(order[this::hosts])
    model.fit([mine.user, mine.movie], mine.rating, batch_size=BATCH // hosts, epochs=EPOCHS, shuffle=False, verbose=0)
    weights = model.get_weights()
    if this == 0:  # the one that would write the workbook
        keras.distribution.set_distribution(None)
        judge = build(training)
        judge.set_weights(weights)
        stars = judge.predict([validation.user, validation.movie], batch_size=4096, verbose=0)[:, 0]
        found = es.parts.clipped_rmse(stars, validation.rating)
        print(f"{hosts} host(s), {len(order):,} ratings: RMSE of those held out {found:.5f}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    else:
        main()

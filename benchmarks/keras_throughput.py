"""Training through `embedsheet movielens --lecture` and through a bare, hand-written Keras `fit`, in turns.

    python -m benchmarks.keras_throughput            # both beside each other
    python -m benchmarks.keras_throughput sizes      # synthetic rows: seconds and memory at 0.1, 1 and 5 million

Both train the same model (`bias`, 50 factors, Adam, batches of 64) for three epochs, from its compilation on, and judge
it on the same held-out ratings. They take turns; the fastest of each counts.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import numpy as np

from benchmarks.measure import in_turns
from benchmarks.row import Row, tell
from embedsheet.ground.data import Movie, movielens
from embedsheet.mirrors.full_size.movielens import BUILDERS, keras
from embedsheet.mirrors.full_size.movielens_training import DEFAULT, LECTURE, Recipe, _per_rating, train
from embedsheet.mirrors.full_size.ratings import Ratings

ROUNDS, EPOCHS = 5, 3
SIZES = (100_000, 1_000_000, 5_000_000)


def rows() -> Iterator[Row]:
    """Yield one row: a throughput of at least 0.95 of Keras' own."""
    training, validation = Ratings.of(movielens()).split()
    options = LECTURE["bias"].options
    recipe = Recipe(options, ((1e-3, EPOCHS),))

    def bare() -> None:
        model = BUILDERS["bias"](training, _per_rating(options, len(training)))
        model.compile(keras.optimizers.Adam(1e-3), "mse", metrics=[keras.metrics.RootMeanSquaredError()])
        model.fit(
            [training.user, training.movie],
            training.rating,
            batch_size=64,
            epochs=EPOCHS,
            verbose=0,
            validation_data=([validation.user, validation.movie], validation.rating),
            validation_batch_size=1 << 16,
        )

    def ours() -> None:
        train("bias", recipe, training, validation)

    turns = in_turns(ours, bare, rounds=ROUNDS)
    mine, theirs = turns.least()
    note = f"{EPOCHS * len(training) / mine:,.0f} rows a second, with compilation; {turns.processor_note()}"
    yield Row("Training in Keras", f"film ratings, {EPOCHS} epochs of {len(training):,} rows", mine,
              rival="Keras' fit by hand", theirs=theirs, most_ratio=1 / 0.95, note=note)  # fmt: skip


def synthetic(rows: int) -> Ratings:
    """Return ratings that are as long-tailed as real ones, of equally many users and movies whatever the rows."""
    generator = np.random.default_rng(1)
    users = movies = 10_000
    films = tuple(Movie(place, f"Movie {place}", 1990, ("Drama",)) for place in range(movies))
    user = generator.integers(users, size=rows, dtype=np.int32)
    movie = (movies * generator.random(rows) ** 3).astype(np.int32)
    rating = (generator.integers(1, 11, rows) / 2).astype(np.float32)
    return Ratings(np.arange(users, dtype=np.int32), films, user, movie, rating)


def measure(name: str, rows: int) -> None:
    """Print the seconds of one epoch after the first, and the process's largest memory."""
    ratings = synthetic(rows)
    import resource  # not on Windows

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    lecture = name == "bias in batches"
    recipe = (
        Recipe(LECTURE["bias"].options, ((1e-3, 2),), 1024)
        if lecture
        else Recipe(DEFAULT["svdpp"].options, iterations=6)
    )
    trained = train("bias" if lecture else "svdpp", recipe, *ratings.split())
    times = np.diff([epoch.seconds for epoch in trained.epochs])
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        f"{name:16} {rows:10,} rows  {np.median(times):8.3f} s an epoch  "
        f"{np.median(times) / rows * 1e6:7.3f} µs a row  "
        f"{after / 1e6:6.2f} GB ({before / 1e6:.2f} GB of it before training)",
        flush=True,
    )


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["sizes"]:
            for wanted in ("svdpp", "bias in batches"):
                for count in SIZES:
                    # A process each: memory is counted from its beginning.
                    subprocess.run(
                        [sys.executable, "-m", "benchmarks.keras_throughput", wanted, str(count)], check=True
                    )
        case [wanted, count] if count.isdecimal():
            measure(wanted, int(count))
        case _:
            tell(rows())

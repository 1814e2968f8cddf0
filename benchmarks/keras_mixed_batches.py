"""Mixed batches by MixIterator and by np.concatenate, in turns, for rows of several sizes: microseconds a batch.

    python -m benchmarks.keras_mixed_batches

Both draw the same rows: 44 from one array, 4 and 16 from two others. Concatenating is what the lecture's version does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from benchmarks.measure import in_turns
from benchmarks.row import Row, tell
from embedsheet.mirrors.full_size.mixed_batches import Batches, MixIterator

SIZES = (44, 4, 16)
WIDTHS = (2, 784, 3 * 64 * 64, 3 * 224 * 224)  # a rating, a digit, a small and a large picture, in float32
ROUNDS = 5


def rows() -> Iterator[Row]:
    """Yield one row a width; the fastest of the rounds counts."""
    for width in WIDTHS:
        count = min(2000, 60_000_000 // width)
        data = [np.random.default_rng(seed).random((count, width), np.float32) for seed in range(len(SIZES))]
        target = np.zeros(count, np.float32)
        batches = 500 if width < 10_000 else 20
        mixed = MixIterator([Batches(part, target, size, seed=0) for part, size in zip(data, SIZES, strict=True)])
        sources = [Batches(np.arange(count), target, size, seed=0) for size in SIZES]

        def concatenate(data: list[np.ndarray] = data, sources: list[Batches] = sources, target=target) -> None:
            places = [source.next_rows() for source in sources]
            np.concatenate([part[place] for part, place in zip(data, places, strict=True)])
            np.concatenate([target[place] for place in places])

        def mix(mixed: MixIterator = mixed) -> None:
            next(mixed)

        def repeated(work: Callable[[], None], batches: int = batches) -> Callable[[], None]:
            def many() -> None:
                for _ in range(batches):
                    work()

            return many

        seconds = in_turns(repeated(mix), repeated(concatenate), rounds=ROUNDS).least()
        mine, theirs = (one / batches * 1e6 for one in seconds)
        yield Row("Mixed batches of 64", f"{width:,} numbers a row", mine, "µs", "np.concatenate", theirs)


if __name__ == "__main__":
    tell(rows())

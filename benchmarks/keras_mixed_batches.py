"""Mixed batches by MixIterator and by np.concatenate, in turns, for rows of several sizes: microseconds a batch.

    python benchmarks/keras_mixed_batches.py

Both draw the same rows: 44 from one array, 4 and 16 from two others. Concatenating is what the lecture's version does.
"""

from __future__ import annotations

import time

import numpy as np

from embedsheet.networks.mixed_batches import Batches, MixIterator

SIZES = (44, 4, 16)
WIDTHS = (2, 784, 3 * 64 * 64, 3 * 224 * 224)  # a rating, a digit, a small and a large picture, in float32
ROUNDS = 5


def main() -> None:
    print(f"{'numbers a row':>14} {'concatenate':>12} {'MixIterator':>12} {'ratio':>6}")
    for width in WIDTHS:
        rows = min(2000, 60_000_000 // width)
        data = [np.random.default_rng(seed).random((rows, width), np.float32) for seed in range(len(SIZES))]
        target = np.zeros(rows, np.float32)
        batches = 500 if width < 10_000 else 20
        mixed = MixIterator([Batches(part, target, size, seed=0) for part, size in zip(data, SIZES, strict=True)])
        sources = [Batches(np.arange(rows), target, size, seed=0) for size in SIZES]

        def concatenate(data: list[np.ndarray] = data, sources: list[Batches] = sources, target=target) -> None:
            places = [source.next_rows() for source in sources]
            np.concatenate([part[place] for part, place in zip(data, places, strict=True)])
            np.concatenate([target[place] for place in places])

        def mix(mixed: MixIterator = mixed) -> None:
            next(mixed)

        least = dict.fromkeys((concatenate, mix), np.inf)
        for _ in range(ROUNDS):
            for work in least:
                began = time.perf_counter()
                for _ in range(batches):
                    work()
                least[work] = min(least[work], (time.perf_counter() - began) / batches * 1e6)
        slow, fast = least.values()
        print(f"{width:14,} {slow:12.1f} {fast:12.1f} {slow / fast:6.2f}")


if __name__ == "__main__":
    main()

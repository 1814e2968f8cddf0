"""Batches made of several sources: 44 rows of training data, 4 of validation data, 16 with pseudo-labels.

python examples/mixed_batches.py
"""

from __future__ import annotations

import numpy as np

import embedsheet as es

if __name__ == "__main__":
    chance = np.random.default_rng(0)
    sources = [
        es.parts.Batches(
            chance.random((rows, 3), dtype=np.float32), np.full(rows, mark, dtype=np.float32), batch, seed=1
        )
        for rows, mark, batch in ((1000, 1.0, 44), (100, 2.0, 4), (5000, 3.0, 16))
    ]
    batches = es.parts.MixIterator(sources).generator()
    for _ in range(3):
        inputs, targets = next(batches)
        kinds, counts = np.unique(targets, return_counts=True)
        print(inputs.shape, dict(zip(kinds.astype(int).tolist(), counts.tolist(), strict=True)))

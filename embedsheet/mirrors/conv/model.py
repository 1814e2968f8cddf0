"""A convolutional net, forward in NumPy: convolution → ReLU → max pooling → flat → a dense layer.

n images of S × S pixels, filters of K × K, maps of M × M, M = S − K + 1, pooled to P × P, C classes. The names are
those of the sheet's blocks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from embedsheet.mirrors.nets.comparison import Floats

FILTERS, KERNEL, POOL = 2, 3, 2
KERNELS = [f"filter.{number}" for number in range(1, FILTERS + 1)]
# The weights' blocks, in the order of Solver's cells.
WEIGHTS = [*(name for kernel in KERNELS for name in (kernel, f"{kernel}.bias")), "output.weights", "output.bias"]


def start_weights(pooled: int, classes: int, seed: int) -> dict[str, Floats]:
    """Return small random weights, rounded to what a cell shows; the filters' biases 0.1, above ReLU's kink."""
    random = np.random.default_rng(seed)
    weights: dict[str, Floats] = {}
    for kernel in KERNELS:
        weights |= {kernel: random.normal(0, 0.5, (KERNEL, KERNEL)).round(2), f"{kernel}.bias": np.full((1, 1), 0.1)}
    dense = random.normal(0, 0.5, (FILTERS * pooled**2, classes)).round(2)
    return weights | {"output.weights": dense, "output.bias": np.zeros((1, classes))}


@dataclass(frozen=True, eq=False)
class Pass:
    """All that is computed: convolved, rectified (n, M, M, filters), pooled (n, P, P, filters), flat, logits (n, …)."""

    convolved: Floats
    rectified: Floats
    pooled: Floats
    flat: Floats
    logits: Floats


def forward(weights: Mapping[str, Floats], images: Floats) -> Pass:
    """Return what is computed for images (n, S, S), M even."""
    windows = np.lib.stride_tricks.sliding_window_view(images, (KERNEL, KERNEL), axis=(1, 2))
    maps = [np.einsum("nrcij,ij->nrc", windows, weights[kernel]) + weights[f"{kernel}.bias"] for kernel in KERNELS]
    convolved = np.stack(maps, axis=-1)
    rectified = np.maximum(convolved, 0)
    count, pooled = len(images), convolved.shape[1] // POOL
    squares = rectified.reshape(count, pooled, POOL, pooled, POOL, FILTERS).max(axis=(2, 4))
    flat = squares.reshape(count, -1)
    return Pass(convolved, rectified, squares, flat, flat @ weights["output.weights"] + weights["output.bias"])

"""Attention, forward in NumPy: embeddings and places → heads side by side → residual, normalisation → output.

n pieces of S characters, k factors, H heads of d units, V characters. The names are those of the sheet's blocks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedsheet.ground.measures import softmax
from embedsheet.mirrors.nets.comparison import Floats

ROLES = ("query", "key", "value")
EPSILON = 0.001  # what Keras adds to a variance before it divides by its root
HIDDEN_SCORE = -500.0  # of what must not be looked at: exp makes nothing of it; LibreOffice has no power of -1e9
Weights = Mapping[str, Floats]


def head_blocks(head: int) -> list[str]:
    """Return the blocks of a head, counted from 1: for each role weights (k, d) and bias (1, d)."""
    return [f"head.{head}.{role}{part}" for role in ROLES for part in ("", ".bias")]


def blocks_of(heads: int) -> list[str]:
    """Return the blocks of a net's weights, in the order of Solver's cells."""
    return [
        "characters.factors",
        "places.factors",
        *(name for head in range(1, heads + 1) for name in head_blocks(head)),
        *("heads.weights", "heads.bias", "norm.scale", "norm.shift", "output.weights", "output.bias"),
    ]


def start_weights(characters: int, places: int, factors: int, heads: int, units: int, seed: int) -> dict[str, Floats]:
    """Return small random weights, rounded to what a cell shows; biases 0, the normalisation's scale 1."""
    random = np.random.default_rng(seed)

    def small(*shape: int) -> Floats:
        return random.normal(0, 0.5, shape).round(2)

    weights = {"characters.factors": small(characters, factors), "places.factors": small(places, factors)}
    for head in range(1, heads + 1):
        for role in ROLES:
            weights |= {f"head.{head}.{role}": small(factors, units), f"head.{head}.{role}.bias": np.zeros((1, units))}
    return weights | {
        "heads.weights": small(heads * units, factors), "heads.bias": np.zeros((1, factors)),
        "norm.scale": np.ones((1, factors)), "norm.shift": np.zeros((1, factors)),
        "output.weights": small(factors, characters), "output.bias": np.zeros((1, characters)),
    }  # fmt: skip


@dataclass(frozen=True, eq=False)
class Head:
    """Query, key, value and what comes out of them (n, S, d); scores and attention (n, S, S)."""

    query: Floats
    key: Floats
    value: Floats
    scores: Floats
    attention: Floats
    out: Floats


@dataclass(frozen=True, eq=False)
class Pass:
    """All that is computed: (n, S, …). `logits` are those of every place."""

    x: Floats
    heads: list[Head]
    attended: Floats
    residual: Floats
    mean: Floats
    deviation: Floats
    normed: Floats
    logits: Floats


def forward(weights: Weights, ids: NDArray[np.integer], heads: int, causal: bool) -> Pass:
    """Return what is computed for ids (n, S) from 0. causal: nothing sees what stands behind it."""
    length = ids.shape[1]
    x = weights["characters.factors"][ids] + weights["places.factors"]
    seen = np.tril(np.ones((length, length), bool)) if causal else np.ones((length, length), bool)
    made = []
    for head in range(1, heads + 1):
        query, key, value = (x @ weights[f"head.{head}.{role}"] + weights[f"head.{head}.{role}.bias"] for role in ROLES)
        scores = np.where(seen, query @ key.swapaxes(1, 2) / np.sqrt(query.shape[-1]), HIDDEN_SCORE)
        attention = softmax(scores)
        made.append(Head(query, key, value, scores, attention, attention @ value))
    together = np.concatenate([head.out for head in made], axis=-1)
    attended = together @ weights["heads.weights"] + weights["heads.bias"]
    residual = x + attended
    mean = residual.mean(axis=-1, keepdims=True)
    deviation = np.sqrt(((residual - mean) ** 2).mean(axis=-1, keepdims=True) + EPSILON)
    normed = (residual - mean) / deviation * weights["norm.scale"] + weights["norm.shift"]
    return Pass(
        x, made, attended, residual, mean, deviation, normed,
        normed @ weights["output.weights"] + weights["output.bias"],
    )  # fmt: skip

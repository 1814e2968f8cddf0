"""Three recurrent cells in NumPy, forward and back, with derivatives by hand; n pieces, T characters, h units.

Weights are named as the blocks of a sheet: a gate has its kernel (k, h) for what is read, its recurrent (h, h) for the
state before, its bias (1, h); a GRU's also a recurrent_bias (1, h), as Keras' with reset_after.

    simple  h = tanh(x W + g U + b)                          g: the state h one step before
    LSTM    c = forget · c before + input · candidate,       h = output · tanh(c)
    GRU     h = update · g + (1 − update) · candidate,       candidate = tanh(x W + b + reset · (g U + recurrent_bias))

All gates are sigmoid(x W + g U + b); the candidates are tanh. The state after the last character gives logits by one
more matrix, and the loss is the mean of −ln softmax(logits)[answer].
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embedsheet.ground.measures import softmax
from embedsheet.mirrors.nets.comparison import Floats
from embedsheet.mirrors.perceptron.model import cross_entropies, sigmoid

Weights = Mapping[str, Floats]
Numbers = dict[str, Floats]


@dataclass(frozen=True, slots=True)
class Cell:
    """A kind of cell: Keras' layer, its gates in Keras' order, which of them is pressed by what, and its step.

    `step(weights, x, before)` returns all that is computed in a step, "h" among it, from x (n, k) and the step before;
    `back(before, now, slopes)` takes the loss's derivatives by "h" (and "c") and returns, by name, those by the gates'
    sums and what goes back to "h" (and "c") before other than through a gate.
    """

    layer: str
    gates: Mapping[str, str]
    carried: tuple[str, ...]
    step: Callable[[Weights, Floats, Numbers], Numbers]
    back: Callable[[Numbers, Numbers, Numbers], Numbers]
    two_biases: bool = False

    def parts(self) -> tuple[str, ...]:
        """Return what each gate has, in Keras' order of variables."""
        return ("kernel", "recurrent", "bias", "recurrent_bias") if self.two_biases else ("kernel", "recurrent", "bias")


def _sum(weights: Weights, gate: str, x: Floats, h: Floats) -> Floats:
    return x @ weights[f"{gate}.kernel"] + h @ weights[f"{gate}.recurrent"] + weights[f"{gate}.bias"]


def _simple(weights: Weights, x: Floats, before: Numbers) -> Numbers:
    return {"h": np.tanh(_sum(weights, "hidden", x, before["h"]))}


def _simple_back(before: Numbers, now: Numbers, slopes: Numbers) -> Numbers:
    return {"hidden": slopes["h"] * (1 - now["h"] ** 2)}


def _lstm(weights: Weights, x: Floats, before: Numbers) -> Numbers:
    i, f, o = (sigmoid(_sum(weights, gate, x, before["h"])) for gate in ("input_gate", "forget_gate", "output_gate"))
    candidate = np.tanh(_sum(weights, "candidate", x, before["h"]))
    c = f * before["c"] + i * candidate
    return {"input_gate": i, "forget_gate": f, "candidate": candidate, "output_gate": o, "c": c, "h": o * np.tanh(c)}


def _lstm_back(before: Numbers, now: Numbers, slopes: Numbers) -> Numbers:
    i, f, o, candidate = (now[one] for one in ("input_gate", "forget_gate", "output_gate", "candidate"))
    shown = np.tanh(now["c"])
    by_c = slopes["c"] + slopes["h"] * o * (1 - shown**2)
    return {
        "input_gate": by_c * candidate * i * (1 - i),
        "forget_gate": by_c * before["c"] * f * (1 - f),
        "candidate": by_c * i * (1 - candidate**2),
        "output_gate": slopes["h"] * shown * o * (1 - o),
        "c": by_c * f,
    }


def _gru(weights: Weights, x: Floats, before: Numbers) -> Numbers:
    h = before["h"]
    z, r = (
        sigmoid(_sum(weights, gate, x, h) + weights[f"{gate}.recurrent_bias"]) for gate in ("update_gate", "reset_gate")
    )
    inner = h @ weights["candidate.recurrent"] + weights["candidate.recurrent_bias"]
    candidate = np.tanh(x @ weights["candidate.kernel"] + weights["candidate.bias"] + r * inner)
    return {"update_gate": z, "reset_gate": r, "inner": inner, "candidate": candidate, "h": z * h + (1 - z) * candidate}


def _gru_back(before: Numbers, now: Numbers, slopes: Numbers) -> Numbers:
    z, r, candidate = now["update_gate"], now["reset_gate"], now["candidate"]
    by_candidate = slopes["h"] * (1 - z) * (1 - candidate**2)
    return {
        "update_gate": slopes["h"] * (before["h"] - candidate) * z * (1 - z),
        "reset_gate": by_candidate * now["inner"] * r * (1 - r),
        "candidate": by_candidate,
        "inner": by_candidate * r,
        "h": slopes["h"] * z,
    }


_SIGMOID, _TANH = "sigmoid", "tanh"
CELLS = {
    "simple": Cell("SimpleRNN", {"hidden": _TANH}, ("h",), _simple, _simple_back),
    "lstm": Cell(
        "LSTM",
        {"input_gate": _SIGMOID, "forget_gate": _SIGMOID, "candidate": _TANH, "output_gate": _SIGMOID},
        ("h", "c"), _lstm, _lstm_back,
    ),
    "gru": Cell(
        "GRU", {"update_gate": _SIGMOID, "reset_gate": _SIGMOID, "candidate": _TANH}, ("h",), _gru, _gru_back, True
    ),
}  # fmt: skip


def blocks_of(kind: str) -> list[str]:
    """Return the names of all weights, in the order in which a sheet's Solver has them."""
    cell = CELLS[kind]
    gates = [f"{gate}.{part}" for gate in cell.gates for part in cell.parts()]
    return ["characters.factors", *gates, "output.weights", "output.bias"]


def start_weights(kind: str, characters: int, factors: int, hidden: int, seed: int) -> Numbers:
    """Return small random weights, rounded to what a cell shows; a forget gate begins open, as in Keras."""
    random = np.random.default_rng(seed)
    weights = {"characters.factors": random.normal(0, 1, (characters, factors))}
    for gate in CELLS[kind].gates:
        weights[f"{gate}.kernel"] = random.uniform(-1, 1, (factors, hidden)) * np.sqrt(6 / (factors + hidden))
        weights[f"{gate}.recurrent"] = np.linalg.qr(random.normal(size=(hidden, hidden)))[0]
        for part in CELLS[kind].parts()[2:]:
            weights[f"{gate}.{part}"] = np.full((1, hidden), 1.0 if gate == "forget_gate" else 0.0)
    weights["output.weights"] = random.uniform(-1, 1, (hidden, characters)) * np.sqrt(6 / (characters + hidden))
    weights["output.bias"] = np.zeros((1, characters))
    return {name: part.round(3) for name, part in weights.items()}


def forward(kind: str, weights: Weights, pieces: NDArray[np.integer]) -> list[Numbers]:
    """Return what is computed before the first character (zeros) and after each, for ids (n, T) from 0."""
    cell = CELLS[kind]
    zeros = np.zeros((len(pieces), weights["output.weights"].shape[0]))
    steps = [dict.fromkeys(cell.carried, zeros)]
    for ids in pieces.T:
        steps.append(cell.step(weights, weights["characters.factors"][ids], steps[-1]))
    return steps


def logits_of(weights: Weights, steps: list[Numbers]) -> Floats:
    """Return the logits after the last character: (n, characters)."""
    return np.asarray(steps[-1]["h"] @ weights["output.weights"] + weights["output.bias"])


def loss_and_gradient(
    kind: str, weights: Weights, pieces: NDArray[np.integer], answers: NDArray[np.integer]
) -> tuple[float, Floats, Numbers]:
    """Return the loss, the probabilities (n, characters) and the loss's derivative by every weight.

    `pieces`: ids (n, T); `answers`: (n,). Backpropagation through time: the state's derivative is carried backward as
    the state was carried forward.
    """
    cell = CELLS[kind]
    steps = forward(kind, weights, pieces)
    logits = logits_of(weights, steps)
    chances = softmax(logits)
    gradient = {name: np.zeros_like(part) for name, part in weights.items()}
    by_logits = (chances - np.eye(logits.shape[1])[answers]) / len(answers)
    gradient["output.weights"] = steps[-1]["h"].T @ by_logits
    gradient["output.bias"] = by_logits.sum(axis=0, keepdims=True)
    slopes = {name: np.zeros_like(steps[0][name]) for name in cell.carried}
    slopes["h"] = by_logits @ weights["output.weights"].T
    for ids, before, now in zip(pieces.T[::-1], steps[-2::-1], steps[:0:-1], strict=True):
        found = cell.back(before, now, slopes)
        x = weights["characters.factors"][ids]
        by_h, by_x = found.get("h", np.zeros_like(before["h"])), np.zeros_like(x)
        for gate in cell.gates:
            recurrent = found["inner"] if gate == "candidate" and "inner" in found else found[gate]
            gradient[f"{gate}.kernel"] += x.T @ found[gate]
            gradient[f"{gate}.bias"] += found[gate].sum(axis=0, keepdims=True)
            gradient[f"{gate}.recurrent"] += before["h"].T @ recurrent
            if cell.two_biases:
                gradient[f"{gate}.recurrent_bias"] += recurrent.sum(axis=0, keepdims=True)
            by_h = by_h + recurrent @ weights[f"{gate}.recurrent"].T
            by_x = by_x + found[gate] @ weights[f"{gate}.kernel"].T
        np.add.at(gradient["characters.factors"], ids, by_x)
        slopes = {"h": by_h} | ({"c": found["c"]} if "c" in cell.carried else {})
    return float(cross_entropies(logits, answers).mean()), chances, gradient

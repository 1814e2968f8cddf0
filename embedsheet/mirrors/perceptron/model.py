"""Multilayer perceptrons: forward, backward and a step in NumPy with derivatives by hand, the sheets' nets in Keras.

A layer computes z = a W + b from the activations a (n, inputs) before it, and a = f(z). The last layer's z are the
logits of softmax; with a single one, of the logistic function. n samples, c classes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from embedsheet.book.blocks import numbers_in
from embedsheet.book.book import Book
from embedsheet.ground.errors import ModelError
from embedsheet.ground.keys import name_key
from embedsheet.ground.measures import softmax
from embedsheet.mirrors.nets.comparison import Floats, Net, cross_entropy, keras_activation, squares
from embedsheet.mirrors.recurrent.numpy_net import relu, relu_derivative

HIDDEN = ("hidden.1", "hidden.2")  # layers, in their order; a sheet has none, the first or both
OUTPUT = "output"


def sigmoid(z: Floats) -> Floats:
    """Return 1 / (1 + exp(−z)), element by element."""
    with np.errstate(over="ignore"):  # 1 / (1 + ∞) is the 0 that is meant
        return np.asarray(1 / (1 + np.exp(-z)))


class Activation(NamedTuple):
    """A function, its derivative (of z and of a = f(z)), and both as formulas of cells {z} and {a}."""

    function: Callable[[Floats], Floats]
    slope: Callable[[Floats, Floats], Floats]
    formula: str
    slope_formula: str


ACTIVATIONS = {
    "relu": Activation(relu, lambda z, a: relu_derivative(z), "MAX(0,{z})", "IF({a}>0,1,0)"),
    "tanh": Activation(np.tanh, lambda z, a: 1 - a**2, "TANH({z})", "1-{a}^2"),
    "sigmoid": Activation(sigmoid, lambda z, a: a * (1 - a), "1/(1+EXP(-{z}))", "{a}*(1-{a})"),
}


def cross_entropies(logits: Floats, answers: NDArray[np.integer]) -> Floats:
    """Return −ln p(answer) of each row, (n,): finite also where p is 0.

    `logits` (n, c), or (n, 1) of a logistic net.
    """
    if logits.shape[1] == 1:
        return np.asarray(np.logaddexp(0, logits[:, 0]) - answers * logits[:, 0])
    largest = logits.max(axis=1)
    totals = np.exp(logits - largest[:, None]).sum(axis=1)
    return np.asarray(largest + np.log(totals) - logits[np.arange(len(answers)), answers])


class Layer(NamedTuple):
    """Weights (inputs, units) and bias (1, units)."""

    weights: Floats
    bias: Floats


@dataclass(frozen=True, slots=True)
class Pass:
    """One way through the net and back: of each layer z and a, and the loss's derivatives by z, a and weights.

    `below` are the derivatives by each layer's input, the first layer's left out.
    """

    z: list[Floats]
    a: list[Floats]
    loss: float
    by_z: list[Floats]
    below: list[Floats]
    gradient: list[Layer]

    @property
    def probabilities(self) -> Floats:
        """What the last layer says: (n, c), or (n, 1) of a logistic one."""
        return self.a[-1]


def there_and_back(
    layers: Sequence[Layer], inputs: Floats, answers: NDArray[np.integer], activation: str, penalty: float = 0.0
) -> Pass:
    """Return all that is computed for inputs (n, d) with answers (n,), classes from 0: mean −ln p + penalty · Σ W²."""
    f = ACTIVATIONS[activation]
    z: list[Floats] = []
    a: list[Floats] = []
    for layer in layers:
        z.append((a[-1] if a else inputs) @ layer.weights + layer.bias)
        a.append(f.function(z[-1]))
    logistic = z[-1].shape[1] == 1
    a[-1] = sigmoid(z[-1]) if logistic else softmax(z[-1])
    wanted = answers[:, None].astype(float) if logistic else np.eye(z[-1].shape[1])[answers]
    losses = cross_entropies(z[-1], answers)
    loss = float(losses.mean()) + penalty * sum(float((layer.weights**2).sum()) for layer in layers)
    by_z = [(a[-1] - wanted) / len(answers)]
    below: list[Floats] = []
    for place in range(len(layers) - 1, 0, -1):
        below.insert(0, by_z[0] @ layers[place].weights.T)
        by_z.insert(0, below[0] * f.slope(z[place - 1], a[place - 1]))
    gradient = [
        Layer(before.T @ slope + 2 * penalty * layer.weights, slope.sum(axis=0, keepdims=True))
        for before, slope, layer in zip([inputs, *a[:-1]], by_z, layers, strict=True)
    ]
    return Pass(z, a, loss, by_z, below, gradient)


def layer_names(book: Book, sheet: str) -> list[str]:
    """Return the layers that a sheet has, in their order."""
    there = {name_key(name.name) for name in book.names if name.sheet and name_key(name.sheet) == name_key(sheet)}
    return [layer for layer in (*HIDDEN, OUTPUT) if name_key(f"{layer}.weights") in there]


def read_perceptron(book: Book, sheet: str) -> Net:
    """Return a sheet's net. Raises ModelError for a cell without a number or an activation that there is not."""
    layers = layer_names(book, sheet)
    names = [f"{layer}.{part}" for layer in layers for part in ("weights", "bias")]
    weights = {name: numbers_in(book, name, sheet) for name in names}
    inputs = numbers_in(book, "inputs", sheet)
    logistic = weights["output.bias"].size == 1
    answers = numbers_in(book, "answers", sheet).ravel().astype(np.int64) - (0 if logistic else 1)
    penalty = float(numbers_in(book, "penalty", sheet)[0, 0])
    activation = _activation(book, sheet) if len(layers) > 1 else "relu"
    return Net(
        sheet=sheet,
        weights=weights,
        variables=[((name,),) for name in names],
        build=partial(_build, [weights[f"{layer}.bias"].size for layer in layers], inputs.shape[1], activation),
        inputs=inputs,
        loss_of=partial(_loss, answers, penalty, logistic),
        shown_of=lambda keras, logits: keras.ops.sigmoid(logits) if logistic else keras.ops.softmax(logits),
        outputs=numbers_in(book, "probabilities", sheet).ravel(),
        loss=float(numbers_in(book, "loss", sheet)[0, 0]),
        gradients={name: numbers_in(book, f"gradient.{name}", sheet) for name in names},
    )


def _activation(book: Book, sheet: str) -> str:
    cell = book.area("activation", sheet)
    activation = name_key(str(book.values(cell)[0][0]))
    if activation not in {name_key(one): one for one in ACTIVATIONS}:
        raise ModelError(
            f"{sheet}!{cell.local()}: there is no activation {activation!r}; take one of {', '.join(ACTIVATIONS)}."
        )
    return {name_key(one): one for one in ACTIVATIONS}[activation]


def _build(units: Sequence[int], inputs: int, activation: str, keras: Any, dtype: str) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((inputs,), dtype=dtype),
            *(
                layers.Dense(
                    count, activation=keras_activation(keras, activation), dtype=dtype, name=name.replace(".", "_")
                )
                for name, count in zip(HIDDEN, units[:-1], strict=False)
            ),
            layers.Dense(units[-1], dtype=dtype, name=OUTPUT),
        ]
    )


def _loss(
    answers: NDArray[np.int64], penalty: float, logistic: bool, keras: Any, logits: Any, variables: Sequence[Any]
) -> Any:
    small = penalty * squares(keras, variables[::2])  # the biases go free
    if logistic:
        each = keras.ops.binary_crossentropy(
            answers[:, None].astype(keras.backend.standardize_dtype(logits.dtype)), logits, from_logits=True
        )
        return keras.ops.sum(each) / len(answers) + small
    return cross_entropy(keras, answers, logits) + small


BLOCKS = ("inputs", "output.weights", "output.bias", "answers", "penalty", "probabilities", "loss",
          "gradient.output.weights", "gradient.output.bias")  # fmt: skip


def rolled(layers: Sequence[Layer]) -> Floats:
    """Return one hidden layer and its output as a row (w,): unit by unit its bias and weights, then the output's."""
    units = np.hstack([layers[0].bias.T, layers[0].weights.T]).ravel()
    return np.concatenate([units, layers[1].bias.ravel(), layers[1].weights.ravel()])


def descend(
    start: Sequence[Layer], inputs: Floats, answers: NDArray[np.integer], activation: str, rate: float, epochs: int
) -> tuple[Floats, list[Pass]]:
    """Return the path of gradient descent (epochs + 1, w), and what was computed at each of its points."""
    layers, path, passes = list(start), [], []
    for _ in range(epochs + 1):
        path.append(rolled(layers))
        passes.append(there_and_back(layers, inputs, answers, activation))
        layers = [
            Layer(layer.weights - rate * slope.weights, layer.bias - rate * slope.bias)
            for layer, slope in zip(layers, passes[-1].gradient, strict=True)
        ]
    return np.stack(path), passes

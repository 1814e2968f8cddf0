"""A sheet's net beside Keras: equal weights give equal outputs, loss, gradient and steps of gradient descent.

A lesson says what a sheet of its holds by a `Net`; the comparison is the same for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.book.book import Book
from embedsheet.book.setups import SolverSetup
from embedsheet.ground.notation.addresses import Cell
from embedsheet.mirrors.full_size.engine import default_precision, load_keras

Floats = NDArray[np.float64]
# What rounding does, of the largest number compared; steps add theirs up.
TOLERANCE = {"float64": 1e-12, "float32": 1e-5}
STEPS_TOLERANCE = {"float64": 1e-11, "float32": 1e-4}

# Blocks of the sheet that make one variable of Keras: side by side in a row, rows of them under each other.
Grid = tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Witness:
    """What one program says of a net: loss, outputs in the cells' order (flat), gradient by block."""

    name: str
    loss: float
    outputs: Floats
    gradient: Mapping[str, Floats]
    tolerance: float = TOLERANCE["float64"]


@dataclass(frozen=True)
class Net:
    """A sheet's net: its weights by block, in the order of Solver's cells, and what its cells say of it.

    `variables` are Keras' trainable variables in its order, each a grid of blocks; `build(keras, dtype)` makes the
    Keras model; `inputs` are what it reads. `loss(keras, outputs, variables)` is the sheet's objective, and
    `shown(keras, outputs)` what the sheet shows of the outputs. `gradients` are blocks of the sheet that hold a
    derivative: {block of weights: its derivative by the cells}. Of the blocks in `columns` the cells, row by row, are
    one column of the variable, as a filter of Conv2D is. A block is part of one variable: where a sheet has bias and
    weights in one block, give `inputs` a column of ones.
    """

    sheet: str
    weights: Mapping[str, Floats]
    variables: Sequence[Grid]
    build: Callable[[Any, str], Any]
    inputs: Any
    loss_of: Callable[[Any, Any, Sequence[Any]], Any]
    shown_of: Callable[[Any, Any], Any]
    outputs: Floats
    loss: float
    gradients: Mapping[str, Floats] = field(default_factory=dict)
    witnesses: Callable[[], Iterable[Witness]] = tuple
    columns: frozenset[str] = frozenset()

    def in_variable(self, name: str) -> Floats:
        """Return a block of weights in the shape that it has in a table of its variable."""
        return self.weights[name].reshape(-1, 1) if name in self.columns else self.weights[name]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the comparison: what a program says, and the largest differences, each relative to what is large."""

    sheet: str
    name: str
    loss: float
    loss_difference: float
    output_difference: float
    gradient_difference: float | None
    steps_difference: float | None
    tolerance: float
    steps_tolerance: float

    @property
    def agrees(self) -> bool:
        """Whether every difference is within what rounding does."""
        found = [self.loss_difference, self.output_difference, self.gradient_difference or 0.0]
        return max(found) <= self.tolerance and (self.steps_difference or 0.0) <= self.steps_tolerance


def compare_net(book: Book, net: Net, steps: int, rate: float) -> list[Row]:
    """Return a line for the compiled formulas, one for Keras in each precision, and one for each further witness."""
    value, gradient, walked = formulas_walk(book, net.sheet, net.weights, steps, rate)
    rows = [
        Row(net.sheet, "compiled formulas", value, _apart(value, net.loss), 0.0, _cells_gradient(net, gradient), None,
            TOLERANCE["float64"], STEPS_TOLERANCE["float64"])
    ]  # fmt: skip
    for dtype in TOLERANCE:
        witness, end = _keras(net, dtype, steps, rate)
        rows.append(_row(net, witness, gradient, _apart(end, walked), STEPS_TOLERANCE[dtype]))
    for witness in net.witnesses():
        rows.append(_row(net, witness, gradient, None, STEPS_TOLERANCE["float64"]))
    return rows


def formulas_walk(
    book: Book, sheet: str, weights: Iterable[str], steps: int, rate: float
) -> tuple[float, Floats, Floats]:
    """Return what the compiled formulas say: loss, gradient, and the weights after steps of descent, in cell order.

    `weights` are the blocks of a sheet that its block loss is a function of.
    """
    from embedsheet.compiler.program import compile_program

    loss = book.area("loss", sheet)
    changing = tuple(book.area(name, sheet) for name in weights)
    program = compile_program(book, SolverSetup(sheet, Cell(sheet, loss.top, loss.left), changing))
    value, gradient = program.value_and_gradient(program.start)
    walked = program.start
    for _ in range(steps):
        walked = walked - rate * program.value_and_gradient(walked)[1]
    return value, gradient, walked


def _row(net: Net, witness: Witness, gradient: Floats, steps: float | None, steps_tolerance: float) -> Row:
    return Row(
        net.sheet, witness.name, witness.loss, _apart(witness.loss, net.loss), _apart(witness.outputs, net.outputs),
        _apart(flat(witness.gradient, net), gradient), steps, witness.tolerance, steps_tolerance,
    )  # fmt: skip


def _apart(one: Any, other: Any) -> float:
    """Return the largest difference, of the largest number or 1; infinite for another shape or no number."""
    ours, theirs = np.asarray(one, np.float64), np.asarray(other, np.float64)
    if ours.shape != theirs.shape:
        return np.inf
    found = float(np.abs(ours - theirs).max(initial=0.0) / max(1.0, np.abs(theirs).max(initial=0.0)))
    return found if np.isfinite(found) else np.inf


def _cells_gradient(net: Net, gradient: Floats) -> float | None:
    """Return how far the derivatives in the sheet's own cells are from the compiled gradient, None without any."""
    if not net.gradients:
        return None
    parts = split(gradient, net.weights)
    return max(_apart(cells, parts[name].reshape(cells.shape)) for name, cells in net.gradients.items())


def flat(parts: Mapping[str, Floats], net: Net) -> Floats:
    """Return numbers by block as one row, in the order of Solver's cells."""
    return np.concatenate([np.asarray(parts[name], np.float64).ravel() for name in net.weights])


def split(numbers: Floats, like: Mapping[str, Floats]) -> dict[str, Floats]:
    """Return a row of numbers by block, each block shaped as in `like`."""
    ends = np.cumsum([part.size for part in like.values()])[:-1]
    return {
        name: part.reshape(like[name].shape) for name, part in zip(like, np.split(numbers, ends), strict=True)
    }  # fmt: skip


def for_keras(net: Net, shapes: Sequence[tuple[int, ...]]) -> list[Floats]:
    """Return the weights as Keras' variables of these shapes."""
    return [
        np.block([[net.in_variable(name) for name in line] for line in grid]).reshape(shape)
        for grid, shape in zip(net.variables, shapes, strict=True)
    ]


def from_keras(net: Net, parts: Sequence[Any]) -> dict[str, Floats]:
    """Return Keras' variables, or their gradients, by block: what `for_keras` undoes."""
    convert = load_keras().ops.convert_to_numpy
    found: dict[str, Floats] = {}
    for grid, part in zip(net.variables, parts, strict=True):
        heights = [net.in_variable(line[0]).shape[0] for line in grid]
        table = np.asarray(convert(part), np.float64).reshape(sum(heights), -1)
        for line, rows in zip(grid, np.split(table, np.cumsum(heights)[:-1]), strict=True):
            ends = np.cumsum([net.in_variable(name).shape[1] for name in line])[:-1]
            for name, part in zip(line, np.split(rows, ends, axis=1), strict=True):
                found[name] = part.reshape(net.weights[name].shape)
    return found


def _keras(net: Net, dtype: str, steps: int, rate: float) -> tuple[Witness, Floats]:
    """Return what Keras says in this precision, and the weights after the steps, flat as the cells."""
    keras = load_keras()
    with default_precision(dtype):
        model = net.build(keras, dtype)
        for variable, part in zip(
            model.trainable_variables, for_keras(net, [one.shape for one in model.trainable_variables]), strict=True
        ):
            variable.assign(part)
        differentiate = differentiator(keras, model, net.inputs, lambda *given: net.loss_of(keras, *given))
        loss, slopes, outputs = differentiate()
        gradient = from_keras(net, slopes)
        shown = np.asarray(keras.ops.convert_to_numpy(net.shown_of(keras, outputs)), np.float64)
        optimizer = keras.optimizers.SGD(rate)
        optimizer.build(model.trainable_variables)
        for _ in range(steps):
            optimizer.apply(differentiate()[1])
        walked = flat(from_keras(net, [one.value for one in model.trainable_variables]), net)
    return Witness(f"Keras, {dtype}", loss, shown.ravel(), gradient, TOLERANCE[dtype]), walked


def differentiator(
    keras: Any, model: Any, inputs: Any, loss_of: Callable[[Any, Sequence[Any]], Any]
) -> Callable[[], tuple[float, list[Any], Any]]:
    """Return what computes, at the model's weights of the moment, loss, gradient (a part a variable) and outputs.

    `loss_of(outputs, variables)` is the loss.
    """
    engine = keras.backend.backend()
    variables = model.trainable_variables
    if engine == "jax":
        import jax

        def loss(trainable: Any, fixed: Any) -> Any:
            outputs = model.stateless_call(trainable, fixed, inputs)[0]
            return loss_of(outputs, trainable), outputs

        compiled = jax.jit(jax.value_and_grad(loss, has_aux=True))  # a recurrence would be compiled at every call

        def by_jax() -> tuple[float, list[Any], Any]:
            fixed = [one.value for one in model.non_trainable_variables]
            (value, outputs), slopes = compiled([one.value for one in variables], fixed)
            return float(value), list(slopes), outputs

        return by_jax
    if engine == "torch":

        def by_torch() -> tuple[float, list[Any], Any]:
            for one in variables:
                one.value.grad = None
            outputs = model(inputs)
            value = loss_of(outputs, [one.value for one in variables])
            value.backward()
            return float(value), [one.value.grad.clone() for one in variables], outputs.detach()

        return by_torch
    import tensorflow

    def by_tensorflow() -> tuple[float, list[Any], Any]:
        with tensorflow.GradientTape() as tape:
            outputs = model(inputs)
            value = loss_of(outputs, [one.value for one in variables])
        slopes = tape.gradient(value, [one.value for one in variables])
        return float(value), [tensorflow.convert_to_tensor(one) for one in slopes], outputs

    return by_tensorflow


def keras_activation(keras: Any, name: str) -> Any:
    """Return Keras' activation in the precision of its argument: its tanh makes float32 of float64."""
    if name == "tanh":
        return lambda z: 2 * keras.ops.sigmoid(2 * z) - 1
    return keras.activations.get(name)


def cross_entropy(keras: Any, answers: NDArray[np.integer], logits: Any) -> Any:
    """Return the mean of −ln softmax(logits)[answer]: answers (n,) from 0, logits (n, classes)."""
    each = keras.losses.sparse_categorical_crossentropy(answers.astype(np.int32), logits, from_logits=True)
    return keras.ops.sum(each) / len(answers)  # keras.ops.mean would make float32 of float64


def squares(keras: Any, parts: Iterable[Any]) -> Any:
    """Return Σ w² over the variables given."""
    return sum(keras.ops.sum(keras.ops.square(one)) for one in parts)

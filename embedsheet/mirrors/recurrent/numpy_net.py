"""A recurrent net in plain NumPy: forward by `scan`, backward by hand, each derivative beside its function.

Read it from top to bottom. The net reads T characters, given as ids, and answers after some or all of them:

    x_t = E[id_t]                              embedding row                     (factors,)
    a_t = x_t W_in + b_in + h_{t-1} W_on       what arrives at the hidden state  (hidden,)
    h_t = relu(a_t),  h_0 = 0                  hidden state                      (hidden,)
    z_t = h_t W_out + b_out                    logits                            (characters,)
    p_t = softmax(z_t)                         probabilities                     (characters,)
    loss = Σ_t −ln p_t[answer_t]               over the t that have an answer

The same net stands in the workbook `embedsheet new rnn`, in Keras (`keras_net`) and in PyTensor (`pytensor_net`); the
names of the weights are the names of the blocks on the sheets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from embedsheet.ground.measures import softmax

Floats = NDArray[np.float64]
State = TypeVar("State")
Item = TypeVar("Item")


class Weights(NamedTuple):
    """Everything that learning changes; a gradient has the same form."""

    character_factors: Floats  # E      (characters, factors)
    input_weights: Floats  # W_in   (factors, hidden)    the green arrow
    hidden_bias: Floats  # b_in   (hidden,)
    hidden_weights: Floats  # W_on   (hidden, hidden)     the orange arrow
    output_weights: Floats  # W_out  (hidden, characters) the blue arrow
    output_bias: Floats  # b_out  (characters,)


class Step(NamedTuple):
    """What the forward pass remembers of one time step for the way back."""

    id: int
    arriving: Floats  # a_t
    state: Floats  # h_t


def start_weights(characters: int, factors: int, hidden: int, seed: int = 0) -> Weights:
    """Return small random weights, zeros as biases, and the identity as the orange arrow: keep what was read."""
    chance = np.random.default_rng(seed)
    return Weights(
        chance.normal(0, 0.5, (characters, factors)),
        chance.normal(0, np.sqrt(2 / factors), (factors, hidden)),
        np.zeros(hidden),
        np.eye(hidden),
        chance.normal(0, np.sqrt(2 / hidden), (hidden, characters)),
        np.zeros(characters),
    )


# Each function, and under it how its value changes with its argument.


def relu(a: Floats) -> Floats:
    """Return max(0, a), element by element."""
    return np.maximum(a, 0)


def relu_derivative(a: Floats) -> Floats:
    """Return 1 where a > 0, else 0: what is shut lets nothing back."""
    return np.asarray(a > 0, np.float64)


def cross_entropy(z: Floats, answer: int) -> float:
    """Return −ln softmax(z)[answer], as ln Σ exp(z) − z[answer], which stays finite where the probability is 0."""
    largest = z.max()
    return float(np.log(np.exp(z - largest).sum()) + largest - z[answer])


def cross_entropy_derivative(z: Floats, answer: int) -> Floats:
    """Return softmax(z), less 1 at the answer: softmax and logarithm together have this simple derivative."""
    slope = softmax(z)
    slope[answer] -= 1
    return slope


def scan(function: Callable[[State, Item], State], start: State, items: Iterable[Item]) -> list[State]:
    """Return function's results, each made of the one before and the next item: [f(start, i₁), f(f(start, i₁), i₂), …].

    A running sum is `scan(add, 0, numbers)`; a recurrent net is `scan(step, zeros, characters)`.
    """
    states = []
    for item in items:
        start = function(start, item)
        states.append(start)
    return states


def forward(weights: Weights, ids: Sequence[int], answers: Sequence[int | None]) -> tuple[float, list[Step]]:
    """Return the loss, summed over the steps that have an answer, and every step for `backward`."""

    def step(before: Step, number: int) -> Step:
        row = weights.character_factors[number]
        arriving = row @ weights.input_weights + weights.hidden_bias + before.state @ weights.hidden_weights
        return Step(number, arriving, relu(arriving))

    zeros = np.zeros(len(weights.hidden_bias))
    steps = scan(step, Step(-1, zeros, zeros), ids)
    loss = sum(
        cross_entropy(logits(weights, step.state), answer)
        for step, answer in zip(steps, answers, strict=True)
        if answer is not None
    )
    return float(loss), steps


def logits(weights: Weights, state: Floats) -> Floats:
    """Return z = h W_out + b_out for one state (hidden,) or many (…, hidden)."""
    return state @ weights.output_weights + weights.output_bias


def backward(weights: Weights, steps: Sequence[Step], answers: Sequence[int | None]) -> Weights:
    """Return the loss's derivative by every weight: the chain rule, walked from the last step to the first.

    A state h_t matters twice: for the answer at t and, through the orange arrow, for everything after t. `from_later`
    carries the second part backward, as the state carried the past forward. That is backpropagation through time.
    """
    gradient = Weights(*map(np.zeros_like, weights))
    from_later = np.zeros(len(weights.hidden_bias))
    zeros = np.zeros(len(weights.hidden_bias))
    befores = [zeros, *(step.state for step in steps[:-1])]
    for step, before, answer in zip(reversed(steps), reversed(befores), reversed(answers), strict=True):
        by_state = from_later
        if answer is not None:
            by_logits = cross_entropy_derivative(logits(weights, step.state), answer)
            # z = h W + b:  ∂/∂W = hᵀ·∂z,  ∂/∂b = ∂z,  ∂/∂h = ∂z·Wᵀ
            gradient.output_weights[:] += np.outer(step.state, by_logits)
            gradient.output_bias[:] += by_logits
            by_state = by_state + weights.output_weights @ by_logits
        by_arriving = by_state * relu_derivative(step.arriving)
        # a = E[id] W_in + b_in + h_before W_on: the same rule, for two products
        gradient.input_weights[:] += np.outer(weights.character_factors[step.id], by_arriving)
        gradient.hidden_bias[:] += by_arriving
        gradient.hidden_weights[:] += np.outer(before, by_arriving)
        gradient.character_factors[step.id] += weights.input_weights @ by_arriving
        from_later = weights.hidden_weights @ by_arriving
    return gradient


def mean_loss_and_gradient(
    weights: Weights, pieces: NDArray[np.integer], answers: NDArray[np.integer]
) -> tuple[float, Weights]:
    """Return the loss a prediction and its gradient over many pieces.

    `pieces`: ids (n, T). `answers`: (n, T), the id that follows each character, or −1 where the net is not asked.
    """
    total, gradient = 0.0, Weights(*map(np.zeros_like, weights))
    for ids, ahead in zip(pieces.tolist(), answers.tolist(), strict=True):
        wanted = [None if answer < 0 else answer for answer in ahead]
        loss, steps = forward(weights, ids, wanted)
        total += loss
        gradient = Weights(*map(np.add, gradient, backward(weights, steps, wanted)))
    asked = int((answers >= 0).sum())
    return total / asked, Weights(*(part / asked for part in gradient))


def probabilities(weights: Weights, pieces: NDArray[np.integer]) -> Floats:
    """Return softmax after every character: (n, T, characters)."""
    states = [[step.state for step in forward(weights, ids, [None] * len(ids))[1]] for ids in pieces.tolist()]
    return softmax(logits(weights, np.array(states)))

"""The lecture's nets in PyTensor, the maintained continuation of Theano.

Theano's way of working is kept: weights live in `shared` variables, a formula is a graph of symbols, `scan` walks a
sequence, `grad` differentiates the graph, and one compiled `function` computes the loss and, through its `updates`,
changes the weights. `RecurrentNet` is the net of `numpy_net` (formulas and names there); `DotProduct` is the model of
the ratings.

PyTensor translates each function to C or machine code when it is made: 15 to 45 s the first time, seconds once its
cache is warm. `say` is called with a sentence before that begins.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.ground.errors import MissingDependencyError
from embedsheet.ground.shell import pip_install
from embedsheet.mirrors.recurrent.numpy_net import Floats, Weights

Say = Callable[[str], None]


def silent(_: str) -> None:
    """Say nothing."""


def load_pytensor() -> Any:
    """Return the pytensor module. Raises MissingDependencyError when the extra is not installed."""
    try:
        import pytensor
        import pytensor.tensor
    except ImportError as error:
        raise MissingDependencyError(
            f"PyTensor is not installed; get it with: {pip_install('embedsheet[theano]')}"
        ) from error
    return pytensor


def compile_function(inputs: Sequence[Any], outputs: Any, say: Say, what: str, **options: Any) -> Callable[..., Any]:
    """Return the compiled function of symbols, telling beforehand that it takes its time."""
    say(f"PyTensor compiles {what}: 15 to 45 s the first time, seconds afterwards …")
    compiled: Callable[..., Any] = load_pytensor().function(list(inputs), outputs, **options)
    return compiled


class RecurrentNet:
    """The recurrent net of `numpy_rnn` as a graph of symbols over shared weights.

    `weights` are the start, copied. Those named in `fixed` do not learn: with the identity as fixed
    `character_factors`, a row is a one-hot row, as in the lecture.
    """

    def __init__(self, weights: Weights, say: Say = silent, fixed: Sequence[str] = ()) -> None:
        pytensor = load_pytensor()
        tensor = pytensor.tensor
        self._say = say
        self.shared: Any = Weights(
            *(
                pytensor.shared(np.array(part, np.float64), name=name)
                for name, part in zip(weights._fields, weights, strict=True)
            )
        )
        self._learning = [part for name, part in self.shared._asdict().items() if name not in fixed]
        rows, inward, hidden_bias, onward, outward, output_bias = self.shared
        self._ids, self._answers = tensor.lvector("ids"), tensor.lvector("answers")

        def step(arriving: Any, state: Any, onward: Any) -> Any:
            return tensor.maximum(arriving + state @ onward, 0)

        # What the input brings is known for the whole sequence at once; only the state needs the scan.
        states = pytensor.scan(
            step,
            sequences=[rows[self._ids] @ inward + hidden_bias],
            outputs_info=[tensor.zeros_like(hidden_bias)],
            non_sequences=[onward],
            return_updates=False,
        )
        logits = states @ outward + output_bias
        self._probabilities = tensor.special.softmax(logits, axis=-1)
        logarithms = tensor.special.log_softmax(logits, axis=-1)
        asked = (self._answers >= 0).nonzero()[0]
        self._loss = -logarithms[asked, self._answers[asked]].sum()
        self._gradient = pytensor.grad(self._loss, list(self.shared))

    @property
    def weights(self) -> Weights:
        """The weights as they are now."""
        return Weights(*(part.get_value() for part in self.shared))

    @weights.setter
    def weights(self, new: Weights) -> None:
        for part, values in zip(self.shared, new, strict=True):
            part.set_value(np.array(values, np.float64))

    def predictor(self) -> Callable[[NDArray[np.integer]], Floats]:
        """Return the compiled function ids (T,) → probabilities after every character (T, characters)."""
        return compile_function([self._ids], self._probabilities, self._say, "the prediction")

    def loss_and_gradient(self) -> Callable[[NDArray[np.integer], NDArray[np.integer]], list[Any]]:
        """Return the compiled function (ids (T,), answers (T,), −1 for none) → [loss, the six gradients]."""
        inputs = [self._ids, self._answers]
        return compile_function(inputs, [self._loss, *self._gradient], self._say, "loss and gradient")

    def learner(self) -> Callable[[NDArray[np.integer], NDArray[np.integer], float], Any]:
        """Return the compiled function (ids, answers, rate) → loss, which also moves the weights down the slope."""
        rate = load_pytensor().tensor.dscalar("rate")
        slopes = dict(zip(self.shared, self._gradient, strict=True))
        updates = {part: part - rate * slopes[part] for part in self._learning}
        return compile_function(
            [self._ids, self._answers, rate], self._loss, self._say, "one step of learning", updates=updates
        )


def train_online(
    net: RecurrentNet,
    pieces: NDArray[np.integer],
    answers: NDArray[np.integer],
    rate: float = 0.01,
    report: Callable[[int, float], None] = lambda count, error: None,
    every: int = 1000,
) -> list[float]:
    """Learn from one sequence at a time, as the lecture does, and return the mean error of each `every` sequences.

    `pieces` and `answers`: ids (n, T). The error of a sequence is its cross-entropy summed over the T characters, in
    nats; `report(sequences so far, mean error of the last ones)` is called as the means come in.
    """
    learn = net.learner()
    errors: list[float] = []
    total = 0.0
    for count, (ids, wanted) in enumerate(zip(pieces.astype(np.int64), answers.astype(np.int64), strict=True), 1):
        total += float(learn(ids, wanted, rate))
        if count % every == 0:
            errors.append(total / every)
            total = 0.0
            report(count, errors[-1])
    return errors


class DotProduct:
    """Ratings as dot products of user factors and movie factors, with biases when they are given.

    `user_factors` (users, k), `movie_factors` (movies, k), `user_bias` (users,), `movie_bias` (movies,).
    """

    def __init__(
        self,
        user_factors: Floats,
        movie_factors: Floats,
        user_bias: Floats | None = None,
        movie_bias: Floats | None = None,
        say: Say = silent,
    ) -> None:
        pytensor = load_pytensor()
        tensor = pytensor.tensor
        start = {
            "user_factors": user_factors, "movie_factors": movie_factors,
            "user_bias": user_bias, "movie_bias": movie_bias,
        }  # fmt: skip
        self._say = say
        self.shared = {
            name: pytensor.shared(np.array(part, np.float64), name=name)
            for name, part in start.items()
            if part is not None
        }
        self._users, self._movies = tensor.lvector("users"), tensor.lvector("movies")
        self._ratings = tensor.dvector("ratings")
        self._predictions = (self.shared["user_factors"][self._users] * self.shared["movie_factors"][self._movies]).sum(
            axis=1
        )
        for name, index in (("user_bias", self._users), ("movie_bias", self._movies)):
            if name in self.shared:
                self._predictions += self.shared[name][index]
        self._loss = ((self._predictions - self._ratings) ** 2).mean()
        self._gradient = dict(zip(self.shared, pytensor.grad(self._loss, list(self.shared.values())), strict=True))

    @property
    def weights(self) -> dict[str, Floats]:
        """The weights as they are now, by name."""
        return {name: part.get_value() for name, part in self.shared.items()}

    def predictor(self) -> Callable[[NDArray[np.integer], NDArray[np.integer]], Floats]:
        """Return the compiled function (users (n,), movies (n,)) → predicted ratings (n,). Places count from 0."""
        return compile_function([self._users, self._movies], self._predictions, self._say, "the prediction")

    def loss_and_gradient(self) -> Callable[..., list[Any]]:
        """Return the compiled function (users, movies, ratings) → [mean squared error, one gradient a weight]."""
        inputs = [self._users, self._movies, self._ratings]
        outputs = [self._loss, *self._gradient.values()]
        return compile_function(inputs, outputs, self._say, "loss and gradient")

    def learner(self) -> Callable[..., Any]:
        """Return the compiled function (users, movies, ratings, rate) → mean squared error, which moves the weights."""
        rate = load_pytensor().tensor.dscalar("rate")
        updates = {part: part - rate * self._gradient[name] for name, part in self.shared.items()}
        inputs = [self._users, self._movies, self._ratings, rate]
        return compile_function(inputs, self._loss, self._say, "one step of learning", updates=updates)

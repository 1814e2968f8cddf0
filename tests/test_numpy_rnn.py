"""The hand-written recurrent net agrees with JAX's derivative, with finite differences and with itself."""

from __future__ import annotations

import numpy as np
import pytest

from embedsheet.compiler.precision import double_precision
from embedsheet.mirrors.recurrent import numpy_net as numpy_rnn
from embedsheet.mirrors.recurrent.numpy_net import Weights

IDS = np.array([[0, 3, 1, 2], [4, 4, 0, 1], [2, 1, 0, 3]])
EVERY = np.array([[3, 1, 2, 0], [4, 0, 1, 1], [1, 0, 3, 4]])
LAST = np.where(np.arange(4) == 3, EVERY, -1)


def weights(seed: int = 0) -> Weights:
    """Return weights off the start's special values: no zero bias, no exact identity."""
    chance = np.random.default_rng(seed + 100)
    return Weights(*(part + chance.normal(0, 0.1, part.shape) for part in numpy_rnn.start_weights(5, 3, 4, seed)))


def jax_loss(weights: Weights, pieces: np.ndarray, answers: np.ndarray) -> object:
    """Write the net once more, as its formulas stand in the module's first lines, for JAX to differentiate."""
    import jax
    import jax.numpy as jnp

    state = jnp.zeros((len(pieces), weights.hidden_bias.shape[0]))
    total = 0.0
    for t in range(pieces.shape[1]):
        row = weights.character_factors[pieces[:, t]]
        state = jax.nn.relu(row @ weights.input_weights + weights.hidden_bias + state @ weights.hidden_weights)
        logs = jax.nn.log_softmax(state @ weights.output_weights + weights.output_bias)
        right = jnp.take_along_axis(logs, jnp.maximum(answers[:, t : t + 1], 0), axis=1)[:, 0]
        total = total - jnp.sum(jnp.where(answers[:, t] >= 0, right, 0.0))
    return total / (answers >= 0).sum()


@pytest.mark.parametrize("answers", [EVERY, LAST], ids=["every character", "last character"])
@pytest.mark.parametrize("seed", range(3))
def test_loss_and_gradient_are_those_of_jax(answers: np.ndarray, seed: int) -> None:
    """Both are float64 and the same formula, so they differ by rounding only."""
    import jax

    with double_precision():
        theirs, slopes = jax.value_and_grad(jax_loss)(weights(seed), IDS, answers)
    loss, gradient = numpy_rnn.mean_loss_and_gradient(weights(seed), IDS, answers)
    assert loss == pytest.approx(float(theirs), rel=1e-14)
    for ours, slope in zip(gradient, slopes, strict=True):
        np.testing.assert_allclose(ours, slope, atol=1e-14)


def test_gradient_is_that_of_finite_differences_for_every_single_weight() -> None:
    """Central differences with step 1e-6 are right to about 1e-9 for values of this size."""
    start = weights()
    _, gradient = numpy_rnn.mean_loss_and_gradient(start, IDS, EVERY)
    for name, part in zip(start._fields, start, strict=True):
        for place in np.ndindex(part.shape):
            losses = []
            for step in (1e-6, -1e-6):
                moved = part.copy()
                moved[place] += step
                losses.append(numpy_rnn.mean_loss_and_gradient(start._replace(**{name: moved}), IDS, EVERY)[0])
            assert getattr(gradient, name)[place] == pytest.approx((losses[0] - losses[1]) / 2e-6, abs=1e-8), (
                name,
                place,
            )


def test_the_finite_difference_check_would_notice_a_derivative_wrong_by_a_thousandth(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A check that cannot fail proves nothing."""
    right = numpy_rnn.relu_derivative
    monkeypatch.setattr(numpy_rnn, "relu_derivative", lambda a: right(a) * 1.001)
    with pytest.raises(AssertionError):
        test_gradient_is_that_of_finite_differences_for_every_single_weight()


def test_a_running_sum_is_a_scan() -> None:
    """1, 1+2, 1+2+3, 1+2+3+4."""
    assert numpy_rnn.scan(lambda total, number: total + number, 0, [1, 2, 3, 4]) == [1, 3, 6, 10]


def test_probabilities_after_the_last_character_give_the_loss() -> None:
    """The loss is −ln of the probability of the answer, by definition."""
    loss, _ = numpy_rnn.mean_loss_and_gradient(weights(), IDS, LAST)
    chances = numpy_rnn.probabilities(weights(), IDS)[:, -1]
    assert chances.sum(axis=-1) == pytest.approx(1, rel=1e-14)
    assert loss == pytest.approx(-np.log(chances[np.arange(3), EVERY[:, -1]]).mean(), rel=1e-13)


def test_logits_beyond_the_range_of_exp_keep_the_loss_finite() -> None:
    """exp(1000) is infinite in float64; the loss of the likely answer is 0, of the other 1000."""
    z = np.array([1000.0, 0.0])
    assert numpy_rnn.cross_entropy(z, 0) == 0
    assert numpy_rnn.cross_entropy(z, 1) == 1000
    np.testing.assert_array_equal(numpy_rnn.cross_entropy_derivative(z, 1), [1, -1])

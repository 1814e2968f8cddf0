"""The lecture's nets in PyTensor: the same numbers as NumPy, and they learn."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np
import pytest

from embedsheet.ground.errors import MissingDependencyError
from embedsheet.mirrors.recurrent import numpy_net as numpy_rnn
from embedsheet.mirrors.recurrent.pytensor_net import DotProduct, RecurrentNet, train_online

pytest.importorskip("pytensor", reason="the extra theano is not installed")


def test_recurrent_net_agrees_with_the_hand_written_one() -> None:
    """Two independent programs in float64: loss, probabilities and all six gradients differ by rounding only."""
    weights = numpy_rnn.start_weights(5, 3, 4, seed=1)
    ids, answers = np.array([2, 0, 4, 4, 1]), np.array([-1, 4, -1, 1, 0])
    said: list[str] = []
    net = RecurrentNet(weights, said.append)
    loss, *gradient = net.loss_and_gradient()(ids, answers)
    wanted = [None, 4, None, 1, 0]
    expected, steps = numpy_rnn.forward(weights, ids.tolist(), wanted)
    assert loss == pytest.approx(expected, rel=1e-13)
    for ours, theirs in zip(numpy_rnn.backward(weights, steps, wanted), gradient, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-13)
    np.testing.assert_allclose(net.predictor()(ids), numpy_rnn.probabilities(weights, ids[None])[0], atol=1e-14)
    assert any("compiles loss and gradient" in sentence for sentence in said), "the wait was not announced"


def test_learning_one_sequence_at_a_time_brings_the_error_down_and_leaves_fixed_weights_alone() -> None:
    """The text "abcabc…" has no surprises after its first character, so the error falls far below ln 3 a character."""
    ids = np.tile([0, 1, 2], 135)
    pieces = np.lib.stride_tricks.sliding_window_view(ids, 5)[:400]
    start = numpy_rnn.start_weights(3, 3, 8)._replace(character_factors=np.eye(3))
    net = RecurrentNet(start, fixed=("character_factors",))
    reports: list[tuple[int, float]] = []
    errors = train_online(net, pieces[:, :-1], pieces[:, 1:], 0.05, lambda *report: reports.append(report), every=100)
    assert [count for count, _ in reports] == [100, 200, 300, 400]
    assert [error for _, error in reports] == errors
    assert errors[-1] < 0.2 * 4 * np.log(3) < errors[0] * 2
    np.testing.assert_array_equal(net.weights.character_factors, np.eye(3))
    assert not np.array_equal(net.weights.hidden_weights, np.eye(8))


def test_dot_product_of_the_ratings_agrees_with_numpy_and_learns() -> None:
    """Predictions by einsum; the gradient of a mean square by hand: 2/n · Σ error · the other factor."""
    chance = np.random.default_rng(0)
    users, movies = np.array([0, 1, 1, 2]), np.array([1, 0, 1, 1])
    ratings = np.array([4.0, 3.0, 5.0, 1.0])
    factors, films = chance.normal(size=(3, 2)), chance.normal(size=(2, 2))
    net = DotProduct(factors, films, np.array([0.1, 0.2, 0.3]), np.array([0.4, 0.5]))
    predicted = (factors[users] * films[movies]).sum(axis=1) + np.array([0.6, 0.6, 0.7, 0.8])
    np.testing.assert_allclose(net.predictor()(users, movies), predicted, rtol=1e-14)
    loss, by_user, by_movie, by_user_bias, _ = net.loss_and_gradient()(users, movies, ratings)
    errors = predicted - ratings
    assert loss == pytest.approx((errors**2).mean(), rel=1e-14)
    np.testing.assert_allclose(by_user[0], errors[0] * films[1] / 2, rtol=1e-13)
    np.testing.assert_allclose(by_movie[0], errors[1] * factors[1] / 2, rtol=1e-13)
    np.testing.assert_allclose(by_user_bias, np.array([errors[0], errors[1] + errors[2], errors[3]]) / 2, rtol=1e-13)
    learn = net.learner()
    losses = [float(learn(users, movies, ratings, 0.1)) for _ in range(50)]
    assert losses[0] == pytest.approx(loss, rel=1e-14)
    assert losses[-1] < losses[0] / 20


def test_without_pytensor_the_message_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine where only the core of embedsheet is installed."""
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.split(".")[0] == "pytensor":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingDependencyError, match=r'-m pip install "embedsheet\[theano\]"'):
        RecurrentNet(numpy_rnn.start_weights(3, 2, 2))

"""The methods of the lecture: gradient descent, momentum and Adam, step for step as Keras defines them.

g is the gradient at x, η the learning rate:

* gradient descent  x ← x − η g
* momentum          v ← 0.9 v − η g;  x ← x + v
* Adam              m ← 0.9 m + 0.1 g;  s ← 0.999 s + 0.001 g²;  x ← x − η √(1−0.999ᵗ)/(1−0.9ᵗ) · m/(√s + 1e-7)

After each step x is moved back within its bounds.
"""

from __future__ import annotations

import numpy as np

from embedsheet.solvers.problem import FloatArray
from embedsheet.solvers.reasons import Reason, Why
from embedsheet.solvers.tracker import Tracker
from embedsheet.solvers.verdict import stationarity

# Keras' defaults.
LEARNING_RATES = {"gradient-descent": 0.01, "momentum": 0.01, "adam": 0.001}
_MOMENTUM = 0.9
_ADAM_MEAN, _ADAM_SQUARE, _ADAM_FLOOR = 0.9, 0.999, 1e-7


def descend(tracker: Tracker, start: FloatArray, method: str) -> Reason:
    """Run one of `LEARNING_RATES` until the tracker's limits stop it; returns the reason when it diverges."""
    rate = tracker.limits.learning_rate
    if rate is None:
        rate = LEARNING_RATES[method]
    tracker.may_stall = False  # these methods wander, and are watched for that
    x = np.array(start)
    velocity, square = np.zeros_like(x), np.zeros_like(x)
    step = 0
    while True:
        point = tracker.point(x)
        if not point.sound:
            return Why.LEARNING_RATE(rate=rate, steps=step)
        _, gradient = tracker.merit(x)
        step += 1
        if method == "adam":
            velocity = _ADAM_MEAN * velocity + (1 - _ADAM_MEAN) * gradient
            square = _ADAM_SQUARE * square + (1 - _ADAM_SQUARE) * gradient**2
            correction = np.sqrt(1 - _ADAM_SQUARE**step) / (1 - _ADAM_MEAN**step)
            change = -rate * correction * velocity / (np.sqrt(square) + _ADAM_FLOOR)
        elif method == "momentum":
            velocity = _MOMENTUM * velocity - rate * gradient
            change = velocity
        else:
            change = -rate * gradient
        x = np.clip(x + change, tracker.problem.lower, tracker.problem.upper)
        if not tracker.point(x).sound:
            continue
        conditions = stationarity(tracker, x, searching=True)
        tracker.iterate(x, conditions.norm, conditions.measure)

"""The rules: how each optimiser makes a step of a gradient, as formulas and as NumPy, in Keras' words.

A rule keeps up to two numbers for each weight from step to step, its states. Templates are formulas for one weight in
one row: {gradient} and {step} stand in the row, {weight} one row up; {m}, {v} are the states one row up, {M}, {V} those
of the row. Settings are named as the arguments of Keras' optimizers. Sources: the formulas of keras.optimizers 3, after
Polyak 1964 (momentum), Nesterov 1983 (in the form of Sutskever et al. 2013), Hinton 2012 (RMSProp), Duchi et al. 2011
(Adagrad), Kingma & Ba 2015 (Adam).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from embedsheet.mirrors.optimisers.comparison import KERAS, Floats

# (weights, gradient, states, number of the step, settings) → weights and states after the step
Step = Callable[[Floats, Floats, list[Floats], int, Mapping[str, float]], tuple[Floats, list[Floats]]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One optimiser: its sheet's name, its settings, what it keeps, and its step in formulas and in NumPy."""

    name: str
    idea: str
    settings: Mapping[str, float]
    weight: str
    step: Step
    states: Mapping[str, str] = field(default_factory=dict)  # letter → template
    headings: Mapping[str, str] = field(default_factory=dict)  # letter → what the state is
    first_state: str = ""  # setting that states begin with, else 0


def _descent(w: Floats, g: Floats, s: list[Floats], t: int, at: Mapping[str, float]) -> tuple[Floats, list[Floats]]:
    return w - at["learning_rate"] * g, []


def _momentum(w: Floats, g: Floats, s: list[Floats], t: int, at: Mapping[str, float]) -> tuple[Floats, list[Floats]]:
    m = at["momentum"] * s[0] - at["learning_rate"] * g
    return w + m, [m]


def _nesterov(w: Floats, g: Floats, s: list[Floats], t: int, at: Mapping[str, float]) -> tuple[Floats, list[Floats]]:
    m = at["momentum"] * s[0] - at["learning_rate"] * g
    return w + at["momentum"] * m - at["learning_rate"] * g, [m]


def _rmsprop(w: Floats, g: Floats, s: list[Floats], t: int, at: Mapping[str, float]) -> tuple[Floats, list[Floats]]:
    v = at["rho"] * s[0] + (1 - at["rho"]) * g**2
    return w - at["learning_rate"] * g / np.sqrt(v + at["epsilon"]), [v]


def _adagrad(w: Floats, g: Floats, s: list[Floats], t: int, at: Mapping[str, float]) -> tuple[Floats, list[Floats]]:
    v = s[0] + g**2
    return w - at["learning_rate"] * g / np.sqrt(v + at["epsilon"]), [v]


def _adam(w: Floats, g: Floats, s: list[Floats], t: int, at: Mapping[str, float]) -> tuple[Floats, list[Floats]]:
    m = at["beta_1"] * s[0] + (1 - at["beta_1"]) * g
    v = at["beta_2"] * s[1] + (1 - at["beta_2"]) * g**2
    rate = at["learning_rate"] * np.sqrt(1 - at["beta_2"] ** t) / (1 - at["beta_1"] ** t)
    return w - rate * m / (np.sqrt(v) + at["epsilon"]), [m, v]


LARGE = (-10_000, 10_000, "0.0E+00")  # steps that are too long send a loss to 1E+30

_MOMENTUM = "momentum*{m}-learning_rate*{gradient}"
_SQUARE = "step of each weight divided by the size that its gradients had: every weight gets steps of its own"

RULES = (
    Rule(
        "Gradient descent", "Against the gradient, as far as the learning rate says.",
        {"learning_rate": 0.1}, "{weight}-learning_rate*{gradient}", _descent,
    ),
    Rule(
        "Momentum", "A ball that rolls: nine tenths of the last step, and a bit against the gradient.",
        {"learning_rate": 0.02, "momentum": 0.9}, "{weight}+{M}", _momentum,
        {"m": _MOMENTUM}, {"m": "momentum"},
    ),
    Rule(
        "Nesterov", "Momentum that looks ahead: the gradient is used as if the ball had already rolled on.",
        {"learning_rate": 0.02, "momentum": 0.9}, "{weight}+momentum*{M}-learning_rate*{gradient}", _nesterov,
        {"m": _MOMENTUM}, {"m": "momentum"},
    ),
    Rule(
        "RMSProp", f"The {_SQUARE}. The size is a mean that forgets.",
        {"learning_rate": 0.1, "rho": 0.9, "epsilon": 1e-7},
        "{weight}-learning_rate*{gradient}/SQRT({V}+epsilon)", _rmsprop,
        {"v": "rho*{v}+(1-rho)*{gradient}^2"}, {"v": "mean square"},
    ),
    Rule(
        "Adagrad", f"The {_SQUARE}. The size is a sum that never forgets, so the steps become smaller and smaller.",
        {"learning_rate": 1.0, "initial_accumulator_value": 0.1, "epsilon": 1e-7},
        "{weight}-learning_rate*{gradient}/SQRT({V}+epsilon)", _adagrad,
        {"v": "{v}+{gradient}^2"}, {"v": "sum of squares"}, "initial_accumulator_value",
    ),
    Rule(
        "Adam", "Momentum and RMSProp together; both means begin at 0, so the first steps are corrected.",
        {"learning_rate": 0.3, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7},
        "{weight}-learning_rate*SQRT(1-beta_2^{step})/(1-beta_1^{step})*{M}/(SQRT({V})+epsilon)", _adam,
        {"m": "beta_1*{m}+(1-beta_1)*{gradient}", "v": "beta_2*{v}+(1-beta_2)*{gradient}^2"},
        {"m": "mean", "v": "mean square"},
    ),
)  # fmt: skip
assert [rule.name for rule in RULES] == list(KERAS)

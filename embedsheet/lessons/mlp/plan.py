"""What the sheets of the lesson hold: three small tables, and a net for each with the numbers it starts from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from embedsheet.ground.errors import LessonError, one_of
from embedsheet.mirrors.nets.comparison import Floats
from embedsheet.mirrors.perceptron.model import ACTIVATIONS, Layer, sigmoid

MOST_UNITS, MOST_POINTS, MOST_EPOCHS, MOST_PASSENGERS = 12, 60, 400, 200
XOR_INPUTS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)
XOR_ANSWERS = np.array([0, 1, 1, 0])


@dataclass(frozen=True, eq=False)
class Task:
    """A table and a net for it: inputs (n, d) and their names, answers (n,) from 0, the classes' names, the layers."""

    sheet: str
    inputs: Floats
    features: Sequence[str]
    answers: NDArray[np.int64]
    classes: Sequence[str]
    layers: list[Layer]
    activation: str
    penalty: float


@dataclass(frozen=True, eq=False)
class Plan:
    """The four nets, and the start (path row) of the one that the sheet Epochs trains."""

    passengers: Task
    xor: Task
    spiral: Task
    table: Task
    epochs: int
    rate: float
    first: list[Layer]


def plan(
    hidden: int, activation: str, points: int, passengers: int, epochs: int, learning_rate: float, seed: int
) -> Plan:
    """Return what the options ask for. Raises LessonError for those that make no sense."""
    for name, number, least, most in (
        ("--hidden", hidden, 1, MOST_UNITS),
        ("--points", points, 2, MOST_POINTS),
        ("--passengers", passengers, 8, MOST_PASSENGERS),
        ("--epochs", epochs, 1, MOST_EPOCHS),
    ):
        if not least <= number <= most:
            raise LessonError(f"{name} {number}: must be between {least} and {most}.")
    if not 0 < learning_rate <= 1000:
        raise LessonError(f"--learning-rate {learning_rate:g}: must be above 0, and at most 1000.")
    if seed < 0:
        raise LessonError(f"--seed {seed}: must be 0 or more.")
    activation = one_of("activation", activation, ACTIVATIONS, LessonError)
    people, survived = _passengers(passengers, seed)
    coordinates, arms = _spiral(points, seed)
    features = ("class", "woman", "age ÷ 10")
    outcome = ("drowned", "survived")
    return Plan(
        Task("Logistic regression", people, features, survived, outcome, [Layer(np.zeros((3, 1)), np.zeros((1, 1)))],
             activation, 0.0),
        Task("XOR", XOR_INPUTS, ("x1", "x2"), XOR_ANSWERS, ("0", "1"), _start([2, 3, 2], seed), activation, 0.001),
        Task("Spiral", coordinates, ("across", "up"), arms, ("blue", "red"), _start([2, hidden, hidden, 2], seed),
             activation, 0.0005),
        Task("Table", people, features, survived, outcome, _start([3, 4, 2], seed), activation, 0.005),
        epochs, learning_rate, _first(3, seed + 6),  # with 42, twice the scale kills relu
    )  # fmt: skip


def _passengers(count: int, seed: int) -> tuple[Floats, NDArray[np.int64]]:
    """Return a ship's passengers, made up: class 1 to 3, woman 0 or 1, age in tens of years; and who survived.

    First class saves, being a woman saves unless in third class, being a child saves: what no single line can say.
    """
    random = np.random.default_rng(seed)
    people = np.column_stack(
        [random.integers(1, 4, count), random.integers(0, 2, count), random.integers(2, 70, count) / 10]
    ).astype(float)
    cabin, woman, age = people.T
    logit = 1.2 * (2 - cabin) + woman * np.where(cabin < 3, 3.5, 0.5) - 1.0 + 2.5 * (age < 1.3)
    survived = (random.uniform(size=count) < sigmoid(logit)).astype(np.int64)
    survived[:2] = 0, 1  # both occur
    return people, survived


def _spiral(points: int, seed: int) -> tuple[Floats, NDArray[np.int64]]:
    """Return two arms that wind around each other, `points` each: coordinates within ±1, and which arm."""
    random = np.random.default_rng(seed)
    along = np.linspace(0.08, 1, points)
    arms = []
    for arm in range(2):
        angle = 1.4 * np.pi * along + arm * np.pi
        arms.append((0.1 + 0.85 * along)[:, None] * np.column_stack([np.cos(angle), np.sin(angle)]))
    there = np.vstack(arms) + random.normal(0, 0.02, (2 * points, 2))
    return there.round(2), np.repeat([0, 1], points)


def _start(units: Sequence[int], seed: int) -> list[Layer]:
    """Return small random layers, of the size that Glorot's rule gives; biases small, too: no sample on relu's kink."""
    random = np.random.default_rng(seed)
    return [
        Layer(
            random.uniform(-1, 1, (inputs, outputs)).round(2) * np.round(np.sqrt(6 / (inputs + outputs)), 2),
            random.uniform(-0.3, 0.3, (1, outputs)).round(2),
        )
        for inputs, outputs in pairwise(units)
    ]


def _first(hidden: int, seed: int) -> list[Layer]:
    """Return the numbers that the sheet Epochs multiplies by its scale."""
    random = np.random.default_rng(seed)
    inner = Layer(random.uniform(-1, 1, (2, hidden)).round(1), random.uniform(-1, 1, (1, hidden)).round(1))
    # A unit that starts at exactly 0 would stand on relu's kink.
    return [
        Layer(*(np.where(part == 0, 0.1, part) for part in inner)),
        Layer(random.uniform(-1, 1, (hidden, 1)).round(1), np.zeros((1, 1))),
    ]

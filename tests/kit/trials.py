"""What tests of every lesson take of each: a small workbook's options, its other options, its sheets.

A lesson is added here once; `test_own_books.py` misses one that is not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Trial:
    """A lesson, small."""

    # Options of a workbook that is made and judged in a second or two, none with its default.
    small: dict[str, Any]
    # Sheets whose model `embedsheet code` writes in every language, and those that carry a sheet of their gradient.
    models: tuple[str, ...]
    gradients: tuple[str, ...]
    # A value for each further option: `Path` stands for a small file of that kind, None for what other tests hold.
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def options(self) -> dict[str, Any]:
        """Return a value for every option that the lesson has."""
        return {**self.small, **self.more, "seed": 7, "no_gradient_sheet": True}


TRIALS = {
    "movielens": Trial(
        {"users": 5, "movies": 6, "factors": 2},
        ("Cross-tab", "Cross-tab with bias", "One rating a row"),
        ("Cross-tab", "Cross-tab with bias", "One rating a row"),
        {"ratings": None, "all_ratings": None},
    ),
    "green-eggs": Trial({"factors": 2}, ("Skip-gram",), ("Skip-gram",), {"text": Path}),
    "optimisers": Trial(
        {"points": 7, "steps": 5}, ("Solver",), ("Solver", "Ratings solver"), {"batch": 3, "no_ratings": True}
    ),
    "mlp": Trial(
        {"hidden": 2, "points": 3, "passengers": 9, "epochs": 5},
        ("Logistic regression", "XOR", "Spiral", "Table"),
        ("Logistic regression", "XOR", "Spiral", "Table"),
        {"activation": "relu", "learning_rate": 0.5},
    ),
    "lstm": Trial({"letters": 3, "pairs": 1, "hidden": 2}, ("LSTM",), ("Simple recurrent net", "LSTM")),
    "gru": Trial({"letters": 3, "pairs": 1, "hidden": 2}, ("GRU",), ("Simple recurrent net", "GRU")),
    "conv": Trial({"images": 3}, ("Convolution",), ("Convolution",), {"size": 8}),
    "attention": Trial({"length": 2, "letters": 2, "strings": 2}, ("Attention",), ("Attention",)),
    "rnn": Trial(
        {"hidden": 2, "factors": 2, "length": 3},
        ("Three characters", "n characters", "Sequence"),
        ("Sequence",),
        {"text": Path},
    ),
    "pseudo-labels": Trial(
        {"users": 6, "movies": 7, "training": 12, "validation": 2, "pseudo": 5},
        ("Student",),
        ("Student",),
        {"ratings": None},
    ),
}
MODELS = [(lesson, sheet) for lesson, trial in TRIALS.items() for sheet in trial.models]


def small(lesson: str, folder: Path) -> dict[str, Any]:
    """Return a small workbook's options; a text, where one is read, is made in that folder."""
    options = dict(TRIALS[lesson].small)
    if lesson == "rnn":
        options["text"] = folder / "text.txt"
        options["text"].write_text("the cat sat on the mat", encoding="utf-8")
    return options

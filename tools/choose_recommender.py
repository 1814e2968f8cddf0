"""Choose the recommenders' options on a part of the *training* ratings; the validation ratings are never looked at.

    python tools/choose_recommender.py best

The training part (80 %, seed 42) is split again, 80:20, with two seeds. Each option is varied by itself around the
present default, the others held; the table shows the RMSE on the inner held-out fifth, the mean of both splits.
"""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from typing import Any

import numpy as np

from embedsheet.ground.data import movielens
from embedsheet.mirrors.full_size.movielens_training import DEFAULT, train
from embedsheet.mirrors.full_size.ratings import Ratings

INNER_SEEDS = (1, 2)
FULL_BATCH: dict[str, tuple[Any, ...]] = {
    "factors": (10, 40),
    "bias_penalty": (2.5, 10.0),
    "factor_penalty": (8.0, 12.0, 25.0),
    "start": (0.02, 0.1),
    "iterations": (30, 100),
}
VARIED: dict[str, dict[str, tuple[Any, ...]]] = {
    "dot": {name: values for name, values in FULL_BATCH.items() if name != "bias_penalty"},
    "bias": FULL_BATCH,
    "best": {
        "factors": (7, 10, 20),
        "sweeps": (60, 240),
        "directions": (0, 50, 300),
        "content": (False,),
        "coefficient": (0.3, 5.0),
        "user_spread": (10.0,),
        "movie_spread": (1.0, 30.0),
        "noise_ratings": (4.0, 20.0, math.inf),
    },
    "svdpp": FULL_BATCH | {"implicit_penalty": (15.0, 60.0), "preference_penalty": (5.0, 7.0, 14.0)},
    "net": {
        "factors": (20,),
        "factor_penalty": (0.5, 4.0),
        "dropout": ((0.0, 0.0), (0.3, 0.3), (0.5, 0.5)),
        "phases": (((1e-3, 4),), ((1e-3, 12),), ((1e-3, 6), (1e-4, 3))),
        "batch_size": (256,),
    },
}


def main(name: str) -> None:
    training, _ = Ratings.of(movielens()).split()
    splits = [training.split(0.2, seed) for seed in INNER_SEEDS]

    def show(label: str, recipe: Any) -> None:
        errors = [train(name, recipe, *split).result.validation_rmse for split in splits]
        print(f"{label:40} {np.mean(errors):.4f}  ({', '.join(f'{error:.4f}' for error in errors)})", flush=True)

    base = DEFAULT[name]
    show("as it stands", base)
    for option, values in VARIED[name].items():
        for value in values:
            changed: dict[str, Any] = {option: value}
            for part in ("options", "priors"):
                if option in getattr(base, part).__dataclass_fields__:
                    changed = {part: replace(getattr(base, part), **changed)}
            show(f"{option} = {value}", replace(base, **changed))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "best")

"""The default recommender on other splits: validation RMSE and seconds for each seed of the split.

python benchmarks/keras_seeds.py 42 0 1 2 3 4 5 6 7 8 9
"""

from __future__ import annotations

import sys
import time

from embedsheet.data import movielens
from embedsheet.networks.movielens_training import choose_recipe, train
from embedsheet.networks.ratings import Ratings


def main(seeds: list[int]) -> None:
    ratings = Ratings.of(movielens())
    worst = 0.0
    for seed in seeds:
        began = time.perf_counter()
        training, validation = ratings.split(0.2, seed)
        result = train("best", choose_recipe("best", seed=seed), training, validation).result
        worst = max(worst, result.validation_rmse)
        print(
            f"seed {seed:2}  validation RMSE {result.validation_rmse:.4f}  {time.perf_counter() - began:.1f} s",
            flush=True,
        )
    print(f"worst {worst:.4f}; the bar is 0.865")


if __name__ == "__main__":
    main([int(seed) for seed in sys.argv[1:]] or [42, *range(10)])

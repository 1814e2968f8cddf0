"""Do pseudo-labels help? Several seeds on MovieLens and on scikit-learn's digits.

python examples/pseudo_labels.py 5
"""

from __future__ import annotations

import sys

import numpy as np

import embedsheet as es


def report(name: str, trials: list[es.parts.Trial]) -> None:
    print(f"\n{name}\nseed  teacher  without  with pseudo-labels     gain")
    for one in trials:
        print(f"{one.seed:4}  {one.teacher:7.4f}  {one.without:7.4f}  {one.with_pseudo:18.4f}  {one.gain:+7.4f}")
    gains = np.array([one.gain for one in trials])
    spread = gains.std(ddof=1) / np.sqrt(len(gains)) if len(gains) > 1 else np.nan
    print(
        f"mean gain {gains.mean():+.4f} ± {spread:.4f} (standard error); better in {(gains > 0).sum()} of {len(gains)}"
    )


if __name__ == "__main__":
    seeds = range(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
    es.parts.digits()  # without scikit-learn this ends here, not after minutes
    ratings = es.parts.Ratings.of(es.read_ratings())
    report("MovieLens: RMSE of held-out ratings", [es.parts.movielens_trial(ratings, seed) for seed in seeds])
    for labelled in (50, 100, 200):
        report(
            f"Digits, {labelled} labelled: share of held-out images misread",
            [es.parts.digits_trial(seed, labelled) for seed in seeds],
        )

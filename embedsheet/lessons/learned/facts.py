"""What is told of a training on the first sheet of what was learned."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from embedsheet.lessons import learned
from embedsheet.mirrors.full_size.dot_products import dot_products
from embedsheet.mirrors.full_size.movielens_training import Recipe, Trained
from embedsheet.mirrors.full_size.ratings import Ratings


def write_learned(
    path: Path, trained: Trained, recipe: Recipe, data: Ratings, training: Ratings, where: str, movies: int, force: bool
) -> None:
    """Write the workbook of a trained recommender; `training` of all the ratings in `data`, `where` it was trained."""
    result = trained.result
    facts = (
        ("model", f"{trained.name}, {recipe.options.factors} factors"),
        ("data", f"{len(data):,} ratings, {len(data.users):,} users, {len(data.movies):,} movies"),
        ("learned from", f"{len(training):,} ratings; the others judge"),
        ("validation RMSE", f"{result.validation_rmse:.4f}"),
        ("training RMSE", f"{result.training_rmse:.4f}"),
        ("time and place", f"{trained.epochs[-1].seconds:.1f} s on {where}"),
        ("ended", trained.ended),
    )
    history = np.array([(epoch.training_rmse, epoch.validation_rmse) for epoch in trained.epochs])
    learned.build(path, dot_products(trained.model, training), data, facts, history, movies=movies, force=force)

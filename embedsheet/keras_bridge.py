"""A sheet's recommender in Keras, from Python: read the sheet, build the net with its weights, prove them equal, train.

`read_model` reads a sheet's ratings and weights; `build` makes the Keras model of it, `weights_of` reads that back;
`compare` runs both and measures how far they differ; `train` trains it. Names of layers and shapes: `keras_net`.
"""

from __future__ import annotations

from embedsheet.mirrors.recommender.blocks import SheetModel, read_model
from embedsheet.mirrors.recommender.comparison import TOLERANCES, Check, compare, compile_sheet
from embedsheet.mirrors.recommender.keras_net import (
    build,
    code,
    loss_and_gradient,
    precision,
    precisions,
    predictions,
    summary,
    weights_of,
)
from embedsheet.mirrors.recommender.training import OPTIMIZERS, Epoch, Learned, train

__all__ = [
    "OPTIMIZERS", "TOLERANCES", "Check", "Epoch", "Learned", "SheetModel", "build", "code", "compare", "compile_sheet",
    "loss_and_gradient", "precision", "precisions", "predictions", "read_model", "summary", "train", "weights_of",
]  # fmt: skip

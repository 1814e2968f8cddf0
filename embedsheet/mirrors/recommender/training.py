"""Train a sheet's recommender in Keras with Keras' own `fit`, watched epoch by epoch."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from embedsheet.ground.errors import SettingsError, TrainingError, one_of
from embedsheet.ground.measures import rmse
from embedsheet.mirrors.full_size.devices import device_count
from embedsheet.mirrors.full_size.engine import load_keras
from embedsheet.mirrors.protocol import Settings
from embedsheet.mirrors.recommender.blocks import Floats, SheetModel
from embedsheet.mirrors.recommender.keras_net import build, precision, predictions, weights_of

OPTIMIZERS = ("adam", "sgd", "rmsprop", "adagrad", "adamax", "nadam", "adamw")
SMALLEST_GAIN = 1e-5  # of the RMSE; less is no improvement
# As many ratings as training looks at when nothing else is said, within these numbers of epochs.
RATINGS_SEEN, FEWEST_EPOCHS, MOST_EPOCHS = 1_000_000, 10, 300


@dataclass(frozen=True, slots=True)
class Epoch:
    """RMSE over the training ratings and over those held out (NaN when there are none), after an epoch."""

    rmse: float
    validation: float


@dataclass(frozen=True, slots=True)
class Progress:
    """An epoch is finished: number `epoch` (from 0) of at most `epochs`."""

    epoch: int
    epochs: int
    finished: Epoch


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """What Keras learned. `kept`: the epoch (from 0) whose weights these are, -1 for the start's; `ended`: in words."""

    weights: dict[str, Floats]
    predictions: Floats
    rmse_before: float
    rmse: float
    epochs: list[Epoch]
    kept: int
    ended: str
    settings: str


def train(
    model: SheetModel, settings: Settings | None = None, progress: Callable[[Progress], None] = lambda _: None
) -> Learned:
    """Train from the sheet's weights and return the epoch with the least RMSE (held out, if there is a held-out part).

    Ctrl-C (KeyboardInterrupt, also out of `progress`) and an RMSE that is no longer a number end it; the best so far is
    kept. Raises TrainingError for settings that make no sense, and when no epoch was finished and sound.
    """
    settings = _checked(settings or Settings(), model)
    keras = load_keras()
    held_out = np.random.default_rng(settings.seed).random(len(model.rating)) < settings.validation
    if settings.validation and (held_out.all() or not held_out.any()):
        raise SettingsError(f"Holding out {settings.validation:g} of {len(model.rating)} ratings leaves a part empty.")
    assert settings.epochs is not None
    keras.utils.set_random_seed(settings.seed)
    with precision(settings.dtype):
        built = build(model, settings.l2)
        watch = _Watch(model, held_out, settings.patience)
        inputs, target = [model.user[~held_out], model.movie[~held_out]], model.rating[~held_out, None]
        built.compile(
            keras.optimizers.get(
                {"class_name": settings.optimizer, "config": {"learning_rate": float(settings.learning_rate)}}
            ),
            loss="mse",
        )
        ended = "the last epoch"
        try:
            built.fit(
                inputs, target, batch_size=min(settings.batch_size, len(target)), epochs=settings.epochs, verbose=0,
                callbacks=[watch.callback(settings.epochs, progress)],
            )  # fmt: skip
            ended = watch.ended or ended
        except KeyboardInterrupt:
            ended = "Ctrl-C"
        if not watch.epochs:
            raise TrainingError("Stopped before the first epoch was finished; nothing was learned.")
        if watch.kept < 0 and not math.isfinite(watch.epochs[0].rmse):
            raise TrainingError(
                "The RMSE was no longer a number after the first epoch; choose a smaller --learning-rate than "
                f"{settings.learning_rate:g}."
            )
        for name, table in watch.best.items():
            built.get_layer(name).set_weights([table])
        stars = predictions(built, model)
    return Learned(
        watch.best, stars, watch.before, rmse(model.rating - stars), watch.epochs, watch.kept, ended,
        _words(settings, ended, watch.kept),
    )  # fmt: skip


class _Watch:
    """Judges the weights after every epoch, in NumPy, and keeps the best."""

    def __init__(self, model: SheetModel, held_out: Any, patience: int) -> None:
        self._model, self._held_out, self._patience = model, held_out, patience
        self.best = model.weights
        start = self._judge(self.best)
        self.before = rmse(self._errors(self.best))
        self._least = self._measure(start)
        self.epochs: list[Epoch] = []
        self.kept, self._last_gain, self.ended = -1, -1, ""

    def _errors(self, weights: dict[str, Floats]) -> Floats:
        model = self._model
        with np.errstate(over="ignore", invalid="ignore"):  # a diverging training is noticed by its RMSE
            stars = np.einsum("rk,rk->r", weights["user_factors"][model.user], weights["movie_factors"][model.movie])
            if "user_bias" in weights:
                stars = stars + weights["user_bias"][model.user, 0] + weights["movie_bias"][model.movie, 0]
            return np.asarray(model.rating - stars)

    def _judge(self, weights: dict[str, Floats]) -> Epoch:
        errors = self._errors(weights)
        held_out = errors[self._held_out]
        return Epoch(rmse(errors[~self._held_out]), rmse(held_out) if len(held_out) else math.nan)

    def _measure(self, epoch: Epoch) -> float:
        return epoch.rmse if math.isnan(epoch.validation) and not self._held_out.any() else epoch.validation

    def callback(self, epochs: int, progress: Callable[[Progress], None]) -> Any:
        """Return the Keras callback."""
        keras: Any = load_keras()
        watch = self

        class Watching(keras.callbacks.Callback):  # type: ignore[misc]
            def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
                self.model.stop_training = watch.hear(weights_of(self.model, watch._model), epoch)
                progress(Progress(epoch, epochs, watch.epochs[-1]))

        return Watching()

    def hear(self, weights: dict[str, Floats], epoch: int) -> bool:
        """Judge an epoch; return whether to stop."""
        judged = self._judge(weights)
        self.epochs.append(judged)
        measure = self._measure(judged)
        if not math.isfinite(measure):
            self.ended = f"an RMSE that is no longer a number in epoch {epoch + 1} (choose a smaller --learning-rate)"
            return True
        if measure < self._least:
            if measure < self._least - SMALLEST_GAIN:
                self._last_gain = epoch
            self._least, self.best, self.kept = measure, weights, epoch
        if epoch - self._last_gain >= self._patience:
            self.ended = f"{self._patience} epochs without gain"
        return bool(self.ended)


def _checked(settings: Settings, model: SheetModel) -> Settings:
    """Return the settings with the number of epochs and the optimizer's own spelling. Raises TrainingError."""
    optimizer = one_of("optimizer", settings.optimizer, OPTIMIZERS, SettingsError)
    if settings.dtype not in ("float32", "float64"):
        raise SettingsError(f"{settings.dtype!r} is no precision; choose float32 or float64.")
    if device_count() > 1 and (settings.batch_size % device_count() or len(model.rating) % device_count()):
        raise SettingsError(
            f"{len(model.rating)} ratings in batches of {settings.batch_size} cannot be split evenly among "
            f"{device_count()} devices; train a workbook on one."
        )
    epochs = settings.epochs or min(MOST_EPOCHS, max(FEWEST_EPOCHS, RATINGS_SEEN // len(model.rating)))
    return replace(settings, epochs=epochs, optimizer=optimizer)


def _words(settings: Settings, ended: str, kept: int) -> str:
    """Return the settings as the sheet Keras shows them."""
    parts = [f"{settings.optimizer}, learning rate {settings.learning_rate:g}, batches of {settings.batch_size}"]
    if settings.l2:
        parts.append(f"penalty {settings.l2:g}")
    if settings.validation:
        parts.append(f"{settings.validation:.0%} held out")
    parts.append(f"best of epochs: {kept + 1}; ended by {ended}")
    return ", ".join(parts)

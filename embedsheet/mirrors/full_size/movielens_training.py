"""Train the recommenders of `movielens` and watch them on ratings held out."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.ground.errors import SettingsError, TrainingError
from embedsheet.ground.measures import rmse
from embedsheet.mirrors.full_size import full_batch, sampling
from embedsheet.mirrors.full_size.devices import device_count
from embedsheet.mirrors.full_size.engine import get_weights
from embedsheet.mirrors.full_size.movielens import BUILDERS, Options, keras, units
from embedsheet.mirrors.full_size.ratings import Ratings

LOWEST, HIGHEST = 0.5, 5.0
REPORT_EVERY = 0.2  # seconds
BURN_IN = 8  # of so many sweeps of a sampler one is not counted: the first ones
ROWS_AT_ONCE = 1 << 16  # predictions are made in pieces of this many rows


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a model is built and how it learns: in batches by Adam in `phases` of (learning rate, epochs), or, without
    phases, from all ratings at once: by L-BFGS in at most `iterations`, or as the mean over `sweeps` of a sampler."""

    options: Options
    phases: tuple[tuple[float, int], ...] = ()
    batch_size: int = 64
    iterations: int = 60
    sweeps: int = 0
    priors: sampling.Priors = sampling.DEFAULT

    @property
    def epochs(self) -> int:
        return sum(epochs for _, epochs in self.phases) if self.phases else self.sweeps or self.iterations

    @property
    def method(self) -> str:
        """The word for how it learns."""
        return "Adam" if self.phases else "sampling" if self.sweeps else "L-BFGS"


# As in the lecture's notebook, whose penalty is 1e-4 Σ w² beside the *mean* squared error of 80,000 ratings: 8 Σ w²
# beside the sum.
LECTURE = {
    "dot": Recipe(Options(factor_penalty=8, mean="learned"), ((1e-3, 1), (1e-2, 3), (1e-3, 6))),
    "bias": Recipe(Options(factor_penalty=8, mean="learned"), ((1e-3, 1), (1e-2, 6), (1e-3, 15))),
    "net": Recipe(Options(factor_penalty=8, mean="learned"), ((1e-3, 8),)),
}
# Chosen by tools/choose_recommender.py on a part of the training ratings.
DEFAULT = {
    "dot": Recipe(Options(factors=20, factor_penalty=15, mean="factors")),
    "bias": Recipe(Options(factors=20, bias_penalty=5, factor_penalty=17)),
    "net": Recipe(Options(factors=50, mean="learned"), ((1e-3, 8),)),
    "svdpp": Recipe(
        Options(factors=20, bias_penalty=5, factor_penalty=17, implicit_penalty=30, preference_penalty=10),
    ),
    "best": Recipe(Options(factors=14), sweeps=120),
}


def choose_recipe(
    name: str,
    lecture: bool = False,
    *,
    factors: int | None = None,
    epochs: int | None = None,
    learning_rate: float | None = None,
    batch_size: int | None = None,
    seed: int = 42,
) -> Recipe:
    """Return a model's recipe, the lecture's or the default one, with what is given changed.

    Raises TrainingError for what does not go together.
    """
    if lecture and name not in LECTURE:
        raise SettingsError(f"The lecture has no model {name!r}; leave --lecture out, or choose {', '.join(LECTURE)}.")
    recipe = (LECTURE if lecture else DEFAULT)[name]
    if not recipe.phases and (learning_rate or batch_size):
        raise SettingsError(
            f"{name} learns from all ratings at once, without learning rate and batches; leave --learning-rate and "
            "--batch-size out, or add --lecture."
        )
    options = replace(recipe.options, factors=factors or recipe.options.factors, seed=seed)
    if epochs or learning_rate:
        phases = ((learning_rate or recipe.phases[0][0], epochs or recipe.epochs),) if recipe.phases else ()
        sweeps = (epochs or recipe.sweeps) if recipe.sweeps else 0
        recipe = replace(recipe, phases=phases, iterations=epochs or recipe.iterations, sweeps=sweeps)
    return replace(recipe, options=options, batch_size=batch_size or recipe.batch_size)


@dataclass(frozen=True, slots=True)
class Epoch:
    """One pass over the training ratings; errors are of predictions clipped to 0.5–5 stars."""

    training_rmse: float
    validation_rmse: float
    seconds: float  # since training began


@dataclass(frozen=True, slots=True)
class Progress:
    """Where training stands: `batch` of `batches` in `epoch` (from 0) of at most `epochs`; `finished` at its end."""

    epoch: int
    epochs: int
    batch: int
    batches: int
    finished: Epoch | None = None


Keep = Callable[[Epoch], None]
Report = Callable[[Progress], None]


@dataclass(slots=True)
class Trained:
    """A trained model. `kept` is the epoch (from 0) whose weights it holds, `ended` in words why training did."""

    name: str
    model: Any
    epochs: list[Epoch] = field(default_factory=list)
    kept: int = -1
    ended: str = ""

    @property
    def result(self) -> Epoch:
        return self.epochs[self.kept]


def train(
    name: str,
    recipe: Recipe,
    training: Ratings,
    validation: Ratings,
    progress: Report = lambda _: None,
) -> Trained:
    """Train a model from its start.

    A training that runs to its end keeps its last epoch, so that the validation ratings choose nothing. When Ctrl-C
    (KeyboardInterrupt, also out of `progress`) or a loss that is no longer a number ends it, the epoch with the least
    validation RMSE is kept; of a sampler, the mean over the sweeps so far. Raises TrainingError when that happens
    before the first epoch is finished.
    """
    learn = _in_batches if recipe.phases else _by_sampling if recipe.sweeps else _at_once
    trained = Trained(name, None)
    best: list[NDArray[Any]] = []

    def keep(epoch: Epoch) -> None:
        nonlocal best
        trained.epochs.append(epoch)
        if not recipe.sweeps and epoch.validation_rmse <= min(one.validation_rmse for one in trained.epochs):
            trained.kept, best = len(trained.epochs) - 1, get_weights(trained.model)

    began = time.monotonic()
    keras.utils.set_random_seed(recipe.options.seed)  # how `fit` shuffles
    try:
        options = _per_rating(recipe.options, len(training)) if recipe.phases else recipe.options
        trained.model = BUILDERS[name](training, options)
        trained.ended = learn(trained.model, recipe, training, validation, began, keep, progress)
        if recipe.sweeps:
            # What the model holds comes close to the mean over the sweeps; what is told is its own error.
            seen, unseen = (
                clipped_rmse(predict(trained.model, part.user, part.movie), part.rating)
                for part in (training, validation)
            )
            trained.epochs[-1] = Epoch(seen, unseen, time.monotonic() - began)
        trained.kept = len(trained.epochs) - 1
        return trained
    except KeyboardInterrupt:
        if not best:
            raise TrainingError("Stopped before the first epoch was finished; there is nothing to keep.") from None
        trained.ended = "Ctrl-C"
    except full_batch.NotANumberError:
        remedy = "choose a smaller --learning-rate" if recipe.phases else "raise the penalties"
        if not best:
            raise TrainingError(f"The loss is no longer a number in the first epoch; {remedy}.") from None
        trained.ended = f"a loss that is no longer a number ({remedy})"
    trained.model.set_weights(best)
    return trained


def _at_once(
    model: Any, recipe: Recipe, training: Ratings, validation: Ratings, began: float, keep: Keep, progress: Report
) -> str:
    iteration = 0
    if device_count() > 1:
        raise SettingsError("Learning from all ratings at once uses one device; add --lecture to learn in batches.")

    def each_iteration(stars: NDArray[np.float32], predict: full_batch.Predict) -> None:
        nonlocal iteration
        held_out = clipped_rmse(predict([validation.user, validation.movie]), validation.rating)
        epoch = Epoch(clipped_rmse(stars, training.rating), held_out, time.monotonic() - began)
        keep(epoch)
        progress(Progress(iteration, recipe.iterations, 1, 1, epoch))
        iteration += 1

    return full_batch.minimize(
        model, [training.user, training.movie], training.rating, units(model, training, recipe.options),
        recipe.iterations, each_iteration,
    )  # fmt: skip


def _by_sampling(
    model: Any, recipe: Recipe, training: Ratings, validation: Ratings, began: float, keep: Keep, progress: Report
) -> str:
    k, mean = recipe.options.factors, float(training.rating.mean())
    about_movie = sampling.about(training, recipe.priors)
    # The first sweeps still remember where they started; until they are over, the last one is what there is.
    first = recipe.sweeps // BURN_IN
    kept, told = sampling.Mean(k), 0
    ended = "the last sweep asked for"
    try:
        for place, drawn in enumerate(
            islice(sampling.sweeps(training, k, recipe.options.seed, recipe.priors), recipe.sweeps)
        ):
            if place <= first:
                kept, sums = sampling.Mean(k), [np.zeros(len(part)) for part in (training, validation)]
            kept.add(drawn)
            errors = []
            for total, part in zip(sums, (training, validation), strict=True):
                total += sampling.stars(drawn, k, mean, about_movie, part)
                errors.append(clipped_rmse(total / len(kept), part.rating))
            done = Epoch(errors[0], errors[1], time.monotonic() - began)
            keep(done)
            told += 1
            progress(Progress(place, recipe.sweeps, 1, 1, done))
    except KeyboardInterrupt:
        if not (told and len(kept)):
            raise
        ended = "Ctrl-C"
    sampling.assign(model, kept.weights(), k)
    return ended


def _in_batches(
    model: Any, recipe: Recipe, training: Ratings, validation: Ratings, began: float, keep: Keep, progress: Report
) -> str:
    batches = math.ceil(len(training) / recipe.batch_size)
    epoch = 0

    class Meter(keras.callbacks.Callback):  # type: ignore[misc]
        """Reports a few times a second, off the training thread: the engine never waits for a number to be read."""

        async_safe = True
        reported = 0.0

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if time.monotonic() - self.reported > REPORT_EVERY:
                self.reported = time.monotonic()
                progress(Progress(epoch, recipe.epochs, batch + 1, batches))

    together = device_count()
    if recipe.batch_size % together:
        raise SettingsError(f"A batch of {recipe.batch_size} cannot be split evenly among {together} devices.")
    inputs = [_filled(part, together) for part in (training.user, training.movie)]
    # Rows that only fill up the last batch weigh nothing.
    weight = _filled(np.ones(len(training), np.float32), together, filling=0.0) if together > 1 else None
    model.compile(keras.optimizers.Adam(), "mse", weighted_metrics=[ClippedRMSE()])
    for rate, epochs in recipe.phases:
        model.optimizer.learning_rate = rate
        for _ in range(epochs):
            history = model.fit(
                inputs, _filled(training.rating, together), batch_size=recipe.batch_size, verbose=0,
                sample_weight=weight, callbacks=[Meter()],
            ).history  # fmt: skip
            if not math.isfinite(history["loss"][0]):
                raise full_batch.NotANumberError("The loss is no longer a number.")
            held_out = clipped_rmse(predict(model, validation.user, validation.movie), validation.rating)
            done = Epoch(history["rmse"][0], held_out, time.monotonic() - began)
            keep(done)
            progress(Progress(epoch, recipe.epochs, batches, batches, done))
            epoch += 1
    return "the last epoch asked for"


class ClippedRMSE(keras.metrics.Metric):  # type: ignore[misc]
    """RMSE of predictions clipped to the scale, over the batches of an epoch."""

    def __init__(self) -> None:
        super().__init__(name="rmse")
        self.squares, self.rows = (self.add_variable((), "zeros", name=name) for name in ("squares", "rows"))

    def update_state(self, target: Any, stars: Any, sample_weight: Any = None) -> None:
        """Add a batch: `target` and `stars`, (rows, 1)."""
        errors = keras.ops.clip(stars[:, 0], LOWEST, HIGHEST) - keras.ops.reshape(target, (-1,))
        weight = keras.ops.ones_like(errors) if sample_weight is None else keras.ops.reshape(sample_weight, (-1,))
        self.squares.assign_add(keras.ops.sum(weight * errors**2))
        self.rows.assign_add(keras.ops.sum(weight))

    def result(self) -> Any:
        return keras.ops.sqrt(self.squares / self.rows)


def _per_rating(options: Options, rows: int) -> Options:
    """Divide the penalties by the number of ratings: Keras' `fit` minimises the mean over ratings, not the sum."""
    penalties = ("bias_penalty", "factor_penalty", "implicit_penalty", "preference_penalty")
    return replace(options, **{name: getattr(options, name) / rows for name in penalties})


def clipped_rmse(stars: NDArray[Any], target: NDArray[Any]) -> float:
    """Root mean squared error of predictions clipped to the scale."""
    return rmse(np.clip(stars, LOWEST, HIGHEST) - target)


def predict(model: Any, user: NDArray[np.int32], movie: NDArray[np.int32]) -> NDArray[np.float32]:
    """Return the predicted stars, clipped to the scale, (rows,)."""
    inputs = [_filled(part, device_count()) for part in (user, movie)]
    stars: NDArray[np.float32] = model.predict(inputs, batch_size=ROWS_AT_ONCE, verbose=0)[: len(user), 0]
    return stars.clip(LOWEST, HIGHEST)


def _filled(rows: NDArray[Any], multiple: int, filling: float | None = None) -> NDArray[Any]:
    """Lengthen an array to a multiple, by `filling` or its last element."""
    return np.pad(rows, (0, -len(rows) % multiple), constant_values=rows[-1] if filling is None else filling)

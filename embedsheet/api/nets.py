"""Networks at full size from Python: recommenders of all ratings, nets that write. Nothing is printed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from embedsheet.ground.data import MovieLens
    from embedsheet.mirrors.full_size.movielens_training import Epoch, Progress
    from embedsheet.mirrors.full_size.text_checkpoint import TextNet
    from embedsheet.mirrors.full_size.text_training import Progress as TextProgress


def read_ratings(path: str | Path | None = None) -> MovieLens:
    """Return ratings as arrays: of a MovieLens release (ratings.csv, ratings.dat, u.data or the .zip), or ours.

    Raises DataError for a file that is none, with the line.
    """
    from embedsheet.ground import data

    return data.movielens() if path is None else data.read_ratings(Path(path))


@dataclass(frozen=True)
class Learned:
    """A trained recommender: the Keras `model`, its `epochs`, the one that it holds, and the workbook, if asked for.

    `training_rmse` and `validation_rmse` are in stars, of predictions clipped to 0.5–5; `ended` says why training did.
    """

    name: str
    model: Any
    epochs: list[Epoch]
    training_rmse: float
    validation_rmse: float
    ended: str
    path: Path | None


def movielens(
    model: Literal["best", "svdpp", "dot", "bias", "net"] = "best",
    output: str | Path | None = None,
    *,
    lecture: bool = False,
    ratings: str | Path | None = None,
    factors: int | None = None,
    epochs: int | None = None,
    learning_rate: float | None = None,
    batch_size: int | None = None,
    validation: float = 0.2,
    seed: int = 42,
    movies: int = 2000,
    device: str | None = None,
    force: bool = False,
    progress: Callable[[Progress], None] = lambda progress: None,
) -> Learned:
    """Train a recommender on all ratings but a part held out; with `output` write what it learned into a new workbook.

    The options are those of `embedsheet movielens`; `progress` hears every batch, iteration or sweep. Ctrl-C, also out
    of `progress`, keeps the best epoch. Raises LessonError for options that do not go together and FileError for a
    file that cannot be written, both before anything is trained.
    """
    from embedsheet.ground.errors import LessonError
    from embedsheet.lessons.learned.facts import write_learned
    from embedsheet.mirrors.full_size.devices import device as on_device
    from embedsheet.mirrors.full_size.movielens_training import choose_recipe, train
    from embedsheet.mirrors.full_size.ratings import Ratings
    from embedsheet.xlsx.writer.page import check_target

    target = None if output is None else Path(output)
    if target is not None:
        if model == "net":
            raise LessonError("The workbook needs a model that is a dot product: best, svdpp, bias or dot.")
        check_target(target, force)
    data = Ratings.of(read_ratings(ratings))
    training, held_out = data.split(validation, seed)
    recipe = choose_recipe(
        model, lecture, factors=factors, epochs=epochs, learning_rate=learning_rate, batch_size=batch_size, seed=seed
    )
    with on_device(device) as where:
        found = train(model, recipe, training, held_out, progress)
    if target is not None:
        write_learned(target, found, recipe, data, training, where, movies, force)
    result = found.result
    return Learned(
        found.name, found.model, found.epochs, result.training_rmse, result.validation_rmse, found.ended, target
    )


def train_text(
    folder: str | Path,
    text: str | None = None,
    model: str = "rnn",
    *,
    epochs: int | None = None,
    force: bool = False,
    progress: Callable[[TextProgress], None] = lambda progress: None,
    **options: Any,
) -> TextNet:
    """Train a recurrent net on a text, by default Python's own help texts; keep it in `folder` and return it.

    `options` are sizes and such as of `embedsheet text train`: length, factors, hidden, batch_size, learning_rate,
    held_out, seed. Ctrl-C keeps the best epoch. Raises LessonError for a net or a size that there is not, FileError
    where the folder holds a net already, unless `force`.
    """
    from embedsheet.ground.files import refuse_as_folder, refuse_existing
    from embedsheet.mirrors.full_size import text_training as training
    from embedsheet.mirrors.full_size.text_checkpoint import FILES
    from embedsheet.mirrors.full_size.text_data import default_text

    place = Path(folder)
    refuse_as_folder(place)
    for name in FILES:
        refuse_existing(place / name, force)
    net = training.start(text or default_text(), model, **options)
    return training.train(net, place, epochs or net.rung.epochs, progress)


@dataclass(frozen=True)
class Written:
    """What a net wrote after its cue, and the longest run of it that stands in the text that it learnt."""

    text: str
    copied: str


def write_text(
    net: str | Path | TextNet, cue: str | None = None, length: int = 400, *, temperature: float = 0.8, seed: int = 0
) -> Written:
    """Let a trained net, or the one in a folder, go on from `cue`, by default the beginning of its held-out text.

    `temperature`: below 1 bolder, at 0 always the likeliest character. Raises FileError for a folder without a net.
    """
    from embedsheet.mirrors.full_size.text_checkpoint import TextNet
    from embedsheet.mirrors.full_size.text_generation import generate, longest_copied_run

    trained = net if isinstance(net, TextNet) else TextNet.open(Path(net))
    begin = trained.judging_text[: max(40, trained.sizes.length)] if cue is None else cue
    written = "".join(generate(trained, begin, length, temperature, seed))
    return Written(written, longest_copied_run(written, trained.text))

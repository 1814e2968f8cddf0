"""`embedsheet movielens`: recommenders at full size, in Keras."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from embedsheet.cli.progress import console_of, print_table, say

if TYPE_CHECKING:
    from embedsheet.mirrors.full_size.movielens_training import Progress, Trained
    from embedsheet.mirrors.full_size.ratings import Ratings

app = typer.Typer()

DeviceOption = Annotated[
    str | None,
    typer.Option("--device", help="cpu, gpu, gpu:1; gpu:all splits batches. Default: a GPU if the engine sees one."),
]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace an existing output file.")]


class Bar:
    """A progress bar on the terminal, and above it what is said meanwhile."""

    def __init__(self, label: str) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self._console = console_of()
        self._bar = Progress(
            TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=self._console, transient=True,
            disable=not self._console.is_interactive,  # else an empty line is left where it ends
        )  # fmt: skip
        self._task = self._bar.add_task(f"{label}: preparing …", total=None)
        self._label = label

    def show(self, done: float, epochs: int) -> None:
        """Show that `done` epochs of at most `epochs` are done; a started one counts in part."""
        running = min(int(done) + 1, epochs)
        words = f"{self._label}: epoch {running} of {epochs} (Ctrl-C keeps the best)"
        self._bar.update(self._task, description=words, completed=done, total=epochs)

    def say(self, words: str) -> None:
        """Print a line above the bar."""
        self._console.print(words)

    def __enter__(self) -> Bar:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()


def _hear(bar: Bar, lines: bool = True) -> Callable[[Progress], None]:
    """Return what listens to the training of `movielens`: the bar, and a line for an epoch that is worth one."""

    def hear(progress: Progress) -> None:
        bar.show(progress.epoch + progress.batch / progress.batches, progress.epochs)
        done = progress.finished
        # Of eighty quick epochs every eighth is enough.
        every = max(1, progress.epochs // 10) if progress.batches == 1 else 1
        if done is not None and lines and progress.epoch % every == 0:
            bar.say(
                f"epoch {progress.epoch + 1:3}  RMSE training {done.training_rmse:.4f}  "
                f"validation {done.validation_rmse:.4f}  {done.seconds:6.1f} s"
            )

    return hear


@app.command(epilog="Example: [cyan]embedsheet movielens -o learned.xlsx[/cyan]")
def movielens(
    model: Annotated[
        Literal["best", "svdpp", "dot", "bias", "net"],
        typer.Option(case_sensitive=False, help="best, svdpp (SVD++), or one of the lecture's three."),
    ] = "best",
    lecture: Annotated[bool, typer.Option("--lecture", help="Learn as in the lecture: Adam, batches of 64.")] = False,
    ladder: Annotated[bool, typer.Option("--ladder", help="Train every model, and print a table.")] = False,
    ratings: Annotated[
        Path | None, typer.Option(help="A MovieLens release: ratings.csv, ratings.dat, u.data or the .zip.")
    ] = None,
    factors: Annotated[int | None, typer.Option(min=1, help="Factors of a user and a movie.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="At most so many passes over the ratings.")] = None,
    learning_rate: Annotated[float | None, typer.Option(min=1e-9, help="Adam's, for learning in batches.")] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Ratings in a batch.")] = None,
    validation: Annotated[float, typer.Option(min=0.0001, max=0.9, help="The part held out to judge by.")] = 0.2,
    seed: Annotated[int, typer.Option(min=0, help="Draws the part held out and the first weights.")] = 42,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write what was learned into this new workbook.")
    ] = None,
    movies: Annotated[int, typer.Option(min=3, help="How many movies the workbook shows, the most rated.")] = 2000,
    device: DeviceOption = None,
    force: ForceOption = False,
) -> None:
    """Train a recommender on all ratings, a part held out, and say how well it predicts that part.

    The default model adds to the lecture's dot product and biases what a user rated at all, and what they make of a
    movie's genres, year and popularity. Its weights are a mean over what a Gibbs sampler draws; an epoch is one sweep.
    The others learn by L-BFGS from all ratings at once, net and the lecture's by Adam in batches.
    """
    from embedsheet.ground.data import movielens as shipped
    from embedsheet.ground.data import read_ratings
    from embedsheet.ground.errors import LessonError
    from embedsheet.mirrors.full_size.devices import device as on_device
    from embedsheet.mirrors.full_size.movielens_training import choose_recipe
    from embedsheet.mirrors.full_size.movielens_training import train as train_model
    from embedsheet.mirrors.full_size.ratings import Ratings
    from embedsheet.xlsx.writer.page import check_target

    if output is not None:
        if model == "net" or ladder:
            raise LessonError("The workbook needs one model that is a dot product: --model best, svdpp, bias or dot.")
        check_target(output, force)
    data = Ratings.of(shipped() if ratings is None else read_ratings(ratings))
    training, held_out = data.split(validation, seed)
    say(
        f"{len(data):,} ratings by {len(data.users):,} users of {len(data.movies):,} movies: "
        f"{len(training):,} to learn from, {len(held_out):,} held out (seed {seed})."
    )
    with on_device(device) as where:
        if ladder:
            _ladder(training, held_out, seed, where)
            return
        recipe = choose_recipe(
            model,
            lecture,
            factors=factors,
            epochs=epochs,
            learning_rate=learning_rate,
            batch_size=batch_size,
            seed=seed,
        )
        with Bar(model) as bar:
            trained = train_model(model, recipe, training, held_out, _hear(bar))
    _tell(trained, where)
    if output is not None:
        from embedsheet.lessons.learned.facts import write_learned

        write_learned(output, trained, recipe, data, training, where, movies, force)
        say(f"Wrote {output}; open it and see the sheets Best and worst, Map, More like this, For one user.")


def _tell(trained: Trained, where: str) -> None:
    result = trained.result
    say(
        f"{trained.name}: validation RMSE {trained.epochs[0].validation_rmse:.4f} → {result.validation_rmse:.4f} "
        f"(training {result.training_rmse:.4f}) after epoch {trained.kept + 1}, {trained.epochs[-1].seconds:.1f} s on "
        f"{where}; ended by {trained.ended}.",
        "green",
    )


def _ladder(training: Ratings, held_out: Ratings, seed: int, where: str) -> None:
    from rich.table import Table

    from embedsheet.mirrors.full_size.movielens_training import choose_recipe
    from embedsheet.mirrors.full_size.movielens_training import train as train_model

    table = Table(title=f"{len(training):,} ratings to learn from, {len(held_out):,} held out; on {where}", box=None)
    for heading in ("model", "learns", "factors", "epochs", "time", "training RMSE", "validation RMSE"):
        table.add_column(heading, justify="left" if heading in ("model", "learns") else "right")
    rungs: list[tuple[Any, bool]] = [(name, lecture) for name in ("dot", "bias", "net") for lecture in (True, False)]
    for name, lecture in (*rungs, ("svdpp", False), ("best", False)):
        recipe = choose_recipe(name, lecture, seed=seed)
        with Bar(name) as bar:
            trained = train_model(name, recipe, training, held_out, _hear(bar, lines=False))
        result = trained.result
        table.add_row(
            name,
            "as in the lecture" if lecture else f"{recipe.method}, this project's options",
            str(recipe.options.factors), str(trained.kept + 1), f"{trained.epochs[-1].seconds:.1f} s",
            f"{result.training_rmse:.4f}", f"{result.validation_rmse:.4f}",
        )  # fmt: skip
        if trained.ended == "Ctrl-C":
            break
    print_table(table)

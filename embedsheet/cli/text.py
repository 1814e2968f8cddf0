"""`embedsheet text train` and `embedsheet text generate`: the lecture's recurrent nets at full size."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any

import typer

from embedsheet.cli.progress import console_of

app = typer.Typer()
text = typer.Typer(no_args_is_help=True, help="Train recurrent nets on a text and let them write.")
app.add_typer(text, name="text")

# Chance agreement with a book of half a million characters ends far earlier; a longer run is a quotation.
QUOTATION = 50


@text.command(epilog="Example: [cyan]embedsheet text train --model rnn --text book.txt --output book-rnn[/cyan]")
def train(
    model: Annotated[
        str | None,
        typer.Option(
            help="three-char, rnn-by-hand, rnn, sequence-by-hand, sequence, stateful, stacked, stacked-plain or gru. "
            "[dim](default: rnn)[/dim]"
        ),
    ] = None,
    book: Annotated[
        Path | None, typer.Option("--text", help="A text file in UTF-8; without it, Python's own help texts.")
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="The checkpoint: a folder.")] = Path("text-net"),
    epochs: Annotated[
        int | None, typer.Option(min=1, help="How many (more) epochs. [dim](default: the net's own)[/dim]")
    ] = None,
    length: Annotated[int | None, typer.Option(min=1, help="Characters in a piece.")] = None,
    factors: Annotated[int | None, typer.Option(min=1, help="Numbers in an embedding row.")] = None,
    hidden: Annotated[int | None, typer.Option(min=1, help="Hidden units.")] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Pieces in a batch. [dim](default: 64)[/dim]")] = None,
    learning_rate: Annotated[
        float | None, typer.Option(min=1e-9, help="Adam's step size. [dim](default: 0.001)[/dim]")
    ] = None,
    held_out: Annotated[
        float | None, typer.Option(min=0.001, max=0.9, help="Share at the end to judge by. [dim](default: 0.05)[/dim]")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Draws the weights, the order and the samples. [dim](default: 0)[/dim]")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the checkpoint's last epoch, with its own sizes and text.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a checkpoint that is there.")] = False,
    samples: Annotated[bool, typer.Option(help="Let the net write a line after each epoch.")] = True,
) -> None:
    """Train one net of the lecture's ladder; Ctrl-C keeps the best epoch."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    from embedsheet.ground.errors import FileError
    from embedsheet.ground.files import refuse_as_folder, refuse_existing
    from embedsheet.ground.shell import word
    from embedsheet.mirrors.full_size import text_training as training
    from embedsheet.mirrors.full_size.text_checkpoint import FILES
    from embedsheet.mirrors.full_size.text_data import default_text, read_book
    from embedsheet.xlsx.writer.page import counted

    refuse_as_folder(output)
    source = None if book is None else read_book(book)
    asked = {
        "length": length, "factors": factors, "hidden": hidden, "batch_size": batch_size,
        "learning_rate": learning_rate, "held_out": held_out, "seed": seed,
    }  # fmt: skip
    options: dict[str, Any] = {option: value for option, value in asked.items() if value is not None}
    if resume:
        net = training.resume(output, model, source, **options)
    elif (output / "net.json").exists() and not force:
        raise FileError(f"{output}: holds a net already; go on with --resume, or replace it with --force.")
    else:
        for name in FILES:
            refuse_existing(output / name, force)
        net = training.start(source or default_text(), model or "rnn", **options)
    console = console_of()
    console.print(
        f"[bold]{net.name}[/bold]: {net.rung.summary}; {len(net.learning_text):,} characters to learn from, "
        f"{len(net.judging_text):,} held out, {len(net.vocabulary)} distinct; {net.model.count_params():,} weights"
    )
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=console, transient=True, disable=not console.is_interactive) as bar:
        task = bar.add_task("compiling …", total=None)

        def show(progress: training.Progress) -> None:
            number = f"epoch {progress.epoch + 1}/{progress.epochs}"
            description = f"{number}  loss {progress.loss:.3f}"
            bar.update(task, description=description, completed=progress.batch, total=progress.batches)
            if (done := progress.finished) is not None:
                bar.print(
                    f"{number}: loss {done.loss:.3f}, held out {done.held_out_loss:.3f} "
                    f"(perplexity {math.exp(done.held_out_loss):.2f}), {done.seconds:.0f} s"
                )
                if samples:
                    # The held-out text begins where learning ended, so its beginning is a fair cue.
                    _write(console, net, net.judging_text[: max(20, net.sizes.length)], 120, 1.0, net.seed)

        more = epochs or net.rung.epochs
        wanted = len(net.epochs) + more
        best = training.train(net, output, more, show)
    done = best.epochs[best.best_epoch]
    console.print(
        f"Trained {len(best.epochs)} epoch{'s' * (len(best.epochs) > 1)}: "
        f"held-out loss {best.epochs[0].held_out_loss:.3f} → "
        f"{done.held_out_loss:.3f} (perplexity {math.exp(done.held_out_loss):.2f}) in epoch {best.best_epoch + 1}; "
        f"that one is kept in {output}."
    )
    if (missing := wanted - len(net.epochs)) > 0:
        again = f"embedsheet text train --resume --epochs {missing} --output {word(output)}"
        console.print(f"Stopped {counted(missing, 'epoch')} early; {again} goes on.", style="yellow", soft_wrap=True)
    if best.rung.reads != "next":
        losses = " ".join(f"{loss:.2f}" for loss in training.losses_by_position(best)[:40])
        console.print(f"Held-out loss by position, the first knows least: {losses}")


@text.command(
    epilog='Example: [cyan]embedsheet text generate book-rnn --seed-text "The meaning of" --length 400[/cyan]'
)
def generate(
    folder: Annotated[Path, typer.Argument(metavar="MODEL", help="A checkpoint: the folder that text train wrote.")],
    seed_text: Annotated[
        str | None, typer.Option(help="How the text begins. [dim](default: the beginning of the held-out text)[/dim]")
    ] = None,
    length: Annotated[int, typer.Option(min=1, help="Characters to write.")] = 400,
    temperature: Annotated[float, typer.Option(help="Below 1 bolder, 0 always the likeliest character.")] = 0.8,
    seed: Annotated[int, typer.Option(min=0, help="Draws the characters.")] = 0,
    likeliest: Annotated[
        int, typer.Option(min=0, help="Instead of writing, show this many likeliest next characters.")
    ] = 0,
) -> None:
    """Let a trained net write, and say how much of it is quoted from the text it learnt."""

    from embedsheet.mirrors.full_size.text_checkpoint import TextNet
    from embedsheet.mirrors.full_size.text_data import visible
    from embedsheet.mirrors.full_size.text_generation import next_character_probabilities

    console = console_of()
    net = TextNet.open(folder)
    cue = net.judging_text[: max(40, net.sizes.length)] if seed_text is None else seed_text
    if not likeliest:
        _write(console, net, cue, length, temperature, seed)
        return
    probabilities = next_character_probabilities(net, cue)
    for place in probabilities.argsort()[::-1][:likeliest]:
        console.print(f"{visible(net.vocabulary.characters[place])}  {probabilities[place]:6.1%}")


def _write(console: Any, net: Any, cue: str, length: int, temperature: float, seed: int) -> None:
    """Print the cue dim, what the net makes of it, and the longest run that it copied."""
    from rich.text import Text

    from embedsheet.mirrors.full_size.text_generation import generate, longest_copied_run

    written = "".join(generate(net, cue, length, temperature, seed))
    console.print(Text.assemble((cue, "dim"), written))
    copied = longest_copied_run(written, net.text)
    warning = " [bold red]That is a quotation.[/bold red]" if len(copied) >= QUOTATION else ""
    console.print(f"[dim]Longest run copied from the text: {len(copied)} characters.[/dim]{warning}\n")

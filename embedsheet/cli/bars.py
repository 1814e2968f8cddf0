"""Progress bars for work that counts things."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def bar(words: str) -> Iterator[Callable[[int, int, str], None]]:
    """Show a bar while inside; call what it gives with (done, all, name of the last one)."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn(words),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )
    console = Console(stderr=True)
    # Where nothing can be drawn over, a bar would leave an empty line.
    with Progress(*columns, console=console, transient=True, disable=not console.is_interactive) as progress:
        task = progress.add_task("", total=None)

        def advance(done: int, total: int, name: str = "") -> None:
            progress.update(task, completed=done, total=total, description=name)

        yield advance

"""What the solver's commands show: one live line while it searches, words and blocks of numbers afterwards."""

from __future__ import annotations

import json
import math
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.live import Live
from rich.measure import Measurement
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from embedsheet.ground.notation.addresses import Area
    from embedsheet.solvers.problem import FloatArray, Progress

# A larger block is shown by its corner and its largest components.
_MOST_ROWS, _MOST_COLUMNS = 20, 10
_WIDEST_TABLE = 10_000  # columns: no limit
_ROW_NUMBERS, _WIDEST_NUMBER = 9, 12  # columns on the terminal: 1048576 and -1.234e-105, with the space between


def console_of(stderr: bool = False) -> Console:
    """Return a console that breaks lines on a terminal only: what reads a pipe wants them whole."""
    console = Console(stderr=stderr, highlight=False)
    console.soft_wrap = not console.is_terminal
    return console


def say(words: str, style: str = "") -> None:
    """Print one message. On a terminal its lines break between words, so that addresses and paths can be copied."""
    console = Console(highlight=False)
    console.print(Text(broken(words, console), style=style), soft_wrap=True)


def complain(words: str) -> None:
    """Write an error to stderr."""
    console = Console(stderr=True)
    text = Text(broken(f"Error: {words}", console))
    text.stylize("bold red", 0, len("Error:"))
    console.print(text, soft_wrap=True)


@contextmanager
def resumable(how: str) -> Iterator[None]:
    """Say how the work inside can be gone on with, where Ctrl-C ends it."""
    try:
        yield
    except KeyboardInterrupt:
        Console(stderr=True, highlight=False).print(Text(how, "yellow"), soft_wrap=True)
        raise


def broken(words: str, console: Console) -> str:
    """Return the words in lines as wide as the terminal, one longer word left whole; unchanged off a terminal."""
    if not console.is_terminal:
        return words
    lines = (
        textwrap.fill(line, console.width, replace_whitespace=False, break_long_words=False, break_on_hyphens=False)
        for line in words.split("\n")
    )
    return "\n".join(lines)


# At the end of a comparison's line: whether both agree.
MARKS = {True: "[green]✓[/green]", False: "[red]✗[/red]"}


def print_table(table: Table) -> None:
    """Print a table with every number whole: wider than a narrow terminal if need be; off a terminal a row a line."""
    console = Console(highlight=False)
    unbroken = console.options.update(width=_WIDEST_TABLE)
    for column in table.columns:
        if column.no_wrap:
            cells = [Text.from_markup(str(column.header)), *column.cells]
            column.min_width = max(Measurement.get(console, unbroken, cell).maximum for cell in cells)
    sizes = Measurement.get(console, unbroken, table)
    wanted = sizes.minimum if console.is_terminal else sizes.maximum
    if wanted > console.width or not console.is_terminal:
        console = Console(highlight=False, width=wanted)
    console.print(table)


def print_json(value: Any) -> None:
    """Print JSON, undecorated, so that it can be piped; infinite and undefined numbers, which JSON lacks, as null."""
    json.dump(_finite(value), sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


class LiveSearch:
    """A line on stderr with iteration, objective, gradient norm and time, redrawn a few times a second.

    `hear` only keeps the latest progress: a fast search must not wait for the terminal.
    """

    def __init__(self, quiet: bool = False) -> None:
        self._console = Console(stderr=True)
        self._latest: Progress | None = None
        self._spinner = Spinner("dots", "reading")
        shown = self._console.is_terminal and not quiet
        self._live = (
            Live(get_renderable=self._line, console=self._console, refresh_per_second=8, transient=True)
            if shown
            else None
        )

    def hear(self, progress: Progress) -> None:
        """Keep what is to be shown next."""
        self._latest = progress

    def _line(self) -> Spinner:
        if self._latest is None:
            return self._spinner
        now = self._latest
        start = f"start {now.restart + 1}  " if now.restart else ""
        self._spinner.update(
            text=Text(
                f"{now.method}  {start}iteration {now.iteration:,}  objective {now.objective:.8g}  "
                f"gradient {now.gradient_norm:.1e}  {now.seconds:.1f} s  (Ctrl-C keeps the best)"
            )
        )
        return self._spinner

    def __enter__(self) -> LiveSearch:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()


def print_block(area: Area, block: FloatArray) -> None:
    """Print a block of derivatives as the sheet shows its cells, the corner of it if it is large."""
    import numpy as np

    from embedsheet.ground.notation.addresses import column_letters

    rows, columns = block.shape
    largest = np.unravel_index(int(np.argmax(np.abs(block))), block.shape)
    at = f"{column_letters(area.left + int(largest[1]))}{area.top + int(largest[0])}"
    say(f"{area}: {rows} × {columns}, largest {block[largest]:.4g} at {at}", "bold")
    console = Console(highlight=False)
    shown = block[:_MOST_ROWS, : min(_MOST_COLUMNS, (console.width - _ROW_NUMBERS) // _WIDEST_NUMBER)]
    table = Table(box=None)
    table.add_column("", style="dim", justify="right")
    for column in range(shown.shape[1]):
        table.add_column(column_letters(area.left + column), justify="right")
    for row, numbers in enumerate(shown):
        table.add_row(str(area.top + row), *(f"{number:.4g}" for number in numbers))
    print_table(table)
    if shown.shape != block.shape:
        console.print(f"  the first {shown.shape[0]} × {shown.shape[1]}; --json has all", style="dim")

"""The command line: `embedsheet`.

One module a family of commands. A module holds `app = typer.Typer()` with its commands, imports heavy libraries inside
the functions only (so that `--help` stays fast), and is added to `FAMILIES` in `families.py`: one line. Everything that
goes wrong on purpose (`EmbedsheetError`), an `OSError` about a file, and Ctrl-C are turned into one message and an exit
code here.
"""

from __future__ import annotations

import itertools
import sys
import traceback
from typing import Annotated, Any

import typer

import embedsheet as es
from embedsheet import __version__
from embedsheet.cli.families import LazyCommands
from embedsheet.ground.errors import EmbedsheetError
from embedsheet.ground.shell import pip_install

STOPPED = 130  # exit code after Ctrl-C, as shells number it
FAULT = 70  # exit code for a mistake of ours, as sysexits.h numbers an internal software error

# Module → package: the core (new, inspect, solve, recalculate, derive, code, homework) does without these.
NOT_EVERYWHERE = {"jax": "jax", "keras": "keras", "xlwings": "xlwings", "polars": "polars", "pyopenvba": "pyOpenVBA"}

GREETING = """\
embedsheet [bold]{version}[/bold]: spreadsheets whose formulas are the model.

  [bold cyan]embedsheet new movielens[/bold cyan]
      make a workbook of film ratings and embeddings
  [bold cyan]embedsheet solve movielens.xlsx --sheet Cross-tab[/bold cyan]
      train its formulas in place, as Data ► Solver would
  [bold cyan]embedsheet compare movielens.xlsx[/bold cyan]
      prove that Keras computes the same numbers

[bold cyan]embedsheet --help[/bold cyan] shows every command; each has its own --help with an example.
"""


class Commands(LazyCommands):
    """The commands, with one place where errors become messages."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Accept `--debug` and `--limit` anywhere on the line, which people append to the command that just failed."""
        end = args.index("--") if "--" in args else len(args)
        first, rest = [], []
        words = iter(args[:end])
        for word in words:
            if word == "--debug" or word.startswith("--limit="):
                first.append(word)
            elif word == "--limit":
                first += [word, *itertools.islice(words, 1)]
            else:
                rest.append(word)
        args = [*first, *rest, *args[end:]]
        return super().make_context(info_name, args, parent, **extra)

    def main(self, *args: Any, **options: Any) -> Any:
        """Run the process' command line. Typer leaves at Ctrl-C without a word; say one, wherever it came."""
        try:
            return super().main(*args, **options)
        except SystemExit as end:
            if end.code == STOPPED:
                self._say("stopped by Ctrl-C.")
            raise

    def invoke(self, ctx: Any) -> Any:
        """Run the command; turn the errors that a user can cause into one message and an exit code."""
        try:
            return super().invoke(ctx)
        except EmbedsheetError as error:
            self._trace(ctx)
            self._say(str(error))
            raise typer.Exit(error.exit_code) from error
        except KeyboardInterrupt:
            self._trace(ctx)
            raise
        except OSError as error:
            if error.filename is None:  # a closed pipe and the like, which Typer knows how to treat
                raise
            self._trace(ctx)
            self._say(f"{error.filename}: {error.strerror}; check the name and the permissions.")
            raise typer.Exit(2) from error
        except Exception as error:
            if isinstance(error.__cause__, KeyboardInterrupt):  # as Python before 3.12 has it where a class is made
                self._trace(ctx)
                raise KeyboardInterrupt from error
            if "unexpected extra argument" in getattr(error, "message", ""):
                error.message += "; a name with spaces stands in quotation marks"  # type: ignore[attr-defined]
            # Typer signals wrong usage and its own ends by exceptions that it wants to see.
            if ctx.params.get("debug") or type(error).__module__.startswith(("typer", "click")):
                raise
            missing = getattr(error, "name", None) if isinstance(error, ModuleNotFoundError) else None
            package = NOT_EVERYWHERE.get((missing or "").partition(".")[0])
            if package is not None:
                self._say(f"this needs {package}, which is not installed here; run: {pip_install(package)}")
                raise typer.Exit(2) from error
            fault = f"{type(error).__name__}: {error}"
            self._say(f"embedsheet itself is at fault ({fault}); run this again with --debug and report it.")
            raise typer.Exit(FAULT) from error

    @staticmethod
    def _trace(ctx: Any) -> None:
        """Under `--debug`, show where the error came from."""
        if ctx.params.get("debug"):
            traceback.print_exc()

    @staticmethod
    def _say(message: str) -> None:
        """Write an error to stderr."""
        from embedsheet.cli.progress import complain

        complain(message)


app = typer.Typer(
    cls=Commands,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"embedsheet {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True, epilog="Example: [cyan]embedsheet new movielens -o films.xlsx[/cyan]")
def greet(
    ctx: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Say the version and leave.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    limit: Annotated[
        float,
        typer.Option("--limit", min=1, max=1e6, help="Let a formula take so many times the usual cells and steps."),
    ] = 1.0,
) -> None:
    """Spreadsheets whose formulas are the model: make them, differentiate them, solve them in place."""
    if limit != 1:
        es.raise_limits(limit)
    if ctx.invoked_subcommand is None:
        from rich.console import Console

        Console().print(GREETING.format(version=__version__), highlight=False)


def main() -> None:
    """Run the command line with the process's arguments."""
    # Titles and rules in output need more than a Windows console's code page holds.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    app(prog_name="embedsheet")

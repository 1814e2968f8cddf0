"""`embedsheet new` and `embedsheet lessons`: make the lessons' workbooks.

Each lesson is a command of its own, made from the signature of its module's `build`, so that a lesson's options are
written down once. The module is imported when its command is wanted, not before.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from embedsheet.cli.families import read_lightly
from embedsheet.lessons import Lesson, find
from embedsheet.lessons import lessons as all_lessons
from embedsheet.lessons.options import options

app = typer.Typer()


class LessonCommands(TyperGroup):
    """One command a lesson."""

    def list_commands(self, ctx: Any) -> list[str]:
        """All lessons, in the order of the table."""
        return list(all_lessons())

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command that knows the lesson's summary only: enough for a list. Raises LessonError if unknown."""
        return _click_command(cmd_name, find(cmd_name).summary, lambda: None)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command to run, with the options of the lesson's `build`."""
        name, _, rest = super().resolve_command(ctx, args)
        lesson = find(str(name))
        module = lesson.load()
        example = f"Example: [cyan]{module.EXAMPLE}[/cyan]"
        return name, _click_command(lesson.name, lesson.summary, _command(lesson, module.build), example), rest


def _click_command(name: str, text: str, function: Callable[..., None], example: str | None = None) -> Any:
    maker = typer.Typer(add_completion=False, rich_markup_mode="rich")
    maker.command(name, help=text, epilog=example)(function)
    command = typer.main.get_command(maker)
    command.name = name
    read_lightly(command)
    return command


def _command(lesson: Lesson, build: Callable[..., Path]) -> Callable[..., None]:
    """Return a function with the options that `build` has, which makes the workbook and says what happened."""
    parameters = [
        _option(
            "output",
            Path | None,
            None,
            f"The workbook to make; default: {lesson.name}.xlsx or .xlsm.",
            "-o",
            "--output",
        ),
        *(_option(one.name, one.kind, one.default, one.help, _flag(one.name)) for one in options(build).values()),
        _option(
            "buttons",
            bool,
            False,
            "Add buttons that call Python, for Excel and for embedsheet open (.xlsm).",
            "--buttons",
        ),
        _option("force", bool, False, "Replace the file if it exists.", "--force"),
    ]

    def make(output: Path | None, buttons: bool, force: bool, **chosen: Any) -> None:
        from rich.console import Console
        from rich.progress import Progress

        from embedsheet import api
        from embedsheet.cli.progress import say

        console = Console()
        with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
            task = bar.add_task(f"Making {output.name if output else lesson.name}", total=None)
            path = api.new(
                lesson.name,
                output,
                buttons=buttons,
                force=force,
                progress=lambda done, rows: bar.update(task, completed=done, total=rows),
                **chosen,
            )
        say(f"Made {path}. Open it in Excel or LibreOffice and start with its sheet Guide.")

    make.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return make


def _flag(name: str) -> str:
    # Python has a function `all`, which a parameter had better not hide.
    return "--all" if name == "all_ratings" else "--" + name.replace("_", "-")


def _option(name: str, kind: Any, default: Any, text: str, *flags: str) -> inspect.Parameter:
    annotation = Annotated[kind, typer.Option(*flags, help=text)]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


new = typer.Typer(cls=LessonCommands, no_args_is_help=True)
app.add_typer(
    new, name="new", help="Make a lesson's workbook.", epilog="Example: [cyan]embedsheet new movielens[/cyan]"
)


@new.callback()
def _new() -> None:
    """Make a lesson's workbook."""


@app.command(epilog="Example: [cyan]embedsheet lessons[/cyan]")
def lessons() -> None:
    """List the lessons that `embedsheet new` can make."""
    from rich.table import Table

    from embedsheet.cli.progress import print_table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("lesson", style="cyan", no_wrap=True)
    table.add_column("what it shows")
    table.add_column("make it with", no_wrap=True)
    for lesson in all_lessons().values():
        table.add_row(lesson.name, lesson.summary, f"embedsheet new {lesson.name}")
    print_table(table)

"""Which module has which command, and how the words of a command line become values: both without what is not needed.

A start of the command line costs as much as the solve of a small model where every command is built, and where Typer
imports pydantic to find that a text is a text.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import typer
from typer.core import TyperGroup

# The modules of `embedsheet.cli` and their commands, in the order that --help shows.
FAMILIES = {
    "new": ("lessons", "new"),
    "solve": ("solve", "gradient", "inspect", "recalculate", "undo"),
    "derive": ("derive",),
    "train": ("compare", "train"),
    "movielens": ("movielens",),
    "text": ("text",),
    "code": ("code",),
    "show": ("show",),
    "homework": ("homework",),
    "open_book": ("open",),
    "buttons": ("buttons",),
    "addin": ("excel",),
    "doctor": ("doctor",),
}


class LazyCommands(TyperGroup):
    """A group that builds a command when it is asked for: one to run it, all to list them."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command, None where there is none of this name."""
        for module, names in FAMILIES.items():
            if cmd_name in names:
                return family(module)[cmd_name]
        return None

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the options before the command's name."""
        return _light(super().get_params(ctx))

    @property
    def commands(self) -> Any:
        """Every command."""
        return {name: family(module)[name] for module, names in FAMILIES.items() for name in names}

    @commands.setter
    def commands(self, given: Any) -> None:
        """Typer gives those that were registered: none."""


@cache
def family(module: str) -> dict[str, Any]:
    """Return the commands of a module of `embedsheet.cli`."""
    app = import_module(f"embedsheet.cli.{module}").app
    _let_flow(app)
    # As a part of another, so that a module with a single command is a group as well.
    whole = typer.Typer(add_completion=False, rich_markup_mode="rich")
    whole.add_typer(app)
    commands: dict[str, Any] = typer.main.get_command(whole).commands  # type: ignore[attr-defined]
    for command in commands.values():
        read_lightly(command)
    return commands


def _let_flow(app: typer.Typer) -> None:
    """Let the terminal break the lines of help texts; Typer breaks all but the first paragraph's as the source does."""
    for command in app.registered_commands:
        text = inspect.getdoc(command.callback) or ""
        command.help = "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))
    for group in app.registered_groups:
        if group.typer_instance is not None:
            _let_flow(group.typer_instance)


def read_lightly(command: Any) -> None:
    """Let a command and those below it read plain texts, paths and choices without pydantic; all else as Typer does."""
    command.get_params = partial(_params, command.get_params)
    for below in getattr(command, "commands", {}).values():
        read_lightly(below)


def _params(of_command: Callable[..., list[Any]], ctx: Any) -> list[Any]:
    return _light(of_command(ctx))


def _light(parameters: list[Any]) -> list[Any]:
    for parameter in parameters:
        if hasattr(parameter, "type_descriptor") and "process_value" not in vars(parameter):
            parameter.process_value = partial(_value, parameter, parameter.process_value)
    return parameters


def _value(parameter: Any, thorough: Callable[..., Any], ctx: Any, value: Any) -> Any:
    """Return what `thorough` does, at once where a value plainly is what it is to be."""
    kind, many = parameter.type_descriptor.annotation, parameter.multiple or parameter.nargs == -1
    if not many and _plain(kind, value):
        found: Any = _made(kind, value)
    elif many and get_origin(kind) is list and value and all(_plain(get_args(kind)[0], one) for one in value):
        found = [_made(get_args(kind)[0], one) for one in value]
    elif not parameter.required and (value is None or (many and not value)):
        found = () if many else None
    else:
        return thorough(ctx, value)
    return found if parameter.callback is None else parameter.callback(ctx, parameter, found)


def _made(kind: Any, value: Any) -> Any:
    return Path(value) if kind is Path else value


def _plain(kind: Any, value: Any) -> bool:
    """Whether a value is one of its kind as it stands: what was typed as a text, or a default."""
    if kind is Path:
        # Typer's own words for a file that may not be read.
        return isinstance(value, str | Path) and (not os.path.exists(value) or os.access(value, os.R_OK))
    if get_origin(kind) is Literal:
        return isinstance(value, str) and value in get_args(kind)
    return kind in (str, int, float, bool) and type(value) is kind

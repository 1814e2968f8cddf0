"""Write docs/commands.md, the command reference, from the commands' own help: `python tools/command_docs.py`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import typer

from embedsheet.cli import app

PAGE = Path(__file__).parents[1] / "docs" / "commands.md"

INTRODUCTION = """# Commands

What `--help` says, command by command. This page is made by `tools/command_docs.py`.

Every command ends with exit code 0 when it did what was asked, 1 when the outcome is negative (infeasible, different,
something missing) and 2 when the input was bad; then one message says where, what and how to mend it. `--debug`,
anywhere on the line, adds the traceback; `--limit N` lets formulas take N times the cells and steps after which one is
refused.
"""


# How a value of a type is written in the table of options.
VALUES = {str: "TEXT", int: "N", float: "X", Path: "PATH", list[str]: "TEXT"}


def commands(group: Any = None, path: tuple[str, ...] = ("embedsheet",)) -> Iterator[tuple[str, Any]]:
    """Yield every command that does something, with the words that call it: ("embedsheet new movielens", command)."""
    group = group or typer.main.get_command(app)
    context = typer.Context(group)
    for name in group.list_commands(context):
        # A lesson knows its options only when it is resolved, not when it is listed.
        command = group.resolve_command(context, [name])[1]
        if command.hidden:
            continue
        words = (*path, name)
        if hasattr(command, "list_commands"):
            yield from commands(command, words)
        else:
            yield " ".join(words), command


def plain(text: str | None) -> str:
    """Return help text without rich's colours, its lines joined as Markdown has them."""
    return re.sub(r"\[/?(?:bold|cyan|bold cyan|green|dim)\]", "", text or "").strip()


def example(command: Any) -> str:
    """Return the command line that the help shows as its example, or ""."""
    return plain(command.epilog).removeprefix("Example: ")


def spelling(parameter: Any) -> str:
    """Return how a parameter is typed: `book`, `--factors N`, `--method auto|linear`."""
    if parameter.param_type_name == "argument":
        return f"`{parameter.metavar or parameter.name}`"
    kind = parameter.type_descriptor.annotation
    if kind is bool:
        value = ""
    elif get_origin(kind) is Literal:
        value = f" {parameter.metavar or '|'.join(get_args(kind))}"
    else:
        value = f" {parameter.metavar or VALUES[kind]}"
    names = (*parameter.opts, *parameter.secondary_opts)
    return ", ".join(f"`{name}{value}`" for name in names).replace("|", "\\|")


def rows(command: Any) -> list[str]:
    """Return one Markdown table row a parameter: how it is typed, its default, what it does."""
    found = []
    for one in command.params:
        if one.name == "help" or getattr(one, "hidden", False):
            continue
        kind = one.type_descriptor.annotation
        default = "required" if one.required else "" if one.default is None or kind is bool else f"`{one.default}`"
        words = plain(getattr(one, "help", "")).replace("|", "\\|").replace("<", "&lt;")
        found.append(f"| {spelling(one)} | {default} | {words} |\n")
    return found


def page() -> str:
    """Return the page's text."""
    parts = [INTRODUCTION]
    for name, command in commands():
        parts.append(f"\n## {name}\n\n{plain(command.help)}\n\n```console\n$ {example(command)}\n```\n")
        options = rows(command)
        if options:
            parts.append("\n| | default | |\n| --- | --- | --- |\n" + "".join(options))
    return "".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8", newline="\n")

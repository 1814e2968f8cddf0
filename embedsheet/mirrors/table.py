"""The mirrors there are, and which of them a workbook is meant for."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from embedsheet.book.book import Book
from embedsheet.ground.errors import ModelError
from embedsheet.mirrors.protocol import Mirror, Task, Trainer
from embedsheet.workbook import Workbook

_ELSE = "recommender.mirror"  # asked where none knows the workbook: it says what it needs
# Modules in this folder with a `MIRROR`.
MIRRORS = (
    "recurrent.mirror",
    "optimisers.mirror",
    "skip_gram.mirror",
    "perceptron.mirror",
    "gated.mirror",
    "attention.mirror",
    "conv.mirror",
    "student.mirror",
    _ELSE,
)


def mirrors() -> list[Mirror[Any]]:
    """Return all mirrors."""
    return [import_module(f"embedsheet.mirrors.{module}").MIRROR for module in MIRRORS]


def choose(book: Book, sheet: str | None, given: Mapping[str, str]) -> Mirror[Any]:
    """Return the mirror of a workbook's sheets, of the one asked for, or the one that takes the `given` blocks.

    Raises ModelError where sheets of several kinds could be meant.
    """
    every = mirrors()
    if given:
        return next(mirror for mirror in every if set(given) <= set(mirror.places))
    found = [(mirror, sheets) for mirror in every if (sheets := mirror.sheets(book))]
    if sheet is not None:
        name = book.sheet(sheet).name
        found = [(mirror, sheets) for mirror, sheets in found if name in sheets] or found
    if len(found) > 1:
        kinds = "; ".join(f"{mirror.title}: {', '.join(sheets)}" for mirror, sheets in found)
        raise ModelError(f"{book.path.name}: has models of several kinds; choose one with --sheet: {kinds}.")
    return found[0][0] if found else every[MIRRORS.index(_ELSE)]


def models(book: Book, sheet: str | None, given: Mapping[str, str]) -> tuple[Mirror[Any], dict[str, Any]]:
    """Return a workbook's mirror, and the models of the sheet asked for, or of all sheets of its kind.

    Raises ModelError as `choose`, and where a sheet holds no model or a block of it has holes.
    """
    mirror = choose(book, sheet, given)
    return mirror, {name: mirror.read(book, name, given) for name in mirror.chosen(book, sheet, given)}


def trainer(workbook: Workbook, sheet: str | None, task: Task) -> Trainer:
    """Return what trains the one sheet asked for. Raises ModelError as `models`, and where several could be meant."""
    mirror = choose(workbook, sheet, task.given)
    model = mirror.read(workbook, mirror.one(workbook, sheet, task.given), task.given)
    return mirror.trainer(workbook, model, task)

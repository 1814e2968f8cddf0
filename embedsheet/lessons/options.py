"""A lesson's options: read once from the signature of its `build`, for the command line and for homework alike."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

from embedsheet.lessons import INTERNAL


@dataclass(frozen=True, slots=True)
class Option:
    """An option of `embedsheet new LESSON`; `kind` is its annotation, as `int | None`."""

    name: str
    kind: Any
    default: Any
    help: str

    def takes(self, value: object) -> bool:
        """Whether a value is of the kind, as written in a TOML file: a path is a text, a whole number a number, too."""
        kinds = set(get_args(self.kind) or (self.kind,))
        kinds |= {int} if float in kinds else set()
        kinds |= {str} if Path in kinds else set()
        return type(value) in kinds  # True is an int to isinstance


def options(build: Callable[..., Path]) -> dict[str, Option]:
    """Return the options by name. Raises TypeError for a parameter that is not `Annotated[TYPE, "help text"]`."""
    found = {}
    for name, parameter in inspect.signature(build, eval_str=True).parameters.items():
        if name in INTERNAL:
            continue
        if get_origin(parameter.annotation) is not Annotated:
            raise TypeError(f"{name} has no help text; annotate it as Annotated[TYPE, 'help text'].")
        kind, text = get_args(parameter.annotation)[:2]
        found[name] = Option(name, kind, parameter.default, text)
    return found

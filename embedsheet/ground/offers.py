"""Names that a module hands on from other modules, which are imported when a name is first asked for (PEP 562)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any


def offer(module: str, names: Mapping[str, Iterable[str]]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return `__getattr__` and `__dir__` of a module that hands on `names` of other modules of embedsheet."""
    where = {name: place for place, listed in names.items() for name in listed}

    def get(name: str) -> Any:
        if name not in where:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        return getattr(import_module(f"embedsheet.{where[name]}"), name)

    return get, lambda: sorted({*vars(sys.modules[module]), *where})

"""Names that a module hands on from other modules, which are imported when a name is first asked for (PEP 562)."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any


def offer(module: str, names: Mapping[str, Iterable[str]]) -> None:
    """Give a module `__getattr__`, `__dir__` and `__all__` that hand on `names` of other modules of embedsheet."""
    face = vars(sys.modules[module])
    where = {name: place for place, listed in names.items() for name in listed}

    def get(name: str) -> Any:
        if name not in where:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        return getattr(import_module(f"embedsheet.{where[name]}"), name)

    face.update(__all__=list(where), __getattr__=get, __dir__=lambda: sorted({*face, *where}))

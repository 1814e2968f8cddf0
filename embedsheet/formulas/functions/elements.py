"""Functions computed element by element, of constants: of texts, of dates, of numerals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from embedsheet.formulas.coerce import map_elements
from embedsheet.formulas.functions.table import Context, function
from embedsheet.formulas.values import Value

Pair = tuple[int, float]  # an element's kind and number


def enter(name: str, parameters: str, summary: str, compute: Callable[..., Any], least: int | None = None) -> None:
    """Enter a function of elements: `compute(context, *pairs) -> str | float | bool`; see `coerce.map_elements`."""

    def call(context: Context, *arguments: Value) -> Value:
        return map_elements(context, name, list(arguments), lambda *pairs: compute(context, *pairs))

    call.__module__ = getattr(compute, "func", compute).__module__  # the page of functions is in order of modules
    function(name, parameters, summary, least=least, gradient="constant")(call)

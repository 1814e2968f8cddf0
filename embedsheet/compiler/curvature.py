"""Which cells and functions keep a model from being linear, or quadratic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from embedsheet.compiler.cells import Ids
from embedsheet.compiler.degree import OTHER, Bend
from embedsheet.compiler.forms import Group
from embedsheet.compiler.store import DIVISION, PLACE

Places: TypeAlias = list[tuple[Group, Ids]]

# What to call an operator, or an operation outside any function.
_WORDS = {"*": "a product", DIVISION: "a quotient", "^": "a power", "&": "a text"}
_COMPARISONS = frozenset(["=", "<>", "<", ">", "<=", ">="])


@dataclass(frozen=True, eq=False)
class BentCells:
    """Cells in which the model stops being linear (`degree` 2: it is quadratic there; 3: anything), by what function.

    The cells are the `elements` of a `group`; `function` is "COUNTIF" or, for an operator, "a product".
    """

    group: Group
    elements: Ids
    function: str
    degree: int

    @property
    def cells(self) -> str:
        """The addresses in words."""
        return self.group.where(self.elements)

    def __str__(self) -> str:
        return f"{self.function} in {self.cells}"


@dataclass(frozen=True)
class Curvature:
    """`degree` of a model in its changing cells: 0 constant, 1 linear, 2 quadratic, 3 anything else; `bent` why.

    `results`: the degree of each result, that of the model where it is 3; `apart`: by the operations that it alone is
    made of, which is no proof where others may be errors.
    """

    degree: int
    bent: tuple[BentCells, ...]
    results: tuple[int, ...] = ()
    apart: tuple[int, ...] = ()


def curvature_of(trace: Callable[[Any, Places], Any], start: NDArray[np.float64]) -> Curvature:
    """Return the curvature of `trace(x, places)`, whose scopes name `places` (see `TracedStore`) and functions."""
    from embedsheet.compiler.degrees import analyse  # autograd is imported when something is differentiated
    from embedsheet.compiler.engines.graph import record

    places: Places = []
    graph, _ = record(lambda x: [trace(x, places)], start)
    found = analyse(graph, start)
    cells: dict[tuple[int, str], tuple[set[int], int]] = {}
    for bend in found.bends:
        marks = [at for at, name in enumerate(bend.scope) if name.startswith(PLACE)]
        if not marks:
            continue  # the reading of cells bends nothing; should it ever, the degree still says so
        place = int(bend.scope[marks[-1]].removeprefix(PLACE))
        function = _function(bend.scope[marks[-1] + 1 :])
        rows, degree = cells.setdefault((place, function), (set(), 0))
        rows.update(_rows(bend, len(places[place][1])))
        cells[place, function] = rows, max(degree, bend.degree)
    bent: dict[tuple[Group, bytes, str], BentCells] = {}
    for (place, function), (rows, degree) in cells.items():
        group, elements = places[place][0], places[place][1][sorted(rows)]
        # A scan evaluates a formula in two parts.
        known = bent.setdefault((group, elements.tobytes(), function), BentCells(group, elements, function, degree))
        if degree > known.degree:
            bent[group, elements.tobytes(), function] = replace(known, degree=degree)
    results = np.concatenate([np.ravel(one) for one in found.outputs])
    proven = np.maximum(results, OTHER * (found.degree == OTHER))
    return Curvature(found.degree, tuple(bent.values()), tuple(proven.tolist()), tuple(results.tolist()))


def _rows(bend: Bend, count: int) -> list[int]:
    if bend.rows is not None and bend.length == count:
        return [int(row) for row in bend.rows]
    return list(range(count))


def _function(names: tuple[str, ...]) -> str:
    if not names:
        return "an operation"
    # IF(A1>0,…) bends where it compares, but it is IF that a person sees.
    name = next((one for one in reversed(names) if one not in _COMPARISONS), names[-1])
    return _WORDS.get(name, f"a comparison ({name})" if name in _COMPARISONS else name)

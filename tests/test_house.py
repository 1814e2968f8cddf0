"""The plan of the house: rooms stand in layers, imports point down, no modules import each other in a circle.

Every import counts: inside a function, and for types alone.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

import embedsheet

HOUSE = Path(embedsheet.__file__).parent
Import = tuple[str, str]  # who imports, and what: modules, without "embedsheet."

# From the roof to the ground. A room imports rooms of lower layers only; "" is embedsheet/__init__.py.
LAYERS = (
    ("__main__",),
    ("cli",),
    ("",),
    ("api", "excel"),
    ("lessons", "hosts", "homework"),
    ("keras_bridge",),
    ("mirrors", "translations", "solver"),
    ("solvers",),
    ("workbook",),
    ("compiler", "xlsx"),
    ("formulas", "book"),
    ("ground",),
)
LEVEL = {room: level for level, rooms in enumerate(reversed(LAYERS)) for room in rooms}

# A large package, and the only places that may name it; everything else is installed and imported without.
HEAVY = {
    "jax": ("compiler.engines.jax", "compiler.precision", "mirrors"),
    "keras": ("mirrors.full_size.engine",),
    "tensorflow": ("mirrors",),
    "torch": ("mirrors",),
    "pytensor": ("mirrors.recurrent.pytensor_net",),
    "autograd": ("compiler",),
    "highspy": ("solvers",),
    "polars": ("ground.data.grouplens",),
    "xlsxwriter": ("xlsx", "hosts"),
    "xlwings": ("hosts",),
    "pyopenvba": ("hosts.buttons",),
    "typer": ("cli",),
    "anywidget": ("translations.coder.viewer.live",),
    "traitlets": ("translations.coder.viewer.live",),
    "rich": ("cli",),
}


def _module(path: Path) -> str:
    parts = path.relative_to(HOUSE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def _imports() -> dict[str, set[str]]:
    """Return for each module the full names of all that it imports."""
    found: dict[str, set[str]] = {}
    for path in HOUSE.rglob("*.py"):
        names = found.setdefault(_module(path), set())
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0 and node.module is not None, f"{path}: write the whole name of what is imported"
                names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@cache
def _inside() -> set[Import]:
    """Return the imports of one module of ours by another."""
    modules = _imports()
    found: set[Import] = set()
    for module, names in modules.items():
        for name in names:
            first, _, inner = name.partition(".")
            if first == "embedsheet":
                target = inner if inner in modules else inner.rpartition(".")[0]
                assert target in modules, f"{module} imports {name}, which is no module"
                found.add((module, target))
    return found


def _room(module: str) -> str:
    return module.partition(".")[0]


def _upward(imports: Iterable[Import]) -> set[Import]:
    """Return the imports of a room that stands no lower."""
    pairs = ((pair, _room(pair[0]), _room(pair[1])) for pair in imports)
    return {pair for pair, who, what in pairs if who != what and LEVEL[who] <= LEVEL[what]}


def _circular(imports: Iterable[Import]) -> set[Import]:
    """Return the imports that lie on a circle of modules."""
    pairs = [pair for pair in imports if pair[0] != pair[1]]
    modules = sorted({module for pair in pairs for module in pair})
    place = {module: at for at, module in enumerate(modules)}
    who, what = np.array([(place[a], place[b]) for a, b in pairs]).T
    graph = coo_array((np.ones(len(who)), (who, what)), shape=(len(modules),) * 2)
    knot = connected_components(graph, connection="strong")[1]
    return {pair for pair, a, b in zip(pairs, knot[who], knot[what], strict=True) if a == b}


def test_every_room_has_its_layer() -> None:
    assert {_room(module) for module in _imports()} == set(LEVEL)


def test_imports_point_down_and_never_in_a_circle() -> None:
    wrong = sorted(_upward(_inside()) | _circular(_inside()))
    assert not wrong, "upward or in a circle: " + "; ".join(f"{who} imports {what}" for who, what in wrong)


def _floors(arrows: set[Import]) -> int:
    """Return how many rooms stand on one another at most."""
    below: dict[str, set[str]] = {}
    for who, what in arrows:
        below.setdefault(who, set()).add(what)

    def floor(room: str) -> int:
        return 1 + max((floor(one) for one in below.get(room, ())), default=0)

    return max(map(floor, below))


def test_the_house_is_one_that_a_picture_can_show() -> None:
    # The face, `embedsheet/__init__.py`, only hands names on. Beside these stand benchmarks/ and tools/.
    arrows = {(_room(who), _room(what)) for who, what in _inside() if _room(who)}
    arrows = {(who, what) for who, what in arrows if who != what and what}
    assert len(LEVEL) - 1 <= 18
    assert _floors(arrows) <= 10
    assert len(arrows) <= 75


def test_floors_are_counted_along_the_longest_way() -> None:
    assert _floors({("a", "b"), ("b", "c"), ("a", "c"), ("d", "c")}) == 3


@pytest.mark.parametrize("package", HEAVY)
def test_a_large_package_is_named_in_its_own_places_alone(package: str) -> None:
    users = {module for module, names in _imports().items() if package in {name.partition(".")[0] for name in names}}
    assert users, "nothing imports it: strike it from HEAVY"
    elsewhere = {one for one in users if not any(f"{one}.".startswith(f"{place}.") for place in HEAVY[package])}
    assert not elsewhere


def test_a_circle_of_three_modules_and_an_import_of_a_sibling_are_found() -> None:
    assert _circular({("a.x", "a.y"), ("a.y", "a.z"), ("a.z", "a.x"), ("a.x", "a.w")}) == {
        ("a.x", "a.y"), ("a.y", "a.z"), ("a.z", "a.x"),
    }  # fmt: skip
    assert _upward({("formulas.x", "book.y"), ("xlsx.x", "ground.y"), ("ground.x", "cli")}) == {
        ("formulas.x", "book.y"), ("ground.x", "cli"),
    }  # fmt: skip

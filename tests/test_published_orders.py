"""Tours and assignments with published optima, as workbooks: orders of cells, costs by INDEX."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from openpyxl.utils import get_column_letter
from scipy import optimize, sparse
from scipy.sparse import csgraph

from embedsheet.solver import Solution, solve
from kit.sheets import write

Floats = np.ndarray[Any, Any]
# TSPLIB 95 (comopt.ifi.uni-heidelberg.de/software/TSPLIB95): latitude and longitude, degrees and minutes; the optimum.
TOURS: dict[str, tuple[list[tuple[float, float]], int]] = {
    "burma14": (
        [(16.47, 96.10), (16.47, 94.44), (20.09, 92.54), (22.39, 93.37), (25.23, 97.24), (22.00, 96.05),
         (20.47, 97.02), (17.20, 96.29), (16.30, 97.38), (14.05, 98.12), (16.53, 97.38), (21.52, 95.59),
         (19.41, 97.13), (20.09, 94.55)], 3323,
    ),
    "ulysses16": (
        [(38.24, 20.42), (39.57, 26.15), (40.56, 25.32), (36.26, 23.12), (33.48, 10.54), (37.56, 12.19),
         (38.42, 13.11), (37.52, 20.44), (41.23, 9.10), (41.17, 13.05), (36.08, -5.21), (38.47, 15.13),
         (38.15, 15.35), (37.51, 15.17), (35.49, 14.32), (39.36, 19.56)], 6859,
    ),
}  # fmt: skip
# QAPLIB (coral.ise.lehigh.edu/data-sets/qaplib): Nugent, Vollmann and Ruml 1968; flows, rows and columns of the sites.
NUG12 = """
0 5 2 4 1 0 0 6 2 1 1 1;5 0 3 0 2 2 2 0 4 5 0 0;2 3 0 0 0 0 0 5 5 2 2 2;4 0 0 0 5 2 2 10 0 0 5 5;
1 2 0 5 0 10 0 0 0 5 1 1;0 2 0 2 10 0 5 1 1 5 4 0;0 2 0 2 0 5 0 10 5 2 3 3;6 0 5 10 0 1 10 0 0 0 5 0;
2 4 5 0 0 1 5 0 0 0 10 10;1 5 2 0 5 5 2 0 0 0 5 0;1 0 2 5 1 4 3 5 10 5 0 2;1 0 2 5 1 0 3 0 10 0 2 0
"""


def _geographical(cities: list[tuple[float, float]]) -> Floats:
    """Return distances as TSPLIB's GEO: whole kilometres on a sphere of 6378.388, π = 3.141592."""

    def radians(angle: float) -> float:
        degrees = math.trunc(angle)
        return 3.141592 * (degrees + 5.0 * (angle - degrees) / 3.0) / 180.0

    k = len(cities)
    found = np.zeros((k, k))
    for i, (one, other) in enumerate(cities):
        for j, (third, fourth) in enumerate(cities):
            q1 = math.cos(radians(other) - radians(fourth))
            q2 = math.cos(radians(one) - radians(third))
            q3 = math.cos(radians(one) + radians(third))
            if i != j:
                found[i, j] = int(6378.388 * math.acos(0.5 * ((1.0 + q1) * q2 - (1.0 - q1) * q3)) + 1.0)
    return found


def _square(matrix: Floats, first: int) -> dict[str, Any]:
    letter = get_column_letter
    return {f"{letter(first + j)}{i + 1}": float(one) for (i, j), one in np.ndenumerate(matrix)}


def _ordered(path: Path, cells: dict[str, Any], k: int) -> Solution:
    cells |= {f"A{place}": place for place in range(1, k + 1)}
    return solve(
        write(path / "book.xlsx", cells), objective="B1", changing=[f"A1:A{k}"], sense="minimize", dry_run=True,
        constraints=[f"A1:A{k} all different"],
    )  # fmt: skip


@pytest.mark.parametrize("name", TOURS)
def test_a_published_tour_is_found(name: str, tmp_path: Path) -> None:
    cities, optimum = TOURS[name]
    k = len(cities)
    cells = _square(_geographical(cities), 5)
    area = f"$E$1:${get_column_letter(4 + k)}${k}"
    cells |= {f"C{i}": f"=INDEX({area},A{i},A{i % k + 1})" for i in range(1, k + 1)}
    found = _ordered(tmp_path, cells | {"B1": f"=SUM(C1:C{k})"}, k)
    assert sorted(found.x) == list(range(1, k + 1))
    assert optimum <= found.objective_after <= 1.02 * optimum  # an optimum that is beaten would be no optimum
    assert found.status == "improved" and "proves no optimum" in found.message


# nug5 are the first five facilities, on the first five of two by three sites: 50. nug12: three by four sites, 578.
@pytest.mark.parametrize(("k", "columns", "optimum"), [(5, 2, 50), (12, 4, 578)])
def test_a_published_assignment_is_found(k: int, columns: int, optimum: int, tmp_path: Path) -> None:
    flows = np.array([[float(one) for one in row.split()] for row in NUG12.replace("\n", "").split(";")])[:k, :k]
    sites = np.array([divmod(site, columns) for site in range(k)])
    distances = np.abs(sites[:, None] - sites[None]).sum(axis=2)
    cells = _square(distances, 5)
    area = f"$E$1:${get_column_letter(4 + k)}${k}"
    for i, j in np.argwhere(flows > 0):
        cells[f"{get_column_letter(30 + j)}{i + 1}"] = f"={flows[i, j]:g}*INDEX({area},A{i + 1},A{j + 1})"
    cells["B1"] = f"=SUM(AD1:{get_column_letter(29 + k)}{k})"
    found = _ordered(tmp_path, cells, k)
    assert optimum <= found.objective_after <= 1.02 * optimum
    if k == 5:
        assert found.status == "optimal" and found.objective_after == optimum


def _shortest(distances: Floats) -> float:
    """Return the length of the shortest tour: HiGHS, with a cut for every subtour (Dantzig et al. 1954)."""
    n = len(distances)
    edges = [(i, j) for i in range(n) for j in range(i)]
    rows = [np.array([float(city in edge) for edge in edges]) for city in range(n)]
    low, high = [2.0] * n, [2.0] * n
    while True:
        found = optimize.milp(
            [distances[edge] for edge in edges], integrality=np.ones(len(edges)), bounds=optimize.Bounds(0, 1),
            constraints=optimize.LinearConstraint(np.array(rows), low, high), options={"mip_rel_gap": 0.0},
        )  # fmt: skip
        used = [edge for edge, value in zip(edges, found.x, strict=True) if value > 0.5]
        graph = sparse.coo_array((np.ones(n), tuple(zip(*used, strict=True))), shape=(n, n))
        count, part = csgraph.connected_components(graph, directed=False)
        if count == 1:
            return float(found.fun)
        for tour in range(count):
            rows.append(np.array([float((part[i] == tour) != (part[j] == tour)) for i, j in edges]))
            low.append(2.0)
            high.append(np.inf)


@pytest.mark.soak
@pytest.mark.parametrize("k", [24, 36, 50])
def test_tours_of_up_to_fifty_cities_are_within_two_per_cent_of_the_shortest(k: int, tmp_path: Path) -> None:
    cities = np.random.default_rng(k).uniform(0, 100, (k, 2))
    distances = np.round(np.linalg.norm(cities[:, None] - cities[None], axis=2))
    area = f"$E$1:${get_column_letter(4 + k)}${k}"
    cells = _square(distances, 5) | {f"C{i}": f"=INDEX({area},A{i},A{i % k + 1})" for i in range(1, k + 1)}
    found = _ordered(tmp_path, cells | {"B1": f"=SUM(C1:C{k})"}, k)
    assert found.objective_after <= 1.02 * _shortest(distances)

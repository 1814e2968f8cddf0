"""Derived workbooks before the judges: what spreadsheet programs calculate on a gradient sheet is exact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import embedsheet as es
from embedsheet.ground.notation.addresses import Area, column_letters
from embedsheet.workbook import Workbook
from kit import sheets
from kit.judges import Values, gnumeric_values, libreoffice_values_of

TOLERANCE = 1e-9  # relative, as the gradient sheet promises
Textbook = tuple[dict[str, Any], str, list[str]]  # cells of sheet S, objective, changing areas


def grid(top: int, left: int, values: NDArray[np.float64]) -> dict[str, Any]:
    """Return numbers as cells by their addresses."""
    return {
        f"{column_letters(left + j)}{top + i}": float(values[i, j])
        for i in range(values.shape[0])
        for j in range(values.shape[1])
    }


def filled(top: int, bottom: int, formulas: Mapping[str, str]) -> dict[str, Any]:
    """Fill formulas, with {r} for the row and {p} for the one above, down columns."""
    return {
        f"{column}{r}": text.replace("{r}", str(r)).replace("{p}", str(r - 1))
        for column, text in formulas.items()
        for r in range(top, bottom + 1)
    }


def derive_all(folder: Path, models: Mapping[str, Textbook]) -> dict[Path, Sequence[Model]]:
    """Write models and derive each, as `judge` takes them."""
    found: dict[Path, Sequence[Model]] = {}
    for number, (cells, objective, changing) in enumerate(models.values()):
        path = sheets.write(folder / f"{number}.xlsx", cells)
        options = {"objective": f"S!{objective}", "changing": [f"S!{area}" for area in changing]}
        es.derive(path, **options)  # type: ignore[arg-type]
        found[path] = [(None, options)]
    return found


def numbers(values: Values, area: Area) -> NDArray[np.float64]:
    """Return the numbers that a program calculated in an area; NaN for anything else."""
    found = [values[area.sheet].get(f"{column_letters(cell.column)}{cell.row}") for cell in area.cells()]
    return np.array([one if isinstance(one, float) else np.nan for one in found]).reshape(area.shape)


def assert_exact(found: NDArray[np.float64], exact: NDArray[np.float64], what: object) -> None:
    """Relative to each derivative; of what cancels, rounding of the largest one is left."""
    allowed = TOLERANCE * np.abs(exact) + 1e-13 * np.abs(exact).max(initial=1.0)
    assert (np.abs(found - exact) <= allowed).all(), (what, found, exact)


Model = tuple[str | None, dict[str, Any]]  # a sheet, and options that say what its model is


def judge(models: Mapping[Path, Sequence[Model]]) -> None:
    """Let Gnumeric and LibreOffice calculate derived workbooks and compare with the tape and with JAX."""
    for path, office in zip(models, libreoffice_values_of(list(models)), strict=True):
        gnumeric, book = gnumeric_values(path), Workbook.open(path)
        for sheet, options in models[path]:
            for engine in ("tape", "jax"):
                exact = es.gradient(book, sheet, engine=engine, **options)  # type: ignore[arg-type]
                assert exact.model.setup.objective is not None
                added = f"{exact.model.setup.objective.sheet[:22]} gradient"
                for number, (area, block) in enumerate(exact.blocks.items(), 1):
                    derived = book.area(f"gradient.{number}", sheet=added)
                    for name, values in (("gnumeric", gnumeric), ("libreoffice", office)):
                        assert_exact(numbers(values, derived), block, (path.name, name, engine, str(area)))
                    # The file itself holds what they calculate.
                    assert_exact(book.numbers(derived), block, (path.name, "file", engine, str(area)))

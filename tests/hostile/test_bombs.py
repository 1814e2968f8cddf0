"""No formula takes more than its budget, and the rest of the workbook is calculated."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hostile import bombs
from tests.judges import embedsheet_values
from tests.sheets import write


@pytest.mark.parametrize(("formula", "refusal"), list(bombs.everything()), ids=lambda one: str(one)[:40])
def test_a_formula_that_grows_beyond_bounds_is_refused_alone(tmp_path: Path, formula: str, refusal: str | None) -> None:
    """None: Excel's own limits (32,767 characters, 2^20 rows or columns) give an error value. "": it is a number."""
    values = embedsheet_values(write(tmp_path / "bomb.xlsx", bombs.cells(formula)))["S"]
    assert values["C1"] == 2
    if refusal is None:
        assert str(values["A1"]).startswith("#")
    elif refusal:
        assert str(values["A1"]).startswith("unsupported: S!A1: needs")
        assert refusal in str(values["A1"])
    else:
        assert isinstance(values["A1"], float)

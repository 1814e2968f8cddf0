"""No formula takes more than its budget, and the rest of the workbook is calculated."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from embedsheet.formulas import budget
from embedsheet.ground.errors import EmbedsheetError, FormulaError
from embedsheet.ground.notation.parse import parse
from kit.judges import embedsheet_values
from kit.sheets import write
from tests.hostile import bombs


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


def test_a_formula_of_a_megabyte_is_not_read() -> None:
    with pytest.raises(FormulaError, match=r"has 1,000,003 characters; Excel takes 8,192"):
        parse("=" + "B1+" * 333_333 + "B1" + " ", 1, 1)


def test_one_refused_formula_leaves_the_budget_of_the_others(tmp_path: Path) -> None:
    cells = {f"A{row}": "=" + bombs.in_file(f"REDUCE({row}^2,SEQUENCE(1E6),LAMBDA(a,b,a+b))") for row in range(1, 40)}
    values = embedsheet_values(write(tmp_path / "bombs.xlsx", {**cells, "C1": "=SUM(1,2)"}))["S"]
    assert values["C1"] == 3
    assert all("steps" in str(values[address]) for address in cells)


def test_what_is_filled_down_too_far_for_memory_is_evaluated_in_lots(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """40 cells that each multiply 30 pairs, where one formula may have 100 cells: the sums of i * k * k, k to 30."""
    monkeypatch.setattr(budget, "_MOST_CELLS", 100)
    cells = {f"A{row}": float(row) for row in range(1, 41)}
    cells |= {f"B{row}": f"=SUMPRODUCT(A{row}*A$1:A$30*A$1:A$30)" for row in range(1, 41)}  # type: ignore[misc]
    monkeypatch.setattr(budget.Budget, "__init__", _of_100_cells)
    values = embedsheet_values(write(tmp_path / "lots.xlsx", cells))["S"]
    assert [values[f"B{row}"] for row in range(1, 41)] == [row * 9455.0 for row in range(1, 41)]


def _of_100_cells(self: budget.Budget, stored: int) -> None:
    _INITIAL(self, 0)


_INITIAL = budget.Budget.__init__


@pytest.mark.parametrize("formula", ["ADDRESS(SEQUENCE(1E4),1)", '"x"&SEQUENCE(1E4)', 'TEXT(SEQUENCE(1E4),"0.00")'])
def test_texts_of_a_million_rows_are_within_the_limits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, formula: str
) -> None:
    """Counted for a hundredth of the rows with a hundredth of the limits; twice as many rows are too many."""
    monkeypatch.setattr(budget, "_raised", 0.01)
    twice = formula.replace("1E4", "2E4")
    cells = {"A1": "=" + bombs.in_file(f"ROWS({formula})"), "A2": "=" + bombs.in_file(f"ROWS({twice})")}
    values = embedsheet_values(write(tmp_path / "rows.xlsx", cells))["S"]
    assert values["A1"] == 10_000
    assert "operations" in str(values["A2"])


def _with_formula(path: Path, formula: str) -> Path:
    """Write a workbook whose A1 has this element as its formula, as no spreadsheet program would."""
    plain = write(path.with_name("plain.xlsx"), {"A1": "=1+1", "C1": "=1+1"})
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(name, source.read(name).replace(b"<f>1+1</f>", formula.encode(), 1))
    return path


def test_a_formula_of_a_megabyte_of_quotes_is_refused_before_it_is_scanned(tmp_path: Path) -> None:
    """A scan of unclosed quotes takes steps by their square."""
    values = embedsheet_values(_with_formula(tmp_path / "quotes.xlsx", f"<f>{chr(39) * 999_999}</f>"))["S"]
    assert values["C1"] == 2
    assert "999,999 characters" in str(values["A1"])


def test_a_data_table_over_a_whole_sheet_is_refused(tmp_path: Path) -> None:
    table = '<f t="dataTable" ref="A1:XFD1048576" dt2D="1" dtr="1" r1="B1" r2="B1"/>'
    with pytest.raises(EmbedsheetError, match="cells"):
        embedsheet_values(_with_formula(tmp_path / "whole.xlsx", table))

"""COUNTIF, SUMIF and their kin where the number that is looked for is computed from changing cells."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from embedsheet.ground.errors import UnsupportedError
from embedsheet.solver import solve
from kit.judges import embedsheet_values, formulon_values
from kit.sheets import program, write

_LIST = [3, 1, 4, 1, 5, 9, 2.5, None, "x", 6]
CELLS = {f"A{row}": value for row, value in enumerate(_LIST, 1) if value is not None}
CELLS |= {f"B{row}": row * 10 for row in range(1, 11)} | {f"C{row}": "ab"[row % 2] for row in range(1, 11)}
FORMULAS = [
    'COUNTIF(A1:A10,"<="&E1)', 'COUNTIF(A1:A10,">"&E1)', "COUNTIF(A1:A6,E1)", 'COUNTIF(A1:A6,"="&E1)',
    'COUNTIF(A1:A6,"<>"&E1)', 'SUMIF(A1:A10,">="&E1,B1:B10)', 'SUMIF(A1:A10,"<"&E1+E2)',
    'AVERAGEIF(A1:A10,">="&E1,B1:B10)', 'COUNTIFS(A1:A10,">="&E1,C1:C10,"a")',
    'SUMIFS(B1:B10,A1:A10,">="&E1,C1:C10,"a",A1:A10,"<="&E2*4)', 'AVERAGEIFS(B1:B10,C1:C10,"a",A1:A10,"<="&E2*4)',
    "SUMPRODUCT(1/COUNTIF(E1:E3,E1:E3))",
]  # fmt: skip


@pytest.mark.parametrize("engine", ["tape", "jax"])
def test_a_criterion_that_moves_finds_what_a_sheet_finds(engine: str, tmp_path: Path) -> None:
    total = "+".join(f"{10**place}*{formula}" for place, formula in enumerate(FORMULAS))
    cells = CELLS | {"E1": 3, "E2": 2, "E3": 3, "H1": f"={total}"}
    compiled = program(tmp_path / "book.xlsx", cells, "H1", ["E1:E3"], engine=engine)
    for x in ([3, 2, 3], [1, 2, 1], [4.5, 1, 1], [0.5, 0.3, 7], [9, 2, 2]):
        wanted = formulon_values(CELLS | dict(zip(("E1", "E2", "E3"), x, strict=True)) | {"H1": f"={total}"})["H1"]
        assert compiled.value(np.array(x, float)) == pytest.approx(wanted, rel=1e-14)
        assert compiled.value_and_gradient(np.array(x, float))[0] == pytest.approx(wanted, rel=1e-14)


@pytest.mark.parametrize("engine", ["tape", "jax"])
def test_a_mean_is_of_the_numbers_alone(engine: str, tmp_path: Path) -> None:
    """Of what is averaged blanks, texts and truths do not count, nor does √(4 − 5) where its cell does not meet."""
    cells = {f"D{row}": row for row in range(1, 6)} | {"A1": 2, "A2": 5, "C1": "x", "C2": True, "C4": 2, "C5": 6}
    cells |= {f"G{row}": f"=SQRT(A2-{row})" for row in range(1, 6)}
    formulas = [
        'AVERAGEIF(D1:D5,">"&A1,C1:C5)', 'AVERAGEIFS(C1:C5,D1:D5,">"&A1)', 'AVERAGEIFS(C1:C5,D1:D5,">"&A1,D1:D5,"<5")',
        'SUMIF(D1:D5,">"&A1,C1:C5)', 'SUMIF(D1:D5,"<="&A1*2,G1:G5)',
    ]  # fmt: skip
    outputs = {f"B{place}": f"={formula}" for place, formula in enumerate(formulas, 1)}
    for x, wanted in (([0.5, 4], [4, 4, 2, 8, 3**0.5]), ([2, 4], [4, 4, 2, 8, 3**0.5 + 2**0.5 + 1])):
        for output, number in zip(outputs, wanted, strict=True):
            compiled = program(tmp_path / "book.xlsx", cells | outputs, output, ["A1:A2"], engine=engine)
            assert compiled.value(np.array(x, float)) == pytest.approx(number, rel=1e-14)
            assert compiled.value_and_gradient(np.array(x, float))[0] == pytest.approx(number, rel=1e-14)


@pytest.mark.parametrize("engine", ["tape", "jax"])
@pytest.mark.parametrize(
    "formula", ['COUNTIF(A1:A3,"<>"&SQRT(E1))', 'COUNTIF(A1:A3,"<="&1/(E1+1))', 'SUMIF(A1:A3,"<>"&LN(E1),B1:B3)']
)
def test_an_undefined_criterion_is_met_by_no_number(formula: str, engine: str, tmp_path: Path) -> None:
    cells = {"A1": 1, "A2": 2, "A3": 3, "B1": 4, "B2": 5, "B3": 6, "E1": 2, "H1": f"={formula}"}
    compiled = program(tmp_path / "book.xlsx", cells, "H1", ["E1"], engine=engine)
    typed = embedsheet_values(write(tmp_path / "typed.xlsx", {**cells, "E1": -1}))
    assert compiled.value(np.array([-1.0])) == formulon_values({**cells, "E1": -1})["H1"] == typed["S"]["H1"] == 0


def test_in_ranges_that_grow_each_cell_counts_its_own(tmp_path: Path) -> None:
    relations = {"D": "<", "E": "<=", "F": ">", "G": ">=", "I": "=", "J": "<>"}
    filled = {
        f"{column}{row}": f'=COUNTIF(A$1:A{row},"{relation}"&L$1)'
        for column, relation in relations.items() for row in (2, 4, 6)
    }  # fmt: skip
    total = "=" + "+".join(f"{7**place}*{cell}" for place, cell in enumerate(filled))
    cells = CELLS | filled | {"L1": 3, "H1": total}
    compiled = program(tmp_path / "book.xlsx", cells, "H1", ["L1"])
    for x in (3.0, 1.0, 4.5):
        wanted = formulon_values(cells | {"L1": x})["H1"]
        assert compiled.value(np.array([x])) == pytest.approx(wanted, rel=1e-15)
        assert compiled.value_and_gradient(np.array([x]))[0] == pytest.approx(wanted, rel=1e-15)


def test_what_a_moving_criterion_cannot_mean_is_refused(tmp_path: Path) -> None:
    # A text that looks like the number would count too.
    for formula in ("=COUNTIF(A1:A10,E1)", '=COUNTIF(C1:C10,"*"&E1)'):
        with pytest.raises(UnsupportedError, match="S!H1"):
            compiled = program(tmp_path / "book.xlsx", CELLS | {"E1": 3, "H1": formula}, "H1", ["E1"])
            compiled.value_and_gradient(compiled.start)


def test_an_order_is_chosen_for_the_service_it_gives(tmp_path: Path) -> None:
    """Demands 11…30, all alike: 18 of 20 are served from an order of 28 on, and every piece above costs."""
    cells = {f"A{row}": 10 + row for row in range(1, 21)} | {
        "E1": 15,
        "E2": '=COUNTIF(A1:A20,"<="&E1)/20',
        "E3": "=2*E1",
    }
    for more in ([], ["E1 integer"]):
        found = solve(
            write(tmp_path / "book.xlsx", cells), objective="E3", changing=["E1"], sense="minimize", dry_run=True,
            constraints=["E2 >= 90%", "0 <= E1 <= 50", *more],
        )  # fmt: skip
        assert (found.status, found.objective_after) == ("optimal", pytest.approx(56))
        assert not [note for note in found.notes if "gradient" in note]  # which has nothing to do with the proof

"""Formulas that nobody filled down: those of one shape are evaluated together, and each gets what it gets alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from kit.judges import embedsheet_values, formulon_values, write_book
from kit.sheets import largest_gradient_error, program, write


def _scattered(count: int) -> dict[str, Any]:
    """A chain of formulas, each reading cells that chance names, with a number of its own in it."""
    chance = np.random.default_rng(5)
    cells: dict[str, Any] = {f"A{row}": round(0.1 * row + 0.3, 3) for row in range(1, 21)}
    for row in range(1, count + 1):
        one, two, three = chance.integers(1, 21, 3)
        before = f"+0.5*C{chance.integers(max(1, row - 30), row)}" if row > 1 else "+A1"
        cells[f"C{row}"] = f"=A{one}*EXP(0-A{two}/{row})-SIN($A${three}){before}"
    cells["E1"] = f"=SUMSQ(C1:C{count})/{count}"
    return cells


def test_formulas_of_one_shape_are_few_steps_and_have_their_own_values(tmp_path: Path) -> None:
    cells = _scattered(120)
    mine = embedsheet_values(write(tmp_path / "scattered.xlsx", cells))["S"]
    theirs = formulon_values(cells)
    assert max(abs(mine[f"C{row}"] - theirs[f"C{row}"]) for row in range(1, 121)) < 1e-12
    compiled = program(tmp_path / "compiled.xlsx", cells, "E1", ["A1:A20"])
    # The longest way from C1 on is shorter than this; one by one it would be 121 steps.
    assert len(compiled._planner.steps) < 40
    assert largest_gradient_error(compiled) < 1e-7


def test_what_cannot_be_evaluated_together_is_evaluated_alone(tmp_path: Path) -> None:
    # B1 reads by a computed place what comes later; B2 has its shape. B3 is a text where B4 is a number.
    cells = {
        "A1": 2.0, "A2": 3.0, "B1": "=INDEX(C1:C2,D1)*2", "B2": "=INDEX(A1:A2,D2)*4", "C1": "=A1+B2", "C2": "=A2+B2",
        "D1": 2.0, "D2": 1.0, "B3": "=IF(D1=2,\"x\",A1)", "B4": "=IF(D2=2,\"x\",A2)", "E1": "=B1*B2+B4",
    }  # fmt: skip
    compiled = program(tmp_path / "alone.xlsx", cells, "E1", ["A1:A2"])
    # B2 = 4·A1, B1 = 2·(A2 + B2): E1 = 8·A1·(A2 + 4·A1) + A2
    value, gradient = compiled.value_and_gradient(compiled.start)
    assert value == 8 * 2 * (3 + 8) + 3
    assert gradient.tolist() == [8 * 3 + 64 * 2, 8 * 2 + 1]


def test_each_formula_keeps_its_exponent_and_its_place(tmp_path: Path) -> None:
    cells = {"A1": -2.0, "A2": 3.0, "C5": "=A1^2+ROW()", "D9": "=A2^3+ROW()", "F2": "=A2^2+ROW()", "H1": "=C5+D9+F2"}
    compiled = program(tmp_path / "places.xlsx", cells, "H1", ["A1:A2"])
    assert compiled.value(compiled.start) == 4 + 27 + 9 + 5 + 9 + 2
    assert compiled.value_and_gradient(compiled.start)[1].tolist() == [-4.0, 27.0 + 6.0]


def test_formulas_of_two_sheets_read_their_own_sheets(tmp_path: Path) -> None:
    sheets = {"S": {"A1": 1.0, "B3": "=A1*2+B5"}, "T": {"A1": 10.0, "B3": "=A1*2+B5", "C4": "=A1*3+S!B3"}}
    values = embedsheet_values(write_book(tmp_path / "two.xlsx", sheets))
    assert (values["S"]["B3"], values["T"]["B3"], values["T"]["C4"]) == (2.0, 20.0, 32.0)


def test_many_formulas_of_as_many_shapes_have_their_own_values_and_gradients(tmp_path: Path) -> None:
    # Row n adds the terms whose bits n has, so that no two rows have one shape.
    terms = ["A1*A2", "SIN(A3)", "EXP(0-A1)", "A2^2", "A3/(1+A1)", "TANH(A2*A3)"]
    cells: dict[str, Any] = {"A1": 0.3, "A2": 0.7, "A3": 1.1}
    for row in range(1, 64):
        cells[f"C{row}"] = "=" + "+".join(term for bit, term in enumerate(terms) if row >> bit & 1)
    cells["E1"] = "=SUMSQ(C1:C63)"
    mine = embedsheet_values(write(tmp_path / "unlike.xlsx", cells))["S"]
    theirs = formulon_values(cells)
    assert max(abs(mine[f"C{row}"] - theirs[f"C{row}"]) for row in range(1, 64)) < 1e-12
    compiled = program(tmp_path / "compiled.xlsx", cells, "E1", ["A1:A3"])
    assert len(compiled._planner.steps) > 40
    assert largest_gradient_error(compiled) < 1e-7


def test_formulas_that_differ_in_what_they_compare_with_and_raise_to_are_one_step(tmp_path: Path) -> None:
    # Powers above 64 and fractions are not multiplied out, so that one step raises to all of them; 3 keeps its own.
    powers = (65, 0.5, 2.5, 1.5, 3, 80)
    cells: dict[str, Any] = {"A1": 1.02}
    cells |= {f"C{i}": f"=IF($A$1>{0.9 + 0.05 * i},{i}*$A$1,$A$1^{p})+{i}*$A$1^{p}" for i, p in enumerate(powers, 1)}
    cells["E1"] = "=SUM(C1:C6)"
    mine = embedsheet_values(write(tmp_path / "powers.xlsx", cells))["S"]
    for i, p in enumerate(powers, 1):  # algebra
        assert abs(mine[f"C{i}"] - ((i * 1.02 if 0.9 + 0.05 * i < 1.02 else 1.02**p) + i * 1.02**p)) < 1e-13 * 100
    compiled = program(tmp_path / "compiled.xlsx", cells, "E1", ["A1"])
    assert len(compiled._planner.steps) == 3
    assert largest_gradient_error(compiled) < 1e-7

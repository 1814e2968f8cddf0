"""Which model is meant: stored set-ups, set-ups in words, and every unclear case named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from embedsheet.ground.errors import MismatchError, ModelError
from embedsheet.ground.notation.addresses import Area, Cell
from embedsheet.solver import Specification, choose_setup, describe, parse_constraint, solve
from embedsheet.workbook import Workbook
from kit.foreign import ForeignBook
from kit.foreign_linear import product_mix
from kit.foreign_nonlinear import facility


@pytest.fixture
def mix(tmp_path: Path) -> Path:
    book, _ = product_mix()
    book.names = {"batches": "B3:C3", "profit": "D9"}
    return book.save_openpyxl(tmp_path / "mix.xlsx")


CONSTRAINTS = [
    ("D5:D7 <= F5:F7", ["Model!D5:D7 <= Model!F5:F7"]),
    ("Model!D5:D7=<Model!F5", ["Model!D5:D7 <= Model!F5"]),
    ("batches >= 0", ["Model!B3:C3 >= 0"]),
    ("0 ≤ batches ≤ 2.5", ["Model!B3:C3 >= 0", "Model!B3:C3 <= 2.5"]),
    ("$B$3 = 12%", ["Model!B3 = 0.12"]),
    ("10 >= B3", ["Model!B3 <= 10"]),
    ("B3:C3 integer", ["Model!B3:C3 integer"]),
    ("batches = bin", ["Model!B3:C3 binary"]),
    ("B3:C3 all different", ["Model!B3:C3 all different"]),
    ("B3 > -1e-3", ["Model!B3 >= -0.001"]),
]


@pytest.mark.parametrize(("text", "meant"), CONSTRAINTS)
def test_constraints_are_read_from_words(text: str, meant: list[str], mix: Path) -> None:
    assert [str(one) for one in parse_constraint(Workbook.open(mix), text, "Model")] == meant


@pytest.mark.parametrize("text", ["B3", "B3 <=", "1 <= 2", "B3 <= C3 <= D9 <= 7", "B3 whole", "", "nobody >= 0"])
def test_words_that_are_no_constraint_are_refused(text: str, mix: Path) -> None:
    with pytest.raises(ModelError):
        parse_constraint(Workbook.open(mix), text, "Model")


@pytest.mark.parametrize("word", ["max", "maximise", "largest", ""])
def test_a_sense_that_is_none_is_refused_and_not_taken_for_a_minimum(word: str, mix: Path) -> None:
    before = mix.read_bytes()
    with pytest.raises(ModelError, match=f"There is no sense '{word}'; choose one of minimize, maximize, target"):
        solve(mix, sense=word)  # type: ignore[arg-type]
    assert mix.read_bytes() == before
    most = solve(mix, sense="MAXIMIZE", dry_run=True)  # type: ignore[arg-type]
    assert most.sense == "maximize" and most.objective_after > most.objective_before


@pytest.mark.parametrize("target", [float("nan"), float("inf")])
def test_a_target_that_is_no_number_is_refused(target: float, mix: Path) -> None:
    with pytest.raises(ModelError, match=f"Model!D9: the target {target} is no number; name a value"):
        solve(mix, target=target)


def test_fewer_than_no_restarts_are_refused(mix: Path) -> None:
    with pytest.raises(ModelError, match="restarts=-3: give 0 or more"):
        solve(mix, restarts=-3)


def test_one_text_is_a_list_of_one(mix: Path) -> None:
    one = solve(mix, changing="Model!B3:C3", constraints="Model!B3 <= 5", dry_run=True)
    many = solve(mix, changing=["Model!B3:C3"], constraints=["Model!B3 <= 5"], dry_run=True)
    assert one.x.tolist() == many.x.tolist() and one.x[0] <= 5


@pytest.mark.parametrize(("text", "side"), [
    ("B3:C3 <= 0,07", "0,07"), ("B3 >= 7,5%", "7,5%"), ("1.000,5 >= B3", "1.000,5"), ("B3 <= 1,000", "1,000"),
])  # fmt: skip
def test_a_decimal_comma_is_answered_with_the_point(text: str, side: str, mix: Path) -> None:
    with pytest.raises(ModelError, match=f"{side} is no number; write decimals with a point"):
        parse_constraint(Workbook.open(mix), text, "Model")


def test_a_relation_inside_a_quoted_sheet_name_is_no_relation(tmp_path: Path) -> None:
    book, _ = product_mix()
    book.sheet = "a<=b"
    workbook = Workbook.open(book.save_openpyxl(tmp_path / "odd.xlsx"))
    assert [str(one) for one in parse_constraint(workbook, "'a<=b'!B3 >= 1", "a<=b")] == ["'a<=b'!B3 >= 1"]


def test_the_only_stored_set_up_is_taken_without_being_named(mix: Path) -> None:
    words = describe(choose_setup(Workbook.open(mix)))
    assert words.startswith("maximize Model!D9 by changing Model!B3:C3 (2 cells); subject to Model!D5:D7 <= Model!F5")


def test_several_set_ups_are_listed(mix: Path) -> None:
    workbook = Workbook.open(mix)
    workbook.setups["Other sheet"] = replace(workbook.setups["Model"], sheet="Other sheet")
    with pytest.raises(ModelError, match=r'(?s)--sheet Model: maximize.*--sheet "Other sheet"'):
        choose_setup(workbook)


def test_no_set_up_says_how_to_name_the_model(tmp_path: Path) -> None:
    workbook = Workbook.open(facility()[0].save_openpyxl(tmp_path / "book.xlsx"))
    workbook.setups.clear()
    with pytest.raises(ModelError, match="as in --sheet Model --objective B1 --changing B2:B9"):
        choose_setup(workbook)
    with pytest.raises(ModelError, match="Model has no Solver set-up"):
        choose_setup(workbook, "model")


def test_a_model_in_words_needs_one_objective_cell_and_changing_cells(mix: Path) -> None:
    workbook = Workbook.open(mix)
    with pytest.raises(ModelError, match="2 cells; name the one cell"):
        choose_setup(workbook, None, Specification(objective="batches", changing=["B3"]))
    with pytest.raises(ModelError, match="--changing"):
        choose_setup(workbook, None, Specification(objective="profit", without_stored=True))


def test_names_and_addresses_make_a_model(mix: Path) -> None:
    rows = ["D5:D7 <= F5:F7", "batches >= 0"]
    specified = Specification("profit", ["batches"], "maximize", constraints=rows)
    setup = choose_setup(Workbook.open(mix), None, specified)
    assert setup.objective == Cell("Model", 9, 4)
    assert setup.changing == (Area("Model", 3, 2, 3, 3),)
    assert len(setup.constraints) == 2


def test_words_change_a_stored_set_up(mix: Path) -> None:
    setup = choose_setup(
        Workbook.open(mix), None, Specification(sense="minimize", constraints=["batches >= 1"], nonnegative=False)
    )
    assert (setup.sense, len(setup.constraints), setup.nonnegative) == ("minimize", 2, False)


def test_a_saved_set_up_is_what_the_next_solve_finds(mix: Path) -> None:
    first = solve(mix, objective="profit", changing=["batches"], sense="maximize", save_setup=True,
                  constraints=["D5:D7 <= F5:F7", "0 <= batches <= 3"])  # fmt: skip
    # Windows (5 a batch) up to 3, then doors up to 4, at most 3 here: 3·3 + 5·3.
    assert first.objective_after == 24
    assert "workbook.xml" in " ".join(first.parts_changed)
    again = solve(mix)
    assert (again.status, again.objective_after) == ("optimal", 24)


def test_results_that_the_formulas_do_not_give_stop_the_solve(tmp_path: Path) -> None:
    book = ForeignBook({"A1": 2, "A2": 3}, "B2", "A1:A2")
    path = tmp_path / "wrong.xlsx"
    import xlsxwriter

    workbook = xlsxwriter.Workbook(str(path))
    sheet = workbook.add_worksheet("Model")
    sheet.write_column("A1", [2, 3])
    sheet.write_formula("B1", "=A1^2", value=5)
    sheet.write_formula("B2", "=B1+A2^2", value=14)
    for name, text in book.solver_names().items():
        workbook.define_name(f"Model!{name}", f"={text}")
    workbook.close()
    with pytest.raises(MismatchError, match=r"(?s)Model!B1: stored 5, recomputed 4.*--trust-embedsheet"):
        solve(path)
    before = path.read_bytes()
    assert before == path.read_bytes()
    trusted = solve(path, trust_embedsheet=True)
    assert trusted.objective_after == pytest.approx(0, abs=1e-9)
    assert any("trusted as asked" in note for note in trusted.notes)


def test_the_solution_holds_the_values_by_area_and_as_json(mix: Path) -> None:
    solution = solve(mix, dry_run=True)
    assert np.array_equal(solution.values(Area("Model", 3, 2, 3, 3)), [[2, 6]])
    told = solution.as_dict()
    assert told["changing"] == [{"area": "Model!B3:C3", "values": [[2.0, 6.0]]}]
    assert (told["status"], told["message"]) == (solution.status, solution.message)
    assert told["objective_name"] == "profit"
    assert set(told["seconds"]) == {"read", "compile", "solve", "write"}
    assert solution.to_json().startswith("{")

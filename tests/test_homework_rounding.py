"""Rounded is whose formula is right without rounding, and no other method that comes near.

Three quarters of the points are for what is rounded, by the default of `partial`.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import xlsxwriter

from embedsheet.homework.own.draft import draft
from embedsheet.workbook import Workbook
from kit.own_homework import verdicts
from test_homework_cheats import Class

RIGHT = {"S!B2": "=(1+B1/12)^12-1", "S!B4": "=-PMT(B1/12,36,10000)"}
# Continuous interest, and payments at the beginning of the month: within 0.5 % of what is right.
NEAR = {"S!B2": "=EXP(B1)-1", "S!B4": "=-PMT(B1/12,36,10000,0,1)"}
WRONG = {"ask_effective": ("wrong", 0), "ask_instalment": ("wrong", 0)}


def _rates(place: Path, label: str = "") -> Class:
    place.mkdir()
    with xlsxwriter.Workbook(str(place / "rates.xlsx")) as book:
        page = book.add_worksheet("S")
        page.write("B1", 0.045)
        page.write_formula("B2", RIGHT["S!B2"], None, 0.0459398)
        page.write_formula("B4", RIGHT["S!B4"], None, 297.4692)
        if label:
            page.write_formula("A9", label, None, 3)
        for name, cell in {"vary_rate": "$B$1", "ask_effective": "$B$2", "ask_instalment": "$B$4"}.items():
            book.define_name(name, f"=S!{cell}")
    (place / "assignment.toml").write_text(draft(Workbook.open(place / "rates.xlsx"), "rates").text, encoding="utf-8")
    return Class(place)


@pytest.mark.parametrize("label", ['="Rate: "&TEXT(B1,"0.0%")', "=INT(36/12)"])
def test_a_given_formula_that_rounds_makes_no_other_method_rounding(tmp_path: Path, label: str) -> None:
    assert verdicts(_rates(tmp_path / "rates", label).grade(NEAR)) == WRONG


@pytest.fixture(scope="module")
def rates(tmp_path_factory: pytest.TempPathFactory) -> Class:
    """An effective rate and an instalment, 10 points each."""
    return _rates(tmp_path_factory.mktemp("rounding") / "rates")


@pytest.mark.parametrize("spare", ["=INT(1)", '="ROUND"&1', "=ROUND(B2,1)"])
def test_a_spare_cell_that_rounds_makes_no_other_method_rounding(rates: Class, spare: str) -> None:
    assert verdicts(rates.grade(NEAR | {"S!K99": spare})) == WRONG


@pytest.mark.parametrize("more", ["*1.0000001", "*0.999999", "+0.0000001", "+1E-9", "*0.5*2", "*2.5/2.5", "*1.02-0.02"])
def test_a_number_that_changes_nothing_makes_no_other_method_rounding(rates: Class, more: str) -> None:
    assert verdicts(rates.grade({cell: formula + more for cell, formula in NEAR.items()})) == WRONG


def test_another_method_that_is_rounded_is_wrong(rates: Class) -> None:
    """The nominal rate to whole per cent, too, which is the effective one to whole per cent."""
    wrong = {cell: f"=ROUND({formula[1:]},5)" for cell, formula in NEAR.items()}
    assert verdicts(rates.grade(wrong)) == WRONG
    assert verdicts(rates.grade({"S!B2": "=ROUND(B1,2)"})) == {"ask_effective": ("wrong", 0)}


@pytest.mark.parametrize(
    "answers",
    [
        {"S!B4": "=ROUND(-PMT(B1/12,36,10000),0)"},
        {"S!B4": "=-PMT(ROUND(B1/12,5),36,10000)"},  # on the way
        {"S!B4": "=-PMT(K1,36,10000)", "S!K1": "=ROUNDDOWN(B1/12,6)"},  # in a cell of the student's
        {"S!B4": '=VALUE(FIXED(-PMT(B1/12,36,10000),1,TRUE))'},
        {"S!B4": "=-PMT(B1*0.0834,36,10000)"},  # a twelfth
        {"S!B4": "=-PMT(B1*0.25*0.333,36,10000)"},
        {"S!B4": "=ROUND(-PMT(B1*0.0833,36,10000),4)"},
    ],
)  # fmt: skip
def test_who_rounds_has_three_quarters(rates: Class, answers: dict[str, str]) -> None:
    assert verdicts(rates.grade(answers)) == {"ask_instalment": ("rounded", 7.5)}


@pytest.mark.parametrize("numbers", [["ask_mean", "ask_largest"], ["ask_b", "ask_mean", "ask_largest"]])
def test_from_fives_nothing_follows(tmp_path: Path, numbers: list[str]) -> None:
    """5 in every cell of a column, and as its mean and its largest number; `numbers` may be typed."""
    with xlsxwriter.Workbook(str(tmp_path / "fives.xlsx")) as book:
        page = book.add_worksheet("S")
        for row in range(1, 7):
            page.write(f"A{row}", 10 + row)
            page.write_formula(f"B{row}", f"=A{row}*3", None, 30 + 3 * row)
        page.write_formula("D1", "=AVERAGE(B1:B6)", None, 40.5)
        page.write_formula("D2", "=MAX(B1:B6)", None, 48)
        names = {"vary_a": "$A$1:$A$6", "ask_b": "$B$1:$B$6", "ask_mean": "$D$1", "ask_largest": "$D$2"}
        for name, cells in names.items():
            book.define_name(name, f"=S!{cells}")
    text = draft(Workbook.open(tmp_path / "fives.xlsx"), "fives").text
    for name in numbers:
        text = text.replace(f'cells = "{name}"', f'kind = "number"\ncells = "{name}"')
    (tmp_path / "assignment.toml").write_text(text, encoding="utf-8")
    fives = Class(tmp_path)
    typed = {f"S!B{row}": 5 for row in range(1, 7)} | {"S!D1": 5, "S!D2": 5}
    assert fives.grade(typed).points == 0
    # Twice where three times was asked for: the column is lost, the mean of it is right.
    assert verdicts(fives.grade({f"S!B{row}": f"=A{row}*2" for row in range(1, 7)})) == {"ask_b": ("wrong", 0)}

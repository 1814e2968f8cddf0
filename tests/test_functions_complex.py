"""Functions of complex numbers beside formulon and pyOpenVBA's engine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from embedsheet.ground.errors import UnsupportedError
from kit.agreement import disagreements, same
from kit.judges import CellValue, embedsheet_values, write_book
from kit.sheets import program

CELLS: dict[str, CellValue] = {"A1": "1+2i", "A2": 3, "A3": "-i", "A4": True, "A6": "x", "A7": "=1/0"}
NUMBERS = [
    '"3+4i"', '"4i"', '"i"', '"-i"', "5", '"5"', '"1e3+2e-2i"', '"x"', "A5", "TRUE", '"3+4k"', '"3i+4"', '"+3-j"', "A4",
    '"0-j"', '"1.5E+2i"', '"-.5i"', '"3+I"', "0", '"-3-4j"', "-1", "1/3", "A7", '"+"', '"3 4i"', '"1e"', '"i3"', "-4",
    '"2.5-0.25i"', "1000",
]  # fmt: skip
OF_ONE = (
    "IMREAL IMAGINARY IMABS IMARGUMENT IMCONJUGATE IMSQRT IMEXP IMLN IMLOG10 IMLOG2 IMSIN IMCOS IMTAN IMCOT IMSEC "
    "IMCSC IMSINH IMCOSH IMSECH IMCSCH"
).split()


@pytest.mark.parametrize("name", OF_ONE)
def test_function_of_a_complex_number_gives_what_the_judges_give(tmp_path: Path, name: str) -> None:
    assert disagreements(tmp_path, CELLS, [f"={name}({number})" for number in NUMBERS]) == []


def test_complex_numbers_are_made_and_reckoned_with_as_the_judges_do(tmp_path: Path) -> None:
    parts = ("3,4", '3,4,"j"', "0,1", "1,0", "0,0", "0,-1", "-1.5,-2.25", '1,1,"k"', '1,1,"J"', '"x",1', "TRUE,1",
             "1/3,2/3", "1,1,", "1,A7", '"2","3"')  # fmt: skip
    formulas = [f"=COMPLEX({one})" for one in parts]
    pairs = ('"3+4i","5-3i"', '"13+4i","5+3i"', '"1","j"', '"-238+240i","10+24i"', '"1+j","1-j"', '"i","-i"',
             '"1+2i",30', "1,0", '"x",1', "A1,A7", "TRUE,1", "1,2")  # fmt: skip
    formulas += [f"={name}({pair})" for name in ("IMSUM", "IMSUB", "IMPRODUCT", "IMDIV") for pair in pairs]
    formulas += [
        f"={name}({one})" for name in ("IMSUM", "IMPRODUCT") for one in ("A1:A3", '"3+4i",A1:A3', "A1:A7", "1,2,3")
    ]
    formulas += ["=IMSUM(A5)", '=IMSUM({"1+i";"2"})', "=IMSUM(TRUE)", '=IMSUM("3+4i","5-3j")', '=IMSUB("i","j")']
    formulas += ["=IMSUM(A4)", '=IMSUM("i",A4)', "=IMPRODUCT(A4,A1)"]
    powers = ("3", "0.5", "0", "-1", '"x"', "TRUE", "-2", "2")
    formulas += [f"=IMPOWER({x},{p})" for x in ('"2+3i"', "0", '"i"', "4", '"2j"') for p in powers]
    assert disagreements(tmp_path, CELLS, formulas) == []


def test_a_truth_in_a_range_of_complex_numbers_is_refused(tmp_path: Path) -> None:
    # 1 to formulon, Gnumeric and LibreOffice, #VALUE! to pyOpenVBA, as it is to formulon where it stands alone.
    book = write_book(tmp_path / "book.xlsx", {"S": {**CELLS, "Z1": "=IMSUM(A1:A4)"}})
    assert str(embedsheet_values(book)["S"]["Z1"]).startswith("unsupported: S!Z1: IMSUM of a range with a truth value")


@pytest.mark.parametrize(
    ("formula", "expected"),
    [  # Microsoft's pages of these functions
        ("COMPLEX(3,4)", "3+4i"), ('COMPLEX(3,4,"j")', "3+4j"), ("COMPLEX(0,1)", "i"), ("COMPLEX(1,0)", "1"),
        ('IMABS("5+12i")', 13.0), ('IMAGINARY("3+4i")', 4.0), ('IMAGINARY("0-j")', -1.0), ("IMAGINARY(4)", 0.0),
        ('IMCONJUGATE("3+4i")', "3-4i"), ('IMDIV("-238+240i","10+24i")', "5+12i"), ('IMREAL("6-9i")', 6.0),
        ('IMPRODUCT("3+4i","5-3i")', "27+11i"), ('IMPRODUCT("1+2i",30)', "30+60i"), ('IMSUB("13+4i","5+3i")', "8+i"),
        ('IMSUM("3+4i","5-3i")', "8+i"), ('IMPOWER("2+3i",3)', "-46+9.00000000000001i"),
        ('IMARGUMENT("3+4i")', 0.9272952180016122), ('IMSQRT("1+i")', "1.09868411346781+0.455089860562227i"),
        ('IMEXP("1+i")', "1.46869393991589+2.28735528717884i"), ('IMLN("3+4i")', "1.6094379124341+0.927295218001612i"),
    ],
)  # fmt: skip
def test_known_results_of_excel(tmp_path: Path, formula: str, expected: CellValue) -> None:
    value = embedsheet_values(write_book(tmp_path / "book.xlsx", {"S": {"Z1": f"={formula}"}}))["S"]["Z1"]
    assert same(value, expected)


def test_a_complex_number_of_changing_cells_is_refused_with_a_remedy(tmp_path: Path) -> None:
    cells = {"A1": 1.0, "B1": "=IMABS(COMPLEX(A1,2))"}
    with pytest.raises(UnsupportedError, match=r"S!B1: COMPLEX works on text.*refer to the numbers themselves"):
        program(tmp_path / "book.xlsx", cells, "B1", ["A1"]).value_and_gradient(np.ones(1))

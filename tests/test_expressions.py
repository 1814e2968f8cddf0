"""Random formulas, as hypothesis makes them, against formulon, Gnumeric and pyOpenVBA: one must give the same result.

Two of them differ with each other about one time in ten, mostly about texts and truth values where numbers are asked
for. pyOpenVBA's engine is asked where the other two part from us: of =COUNT(IF(FALSE,1)), where IF has no third
argument, Gnumeric and formulon make 0; LibreOffice, IronCalc and pyOpenVBA make 1, as FALSE given directly counts.
"""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kit.judges import CellValue, embedsheet_values, formulon_values, gnumeric_values, same, write_book
from kit.openvba import openvba_values

_LONG = re.compile(r"\d*\.\d{13,}(E[-+]\d+)?")

# A10 is blank.
INPUTS: dict[str, CellValue] = {
    "A1": 5, "A2": -3, "A3": 0, "A4": "abc", "A5": True, "A6": False, "A7": "12", "A8": "=NA()", "A9": "=1/0",
    "B1": 2.5, "B2": 1, "B3": "x", "B4": 7, "B5": -0.5, "C1": 3, "C2": 1, "C3": 2, "C4": 2, "C5": 9, "D1": 1, "D2": 2,
    "D3": 4, "D4": 8, "D5": 16,
}  # fmt: skip

_VALUES = st.sampled_from(
    ["A1", "A2", "A3", "B1", "B2", "B4", "B5", "C1", "C3", "1", "2", "0.5", "-1", "10%", "A4", "A5", "A6", "A7", "A8",
     "A9", "A10", '"abc"', '"3"', "TRUE", "FALSE"]
)  # fmt: skip
_RANGES = st.sampled_from(["A1:A3", "A1:A7", "B1:B5", "C1:C5", "B1:C5", "A10:B12", "C1:C1", "{1,2,3}", "{1;5;2}"])
_OPERATORS = st.sampled_from(["+", "-", "*", "/", "^", "&", "=", "<>", "<", ">", "<=", ">="])
# v: any value; r: a range or array. Sorted D1:D5 is for functions that halve it.
_FORMS = st.sampled_from(
    ["(v)", "-v", "(v)%", "IF(v,v,v)", "IF(v,v)", "IFERROR(v,v)", "IFNA(v,v)", "AND(v,v)", "OR(v,r)", "XOR(v,v)",
     "NOT(v)", "CHOOSE(v,v,v,v)", "IFS(v>0,v,TRUE,v)", "SUM(r,v)", "AVERAGE(r)", "MAX(r,v)", "MIN(r)", "COUNT(r,v)",
     "COUNTA(r)", "PRODUCT(r)", "SUMSQ(r)", "SUMPRODUCT(r)", "INDEX(B1:C5,C3,B2)", "MATCH(v,r,0)", "MATCH(v,D1:D5,1)",
     "VLOOKUP(v,D1:D5,1)", "LOOKUP(v,D1:D5,C1:C5)", "ROWS(r)", "COLUMNS(r)", "ISNUMBER(v)", "ISTEXT(v)", "ISBLANK(v)",
     "ISERROR(v)", "ISLOGICAL(v)", "N(v)", "T(v)", "ABS(v)", "INT(v)", "SIGN(v)", "EXP(v)", "LN(v)", "SQRT(v)",
     "POWER(v,v)", "LEN(v)", "UPPER(v)", "CONCATENATE(v,v)", "MEDIAN(r)", "COUNTIF(B1:B5,v)", "SUMIF(C1:C5,v)",
     "SUM(OFFSET(B1,C3,0,2,2))", "TRUNC(v)", "EXACT(v,v)"]
)  # fmt: skip


@st.composite
def _formulas(draw: st.DrawFn, depth: int = 3) -> str:
    if depth == 0 or draw(st.integers(0, 5)) == 0:
        return draw(_VALUES)
    inner = _formulas(depth=depth - 1)
    if draw(st.integers(0, 2)) == 0:
        return draw(inner) + draw(_OPERATORS) + draw(inner)
    text = ""
    for sign in draw(_FORMS):
        text += draw(inner) if sign == "v" else draw(_RANGES) if sign == "r" else sign
    return text


@settings(
    max_examples=20, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip
@given(st.lists(_formulas(), min_size=60, max_size=60))
def test_random_formulas_have_the_result_of_another_program(tmp_path: Path, formulas: list[str]) -> None:
    column: dict[str, CellValue] = {f"Z{row}": f"={formula}" for row, formula in enumerate(formulas, 1)}
    path = write_book(tmp_path / "book.xlsx", {"S": {**INPUTS, **column}})
    own, gnumeric = embedsheet_values(path)["S"], gnumeric_values(path)["S"]
    formulon = formulon_values({**INPUTS, **column})
    alone = {
        address: formula
        for address, formula in column.items()
        if not same(own.get(address), gnumeric.get(address)) and not same(own.get(address), formulon.get(address))
    }
    third = openvba_values({**INPUTS, **alone}) if alone else {}
    assert {
        formula: (own.get(address), gnumeric.get(address), formulon.get(address), third.get(address))
        for address, formula in alone.items()
        if not same(_digits(own.get(address)), _digits(third.get(address)))
    } == {}


def _digits(value: CellValue) -> CellValue:
    """Return a text with its long numbers in 13 digits.

    Excel's x^y with a fraction for y is the old processor's, a negative y the reciprocal of the positive power, and
    pyOpenVBA follows it to the last bit, as formulon does: 2^-0.5 is 1.1E-16 less there, and a text of it shows …547
    for …548. LibreOffice shows …548, too.
    """
    return _LONG.sub(lambda found: f"{float(found[0]):.13g}", value) if isinstance(value, str) else value

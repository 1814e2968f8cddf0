"""`embedsheet code` for sheets as analysts write them: conditions, errors, ranks, annuities, functions of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import embedsheet as es
from embedsheet.ground.notation.addresses import parse_area
from kit import judges, modules, sheets

# Changing cells are A1:A2, the objective is B1. Three keys and six numbers, a blank and a zero among them.
_DATA: dict[str, Any] = {"A1": 1.5, "A2": 0.7, "D1": "key", "E1": "n", "F1": "x"}
for _row, (_key, _count, _number) in enumerate(
    [("tea", 2, 3), ("oil", 0, 1.25), ("Tea", 5, -2), ("rye", 0, 4.5), ("oil", 7, None), ("tea", 3, 6)], start=2
):
    _DATA |= {f"D{_row}": _key, f"E{_row}": _count, f"F{_row}": f"=A$1*E{_row}+{_number or 0}"}
    if _number is None:
        del _DATA[f"F{_row}"]
_ROWS = range(2, 8)


def _filled(column: str, formula: str, rows: range = _ROWS) -> dict[str, str]:
    return {f"{column}{row}": formula.replace("#", str(row)) for row in rows}


# A case is what it is called by, and its cells. LibreOffice computes what is stored.
CASES: dict[str, dict[str, Any]] = {
    "sumifs": {
        **{f"H{row}": key for row, key in zip(_ROWS, ("tea", "oil", "rye"), strict=False)},
        **_filled("I", "=SUMIFS($F:$F,$D:$D,H#,$E:$E,\">1\")+COUNTIFS(D$2:D$7,H#)*A$2", range(2, 5)),
        **_filled("J", "=AVERAGEIFS(F$2:F$7,D$2:D$7,H#)+SUMIF(E$2:E$7,\"<>0\",F$2:F$7)*A$2", range(2, 5)),
        "B1": "=SUMSQ(I2:J4)",
    },
    "sumif_of_what_changes": {"B1": '=SUMIF(F2:F7,">3")*A2+SUMIF(E2:E7,"<3",F2:F7)^2'},
    "errors_of_some": {
        **_filled("H", "=IFERROR(A$1*F#/E#,A$2)"),
        **_filled("I", "=IF(ISERROR(F#/E#),A$2,A$2*F#/E#)"),
        **_filled("J", '=IFERROR(INDEX(F$2:F$5,MATCH(D#,{"oil";"rye"},0)),A$2)'),
        "B1": "=SUMSQ(H2:J7)",
    },
    "errors_of_the_weights": {
        **_filled("H", "=IFERROR(LN(F#-4),A$2)+IFERROR(1/(A$1-1.5),E#)"),
        "B1": "=SUM(H2:H7)^2",
    },
    "thrown_away": {**_filled("H", '=IF(D#="oil","",F#*A$2*EXP(A$2))'), "B1": "=SUM(H2:H7)"},
    "ranks": {
        "B1": "=LARGE(F2:F5,2)*A2+SMALL(F2:F5,1)+MEDIAN(F2:F5)^2+PERCENTILE(F2:F5,0.3)+RANK(F2,F2:F5)*A2"
    },
    "rounding": {
        **_filled("H", "=ROUND(F#*A$1,1)+ROUNDUP(F#,0)*A$2-TRUNC(F#)+FLOOR(E#,2)", range(2, 6)),
        "B1": "=SUMPRODUCT(H2:H5,F2:F5)",
    },
    "normal": {"B1": "=NORMSDIST(A1)*A2+NORMDIST(A2,A1,2,TRUE)+NORMDIST(A2,A1,2,FALSE)"},
    "annuity": {"B1": "=PMT(A2/12,24,-1000*A1)+PV(A2,5,-3,A1,1)+FV(A2/4,8,A1)+NPV(A2,E2:E7,A1)"},
    "in_common": {"B1": "=CORREL(E2:E5,F2:F5)*A2+SLOPE(F2:F5,E2:E5)+INTERCEPT(F2:F5,E2:E5)^2+COVAR(E2:E5,F2:F5)"},
    "subtotals": {
        "F8": "=SUBTOTAL(9,F2:F3)*A2", "F9": "=SUBTOTAL(1,F4:F7)", "B1": "=SUBTOTAL(9,F2:F9)*A2+F8+F9",
    },
    "matrices": {
        "H1": "=A1", "I1": 2, "H2": 1, "I2": "=A2", "J1": ("J1:K2", "=MINVERSE(H1:I2)"),
        "B1": "=SUM(J1:K2)+MDETERM(H1:I2)^2",
    },
}  # fmt: skip
# What LibreOffice 7.4 does not know: embedsheet's own results, equal to those of the formula behind each, in its words.
NEW: dict[str, tuple[dict[str, Any], str]] = {
    "named_function": (
        {"B1": "=_xlfn.LET(_xlpm.f,_xlfn.LAMBDA(_xlpm.a,_xlpm.b,_xlpm.a^2*_xlpm.b),_xlpm.f(A1,A2)+_xlpm.f(A2,3))"},
        "A1^2*A2+A2^2*3",
    ),
    "map_and_scan": (
        {
            "H1": ("H1:H4", "=_xlfn.MAP(F2:F5,E2:E5,_xlfn.LAMBDA(_xlpm.x,_xlpm.y,_xlpm.x*_xlpm.y+A2))"),
            "I1": ("I1:I4", "=_xlfn.SCAN(0,H1:H4,_xlfn.LAMBDA(_xlpm.a,_xlpm.x,_xlpm.a/2+_xlpm.x))"),
            "B1": "=SUM(I1:I4)",
        },
        "1.875*(F2*E2+A2)+1.75*(F3*E3+A2)+1.5*(F4*E4+A2)+(F5*E5+A2)",
    ),
    "rows_and_reduce": (
        {
            "H1": ("H1:H4", "=_xlfn.BYROW(E2:F5,_xlfn.LAMBDA(_xlpm.r,SUM(_xlpm.r)*A2))"),
            "B1": "=_xlfn.REDUCE(A1,H1:H4,_xlfn.LAMBDA(_xlpm.a,_xlpm.x,_xlpm.a+_xlpm.x^2))",
        },
        "A1+SUMSQ((E2+F2)*A2,(E3+F3)*A2,(E4+F4)*A2,(E5+F5)*A2)",
    ),
    "filter_and_look_up": (
        {
            "H1": '=SUM(_xlfn._xlws.FILTER(F2:F5,D2:D5="tea"))',
            "H2": '=_xlfn.XLOOKUP("ale",D2:D5,F2:F5,A2)*_xlfn.XLOOKUP("oil",D2:D5,F2:F5,A2)',
            "H3": '=_xlfn.MAXIFS(F2:F5,D2:D5,"tea")*_xlfn.SWITCH(E3,1,A1,0,A2,3)+_xlfn.IFS(E2>5,1,TRUE,A1)',
            "B1": "=H1*A2+H2+H3",
        },
        "(F2+F4)*A2+A2*F3+F2*A2+A1",
    ),
    "errors_behind_let": (
        {"B1": "=_xlfn.LET(_xlpm.q,A1-1.5,_xlpm.r,_xlpm.q*2,IFERROR(A2/_xlpm.r,A2*3)+IFERROR(1/(_xlpm.q+F2),9))"},
        "A2*3+1/F2",
    ),
}


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a workbook with a sheet a case, as LibreOffice stores it."""
    folder = tmp_path_factory.mktemp("analysts")
    (first, cells), *more = ((name, {**_DATA, **cells}) for name, cells in CASES.items())
    path = sheets.write(folder / "cases.xlsx", cells, first, dict(more))
    judges.libreoffice_converted([path], folder / "stored")
    return folder / "stored" / path.name


@pytest.fixture(scope="module")
def new_book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a workbook with a sheet a case; in C1 stands what B1 must be."""
    folder = tmp_path_factory.mktemp("new")
    (first, cells), *more = ((name, {**_DATA, **cells, "C1": f"={same}"}) for name, (cells, same) in NEW.items())
    path = sheets.write(folder / "new.xlsx", cells, first, dict(more))
    es.recalculate(path)
    return path


def _checked(path: Path, names: list[str], folder: Path, to: str) -> dict[str, es.Code]:
    codes = {name: es.code(path, name, to=to, objective="B1", changing=["A1:A2"]) for name in names}
    for name, found in modules.run_all(codes, folder).items():
        assert found.wrong == [], name
        assert codes[name].notes == (), name
        assert not any(block.constants for block in codes[name].blocks), name
        assert found.gradient is not None
        wanted = modules.sheet_gradient(path, name, objective="B1", changing=["A1:A2"])
        assert np.abs(found.gradient - wanted).max() < 1e-9 * max(1, np.abs(wanted).max()), name
    return codes


# Keras spells these in its own way.
@pytest.mark.parametrize(
    ("to", "names"), [("numpy", [*CASES]), ("keras", ["ranks", "rounding", "normal", "matrices", "errors_of_some"])]
)
def test_what_analysts_write_has_the_stored_results_and_the_sheets_gradient(
    book: Path, tmp_path: Path, to: str, names: list[str]
) -> None:
    _checked(book, names, tmp_path, to)


def test_functions_of_the_users_own_are_written_out(new_book: Path, tmp_path: Path) -> None:
    for name in NEW:
        ((value, same),) = es.open(new_book).values(parse_area("B1:C1", name))
        assert value == pytest.approx(same, rel=1e-12), name
    codes = _checked(new_book, list(NEW), tmp_path, "numpy")
    assert "b1 = a1_a2[0] + (h1_h4**2).sum()" in codes["rows_and_reduce"].text


def test_errors_of_the_weights_are_asked_for_at_other_weights_too(book: Path, tmp_path: Path) -> None:
    """1/(A1-1.5) is an error as the workbook stands; at A1 = 2 it is 2, and LN(x) has a number in other rows."""
    code = es.code(book, "errors_of_the_weights", objective="B1", changing=["A1:A2"])
    code.save(tmp_path / "moved.py")
    names: dict[str, Any] = {"__name__": "moved", "__file__": str(tmp_path / "moved.py")}
    exec(compile(code.text, "moved", "exec"), names)
    found = names["loss"](type(names["START"])(np.array([2.0, 0.7])))
    # x - 4 is 3, -2.75, 4, 0.5, none (the blank: -4), 8 with x = 2 n + …: four logarithms, two times A2, six times 2.
    assert found == pytest.approx((np.log([3, 4, 0.5, 8]).sum() + 2 * 0.7 + 6 * 2) ** 2, rel=1e-12)


def test_an_error_behind_a_name_of_let_is_asked_for_at_other_weights_too(new_book: Path) -> None:
    """A2 over twice A1 less 1.5 is an error as the workbook stands; with A1 = 2 it is A2 over 1."""
    code = es.code(new_book, "errors_behind_let", objective="B1", changing=["A1:A2"])
    names: dict[str, Any] = {"__name__": "moved"}
    exec(compile(code.text, "moved", "exec"), names)
    found = names["loss"](type(names["START"])(np.array([2.0, 0.7])))
    assert found == pytest.approx(0.7 / 1 + 1 / (0.5 + 7), rel=1e-12)  # F2 is 2 · 2 + 3


# Functions that the workbook names, and one that is handed to itself: what B1 is, by algebra.
_ITSELF = {
    "POWERS": "_xlfn.LAMBDA(_xlpm.x,_xlpm.n,IF(_xlpm.n<=0,1,_xlpm.x*POWERS(_xlpm.x,_xlpm.n-1)))",
    "FIB": "_xlfn.LAMBDA(_xlpm.n,_xlpm.a,IF(_xlpm.n<2,_xlpm.a,FIB(_xlpm.n-1,_xlpm.a)+FIB(_xlpm.n-2,_xlpm.a)))",
}
_HANDED = "_xlfn.LAMBDA(_xlpm.f,_xlpm.n,IF(_xlpm.n<1,A1,_xlpm.f(_xlpm.f,_xlpm.n-1)*A2))"
_STEP = "_xlfn.LAMBDA(_xlpm.a,_xlpm.b,_xlpm.a*0.5+$A$2*_xlpm.b)"
_HALVES = "SUMPRODUCT(G1:G30,0.5^(30-ROW(G1:G30)))"
STEPS: dict[str, tuple[dict[str, Any], str]] = {
    "one cell": ({"B1": "=POWERS(A1,20)+FIB(8,A2)"}, "A1^20+34*A2"),
    "cells": (
        {"H1": 3, "H2": 5, "H3": 0, "I1": "=POWERS(A$1,H1)", "I2": "=POWERS(A$1,H2)", "I3": "=POWERS(A$1,H3)",
         "B1": "=SUM(I1:I3)*A2"}, "(A1^3+A1^5+1)*A2",
    ),
    "handed": ({"B1": f"=_xlfn.LET(_xlpm.f,{_HANDED},_xlpm.f(_xlpm.f,15))"}, "A1*A2^15"),
    "reduce": ({"B1": f"=_xlfn.REDUCE(A1,G1:G30,{_STEP})"}, f"A1*0.5^30+A2*{_HALVES}"),
    "rows": (
        {"H1": 1, "H2": 2, **{f"I{row}": f"=_xlfn.REDUCE(H{row}*A$1,G$1:G$30,{_STEP})" for row in (1, 2)},
         "B1": "=I1+I2"}, f"3*A1*0.5^30+2*A2*{_HALVES}",
    ),
    "scan": (
        {"H1": ("H1:H30", f"=_xlfn.SCAN(A1,G1:G30,{_STEP})"), "B1": "=H30+H1"},
        f"A1*0.5^30+A2*{_HALVES}+A1*0.5+A2*G1",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def steps_book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a workbook with a sheet a case; in C1 stands what B1 must be."""
    data: dict[str, Any] = {"A1": 1.5, "A2": 0.7, **{f"G{row}": row / 10 for row in range(1, 31)}}
    (first, cells), *more = ((name, {**data, **cells, "C1": f"={same}"}) for name, (cells, same) in STEPS.items())
    path = sheets.write(tmp_path_factory.mktemp("steps") / "steps.xlsx", cells, first, dict(more), _ITSELF)
    es.recalculate(path)
    return path


@pytest.mark.parametrize("to", ["numpy", "jax", "keras"])
def test_functions_that_call_themselves_and_many_steps_are_functions_of_the_module(
    steps_book: Path, tmp_path: Path, to: str
) -> None:
    for name in STEPS:
        ((value, same),) = es.open(steps_book).values(parse_area("B1:C1", name))
        assert value == pytest.approx(same, rel=1e-12), name
    codes = _checked(steps_book, list(STEPS), tmp_path, to)
    assert "return 1 if n <= 0 else x * powers(x, n - 1)" in codes["cells"].text
    assert "return a1_a2[0] if n < 1 else f(n - 1) * a1_a2[1]" in codes["handed"].text
    assert ("= reduce(step, g1_g30, a1_a2[0])" if to == "numpy" else "jax.lax.scan(") in codes["reduce"].text
    assert codes["scan"].text.count("def step(") == 1


def test_a_function_that_needs_itself_with_ranges_is_refused_by_name(tmp_path: Path) -> None:
    cells = {"A1": 2, "C1": 1, "C2": 2, "B1": "=ADDED(C1:C2,3)*A1"}
    itself = {"ADDED": "_xlfn.LAMBDA(_xlpm.r,_xlpm.n,IF(_xlpm.n<1,SUM(_xlpm.r)*S!$A$1,ADDED(_xlpm.r*2,_xlpm.n-1)))"}
    path = sheets.write(tmp_path / "b.xlsx", cells, names=itself)
    with pytest.raises(es.EmbedsheetError, match=r"S!B1.*calls itself"):
        es.code(path, objective="S!B1", changing=["S!A1"])

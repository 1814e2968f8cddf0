"""What is differentiated is the sheet's own function: by two ways through the function table, the same numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embedsheet.book.setups import Constraint
from embedsheet.compiler.engines.jax import JaxEngine
from embedsheet.compiler.engines.protocol import Engine
from embedsheet.compiler.engines.tape import TapeEngine
from embedsheet.compiler.program import Program, compile_program
from embedsheet.formulas.functions.elementwise import Elementwise
from embedsheet.formulas.functions.table import FUNCTIONS
from embedsheet.formulas.values import boolean
from embedsheet.ground.errors import EmbedsheetError, UnsupportedError
from embedsheet.ground.notation.addresses import parse_area
from embedsheet.workbook import Workbook
from kit.function_samples import CONSTANTS, POINTS, SAMPLES
from kit.judges import write_book
from kit.sheets import program, setup
from test_gradients_of_functions import Sheet

_TENS = "{10;20;30;40;50;60;70;80;90}"
# 1/(A1:A9>0.4) is an error where a cell is not: the idiom for the last cell that meets a condition.
_LAST = "1/(A1:A9>0.4)"
_SEARCHES = [
    f"LOOKUP(A4,A1:A9,{_TENS})",
    f"LOOKUP(0.5,A1:A9,{_TENS})",
    "LOOKUP(0.5,A1:A9)",
    f"LOOKUP(2,{_LAST},{_TENS})",
    f"LOOKUP(2,{_LAST},A1:A9)",
    f"LOOKUP(2,1/((A1:A9>0.4)*(A1:A9<0.8)),{_TENS})",
    "MATCH(A4,A1:A9,1)",
    "MATCH(A4,A1:A9)",
    "MATCH(0.5,A1:A9,1)",
    "MATCH(A4,A1:A9,-1)",
    "MATCH(0.5,A1:A9,-1)",
    "MATCH(A4,A1:A9,0)",
    "MATCH(0.5,A1:B9,0)",
    f"VLOOKUP(A4,HSTACK(A1:A9,{_TENS}),2,TRUE)",
    f"VLOOKUP(0.5,HSTACK(A1:A9,{_TENS}),2)",
    f"HLOOKUP(0.5,TRANSPOSE(HSTACK(A1:A9,{_TENS})),2,TRUE)",
    *(f"XMATCH(0.5,A1:A9,{mode},{order})" for mode, order in ((0, -1), (-1, -1), (-1, 1), (1, -1), (1, 2), (0, -2))),
    *(f"XMATCH(A4,A1:A9,{mode},{order})" for mode, order in ((0, -1), (-1, 2), (1, 1))),
    *(f"XLOOKUP(0.5,A1:A9,{_TENS},-7,{mode})" for mode in (0, -1, 1)),
    f"XLOOKUP(A4/(A4>0.4),A1:A9,{_TENS},-7)",
    f"XLOOKUP(A4,A1:A9,{_TENS}/(A1:A9>0.4),-7)",
    "XMATCH(0.5,A1:B9,-1)",
    f"SUM(XLOOKUP(A1:A3,A1:A9,HSTACK({_TENS},{_TENS})))",
    "INDEX(A1:A9,MATCH(0.5,A1:A9))",
]  # fmt: skip
_CRITERIA = [
    'IFERROR(SUMIF(A1:A9,"<0.6",B1:B9/(B1:B9<>3)),7)',
    'SUMIF(A1:A9,"<0.5",F1:F9)',
    'IFERROR(SUMIF(A1:A9,"<0.5",F1:F9),7)',
    'IFERROR(SUMIFS(F1:F9,A1:A9,">0.6"),7)',
    'IFERROR(AVERAGEIF(A1:A9,">0.8",F1:F9),7)',
    'IFERROR(AVERAGEIFS(F1:F9,A1:A9,"<0.4",A1:A9,">0.3"),7)',
    'IFERROR(MAXIFS(F1:F9,A1:A9,">0.6"),7)',
    'IFERROR(MINIFS(F1:F9,A1:A9,"<0.4"),7)',
    "IFERROR(SUMIF(B1:B9,2,G1:G9),7)",
    'IFERROR(MAXIFS(G1:G9,B1:B9,">1"),7)',
    'COUNTIF(A1:A9,"<>0.5")',
    'COUNTIFS(A1:A9,">=0.5",A1:A9,"<0.7")',
]
# Unsorted, with ties, sorted either way, all equal, with 0 and with what is looked for.
_POINTS = np.array([
    [0.61, 0.32, 0.83, 0.45, 0.74, 0.55, 0.27, 0.9, 0.38],
    [0.3, 0.9, 0.2, 0.7, 0.7, 0.3, 0.5, 0.5, 0.9],
    [0.1, 0.2, 0.2, 0.5, 0.5, 0.6, 0.6, 0.8, 0.9],
    [0.9, 0.8, 0.6, 0.6, 0.5, 0.5, 0.2, 0.2, 0.1],
    [0.5] * 9,
    [0.0, -1.0, 0.5, 0.0, 2.0, 0.5, -1.0, 0.0, 0.5],
    [0.7, 0.1, 0.9, 0.45, 0.2, 0.95, 0.3, 0.85, 0.15],
])  # fmt: skip


class _Sheet(Sheet):
    """The same with errors and a text in F and G, those of G depending on the changing cells."""

    more: Any = {f"F{i}": "=1/0" if i in (3, 6) else ("text" if i == 4 else float(i)) for i in range(1, 10)} | {
        f"G{i}": "=NA()" if i == 9 else f"=A{i}*2" for i in range(1, 10)
    }


@pytest.mark.parametrize(
    ("engine", "formulas"),
    [
        pytest.param(TapeEngine, _SEARCHES, id="searches"),
        pytest.param(TapeEngine, _CRITERIA, id="criteria"),
        # JAX, for which each formula is compiled for long, sees some of each.
        pytest.param(JaxEngine, [*_SEARCHES[::4], *_CRITERIA[::4]], id="some in JAX"),
    ],
)
def test_a_traced_formula_gives_what_the_sheet_gives(
    engine: type[Engine], formulas: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("embedsheet.compiler.program.make_engine", lambda _: engine())
    # An error becomes a number, so that nothing but numbers is compared.
    sheet = _Sheet(tmp_path, [f"IFERROR({formula},-99)" for formula in formulas])
    wrong = []
    for x in _POINTS:
        traced, concrete = sheet.program.constraints(x), sheet.values(x)
        for formula, mine, own in zip(formulas, traced, concrete, strict=True):
            if not np.isclose(mine, own, rtol=1e-12, atol=1e-12, equal_nan=True):
                wrong.append(f"{formula} at {x.tolist()}: {mine} for {own}")
    assert wrong == []


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        # LibreOffice: halving 0.3, 0.9, 0.2, 0.7 for 0.7 ends at the first; the last above 0.25 is the fourth.
        ({"C1": "=LOOKUP(A4,A1:A4,B1:B4)"}, 10.09),
        ({"C1": "=INDEX(B1:B4,MATCH(A4,A1:A4,1))"}, 10.09),
        ({"C1": "=VLOOKUP(A4,A1:B4,2,TRUE)"}, 10.09),
        ({"C1": "=LOOKUP(2,1/(A1:A4>0.25),B1:B4)"}, 40.09),
        ({"C1": '=IFERROR(SUMIF(A1:A4,"<0.25",E1:E4),7)', "E3": "=1/0"}, 7.09),
    ],
)
def test_the_value_beside_a_gradient_is_the_sheets(cells: dict[str, Any], expected: float, tmp_path: Path) -> None:
    sheet: dict[str, Any] = {"A1": 0.3, "A2": 0.9, "A3": 0.2, "A4": 0.7, "B1": 10, "B2": 20, "B3": 30, "B4": 40}
    compiled = program(tmp_path / "book.xlsx", {**sheet, **cells, "D1": "=C1+A1^2"}, "D1", ["A1:A4"])
    value, gradient = compiled.value_and_gradient(compiled.start)
    assert value == pytest.approx(expected, rel=1e-14)
    assert gradient.tolist() == [0.6, 0.0, 0.0, 0.0]


# What is a number for some values of A1 and a truth or nothing for others. B2 is empty, B3 TRUE.
_MIXED = [
    "IF(A1>1,A1)", "IF(A1>1,A1,B2)", "SWITCH(INT(A1),1,A2,2,FALSE,A3)", "INDEX(B1:B4,A1+1)",
    "XLOOKUP(A1,{1;2;3;4},B1:B4,FALSE,-1)", "IFERROR(LN(A1-1),FALSE)",
]  # fmt: skip
_TAKERS = [
    "AVERAGE({},A2)", "COUNT({},A2)*A3", "COUNTA({})*A3", "MIN({},A2)", "PRODUCT({},A2)", "IF({}=0,A2,A3)",
    'IF({}="",A2,A3)', "IF({}>0,A2,A3)", "IF(ISNUMBER({}),A2,A3)", "AND({},A2>0)*A3", "COUNTIF(B1:B4,{})*A2",
    "IFERROR(MATCH({},{{0,1,2}},0),9)*A2", "LET(y,{},AVERAGE(y,A2))", "LET(y,{},IF(y=FALSE,A2,A3))",
    "SUM(IF({}=0,A2,A3))", "MAP({},LAMBDA(q,IF(q=FALSE,A2,A3)))", "SUM(({},A2))", "DELTA({},0)+A2", "N({})+A2",
]  # fmt: skip
_SAME_TO_ALL = ["{}*A2", "IF({},A2,A3)", "ROUND({},0)-A2"]  # a truth is its number, nothing is 0


@pytest.mark.parametrize("taker", [*_TAKERS, *_SAME_TO_ALL])
def test_what_is_now_a_number_now_a_truth_is_taken_as_what_it_is_or_refused(taker: str, tmp_path: Path) -> None:
    sheet: dict[str, Any] = {
        "A1": 1.5,
        "A2": 2.0,
        "A3": 3.0,
        "B1": 5,
        "B3": True,
        "B4": 7,
        "E1": 5,
        "E3": True,
        "E4": 7,
    }
    sheet |= {f"D{i}": i for i in range(1, 5)}
    wrong, refused = [], 0
    for formula in _MIXED:
        for cells in ({"C1": f"={formula}", "G1": taker.format("C1")}, {"G1": taker.format(formula)}):
            cells["G1"] = f"=IFERROR({cells['G1']},-99)+0*A1"
            try:
                compiled = program(tmp_path / "book.xlsx", sheet | cells, "G1", ["A1:A3"], engine="tape")
                compiled.value(compiled.start)
            except UnsupportedError as fault:
                assert "in one case and a number in another" in str(fault) or "which cells are meant" in str(fault)
                refused += 1
                continue
            for first in (0.5, 1.5, 2.0, 3.0):
                x = np.array([first, -1.0, 3.0])
                mine = compiled.value(x)
                own = next(
                    edit.numbers[edit.columns == 7][0] for edit in compiled.results(x).edits if 7 in edit.columns
                )
                if not np.isclose(mine, own, rtol=1e-12):
                    wrong.append(f"{cells} at {first}: {mine} for {own}")
    assert wrong == []
    assert (refused == 0) == (taker in _SAME_TO_ALL)


# What is a number for some values of A1 and an error for others: #N/A or another, not now the one, now the other.
_UNDEFINED = [
    "MATCH(A1,{1;2;3},0)", "1/(A1-2)", "LN(A1-1)", "INDEX(F1:F3,MATCH(A1,E1:E3,0))", "INDEX(F1:F3,ABS(A1)+1)",
    "VLOOKUP(A1,E1:F4,2,FALSE)", "IF(A1>1,A1,NA())", "IFS(A1>2,A1,A1>1,5)", "CHOOSE(A1,A2,A3)", "A1^-1", "(A1-1)^0.5",
    "1/(A1-2)>0", "LET(q,MATCH(A1,{1;2;3},0),q+1)", "ABS(1/(A1-2))", "IFNA(MATCH(A1,{1;2;3},0),0)",
    "IFERROR(1/(A1-2),7)",
]  # fmt: skip
_ASKING = [
    "IF(ISNUMBER({}),A2,A3)", "IF(ISNA({}),A2,A3)", "IF(ISERR({}),A2,A3)", "IF(ISERROR({}),A2,A3)", "IFNA({},A2)",
    "COUNT({},A2)*A3", "COUNT({0}:{0})*A2", "SUBTOTAL(2,{0}:{0})*A3", "IF(ISLOGICAL({}),A2,A3)", "TYPE({})*A2",
    "LET(y,{}+1,IF(ISNUMBER(y),A2,A3))", "IFERROR(IFNA({},A2),A3)", "SUMPRODUCT(--ISNUMBER({0}:{0}),A2:A2)",
    "IFERROR(+{0},0)+ISNUMBER({0})*A2", "MAP({},LAMBDA(q,IF(ISNUMBER(q),A2,A3)))", "COUNTIF({0}:{0},\">0\")*A2",
]  # fmt: skip


class _Failing(Sheet):
    """The same with what becomes an error in G."""

    more: Any = (
        {f"E{i}": i for i in range(1, 5)}
        | {f"F{i}": i + 4 for i in range(1, 5)}
        | {f"G{i}": f"={formula}" for i, formula in enumerate(_UNDEFINED, 1)}
    )


def test_what_becomes_an_error_is_asked_about_as_one(tmp_path: Path) -> None:
    asked = [(asking, place) for asking in _ASKING for place in range(len(_UNDEFINED))]
    in_cells = [asking.format(f"G{place + 1}") for asking, place in asked]
    inside = [asking.format(_UNDEFINED[place]) for asking, place in asked if "{0}:" not in asking]
    sheet = _Failing(tmp_path, [f"IFERROR(0+{formula},-99)" for formula in [*in_cells, *inside]])
    wrong = []
    for first in (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, -1.0, -2.0):
        x = np.array([first, 2.0, 3.0, *_POINTS[0][3:]])
        traced, concrete = sheet.program.constraints(x), sheet.values(x)
        for formula, mine, own in zip(sheet.formulas, traced, concrete, strict=True):
            if not np.isclose(mine, own, rtol=1e-12, atol=1e-12):
                wrong.append(f"{formula} at {first}: {mine} for {own}")
    assert wrong == []


def test_of_two_errors_that_are_not_told_apart_none_is_called_not_available(tmp_path: Path) -> None:
    cells = {"A1": 1.0, "C1": "=MATCH(A1,{1;2;3},0)/(A1-2)", "D1": "=IFNA(C1,5)+A1"}
    compiled = program(tmp_path / "book.xlsx", cells, "D1", ["A1"])
    with pytest.raises(UnsupportedError, match=r"^S!D1: IFNA cannot tell errors apart here; use IFERROR"):
        compiled.value(compiled.start)


def _model(tmp_path: Path) -> Program:
    cells = {"A1": 0.3, "A2": 0.9, "B1": "=A1*2", "B2": "=EXP(A2)", "B3": "=SIN(B1)", "B4": "=B2+B3", "C1": "=B4^2"}
    return program(tmp_path / "book.xlsx", cells, "C1", ["A1:A2"])


def test_a_function_traced_wrongly_is_refused_at_the_first_cell_that_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = Elementwise("EXP", lambda xp, x: xp.exp(x) * (1.0 if xp is np else 1 + 1e-6), "wrong")
    monkeypatch.setitem(FUNCTIONS, "EXP", replace(FUNCTIONS["EXP"], call=wrong))
    compiled = _model(tmp_path)
    for use in (compiled.value, compiled.value_and_gradient, lambda x: compiled.hessian_product(x, x)):
        with pytest.raises(
            UnsupportedError, match=r"^S!B2: differentiated, this formula gives 2.4596.* where the sheet"
        ):
            use(compiled.start)


def test_a_constant_that_is_another_while_traced_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(context: Any, value: Any) -> Any:
        return boolean(not value.traced)

    monkeypatch.setitem(FUNCTIONS, "ISNUMBER", replace(FUNCTIONS["ISNUMBER"], call=wrong))
    cells = {"A1": 0.3, "B1": "=ISNUMBER(A1)", "C1": "=IF(B1,A1,2*A1)"}
    compiled = program(tmp_path / "book.xlsx", cells, "C1", ["A1"])
    with pytest.raises(UnsupportedError, match=r"S!B1: .* gives FALSE where the sheet has TRUE"):
        compiled.value_and_gradient(compiled.start)


def test_rounding_that_formulas_magnify_is_no_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The traced sine is off in its last digits, as another library's may be; C1 and D1 make much of that.
    off = Elementwise("SIN", lambda xp, x: xp.sin(x) * (1.0 if xp is np else 1 + 4e-16), "off by rounding")
    monkeypatch.setitem(FUNCTIONS, "SIN", replace(FUNCTIONS["SIN"], call=off))
    cells = {"A1": 0.3, "B1": "=SIN(A1)", "C1": f"=B1-{float(np.sin(0.3))!r}+1E-13*A1", "D1": "=C1*1E13+A1"}
    compiled = program(tmp_path / "book.xlsx", cells, "D1", ["A1"])
    assert compiled.value(compiled.start) != pytest.approx(0.6, rel=1e-9)


@pytest.mark.parametrize("formula", ["=1/(A1-0.3)", "=LN(A1-1)", "=NA()+A1"])
def test_an_error_that_nothing_takes_part_of_is_the_same_error_while_traced(formula: str, tmp_path: Path) -> None:
    cells = {"A1": 0.3, "B1": formula, "C1": "=IFERROR(B1,5)+A1"}
    compiled = program(tmp_path / "book.xlsx", cells, "C1", ["A1"])
    assert compiled.value(compiled.start) == 5.3


@pytest.mark.parametrize(
    "formula",
    [
        "1/(A1*1E300)", "1/A1^12", "2^A1", "ATAN(A1*1E300)", "IF(A1*1E300>1,1,2)", "MIN(A1^12,3)", "TANH(A1^13)",
        "AND(A1^12>0,A1>0)", "1/SUMPRODUCT(A1:A2,{1E300;1})", "A1^-12*0+1/A1^-12", "NORM.S.DIST(A1^13,TRUE)",
    ],
)  # fmt: skip
def test_what_overflows_is_an_error_while_traced_too(formula: str, tmp_path: Path) -> None:
    # A number beyond 1.8e308 is #NUM! in a sheet; infinity would give 0 as a divisor, and π/2 below ATAN.
    cells = {"A1": 1e29, "A2": 1.0, "C1": f"={formula}", "D1": "=IFERROR(C1,3)+A2"}
    compiled = program(tmp_path / "book.xlsx", cells, "D1", ["A1:A2"])
    value, gradient = compiled.value_and_gradient(compiled.start)
    assert (value, gradient.tolist()) == (4.0, [0.0, 1.0])


def test_an_error_in_one_of_alike_conditions_is_in_that_one_only(tmp_path: Path) -> None:
    cells: dict[str, Any] = {"A1": 0.3, "A2": 0.4, "B1": True, "B2": "=NA()", "D1": "=IFERROR(C2,9)+C1*A1"}
    cells |= {"C1": "=AND(A$1:A$2,B1)", "C2": "=AND(A$1:A$2,B2)"}
    compiled = program(tmp_path / "book.xlsx", cells, "D1", ["A1:A2"])
    assert compiled.value(compiled.start) == pytest.approx(9.3, rel=1e-14)


def test_a_text_that_changing_cells_choose_is_refused_as_one(tmp_path: Path) -> None:
    cells: dict[str, Any] = {"A1": 2.0, "B1": 5, "B2": "none", "C1": "=LOOKUP(A1,{1,2},B1:B2)", "D1": "=N(C1)+A1"}
    compiled = program(tmp_path / "book.xlsx", cells, "D1", ["A1"])
    with pytest.raises(UnsupportedError, match=r"^S!C1: the changing cells decide that this is 'none'; a text has no"):
        compiled.value(compiled.start)


# Where the box leads: what the sheet has as an error was a number to a search.
_ERRORS_BEYOND = ["F.TEST(A5:A9,A1:A4)", "Z.TEST(A1:A7,A9,A8)", "CHISQ.TEST(A1:A4,A5:A8)"]
_BOXES = [(-3.0, 3.0, False), (0.0, 5.0, True)]
_WIDER = [(-1000.0, 1000.0, False), (-3.0, 3.0, True), (-2.0, 60.0, False), (0.0, 1.0, False)]


def _departures(path: Path, formulas: Sequence[str], boxes: Sequence[tuple[float, float, bool]]) -> list[str]:
    """Return the formulas of which a search within a box is no search of the sheet, with box and point."""
    cells: Any = {**{f"A{i}": float(x) for i, x in enumerate(POINTS[0], 1)}, **CONSTANTS}
    changing, found = parse_area("A1:A9", "S"), list[str]()
    for formula in formulas:
        write_book(path, {"S": {**cells, "D1": f"={formula}"}})
        for low, high, whole in boxes:
            constraints = [Constraint(changing, ">=", low), Constraint(changing, "<=", high)]
            constraints += [Constraint(changing, "integer", 0.0)] if whole else []
            asked = setup("D1", ["A1:A9"], constraints=tuple(constraints))
            try:
                departure = compile_program(Workbook.open(path), asked, engine="tape").departure()
            except EmbedsheetError:  # refused, or an error at such a start
                continue
            found += [f"{formula} from {low} to {high}: {departure}"] if departure else []
    return found


def test_what_is_an_error_to_the_sheet_is_one_to_a_search(tmp_path: Path) -> None:
    assert _departures(tmp_path / "book.xlsx", _ERRORS_BEYOND, _BOXES) == []


@pytest.mark.soak
@pytest.mark.parametrize("part", range(4))
def test_no_sample_formula_departs_from_the_sheet_within_a_box(part: int, tmp_path: Path) -> None:
    formulas = list(dict.fromkeys(formula for some in SAMPLES.values() for formula in some))
    assert _departures(tmp_path / "book.xlsx", formulas[part::4], [*_BOXES, *_WIDER]) == []

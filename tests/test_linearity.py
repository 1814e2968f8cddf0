"""What is called linear (or quadratic) is so far from the start too, whatever functions the formulas use."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from embedsheet.book.setups import Constraint
from embedsheet.compiler.degree import CONSTANT, LINEAR, OTHER, QUADRATIC
from embedsheet.compiler.program import Program, compile_program
from embedsheet.compiler.recurrence import Recurrence
from embedsheet.formulas.functions.table import FUNCTIONS
from embedsheet.ground.errors import EmbedsheetError
from embedsheet.ground.notation.addresses import column_letters, parse_area
from embedsheet.workbook import Workbook
from kit.function_samples import CONSTANTS, POINTS, SAMPLES
from kit.judges import write_book
from kit.sheets import program, setup, write

FloatArray = NDArray[np.float64]

# Every function of the table with each of these arguments; what makes no sense gives an error and is left out.
ARGUMENTS = (
    "A1", "A1,2", "2,A1", "A1,A2", "A1:A9", "A1:A9,2", "2,A1:A9", "A1:A9,B6:B9", "B1:B9,A1:A9", "A1:A9,A1:A9",
    "A1,2,3", "2,A1,3", "2,3,A1", 'A1:A9,">0.5"', 'B6:B9,">1",A1:A4', "A1:A4,B6:B9,2", "B6:B9,A1,2", "SQRT(A1-0.3)",
    "1/(A1-0.5)", "A1>0.5", "A1>0.5,A2,A3", "A1,0.61,3,4", "A1:A3,1,1", "A1*3,5,6,7", "A1:C3,2,3", "LN(A1-0.1),3",
    "A1:A3*B6:B8", "A1,B6:B9", "A1,2,3,4", "0.1,12,A1", "A1,A2,A3,A4", "SQRT(A1-0.3),A2", "A1:A9^0.5",
)  # fmt: skip
# What a value's kind decides: no number shows it, and no gradient.
BY_KIND = (
    "SUMPRODUCT(SUBTOTAL(4,OFFSET(A1,{0;1},0,2)))", "SUMPRODUCT(COUNTIF(OFFSET(A1,{0;1},0,2),\">0.5\"))+A2",
    "COUNT(SQRT(A1-0.3),A2)+A3", "A3+COUNT(1/A1)", "IF(ISNUMBER(LN(A1-0.1)),A2,A3)",
    "IF(ISERROR(SQRT(A1-0.3)),1,A2)", "IFERROR(SQRT(A1-0.3),7)", "SUMPRODUCT(--(A1:A9>0.5),A1:A9)",
    "SUM(IF(A1:A3>0.5,1,0))", "A1+(A2>0.5)", "N(A1>0.5)", "INDEX({1,2,3},1+2*A1)+A2", "AGGREGATE(2,6,1/(A1:A3-0.5))",
    "TYPE(SQRT(A1-0.3))+A2", "A1+0*SIGN(A2-0.5)", "CHOOSE(1+2*A1,A2,A3)", "LET(x,A1>0.5,A2+x)",
    "SUM(MAP(A1:A3,LAMBDA(v,IF(v>0.5,v,2*v))))", "XLOOKUP(A1,A1:A3,B6:B8)", "SUMIF(A1:A3,\">0.5\",B6:B8)",
    "MATCH(A1,A1:A3,0)+A2", "COUNTIF(A1:A3,\">0.5\")*A2", "REDUCE(0,A1:A3,LAMBDA(a,v,MAX(a,v)))", "MOD(A1,0.2)",
    "A1-INT(A1)", "AND(A1>0.5,A2>0.3)+A3", "ISEVEN(10*A1)+A2", "SUBTOTAL(2,A1:A3)+COUNT(A1^0.5)",
)  # fmt: skip
# What must be seen to be linear, or the models of everyday use are lost to HiGHS.
PLAINLY_LINEAR = (
    "SUMPRODUCT(SUBTOTAL(9,OFFSET(A1,ROW(A1:A4)-1,0)),B6:B9)", "SUMPRODUCT(N(OFFSET(A1,{0;2},0)),{3;4})",
    "SUM(A1:A9)", "A1+2*A2-A3/4", "-A1%", "+A1", "SUMPRODUCT(A1:A4,B6:B9)", "SUMPRODUCT(A1:A4*B6:B9)",
    "AVERAGE(A1:A9)", "SUM(MMULT({1,2;3,4},A1:A2))", "INDEX(A1:A9,B6)", "SUM(OFFSET(A1,B7,0,3,1))",
    'SUMIF(B6:B9,">1",A1:A4)', 'SUMIFS(A1:A4,B6:B9,">1",B6:B9,"<3")', 'AVERAGEIF(B6:B9,">1",A1:A4)',
    "IF(B6>2,A1,A2^2)", "IFERROR(A1/B6,0)", "SUMPRODUCT((B6:B9>1)*A1:A4)", "SUMPRODUCT(--(B6:B9>1),A1:A4)",
    "SUM(TRANSPOSE(A1:A3))", "VLOOKUP(3,B6:B9,1)*A1", "LET(x,A1+A2,2*x)", "SUM(MAP(A1:A3,LAMBDA(v,3*v)))", "A1^1",
    "POWER(A1,1)", "N(A1)", "CHOOSE(2,A1^2,A2)", "A1*ROUND(B1,0)", "SUBTOTAL(9,A1:A9)", "SUM(A1:A3,5,A4)",
    "IF(ISNUMBER(A1),A1,0)", "NPV(0.1,A1:A4)", "PMT(0.1,12,A1)", "FV(0.1,12,A1,A2)", "SUM(A1:A9)/COUNT(A1:A9)",
    "SUM(INDEX(A1:A9,2):A5)", "DEGREES(A1)", "SUMPRODUCT(A1:A4,{1;2;3;4})", "SUM(CHOOSE({1,2},A1,A2))",
    "MMULT({1,2},A1:A2)", "SWITCH(B6,3,A1,A2^2)", "HLOOKUP(2,B1:B9,1)+A1", "SUM(@A1:A9,A2)", "MAX(B6:B9)*A1",
    "SUM(SORT(B6:B9)*A1)", "FORECAST(4,A1:A4,B6:B9)", "TREND(A1:A4,B6:B9,4)", "SUM(TREND(A1:A4,B6:B9))",
    "SLOPE(A1:A4,B6:B9)", "INTERCEPT(A1:A4,B6:B9)", "SUM(LINEST(A1:A4,B6:B9))", "SUM(MMULT(MINVERSE({2,1;1,3}),A1:A2))",
    "COVAR(A1:A4,B6:B9)", "FORECAST.LINEAR(B1,A1:A4,B6:B9)", "SUM(TREND(A1:A4,HSTACK(B6:B9,{1;5;2;2})))",
)  # fmt: skip
PLAINLY_QUADRATIC = (
    "A1*A2", "A1^2", "SUMSQ(A1:A3)", "SUMXMY2(A1:A3,B6:B8)", "SUMPRODUCT(A1:A3,A4:A6)",
    "SUM(MMULT(TRANSPOSE(A1:A3),A4:A6))", "(A1-B1)*(A2+3)", "DEVSQ(A1:A9)", "VAR(A1:A9)", "POWER(A1,2)",
    "A1*(A2+A3)-A4^2", "SUMPRODUCT((A1:A3-B6:B8)^2)", "VAR.P(A1:A4)", "COVAR(A1:A4,B6:B9)*A1",
    "SUMX2MY2(A1:A3,A4:A6)", "SUM(MMULT(MMULT(TRANSPOSE(A1:A2),{1,2;2,5}),A1:A2))",
)  # fmt: skip


def compiled(folder: Path, formulas: list[str]) -> Program:
    """Return formulas, all in row 5 from column D, as constraints on A1:A9; one row, so that all intersect alike."""
    cells: dict[str, Any] = {f"A{i}": float(x) for i, x in enumerate(POINTS[0], 1)} | CONSTANTS
    cells |= {f"{column_letters(i)}5": f"={formula}" for i, formula in enumerate(formulas, 4)} | {"F1": "=SUM(A1:A9)"}
    path = write_book(folder / "functions.xlsx", {"S": cells})
    area = parse_area(f"D5:{column_letters(3 + len(formulas))}5", "S")
    model = replace(setup("F1", ["A1:A9"]), constraints=(Constraint(area, ">=", 0.0),))
    return compile_program(Workbook.open(path), model)


def degrees(folder: Path, formulas: list[str]) -> dict[str, int]:
    """Return each formula's degree as claimed; formulas that cannot be compiled, or are no numbers, are left out."""
    try:
        found = compiled(folder, formulas)
        bent = found.curvature.bent
    except EmbedsheetError:
        if len(formulas) == 1:
            return {}
        half = len(formulas) // 2
        return degrees(folder, formulas[:half]) | degrees(folder, formulas[half:])
    claimed = dict.fromkeys(formulas, LINEAR)
    for one in bent:
        for column in one.group.columns[one.elements].tolist():
            formula = formulas[column - 4]
            claimed[formula] = max(claimed[formula], one.degree)
    return claimed


def values(found: Program, count: int, x: FloatArray) -> FloatArray:
    """Return the formulas as NumPy computes them at x, NaN for what is no number."""
    result = np.full(count, np.nan)
    for edit in found.results(x).edits:
        mine = (edit.rows == 5) & (edit.columns >= 4)
        result[edit.columns[mine] - 4] = np.where(np.isin(edit.kinds[mine], (1, 3)), edit.numbers[mine], np.nan)
    return result


def refuted(folder: Path, claims: dict[str, int]) -> list[str]:
    """Return the formulas that are not of the degree claimed, by differences along lines that lead far away.

    The (k+1)-th difference at equal steps is zero for a polynomial of degree k, and for nothing else in general.
    """
    claims = {formula: degree for formula, degree in claims.items() if degree < OTHER}
    formulas = list(claims)
    if not formulas:
        return []
    found = compiled(folder, formulas)
    constant = ~np.isfinite(values(found, len(formulas), POINTS[0]))  # a formula that nothing changes is not rewritten
    generator, wrong = np.random.default_rng(0), set()
    for scale in (0.3, 3.0, 1e3):
        for _ in range(3):
            step = scale * generator.standard_normal(9)
            along = np.stack([values(found, len(formulas), POINTS[0] + t * step) for t in range(4)])
            size = np.abs(along).max(axis=0)
            for place, formula in enumerate(formulas):
                difference = np.diff(along[:, place], n=claims[formula] + 1)
                if not constant[place] and not np.abs(difference).max() <= 1e-9 * max(size[place], 1e-9):
                    wrong.add(formula)
    return sorted(wrong)


def table_formulas() -> list[str]:
    """Return every function of the table with all arguments that it takes so many of."""
    return [
        f"{name}({arguments})"
        for name, row in sorted(FUNCTIONS.items())
        for arguments in ARGUMENTS
        if row.least <= 1 + arguments.count(",") <= row.most
    ]


@pytest.mark.parametrize("part", [0, *(pytest.param(part, marks=pytest.mark.soak) for part in range(1, 16))])
def test_no_function_of_the_table_is_called_linear_that_is_not(tmp_path: Path, part: int) -> None:
    claims: dict[str, int] = {}
    formulas = table_formulas()[part::16]
    for start in range(0, len(formulas), 64):
        claims |= degrees(tmp_path, formulas[start : start + 64])
    assert len(claims) > 50
    assert refuted(tmp_path, claims) == []


def test_no_sample_formula_is_called_linear_or_quadratic_that_is_not(tmp_path: Path) -> None:
    formulas = list(dict.fromkeys(formula for name in sorted(SAMPLES) for formula in SAMPLES[name]))
    assert refuted(tmp_path, degrees(tmp_path, formulas)) == []


def test_what_a_kind_or_a_condition_decides_is_not_linear(tmp_path: Path) -> None:
    claims = degrees(tmp_path, list(BY_KIND))
    assert {formula: degree for formula, degree in claims.items() if degree < OTHER} == {}
    assert len(claims) > len(BY_KIND) - 5


def test_what_is_linear_by_its_operations_is_seen_to_be(tmp_path: Path) -> None:
    claims = degrees(tmp_path, list(PLAINLY_LINEAR))
    assert {formula: degree for formula, degree in claims.items() if degree > LINEAR} == {}
    assert set(PLAINLY_LINEAR) == set(claims)
    assert refuted(tmp_path, claims) == []


def test_what_is_quadratic_by_its_operations_is_seen_to_be(tmp_path: Path) -> None:
    claims = degrees(tmp_path, list(PLAINLY_QUADRATIC))
    assert claims == dict.fromkeys(PLAINLY_QUADRATIC, QUADRATIC)
    assert refuted(tmp_path, claims) == []


def test_a_running_total_of_many_rows_is_linear_and_one_that_grows_by_itself_is_not(tmp_path: Path) -> None:
    rows = range(2, 60)
    inputs = {f"A{row}": row / 7 for row in range(1, 60)}
    total = inputs | {"B1": "=A1"} | {f"B{row}": f"=B{row - 1}*0.9+A{row}" for row in rows}
    assert program(tmp_path / "total.xlsx", total, "B59", ["A1:A59"]).curvature.degree == LINEAR
    growth = inputs | {"B1": "=A1"} | {f"B{row}": f"=B{row - 1}*A{row}" for row in rows}
    found = program(tmp_path / "growth.xlsx", growth, "B59", ["A1:A59"]).curvature
    assert (found.degree, {one.function for one in found.bent}) == (OTHER, {"a product"})


def test_the_cells_and_functions_that_bend_a_model_are_named(tmp_path: Path) -> None:
    cells = {f"A{row}": 1.0 for row in range(1, 5)} | {f"B{row}": f"=ROUND(A{row},2)" for row in range(1, 5)}
    cells |= {"C1": "=SUM(B1:B4)+A1*A2", "C2": '=COUNTIF(A1:A4,">0")+IF(A3>1,2,3)'}
    model = (Constraint(parse_area("C2", "S"), "<=", 2.0),)
    found = program(tmp_path / "bent.xlsx", cells, "C1", ["A1:A4"], constraints=model).curvature
    assert sorted(str(one) for one in found.bent) == [
        "COUNTIF in S!C2", "IF in S!C2", "ROUND in S!B1:B4", "a product in S!C1",
    ]  # fmt: skip


def test_random_models_called_linear_are_linear_far_away(tmp_path: Path) -> None:
    """Formulas built at random from linear and other pieces, each reading those above it too."""
    generator = np.random.default_rng(7)
    pieces = (
        "{a}+{b}", "{a}-2*{b}", "{a}*{c}", "{a}*{b}", "IF({c}>1,{a},{b})", "IF({a}>0,{b},{c})", "SUM({a},{b})",
        "MAX({a},{c})", "ROUND({a},1)", "SUMPRODUCT({{1,2}},CHOOSE({{1,2}},{a},{b}))", "IFERROR({a},{b})",
        "IFERROR({a}/{c},0)", "COUNT({a},{b})*{c}", "({a}>{c})+{b}", "ABS({a})", "INDEX(A1:A9,{c})",
        "LET(q,{a},q+{b})", "{a}/{c}", "{c}/{a}", "-{a}%", "AVERAGE({a},{b},{c})", "{b}+{c}", "{a}/2-{b}",
        "SUM({a}:{a},{c})",
    )  # fmt: skip
    linear = 0
    for model in range(40):
        names = [f"A{i}" for i in range(1, 10)]
        cells: dict[str, Any] = {f"A{i}": float(x) for i, x in enumerate(POINTS[0], 1)} | {"B6": 3, "B7": 1, "B8": 2}
        for row in range(1, 7):
            piece = pieces[generator.integers(len(pieces))]
            a, b = generator.choice(names, 2)
            cells[f"D{row}"] = "=" + piece.format(a=a, b=b, c=f"B{generator.integers(6, 9)}")
            names.append(f"D{row}")
        cells["D7"] = "=SUM(D1:D6)+A1"
        found = program(tmp_path / f"{model}.xlsx", cells, "D7", ["A1:A9"])
        if found.curvature.degree > LINEAR:
            continue
        linear += 1
        for scale in (1.0, 1e4):
            step = scale * generator.standard_normal(9)
            along = np.array([found.value(POINTS[0] + t * step) for t in range(3)])
            assert np.abs(np.diff(along, n=2)).max() <= 1e-9 * np.abs(along).max(), cells
    assert linear >= 3


def test_a_constant_is_of_degree_nought(tmp_path: Path) -> None:
    found = program(tmp_path / "flat.xlsx", {"A1": 1.0, "B1": "=A1"}, "B1", ["A1"])
    assert (found.curvature.degree, found.is_linear, CONSTANT) == (LINEAR, True, 0)


def test_a_linear_model_is_recognised_without_importing_jax(tmp_path: Path) -> None:
    cells = {"A1": 1.0, "A2": 2.0, "B1": "=SUMPRODUCT(A1:A2,{3;4})+FORECAST(4,A1:A2,{1;2})"}
    path = write(tmp_path / "book.xlsx", cells)
    code = (
        "import sys; from kit.sheets import setup; from embedsheet.workbook import Workbook\n"
        "from embedsheet.compiler.program import compile_program\n"
        f"found = compile_program(Workbook.open({str(path)!r}), setup('B1', ['A1:A2']))\n"
        "print(found.is_linear, 'jax' in sys.modules)"
    )
    folders = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    asked = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": folders},
    )
    assert asked.stdout.split() == ["True", "False"]


def test_a_loop_and_a_function_with_its_own_derivative_are_looked_into(tmp_path: Path) -> None:
    """A quotient by a constant is linear, by a changing cell not; so in each row of a recurrence."""
    inputs = {f"A{row}": row / 7 for row in range(1, 60)} | {"D1": 4.0}
    for divisor, degree in (("D$1", LINEAR), ("(1+A1^2)", OTHER)):
        rows = {f"B{row}": f"=B{row - 1}/{divisor}-A{row}" for row in range(2, 60)}
        found = program(tmp_path / "rows.xlsx", inputs | {"B1": "=A1"} | rows, "B59", ["A1:A59"])
        assert found.curvature.degree == degree


def test_what_bends_in_a_recurrence_is_said_of_the_cells_where_it_stands(tmp_path: Path) -> None:
    """Each row's B hangs on its C, and only B multiplies."""
    cells: dict[str, Any] = {f"A{row}": row / 90 for row in range(1, 60)} | {"B1": 0.4, "D1": "=B59"}
    cells |= {f"B{row}": f"=C{row}*B{row - 1}" for row in range(2, 60)}
    cells |= {f"C{row}": f"=B{row - 1}/2+A{row}" for row in range(2, 60)}
    found = program(tmp_path / "book.xlsx", cells, "D1", ["B1"])
    assert any(isinstance(step, Recurrence) for step in found._planner.steps)
    assert {(one.function, one.cells.split("!")[1][0]) for one in found.curvature.bent} == {("a product", "B")}

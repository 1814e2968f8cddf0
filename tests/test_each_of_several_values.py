"""A function of single values gives one result for each value of an array, whichever argument the array is."""

from __future__ import annotations

from pathlib import Path

from embedsheet.formulas.functions.table import FUNCTIONS, parameter
from embedsheet.ground.notation.addresses import column_letters, column_number
from kit.agreement import same
from kit.judges import CellValue, embedsheet_values, write_book
from kit.twins import WIDTH, Case, cases, inputs, shifted

# Arguments that must be one value, by their places from 0: what says which of two functions a distribution is, which
# function a total is, the kind of a test, and all that the size of a result hangs on. They are refused with a message.
ONE_VALUE = {
    2: "CHISQ.DIST EXPON.DIST EXPONDIST POISSON POISSON.DIST T.DIST T.TEST TTEST OFFSET SEQUENCE EXPAND WRAPROWS "
       "WRAPCOLS TOCOL UNIQUE SORTBY",
    3: "BETA.DIST BINOM.DIST BINOMDIST F.DIST GAMMA.DIST GAMMADIST LOGNORM.DIST NEGBINOM.DIST NORM.DIST NORMDIST "
       "WEIBULL WEIBULL.DIST T.TEST TTEST SEQUENCE EXPAND TEXTSPLIT",
    4: "TEXTSPLIT", 5: "TEXTSPLIT",
    1: "NORM.S.DIST AGGREGATE OFFSET SEQUENCE EXPAND TAKE DROP TOCOL WRAPROWS WRAPCOLS UNIQUE MAKEARRAY TEXTJOIN "
       "DAVERAGE DCOUNT DCOUNTA DGET DMAX DMIN DPRODUCT DSTDEV DSTDEVP DSUM DVAR DVARP",
    0: "CELL SUBTOTAL AGGREGATE INDIRECT SEQUENCE MUNIT MAKEARRAY LET",
}  # fmt: skip
# An array of places is one choice of several rows or columns, the place 0 a whole range; a link is not its name; one
# text is split into several, of several texts the first parts come.
OTHERWISE = {
    ("CHOOSEROWS", 1), ("CHOOSEROWS", 2), ("CHOOSEROWS", 3), ("CHOOSECOLS", 1), ("HYPERLINK", 0), ("INDEX", 1),
    ("TEXTSPLIT", 0),
}  # fmt: skip
COPIES = 3


def _sheet(several: list[Case]) -> dict[str, CellValue]:
    """Return a sheet with a column for each case: its argument's values, the calls, and totals of one call of them all.

    Texts are compared by their lengths.
    """
    cells: dict[str, CellValue] = {}
    for copy in range(COPIES):
        for address, value in inputs(copy).items():
            cells[f"{column_letters(column_number(address[0]) + WIDTH * copy)}{address[1:]}"] = value
    for number, case in enumerate(several):
        column = column_letters(30 + number)
        for copy in range(COPIES):
            cells[f"{column}{20 + copy}"] = "=" + shifted(case.own, right=WIDTH * copy)
            call = case.formula(f"${column}${20 + copy}")
            cells[f"{column}{30 + copy}"], cells[f"{column}{40 + copy}"] = f"={call}", f"=LEN({call})"
        call = case.formula(f"${column}$20:${column}$22")
        cells[f"{column}39"], cells[f"{column}49"] = f"=SUMPRODUCT({call})", f"=SUMPRODUCT(LEN({call}))"
    return cells


def test_each_value_of_an_array_gives_its_own_result_below_a_function_of_arrays(tmp_path: Path) -> None:
    several = [
        case for case in cases(1)
        if parameter(FUNCTIONS[case.name], case.place) == "v" and ":" not in case.own and not case.own.startswith("{")
        and FUNCTIONS[case.name].gradient != "frozen" and (case.name, case.place) not in OTHERWISE
    ]  # fmt: skip
    values = embedsheet_values(write_book(tmp_path / "book.xlsx", {"S": _sheet(several)}))["S"]
    wrong, refused = [], set()
    for number, case in enumerate(several):
        column = column_letters(30 + number)
        for row in (30, 40):
            total, each = (
                values.get(f"{column}{row + 9}"),
                [values.get(f"{column}{row + copy}") for copy in range(COPIES)],
            )
            if str(total).startswith("unsupported"):
                refused.add((case.name, case.place))
            elif any(str(one).startswith("#") for one in each):
                wrong += [] if str(total).startswith("#") else [f"{case}: {total!r} of {each}"]
            elif not same(total, float(sum(one for one in each if type(one) is float))):
                wrong.append(f"{case}: {total!r} of {each}")
    assert wrong == []
    assert refused == {(name, place) for place, names in ONE_VALUE.items() for name in names.split()}


def test_questions_about_kinds_are_answered_for_each_cell_where_all_are_of_one_kind(tmp_path: Path) -> None:
    """By hand; LibreOffice, formulon and pyOpenVBA say the same."""
    cells: dict[str, CellValue] = {f"A{row}": row for row in (1, 2, 3)} | {f"B{row}": "x" for row in (1, 2, 3)}
    cells |= {f"C{row}": "=NA()" for row in (1, 2, 3)}
    formulas = [
        "=SUMPRODUCT(--ISNUMBER(A1:A3))", "=SUMPRODUCT(--ISTEXT(B1:B3))", "=SUMPRODUCT(--ISNA(C1:C3))",
        "=SUMPRODUCT(--ISBLANK(D1:D3))", "=SUMPRODUCT(--NOT(ISTEXT(A1:A3)))", "{=SUM(--ISERROR(C1:C3))}",
        "{=SUM(IF(ISNUMBER(A1:A3),1,0))}", "=SUMPRODUCT(--ISNONTEXT(A1:A3))",
    ]  # fmt: skip
    cells |= {f"F{row}": formula for row, formula in enumerate(formulas, 1)}
    values = embedsheet_values(write_book(tmp_path / "book.xlsx", {"S": cells}))["S"]
    assert [values[f"F{row}"] for row in range(1, 9)] == [3.0] * 8

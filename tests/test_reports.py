"""Reports on solved models: their numbers against printed reports, HiGHS' own duals and models solved again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest
import xlsxwriter
from openpyxl.utils import get_column_letter
from openpyxl.workbook.defined_name import DefinedName
from scipy.optimize import linprog
from typer.testing import CliRunner

from embedsheet.cli import app
from embedsheet.ground.errors import ModelError
from embedsheet.solver import solve
from embedsheet.solvers.reports.sheet import drawing
from embedsheet.solvers.reports.tables import KINDS, Report, Table
from embedsheet.solvers.solution import Solution
from embedsheet.workbook import Workbook
from kit.judges import gnumeric_values, libreoffice_values, validity_faults
from kit.repair import repair_causes
from kit.sheets import write

Row = tuple[str, Sequence[float], str, float]
RELATIONS = {"<=": "1", "=": "2", ">=": "3"}


def set_up(page: Any, objective: str, changing: str, constraints: Sequence[tuple[str, str, str]], **more: str) -> None:
    """Store a Solver model on a sheet, as Excel does."""
    names = {"solver_opt": f"Plan!{objective}", "solver_adj": f"Plan!{changing}", "solver_typ": "1",
             "solver_val": "0", "solver_neg": "1", "solver_eng": "2", "solver_num": str(len(constraints))}  # fmt: skip
    for place, (left, relation, right) in enumerate(constraints, 1):
        names[f"solver_lhs{place}"] = f"Plan!{left}"
        names[f"solver_rel{place}"] = RELATIONS.get(relation, relation)
        names[f"solver_rhs{place}"] = f"Plan!{right}" if right.startswith("$") else right
    for name, text in (names | more).items():
        page.defined_names[name] = DefinedName(name, attr_text=text, hidden=True)


def mix(path: Path, profits: Sequence[float], rows: Sequence[Row], products: Sequence[str] = (), **more: str) -> Path:
    """Write a product mix: amounts in row 3, profits in row 4, a constraint a row from 6; right sides in the last."""
    book = openpyxl.Workbook()
    page = book.active
    page.title = "Plan"
    count = len(profits)
    last, total, right = (get_column_letter(count + more_) for more_ in (1, 2, 3))
    for place, profit in enumerate(profits):
        page.cell(2, 2 + place, (products or "ABCDEFGH")[place])
        page.cell(3, 2 + place, 1)
        page.cell(4, 2 + place, profit)
    page["A3"], page["A4"] = "Made", "Profit"
    page[f"{total}2"], page[f"{right}5"] = "Total", "Available"
    page[f"{total}4"] = f"=SUMPRODUCT(B4:{last}4,$B$3:${last}$3)"
    for row, (name, factors, _, limit) in enumerate(rows, 6):
        page.cell(row, 1, name)
        for place, factor in enumerate(factors):
            page.cell(row, 2 + place, factor)
        page[f"{total}{row}"] = f"=SUMPRODUCT(B{row}:{last}{row},$B$3:${last}$3)"
        page[f"{right}{row}"] = limit
    sides = [(f"${total}${row}", one[2], f"${right}${row}") for row, one in enumerate(rows, 6)]
    set_up(page, f"${total}$4", f"$B$3:${last}$3", sides, **more)
    book.save(path)
    return path


WYNDOR: list[Row] = [("Plant 1", [1, 0], "<=", 4), ("Plant 2", [0, 2], "<=", 12), ("Plant 3", [3, 2], "<=", 18)]


def reports(path: Path, *kinds: Any, **more: Any) -> dict[str, Report]:
    found = solve(path, reports=kinds, dry_run=True, **more)
    return {report.kind: report for report in found.reports}


def numbers(table: Table) -> list[list[Any]]:
    """The rows without addresses and names."""
    return [list(row[2:]) for row in table.rows]


INF = float("inf")


def test_the_sensitivity_report_of_wyndor_glass_is_the_printed_one(tmp_path: Path) -> None:
    # Hillier and Lieberman's model; the report as printed in studylib.net/doc/15190649 (1E+30 is infinity).
    cells, rows = reports(mix(tmp_path / "w.xlsx", [3, 5], WYNDOR), "sensitivity")["sensitivity"].tables
    assert numbers(cells) == [[2, 0, 3, 4.5, 3], [6, 0, 5, INF, 3]]
    assert numbers(rows) == [[2, 0, 4, INF, 2], [12, 1.5, 12, 6, 6], [18, 1, 18, 6, 6]]
    assert cells.columns[2:] == (
        "Final Value", "Reduced Cost", "Objective Coefficient", "Allowable Increase", "Allowable Decrease",
    )  # fmt: skip
    assert rows.columns[2:] == (
        "Final Value", "Shadow Price", "Constraint R.H. Side", "Allowable Increase", "Allowable Decrease",
    )  # fmt: skip


def test_the_sensitivity_report_of_a_printed_excel_report_is_the_same(tmp_path: Path) -> None:
    # "Microsoft Excel 16.0 Sensitivity Report" in scribd.com/document/788299644: A 0, B 70, C 30, profit 5850.
    rows: list[Row] = [("1", [1, 1, 1], "<=", 100), ("2", [2, 3, 2], "<=", 300), ("3", [2, 3, 2], ">=", 250),
                       ("4", [1, 0, 2], ">=", 60)]  # fmt: skip
    found = solve(mix(tmp_path / "c.xlsx", [50, 60, 55], rows), reports=["sensitivity"], dry_run=True)
    assert found.objective_after == 5850
    cells, constraints = found.reports[0].tables
    assert numbers(cells) == [[0, -7.5, 50, 7.5, INF], [70, 0, 60, INF, 5], [30, 0, 55, 5, 15]]
    assert numbers(constraints) == [
        [100, 60, 100, 10, pytest.approx(6.666666667)], [270, 0, 300, INF, 30], [270, 0, 250, 20, INF],
        [60, -2.5, 60, 40, 60],
    ]  # fmt: skip


def _random_mix(seed: int) -> tuple[list[float], list[Row], bool]:
    generator = np.random.default_rng(seed)
    n, m = int(generator.integers(2, 6)), int(generator.integers(2, 6))
    profits = generator.integers(1, 30, n).astype(float).tolist()
    rows: list[Row] = []
    for place in range(m):
        factors = generator.integers(0, 9, n).astype(float)
        factors[generator.integers(n)] += 1.0
        rows.append((f"r{place}", factors.tolist(), "<=", float(generator.integers(20, 200))))
    rows.append(("all", [1.0] * n, "<=", float(generator.integers(10, 60))))
    return profits, rows, bool(seed % 2)


def _highs(profits: list[float], rows: list[Row], maximize: bool) -> Any:
    sign = -1.0 if maximize else 1.0
    upper = [(np.array(a) if rel == "<=" else -np.array(a), b if rel == "<=" else -b) for _, a, rel, b in rows]
    return linprog(sign * np.array(profits), A_ub=[a for a, _ in upper], b_ub=[b for _, b in upper], method="highs")


@pytest.mark.parametrize("seed", range(8))
def test_prices_and_reduced_costs_are_those_of_highs_in_excels_sign(tmp_path: Path, seed: int) -> None:
    # scipy's marginals: dz/db of the minimised problem; Excel's prices are dz/db of the sheet's own objective.
    profits, rows, maximize = _random_mix(seed)
    if not maximize:
        rows = [(name, factors, ">=", limit) for name, factors, _, limit in rows]
    typ = {} if maximize else {"solver_typ": "2"}
    cells, constraints = reports(mix(tmp_path / "r.xlsx", profits, rows, **typ), "sensitivity")["sensitivity"].tables
    judge = _highs(profits, rows, maximize)
    sign = -1.0 if maximize else 1.0
    turned = [1.0 if relation == "<=" else -1.0 for _, _, relation, _ in rows]
    assert [row[1] for row in numbers(constraints)] == pytest.approx(
        list(sign * judge.ineqlin.marginals * turned), abs=1e-7
    )
    assert [row[1] for row in numbers(cells)] == pytest.approx(list(sign * judge.lower.marginals), abs=1e-7)


@pytest.mark.parametrize("seed", range(6))
def test_ranges_end_where_a_moved_right_side_or_cost_changes_the_answer(tmp_path: Path, seed: int) -> None:
    # Solved again by HiGHS just inside and just beyond each end.
    profits, rows, maximize = _random_mix(seed)
    maximize = True
    cells, constraints = reports(mix(tmp_path / "r.xlsx", profits, rows), "sensitivity")["sensitivity"].tables
    base = -_highs(profits, rows, maximize).fun
    for place, (_, price, right, more, less) in enumerate(numbers(constraints)):
        for sign, reach in ((1.0, more), (-1.0, less)):
            inside = 0.99 * min(reach, 1e3)

            def at(step: float, sign: float = sign, place: int = place, right: float = right) -> float:
                moved = [*rows]
                moved[place] = (*rows[place][:3], right + sign * step)
                found = _highs(profits, moved, maximize)
                return -float(found.fun) if found.status == 0 else -INF

            assert at(inside) == pytest.approx(base + sign * inside * price, rel=1e-9, abs=1e-7)
            if np.isfinite(reach):
                beyond = reach + 0.1 * max(1.0, reach)
                assert at(beyond) < base + sign * beyond * price - 1e-9 or price == 0
    x = np.array([row[0] for row in numbers(cells)])
    for place, (_, _, cost, more, less) in enumerate(numbers(cells)):
        for sign, reach in ((1.0, more), (-1.0, less)):

            def best(step: float, sign: float = sign, place: int = place, cost: float = cost) -> tuple[float, float]:
                moved = [*profits]
                moved[place] = cost + sign * step
                return -float(_highs(moved, rows, maximize).fun), float(np.dot(moved, x))

            optimum, ours = best(0.99 * min(reach, 1e3))
            assert ours == pytest.approx(optimum, rel=1e-9)
            if np.isfinite(reach):
                optimum, ours = best(reach + 0.1 * max(1.0, reach))
                assert ours < optimum - 1e-9


def test_the_answer_report_says_before_after_binding_and_slack(tmp_path: Path) -> None:
    objective, cells, rows = reports(mix(tmp_path / "w.xlsx", [3, 5], WYNDOR), "answer")["answer"].tables
    assert objective.title == "Objective Cell (Max)"
    assert objective.rows == [("$D$4", "Profit Total", 8.0, 36.0)]
    assert cells.rows == [("$B$3", "Made A", 1.0, 2.0, "Contin"), ("$C$3", "Made B", 1.0, 6.0, "Contin")]
    assert rows.rows == [
        ("$D$6", "Plant 1 Total", 2.0, "$D$6<=$E$6", "Not Binding", 2.0),
        ("$D$7", "Plant 2 Total", 12.0, "$D$7<=$E$7", "Binding", 0.0),
        ("$D$8", "Plant 3 Total", 18.0, "$D$8<=$E$8", "Binding", 0.0),
    ]


def test_the_limits_report_moves_each_cell_alone(tmp_path: Path) -> None:
    _, cells = reports(mix(tmp_path / "w.xlsx", [3, 5], WYNDOR), "limits")["limits"].tables
    # With 6 windows no more than 2 doors fit, and none brings 30; by hand.
    assert numbers(cells) == [[2, 0, 30, 2, 36], [6, 0, 6, 6, 36]]


def test_rates_of_all_typed_numbers_are_those_of_models_solved_again(tmp_path: Path) -> None:
    path = mix(tmp_path / "w.xlsx", [3, 5], WYNDOR)
    table = reports(path, "inputs")["inputs"].tables[0]
    rates = {str(row[0]).replace("$", ""): float(row[3]) for row in table.rows if isinstance(row[3], float)}
    assert len(rates) == 8  # two of the twelve factors and one right side bring nothing: their constraint has slack
    for address, rate in rates.items():
        values = []
        for step in (1e-4, -1e-4):
            book = openpyxl.load_workbook(path)
            book["Plan"][address] = book["Plan"][address].value + step
            book.save(tmp_path / "moved.xlsx")
            values.append(solve(tmp_path / "moved.xlsx", dry_run=True).objective_after)
        assert (values[0] - values[1]) / 2e-4 == pytest.approx(rate, rel=1e-6), address


def test_reports_on_whole_numbers_are_refused_with_the_reason(tmp_path: Path) -> None:
    path = mix(tmp_path / "w.xlsx", [3, 5], WYNDOR)
    found = reports(path, "sensitivity", "limits", "inputs", "answer", constraints=["Plan!B3:C3 integer"])
    for kind in ("sensitivity", "limits", "inputs"):
        assert "not meaningful for models with whole numbers (here $B$3)" in str(found[kind].refused)
    assert [row[4] for row in found["answer"].tables[1].rows] == ["Integer", "Integer"]
    assert found["answer"].tables[2].rows[-1] == ("$B$3:$C$3", "", None, "$B$3:$C$3=Integer", "", None)


def test_an_infeasible_model_brings_an_irreducible_set_unasked(tmp_path: Path) -> None:
    path = mix(tmp_path / "w.xlsx", [3, 5], WYNDOR)
    found = reports(path, "answer", constraints=["Plan!B3 >= 3", "Plan!C3 >= 5"])
    rows = found["feasibility"].tables[0].rows
    # 3·3 + 2·5 = 19 > 18.
    assert [row[3] for row in rows] == ["$D$8<=$E$8", "$B$3>=3", "$C$3>=5"]


def test_a_contradiction_names_the_bound_that_only_the_set_up_sets(tmp_path: Path) -> None:
    """C3, which is 1, is to be -1 or less, and by the option 0 or more: slack of 1 and of -2."""
    path = mix(tmp_path / "w.xlsx", [3, 5], WYNDOR)
    found = reports(path, "answer", constraints=["Plan!C3 <= -1"])
    rows = found["feasibility"].tables[0].rows
    assert [row[2:] for row in rows] == [
        (1.0, "$C$3>=0 (not negative, by the set-up's option)", "Not Binding", 1.0),
        (1.0, "$C$3<=-1", "Violated", -2.0),
    ]


@pytest.fixture
def solved(tmp_path: Path) -> tuple[Path, Solution]:
    path = mix(tmp_path / "w.xlsx", [3, 5], WYNDOR)
    target = tmp_path / "solved.xlsx"
    found = solve(
        path, reports=["answer", "sensitivity", "limits", "linearity", "inputs"], output=target, moving=["E7"]
    )
    return target, found


def test_added_sheets_are_valid_and_show_what_the_tables_say(solved: tuple[Path, Solution]) -> None:
    path, _ = solved
    assert validity_faults(path) == validity_faults(path.with_name("w.xlsx"))  # openpyxl's own order of a font's parts
    assert repair_causes(path) == []
    for values in (libreoffice_values(path), gnumeric_values(path)):
        assert values["Sensitivity Report 1"]["E6"] == 0
        assert values["Sensitivity Report 1"]["G7"] == 1e30  # as Excel prints infinity
        assert values["Plan"]["D4"] == 36


def test_bars_are_drawn_of_the_rows_that_the_table_has(solved: tuple[Path, Solution]) -> None:
    path, found = solved
    report = found.report("inputs")
    assert report.bars is not None
    rows = report.tables[report.bars.table].rows[: report.bars.most]
    page = openpyxl.load_workbook(path)["Inputs Report 1"]
    (series,) = page._charts[0].series
    drawn = [
        [cell[0].value for cell in page[one.f.rpartition("!")[2]]] for one in (series.cat.strRef, series.val.numRef)
    ]
    columns = report.tables[report.bars.table].columns
    wanted = [[row[columns.index(one)] for row in rows] for one in (report.bars.label, report.bars.column)]
    assert drawn == wanted and len(rows) > 5


def test_a_note_reaches_from_the_first_to_the_last_column_of_the_widest_table(solved: tuple[Path, Solution]) -> None:
    path, found = solved
    book = openpyxl.load_workbook(path)
    noted = [report for report in found.reports if report.notes]
    assert noted
    for report in noted:
        page = book[f"{report.title} 1"]
        last = 1 + max(len(table.columns) for table in report.tables)
        assert {(area.min_col, area.max_col) for area in page.merged_cells.ranges} == {(2, last)}, report.title


def test_a_long_note_has_as_many_lines_as_it_takes_below_its_table(tmp_path: Path) -> None:
    path = mix(tmp_path / "w.xlsx", [3, 5], WYNDOR)
    # Columns of 42 and 9 characters: 500 characters take eleven lines of 51 with a tenth to spare.
    report = Report("answer", tables=[Table("Cells", ("Name", "Value"), [("n" * 60, 1.0)])], notes=["x" * 500])
    with xlsxwriter.Workbook(tmp_path / "report.xlsx") as book:
        draw = drawing(Workbook.open(path), "Plan", [report])
        assert draw is not None
        draw(book)
    page = openpyxl.load_workbook(tmp_path / "report.xlsx")["Answer Report 1"]
    (note,) = page.merged_cells.ranges
    assert (note.min_col, note.max_col) == (2, 3)
    assert page.row_dimensions[note.min_row].height == 15 * 11


def test_what_a_solve_found_is_json_in_its_own_letters(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    page = book.active
    page.title = "Löhne"
    page["A1"], page["A2"] = 3.0, "=(A1-1)^2"
    book.save(tmp_path / "l.xlsx")
    found = solve(tmp_path / "l.xlsx", dry_run=True, objective="A2", changing=["A1"])
    assert "Löhne" in found.to_json() and json.loads(found.to_json()) == found.as_dict()


def test_a_second_report_gets_the_next_number(solved: tuple[Path, Solution], tmp_path: Path) -> None:
    solve(solved[0], reports=["answer"], output=tmp_path / "again.xlsx", trust_embedsheet=True)
    assert openpyxl.load_workbook(tmp_path / "again.xlsx").sheetnames[-1] == "Answer Report 2"


def test_the_command_prints_reports_and_gives_them_as_json(tmp_path: Path) -> None:
    path = mix(tmp_path / "w.xlsx", [3, 5], WYNDOR)
    told = CliRunner().invoke(app, ["solve", str(path), "--report", "Sensitivity, limits", "--dry-run"]).output
    assert "$D$7  Plant 2 Total           12           1.5                    12                   6" in told
    words = ["solve", str(path), "--report", "all", "--json", "--dry-run"]
    data = json.loads(CliRunner().invoke(app, words).stdout)
    assert [report["kind"] for report in data["reports"]] == list(KINDS)
    cells = data["reports"][1]["tables"][0]["rows"]
    assert cells[1]["Allowable Increase"] == "inf"
    assert data["reports"][KINDS.index("feasibility")]["refused"].startswith("there is no contradiction")


def test_the_population_report_describes_the_last_points_of_a_global_search(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    page = book.active
    page.title = "Plan"
    for address, value in {
        "A1": "width", "B1": 3, "A2": "height", "B2": 4, "A4": "cost", "A5": "area", "B5": "=B1*B2",
        "B4": "=ROUNDUP(B1*1.3,0)^2+(B2-2)^2+B1*B2/3",
    }.items():  # fmt: skip
        page[address] = value
    set_up(page, "$B$4", "$B$1:$B$2", [("$B$5", ">=", "3"), ("$B$1:$B$2", "<=", "9")], solver_typ="2", solver_eng="3")
    path = tmp_path / "steps.xlsx"
    book.save(path)
    found = solve(path, reports=["population"], method="global")
    assert found.population is not None and "global search" in found.message
    cells, rows = found.report("population").tables
    # solver.com, "Interpreting the Population Report": best, mean, standard deviation, maximum, minimum.
    assert cells.columns[2:] == ("Best Value", "Mean Value", "Standard Deviation", "Maximum Value", "Minimum Value")
    points = found.population
    expected = np.array([found.x, points.mean(axis=0), points.std(axis=0, ddof=1), points.max(axis=0),
                         points.min(axis=0)]).T  # fmt: skip
    assert np.array(numbers(cells), float) == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert [row[0] for row in rows.rows] == ["$B$5", "$B$1", "$B$2"]  # once, though it has two limits
    areas = points.prod(axis=1)
    assert numbers(rows)[0] == pytest.approx(
        [found.x.prod(), areas.mean(), areas.std(ddof=1), areas.max(), areas.min()]
    )
    shown = [cell.value for row in openpyxl.load_workbook(path)["Population Report 1"].iter_rows() for cell in row]
    assert shown.count("Standard Deviation") == 2 and shown.count("Best Value") == 2
    refused = reports(mix(tmp_path / "mix.xlsx", [3, 5], WYNDOR), "population")["population"].refused
    assert refused is not None and "linear found the values" in refused


def test_a_report_that_there_is_not_is_named(tmp_path: Path) -> None:
    path = mix(tmp_path / "w.xlsx", [3, 5], WYNDOR)
    with pytest.raises(ModelError, match=r"no report 'sensitivty'; did you mean sensitivity"):
        solve(path, reports=["sensitivty"], dry_run=True)


def test_steps_show_the_objective_and_the_changing_cells_of_each_iterate(tmp_path: Path) -> None:
    path = mix(tmp_path / "w.xlsx", [3, 5], WYNDOR)
    said = CliRunner().invoke(app, ["solve", str(path), "--step", "--dry-run"]).output.splitlines()
    assert said[0].startswith("Iteration 0: objective 8,")
    assert said[0].endswith("Plan!B3 = 1, Plan!C3 = 1")
    assert said[1].startswith("Iteration 1: objective 36,")
    assert said[1].endswith("Plan!B3 = 2, Plan!C3 = 6")


def test_a_model_without_constraints_has_no_doubts_and_no_limits(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    page = book.active
    page.title = "Plan"
    page["A1"], page["A2"], page["B1"] = 0.0, "=(A1-B1)^2+1", 3
    set_up(page, "$A$2", "$A$1", [], solver_typ="2", solver_neg="2", solver_eng="1")
    book.save(tmp_path / "p.xlsx")
    found = reports(tmp_path / "p.xlsx", "sensitivity", "limits", "inputs", moving=["B1"])
    assert found["sensitivity"].notes == []
    assert numbers(found["limits"].tables[1]) == [[pytest.approx(3), "none", None, "none", None]]
    assert [row[3] for row in found["inputs"].tables[-1].rows] == [pytest.approx(1)]


def test_numbers_by_which_formulas_choose_are_left_out_by_address(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    page = book.active
    page.title = "Plan"
    # A text where B2 is 0: what kind A3 is depends on B2.
    page["A1"], page["B1"], page["B2"] = 1.0, 3, 5
    page["A3"], page["A2"] = '=IF(B2=0,"",B2*A1)', "=(A1-B1)^2+SUM(A3)"
    set_up(page, "$A$2", "$A$1", [], solver_typ="2", solver_neg="2", solver_eng="1")
    book.save(tmp_path / "p.xlsx")
    report = reports(tmp_path / "p.xlsx", "inputs")["inputs"]
    assert [row[0] for row in report.tables[0].rows] == ["$B$1"]
    assert any(note.endswith("choose by them what to compute: $B$2.") for note in report.notes)


def test_inspect_says_as_json_where_each_set_up_bends(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    page = book.active
    page.title = "Plan"
    page["A1"], page["A2"] = 1.0, "=EXP(A1)+A1*A1"
    set_up(page, "$A$2", "$A$1", [], solver_typ="2", solver_eng="1")
    book.save(tmp_path / "p.xlsx")
    data = json.loads(CliRunner().invoke(app, ["inspect", str(tmp_path / "p.xlsx"), "--json"]).stdout)
    assert {(row["Function"], row["Makes it"]) for row in data["bends"]["Plan"]} == {
        ("EXP", "nonlinear"), ("a product", "quadratic"),
    }  # fmt: skip
    assert {row["Cells"] for row in data["bends"]["Plan"]} == {"Plan!A2"}


def test_limits_without_an_objective_show_none(tmp_path: Path) -> None:
    path = mix(tmp_path / "w.xlsx", [3, 5], WYNDOR)
    book = openpyxl.load_workbook(path)
    del book["Plan"].defined_names["solver_opt"]
    book.save(path)
    (table,) = reports(path, "limits")["limits"].tables
    # At 1 and 1, within plant 1's 4 and plant 2's 12/2.
    assert numbers(table) == [[1, 0, None, 4, None], [1, 0, None, 6, None]]


def test_a_right_side_that_cannot_move_either_way_has_no_range(tmp_path: Path) -> None:
    # x + y ≤ 0 with x, y ≥ 0 leaves (0, 0) alone: x + 2y = 0 may neither grow nor fall, by hand.
    path = write(tmp_path / "b.xlsx", {"A1": 0, "A2": 0, "C1": "=-A1+2*A2", "D1": "=A1+A2", "D3": "=A1+2*A2"})
    found = reports(path, "sensitivity", objective="C1", changing=["A1:A2"], constraints=["D1 <= 0", "D3 = 0"],
                    sense="minimize", nonnegative=True)  # fmt: skip
    rows = numbers(found["sensitivity"].tables[1])
    assert rows[1][-2:] == [0, 0]
    assert "after an increase nothing satisfies the constraints" in " ".join(found["sensitivity"].notes)

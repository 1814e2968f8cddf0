"""What a write leaves in the stored results: what was checked at the start, and nothing else."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import xlsxwriter

from embedsheet.compiler.following import following
from embedsheet.ground.notation.addresses import Area
from embedsheet.mirrors.recommender import results as keras_results
from embedsheet.solver import solve
from embedsheet.workbook import Edit, Workbook
from kit import judges

AT_START = {"B1": 7.0, "B2": 8.0, "C1": 14.0, "C2": 24.0, "D1": 2.0}


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """A1 = 1 and (A1 − 3)² as objective; on Report, B1 is stored as 99 where =A1+6 gives 7."""
    path = tmp_path / "report.xlsx"
    with xlsxwriter.Workbook(path) as book:
        model, page = book.add_worksheet("Model"), book.add_worksheet("Report")
        model.write("A1", 1.0)
        model.write_formula("B1", "=(A1-3)^2", None, 4.0)
        stored = {**AT_START, "B1": 99.0}
        formulas = {"B1": "=Model!A1+6", "B2": "=Model!A1+7", "C1": "=2*B1", "C2": "=3*B2", "D1": "=IF(C1>0,2,3)"}
        for address, formula in formulas.items():
            page.write_formula(address, formula, None, stored[address])
    as_excel_leaves_it(path)
    return path


def asks_for_calculation(path: Path) -> bool:
    with zipfile.ZipFile(path) as archive:
        return b'fullCalcOnLoad="1"' in archive.read("xl/workbook.xml")


def as_excel_leaves_it(path: Path) -> None:
    """XlsxWriter asks for a full calculation in every file; Excel, having calculated, does not."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["xl/workbook.xml"] = parts["xl/workbook.xml"].replace(b' fullCalcOnLoad="1"', b"")
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    assert not asks_for_calculation(path)


def cells(path: Path) -> dict[str, float]:
    book = Workbook.open(path)
    return {address: float(book.numbers(book.area(address, "Report"))[0, 0]) for address in AT_START}


def test_a_result_that_was_not_reproduced_is_left_alone_with_all_that_reads_it(report: Path) -> None:
    solution = solve(report, objective="Model!B1", changing=["Model!A1"])
    # A1 is 3 now: B2 = 10 and C2 = 30 were checked; C1 and D1 agreed by luck, but read B1.
    assert cells(report) == pytest.approx({"B1": 99.0, "B2": 10.0, "C1": 14.0, "C2": 30.0, "D1": 2.0})
    [note] = [note for note in solution.notes if "left as they are" in note]
    assert "Report!B1, Report!C1, Report!D1;" in note
    assert asks_for_calculation(report)


def test_of_an_edit_only_what_follows_from_it_is_said_to_be_left(tmp_path: Path) -> None:
    """A1 becomes 5, and D1 10; C1, stored wrongly, is left; E1, as wrong, follows from nothing that was changed."""
    path = tmp_path / "book.xlsx"
    with xlsxwriter.Workbook(path) as book:
        page = book.add_worksheet("S")
        page.write("A1", 1.0)
        page.write("B1", 7.0)
        page.write_formula("C1", "=A1+6", None, 99.0)
        page.write_formula("D1", "=A1*2", None, 2.0)
        page.write_formula("E1", "=B1+1", None, 99.0)
    as_excel_leaves_it(path)
    found = following(Workbook.open(path), [Edit.of_numbers(Area("S", 1, 1, 1, 1), np.array([[5.0]]))])
    [edit] = found.edits
    assert (edit.rows.tolist(), edit.columns.tolist(), edit.numbers.tolist()) == ([1], [4], [10.0])
    assert [str(cell) for cell in found.left_alone] == ["S!C1"]


def test_results_that_were_all_reproduced_are_written_and_nothing_is_asked_of_the_program(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    with xlsxwriter.Workbook(path) as book:
        page = book.add_worksheet("S")
        page.write("A1", 1.0)
        page.write_formula("B1", "=(A1-3)^2", None, 4.0)
        page.write_formula("C1", "=A1*100", None, 100.0)
    as_excel_leaves_it(path)
    solution = solve(path, objective="S!B1", changing=["A1"])
    assert Workbook.open(path).numbers(Area("S", 1, 3, 1, 3))[0, 0] == pytest.approx(300)
    assert not any("left as they are" in note for note in solution.notes)
    assert not asks_for_calculation(path)


def test_whoever_trusts_the_recomputed_values_gets_them(report: Path) -> None:
    solve(report, objective="Model!B1", changing=["Model!A1"], trust_embedsheet=True)
    assert cells(report) == pytest.approx({"B1": 9.0, "B2": 10.0, "C1": 18.0, "C2": 30.0, "D1": 2.0})


def test_what_keras_learned_is_written_by_the_same_rule(report: Path) -> None:
    book = Workbook.open(report)
    written = keras_results.save(book, [Edit.of_numbers(Area("Model", 1, 1, 1, 1), np.array([[3.0]]))])
    assert cells(report) == pytest.approx({"B1": 99.0, "B2": 10.0, "C1": 14.0, "C2": 30.0, "D1": 2.0})
    assert "Report!B1" in written.notes[0] and "Report!C1" in written.notes[0]
    assert asks_for_calculation(report)


def test_formulas_that_read_the_log_of_a_solve_are_refreshed(tmp_path: Path) -> None:
    """A workbook of somebody's own that has the log's names; Gnumeric says what its formulas give afterwards."""
    path = tmp_path / "own.xlsx"
    mine = {
        "A1": ('=Log!A1&" after "&Log!B1', "nothing yet after 0"),
        "A2": ("=COUNT(Log!D1:D40)", 40.0),  # of an older, longer run: most are empty afterwards
        "A3": ("=A2*2", 80.0),
        "A4": ("=Log!D40+1", 8.0),
        "A5": ("=Log!B1+1", 99.0),  # not what is stored in Log!B1 gives: left alone, with what reads it
        "A6": ("=A5+Model!A1", 100.0),
        "A7": ("=IF(1,5,2)", 5.0),  # reads nothing
        "A8": ("=Log!D1+Log!D40+Model!A1", 15.0),  # of both
    }
    with xlsxwriter.Workbook(path) as book:
        model, log, page = (book.add_worksheet(name) for name in ("Model", "Log", "Mine"))
        model.write("A1", 1.0)
        model.write_formula("B1", "=(A1-3)^2", None, 4.0)
        log.write("A1", "nothing yet")
        log.write("B1", 0.0)
        for row in range(40):
            log.write(row, 3, 7.0)
        facts = ("status", "iterations", "sheet", "method", "before", "after", "evaluations", "gradient", "seconds")
        for place, name in enumerate(facts):
            book.define_name(f"Log!solver.{name}", f"=Log!${'AB'[place]}$1" if place < 2 else f"=Log!$G${place}")
        for column, name in zip("DEHI", ("iteration", "objective", "gradient", "seconds"), strict=True):
            book.define_name(f"Log!solver.history.{name}", f"=Log!${column}$1:${column}$40")
        for address, (formula, stored) in mine.items():
            page.write_formula(address, formula, None, stored)
    as_excel_leaves_it(path)
    solution = solve(path, objective="Model!B1", changing=["Model!A1"])
    stored, right = judges.read_values(path)["Mine"], judges.gnumeric_values(path)["Mine"]
    assert right["A1"] == f"optimal after {solution.iterations}"
    assert right["A2"] == len(solution.history) < 40
    assert right["A4"] == 1
    same = ("A1", "A2", "A3", "A4", "A7", "A8")
    assert {one: stored[one] for one in same} == {one: right[one] for one in same}
    assert (stored["A5"], stored["A6"]) == (99, 100)
    [note] = [note for note in solution.notes if "left as they are" in note]
    assert "Mine!A5" in note and "Mine!A6" in note
    assert asks_for_calculation(path)


def test_a_large_result_is_written_the_same_after_the_program_is_let_go(
    report: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a large result the compiled program is let go before it is written; here a small one counts as large."""
    found = []
    for name, many in (("usual.xlsx", 100_000), ("large.xlsx", 1)):
        monkeypatch.setattr(sys.modules["embedsheet.solvers.solve"], "_MANY", many)
        done = solve(report, "Model", objective="B1", changing=["A1"], output=tmp_path / name)
        with zipfile.ZipFile(tmp_path / name) as archive:
            found.append((done.cells_written, done.notes, {part: archive.read(part) for part in archive.namelist()}))
    assert found[0] == found[1]
    assert found[0][0] > 1

"""`embedsheet derive`: what the added sheet's formulas give is the gradient, whoever calculates them."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import openpyxl
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

import embedsheet as es
from embedsheet.cli import app
from embedsheet.ground.errors import ModelError, UnsupportedError
from embedsheet.ground.notation import tree as t
from embedsheet.ground.notation.addresses import Area, parse_area
from embedsheet.ground.notation.move import shift
from embedsheet.hosts.buttons.layout import add_buttons
from embedsheet.hosts.libreoffice.locate import import_uno
from embedsheet.hosts.libreoffice.office import Office
from embedsheet.lessons import find
from embedsheet.translations.gradient_sheet.layout import PAGE, lay_out
from embedsheet.translations.gradient_sheet.plan import Block
from embedsheet.translations.gradient_sheet.sheet import link_text
from embedsheet.workbook import Workbook
from kit import sheets
from kit.derived import Model, Textbook, derive_all, filled, grid, judge
from kit.judges import gnumeric_values, read_values, validity_faults
from kit.office import need_office
from kit.trials import TRIALS, small

SEED = np.random.default_rng(7)


@pytest.fixture(scope="module")
def plain_book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The MovieLens workbook without gradient sheets."""
    folder = tmp_path_factory.mktemp("plain")
    path: Path = find("movielens").load().build(folder / "movielens.xlsx", no_gradient_sheet=True)
    return path


@pytest.fixture(scope="module")
def office() -> Iterator[Office]:
    need_office()
    started = Office.start(headless=True)
    yield started
    started.close()


# Each lesson that has models to solve, small, and the gradient sheets that it carries.
SAMPLE = ("movielens", "gru")
ALIKE = ("Momentum", "Nesterov", "RMSProp", "Adagrad")  # of six rules that make steps, descent and Adam stand for all


# What a lesson carries by default, test_own_books hands to all programs.
@pytest.mark.parametrize("part", ["sample", pytest.param("all", marks=pytest.mark.soak)])
def test_spreadsheet_programs_calculate_the_exact_gradient_of_every_sheet_of_the_lessons(
    part: str, tmp_path: Path
) -> None:
    """Those that the lessons carry, and of their other model sheets those that `derive` adds."""
    made: dict[Path, list[Model]] = {}
    for lesson in TRIALS if part == "all" else SAMPLE:
        carried = [f"{sheet} gradient" for sheet in TRIALS[lesson].gradients]
        path: Path = find(lesson).load().build(tmp_path / f"{lesson}.xlsx", **small(lesson, tmp_path))
        book = Workbook.open(path)
        assert list(book.sheets)[-len(carried) :] == carried
        models = [sheet for sheet in book.setups if sheet not in ALIKE]
        for sheet in models:
            if f"{sheet} gradient" not in carried:
                es.derive(path, sheet)
        made[path] = [(sheet, {}) for sheet in models]
    judge(made)


@pytest.mark.parametrize("lesson", ["movielens", "rnn", "green-eggs", "optimisers", "lstm"])
def test_a_lesson_can_do_without_gradient_sheets(lesson: str, tmp_path: Path) -> None:
    path: Path = find(lesson).load().build(tmp_path / "lesson.xlsx", no_gradient_sheet=True)
    assert not [sheet for sheet in Workbook.open(path).sheets if sheet.endswith("gradient")]
    guide = [value for value in read_values(path)["Guide"].values() if isinstance(value, str)]
    own = lesson == "optimisers"  # whose own sheets have the gradient, in violet
    assert own or not [text for text in guide if "violet" in text.casefold()]


def test_the_gradient_sheets_of_a_lesson_grow_the_file_by_less_than_100_kilobytes(
    plain_book: Path, movielens_book: Path
) -> None:
    """It is to stay a file that is sent by mail."""
    assert 20_000 < movielens_book.stat().st_size - plain_book.stat().st_size < 100_000


def test_links_of_the_guide_lead_to_the_gradient_sheets(movielens_book: Path) -> None:
    guide = openpyxl.load_workbook(movielens_book)["Guide"]
    links = [cell.hyperlink.location for row in guide for cell in row if cell.hyperlink]
    assert links.count("'Cross-tab gradient'!A1") == 2
    assert "'One rating a row gradient'!A1" in links


def _random(rows: int, columns: int) -> NDArray[np.float64]:
    return np.round(SEED.normal(size=(rows, columns)), 3)


# (cells, objective, changing), each a model as textbooks and students write it.
MODELS: dict[str, Textbook] = {
    "a line by least squares": (
        {**grid(2, 1, _random(9, 2)), "E1": 0.3, "E2": -0.2,
         "E4": "=SUMPRODUCT((B2:B10-(E1*A2:A10+E2))^2)/ROWS(B2:B10)"},
        "E4", ["E1:E2"],
    ),
    "a line by rows": (
        {**grid(2, 1, _random(9, 2)), "G1": 0.3, "G2": -0.2,
         **filled(2, 10, {"C": "=G$1*A{r}+$G$2", "D": "=B{r}-C{r}", "E": "=D{r}^2"}), "G4": "=AVERAGE(E2:E10)"},
        "G4", ["G1", "G2"],
    ),
    "logistic regression": (
        {**grid(2, 1, np.column_stack([_random(8, 2), [0, 1, 1, 0, 1, 0, 0, 1]])), "H1": 0.1, "H2": -0.4, "H3": 0.2,
         **filled(2, 9, {"D": "=1/(1+EXP(-($H$1*A{r}+$H$2*B{r}+$H$3)))",
                          "E": "=-IF(C{r}=1,LN(D{r}),LN(1-D{r}))"}), "H5": "=SUM(E2:E9)/COUNT(E2:E9)"},
        "H5", ["H1:H3"],
    ),
    "decimal logarithms": (
        {**grid(2, 1, np.abs(_random(6, 1)) + 0.5), "D1": 0.7,
         **filled(2, 7, {"B": "=LOG10(A{r}*D$1)+LOG(A{r}+D$1)+LOG(D$1+2,A{r}+2)"}), "D3": "=SUMSQ(B2:B7)"},
        "D3", ["D1"],
    ),
    "a network that nobody filled down": (
        {"A1": 0.5, "A2": -1.0, "B1": 0.1, "B2": 0.2, "B3": -0.3, "B4": 0.4, "C1": 0.05, "C2": -0.05, "D1": 0.7,
         "D2": -0.8, "D3": 0.1, "E1": "=TANH(A1*B1+A2*B2+C1)", "E2": "=TANH(A1*B3+A2*B4+C2)",
         "F1": "=1/(1+EXP(-(E1*D1+E2*D2+D3)))", "G1": "=(F1-1)^2/2"},
        "G1", ["B1:B4", "C1:C2", "D1:D3"],
    ),
    "softmax by rows": (
        {**grid(2, 1, _random(5, 3)), **grid(2, 5, _random(3, 4)), "J2": 1, "J3": 3, "J4": 4, "J5": 2, "J6": 1,
         **filled(2, 6, {
             "L": "=$A{r}*E$2+$B{r}*E$3+$C{r}*E$4",
             "M": "=$A{r}*F$2+$B{r}*F$3+$C{r}*F$4", "N": "=$A{r}*G$2+$B{r}*G$3+$C{r}*G$4",
             "O": "=$A{r}*H$2+$B{r}*H$3+$C{r}*H$4", "P": "=MAX(L{r}:O{r})",
             "Q": "=EXP(L{r}-$P{r})", "R": "=EXP(M{r}-$P{r})", "S": "=EXP(N{r}-$P{r})", "T": "=EXP(O{r}-$P{r})",
             "U": "=SUM(Q{r}:T{r})", "V": "=-LN(INDEX(Q{r}:T{r},1,J{r})/U{r})"}), "J1": "=AVERAGE(V2:V6)"},
        "J1", ["E2:H4"],
    ),
    "matrix products as array formulas": (
        {**grid(1, 1, _random(4, 3)), **grid(1, 5, _random(3, 2)), "H1": ("H1:I4", "=MMULT(A1:C4,E1:F3)"),
         "K1": ("K1:L4", "=1/(1+EXP(-H1:I4))"), "N1": ("N1:O2", "=MMULT(TRANSPOSE(K1:L4),K1:L4)"),
         "Q1": "=SUMSQ(N1:O2)+SUM(K1:L4)"},
        "Q1", ["A1:C4", "E1:F3"],
    ),
    "look-ups by key": (
        {"A2": 11, "A3": 12, "A4": 13, "B2": 0.5, "B3": -0.2, "B4": 0.9, "C2": 0.1, "C3": 0.2, "C4": 0.3,
         **{f"E{r}": key for r, key in zip(range(2, 8), (11, 13, 12, 11, 13, 13), strict=True)},
         **filled(2, 7, {"F": "=VLOOKUP(E{r},$A$2:$C$4,2,FALSE)", "G": "=INDEX(C$2:C$4,MATCH($E{r},$A$2:$A$4,0))",
                          "H": "=F{r}*G{r}"}), "J1": "=SUMSQ(H2:H7)"},
        "J1", ["B2:C4"],
    ),
    "a choice by number, and one that rescues errors": (
        {"A1": 0.5, "A2": 2.0, "A3": -0.7, "B1": 1, "B2": 3, "B3": 2,
         **filled(1, 3, {"C": "=CHOOSE(B{r},$A$1,$A$2,$A$3)^2", "D": "=IFERROR(SQRT(A{r}),A{r}*3)"}),
         "F1": "=SUM(C1:D3)"},
        "F1", ["A1:A3"],
    ),
    "a running balance": (
        {"B1": 100.0, "C1": 0.03, "C2": 5.0, **filled(2, 14, {"B": "=B{p}*(1+$C$1)-$C$2"}),
         "E1": "=B14^2/1000+SUM(B2:B14)"},
        "E1", ["B1", "C1:C2"],
    ),
    "a recurrence backwards and to the right": (
        {"F1": 0.4, **{f"{c}1": f"=TANH({n}1*$H$1+$H$2)" for c, n in zip("EDCBA", "FEDCB", strict=True)}, "H1": 0.8,
         "H2": 0.1, "H4": "=A1^2+SUMPRODUCT(A1:F1,A1:F1)"},
        "H4", ["F1", "H1:H2"],
    ),
    "growing sums": (
        {**grid(1, 1, _random(8, 1)), **filled(1, 8, {"B": "=SUM(A$1:A{r})", "C": "=AVERAGE(A$1:A{r})"}),
         "E1": "=SUMSQ(B1:B8)+SUMXMY2(B1:B8,C1:C8)"},
        "E1", ["A1:A8"],
    ),
    "blanks and texts among the data": (
        {**grid(2, 1, _random(5, 3)), "B3": None, "C4": "n/a", "F1": 0.4, "F2": 0.6,
         **{f"{c}{r}": f"=$F$1*{s}{r}+$F$2" if (s, r) not in {("B", 3), ("C", 4)} else '=""'
            for c, s in zip("HIJ", "ABC", strict=True) for r in range(2, 7)},
         **{f"{c}{r}": f'=IF({s}{r}="","",{s}{r}-{h}{r})' if (s, r) != ("C", 4) else "=$F$1"
            for c, s, h in zip("LMN", "ABC", "HIJ", strict=True) for r in range(2, 7)},
         "F4": "=SQRT(SUMSQ(L2:N6)/COUNT(L2:N6))+SUMXMY2(A2:C6,H2:J6)+AVERAGE(L2:N6)"},
        "F4", ["F1:F2"],
    ),
    "means, spreads, extremes": (
        {**grid(1, 1, _random(6, 2)), "D1": "=STDEV(A1:B6)+VAR(A1:A6)*STDEVP(B1:B6)+VARP(A1:B6)+DEVSQ(A1:B6)",
         "D2": "=MAX(A1:B6)*MIN(A1:B6)+MAX(A1,B2)+MIN(0,A3)+PRODUCT(A1:A3)", "D3": "=D1+D2"},
        "D3", ["A1:B6"],
    ),
    "sums and means under conditions": (
        {**grid(1, 1, _random(8, 1)), **{f"B{r}": key for r, key in enumerate("xyxzyxzz", 1)},
         **{f"C{r}": r % 3 for r in range(1, 9)}, "E1": "x", "E2": "y", "E3": "z",
         **filled(1, 3, {"F": "=SUMIF($B$1:$B$8,E{r},$A$1:$A$8)^2", "G": "=AVERAGEIF($B$1:$B$8,E{r},$A$1:$A$8)",
                          "H": '=SUMIFS($A$1:$A$8,$B$1:$B$8,E{r},$C$1:$C$8,">0")*G{r}'}),
         "J1": '=SUM(F1:H3)+SUMIF(C1:C8,">1",A1:A8)*AVERAGEIFS(A1:A8,B1:B8,"z",C1:C8,"<2")'},
        "J1", ["A1:A8"],
    ),
    "look-ups at computed places": (
        {**grid(1, 1, _random(5, 2)), **{f"D{r}": r % 5 for r in range(1, 8)},
         **filled(1, 7, {"E": "=INDEX(A$1:A$5,D{r}+1)*INDEX($A$1:$B$5,6-(D{r}+1),2)",
                          "F": "=OFFSET($A$1,D{r},0)+INDEX($A$1:$B$5,1+MOD(D{r},2),1+MOD(D{r},2))"}),
         "H1": "=SUMPRODUCT(E1:E7,F1:F7)+HLOOKUP(2,{1,2;3,4},2,FALSE)*A1"},
        "H1", ["A1:B5"],
    ),
    "choices in words": (
        {"A1": 0.4, "A2": -1.1, **{f"B{r}": r for r in range(1, 5)},
         **filled(1, 4, {"C": "=_xlfn.IFS(B{r}=1,A$1^2,B{r}<4,A$1*A$2,TRUE,A$2^3)",
                          "D": "=_xlfn.SWITCH(B{r},1,A$1*3,2,A$2*2,A$1*A$2)",
                          "E": "=IFERROR(MATCH(B{r},{2,3},0)*A$1,A$2)"}),
         "H1": "=SUMSQ(C1:E4)"},
        "H1", ["A1:A2"],
    ),
    "conditions on the changing cells": (
        {**grid(1, 1, _random(6, 1)),
         **filled(1, 6, {"B": "=IF(A{r}>0,SQRT(A{r}),LN(1-A{r}))*IF(AND(A{r}<1,A{r}>-1),A{r},2)",
                          "C": "=MAX(A{r},0.1*A{r})+MIN(A{r},1)+ABS(A{r})+(A{r}>0)*A{r}"}),
         "E1": "=SUMPRODUCT(B1:B6,C1:C6)"},
        "E1", ["A1:A6"],
    ),
    "roots of zero, whose derivative counts as zero": (
        {"A1": 0.5, "A2": 0.5, "B1": "=A1-A2", "B2": "=SQRT(B1^2)+STDEV(A1:A2)+B1^0.5+SQRT(A1)", "B3": "=B2*A1"},
        "B3", ["A1:A2"],
    ),
    "trigonometry, powers, percents": (
        {"A1": 0.3, "A2": 1.7, "A3": "=SIN(A1)*COS(A2)+TAN(A1)/ATAN(A2)+ASIN(A1)-ACOS(A1)",
         "A4": "=A2^A1+A1^3-POWER(A2,0.5)",
         "A5": "=SINH(A1)+COSH(A1)-ABS(-A2)+A1%+-A2+SQRT(A2)", "A6": "=A3*A4/A5"},
        "A6", ["A1:A2"],
    ),
}  # fmt: skip


def test_spreadsheet_programs_calculate_the_exact_gradient_of_textbook_models(tmp_path: Path) -> None:
    judge(derive_all(tmp_path, MODELS))


def test_blocks_are_filled_from_one_form_each(tmp_path: Path, plain_book: Path) -> None:
    """Written for other cells, the first formula of a block is that cell's."""
    path = tmp_path / "films.xlsx"
    done = es.derive(plain_book, "One rating a row", path)
    book = Workbook.open(path)
    for area in done.gradients.values():
        first, *rest = area.cells()
        text = book.formula(first)
        assert text is not None
        for cell in rest:
            assert book.formula(cell) == shift(text, cell.row - first.row, cell.column - first.column)


def test_the_gradient_of_a_look_up_is_a_sum_by_key(tmp_path: Path, plain_book: Path) -> None:
    path = tmp_path / "films.xlsx"
    done = es.derive(plain_book, "One rating a row", path)
    book = Workbook.open(path)
    for area in done.gradients.values():
        assert str(book.formula(next(area.cells()))).startswith("SUMIF(")


def test_let_and_spilled_ranges_are_written_out(tmp_path: Path) -> None:
    """No judge here knows LET: the command itself compares with the exact engine. What it writes knows it neither."""
    cells = {
        "A1": 0.4, "A2": 0.3, "A3": -0.2,
        "B1": ("B1:B3", "=A1:A3^2"),
        "C1": "=_xlfn.LET(_xlpm.a,A1*3,_xlpm.b,EXP(_xlpm.a),_xlpm.a*_xlpm.b+_xlpm.b)",
        "C2": "=SUMPRODUCT(_xlfn.ANCHORARRAY(B1),_xlfn.ANCHORARRAY(B1))*C1",
    }  # fmt: skip
    path = sheets.write(tmp_path / "let.xlsx", cells)
    es.derive(path, objective="S!C2", changing=["S!A1:A3"])
    with zipfile.ZipFile(path) as package:
        added = package.read("xl/worksheets/sheet2.xml")
    assert b"LET" not in added
    assert b"ANCHORARRAY" not in added


def test_nothing_of_the_workbook_changes_but_by_the_added_sheet(tmp_path: Path, plain_book: Path) -> None:
    path = tmp_path / "films.xlsx"
    es.derive(plain_book, "Cross-tab with bias", path)
    lists = {"[Content_Types].xml", "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/styles.xml"}
    with zipfile.ZipFile(plain_book) as old, zipfile.ZipFile(path) as new:
        assert {name for name in old.namelist() if old.read(name) != new.read(name)} <= lists
    assert validity_faults(path) == []
    # It is to stay a file that is sent by mail.
    assert path.stat().st_size - plain_book.stat().st_size < 100_000


@pytest.mark.parametrize("sheet", ["Ada's net", "Look here!"])
def test_blocks_have_their_names_whatever_the_sheet_is_called(sheet: str, tmp_path: Path) -> None:
    path = sheets.write(tmp_path / "book.xlsx", {"A1": 3.0, "A2": 1.0, "B1": "=A1^2*A2"}, sheet)
    es.derive(path, sheet, tmp_path / "book.xlsm", objective="B1", changing=["A1:A2"], buttons=True)
    book = Workbook.open(tmp_path / "book.xlsm")
    added = f"{sheet} gradient"
    assert book.numbers(book.area("gradient.1", added)).tolist() == [[6.0], [9.0]]
    assert book.numbers(book.area("next.1", added)).tolist() == pytest.approx(np.array([[2.94], [0.91]]))
    assert book.area("changing.1", added) == Area(sheet, 1, 1, 2, 1)


def test_blocks_without_a_name_of_their_own_are_called_by_what_they_are_in_or_by_their_heading(tmp_path: Path) -> None:
    cells = {"A1": "weight", "A2": 0.5, "B1": "z", "C1": "state", "D2": 1.0}
    cells |= {f"B{row}": f"=A$2*{row}" for row in range(2, 6)}
    cells |= {"C2": 0.0} | {f"C{row}": f"=C{row - 1}*0.5+B{row}" for row in range(3, 6)} | {"E2": "=SUMSQ(C3:C5)"}
    path = sheets.write(tmp_path / "book.xlsx", cells, names={"steps.h": "S!$C$2:$C$5"})
    es.derive(path, "S", objective="E2", changing=["A2"])
    texts = {text for text in read_values(path)["S gradient"].values() if isinstance(text, str)}
    assert {text.partition("changes with ")[2] for text in texts} >= {"steps.h (C3:C5)", "z (B3:B5)", "weight (A2)"}


def test_a_solved_workbook_has_a_gradient_sheet(tmp_path: Path) -> None:
    """At an optimum every derivative is a sum of terms that cancel: only their last digits are left."""
    path = find("movielens").load().build(tmp_path / "films.xlsx", no_gradient_sheet=True)
    es.solve(path, "Cross-tab")
    es.derive(path, "Cross-tab", tmp_path / "gradient.xlsx")
    book = Workbook.open(tmp_path / "gradient.xlsx")
    assert np.abs(book.numbers(book.area("gradient.1", "Cross-tab gradient"))).max() < 1e-6


def test_next_values_are_one_step_of_gradient_descent(tmp_path: Path, plain_book: Path) -> None:
    path = tmp_path / "films.xlsx"
    es.derive(plain_book, "Cross-tab", path)
    book = Workbook.open(path)
    solution = es.solve(plain_book, "Cross-tab", method="gradient-descent", max_iterations=1, dry_run=True)
    stepped = [book.numbers(book.area(f"next.{k}", "Cross-tab gradient")).ravel() for k in (1, 2)]
    np.testing.assert_allclose(np.concatenate(stepped), solution.x, rtol=1e-12)


def test_a_model_to_be_made_large_steps_upwards_and_stays_within_its_bounds(tmp_path: Path) -> None:
    path = sheets.write(tmp_path / "up.xlsx", {"A1": 0.999, "A2": 0.2, "A3": "=A1*3+A2"})
    es.solve(path, objective="S!A3", changing=["S!A1:A2"], sense="maximize", constraints=["S!A1:A2 <= 1"],
             save_setup=True, max_iterations=0, output=tmp_path / "set.xlsx")  # fmt: skip
    shutil.copy(tmp_path / "set.xlsx", path)
    x = Workbook.open(path).numbers(Area("S", 1, 1, 2, 1)).ravel()
    es.derive(path)
    book = Workbook.open(path)
    # 0.01 is the learning rate; the derivatives are 3 and 1.
    expected = np.minimum(x + 0.01 * np.array([3.0, 1.0]), 1.0)
    np.testing.assert_allclose(book.numbers(book.area("next.1", "S gradient")).ravel(), expected, rtol=1e-15)


def test_all_cells_without_a_rule_are_named_at_once_and_nothing_is_written(tmp_path: Path) -> None:
    cells = {"A1": 0.3, "B1": "=GAMMA(A1+1)", "B2": "=GAMMALN(A1+1)", "C1": "=B1+B2"}
    path = sheets.write(tmp_path / "book.xlsx", cells)
    before = path.read_bytes()
    with pytest.raises(UnsupportedError) as refusal:
        es.derive(path, objective="S!C1", changing=["S!A1"])
    assert "S!B1" in str(refusal.value)
    assert "GAMMA," in str(refusal.value) or "GAMMA " in str(refusal.value)
    assert "S!B2" in str(refusal.value)
    assert path.read_bytes() == before


def test_links_to_gradients_begin_with_whole_words() -> None:
    names = ["characters.factors", "a.much.longer.name.of.weights", "weights", "Aratherlongwordwithoutanyend"]
    told = [link_text(f"{number}: ", name) for number, name in enumerate(names, 1)]
    assert told == ["1: characters.factors", "2: …name.of.weights", "3: weights", "4: …wordwithoutanyend"]
    assert max(map(len, told)) <= 21  # what two columns of ten have room for


def test_a_sheet_of_that_name_is_not_replaced(tmp_path: Path, plain_book: Path) -> None:
    path = tmp_path / "films.xlsx"
    es.derive(plain_book, "Cross-tab", path)
    with pytest.raises(ModelError, match="has a sheet Cross-tab gradient already: this gradient"):
        es.derive(path, "Cross-tab")


def test_the_command_says_where_the_gradients_stand(tmp_path: Path, plain_book: Path) -> None:
    target = tmp_path / "films.xlsx"
    outcome = CliRunner().invoke(app, ["derive", str(plain_book), "--sheet", "Cross-tab", "-o", str(target)])
    assert outcome.exit_code == 0, outcome.output
    assert "Cross-tab gradient" in outcome.output
    assert target.exists()


@pytest.mark.parametrize(("method", "of_solver"), [
    ("descent", "gradient-descent"), ("momentum", "momentum"), ("Adam", "adam"),
])  # fmt: skip
def test_the_buttons_walk_a_method_in_libreoffice_step_for_step(
    method: str, of_solver: str, tmp_path: Path, plain_book: Path, office: Office
) -> None:
    """Plain macros, run by LibreOffice's own Basic; nothing of ours is asked but for the comparison."""
    path = tmp_path / "films.xlsm"
    es.derive(plain_book, "Cross-tab", path, buttons=True)
    assert validity_faults(path) == []
    before, after, again = run_macros(
        office, path, {"M6": method, "D6": "0.02"}, ["GradientStep"] * 3 + ["GradientReset"]
    )
    walked = es.solve(plain_book, "Cross-tab", method=of_solver, learning_rate=0.02, max_iterations=3,
                      dry_run=True)  # fmt: skip
    assert walked.objective_after < walked.objective_before
    assert before == again == pytest.approx(walked.objective_before, rel=1e-12)
    assert after == pytest.approx(walked.objective_after, rel=1e-12)


def test_ten_presses_of_run_100_go_where_gradient_descent_goes(tmp_path: Path, office: Office) -> None:
    """A thousand steps in LibreOffice's Basic, beside xlwings' modules in a lesson, and the solver's thousand.

    A module that LibreOffice's Basic cannot read would keep all macros of the project from running.
    """
    path = tmp_path / "small.xlsm"
    find("movielens").load().build(path, users=4, movies=3, factors=1, finish=add_buttons)
    before, after, again = run_macros(office, path, {"D6": "0.05"}, ["GradientRun"] * 10 + ["GradientReset"])
    walked = es.solve(path, "Cross-tab", method="gradient-descent", learning_rate=0.05, max_iterations=1000,
                      dry_run=True)  # fmt: skip
    assert walked.objective_after < 0.9 * walked.objective_before
    assert before == again == pytest.approx(walked.objective_before, rel=1e-12)
    assert after == pytest.approx(walked.objective_after, rel=1e-11)


def test_iterative_calculation_does_not_walk_the_steps_of_descent(tmp_path: Path, office: Office) -> None:
    """What docs/derive.md says of it. The line's errors are 0.5, 1, 2.5, 1, so its derivatives −28 and −10.

    One step at the rate 0.01 is 0.78 and 1.1.
    """
    steps = 0, 1, 100
    cells = {f"{column}{row}": value for row, pair in enumerate([(1, 2), (2, 3), (3, 5), (4, 4)], 1)
             for column, value in zip("AB", pair, strict=True)}  # fmt: skip
    errors = {f"C{row}": f"=B{row}-($E$1*A{row}+$E$2)" for row in range(1, 5)}
    path = sheets.write(tmp_path / "line.xlsx", {**cells, **errors, "E1": 0.5, "E2": 1, "E4": "=SUMSQ(C1:C4)"})
    es.derive(path, "S", objective="E4", changing=["E1:E2"])
    document = office.desktop.loadComponentFromURL(path.as_uri(), "_blank", 0, ())
    try:
        document.IterationCount, document.IterationEpsilon = 100, 1e-9
        line = document.Sheets.getByName("S")
        for cell, text in {"H1": "0", "G1": "0.5", "G2": "1", "H2": "=IF(H1=0;0;MIN(H2+1;H1))"}.items():
            line.getCellRangeByName(cell).setFormula(text)
        shown = {}
        for iterated in (False, True):
            document.IsIterationEnabled = iterated
            for row in (1, 2):
                text = f"=IF($H$1=0;G{row};IF($H$2<$H$1;$'S gradient'.D{19 + row};E{row}))"
                line.getCellRangeByName(f"E{row}").setFormula(text)
            for wanted in steps:
                line.getCellRangeByName("H1").setFormula(str(wanted))
                shown[iterated, wanted] = [line.getCellRangeByName(cell).String for cell in ("E1", "E2", "H2")]
    finally:
        document.close(True)
    assert shown[True, 0] == ["0.5", "1", "0"]
    assert shown[False, 1][:2] == ["Err:522", "Err:522"]
    assert shown[True, 1] == ["0.5", "1.1", "1"]
    assert shown[True, 100] == ["Err:523"] * 3


def test_gnumeric_ends_an_iteration_after_a_few_rounds(tmp_path: Path) -> None:
    path = tmp_path / "count.xlsx"
    book = openpyxl.Workbook()
    book.active["A1"], book.active["B1"] = "=MIN(B1+1,60)", "=A1"
    book.calculation.iterate, book.calculation.iterateCount = True, 100
    book.save(path)
    assert gnumeric_values(path)["Sheet"]["A1"] in range(1, 60)


def run_macros(
    office: Office, path: Path, settings: Mapping[str, str], macros: Sequence[str]
) -> tuple[float, float, float]:
    """Return the objective before all macros, before the last one, and after it, as LibreOffice runs them."""
    run_always = import_uno().createUnoStruct("com.sun.star.beans.PropertyValue")
    run_always.Name, run_always.Value = "MacroExecutionMode", 4
    document = office.desktop.loadComponentFromURL(path.as_uri(), "_blank", 0, (run_always,))
    try:
        page = document.Sheets.getByName("Cross-tab gradient")
        document.CurrentController.setActiveSheet(page)
        for cell, value in settings.items():
            page.getCellRangeByName(cell).setFormula(value)
        found = [float(page.getCellRangeByName("D5").Value)]
        for macro in macros:
            place = f"vnd.sun.star.script:VBAProject.gradient.{macro}?language=Basic&location=document"
            document.getScriptProvider().getScript(place).invoke((), (), ())
            found.append(float(page.getCellRangeByName("D5").Value))
        return found[0], found[-2], found[-1]
    finally:
        document.close(True)


def _block(name: str, area: str, sheet: str = "S") -> Block:
    cells = parse_area(area, sheet).cells()
    return Block(name, sheet, "", (), {(cell.row, cell.column): t.Number(0.0) for cell in cells})


@pytest.mark.parametrize(("rows", "fourth"), [(3, (2, 5)), (21, (22, 0))])
def test_no_block_is_cut_by_a_printed_page_and_no_heading_runs_into_another(rows: int, fourth: tuple[int, int]) -> None:
    """Ten blocks of 5 columns: three and their labels fill 18 columns of 20; headings of 40 letters run over 5.

    The fourth stands on the next page across, or, where blocks are low, below: heading, three rows, and an empty one.
    """
    blocks = [
        _block(f"block {number}", f"{'BCDEFGHIJK'[number]}1:{'FGHIJKLMNO'[number]}{rows}") for number in range(10)
    ]
    placed = lay_out(blocks, title=lambda block: block.name.ljust(40, "x"))
    for one in placed:
        assert (one.left - 2) // PAGE == (one.left + 3) // PAGE
        assert one.heading == one.top - 1  # none is in another's way
    assert [one.left for one in placed[:3]] == [2, 8, 14]
    assert (placed[3].left, placed[3].top - placed[0].top) == fourth
    blocks = [_block(f"block {number}", f"{'BCDEFGHIJK'[number]}1:{'FGHIJKLMNO'[number]}3") for number in range(10)]
    stairs = lay_out(blocks[:3], title=lambda block: block.name.ljust(60, "x"))  # 60 letters run over 7 columns
    assert [one.top - one.heading for one in stairs] == [3, 2, 1]


def test_every_page_of_a_printed_gradient_has_title_and_addresses(plain_book: Path, tmp_path: Path) -> None:
    path = tmp_path / "films.xlsx"
    es.derive(plain_book, "Cross-tab", path)
    book = openpyxl.load_workbook(path)
    sheet = book["Cross-tab gradient"]
    assert sheet.print_title_rows == "$1:$3"
    area = book["Cross-tab"].defined_names["users.factors"].attr_text.split("!")[1].replace("$", "")
    first = openpyxl.utils.range_boundaries(area)
    row = f"{area.split(':')[0]}:{openpyxl.utils.get_column_letter(first[2])}{first[1]}"
    assert row in [cell.value for line in sheet.iter_rows() for cell in line]
    for part in sheet.print_area.split(","):
        left, top, right, bottom = openpyxl.utils.range_boundaries(part.split("!")[1].replace("$", ""))
        assert right - left < PAGE
        titles = [sheet.cell(1, column).value for column in range(left, right + 1)]
        assert sheet.title in titles
        cells = (cell.value for line in sheet.iter_rows(max(top, 4), bottom, left, right) for cell in line)
        assert any(value is not None for value in cells)


def test_blocks_of_nearly_the_same_rows_stand_side_by_side_each_cell_in_its_row() -> None:
    """Rows 10 to 100 and 12 to 102 of two filters: one band, of 93 rows, not two. A single cell is no part of it."""
    placed = {
        one.block.name: one
        for one in lay_out([_block("one", "B10:C100"), _block("two", "E12:F102"), _block("cell", "H50"),
                            _block("far", "B60:C150"), _block("other", "B60:C150", "T")])
    }  # fmt: skip
    one, two, cell, far, other = (placed[name] for name in ("one", "two", "cell", "far", "other"))
    assert (two.top - one.top, two.left - one.left) == (2, 3)
    assert one.shift[0] == two.shift[0]  # a cell's derivative is in the row of its neighbour's
    assert (cell.left, far.left, other.left) == (one.left, one.left, one.left)
    assert cell.heading == one.top + 93 + 1 and far.heading > cell.top and other.heading > far.top + 90

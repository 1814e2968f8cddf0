"""`embedsheet code`: the module that it writes gives what the workbook stores, and the sheet's gradient."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import embedsheet as es
from embedsheet.book.setups import Constraint
from embedsheet.cli import app
from embedsheet.ground.notation.addresses import parse_area
from embedsheet.translations.coder.code import codes
from embedsheet.translations.coder.names import identifier
from kit import modules, nets, sheets
from kit.trials import MODELS

# Lesson, sheet: those whose formulas are of other kinds than the models'.
OTHERS = [
    ("movielens", "One-hot"), ("movielens", "Compare"), ("green-eggs", "Shuffled"), ("green-eggs", "Similarity"),
    ("green-eggs", "Map"), ("rnn", "Scan"), ("pseudo-labels", "Mixed batch"), ("pseudo-labels", "Teacher"),
]  # fmt: skip

TARGETS = ("numpy", "jax", "keras")


@pytest.fixture(scope="module")
def lessons(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("lessons")
    return {
        # Gradient sheets, which take most of the time, stand behind the others and are none of these sheets.
        name: es.new(name, folder / f"{name}.xlsx", no_gradient_sheet=True)
        for name in {name for name, _ in (*MODELS, *OTHERS)}
    }


@cache
def _code(book: Path, sheet: str | None = None, to: str = "numpy") -> es.Code:
    """The code of a sheet, written once for all tests."""
    return es.code(book, sheet, to=to)


@pytest.mark.parametrize(("lesson", "sheet"), MODELS)
def test_a_lessons_modules_have_the_sheets_results_and_gradient(
    lessons: dict[str, Path], tmp_path: Path, lesson: str, sheet: str
) -> None:
    codes = {f"in_{to}": _code(lessons[lesson], sheet, to=to) for to in TARGETS}
    wanted = modules.sheet_gradient(lessons[lesson], sheet)  # exact derivatives, checked against differences elsewhere
    for to, found in modules.run_all(codes, tmp_path).items():
        assert found.stored > 1, to
        assert found.wrong == [], to
        assert found.gradient is not None, to
        assert np.abs(found.gradient - wanted).max() < 1e-9, to
        assert codes[to].statements <= codes[to].distinct, to


@pytest.mark.parametrize(("lesson", "sheet"), OTHERS)
def test_formulas_without_weights_are_a_module_too(
    lessons: dict[str, Path], tmp_path: Path, lesson: str, sheet: str
) -> None:
    code = _code(lessons[lesson], sheet)
    found = modules.run(code, tmp_path)
    assert found.stored > 1
    assert found.wrong == []
    assert code.statements <= code.distinct


def test_the_documentation_says_how_long_each_lessons_code_is(lessons: dict[str, Path]) -> None:
    page = (Path(__file__).parents[1] / "docs" / "code.md").read_text(encoding="utf-8")
    told = {
        tuple(cells[0].split(", ", 1)): tuple(int(one.replace(",", "")) for one in cells[1:4])
        for cells in re.findall(r"^\| ([^|]+) \| ([\d,]+) \| (\d+) \| (\d+) \|", page, re.MULTILINE)
    }
    for lesson, sheet in (*MODELS, ("green-eggs", "Similarity"), *OTHERS[-2:]):
        code = _code(lessons[lesson], sheet)
        formulas = sum(area.size for block in code.blocks if block.role == "block" for area in block.areas)
        found = formulas, code.distinct, code.statements
        assert told.get((lesson, sheet)) == found, f"| {lesson}, {sheet} | {formulas:,} | {found[1]} | {found[2]} |"


@pytest.mark.parametrize(("lesson", "sheet"), MODELS[:5])
def test_the_text_is_formatted_and_clean_by_ruff(lessons: dict[str, Path], lesson: str, sheet: str) -> None:
    text = _code(lessons[lesson], sheet).text
    for arguments in (["format", "--check", "--line-length", "120"], ["check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *arguments, "--isolated", "--no-cache", "--stdin-filename", "m.py", "-"],
            input=text, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout


def test_each_block_knows_its_cells_and_lines(lessons: dict[str, Path]) -> None:
    code = _code(lessons["movielens"], "Cross-tab")
    block = next(block for block in code.blocks if "predictions" in block.names)
    first, last = block.lines
    assert code.text.splitlines()[first - 1 : last] == ["    predictions = users_factors @ movies_factors"]
    assert [str(area) for area in block.areas] == ["'Cross-tab'!G32:U46"]
    assert block.formula == "MMULT($A32:$E32,G$26:G$30)"


@pytest.mark.parametrize("to", [*TARGETS, "torch"])
def test_blocks_know_their_lines_in_every_language(lessons: dict[str, Path], to: str) -> None:
    code = _code(lessons["rnn"], "n characters", to=to)
    lines = code.text.splitlines()
    for block in code.blocks:
        first, last = block.lines
        assert any(re.match(rf" *{name}(_steps)?\b", lines[first - 1]) for name in block.names), block
        assert last - first < 100  # its own statement, not those up to where it is read again


def test_several_languages_are_written_from_one_reading_as_each_alone(lessons: dict[str, Path]) -> None:
    # Keras first: its layers name cells anew, of which the other modules must not know.
    for lesson, sheet in (("movielens", "One rating a row"), ("lstm", "LSTM"), ("attention", "Attention")):
        book = es.Workbook.open(lessons[lesson])
        for to, found in codes(book, sheet, ("keras", "numpy", "jax")).items():
            alone = es.code(book, sheet, to=to)
            assert (found.text, found.blocks) == (alone.text, alone.blocks)
            assert found.arrays.keys() == alone.arrays.keys()


def test_a_matrix_product_a_relu_and_a_softmax_are_written_as_such(tmp_path: Path) -> None:
    cells: dict[str, object] = {
        f"{column}{row}": row * 0.3 - place * 0.7 for row in (1, 2, 3) for place, column in enumerate("ABC")
    }
    cells |= {f"{column}{row}": 0.2 * row - 0.4 * place for row in (5, 6, 7) for place, column in enumerate("EF")}
    cells |= {"E8": 0.1, "F8": -0.2}
    for row in (1, 2, 3):
        for column in "EF":
            cells[f"{chr(ord(column) + 4)}{row}"] = (
                f"=SUMPRODUCT($A{row}:$C{row},TRANSPOSE({column}$5:{column}$7))+{column}$8"
            )
            cells[f"{chr(ord(column) + 7)}{row}"] = f"=IF({chr(ord(column) + 4)}{row}>0,{chr(ord(column) + 4)}{row},0)"
            cells[f"{chr(ord(column) + 10)}{row}"] = f"=EXP({chr(ord(column) + 7)}{row})/SUM(EXP($L{row}),EXP($M{row}))"
    cells["R1"] = "=SUM(O1:P3)"
    book = sheets.write(tmp_path / "net.xlsx", cells)
    es.recalculate(book)
    code = es.code(book, objective="S!O1", changing=["S!E5:F7", "S!E8:F8"])
    assert "@" in code.text
    assert "np.maximum(0, " in code.text
    found = modules.run(code, tmp_path)
    assert found.wrong == []
    assert found.gradient is not None
    wanted = modules.sheet_gradient(book, "S", objective="S!O1", changing=["S!E5:F7", "S!E8:F8"])
    assert np.abs(found.gradient - wanted).max() < 1e-12


def test_a_formula_that_cannot_be_written_and_depends_on_the_weights_is_named(tmp_path: Path) -> None:
    book = sheets.write(tmp_path / "b.xlsx", {"A1": 2, "A2": "=FORECAST.ETS(A1,C1:C3,D1:D3)", "A3": "=A2^2"})
    with pytest.raises(es.EmbedsheetError, match=r"S!A2.*FORECAST\.ETS"):
        es.code(book, objective="S!A3", changing=["S!A1"])


def test_what_cannot_be_written_and_is_the_same_for_all_weights_is_a_constant_that_is_told(tmp_path: Path) -> None:
    book = sheets.write(tmp_path / "b.xlsx", {"A1": 2, "B1": 3, "A2": "=ROMAN(B1)", "A3": "=LEN(A2)*A1"})
    es.recalculate(book)
    code = es.code(book, objective="S!A3", changing=["S!A1"])
    assert [block.constants for block in code.blocks if block.cells == "S!A2"] == [("ROMAN",)]
    assert modules.run(code, tmp_path).wrong == []


def test_an_operator_that_is_not_written_is_told_as_it_is_typed(tmp_path: Path) -> None:
    cells = {"A1": 2, "B1": 65, "A2": '=CHAR(B1)&"b"', "A3": "=LEN(A2)*A1"}
    book = sheets.write(tmp_path / "b.xlsx", cells)
    es.recalculate(book)
    code = es.code(book, objective="S!A3", changing=["S!A1"])
    assert [block.constants for block in code.blocks if block.cells == "S!A2"] == [("CHAR", "the operator &")]
    assert modules.run(code, tmp_path).wrong == []


def test_bounds_and_constraints_of_the_set_up_are_in_train(tmp_path: Path) -> None:
    # By hand: the nearest point to (3, 4) with x + y <= 5 and y >= 2.5 is (2, 3) + ((0, 0)), where y >= 2.5 holds.
    cells = {"A1": 1, "A2": 1, "A3": "=(A1-3)^2+(A2-4)^2", "A4": "=A1+A2"}
    book = sheets.write(tmp_path / "b.xlsx", cells)
    es.solve(
        book, "S", objective="A3", changing=["A1:A2"], constraints=["A4 <= 5", "A2 >= 2.5"], save_setup=True,
        max_iterations=1,
    )  # fmt: skip
    code = es.code(book)
    code.save(tmp_path / "written.py")
    script = "import written; print([round(float(x), 6) for x in __import__('numpy').ravel(written.train())])"
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ast.literal_eval(done.stdout) == [2.0, 3.0]


def test_constraints_whose_right_sides_are_cells_or_a_formula_are_kept(tmp_path: Path) -> None:
    # The nearest point to (3, 4) with x <= 1, y = 2 · (x's bound): (1, 2), by hand.
    cells = {"A1": 0, "A2": 0, "A3": "=(A1-3)^2+(A2-4)^2", "A4": "=A1+0", "A5": "=A2*1", "B4": 1, "B5": 7}
    book = sheets.write(tmp_path / "b.xlsx", cells)
    es.recalculate(book)
    workbook = es.open(book)
    below = Constraint(parse_area("S!A4"), "<=", parse_area("S!B4"))
    equal = Constraint(parse_area("S!A5"), "=", "2*B4")  # Excel's Solver keeps such a text in solver_rhs2
    workbook.setups["S"] = sheets.setup("A3", ["A1:A2"], constraints=(below, equal))
    es.code(workbook).save(tmp_path / "written.py")
    script = "import written; print([round(float(x), 6) for x in __import__('numpy').ravel(written.train())])"
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ast.literal_eval(done.stdout) == [1.0, 2.0]


def test_the_command_writes_the_module_and_its_arrays_and_refuses_to_replace_them(
    lessons: dict[str, Path], tmp_path: Path
) -> None:
    target = tmp_path / "films.py"
    command = ["code", str(lessons["movielens"]), "--sheet", "One rating a row", "-o", str(target)]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert target.exists() and target.with_suffix(".npz").exists()
    again = CliRunner().invoke(app, command)
    assert again.exit_code == 2
    done = subprocess.run([sys.executable, str(target)], capture_output=True, text=True, check=True)
    assert "8 of 8 blocks equal what the workbook stores." in done.stdout
    assert "rmse: 2.87541 before" in done.stdout  # as the sheet shows it


@pytest.mark.parametrize("name", nets.NETS)
def test_a_foreign_networks_modules_have_the_sheets_results_and_gradient(tmp_path: Path, name: str) -> None:
    cells, objective, changing = nets.NETS[name]()
    book = sheets.write(tmp_path / "net.xlsx", cells)
    es.recalculate(book)
    codes = {f"in_{to}": es.code(book, to=to, objective=objective, changing=changing) for to in TARGETS}
    for to, found in modules.run_all(codes, tmp_path).items():
        assert found.stored > 2, to
        assert found.wrong == [], to
        assert codes[to].statements <= codes[to].distinct, to
        assert not any(block.constants for block in codes[to].blocks), to
        if objective is not None:
            assert found.gradient is not None, to
            wanted = modules.sheet_gradient(book, "S", objective=objective, changing=changing)
            assert np.abs(found.gradient - wanted).max() < 1e-9, to


def test_a_formula_cannot_end_the_comment_it_stands_in(tmp_path: Path) -> None:
    cells = {"A1": 1, "B1": '=IF(A1=1,"\u2028x\nimport os","""")', "C1": '="\\"&""""""', "A5": '"""', "A6": 2}
    cells["B6"] = "=A6*2"
    book = sheets.write(tmp_path / "b.xlsx", cells, sheet='"""\u2028')
    es.recalculate(book)
    code = es.code(book)
    assert "import os" not in [line.strip() for line in code.text.splitlines()]
    assert modules.run(code, tmp_path).wrong == []


def test_keras_code_has_the_layers_that_the_blocks_are(lessons: dict[str, Path]) -> None:
    ratings = _code(lessons["movielens"], "One rating a row", to="keras").text
    assert ratings.count("= layers.Embedding(15, 5)") == 2
    assert "predictions = self.dot([ratings_users_factors, ratings_movies_factors])[:, 0]" in ratings
    net = _code(lessons["rnn"], "Three characters", to="keras").text
    assert "= layers.Embedding(12, 3)" in net
    assert net.count("= layers.Dense(12)") == 1  # with the bias that stands in row 15
    assert "= layers.SimpleRNN(6, activation=" in net
    assert "steps_state = self.rnn(ops.stack([row_1, row_2, row_3], axis=1))[:, -1]" in net
    lstm = _code(lessons["lstm"], "LSTM", to="keras").text
    assert "lstm_state_h = self.lstm(ops.stack([x1, x2], axis=2))" in lstm
    assert "ops.convert_to_tensor(self.lstm.cell.kernel[:, :3])" in lstm  # for the penalty on squares
    assert "cross_entropy = ops.sum(aw30_aw80) / 6" in lstm  # six answers, between blanks
    assert "self.gru = layers.GRU(3" in _code(lessons["gru"], "GRU", to="keras").text
    assert "self.rnn(embedding_row)" in _code(lessons["rnn"], "Sequence", to="keras").text
    heads = _code(lessons["attention"], "Attention", to="keras").text
    assert "= layers.MultiHeadAttention(2, 2, value_dim=2, output_shape=4)" in heads
    assert "use_causal_mask=True" in heads
    assert "ops.convert_to_tensor(self.attention.key_dense.bias[1])" in heads
    filters = _code(lessons["conv"], "Convolution", to="keras").text
    assert "= layers.Conv2D(2, (3, 3))" in filters
    assert "i24_l197 = self.filters(pixels_0_light_1_dark[..., None])[..., 1]" in filters
    assert "cross_entropy = ops.sum(ln_p[:12]) / 12" in filters  # the answers that are learned from, between blanks


def test_forms_that_fill_a_rectangle_together_are_one_statement(lessons: dict[str, Path]) -> None:
    """Each place with each of its string: a form for each way from row to row; windows of pooling: one for each."""
    scores = next(one for one in _code(lessons["attention"], "Attention").blocks if "steps_1_scores" in one.names)
    assert [str(area) for area in scores.areas] == ["Attention!S26:X97"]
    pooled = next(one for one in _code(lessons["conv"], "Convolution").blocks if "pooled" in one.names)
    assert len(pooled.areas) == 36  # of 2 rows and 2 columns each: two filters, 18 images


def test_columns_with_a_formula_each_between_two_blocks_of_one_formula_are_one_product(
    lessons: dict[str, Path],
) -> None:
    text = _code(lessons["mlp"], "Spiral").text
    assert "gradient_hidden_2_z @ hidden_2_weights.T" in text
    assert "xp.stack(" not in text


def test_a_heading_at_the_top_of_a_growing_range_is_left_out_of_its_sum(tmp_path: Path) -> None:
    # Bass' diffusion as people type it: each period's sales need the sum of those before.
    cells: dict[str, object] = {"A1": 0.03, "B1": 0.4, "C1": "before", "D1": "sales", "E1": 1000}
    for row in range(2, 12):
        cells[f"C{row}"] = f"=SUM(D$1:D{row - 1})"
        cells[f"D{row}"] = f"=($A$1+$B$1*C{row}/$E$1)*($E$1-C{row})"
    cells["F1"] = "=SUMSQ(D2:D11)"
    book = sheets.write(tmp_path / "b.xlsx", cells)
    es.recalculate(book)
    code = es.code(book, objective="S!F1", changing=["S!A1:B1"])
    found = modules.run(code, tmp_path)
    assert found.wrong == []
    assert found.gradient is not None
    wanted = modules.sheet_gradient(book, "S", objective="S!F1", changing=["S!A1:B1"])
    assert np.allclose(found.gradient, wanted, rtol=1e-12)


@pytest.mark.torch
@pytest.mark.parametrize("name", [name for name in nets.NETS if name != "perceptron"])
def test_pytorch_code_has_the_sheets_results_and_gradient(tmp_path: Path, name: str) -> None:
    cells, objective, changing = nets.NETS[name]()
    book = sheets.write(tmp_path / "net.xlsx", cells)
    es.recalculate(book)
    found = modules.run(es.code(book, to="torch", objective=objective, changing=changing), tmp_path)
    assert found.wrong == []
    assert found.gradient is not None
    wanted = modules.sheet_gradient(book, "S", objective=objective, changing=changing)
    assert np.abs(found.gradient - wanted).max() < 1e-9


def test_pytorch_code_makes_tensors_of_what_does_not_depend_on_the_weights(lessons: dict[str, Path]) -> None:
    text = _code(lessons["movielens"], "Cross-tab", to="torch").text
    assert "errors = torch.where(torch.as_tensor(np.isnan(ratings)), np.nan, torch.as_tensor(ratings) - pred" in text
    ast.parse(text)


def test_a_volatile_cell_keeps_its_stored_value_and_is_told(tmp_path: Path) -> None:
    book = sheets.write(tmp_path / "b.xlsx", {"A1": 3, "B1": "=RAND()", "C1": "=A1*(1+B1)", "D1": "=C1^2"})
    es.recalculate(book)
    code = es.code(book, objective="S!D1", changing=["S!A1"])
    assert "S!B1: volatile" in code.notes[0]
    found = modules.run(code, tmp_path)
    assert found.wrong == []
    assert found.gradient is not None
    wanted = modules.sheet_gradient(book, "S", objective="S!D1", changing=["S!A1"])
    assert np.allclose(found.gradient, wanted, rtol=1e-12)


def test_a_workbook_with_several_set_ups_says_that_none_was_chosen(lessons: dict[str, Path]) -> None:
    code = _code(lessons["rnn"])
    assert "choose one with --sheet" in code.notes[-1]
    assert "class Weights" not in code.text


def test_what_an_if_throws_away_is_written_below_the_weights_that_it_reads(tmp_path: Path) -> None:
    """The masked scores of attention: no cell of B3:B4 depends on the weight, their formula does."""
    cells = {"A1": 2, "A2": 1, "A3": 0.5, "A4": -0.5, "C1": "=SUM(B1:B4)^2", "D1": "=A1^2"}
    cells |= {"B1": "=D1", "B2": "=A1"} | {f"B{row}": f"=IF($A$2=1,-5,A{row}*$D$1)" for row in (3, 4)}
    book = sheets.write(tmp_path / "b.xlsx", cells)
    es.recalculate(book)
    found = modules.run(es.code(book, objective="S!C1", changing=["S!A1"]), tmp_path)
    assert found.wrong == []
    assert found.gradient is not None
    # B1:B4 are a², a, -5, -5 with a = 2: (a² + a - 10)² = 16 and its derivative 2 (a² + a - 10)(2a + 1) = -40.
    assert found.gradient == pytest.approx([16, -40], rel=1e-12)


@pytest.mark.parametrize(
    ("heading", "name"),
    [("Länge (mm)", "lange_mm"), ("Größe", "große"), ("вес", "вес"), ("σ(z)", "σ_z"), ("x²", "x2"),
     ("残差ブロック 1", "残差ブロック_1"),
     ("1. Schicht", "n1_schicht"), ("−", ""), ("①", ""), ("for", "for_")],
)  # fmt: skip
def test_headings_of_all_scripts_are_names(heading: str, name: str) -> None:
    """Names as Python has them: letters of any script, in the form NFKC."""
    assert identifier(heading) == name
    assert name == "" or ast.parse(f"{name} = 1")


def test_a_number_kept_between_two_and_a_count_of_filled_cells_are_written(tmp_path: Path) -> None:
    """MEDIAN(0, x, 1) is how sheets keep x between 0 and 1; COUNTA of formulas does not depend on the weights."""
    cells: dict[str, object] = {"C1": 0.7, "C2": 0.9, "C3": -0.4, "D1": 0.2}
    for row, x in enumerate((-3.0, 0.5, 0.25, 3.0), 1):
        cells |= {f"A{row}": x, f"E{row}": f"=MEDIAN(0,A{row}*C$1+D$1,1)", f"F{row}": f"=MEDIAN(A{row}*D$1,C$2,C$3)"}
    book = sheets.write(tmp_path / "b.xlsx", cells | {"G1": "=(SUM(E1:E4)+SUMSQ(F1:F4))/COUNTA(E1:E4,F1:F4)"})
    es.recalculate(book)
    # By hand: E is 0, 0.55, 0.375, 1 and F -0.4, 0.1, 0.05, 0.6.
    code = es.code(book, objective="G1", changing=["C1", "D1"])
    assert "minimum(1, xp.maximum(0, " in code.text
    found = modules.run(code, tmp_path)
    assert found.wrong == []
    assert found.gradient is not None
    # G = (1.925 + 0.5325) / 8; dG/dC1 = (0.5 + 0.25) / 8; dG/dD1 = (2 + 2 (0.1 · 0.5 + 0.05 · 0.25 + 0.6 · 3)) / 8
    np.testing.assert_allclose(found.gradient, [2.4575 / 8, 0.75 / 8, (2 + 2 * 1.8625) / 8], rtol=0, atol=1e-12)

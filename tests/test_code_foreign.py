"""`embedsheet code` for networks drawn by hand: the modules give LibreOffice's results and the sheets' gradients."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import embedsheet as es
from embedsheet.cli import app
from embedsheet.ground.errors import UnsupportedError
from embedsheet.ground.notation.addresses import column_letters, parse_area
from embedsheet.translations.coder import derivative
from kit import foreign_nets, foreign_nets_more, modules, sheets

# The other languages spell the same expressions: a few nets that have every kind of them.
NETS = foreign_nets.NETS | foreign_nets_more.NETS
IN_KERAS = ("rnn_in_columns", "gru_in_rows", "windows_by_offset", "batch_norm_two_layers")
FEW = ("layers_on_sheets", "lstm_by_columns", "transformer", "residual_net")


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the workbooks with the results that LibreOffice stores."""
    return modules.stored_nets(NETS, tmp_path_factory.mktemp("nets"))


def _checked(books: dict[str, Path], folder: Path, to: str, names: list[str]) -> None:
    for name, code in modules.checked_nets(NETS, books, folder, to, names).items():
        assert not any(block.constants for block in code.blocks), name


def test_numpy_modules_have_the_stored_results_and_the_sheets_gradients(books: dict[str, Path], tmp_path: Path) -> None:
    _checked(books, tmp_path, "numpy", list(books))


@pytest.mark.parametrize("to", ["jax", "keras"])
def test_other_modules_have_the_stored_results_and_the_sheets_gradients(
    books: dict[str, Path], tmp_path: Path, to: str
) -> None:
    _checked(books, tmp_path, to, [*FEW, *(IN_KERAS if to == "keras" else ())])


@pytest.mark.parametrize(
    ("name", "words"),
    [("rnn_in_columns", "layers.SimpleRNN(3, activation=jnp.tanh, return_sequences=True)"),
     ("lstm_by_columns", "layers.LSTM(2, activation=jnp.tanh, return_sequences=True)"),
     ("gru_in_rows", "layers.GRU(2, activation=jnp.tanh, reset_after=False, return_sequences=True)")],
)  # fmt: skip
def test_keras_has_recurrent_layers_where_a_loop_is_one_however_it_is_typed(
    books: dict[str, Path], name: str, words: str
) -> None:
    text = _text(books, name, "keras")
    assert words in text
    assert "for t in range" not in text[text.index("def call") : text.index("MODEL =")]


def test_a_gate_that_keeps_by_its_negative_is_keras_gate_with_negative_weights(tmp_path: Path) -> None:
    cells, objective, changing = foreign_nets.gru_in_rows()
    net = {**cells["GRU"], "H2": 0.3, "I2": -0.2}
    for row in range(3, 11):
        for column, update, candidate in (("H", "B", "F"), ("I", "C", "G")):
            net[f"{column}{row}"] = f"={update}{row}*{candidate}{row}+(1-{update}{row})*{column}{row - 1}"
    book = sheets.write(tmp_path / "b.xlsx", net, "GRU")
    es.recalculate(book)
    code = es.code(book, to="keras", objective=objective, changing=changing)
    assert "layers.GRU(2" in code.text
    assert "initial_state=[" in code.text
    found = modules.run(code, tmp_path)
    assert found.wrong == []
    assert found.gradient is not None
    wanted = modules.sheet_gradient(book, None, objective=objective, changing=changing)
    assert np.abs(found.gradient - wanted).max() < 1e-9


@pytest.mark.parametrize(
    "formula", ["=C{0}*TANH(B{0})", "=(1-C{0})*F{0}+C{0}*H{1}*1.5", "=(1-B{0})*F{0}+C{0}*H{1}", "=MIN(B{0},F{0}+H{1})"]
)
def test_a_step_that_no_layer_computes_is_a_loop_in_keras_too(tmp_path: Path, formula: str) -> None:
    cells, objective, changing = foreign_nets.gru_in_rows()
    net = dict(cells["GRU"])
    for row in range(3, 11):
        net[f"H{row}"] = formula.format(row, row - 1)
    book = sheets.write(tmp_path / "b.xlsx", net, "GRU")
    es.recalculate(book)
    code = es.code(book, to="keras", objective=objective, changing=changing)
    assert not re.search(r"layers\.(GRU|LSTM|SimpleRNN)", code.text)
    assert "for t in range(8)" in code.text
    assert modules.run(code, tmp_path).wrong == []


def _text(books: dict[str, Path], name: str, to: str = "numpy") -> str:
    _, objective, changing = NETS[name]()
    return es.code(books[name], to=to, objective=objective, changing=changing).text


def test_copies_of_an_array_formula_that_need_the_one_before_are_a_loop(books: dict[str, Path]) -> None:
    text = _text(books, "rnn_in_columns")
    assert "for t in range(4):" in text
    assert text.count("i7_l9_steps.append(") == 1


def test_gates_typed_out_unit_by_unit_meet_in_the_state_of_a_loop(books: dict[str, Path]) -> None:
    text = _text(books, "gru_in_rows")
    assert "np.stack([z1_steps[-1], z2_steps[-1]]" in text


def test_copies_of_an_array_formula_are_written_each_by_what_it_reads(books: dict[str, Path]) -> None:
    assert "a10_b14, d10_e14, g10_h14 = (n2_q6 @ a2_b5, n2_q6 @ d2_e5, n2_q6 @ g2_h5)" in _text(books, "transformer")


def test_the_place_of_a_rows_largest_is_argmax_and_its_text_stands_apart_from_what_is_derived(
    books: dict[str, Path],
) -> None:
    text = _text(books, "layers_on_sheets")
    assert "def labels(weights: Weights)" in text
    assert "[softmax.argmax(axis=1)]" in text
    assert "argmax" not in text[text.index("def forward") : text.index("def labels")]


@pytest.mark.parametrize(
    "name",
    [
        "xor_by_neurons",
        "layers_on_sheets",
        "sumproduct_rows",
        "transformer",
        "tied_autoencoder",
        "skip_gram",
        "rnn_in_columns",
        "lstm_by_columns",
        "gru_in_rows",
    ],
)
def test_numpys_gradient_is_written_out(books: dict[str, Path], name: str) -> None:
    text = _text(books, name)
    assert "jax" not in text
    assert "slope = Weights(" in text


def test_the_gradient_of_a_layer_is_the_products_that_a_book_has(books: dict[str, Path]) -> None:
    lines = [line.strip() for line in _text(books, "layers_on_sheets").splitlines()]
    first = lines.index("d_a1 = d_z2 @ output_layer.T")
    assert lines[first : first + 5] == [
        "d_a1 = d_z2 @ output_layer.T", "d_z1 = np.where(z1 > 0, d_a1, 0)", "d_hidden_layer = sepal_length.T @ d_z1",
        "d_weights_hidden_layer = d_z1.sum(axis=0)", "d_output_layer = a1.T @ d_z2",
    ]  # fmt: skip


def test_a_gradient_written_out_that_differences_contradict_is_not_shown(
    books: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(derivative._RULES, "log", derivative._RULES["exp"])
    assert "jax.value_and_grad" in _text(books, "layers_on_sheets")


@pytest.mark.parametrize(
    ("name", "words"),
    [("layers_on_sheets", "z2, 1"), ("sumproduct_rows", "a, 1"),
     ("rnn_in_columns", "i12_l15, 1"), ("transformer", "a70_f74, 1")],
)  # fmt: skip
def test_powers_over_their_sum_are_softmax_however_they_are_typed(
    books: dict[str, Path], name: str, words: str
) -> None:
    # In three blocks with the largest taken off; with the powers typed one by one; by SUM; by SUMPRODUCT.
    assert f"_softmax({words}" in _text(books, name)


def test_keras_has_softmax_and_layer_normalisation_as_layers(books: dict[str, Path]) -> None:
    text = _text(books, "transformer", "keras")
    assert "= LayerNormalization(axis=-1, epsilon=0.001, center=True, scale=True)" in text
    assert "self.normalisation_1.gamma" in text
    assert "h70_m74 = self.softmax_1(a70_f74)" in text
    assert text.count("layers.Dense(") == 3


def test_keras_has_a_filter_that_moves_by_two_and_a_unit_of_its_own_as_layers(books: dict[str, Path]) -> None:
    text = _text(books, "windows_by_offset", "keras")
    assert "self.kernel = layers.Conv2D(1, (2, 2), strides=2)" in text
    assert "self.kernel(a1_h8[None, ..., None])[0, ..., 0]" in text
    assert "= layers.Dense(1)" in _text(books, "batch_norm_two_layers", "keras")


def test_keras_has_two_masked_heads_as_one_layer(books: dict[str, Path]) -> None:
    text = _text(books, "transformer", "keras")
    assert "layers.MultiHeadAttention(2, 2, value_dim=2, output_shape=4, use_bias=False)" in text
    call = text[text.index("def call") : text.index("def variables")]
    assert "a50_d54 = self.attention(" in call
    assert "use_causal_mask=True" in call
    assert "v10_z14" not in call  # the shares stand in `inside`, as the sheet computes them


def test_a_table_is_looked_up_by_what_stands_in_its_first_column(books: dict[str, Path]) -> None:
    # VLOOKUP of several columns of a table whose first column holds words, the others weights.
    assert "d2_g6 = e1[(token == transformer_token[:, None]).argmax(axis=1)]" in _text(books, "transformer")


def test_what_the_loss_does_not_need_and_no_rule_writes_is_left_out_and_told(tmp_path: Path) -> None:
    cells = {"A1": 2, "A2": "=FORECAST.ETS(A1,C1:C3,D1:D3)", "A3": "=A1^2", "A4": "=A2+1"}
    book = sheets.write(tmp_path / "b.xlsx", cells)
    es.recalculate(book)
    code = es.code(book, objective="S!A3", changing=["S!A1"])
    assert [note.partition(" is not")[0] for note in code.notes] == ["Not written: S!A2: FORECAST.ETS"]
    found = modules.run(code, tmp_path)
    assert found.wrong == []
    assert found.gradient is not None
    assert found.gradient.tolist() == [4.0, 4.0]  # x² and 2x at 2


def test_what_only_the_code_has_no_rule_for_is_left_out_with_what_needs_it(tmp_path: Path) -> None:
    cells = {"A1": 2, "A2": "=MEDIAN(A1,3,7,8)", "A3": "=A1^2", "A4": "=A2+1"}
    book = sheets.write(tmp_path / "b.xlsx", cells)
    es.recalculate(book)
    code = es.code(book, objective="S!A3", changing=["S!A1"])
    assert [note.partition(" is not")[0] for note in code.notes] == [
        "Left out; the search does not need it: S!A2: MEDIAN(A1,3,7,8)",
        "Left out; the search does not need it: S!A4: A2+1",
    ]  # fmt: skip
    with pytest.raises(es.EmbedsheetError, match=r"S!A2: MEDIAN\(A1,3,7,8\) is not written as code"):
        es.code(book, objective="S!A4", changing=["S!A1"])


def test_a_refusal_names_the_formula_that_cannot_be_written_and_none_that_only_follows(tmp_path: Path) -> None:
    cells = {"A1": 2, "B1": "=MEDIAN(A1,3,7,8)", "C1": "=B41"}
    cells |= {f"B{row}": f"=B{row - 1}+A{row}*{row}" for row in range(2, 42)}
    cells |= {f"D{row}": f"=MEDIAN(A1,{row},7,8)+B41" for row in range(1, 21)}
    book = sheets.write(tmp_path / "b.xlsx", cells)
    es.recalculate(book)
    with pytest.raises(UnsupportedError) as refused:
        es.code(book, objective="S!C1", changing=["S!A1"])
    assert [fault.partition(" is not")[0] for fault in refused.value.faults[:2]] == [
        "S!B1: MEDIAN(A1,3,7,8)", "S!D1: MEDIAN(A1,1,7,8)+B41",
    ]  # fmt: skip
    assert len(refused.value.faults) == 13
    assert refused.value.faults[-1] == "… and 9 more like these."


def test_a_search_that_needs_texts_is_refused(tmp_path: Path) -> None:
    cells = {
        "A1": 2,
        "B1": "lo",
        "B2": "hi",
        "A2": "=INDEX(B1:B2,MATCH(MAX(A3:A4),A3:A4,0))",
        "A3": "=A1",
        "A4": "=3-A1",
    }
    book = sheets.write(tmp_path / "b.xlsx", {**cells, "A5": '=(A2="hi")*A1'})
    es.recalculate(book)
    with pytest.raises(es.EmbedsheetError, match="S!A5: needs texts that depend on the changing cells"):
        es.code(book, objective="S!A5", changing=["S!A1"])


def test_libreoffices_truth_value_of_a_double_minus_is_the_number_that_it_stands_for(books: dict[str, Path]) -> None:
    # RNN!I23 holds --(I$22=$H2): LibreOffice stores TRUE, Excel would store 1.
    book = books["rnn_in_columns"]
    assert es.open(book).values(parse_area("RNN!J25")) == [[True]]
    assert es.recalculate(book, dry_run=True).results.verification.mismatches == []


def test_a_workbook_without_a_set_up_has_no_loss_and_the_command_says_how_to_name_one(tmp_path: Path) -> None:
    book = sheets.write(tmp_path / "b.xlsx", {"A1": 2, "A2": "=A1^2"})
    es.recalculate(book)
    result = CliRunner().invoke(app, ["code", str(book), "-o", str(tmp_path / "m.py")])
    assert result.exit_code == 0, result.output
    assert "name them with --objective and --changing" in " ".join(result.output.split())
    assert "def loss" not in (tmp_path / "m.py").read_text(encoding="utf-8")


def test_running_totals_are_cumulative_sums_and_so_are_sums_of_growing_ranges(tmp_path: Path) -> None:
    cells: dict[str, object] = {"E1": 0.5, "A1": "x", "B1": "total", "C1": "growing", "D1": "left"}
    for row in range(2, 12):
        cells[f"A{row}"] = row * 0.1
        cells[f"B{row}"] = "=A2*$E$1" if row == 2 else f"=B{row - 1}+A{row}*$E$1"
        cells[f"C{row}"] = f"=SUM(B$1:B{row})"
        cells[f"D{row}"] = f"={10 if row == 2 else f'D{row - 1}'}-A{row}+$E$1"
    cells["G1"] = "=SUMSQ(B2:B11)+SUMSQ(C2:C11)+D11"
    book = sheets.write(tmp_path / "b.xlsx", cells)
    es.recalculate(book)
    code = es.code(book, objective="S!G1", changing=["S!E1"])
    assert code.text.count("= total + np.cumsum(") == 1
    assert code.text.count("np.cumsum(") >= 3
    assert "for t in range" not in code.text
    assert "jax" not in code.text
    found = modules.run(code, tmp_path)
    assert found.wrong == []
    assert found.gradient is not None
    wanted = modules.sheet_gradient(book, "S", objective="S!G1", changing=["S!E1"])
    assert np.allclose(found.gradient, wanted, rtol=1e-12)


def test_a_choice_by_labels_in_cells_is_written(books: dict[str, Path]) -> None:
    assert "np.where(label == 1" in _text(books, "softmax_with_temperature")


@pytest.mark.torch
def test_pytorchs_modules_have_the_stored_results_and_the_sheets_gradients(
    books: dict[str, Path], tmp_path: Path
) -> None:
    # rnn_in_columns: whole numbers of an IF meet weights; lstm_by_columns: a loop begins with cells.
    _checked(books, tmp_path, "torch", [*FEW, "rnn_in_columns", "sumproduct_rows", "skip_gram"])


def test_an_array_formula_of_one_cell_and_a_look_up_in_a_range_that_grows_are_written(tmp_path: Path) -> None:
    cells: dict[str, object] = {
        "A1": 2,
        "A2": 5,
        "A3": 7,
        "B1": 1,
        "B2": 4,
        "B3": 9,
        "E1": ("E1:E1", "=SUM(A1:A3*B1:B3)"),
    }
    cells |= {f"C{row}": f"=_xlfn.XLOOKUP(A{row},A$1:A{row},B$1:B{row})" for row in (1, 2, 3)}
    book = sheets.write(tmp_path / "b.xlsx", cells)
    es.recalculate(book)
    assert es.open(book).values(parse_area("S!E1")) == [[85.0]]  # 2 · 1 + 5 · 4 + 7 · 9
    found = modules.run(es.code(book), tmp_path)
    assert found.stored >= 2
    assert found.wrong == []


@pytest.mark.parametrize(
    ("second", "layer"),
    [("=TANH(MMULT(A5:B6,D1:E2)+F1:G1+MMULT(J1:K2,H1:I2))", True), ("=TANH(MMULT(A5:B6,D1:E2)+F1:G1+J1:K2)", False),
     ("=TANH(MMULT(A5:B6,D1:E2)+F1:G1-MMULT(J1:K2,H1:I2))", False)],
)  # fmt: skip
def test_states_side_by_side_are_a_recurrent_layer_only_where_they_are_one(
    tmp_path: Path, second: str, layer: bool
) -> None:
    """Two sequences of two steps; only the first formula is x W + b + h U with the same W, U and b at each step."""
    cells: dict[str, object] = {"A1": 0.5, "B1": -1, "A2": 2, "B2": 0.3, "A5": 1, "B5": 0.2, "A6": -0.4, "B6": 0.8}
    cells |= {"D1": 0.1, "E1": -0.2, "D2": 0.4, "E2": 0.6, "F1": 0.05, "G1": -0.1}
    cells |= {"H1": 0.3, "I1": 0.7, "H2": -0.5, "I2": 0.2}
    cells |= {"J1": ("J1:K2", "=TANH(MMULT(A1:B2,D1:E2)+F1:G1)"), "L1": ("L1:M2", second), "N1": "=SUMSQ(L1:M2)"}
    book = sheets.write(tmp_path / "b.xlsx", cells)
    es.recalculate(book)
    changing = ["S!D1:E2", "S!F1:G1", "S!H1:I2"]
    code = es.code(book, to="keras", objective="S!N1", changing=changing)
    assert ("layers.SimpleRNN(2, " in code.text) == layer
    found = modules.run(code, tmp_path)
    assert found.wrong == []
    assert found.gradient is not None
    wanted = modules.sheet_gradient(book, None, objective="S!N1", changing=changing)
    assert np.abs(found.gradient - wanted).max() < 1e-9


def test_summaries_that_are_alike_by_chance_are_statements_of_their_own(tmp_path: Path) -> None:
    """The mean of the losses is derived; that of the hits below it needs the labels that are found, which are texts."""
    cells: dict[str, Any] = {"A1": 0.3, "A2": -0.2, "B1": "red", "C1": "blue"}
    for row, label in enumerate(("red", "blue", "blue"), start=4):
        cells |= {f"A{row}": row - 5.5, f"B{row}": f"=A{row}*$A$1", f"C{row}": f"=A{row}*$A$2+1", f"D{row}": label}
        cells |= {f"E{row}": f"=INDEX($B$1:$C$1,MATCH(MAX(B{row}:C{row}),B{row}:C{row},0))"}
        cells |= {f"F{row}": f"=(B{row}-C{row})^2", f"G{row}": f"=--(E{row}=D{row})"}
    book = sheets.write(tmp_path / "b.xlsx", {**cells, "I4": "=AVERAGE(F4:F6)", "I5": "=AVERAGE(G4:G6)"})
    es.recalculate(book)
    code = es.code(book, objective="S!I4", changing=["S!A1:A2"])
    found = modules.run(code, tmp_path)
    assert found.stored >= 6
    assert found.wrong == []
    assert found.gradient is not None
    wanted = modules.sheet_gradient(book, None, objective="S!I4", changing=["S!A1:A2"])
    assert np.abs(found.gradient - wanted).max() < 1e-12


def _heads(scale: str, masked: bool, by_columns: bool) -> tuple[dict[str, Any], list[str]]:
    """Return two heads of one unit over two sequences of three words of two numbers, with biases; and the weights.

    `by_columns`: one sequence, a word a column, weights at the left of what they multiply, as people draw it.
    """
    numbers = iter(np.round(np.sin(np.arange(1, 80) * 2.1), 3).tolist())
    cells: dict[str, Any] = {}

    def put(address: str) -> str:
        found = parse_area(address, "S")
        for row in range(found.top, found.bottom + 1):
            for column in range(found.left, found.right + 1):
                cells[f"{column_letters(column)}{row}"] = next(numbers)
        return f"S!{address}"

    if by_columns:
        put("A1:C2")
        weights = [put(f"E{1 + 2 * place}:G{1 + 2 * place}") for place in range(6)] + [put("E14:G15")]
        for place in range(6):  # queries, keys and values of both heads, a row each
            row = 1 + 2 * place
            cells[f"I{row}"] = (f"I{row}:K{row}", f"=MMULT($E{row}:$F{row},$A$1:$C$2)+$G{row}")
        for head, (query, key, value) in enumerate(((1, 5, 9), (3, 7, 11))):
            top = 20 + 10 * head
            for word in range(3):  # keys below each other, a column for each word that asks
                for asks in range(3):
                    own = f"{column_letters(9 + asks)}${query}*${column_letters(9 + word)}${key}{scale}"
                    cells[f"{column_letters(1 + asks)}{top + word}"] = f"={own}"
                    column = column_letters(1 + asks)
                    powers = ",".join(f"EXP({column}${top + one})" for one in range(3))
                    cells[f"{column_letters(5 + asks)}{top + word}"] = f"=EXP({column}{top + word})/SUM({powers})"
            cells[f"I{top}"] = (f"I{top}:K{top}", f"=MMULT($I${value}:$K${value},E{top}:G{top + 2})")
        cells["A40"] = ("A40:C41", "=E14:E15*I20:K20+F14:F15*I30:K30+G14:G15")
        return {**cells, "A50": "=SUMSQ(A40:C41)"}, weights
    put("A2:B7")
    weights = [put(f"{column}9:{column}11") for column in "DEFGHI"] + [put("K9:L11")]
    for row in range(2, 8):
        first = 2 + 3 * ((row - 2) // 3)
        for column in "DEFGHI":
            cells[f"{column}{row}"] = f"=$A{row}*{column}$9+$B{row}*{column}$10+{column}$11"
        for head, (scores, shares, out) in enumerate((("NOP", "RST", "V"), ("XYZ", ("AB", "AC", "AD"), "AF"))):
            query, key, value = ("D", "F", "H") if head == 0 else ("E", "G", "I")
            for word in range(3):
                own = f"${query}{row}*${key}{first + word}{scale}"
                cells[f"{scores[word]}{row}"] = f"=IF({word}>{(row - 2) % 3},-1E9,{own})" if masked else f"={own}"
                cells[f"{shares[word]}{row}"] = (
                    f"=EXP({scores[word]}{row})/(EXP(${scores[0]}{row})+EXP(${scores[1]}{row})+EXP(${scores[2]}{row}))"
                )
            terms = [f"${shares[word]}{row}*${value}{first + word}" for word in range(3)]
            cells[f"{out}{row}"] = f"={'+'.join(terms)}"
        for place, column in enumerate(("AH", "AI")):
            joins = "KL"[place]
            cells[f"{column}{row}"] = f"=$V{row}*{joins}$9+$AF{row}*{joins}$10+{joins}$11"
    return {**cells, "A50": "=SUMSQ(AH2:AI7)"}, weights


@pytest.mark.parametrize(
    ("scale", "masked", "by_columns", "words"),
    [("/SQRT(1)", False, False, "return_attention_scores=True"), ("*1", True, False, "use_causal_mask=True"),
     ("", False, True, "return_attention_scores=True"), ("/2", False, False, None)],
)  # fmt: skip
def test_heads_typed_cell_by_cell_are_a_layer_where_they_compute_what_it_does(
    tmp_path: Path, scale: str, masked: bool, by_columns: bool, words: str | None
) -> None:
    """Keras divides by the root of a head's width, here 1, and never by 2."""
    cells, changing = _heads(scale, masked, by_columns)
    book = sheets.write(tmp_path / "b.xlsx", cells)
    es.recalculate(book)
    code = es.code(book, to="keras", objective="S!A50", changing=changing)
    assert ("layers.MultiHeadAttention(2, 1, value_dim=1, output_shape=2)" in code.text) == (words is not None)
    assert words is None or words in code.text
    found = modules.run(code, tmp_path)
    assert found.wrong == []
    assert found.gradient is not None
    wanted = modules.sheet_gradient(book, None, objective="S!A50", changing=changing)
    assert np.abs(found.gradient - wanted).max() < 1e-9


def test_a_whole_sheet_of_changing_cells_is_refused_before_room_is_made_for_it(tmp_path: Path) -> None:
    book = sheets.write(tmp_path / "b.xlsx", {"A1": 2, "B1": "=A1^2"})
    with pytest.raises(es.EmbedsheetError, match=r"the changing cells are 17,\d+,\d+,\d+.*at most 1,000,000"):
        es.code(book, objective="B1", changing=["A2:XFD1048576"])

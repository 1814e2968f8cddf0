"""`embedsheet code` for nets as people type them: learning in cells, first rows of their own, several sequences."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import embedsheet as es
from kit import foreign_nets_typed, modules, sheets

NETS = foreign_nets_typed.NETS


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the workbooks with the results that LibreOffice stores."""
    return modules.stored_nets(NETS, tmp_path_factory.mktemp("typed"))


def test_numpy_modules_have_the_stored_results_and_the_sheets_gradients(books: dict[str, Path], tmp_path: Path) -> None:
    for name, code in modules.checked_nets(NETS, books, tmp_path, "numpy", list(NETS)).items():
        assert "jax" not in code.text or name.startswith("perceptron")  # steps have no slope that differences see


def test_keras_modules_have_them_too(books: dict[str, Path], tmp_path: Path) -> None:
    names = ["rnn_own_first_row", "rnn_batch_below", "rnn_beside", "lstm_own_first_row"]
    codes = modules.checked_nets(NETS, books, tmp_path, "keras", names)
    assert all("self.rnn = layers.SimpleRNN(2" in codes[name].text for name in names[:3])


def test_a_range_that_a_keras_layer_holds_is_read_from_the_layers_variables(books: dict[str, Path]) -> None:
    _, objective, changing = foreign_nets_typed.lstm_own_first_row()
    text = es.code(books["lstm_own_first_row"], to="keras", objective=objective, changing=changing).text
    assert "self.lstm = layers.LSTM(1" in text
    assert "add_weight" not in text
    words = " ".join(text.split())
    # The sheet's gates are f, i, c, o; Keras has i, f, c, o.
    assert (
        "f = ops.convert_to_tensor( ops.concatenate([self.lstm.cell.kernel, self.lstm.cell.recurrent_kernel, "
        "self.lstm.cell.bias[None]])[ :, np.array([1, 0, 2, 3]) ] )" in words
    )


def test_the_page_says_how_long_the_code_of_each_is_and_of_which_layers(books: dict[str, Path]) -> None:
    page = (Path(__file__).parents[1] / "docs" / "code.md").read_text(encoding="utf-8")
    for name, net in NETS.items():
        _, objective, changing = net()
        code = es.code(books[name], to="keras", objective=objective, changing=changing)
        found = Counter(re.findall(r"self\.\w+ = (?:layers\.)?([A-Z]\w+)\(", code.text))
        kinds = ", ".join(f"{count} {kind}" if count > 1 else kind for kind, count in sorted(found.items()))
        words = " ".join((net.__doc__ or "").split()).rstrip(".")
        assert f"| {words} | {code.distinct} | {code.statements} | {kinds or 'none'} |" in page


def test_a_perceptron_meets_zero_where_only_rounding_is_left_of_its_sums(books: dict[str, Path]) -> None:
    _, objective, changing = foreign_nets_typed.perceptron_epochs()
    code = es.code(books["perceptron_epochs"], objective=objective, changing=changing)
    assert "_sum(" in code.text


def test_the_gradient_of_a_loop_of_thousands_of_rows_goes_back_through_it_once(tmp_path: Path) -> None:
    rows = range(3, 8402)
    cells = {"D1": 0.3, "D2": 0.4, "D3": 0.1, "C2": 0.5} | {f"A{row}": np.sin(row) for row in rows}
    cells |= {f"C{row}": f"=TANH($D$1*A{row}+$D$2*C{row - 1}+$D$3)" for row in rows} | {"E2": "=SUMSQ(C3:C8401)"}
    book = sheets.write(tmp_path / "b.xlsx", cells)
    es.recalculate(book)
    code = es.code(book, objective="S!E2", changing=["S!D1:D3"])
    assert "jax" not in code.text
    assert "for t in reversed(range(8399)):" in code.text
    found = modules.run(code, tmp_path)
    assert found.wrong == []
    assert found.gradient is not None
    wanted = modules.sheet_gradient(book, None, objective="S!E2", changing=["S!D1:D3"])
    np.testing.assert_allclose(found.gradient, wanted, rtol=1e-9)  # exact derivatives, held elsewhere

"""`embedsheet code` for networks in the layouts of books and courses: LibreOffice's results, the sheets' gradients."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import embedsheet as es
from embedsheet.ground.errors import UnsupportedError
from kit import foreign_nets_layouts, judges, modules, sheets

NETS = foreign_nets_layouts.NETS

# Layers that the layout is, beside what `keras.ops` computes.
LAYERS = {
    "ones_below_samples": {"Softmax"},
    "lstm_stacked": {"LSTM"},
    "lstm_in_rows": {"LSTM"},
    "gru_reset_after": {"GRU"},
    "rnn_from_words": {"Embedding", "Softmax"},
    "embedding_by_offset": {"Dense", "Softmax"},
    "recommender_by_rows": {"Dot"},
    "one_hot_embedding": {"Dense"},
    "heads_on_sheets": {"MultiHeadAttention"},
    "attention_by_columns": {"MultiHeadAttention"},
    "shifted_ranges": {"Conv2D", "Softmax"},
    "perceptron_of_steps": {"Dense"},
}


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the workbooks with the results that LibreOffice stores."""
    folder = tmp_path_factory.mktemp("layouts")
    paths = []
    for name, net in NETS.items():
        (first, cells), *more = net()[0].items()
        paths.append(sheets.write(folder / f"{name}.xlsx", cells, first, dict(more)))
    judges.libreoffice_converted(paths, folder / "stored")
    return {path.stem: folder / "stored" / path.name for path in paths}


def _checked(books: dict[str, Path], folder: Path, to: str, names: list[str]) -> dict[str, es.Code]:
    codes = {}
    for name in names:
        _, objective, changing = NETS[name]()
        codes[name] = es.code(books[name], to=to, objective=objective, changing=changing)
        assert codes[name].statements <= codes[name].distinct, name
        assert not codes[name].notes, name
    for name, found in modules.run_all(codes, folder).items():
        _, objective, changing = NETS[name]()
        assert found.stored >= 3, name
        assert found.wrong == [], name
        assert found.gradient is not None
        # Exact derivatives, held against differences elsewhere.
        wanted = modules.sheet_gradient(books[name], None, objective=objective, changing=changing)
        assert np.abs(found.gradient - wanted).max() < 1e-9, name
    return codes


def test_numpy_modules_have_the_stored_results_and_the_sheets_gradients(books: dict[str, Path], tmp_path: Path) -> None:
    _checked(books, tmp_path, "numpy", list(NETS))


def test_keras_modules_have_them_too_and_the_layers_that_the_blocks_are(books: dict[str, Path], tmp_path: Path) -> None:
    for name, code in _checked(books, tmp_path, "keras", [*LAYERS, "gaps_and_errors"]).items():
        assert {*re.findall(r"= (?:layers\.)?(\w+)\(", code.text)} >= LAYERS.get(name, set()), name


def test_jax_modules_have_them_too(books: dict[str, Path], tmp_path: Path) -> None:
    _checked(books, tmp_path, "jax", ["gaps_and_errors", "two_sequences"])


def test_a_word_in_place_of_a_number_is_not_taken_for_an_empty_text(tmp_path: Path) -> None:
    # With "" in A2 the question is answered by NaN; a word is NaN, too, and no empty text.
    cells = {
        "A1": 2.0,
        "A2": '=IF(A1>1,"much",A1)',
        "A3": '=IF(A1>3,"much",A1)',
        "A4": '=IF(A2="",1,A1)',
        "B1": "=A1^2",
    }
    book = sheets.write(tmp_path / "b.xlsx", cells)
    es.recalculate(book)
    code = es.code(book, objective="S!B1", changing=["S!A1"])
    assert any("S!A4" in note for note in code.notes)
    with pytest.raises(UnsupportedError, match="S!A4"):
        es.code(book, objective="S!A4", changing=["S!A1"])

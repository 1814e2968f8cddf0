"""Every mirror keeps to the protocol: it knows its own sheets, reads, compares, and its sheet's code is its twin."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import embedsheet as es
from embedsheet.cli import app
from embedsheet.ground.errors import ModelError
from embedsheet.lessons import find
from embedsheet.mirrors import table
from embedsheet.mirrors.full_size.engine import default_precision, load_keras
from embedsheet.mirrors.protocol import Asked
from embedsheet.mirrors.recommender.blocks import read_model
from embedsheet.mirrors.recommender.keras_net import code, precision, predictions
from embedsheet.mirrors.table import MIRRORS, choose, mirrors
from embedsheet.workbook import Workbook
from kit import sheets
from kit.trials import small

# Mirror → a lesson that has its sheets. A mirror without a row fails.
SHEETS_OF = {
    "recurrent.mirror": "rnn", "optimisers.mirror": "optimisers", "skip_gram.mirror": "green-eggs",
    "perceptron.mirror": "mlp", "gated.mirror": "gru", "conv.mirror": "conv", "attention.mirror": "attention",
    "student.mirror": "pseudo-labels", "recommender.mirror": "movielens",
}  # fmt: skip


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Workbook]:
    folder = tmp_path_factory.mktemp("mirrors")
    return {
        module: Workbook.open(find(lesson).load().build(folder / f"{lesson}.xlsx", **small(lesson, folder)))
        for module, lesson in SHEETS_OF.items()
    }


@pytest.mark.parametrize("module", MIRRORS)
def test_a_mirror_knows_its_own_sheets_and_no_others(module: str, books: dict[str, Workbook]) -> None:
    mirror = dict(zip(MIRRORS, mirrors(), strict=True))[module]
    assert [other for other, book in books.items() if mirror.sheets(book)] == [module]
    assert choose(books[module], None, {}) is mirror
    for sheet in mirror.sheets(books[module]):
        assert mirror.read(books[module], sheet, {}).sheet == sheet


@pytest.mark.parametrize("module", MIRRORS)
def test_its_comparison_fits_its_headings_and_holds(module: str, books: dict[str, Workbook]) -> None:
    book = books[module]
    mirror = choose(book, None, {})
    models = {sheet: mirror.read(book, sheet, {}) for sheet in mirror.sheets(book)[:1]}
    found = mirror.compare(book, models, Asked(steps=2))
    assert found.same and found.verdict
    assert {len(line.cells) for line in found.lines} == {len(found.headings)}


# Mirror → the sheet and the layers with weights that the coder finds in it. test_code.py runs these modules: each has
# the cells' results and the sheet's gradient, which the comparison above holds against the twin's.
LAYERS = {
    "recurrent.mirror": ("Sequence", ["Dense", "Embedding", "SimpleRNN"]),
    "skip_gram.mirror": ("Skip-gram", ["Dense"]),
    "perceptron.mirror": ("Logistic regression", ["Dense"]),
    "gated.mirror": ("GRU", ["Dense", "Embedding", "GRU"]),
    "conv.mirror": ("Convolution", ["Conv2D", "Dense"]),
    "attention.mirror": ("Attention", ["Dense", "Embedding", "Embedding", "LayerNormalization", "MultiHeadAttention"]),
    "recommender.mirror": ("One rating a row", ["Embedding", "Embedding"]),
}


@pytest.mark.parametrize("module", LAYERS)
def test_the_coder_finds_the_layers_of_the_mirrors_twin(module: str, books: dict[str, Workbook]) -> None:
    book, (sheet, layers) = books[module], LAYERS[module]
    mirror = choose(book, None, {})
    model = mirror.read(book, sheet, {})
    assert mirror.own_code(model) == []
    objective, changing = mirror.searched(book, model)
    text = es.code(book, sheet, to="keras", objective=objective, changing=changing).text
    made = text[text.index("class Sheet(") :]
    assert sorted(re.findall(r"= (?:layers\.)?(\w+)\(.*\n.*\.build\(", made)) == layers


def test_the_short_code_on_compare_is_the_sheets_model_and_the_coders(books: dict[str, Workbook]) -> None:
    """What *Compare* shows is run, with the sheet's weights: it has the stored predictions and the coder's layers."""
    load_keras()  # chooses the engine
    book = books["recommender.mirror"]
    for sheet in ("One rating a row", "Cross-tab", "Cross-tab with bias"):
        model = read_model(book, sheet)
        lines, names = code(model), dict[str, Any]()
        assert model.predictions is not None
        with precision("float64"):
            exec("\n".join(line for line in lines if not line.startswith("model.")), names)
            for name, table in model.weights.items():
                names["model"].get_layer(name).set_weights([table])
            np.testing.assert_allclose(predictions(names["model"], model), model.predictions, rtol=1e-12)
    sheet = "One rating a row"
    short, whole = "\n".join(code(read_model(book, sheet))), es.code(book, sheet, to="keras").text
    made = [sorted(re.findall(r"layers\.Embedding\(\d+, \d+", text)) for text in (short, whole)]
    assert made[0] == made[1] != []
    assert all("layers.Dot(" in text for text in (short, whole))


def test_optimisers_have_the_loop_that_walks_the_sheets_steps(books: dict[str, Workbook]) -> None:
    load_keras()  # chooses the engine
    book = books["optimisers.mirror"]
    mirror = choose(book, None, {})
    for sheet in mirror.sheets(book):
        model = mirror.read(book, sheet, {})
        names: dict[str, Any] = {}
        with default_precision("float64"):
            exec("\n".join(mirror.own_code(model)), names)
        np.testing.assert_allclose(names["path"], model.weights, rtol=0, atol=1e-12 * np.abs(model.weights).max())


def test_a_recommender_without_a_set_up_is_searched_by_the_blocks_that_the_user_names(
    books: dict[str, Workbook], tmp_path: Path
) -> None:
    book = books["recommender.mirror"]
    sheet = "Cross-tab with bias"
    mirror, model = choose(book, sheet, {}), read_model(book, sheet)
    assert mirror.searched(book, model) == (None, ())
    bare = replace(book, setups={})
    objective, changing = mirror.searched(bare, model)
    assert es.code(bare, sheet, objective=objective, changing=changing).text == es.code(book, sheet).text


def test_a_workbook_without_a_model_is_refused_whatever_mirror_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = Workbook.open(sheets.write(tmp_path / "foreign.xlsx", {"A1": 1, "B1": "=A1*2"}))
    for modules in (table.MIRRORS, table.MIRRORS[::-1]):
        monkeypatch.setattr(table, "MIRRORS", modules)
        assert table.choose(book, None, {}).title == "recommender"
        with pytest.raises(ModelError):
            table.models(book, None, {})
    for mirror in table.mirrors():
        with pytest.raises(ModelError):
            mirror.one(book, None, {})


def test_a_workbook_of_two_kinds_asks_which(books: dict[str, Workbook], monkeypatch: pytest.MonkeyPatch) -> None:
    book = books["skip_gram.mirror"]
    monkeypatch.setattr(type(choose(books["optimisers.mirror"], None, {})), "sheets", lambda _, book: ["Map"])
    with pytest.raises(ModelError, match=r"several kinds; choose one with --sheet: .*: Map; .*: Skip-gram"):
        choose(book, None, {})
    assert choose(book, "Skip-gram", {}).title == "skip-gram model"


def test_compare_shows_the_code_and_compares_nothing(books: dict[str, Workbook]) -> None:
    path: Path = books["skip_gram.mirror"].path
    result = CliRunner().invoke(app, ["compare", str(path), "--code"])
    assert result.output.startswith('"""Skip-gram of green-eggs.xlsx in Keras: ')
    assert "layers.Dense(" in result.output and "file with embedsheet code -o" in result.output
    assert "Δ" not in result.output

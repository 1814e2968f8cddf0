"""Every mirror keeps to the protocol: it knows its own sheets, reads, compares, and its code is its twin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from embedsheet.cli import app
from embedsheet.ground.errors import ModelError
from embedsheet.lessons import find
from embedsheet.mirrors.full_size.engine import load_keras
from embedsheet.mirrors.nets.comparison import Net, for_keras
from embedsheet.mirrors.protocol import Asked
from embedsheet.mirrors.table import MIRRORS, choose, mirrors
from embedsheet.workbook import Workbook

# Mirror → a lesson with its sheets, small. A mirror without a row fails.
SMALL: dict[str, tuple[str, dict[str, Any]]] = {
    "recurrent.mirror": ("rnn", {"hidden": 2, "factors": 2, "length": 3}),
    "optimisers.mirror": ("optimisers", {"steps": 4}),
    "skip_gram.mirror": ("green-eggs", {"factors": 2}),
    "perceptron.mirror": ("mlp", {"hidden": 2, "points": 3, "passengers": 8, "epochs": 3}),
    "gated.mirror": ("gru", {"letters": 2, "pairs": 1, "hidden": 2}),
    "conv.mirror": ("conv", {"images": 3}),
    "attention.mirror": ("attention", {"length": 2, "letters": 2, "strings": 2}),
    "recommender.mirror": ("movielens", {"users": 4, "movies": 5, "factors": 2}),
}


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Workbook]:
    folder = tmp_path_factory.mktemp("mirrors")
    (folder / "text.txt").write_text("the cat sat on the mat", encoding="utf-8")
    more: dict[str, dict[str, Any]] = {"rnn": {"text": folder / "text.txt"}}
    return {
        module: Workbook.open(find(lesson).load().build(folder / f"{lesson}.xlsx", **options, **more.get(lesson, {})))
        for module, (lesson, options) in SMALL.items()
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


@pytest.mark.parametrize("module", MIRRORS)
def test_its_code_runs_and_has_the_sheets_weights(module: str, books: dict[str, Workbook]) -> None:
    """The shapes of the blocks on the sheet, as Keras lists its weights."""
    load_keras()  # chooses the engine
    book = books[module]
    mirror = choose(book, None, {})
    model = mirror.read(book, mirror.sheets(book)[0], {})
    names: dict[str, Any] = {}
    exec("\n".join(mirror.code(model)), names)
    if module == "optimisers.mirror":
        np.testing.assert_allclose(np.asarray(names["weights"]), model.weights[0], rtol=1e-6)
        assert float(names["optimizer"].learning_rate) == pytest.approx(model.settings["learning_rate"])
        return
    if isinstance(model, Net):
        shapes = [tuple(weight.shape) for weight in names["model"].trainable_weights]
        assert sum(part.size for part in for_keras(model, shapes)) == sum(part.size for part in model.weights.values())
        return
    theirs = sorted(tuple(weight.shape) for weight in names["model"].weights)
    weights = model.weights
    named = weights if isinstance(weights, dict) else {name: getattr(weights, name) for name in weights.__annotations__}
    assert theirs == sorted(one.shape for one in named.values())


def test_a_workbook_of_two_kinds_asks_which(books: dict[str, Workbook], monkeypatch: pytest.MonkeyPatch) -> None:
    book = books["skip_gram.mirror"]
    monkeypatch.setattr(type(choose(books["optimisers.mirror"], None, {})), "sheets", lambda _, book: ["Map"])
    with pytest.raises(ModelError, match=r"several kinds; choose one with --sheet: .*: Map; .*: Skip-gram"):
        choose(book, None, {})
    assert choose(book, "Skip-gram", {}).title == "skip-gram model"


def test_compare_shows_the_code_and_compares_nothing(books: dict[str, Workbook]) -> None:
    path: Path = books["skip_gram.mirror"].path
    result = CliRunner().invoke(app, ["compare", str(path), "--code"])
    assert result.output.startswith("# Skip-gram\nimport keras\n")
    assert "Δ" not in result.output

"""The words' workbook trains: the sheet "Skip-gram" is Keras' model, and words used alike move together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from embedsheet.cli import app
from embedsheet.lessons.green_eggs import build
from embedsheet.mirrors.skip_gram.comparison import (
    Row,
    compare_skip_grams,
    mean_loss,
    model_sheets,
    probabilities,
    read_skip_gram,
)
from embedsheet.solver import load_model, solve
from embedsheet.workbook import Edit, Workbook
from kit.judges import gnumeric_values
from kit.sheets import largest_gradient_error
from kit.stored import departures

SHEET = "Skip-gram"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = build(tmp_path_factory.mktemp("words") / "words.xlsx")
    solve(path, sheet=SHEET)
    return path


def compared(path: Path, **options: Any) -> list[Row]:
    book = Workbook.open(path)
    return compare_skip_grams(book, [read_skip_gram(book, sheet) for sheet in model_sheets(book)], **options)


def nearest(book: Workbook) -> dict[str, str]:
    words = book.values(book.area("words.word", "Trained"))
    found = book.values(book.area("nearest", "Trained"))
    return {str(word[0]): str(near[0]) for word, near in zip(words, found, strict=True)}


def test_sheet_formulas_and_keras_are_one_model_before_training(green_eggs_book: Path) -> None:
    rows = compared(green_eggs_book)
    assert [row.name for row in rows] == ["compiled formulas", "Keras, float64", "Keras, float32"]
    assert all(row.agrees for row in rows), rows


def test_and_after_it(trained: Path) -> None:
    rows = compared(trained, steps=25, rate=0.2)
    assert all(row.agrees for row in rows), rows


def test_a_cell_that_departs_is_found(trained: Path, tmp_path: Path) -> None:
    book = Workbook.open(trained)
    model = read_skip_gram(book, SHEET)
    assert model.loss == pytest.approx(
        mean_loss(model.weights, model.pairs)
        + model.penalty * ((model.weights.words**2).sum() + (model.weights.neighbours**2).sum()),
        abs=1e-12,
    )
    copy = tmp_path / "stale.xlsx"
    area = book.area("words.factors", SHEET)
    place = np.array([area.top]), np.array([area.left])
    book.save([Edit(SHEET, *place, np.array([1], np.uint8), model.weights.words[:1, 0] + 0.5)], copy)
    assert not all(row.agrees for row in compared(copy))
    assert CliRunner().invoke(app, ["compare", str(copy)]).exit_code == 1


def test_training_foresees_the_neighbours(trained: Path, green_eggs_book: Path) -> None:
    before, after = (read_skip_gram(Workbook.open(path), SHEET) for path in (green_eggs_book, trained))
    assert after.loss < 2.2 < before.loss  # a search by scipy from the same start ends at 2.1776
    # No model of pairs does better than how often they occur: the entropy of the text's own frequencies.
    counts = np.zeros_like(after.probabilities)
    np.add.at(counts, tuple(after.pairs.T), 1)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    floor = -np.log(shares[after.pairs[:, 0], after.pairs[:, 1]]).mean()
    assert floor <= mean_loss(after.weights, after.pairs) < mean_loss(before.weights, before.pairs)
    np.testing.assert_allclose(probabilities(after.weights), after.probabilities, atol=1e-12)


def test_words_with_the_same_neighbours_become_alike(trained: Path, green_eggs_book: Path) -> None:
    """In the verse "a fox and" and "a car and": the two have the same neighbours, and end beside each other."""
    assert nearest(Workbook.open(trained))["fox"] == "car"
    assert nearest(Workbook.open(green_eggs_book))["fox"] != "car"


def test_every_program_recalculates_the_trained_book(trained: Path) -> None:
    assert departures(trained, gnumeric_values) == []


def test_the_gradient_is_that_of_differences(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("one fish two fish red fish", encoding="utf-8")
    program = load_model(build(tmp_path / "fish.xlsx", text=text, factors=2), sheet=SHEET).program
    assert largest_gradient_error(program) < 1e-6


def test_a_text_of_one_word_has_nothing_to_train(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("fish", encoding="utf-8")
    book = Workbook.open(build(tmp_path / "fish.xlsx", text=text))
    assert SHEET not in book.sheets
    assert model_sheets(book) == []


def test_a_long_text_is_trained_on_its_frequent_words(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    text = tmp_path / "text.txt"
    text.write_text(" ".join(f"w{number}" for number in random.zipf(1.3, 2_000) % 300), encoding="utf-8")
    book = Workbook.open(build(tmp_path / "long.xlsx", text=text, factors=2))
    assert book.area("words.factors", SHEET).shape == (60, 2)
    assert book.area("losses", SHEET).size == 400


def test_another_sheet_is_refused(green_eggs_book: Path) -> None:
    result = CliRunner().invoke(app, ["compare", str(green_eggs_book), "--sheet", "Map"])
    assert "Map: holds no skip-gram model that could be compared; choose one of Skip-gram." in result.stderr.replace(
        "\n", " "
    )

"""The lesson conv: one net in cells, formulas and Keras; it learns strokes, and knows most that it has not seen."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embedsheet.book.edits import Edit
from embedsheet.ground.errors import LessonError, ModelError
from embedsheet.lessons import find
from embedsheet.mirrors.conv.mirror import MIRROR
from embedsheet.mirrors.conv.model import forward
from embedsheet.mirrors.conv.sheet import read_conv
from embedsheet.mirrors.nets.comparison import compare_net
from embedsheet.solver import load_model, solve
from embedsheet.workbook import Workbook
from kit.judges import gnumeric_values
from kit.sheets import largest_gradient_error
from kit.stored import departures

SHEET = "Convolution"


def build(folder: Path, **options: Any) -> Path:
    return Path(find("conv").load().build(folder / "conv.xlsx", no_gradient_sheet=True, **options))


def numbers(book: Workbook, name: str, sheet: str = SHEET) -> Any:
    return book.numbers(book.area(name, sheet))


def typed(path: Path, sheet: str, values: dict[str, float], target: Path) -> Workbook:
    """Type numbers into the first cells of named blocks; return the workbook as it is recalculated."""
    import embedsheet as es

    shutil.copy(path, target)
    book = Workbook.open(target)
    areas = [book.area(name, sheet) for name in values]
    at = np.array([[area.top, area.left] for area in areas])
    kinds = np.ones(len(at), np.uint8)
    book.save([Edit(sheet, at[:, 0], at[:, 1], kinds, np.array([*values.values()]))], target)
    es.recalculate(target)
    return Workbook.open(target)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("small"), images=3)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = build(tmp_path_factory.mktemp("trained"))
    solve(path, max_iterations=50)
    return path


def test_cells_formulas_and_keras_are_one_net(trained: Path) -> None:
    """Forward, loss, gradient and ten steps together, to 1e-12 in float64, where ReLU and pooling let some through."""
    book = Workbook.open(trained)
    assert MIRROR.sheets(book) == [SHEET]
    rows = compare_net(book, read_conv(book, SHEET), 10, 0.1)
    assert [row.name for row in rows] == ["compiled formulas", "Keras, float64", "Keras, float32"]
    assert all(row.agrees for row in rows), rows


def test_the_gradient_is_that_of_finite_differences(small: Path) -> None:
    assert largest_gradient_error(load_model(small, sheet=SHEET).program) < 1e-6


def test_it_learns_to_tell_strokes_apart(trained: Path) -> None:
    """A loss below 0.04 in 50 iterations, all twelve right; of six strokes that it has not seen five."""
    book = Workbook.open(trained)
    assert numbers(book, "loss")[0, 0] < 0.04
    assert numbers(book, "score")[0, 0] == 12
    assert numbers(book, "unseen.score")[0, 0] >= 5
    net = read_conv(book, SHEET)
    logits = forward(net.weights, net.inputs[..., 0]).logits
    np.testing.assert_allclose(numbers(book, "logits")[::10], logits, atol=1e-12)


def test_gnumeric_recalculates_the_trained_book(trained: Path) -> None:
    """As it comes, LibreOffice judges it together with all lessons' books."""
    assert departures(trained, gnumeric_values) == []


def test_one_window_is_that_of_the_map(trained: Path, tmp_path: Path) -> None:
    """Of image 5, filter 2, the window at row 3, column 4: pixels times filter, by NumPy from the model's cells."""
    chosen = {"chosen.image": 5, "chosen.filter": 2, "chosen.row": 3, "chosen.column": 4}
    book = typed(trained, "One window", chosen, tmp_path / "window.xlsx")
    window = read_conv(book, SHEET).inputs[4, 2:5, 3:6, 0]
    products = window * numbers(book, "filter.2")
    np.testing.assert_allclose(numbers(book, "window", "One window"), window)
    np.testing.assert_allclose(numbers(book, "products", "One window"), products, atol=1e-15)
    z = products.sum() + numbers(book, "filter.2.bias")[0, 0]
    assert numbers(book, "convolved", "One window")[0, 0] == pytest.approx(z, abs=1e-14)
    assert numbers(book, "map", "One window")[2, 3] == pytest.approx(z, abs=1e-14)
    assert numbers(book, "rectified", "One window")[0, 0] == max(0, numbers(book, "convolved", "One window")[0, 0])


def test_a_pixel_typed_over_is_read_by_keras_too(small: Path, tmp_path: Path) -> None:
    book = typed(small, SHEET, {"images": 0.9}, tmp_path / "typed.xlsx")
    net = read_conv(book, SHEET)
    assert net.inputs[0, 0, 0, 0] == 0.9
    np.testing.assert_allclose(numbers(book, "logits")[::10], forward(net.weights, net.inputs[..., 0]).logits)


def test_images_without_an_answer_are_refused(small: Path, tmp_path: Path) -> None:
    book = Workbook.open(small)
    area = book.area("answers.id", SHEET)
    hole = Edit(SHEET, np.array([area.top]), np.array([area.left]), np.zeros(1, np.uint8), np.zeros(1),
                replace_formula=True)  # fmt: skip
    with pytest.raises(ModelError, match="Convolution: images does not hold 6 rows"):
        read_conv(book.edited([hole]), SHEET)


@pytest.mark.parametrize("options", [{"images": 2}, {"images": 61}, {"size": 5}, {"seed": -1}])
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(LessonError, match=f"--{next(iter(options))}"):
        build(tmp_path, **options)
    assert not list(tmp_path.iterdir())

"""One answer: the sheet as LibreOffice computes it, its compiled formulas, Keras, PyTensor and NumPy agree."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from embedsheet.cli import app
from embedsheet.compiler.program import compile_program
from embedsheet.compiler.recalculation import recalculate
from embedsheet.compiler.recurrence import Recurrence
from embedsheet.ground.errors import ModelError
from embedsheet.hosts.libreoffice.recalculate import recalculated
from embedsheet.lessons import rnn
from embedsheet.mirrors.recurrent import keras_net as keras_rnn
from embedsheet.mirrors.recurrent import numpy_net as numpy_rnn
from embedsheet.mirrors.recurrent.comparison import Row, compare_rnn, model_sheets, read_net
from embedsheet.mirrors.recurrent.mirror import MIRROR
from embedsheet.workbook import Edit, Workbook
from kit import judges

TEXT = "the cat sat on the mat"


def compared(path: Path, second: Workbook | None = None, sheets: Sequence[str] = ()) -> list[Row]:
    """Compare the nets of some sheets, or all."""
    book = Workbook.open(path)
    return compare_rnn(book, [read_net(book, sheet) for sheet in sheets or model_sheets(book)], second)


@pytest.fixture(scope="module")
def book_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small workbook, its weights moved off their start so that no bias is zero and the identity is none."""
    folder = tmp_path_factory.mktemp("bridge")
    (folder / "text.txt").write_text(TEXT, encoding="utf-8")
    path = rnn.build(folder / "small.xlsx", text=folder / "text.txt", hidden=3, factors=2, length=4)
    book = Workbook.open(path)
    chance = np.random.default_rng(7)
    edits = [
        Edit.of_numbers(area, book.numbers(area) + chance.normal(0, 0.2, area.shape).round(6))
        for sheet in model_sheets(book)
        for area in book.setups[sheet].changing
    ]
    book.save(edits)
    book = Workbook.open(path)
    book.save(recalculate(book).edits)
    return path


def test_sheet_compiled_formulas_keras_pytensor_and_numpy_give_one_answer(book_path: Path) -> None:
    """Loss, probabilities and gradient of three nets; to 1e-10 in double precision, to 1e-5 in Keras' float32."""
    pytest.importorskip("pytensor", reason="the extra theano is not installed")
    judges.libreoffice_values(book_path)  # skips the test where there is no LibreOffice
    rows = compared(book_path, recalculated(book_path))
    assert {row.sheet for row in rows} == {"Three characters", "n characters", "Sequence"}
    assert {row.name for row in rows} == {
        "spreadsheet program", "compiled formulas", "Keras, float64", "Keras, float32", "PyTensor", "NumPy, by hand",
    }  # fmt: skip
    for row in rows:
        assert not row.on_kink
        assert row.tolerance == (1e-5 if "float32" in row.name else 1e-10)
        assert row.loss_difference <= row.tolerance, row
        assert row.probability_difference <= row.tolerance, row
        if row.name != "spreadsheet program":
            assert row.gradient_difference is not None
            assert row.gradient_difference <= row.tolerance, row


def test_long_pieces_are_compiled_as_one_scan_with_the_same_numbers(tmp_path: Path) -> None:
    """Three pieces of 30 steps below each other: one recurrence of 29 steps after the first, not 90 single ones."""
    (tmp_path / "text.txt").write_text("no two alike, on and on and so on. " * 3, encoding="utf-8")
    path = rnn.build(tmp_path / "long.xlsx", text=tmp_path / "text.txt", hidden=3, factors=2, length=30)
    book = Workbook.open(path)
    program = compile_program(book, book.setups["Sequence"])
    assert [step.ids.shape for step in program._planner.steps if isinstance(step, Recurrence)] == [(29, 3 * 3)]
    net = read_net(book, "Sequence")
    loss, gradient = numpy_rnn.mean_loss_and_gradient(net.weights, net.pieces, net.answers)
    value, slopes = program.value_and_gradient(program.start)
    assert value == pytest.approx(loss, rel=1e-13)
    np.testing.assert_allclose(slopes, np.concatenate([part.ravel() for part in gradient]), atol=1e-13)


def test_a_wrong_number_in_a_cell_is_noticed(book_path: Path, tmp_path: Path) -> None:
    """A comparison that cannot fail proves nothing: one probability is off by 1e-6."""
    book = Workbook.open(book_path)
    area = book.area("probabilities", "Three characters")
    cell = area._replace(bottom=area.top, right=area.left)
    book.save([Edit.of_numbers(cell, book.numbers(cell) + 1e-6)], tmp_path / "wrong.xlsx")
    rows = compared(tmp_path / "wrong.xlsx", sheets=["Three characters"])
    assert [row.name for row in rows if row.agrees] == ["Keras, float32"]
    assert [row.probability_difference for row in rows] == pytest.approx([1e-6] * len(rows), rel=0.2)


def test_weights_go_into_keras_and_come_out_unchanged() -> None:
    """Every block in its place: Keras lists them in another order."""
    weights = numpy_rnn.start_weights(5, 3, 4)
    for ours, theirs in zip(weights, keras_rnn.weights_of(keras_rnn.build(weights, "float64")), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_sheet_s_text_is_read_as_pieces_and_answers(book_path: Path) -> None:
    """The text is "the cat sat on the mat"; ids count from 0 in the alphabet " acehmnost"."""
    book = Workbook.open(book_path)
    net = read_net(book, "Three characters")
    alphabet = " acehmnost"
    assert ["".join(alphabet[i] for i in piece) for piece in net.pieces[:2]] == ["the", "he "]
    assert net.answers[:2].tolist() == [[-1, -1, 0], [-1, -1, alphabet.index("c")]]
    net = read_net(book, "Sequence")
    assert ["".join(alphabet[i] for i in piece) for piece in net.pieces] == ["the ", "cat ", "sat ", "on t", "he m"]
    assert ["".join(alphabet[i] for i in ahead) for ahead in net.answers] == ["he c", "at s", "at o", "n th", "e ma"]


def test_a_sheet_without_a_net_is_refused_with_the_sheets_that_have_one(book_path: Path) -> None:
    with pytest.raises(ModelError, match=r"Scan: holds no recurrent net .* Three characters, n characters, Sequence"):
        MIRROR.chosen(Workbook.open(book_path), "Scan", {})


def test_a_hole_in_the_weights_is_named(book_path: Path, tmp_path: Path) -> None:
    """A student may have deleted a cell."""
    book = Workbook.open(book_path)
    area = book.area("output.bias", "Sequence")
    book.save([Edit.of_numbers(area, np.full(area.shape, np.nan))], tmp_path / "hole.xlsx")
    with pytest.raises(ModelError, match=r"Sequence: the block output\.bias has a cell without a number"):
        read_net(Workbook.open(tmp_path / "hole.xlsx"), "Sequence")


def test_compare_says_one_answer_and_does_without_what_is_not_installed(
    book_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PyTensor and LibreOffice are optional; the message names the remedy."""
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.split(".")[0] == "pytensor":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    monkeypatch.setenv("EMBEDSHEET_SOFFICE", "/nowhere/soffice")
    monkeypatch.setenv("COLUMNS", "140")
    result = CliRunner().invoke(app, ["compare", str(book_path), "--sheet", "Three characters"])
    assert result.exit_code == 0
    said = result.output
    assert "there is no file /nowhere/soffice" in said
    assert '-m pip install "embedsheet[theano]"' in said
    assert "One answer: every program computes the same net." in said

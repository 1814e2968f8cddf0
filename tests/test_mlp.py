"""The lesson "mlp": its cells, their derivatives and Keras' are one net; what it says of learning is so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from embedsheet.cli import app
from embedsheet.ground.errors import LessonError, ModelError
from embedsheet.lessons import find
from embedsheet.lessons.mlp import hand_sheet
from embedsheet.mirrors.full_size.engine import default_precision, load_keras
from embedsheet.mirrors.nets.comparison import Row, compare_net
from embedsheet.mirrors.perceptron.mirror import MIRROR
from embedsheet.mirrors.perceptron.model import read_perceptron, sigmoid
from embedsheet.solver import load_model, solve
from embedsheet.workbook import Edit, Workbook
from kit.judges import gnumeric_values, libreoffice_converted, libreoffice_values, libreoffice_values_of
from kit.sheets import largest_gradient_error
from kit.stored import departures

SHEETS = ["Logistic regression", "XOR", "Spiral", "Table"]
# What L-BFGS of scipy reaches from the same start on the same loss in NumPy.
REACHED = {"Logistic regression": 0.5379, "XOR": 0.0679, "Spiral": 0.036, "Table": 0.2792}


# The blocks of a net by hand that the student fills in.
BY_HAND = (
    "hidden.z", "hidden.a", "output.z", "output.dz", "hidden.da", "hidden.dz", "hidden.dweights", "hidden.dbias",
    "output.dweights", "output.dbias",
)  # fmt: skip


def build(folder: Path, **options: Any) -> Path:
    return Path(find("mlp").load().build(folder / "mlp.xlsx", no_gradient_sheet=True, **options))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("small"), hidden=3, points=4, passengers=9, epochs=30)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = build(tmp_path_factory.mktemp("trained"), epochs=30)
    for sheet in SHEETS:
        solve(path, sheet=sheet)
    return path


def compared(path: Path, **options: Any) -> list[Row]:
    book = Workbook.open(path)
    steps, rate = options.get("steps", 10), options.get("rate", 0.1)
    return [
        row for sheet in MIRROR.sheets(book) for row in compare_net(book, read_perceptron(book, sheet), steps, rate)
    ]


def typed(path: Path, sheet: str, copy: Path, **values: float | str) -> Path:
    """Type into named cells, as a user does, and recalculate."""
    book = openpyxl.load_workbook(path)
    for name, value in values.items():
        area = Workbook.open(path).area(name, sheet)
        book[sheet].cell(area.top, area.left).value = value
    book.save(copy)
    assert CliRunner().invoke(app, ["recalculate", str(copy)]).exit_code == 0
    return copy


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
def test_cells_formulas_and_keras_are_one_net(activation: str, tmp_path: Path) -> None:
    """Forward, loss, gradient (in the sheet's violet cells, too) and ten steps, to 1e-12 in float64."""
    rows = compared(build(tmp_path, hidden=3, points=4, passengers=9, epochs=3, activation=activation))
    assert [row.sheet for row in rows[::3]] == SHEETS
    assert all(row.agrees for row in rows), rows
    for row in rows:
        if not row.name.endswith("float32"):
            differences = (row.loss_difference, row.output_difference, row.gradient_difference, row.steps_difference)
            assert max(one or 0.0 for one in differences) <= 1e-12
            assert row.gradient_difference is not None


def test_training_reaches_what_another_search_does(trained: Path) -> None:
    book = Workbook.open(trained)
    for sheet, loss in REACHED.items():
        assert read_perceptron(book, sheet).loss == pytest.approx(loss, abs=2e-3), sheet
    assert book.numbers(book.area("score", "XOR"))[0, 0] == 4
    assert book.numbers(book.area("score", "Spiral"))[0, 0] == 40
    # At the best weights of one neuron, by maximum likelihood, no derivative is left.
    assert np.abs(book.numbers(book.area("gradient.output.weights", "Logistic regression"))).max() < 1e-5


def test_what_was_trained_is_still_one_net(trained: Path) -> None:
    assert all(row.agrees for row in compared(trained, steps=25)), compared(trained, steps=25)


def test_every_program_recalculates_the_trained_book(trained: Path) -> None:
    assert departures(trained, gnumeric_values) == []
    assert departures(trained, libreoffice_values) == []


def test_the_map_is_what_the_spirals_net_says(trained: Path) -> None:
    """Each arm's own samples lie in its colour: the cell nearest to a sample says the sample's arm."""
    book = Workbook.open(trained)
    places = book.numbers(book.area("places", "Spiral map"))
    chances = book.numbers(book.area("places.probability", "Spiral map"))[:, 0]
    picture = book.numbers(book.area("picture", "Spiral map"))
    np.testing.assert_allclose(picture.ravel(), chances, atol=1e-12)
    net = read_perceptron(book, "Spiral")
    samples = np.asarray(net.inputs)
    answers = book.numbers(book.area("answers", "Spiral")).ravel() - 1
    nearest = ((samples[:, None] - places[None]) ** 2).sum(axis=2).argmin(axis=1)
    assert ((chances[nearest] > 0.5) == answers).mean() > 0.9


@pytest.mark.parametrize("sheet", SHEETS)
def test_the_gradient_is_that_of_differences(sheet: str, small: Path) -> None:
    assert largest_gradient_error(load_model(small, sheet=sheet).program) < 1e-6


def test_an_estimate_comes_near_its_derivative(small: Path) -> None:
    """(f(w + h) − f(w)) ÷ h departs by h/2 of the second derivative, mean p(1−p)x² ≤ ¼ · 7²: here at most 0.007."""
    book = Workbook.open(small)
    sheet = "Logistic regression"
    slopes = np.vstack([book.numbers(book.area(f"gradient.output.{part}", sheet)) for part in ("weights", "bias")])
    assert 0 < np.abs(book.numbers(book.area("estimates", sheet)) - slopes).max() < 0.007


def test_each_epoch_is_a_step_of_keras(small: Path) -> None:
    """The path on the sheet Epochs, walked again by keras.optimizers.SGD through Keras' own layers."""
    book = Workbook.open(small)
    path = book.numbers(book.area("path", "Epochs"))
    keras = load_keras()
    inputs, answers = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float), np.array([[0], [1], [1], [0]], float)
    with default_precision("float64"):
        model = keras.Sequential(
            [
                keras.Input((2,)),
                # Keras' own tanh makes float32 of float64.
                keras.layers.Dense(3, activation=lambda z: 2 * keras.ops.sigmoid(2 * z) - 1, dtype="float64"),
                keras.layers.Dense(1, dtype="float64"),
            ]
        )
        units, last = path[0, :9].reshape(3, 3), path[0, 9:]
        model.set_weights([units[:, 1:].T, units[:, 0], last[1:, None], last[:1]])
        loss = keras.losses.BinaryCrossentropy(from_logits=True)
        model.compile(keras.optimizers.SGD(1.0), loss=loss)
        for row in path[1:]:
            model.train_on_batch(inputs, answers)
            kernel, bias, out, out_bias = (keras.ops.convert_to_numpy(one.value) for one in model.weights)
            walked = np.concatenate([np.column_stack([bias, kernel.T]).ravel(), out_bias, out.ravel()])
            np.testing.assert_allclose(walked, row, rtol=1e-12, atol=1e-12)


def test_relu_dies_where_the_scale_is_doubled_and_tanh_sleeps_where_it_is_small(tmp_path: Path) -> None:
    """What the Guide and the notes say of the sheet Epochs, as descent in NumPy has it."""
    path = build(tmp_path, points=3, passengers=8, hidden=2)

    def end(activation: str, scale: float) -> tuple[float, float]:
        book = Workbook.open(typed(path, "Epochs", tmp_path / "copy.xlsx", activation=activation, scale=scale))
        return book.numbers(book.area("loss", "Epochs"))[0, 0], book.numbers(book.area("dead", "Epochs"))[-1, 0]

    assert end("tanh", 1)[0] < 0.1
    assert end("tanh", 0.1)[0] == pytest.approx(np.log(2), abs=1e-3)
    assert end("relu", 1) == pytest.approx((0.029, 0), abs=5e-3)
    loss, dead = end("relu", 2)
    assert loss == pytest.approx(np.log(2), abs=1e-3) and dead >= 1


def test_choosing_an_activation_changes_the_net_and_keras_follows(small: Path, tmp_path: Path) -> None:
    before = read_perceptron(Workbook.open(small), "Spiral").loss
    copy = typed(small, "Spiral", tmp_path / "copy.xlsx", activation="SIGMOID")  # as Excel, whatever the case
    assert read_perceptron(Workbook.open(copy), "Spiral").loss != pytest.approx(before, abs=1e-6)
    assert all(row.agrees for row in compared(copy))


def test_an_unknown_activation_is_named(small: Path, tmp_path: Path) -> None:
    book = openpyxl.load_workbook(small)
    area = Workbook.open(small).area("activation", "XOR")
    book["XOR"].cell(area.top, area.left).value = "gelu"
    book.save(tmp_path / "copy.xlsx")
    with pytest.raises(ModelError, match=r"XOR!\w+: there is no activation 'gelu'; take one of relu, tanh, sigmoid"):
        read_perceptron(Workbook.open(tmp_path / "copy.xlsx"), "XOR")


def test_a_cell_that_departs_is_found(small: Path, tmp_path: Path) -> None:
    """A weight typed over and not recalculated: the stored results are those of another net."""
    book = Workbook.open(small)
    area = book.area("hidden.1.weights", "XOR")
    place = np.array([area.top]), np.array([area.left])
    book.save([Edit("XOR", *place, np.array([1], np.uint8), np.array([3.0]))], tmp_path / "stale.xlsx")
    rows = {row.sheet: row.agrees for row in compared(tmp_path / "stale.xlsx")}
    assert rows == {sheet: sheet != "XOR" for sheet in SHEETS}
    result = CliRunner().invoke(app, ["compare", str(tmp_path / "stale.xlsx"), "--sheet", "XOR"])
    assert result.exit_code == 1 and "Not the same" in result.output


def test_the_likelihood_is_the_product_of_the_probabilities(small: Path) -> None:
    book = Workbook.open(small)
    sheet = "Logistic regression"
    chances, answers, z = (
        book.numbers(book.area(name, sheet)).ravel() for name in ("probabilities", "answers", "output.z")
    )
    np.testing.assert_allclose(chances, sigmoid(z), atol=1e-12)
    right = np.where(answers == 1, chances, 1 - chances)
    assert book.numbers(book.area("likelihood", sheet))[0, 0] == pytest.approx(np.prod(right), rel=1e-9)


@pytest.mark.parametrize(
    "options",
    [{"hidden": 0}, {"hidden": 13}, {"points": 1}, {"passengers": 7}, {"epochs": 0}, {"epochs": 401},
     {"learning_rate": 0.0}, {"seed": -1}],
)  # fmt: skip
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], tmp_path: Path) -> None:
    name = next(iter(options)).replace("_", "-")
    with pytest.raises(LessonError, match=f"--{name}"):
        build(tmp_path, **options)
    assert not list(tmp_path.iterdir())


def test_an_activation_that_there_is_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LessonError, match="relu"):
        build(tmp_path, activation="gelu")


def _by_hand(path: Path, wrong: str = "") -> tuple[dict[str, Any], dict[str, int]]:
    """Fill in the sheet By hand as NumPy computes it, but the first cell of `wrong`; return marks and right ones."""
    book = Workbook.open(path)
    drawn = openpyxl.load_workbook(path)
    page = drawn["By hand"]

    def put(name: str, values: NDArray[Any]) -> NDArray[Any]:
        area = book.area(name, "By hand")
        for cell, value in zip(area.cells(), values.ravel().tolist(), strict=True):
            page.cell(cell.row, cell.column).value = value + (name == wrong and cell == next(iter(area.cells())))
        return values

    def numbers(name: str) -> NDArray[Any]:
        return book.numbers(book.area(name, "By hand"))

    random = np.random.default_rng(3)
    for net in ("small", "medium", "own"):
        if net == "own":
            for name in ("inputs", "hidden.weights", "hidden.bias", "output.weights", "output.bias", "targets"):
                put(f"own.{name}", random.integers(-3, 4, book.area(f"own.{name}", "By hand").shape))
            drawn.save(path)
            book = Workbook.open(path)
        z = numbers(f"{net}.inputs") @ numbers(f"{net}.hidden.weights") + numbers(f"{net}.hidden.bias")
        put(f"{net}.hidden.z", z)
        a = put(f"{net}.hidden.a", np.maximum(z, 0))
        out = put(f"{net}.output.z", a @ numbers(f"{net}.output.weights") + numbers(f"{net}.output.bias"))
        d_out = put(f"{net}.output.dz", out - numbers(f"{net}.targets"))
        d_a = put(f"{net}.hidden.da", d_out @ numbers(f"{net}.output.weights").T)
        d_z = put(f"{net}.hidden.dz", np.where(z > 0, d_a, 0))
        for layer, before, after in (("hidden", numbers(f"{net}.inputs"), d_z), ("output", a, d_out)):
            put(f"{net}.{layer}.dweights", before.T @ after)
            put(f"{net}.{layer}.dbias", after.sum(axis=0))
        # A net without silent units, or with nothing but them, teaches nothing of a = max(0, z).
        assert net == "own" or ((z < 0).any() and (z > 0).any())
    for name in list(drawn.sheetnames):
        if name != "By hand":
            del drawn[name]  # quicker to calculate
    drawn.save(path)
    libreoffice_converted([path], path.parent / "calculated")
    read = Workbook.open(path.parent / "calculated" / path.name)
    ends = [f"{net}.{block}" for net in ("small", "medium", "own") for block in BY_HAND]
    marks = {name: [one for row in read.values(read.area(f"{name}.mark", "By hand")) for one in row] for name in ends}
    counts = {net: int(read.numbers(read.area(f"{net}.right", "By hand"))[0, 0]) for net in ("small", "medium", "own")}
    return marks, counts


def test_a_net_by_hand_is_checked_cell_by_cell(tmp_path: Path) -> None:
    """Right answers have ✓ throughout. A wrong one has ✗, and what follows from it as it stands is charged, too."""
    path = Path(find("mlp").load().build(tmp_path / "mlp.xlsx", no_gradient_sheet=True))
    fresh = Workbook.open(path)
    for net in ("small", "medium", "own"):
        for block in BY_HAND:
            marks = fresh.values(fresh.area(f"{net}.{block}.mark", "By hand"))
            assert {one or "" for row in marks for one in row} == {""}
    wrong = Path(find("mlp").load().build(tmp_path / "wrong.xlsx", no_gradient_sheet=True))
    marks, counts = _by_hand(path)
    assert {one for row in marks.values() for one in row} == {"✓"}
    # Samples times units, four times, and outputs, twice: 2·2·4 + 2·1·2, 3·4·4 + 3·2·2, 2·3·4 + 2·1·2; and all weights
    # and biases: 2·2 + 2 + 2·1 + 1, 3·4 + 4 + 4·2 + 2, 2·3 + 3 + 3·1 + 1.
    assert counts == {"small": 20 + 9, "medium": 60 + 26, "own": 28 + 13}
    marks, counts = _by_hand(wrong, "medium.hidden.a")
    assert marks["medium.hidden.a"][0] == "✗" and marks["medium.hidden.a"][1:] == ["✓"] * 11
    # The first output of that sample is right by NumPy's a, not by the one that stands there.
    assert "✗" in marks["medium.output.z"][:2] and marks["medium.output.z"][2:] == ["✓"] * 4
    assert counts["small"] == 29 and counts["own"] == 41


@pytest.mark.parametrize("source", [1, 2])
@pytest.mark.parametrize("unit", [1, 2])
def test_the_chain_by_hand_and_its_estimate_agree_to_what_h_allows(
    source: int, unit: int, small: Path, tmp_path: Path
) -> None:
    """Of ½ (z − t)², where no unit crosses its bend, (f(w + h) − f(w)) ÷ h − f′(w) = h ÷ 2 · Σ (V · f′ · x)²."""
    net, step = hand_sheet.nets()[0], 0.01
    z = net.inputs @ net.weights[0] + net.biases[0]
    along = net.weights[1][unit - 1, 0] * (z[:, unit - 1] > 0) * net.inputs[:, source - 1]
    wrong = (np.maximum(z, 0) @ net.weights[1] + net.biases[1] - net.targets)[:, 0]
    choice = {"chain.input": source, "chain.unit": unit, "chain.step": step}
    book = Workbook.open(typed(small, "By hand", tmp_path / "chosen.xlsx", **choice))
    slope, guess = (book.numbers(book.area(f"chain.{name}", "By hand"))[0, 0] for name in ("derivative", "estimate"))
    assert slope == (wrong * along).sum()
    assert guess - slope == pytest.approx(step / 2 * (along**2).sum(), abs=1e-9)


def test_the_derivatives_by_hand_are_those_of_finite_differences() -> None:
    """Half the squared error of the small net, a weight moved by 1e-6; the net has silent units and others."""
    net = hand_sheet.nets()[0]

    def loss(weights: NDArray[Any]) -> float:
        a = np.maximum(net.inputs @ weights + net.biases[0], 0)
        return float(((a @ net.weights[1] + net.biases[1] - net.targets) ** 2).sum() / 2)

    start = net.weights[0].astype(float)
    steps = 1e-6 * np.eye(start.size).reshape(start.size, *start.shape)
    found = [(loss(start + step) - loss(start - step)) / 2e-6 for step in steps]
    # By paper and pencil: z is 3 1 / 6 −2, a 3 1 / 6 0, the output 4 / 9, dz −1 / 2, da −1 2 / 2 −4, dz −1 2 / 2 0.
    np.testing.assert_allclose(found, [-1 + 3 * 2, 2, 2 * -1 + 2, 2 * 2], atol=1e-6)


def test_the_loss_chart_is_alive_and_moves_when_the_rate_is_typed_over(small: Path, tmp_path: Path) -> None:
    """As LibreOffice recalculates: from the same start a tenth of the rate falls less, ten times goes elsewhere."""
    paths = [small]
    for rate in (0.1, 10.0):
        book = openpyxl.load_workbook(small)
        at = Workbook.open(small).area("learning_rate", "Epochs")
        book["Epochs"].cell(at.top, at.left).value = rate
        paths.append(tmp_path / f"rate-{rate}.xlsx")
        book.save(paths[-1])
    page = openpyxl.load_workbook(small)["Epochs"]
    drawn = next(chart.series[0].yVal.numRef.f for chart in page._charts if len(chart.series) == 1)
    cells = [row[0].coordinate for row in page[drawn.split("!")[1].replace("$", "")]]
    usual, slow, fast = (
        np.array([values["Epochs"][cell] for cell in cells], float) for values in libreoffice_values_of(paths)
    )
    assert usual[0] == slow[0] == fast[0]
    assert usual[-1] < slow[-1] < slow[0]
    assert np.abs(fast - usual).max() > 0.01

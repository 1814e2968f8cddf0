"""The lesson "optimisers": its paths are Keras' own, its solver finds what algebra says."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest
from typer.testing import CliRunner

from embedsheet.cli import app
from embedsheet.compiler.program import Program
from embedsheet.compiler.recalculation import recalculate
from embedsheet.ground.errors import LessonError, ModelError
from embedsheet.lessons import find
from embedsheet.lessons.optimisers.rules import RULES
from embedsheet.mirrors.full_size.engine import default_precision, load_keras
from embedsheet.mirrors.optimisers.comparison import (
    Row,
    compare_descents,
    factor_gradient,
    factor_loss,
    keras_path,
    model_sheets,
    read_descent,
)
from embedsheet.mirrors.optimisers.mirror import MIRROR
from embedsheet.solver import load_model, solve
from embedsheet.workbook import Edit, Workbook
from kit import judges
from kit.sheets import largest_gradient_error

SHEETS = [rule.name for rule in RULES]


def build(folder: Path, **options: Any) -> Path:
    return Path(find("optimisers").load().build(folder / "optimisers.xlsx", **{"no_ratings": True, **options}))


def descents(path: Path) -> list[Row]:
    """Compare every optimiser of a workbook with Keras."""
    book = Workbook.open(path)
    return compare_descents(read_descent(book, sheet) for sheet in model_sheets(book))


def typed(path: Path, sheet: str, name: str, number: float) -> None:
    """Type a number into a named cell, as a user does, without recalculating."""
    workbook = Workbook.open(path)
    area = workbook.area(name, sheet)
    place = np.array([area.top]), np.array([area.left])
    workbook.save([Edit(sheet, *place, np.array([1], np.uint8), np.array([number]))])


@pytest.mark.parametrize("options", [{}, {"batch": 3, "steps": 25, "points": 11, "seed": 1}])
def test_each_sheet_walks_as_keras_does(options: dict[str, Any], tmp_path: Path) -> None:
    rows = descents(build(tmp_path, **options))
    assert [row.sheet for row in rows] == SHEETS
    assert all(row.steps == options.get("steps", 60) for row in rows)
    assert max(row.difference for row in rows) <= 1e-12


@pytest.mark.parametrize("place", range(max(len(rule.settings) for rule in RULES)))
def test_each_setting_is_the_argument_of_keras_by_that_name(place: int, tmp_path: Path) -> None:
    """Typed into the cell and recalculated, the path is still Keras', and another one; one setting on each sheet."""
    path = build(tmp_path, steps=12)
    asked = {rule.name: list(rule.settings)[place] for rule in RULES if len(rule.settings) > place}
    before = {sheet: read_descent(Workbook.open(path), sheet) for sheet in asked}
    for sheet, setting in asked.items():
        typed(path, sheet, setting, 0.5 * before[sheet].settings[setting])
    assert CliRunner().invoke(app, ["recalculate", str(path)]).exit_code == 0
    for sheet in asked:
        after = read_descent(Workbook.open(path), sheet)
        assert np.abs(after.weights - before[sheet].weights).max() > 1e-9, sheet
        np.testing.assert_allclose(keras_path(after), after.weights, rtol=1e-12, err_msg=sheet)


def drawn_upwards(path: Path) -> dict[str, list[str]]:
    """Return the ranges that the charts of a workbook draw upwards, by their sheet."""
    found: dict[str, list[str]] = {}
    with zipfile.ZipFile(path) as parts:
        charts = [parts.read(name).decode() for name in parts.namelist() if name.startswith("xl/charts/chart")]
    for chart in charts:
        for sheet, cells in re.findall(r"<c:yVal><c:numRef><c:f>'?([^'!]+)'?!([^<]+)</c:f>", chart):
            found.setdefault(sheet, []).append(cells.replace("$", ""))
    return found


def test_the_charts_move_when_a_learning_rate_is_typed_over(tmp_path: Path) -> None:
    """In LibreOffice: what the charts of Adam and of the race draw of it are formulas, and give other numbers."""
    path = build(tmp_path, steps=12, no_gradient_sheet=True)
    book, ranges, before = openpyxl.load_workbook(path), drawn_upwards(path), judges.read_values(path)
    typed(path, "Adam", "learning_rate", 0.05)
    after = judges.libreoffice_values(path)
    place = SHEETS.index("Adam")
    of_adam = [*(("Adam", cells) for cells in ranges["Adam"]), ("Race", ranges["Race"][place])]
    assert len(ranges["Race"]) == len(SHEETS) and len(of_adam) == 3  # the path, the loss, the race
    for sheet, cells in of_adam:
        steps = [row[0] for row in book[sheet][cells]][1:]  # all begin at the same point
        assert len(steps) == 12
        assert all(str(cell.value).startswith("=") for cell in steps)
        assert all(after[sheet][cell.coordinate] != before[sheet][cell.coordinate] for cell in steps)
    for other in set(SHEETS) - {"Adam"}:
        assert all(
            after[other][cell.coordinate] == pytest.approx(before[other][cell.coordinate], abs=1e-12)
            for cells in ranges[other] for row in book[other][cells] for cell in row
        )  # fmt: skip


def test_a_cell_that_departs_is_found(tmp_path: Path) -> None:
    path = build(tmp_path, steps=12)
    typed(path, "Adam", "beta_1", 0.8)  # not recalculated: the stored path is that of 0.9
    rows = {row.sheet: row.agrees for row in descents(path)}
    assert rows == {name: name != "Adam" for name in SHEETS}
    result = CliRunner().invoke(app, ["compare", str(path)])
    assert result.exit_code == 1
    assert "Not the same" in result.output


def test_the_solver_reaches_the_line_of_least_squares(tmp_path: Path) -> None:
    path = build(tmp_path)
    solution = solve(path, sheet="Solver")
    data = Workbook.open(path)
    x, y = (data.numbers(data.area(f"data.{one}", "Data")).ravel() for one in "xy")
    slope, intercept = np.polyfit(x, y, 1)  # NumPy's own least squares
    found = data.numbers(data.area("weights", "Solver")).ravel()
    np.testing.assert_allclose(found, [intercept, slope], atol=1e-6)
    np.testing.assert_allclose(solution.objective_after, np.mean((intercept + slope * x - y) ** 2), atol=1e-10)
    # Newton's single step stands there before and after.
    np.testing.assert_allclose(data.numbers(data.area("newton", "Solver")).ravel(), [intercept, slope], atol=1e-9)


# Of the six, descent and Adam stand for all.
ALIKE = [pytest.param(one, marks=pytest.mark.soak) for one in SHEETS[1:-1]]


@pytest.mark.parametrize("sheet", [SHEETS[0], *ALIKE, SHEETS[-1]])
def test_the_gradient_goes_back_through_all_steps(sheet: str, tmp_path: Path) -> None:
    """The last loss by the learning rate: exact against central differences, and the best rate is better."""
    path = build(tmp_path, steps=15)
    program: Program = load_model(path, sheet=sheet).program
    assert largest_gradient_error(program) < 1e-6
    solution = solve(path, sheet=sheet)
    assert solution.objective_after < solution.objective_before
    assert Workbook.open(path).numbers(Workbook.open(path).area("loss", sheet))[0, 0] == solution.objective_after


def test_a_contour_has_one_loss(tmp_path: Path) -> None:
    book = Workbook.open(build(tmp_path))
    x, y = (book.numbers(book.area(f"data.{one}", "Data")).ravel() for one in "xy")
    excess = book.numbers(book.area("start.excess", "Contours"))[0, 0]
    least = book.numbers(book.area("best.loss", "Data"))[0, 0]
    for number, share in enumerate((1.0, 0.6, 0.35, 0.18, 0.08, 0.03, 0.005), 1):
        intercepts, slopes = (
            book.numbers(book.area(f"contour.{number}.{what}", "Contours")) for what in ("intercept", "slope")
        )
        losses = np.mean((intercepts + slopes * x - y) ** 2, axis=1)
        np.testing.assert_allclose(losses, least + share * excess, rtol=1e-9)


@pytest.mark.parametrize(
    "options", [{"points": 2}, {"points": 201}, {"batch": 0}, {"batch": 21}, {"steps": 0}, {"steps": 501}, {"seed": -1}]
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(LessonError, match=f"--{next(iter(options))}"):
        build(tmp_path, **options)
    assert not list(tmp_path.iterdir())


def test_another_sheet_or_workbook_is_no_optimiser(tmp_path: Path) -> None:
    path = build(tmp_path, steps=5)
    result = CliRunner().invoke(app, ["compare", str(path), "--sheet", "Data"])
    assert result.exit_code != 0
    assert "choose one of Gradient descent" in str(result.exception) + result.output
    other = Path(find("green-eggs").load().build(tmp_path / "words.xlsx"))
    assert model_sheets(Workbook.open(other)) == []


def test_an_unknown_optimiser_is_named(tmp_path: Path) -> None:
    path = build(tmp_path, steps=5)
    book = openpyxl.load_workbook(path)
    book["Adam"]["A1"] = "Lion"
    book.save(path)
    with pytest.raises(ModelError, match="Adam!A1: there is no optimiser 'Lion'"):
        read_descent(Workbook.open(path), "Adam")


@pytest.fixture(scope="module")
def ratings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("ratings"), no_ratings=False, steps=4)


def test_the_ratings_gradient_is_that_of_their_loss(ratings: Path) -> None:
    """Central differences of the mean squared error of rated pairs."""
    book = Workbook.open(ratings)
    stars, path = (book.numbers(book.area(name, "Ratings")) for name in ("stars", "weights"))
    weights, slope = path[1], factor_gradient(path[1], stars)
    nudges = 1e-5 * np.eye(len(weights))
    differences = [(factor_loss(weights + one, stars) - factor_loss(weights - one, stars)) / 2e-5 for one in nudges]
    np.testing.assert_allclose(slope, differences, atol=1e-8)


def test_every_optimiser_walks_the_ratings_as_keras_does_and_libreoffice_calculates_them(
    ratings: Path, tmp_path: Path
) -> None:
    """Each is chosen by its cell, with another step shown; LibreOffice calculates the sheets, Keras makes the steps."""
    paths = []
    drawn = openpyxl.load_workbook(ratings)
    for page in set(drawn.sheetnames) - {"Ratings", "Ratings by steps"}:
        del drawn[page]  # quicker to calculate
    for place, name in enumerate(SHEETS):
        drawn["Ratings"]["C4"], drawn["Ratings"]["C5"] = name, 1 + place % 4
        drawn.save(tmp_path / f"{place}.xlsx")
        paths.append(tmp_path / f"{place}.xlsx")
    judges.libreoffice_converted(paths, tmp_path / "calculated")
    for place, (name, path) in enumerate(zip(SHEETS, paths, strict=True)):
        book = Workbook.open(tmp_path / "calculated" / path.name)
        model = read_descent(book, "Ratings")
        assert model.optimiser == name
        np.testing.assert_allclose(keras_path(model), model.weights, rtol=0, atol=1e-12)
        losses = book.numbers(book.area("losses", "Ratings by steps")).ravel()
        stars = book.numbers(book.area("stars", "Ratings"))
        np.testing.assert_allclose(losses, [factor_loss(one, stars) for one in model.weights], rtol=1e-9)
        assert losses[-1] < losses[0]
        # The step in blocks is that row of the steps.
        users, movies = (book.numbers(book.area(f"after.{who}", "Ratings")) for who in ("users", "movies"))
        after = np.concatenate([users.T.ravel(), movies.ravel()])
        np.testing.assert_allclose(after, model.weights[1 + place % 4], atol=1e-12)


def test_the_code_of_the_ratings_walks_their_path(ratings: Path) -> None:
    book = Workbook.open(ratings)
    load_keras()  # chooses the engine
    names: dict[str, Any] = {}
    with default_precision("float64"):
        exec("\n".join(MIRROR.own_code(read_descent(book, "Ratings"))), names)
    np.testing.assert_allclose(names["path"], book.numbers(book.area("weights", "Ratings")), atol=1e-12)


def test_the_ratings_hold_what_the_formulas_give(ratings: Path) -> None:
    recalculated = recalculate(Workbook.open(ratings))
    assert (recalculated.out_of_date, recalculated.faults) == (0, [])


def test_a_solver_learns_the_ratings_from_where_the_steps_began(ratings: Path, tmp_path: Path) -> None:
    before = Workbook.open(ratings)
    stars, path = (before.numbers(before.area(name, "Ratings")) for name in ("stars", "weights"))
    program: Program = load_model(ratings, sheet="Ratings solver").program
    # The sheet's formulas are NumPy's loss, at the steps' own first weights, and its gradient, in the order of cells.
    users, movies = before.area("users.factors", "Ratings solver"), before.area("movies.factors", "Ratings solver")
    n, k = users.shape
    begin = np.concatenate([before.numbers(users).T.ravel(), before.numbers(movies).ravel()])
    np.testing.assert_array_equal(begin, path[0])
    value, slope = program.value_and_gradient(program.start)
    np.testing.assert_allclose(value, factor_loss(path[0], stars), rtol=1e-12)
    wanted = factor_gradient(path[0], stars)
    by_block = np.concatenate([wanted[: n * k].reshape(k, n).T.ravel(), wanted[n * k :]])
    np.testing.assert_allclose(slope, by_block, atol=1e-12)
    # As many iterations as the other sheets make steps, and it is below what twenty of Adam's reach, 0.7814.
    target = tmp_path / "solved.xlsx"
    solution = solve(ratings, sheet="Ratings solver", max_iterations=60, output=target)
    assert solution.objective_after < 0.6
    after = Workbook.open(target)
    found = np.concatenate([after.numbers(users).T.ravel(), after.numbers(movies).ravel()])
    np.testing.assert_allclose(factor_loss(found, stars), solution.objective_after, rtol=1e-12)

"""`embedsheet show`: the page of a sheet and its code, looked at in Chromium."""

from __future__ import annotations

import importlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.styles import Alignment
from openpyxl.worksheet.worksheet import Worksheet
from typer.testing import CliRunner

import embedsheet as es
from embedsheet.cli import app
from embedsheet.translations.coder.viewer import page as pages
from kit import sheets

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium; the test is skipped without it unless the judges are required."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        sync_playwright = None  # type: ignore[assignment]
    if CHROMIUM is None or sync_playwright is None:
        if os.environ.get("EMBEDSHEET_REQUIRE_JUDGES"):
            pytest.fail("Chromium and playwright are required.")
        pytest.skip("needs Chromium and playwright")
    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


class Opened:
    """A page in the browser with what went wrong in it."""

    def __init__(self, browser: Any, path: Path) -> None:
        self.view = browser.new_page(viewport={"width": 1400, "height": 900})
        self.errors: list[str] = []
        self.asked: list[str] = []
        self.view.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)
        self.view.on("pageerror", lambda error: self.errors.append(str(error)))
        self.view.on("request", lambda request: self.asked.append(request.url))
        self.view.goto(path.as_uri())


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("show")
    book = es.new("movielens", folder / "films.xlsx", users=6, movies=6, factors=2)
    target = folder / "films.html"
    result = CliRunner().invoke(
        app, ["show", str(book), "--sheet", "Cross-tab", "--solve", "--train", "-o", str(target)]
    )
    assert result.exit_code == 0, result.output
    return target


def test_a_films_iterations_are_those_that_solve_counts(film: Path) -> None:
    (solved, trained) = data(film.read_text(encoding="utf-8"))["films"]
    found = es.solve(film.with_name("films.xlsx"), "Cross-tab", dry_run=True)
    assert len(solved["losses"]) == found.iterations + 1  # and the start
    ends = [solved["losses"][0], solved["losses"][-1]]
    assert ends == pytest.approx([found.objective_before, found.objective_after], rel=1e-6)
    assert len(trained["losses"]) == 301


def data(html: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.S)
    assert found
    told: dict[str, Any] = json.loads(found[1])
    return told


def test_a_line_lights_its_cells_and_a_cell_its_line_and_what_it_reads(browser: Any, film: Path) -> None:
    opened = Opened(browser, film)
    view = opened.view
    line = view.locator(".code:visible .line.block", has_text="predictions = users_factors @ movies_factors")
    line.hover()
    assert view.locator("td.lit").count() == 36  # 6 users × 6 movies
    row, column = (int(view.locator("td.lit").first.get_attribute(f"data-{side}") or 0) for side in ("row", "column"))
    first = view.locator(f'td[data-row="{row}"][data-column="{column}"]')
    first.hover()
    assert "predictions = users_factors @" in view.locator(".code:visible .line.lit").inner_text()
    assert view.locator("td.read").count() == 4  # two factors of the user, two of the movie
    assert view.locator("td.reader").count() == 1  # the error
    assert "=MMULT($A" in view.locator("#told").inner_text()
    first.click()
    view.keyboard.press("ArrowDown")
    assert view.locator("td.here").get_attribute("data-row") == str(row + 1)
    view.keyboard.press("Escape")
    assert view.locator("td.here").count() == 0
    assert opened.errors == []
    assert [url for url in opened.asked if not url.startswith("file:")] == []


def test_each_language_has_a_tab_that_the_arrow_keys_reach(browser: Any, film: Path) -> None:
    opened = Opened(browser, film)
    view = opened.view
    assert view.get_by_role("tab", name="NumPy").get_attribute("aria-selected") == "true"
    view.get_by_role("tab", name="NumPy").focus()
    view.keyboard.press("ArrowRight")
    assert "jnp." in view.locator(".code:visible").inner_text()
    view.get_by_role("tab", name="Keras").click()
    assert "class Sheet(keras.Model)" in view.locator(".code:visible").inner_text()
    assert opened.errors == []


def test_the_film_moves_the_numbers_and_their_colours(browser: Any, film: Path) -> None:
    opened = Opened(browser, film)
    view = opened.view
    told = data(film.read_text(encoding="utf-8"))
    last = len(told["films"][0]["frames"]) - 1
    line = view.locator(".code:visible .line.block", has_text="rmse =").first
    line.hover()
    cell = view.locator("td.lit").first
    before = float(cell.inner_text())
    assert abs(before - told["films"][0]["losses"][0]) < 1e-4  # the cell shows four digits
    error = view.locator("td.filled.number").last
    colour = error.evaluate("cell => getComputedStyle(cell).backgroundColor")
    view.locator("#iteration").fill(str(last))
    assert abs(float(cell.inner_text()) - told["films"][0]["losses"][-1]) < 1e-4
    assert error.evaluate("cell => getComputedStyle(cell).backgroundColor") != colour
    view.locator("#play").click()
    expect = importlib.import_module("playwright.sync_api").expect
    expect(view.locator("#play")).to_have_text("Pause")
    expect(view.locator("#iteration")).not_to_have_value("0")
    assert opened.errors == []


def test_solver_and_keras_are_two_films_that_one_slider_moves(browser: Any, film: Path) -> None:
    opened = Opened(browser, film)
    view = opened.view
    told = data(film.read_text(encoding="utf-8"))["films"]
    assert [one["title"] for one in told] == ["Solver", "Keras"]
    assert told[1]["losses"][0] == told[0]["losses"][0]  # both begin with the sheet's numbers
    assert told[1]["losses"][-1] < 0.5 * told[1]["losses"][0]
    assert view.locator(".film svg").count() == 2
    most = int(view.locator("#iteration").get_attribute("max") or 0)
    view.locator("#iteration").fill(str(most))
    words = view.locator(".film output").inner_text()
    assert f"epoch {len(told[1]['losses']) - 1} of" in words
    ends = [one["losses"][-1] for one in told]
    assert f"Difference: {ends[1] - ends[0]:.3g}"[:18] in words
    view.locator(".code:visible .line.block", has_text="rmse =").first.hover()
    cell = view.locator("td.lit").first
    for name, number in (("Keras", ends[1]), ("Keras \u2212 Solver", ends[1] - ends[0]), ("Solver", ends[0])):
        view.get_by_role("radio", name=name, exact=True).check()
        assert abs(float(cell.inner_text()) - number) < 1e-4  # the cell shows four digits
    assert opened.errors == []


def test_a_sheet_with_bounds_is_not_trained_in_keras(tmp_path: Path) -> None:
    book = sheets.write(tmp_path / "b.xlsx", {"A1": 2, "A2": "=(A1-3)^2"})
    es.recalculate(book)
    opened = es.open(book)
    opened.setups["S"] = sheets.setup("A2", ["A1"], nonnegative=True)
    with pytest.raises(es.EmbedsheetError, match="S: has bounds, which a training in Keras knows nothing of"):
        pages.page(opened, train=True)


def test_a_training_that_ends_without_a_word_is_an_error_that_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = sheets.write(tmp_path / "b.xlsx", {"A1": 2, "A2": "=(A1-3)^2"})
    es.recalculate(book)
    opened = es.open(book)
    opened.setups["S"] = sheets.setup("A2", ["A1"])
    (tmp_path / "sitecustomize.py").write_text("import os\n\nos._exit(3)\n")  # as a process that is killed ends
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(
        es.EmbedsheetError, match=r"^S: Keras could not train it: its process ended with 3 and said not"
    ):
        pages.page(opened, train=True)


def test_pointing_at_a_line_scrolls_the_sheet_to_its_cells(browser: Any, film: Path) -> None:
    opened = Opened(browser, film)
    opened.view.set_viewport_size({"width": 1000, "height": 400})
    frame = opened.view.locator(".sheet:visible")
    assert frame.evaluate("frame => frame.scrollTop") == 0
    opened.view.locator(".code:visible .line.block", has_text="errors =").first.hover()
    assert frame.evaluate("frame => frame.scrollTop") > 0
    assert opened.view.evaluate("window.scrollY") == 0


def test_what_stands_in_cells_is_text_and_runs_nothing(browser: Any, tmp_path: Path) -> None:
    evil = "</script><script>window.hacked=1</script><img src=x onerror='window.hacked=2'>"
    cells = {"A1": evil, "A2": 2, "B2": f'=IF(A2>1,"{evil}","<b>")', "C1": "\u2028<!--<script>", "C2": "=A2*2"}
    book = sheets.write(tmp_path / "b.xlsx", cells, sheet="\"'<i>&")
    es.recalculate(book)
    made = pages.page(book)
    target = made.save(tmp_path / "b.html")
    assert "hacked=1</script>" not in made.html
    opened = Opened(browser, target)
    assert opened.view.evaluate("window.hacked") is None
    assert evil in opened.view.locator(".sheet:visible").inner_text()
    assert opened.view.locator("img, i, b").count() == 0
    assert opened.errors == []


def test_a_merged_heading_is_one_cell_and_a_turned_one_stands_up(browser: Any, tmp_path: Path) -> None:
    """B1:D1 is merged, F1 is read from bottom to top; the arrow keys leave both."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    sheet["A1"], sheet["B1"], sheet["E1"] = 1, "a heading over three columns", 2
    sheet["F1"] = "read from bottom to top"
    sheet["F1"].alignment = Alignment(text_rotation=90)
    sheet.merge_cells("B1:D1")
    sheet["A2"] = "=A1+E1"
    book.save(tmp_path / "b.xlsx")
    es.recalculate(tmp_path / "b.xlsx")
    opened = Opened(browser, pages.page(tmp_path / "b.xlsx").save(tmp_path / "b.html"))
    cells = [opened.view.locator(f'td[data-row="1"][data-column="{column}"]') for column in (1, 2, 3, 4, 5)]
    assert [cell.count() for cell in cells] == [1, 1, 0, 0, 1]
    assert cells[1].inner_text() == "a heading over three columns"
    cells[0].click()
    for column in ("2", "5", "6"):
        opened.view.keyboard.press("ArrowRight")
        assert opened.view.locator("td.here").get_attribute("data-column") == column
    for column in ("5", "2"):
        opened.view.keyboard.press("ArrowLeft")
        assert opened.view.locator("td.here").get_attribute("data-column") == column
    box = opened.view.locator('td[data-row="1"][data-column="6"] > span').bounding_box()
    assert box["height"] > 3 * box["width"]
    assert opened.errors == []


# As Excel shows the number in this format.
SHOWN = [
    (15, '"user "0', "user 15"), (-3, '"user "0', "-user 3"), (7, "000", "007"), (12, '0\\ "kg"', "12 kg"),
    (1234567.891, "#,##0.00", "1,234,567.89"), (-5, "0.0;[Red]-0.0", "-5.0"), (0, '0;-0;"none "0', "none 0"),
    (0.125, "0.0%", "12.5%"), (3.5, "[$€-407] #,##0.00", "€ 3.50"),
]  # fmt: skip


def test_number_formats_show_their_text_too(browser: Any, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    for row, (value, form, _) in enumerate(SHOWN, 1):
        sheet.cell(row, 1).value, sheet.cell(row, 1).number_format = value, form
    sheet["B1"] = "=A1+1"
    book.save(tmp_path / "b.xlsx")
    es.recalculate(tmp_path / "b.xlsx")
    opened = Opened(browser, pages.page(tmp_path / "b.xlsx").save(tmp_path / "b.html"))
    told = [opened.view.locator(f'td[data-row="{row}"][data-column="1"]').text_content() for row in range(1, 10)]
    assert told == [text for _, _, text in SHOWN]
    assert opened.errors == []


@pytest.mark.parametrize(("lesson", "sheet"), [("movielens", "One rating a row"), ("rnn", "n characters")])
def test_a_lessons_page_is_below_one_megabyte(tmp_path: Path, lesson: str, sheet: str) -> None:
    made = pages.page(es.new(lesson, tmp_path / "b.xlsx"), sheet)
    assert len(made.html.encode()) < 1_000_000
    assert made.notes == ()


def test_a_workbook_of_too_many_cells_shows_what_the_code_reads_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "_MOST_CELLS", 50)
    cells: dict[str, Any] = {f"{column}{row}": row for column in "ABCDEF" for row in range(1, 30)}
    cells["H1"] = "=SUM(A1:B29)"
    model = {"A1": "a model's own sheet", "A2": "=Data!H1*A3", "A3": 2}
    book = sheets.write(tmp_path / "b.xlsx", cells, "Data", {"Model": model})
    es.recalculate(book)
    made = pages.page(book)
    assert "The workbook has 178 cells" in made.notes[0]
    shown = {sheet["name"]: len(sheet["cells"]) for sheet in data(made.html)["sheets"]}
    assert shown == {"Data": 47, "Model": 3}  # of 58 numbers and their sum what is left of 50


def test_the_page_in_the_documentation_is_what_the_command_makes(tmp_path: Path, monkeypatch: Any) -> None:
    # Made by tools/make_page.py; the films' last digits are the machine's that made it.
    root = Path(__file__).parents[1]
    monkeypatch.syspath_prepend(str(root / "tools"))
    made = importlib.import_module("make_page")
    shown = (root / "docs" / "live" / "films.html").read_text(encoding="utf-8")
    fresh = pages.page(made.book(tmp_path), "Cross-tab").html
    assert len(shown) < 1_000_000
    told = [data(text) for text in (shown, fresh)]
    assert [one["title"] for one in told[0]["films"]] == ["Solver", "Keras"]
    assert told[0] | {"films": []} == told[1]
    rest = [re.sub(r'id="data">.*?</script>', "", text, flags=re.S) for text in (shown, fresh)]
    assert rest[0] == rest[1], "run python tools/make_page.py"


def test_an_existing_page_is_replaced_only_by_force(film: Path) -> None:
    book = film.with_suffix(".xlsx")
    command = ["show", str(book), "--sheet", "Cross-tab", "-o", str(film)]
    assert CliRunner().invoke(app, command).exit_code == 2


def test_an_open_workbook_shows_itself_in_a_notebook(browser: Any, tmp_path: Path) -> None:
    evil = "</iframe><script>window.top.hacked=1</script>\"'"
    book = sheets.write(tmp_path / "b.xlsx", {"A1": 2, "A2": "=A1*3*A1", "A3": evil})
    es.recalculate(book)
    opened_book = es.open(book)
    bundle = opened_book._repr_mimebundle_()
    assert bundle["text/plain"] == "b.xlsx: S; 3 cells."
    assert opened_book._repr_html_() == bundle["text/html"]  # what marimo asks for first
    target = tmp_path / "notebook.html"
    target.write_text(f"<!doctype html><body>{bundle['text/html']}</body>", encoding="utf-8")
    opened = Opened(browser, target)
    frame = opened.view.frame_locator("iframe")
    frame.locator("td[data-row='2'][data-column='1']").hover()
    assert "S!A2 =A1*3*A1\n\nreads S!A1\n" in frame.locator("#told").inner_text() + "\n"
    assert opened.view.evaluate("window.hacked") is None
    assert opened.errors == []


def test_a_workbook_that_cannot_be_shown_says_why_as_text(tmp_path: Path) -> None:
    book = sheets.write(tmp_path / "b.xlsx", {"A1": 2, "A2": "=FORECAST.ETS(A1,C1:C3,D1:D3)", "A3": "=A2^2"})
    es.recalculate(book)
    shown = es.open(book)
    shown.setups["S"] = sheets.setup("A3", ["A1"])
    bundle = shown._repr_mimebundle_()
    assert shown._repr_html_() is None
    assert "Not shown beside its code: " in bundle["text/plain"]
    assert "FORECAST.ETS" in bundle["text/plain"]

"""`import embedsheet as es`: everything is there, costs nothing until it is used, and does what the commands do."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import openpyxl
import pytest
from typer.testing import CliRunner

import embedsheet as es
from embedsheet.cli import app
from embedsheet.solvers import solve as solvers_solve
from kit import pages
from kit.sheets import write

PAGE = (pages.ROOT / "docs" / "python.md").read_text(encoding="utf-8")


def test_every_public_name_is_there_documented_and_on_the_page() -> None:
    assert set(es.__all__) <= set(dir(es))
    for name in es.__all__:
        assert getattr(es, name).__doc__, name
        assert f"es.{name}" in PAGE, name


def test_a_workbook_and_its_sheets_are_a_line_each_in_a_session(tmp_path: Path) -> None:
    book = es.open(write(tmp_path / "book.xlsx", {"A1": 3, "B1": "=A1^2"}))
    (sheet,) = book.sheets.values()
    assert repr(book) == f"<Workbook book.xlsx: {sheet.name!r}>"
    assert repr(sheet) == f"<Sheet {sheet.name!r}: 2 cells, formulas in 1>"


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'sovle'"):
        es.sovle  # noqa: B018


def test_asking_what_there_is_imports_none_of_it() -> None:
    code = "import sys, embedsheet as es; dir(es); print([m for m in sys.modules if m.startswith('embedsheet.')])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "['embedsheet.ground', 'embedsheet.ground.offers']"


def test_gradient_is_what_the_command_prints(movielens_book: Path) -> None:
    slope = es.gradient(movielens_book, "Cross-tab")
    result = CliRunner().invoke(app, ["gradient", str(movielens_book), "--sheet", "Cross-tab", "--json"])
    told = json.loads(result.output)
    assert slope.value == told["value"]
    assert [str(area) for area in slope.blocks] == [block["area"] for block in told["gradient"]]
    for block, words in zip(slope.blocks.values(), told["gradient"], strict=True):
        assert np.array_equal(block, words["values"])


def test_new_refuses_an_option_that_there_is_not_and_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(es.EmbedsheetError, match=re.escape("has no option 'user'; did you mean users?")):
        es.new("movielens", tmp_path / "b.xlsx", user=3)
    assert list(tmp_path.iterdir()) == []


def test_recalculate_writes_a_copy_and_leaves_the_workbook_as_it_is(movielens_book: Path, tmp_path: Path) -> None:
    before = movielens_book.read_bytes()
    copy = tmp_path / "copy.xlsx"
    fresh = es.recalculate(movielens_book, copy)
    assert fresh.report is not None and fresh.report.path == copy
    assert fresh.results.verification.mismatch_count == 0
    assert movielens_book.read_bytes() == before
    with pytest.raises(es.EmbedsheetError, match="--force"):
        es.recalculate(movielens_book, copy)


def test_a_comparison_is_a_table_and_a_verdict(tmp_path: Path) -> None:
    path = es.new("movielens", tmp_path / "films.xlsx", users=4, movies=5, factors=2)
    before = path.read_bytes()
    found = es.compare(path, "Cross-tab", steps=2)
    assert found.same and "The same model" in found.verdict
    assert {line.sheet for line in found.lines} == {"Cross-tab"}
    named = {"user_factors": "users.factors", "movie_factors": "movies.factors", "user_ids": "users.id",
             "movie_ids": "movies.id", "ratings": "ratings", "rmse": "rmse"}  # fmt: skip
    assert es.compare(path, "Cross-tab", steps=2, blocks=named).same
    assert path.read_bytes() == before


def test_homework_goes_from_a_finished_workbook_to_grades(tmp_path: Path) -> None:
    cells = {"A1": 12.0, "A2": 7.0, "B1": 2.5, "B2": 4.0, "C1": "=A1*B1", "C2": "=A2*B2"}
    solution = write(tmp_path / "shop.xlsx", cells)
    drafted = es.draft_homework(solution, tmp_path / "shop", asked=["C1:C2"], varies=["A1:B2"])
    assert (drafted.tasks, drafted.varies) == (1, ["S!A1:B2"])
    with pytest.raises(es.EmbedsheetError, match="--force"):
        es.draft_homework(solution, tmp_path / "shop", asked=["C1:C2"], varies=["A1:B2"])
    assert es.check_homework(drafted.folder).faults == []
    assert any("C1:C2" in line for line in es.preview_homework(drafted.folder))
    people = [("007", "Ada Lovelace"), ("008", "Émile Zola")]
    made = es.make_homework(drafted.folder, people, tmp_path / "class")
    assert len(made.written) == 2 and made.there == []
    again = es.make_homework(drafted.folder, people, tmp_path / "class")
    assert (again.written, again.there) == ([], ["007", "008"])
    hers = es.open(made.written[0])
    answer = openpyxl.load_workbook(made.written[0])
    for cell in ("C1", "C2"):
        answer["S"][cell] = cells[cell]
    answer.save(hers.path)
    grades = {one.name: one.points for one in es.grade(tmp_path / "class", made.key, processes=1).grades}
    assert grades["Émile Zola"] == 0 < grades["Ada Lovelace"]


def test_grading_in_a_script_without_the_line_that_processes_need_says_so(tmp_path: Path) -> None:
    cells = {"A1": 12.0, "A2": 7.0, "B1": 2.5, "B2": 4.0, "C1": "=A1*B1", "C2": "=A2*B2"}
    drafted = es.draft_homework(
        write(tmp_path / "shop.xlsx", cells), tmp_path / "shop", asked=["C1:C2"], varies=["A1:B2"]
    )
    made = es.make_homework(drafted.folder, [("007", "Ada Lovelace")], tmp_path / "class")
    script = tmp_path / "script.py"
    call = f"es.grade({str(tmp_path / 'class')!r}, {str(made.key)!r}, processes=1)"
    script.write_text(f"import embedsheet as es\n{call}\n", encoding="utf-8")
    run = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert run.stderr.count("Traceback") == 1 and 'if __name__ == "__main__":' in run.stderr
    guarded = f"import embedsheet as es\nif __name__ == '__main__':\n    print(len({call}.grades))\n"
    script.write_text(guarded, encoding="utf-8")
    run = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True)
    assert run.stdout == "1\n"


def test_the_doctor_says_what_the_command_prints() -> None:
    found = {one.what: one for one in es.doctor()}
    assert found["embedsheet"].text.startswith(f"{es.__version__} on ")
    assert found["numpy"].state == "fine" and found["numpy"].text == np.__version__


def test_a_recommender_without_a_dot_product_has_no_workbook_and_is_refused_before_it_learns(tmp_path: Path) -> None:
    with pytest.raises(es.EmbedsheetError, match="a dot product: best, svdpp, bias or dot"):
        es.movielens("net", tmp_path / "learned.xlsx")
    assert list(tmp_path.iterdir()) == []


def test_every_part_of_nets_is_there_documented_and_on_the_page() -> None:
    for name in es.parts.__all__:
        assert getattr(es.parts, name).__doc__, name
        assert f"`{name}`" in PAGE, name


@pytest.mark.parametrize("path", sorted((pages.ROOT / "examples").glob("*.py")), ids=lambda path: path.stem)
def test_an_example_imports_the_public_face_alone(path: Path) -> None:
    assert not re.findall(r"^\s*(?:from|import) embedsheet\.", path.read_text(encoding="utf-8"), re.MULTILINE)


def test_a_search_asked_for_deeper_down_begins_with_the_same_settings() -> None:
    """The public `solve` and the one that searches and writes name the same defaults."""
    public, deeper = (inspect.signature(one).parameters for one in (es.solve, solvers_solve.solve))
    shared = sorted(public.keys() & deeper.keys())
    assert len(shared) > 20
    assert {name: public[name].default for name in shared} == {name: deeper[name].default for name in shared}

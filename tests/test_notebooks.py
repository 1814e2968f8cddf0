"""The lessons as notebooks: each is what its page says, was run, and runs."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from kit import pages

sys.path.insert(0, str(pages.ROOT / "tools"))
import make_notebooks

# Run in every suite; the others in `make soak`.
RUN = "optimisers"


def _read(lesson: str) -> Any:
    nbformat = pytest.importorskip("nbformat")
    return nbformat.read(make_notebooks.FOLDER / f"{lesson}.ipynb", as_version=4)


@pytest.mark.parametrize("lesson", make_notebooks.LESSONS)
def test_a_lessons_notebook_is_its_pages_and_was_run(lesson: str) -> None:
    cells = _read(lesson).cells
    assert [(cell.cell_type, cell.source) for cell in cells] == make_notebooks.sources(lesson)
    code = [cell for cell in cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert all(cell.outputs for cell in code[1:])
    assert not [output for cell in code for output in cell.outputs if output.output_type == "error"]
    assert (make_notebooks.FOLDER / f"{lesson}.ipynb").stat().st_size < 100_000


def test_every_lesson_has_a_notebook() -> None:
    lessons = {path.stem.removeprefix("lesson-") for path in (pages.ROOT / "docs").glob("lesson-*.md")}
    assert set(make_notebooks.LESSONS) == lessons


@pytest.mark.parametrize(
    "lesson",
    [pytest.param(one, marks=() if one == RUN else pytest.mark.soak) for one in make_notebooks.LESSONS],
)
def test_a_lessons_notebook_runs_and_trains(lesson: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if importlib.util.find_spec("nbclient") is None or importlib.util.find_spec("ipykernel") is None:
        if os.environ.get("EMBEDSHEET_REQUIRE_JUDGES"):
            pytest.fail("nbclient and ipykernel are required.")
        pytest.skip("needs nbclient and ipykernel")
    monkeypatch.setenv("PYTHONPATH", str(pages.ROOT))
    cells = make_notebooks.run(lesson, tmp_path).cells
    text = next("".join(one.get("text", "") for one in cell.outputs) for cell in cells if "es.solve" in cell.source)
    before, after = (float(word) for word in text.replace(" before, ", " ").replace(" after", "").split())
    assert after < before

"""Make notebooks/LESSON.ipynb, a lesson as a notebook, and run it: `python tools/make_notebooks.py [LESSON …]`.

The words are those of the lesson's page. Rich output is left out of the files: a workbook's page shows itself where the
notebook is run.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from embedsheet.lessons import LESSONS

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "notebooks"
_KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def sources(lesson: str) -> list[tuple[str, str]]:
    """Return the cells of a lesson's notebook: "markdown" or "code", and the text."""
    sheet = LESSONS[lesson].trained
    title, words = _words((ROOT / "docs" / f"lesson-{lesson}.md").read_text(encoding="utf-8"))
    return [
        ("markdown", f"# {title}\n\n{words}"),
        ("code", f'import embedsheet as es\n\nbook = es.new("{lesson}", "{lesson}.xlsx", force=True)'),
        ("markdown", "The workbook and its code, side by side: point at a line or a cell. Open the file in Excel or "
                     "LibreOffice too; all numbers below are its formulas'."),
        ("code", "es.open(book)"),
        ("markdown", f"The exact derivative of the objective of *{sheet}* by each changing cell:"),
        ("code", f'gradient = es.gradient(book, "{sheet}")\nprint(gradient.objective, f"= {{gradient.value:.6g}}")\n'
                 "for area, slope in gradient.blocks.items():\n    print(area, slope.shape, abs(slope).max())"),
        ("markdown", "Training is solving: the cells change until the objective is small."),
        ("code", f'solution = es.solve(book, "{sheet}", max_iterations=30)\n'
                 'print(f"{solution.objective_before:.6g} before, {solution.objective_after:.6g} after")'),
        ("markdown", "The same model in Keras, written from the formulas:"),
        ("code", f'text = es.code(book, "{sheet}", to="keras").text\n'
                 'print(text[text.index("class Sheet") : text.index("MODEL = ")])'),
    ]  # fmt: skip


def notebook(lesson: str) -> Any:
    """Return a lesson's notebook, not run yet."""
    import nbformat

    kinds = {"markdown": nbformat.v4.new_markdown_cell, "code": nbformat.v4.new_code_cell}
    cells = [kinds[kind](text, id=f"cell-{place}") for place, (kind, text) in enumerate(sources(lesson))]
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": _KERNEL})


def run(lesson: str, folder: Path) -> Any:
    """Return a lesson's notebook, run in a folder, without its rich output. Raises what a cell raises."""
    from nbclient import NotebookClient

    made = notebook(lesson)
    NotebookClient(made, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(folder)}}).execute()
    for cell in made.cells:
        if cell.cell_type != "code":
            continue
        cell.metadata = {}
        cell.outputs = [
            one for one in cell.outputs if "application/vnd.jupyter.widget-view+json" not in one.get("data", {})
        ]
        for output in cell.outputs:
            output.get("data", {}).pop("text/html", None)
    made.metadata = {"kernelspec": _KERNEL}
    return made


def _words(page: str) -> tuple[str, str]:
    """Return a page's title, and its first paragraphs and list of sheets."""
    page = re.sub(r"<!--.*?-->|```.*?```|!\[.*?\]\(.*?\)", "", page, flags=re.S)
    first = page.split("\n## ")[0]
    title, _, rest = first.partition("\n")
    rest = re.sub(r"\[([^\[\]]*)\]\([^)]*\)", r"\1", rest)
    return title.removeprefix("# ").strip(), re.sub(r"\n{3,}", "\n\n", rest).strip()


def main(lessons: list[str]) -> None:
    """Run the lessons' notebooks and write them."""
    import nbformat

    FOLDER.mkdir(exist_ok=True)
    for lesson in lessons or LESSONS:
        with tempfile.TemporaryDirectory() as folder:
            made = run(lesson, Path(folder))
        text = nbformat.writes(made)
        (FOLDER / f"{lesson}.ipynb").write_text(text + "\n", encoding="utf-8", newline="\n")
        print(lesson, f"{len(text) / 1000:.0f} kB")


if __name__ == "__main__":
    main(sys.argv[1:])

"""Make the pictures of the documentation from the real workbooks, as LibreOffice shows them.

`python tools/make_pictures.py` makes all, `python tools/make_pictures.py rnn-three` one. Needs LibreOffice Calc and
poppler-utils (soffice, pdftoppm, pdftotext).
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from embedsheet.lessons import LESSONS, find
from embedsheet.lessons.movielens import CROSSTAB
from embedsheet.xlsx.writer.page import Book

FOLDER = Path(__file__).parents[1] / "docs" / "images"
DOTS_PER_INCH = 120
MARGIN = 8.0  # points around what is shown


@dataclass(frozen=True)
class Picture:
    """One picture: the workbook (a key of BOOKS), a text that only its page begins with, and how much of the page."""

    name: str
    book: str
    title: str
    height: float = 1.0  # of what is on the page, from the top
    after: int = 0  # so many pages behind that page


PICTURES = (
    Picture("crosstab", "movielens trained", "Cross-tab"),
    Picture("crosstab-start", "movielens", "Cross-tab"),
    Picture("compare", "movielens compared", "Compare:", 0.3),
    Picture("learned-map", "learned", "A map of the movies", 0.96),
    Picture("pseudo-labels", "pseudo-labels", "One mixed batch"),
    Picture("pseudo-labels-student", "pseudo-labels trained", "A student"),
    Picture("movielens-one-hot", "movielens trained", "One-hot", 0.6),
    Picture("gradient-sheet", "gradient", "Cross-tab gradient", 0.67),
    Picture("green-eggs-map", "green-eggs", "Map"),
    Picture("green-eggs-trained", "green-eggs trained", "Trained"),
    Picture("optimisers-descent", "optimisers", "Gradient descent"),
    Picture("optimisers-race", "optimisers", "Race"),
    Picture("optimisers-ratings", "optimisers", "Ratings: one step", after=1),
    Picture("mlp-by-hand", "mlp", "By hand"),
    Picture("mlp-xor", "mlp", "XOR"),
    Picture("mlp-epochs", "mlp", "Epochs", 0.45),
    Picture("mlp-map", "mlp trained", "The plane"),
    Picture("lstm-gates", "lstm trained", "LSTM: gates", 0.75),
    Picture("gru-gates", "gru trained", "GRU: gates", 0.75),
    Picture("conv-strokes", "conv trained", "Convolution: one small filter"),
    Picture("attention-map", "attention trained", "What looks at what"),
    Picture("rnn-three", "rnn", "Three characters"),
    Picture("report-inputs", "workshop", "embedsheet Inputs Report", 1.07),
    Picture("homework-instructions", "homework", "Embeddings"),
    Picture("homework-exercise", "homework", "", 0.7),
    Picture("homework-own-solution", "own solution", "A loan", 0.62),
    Picture("homework-own-student", "own student", "A loan", 0.62),
    Picture("homework-own-instructions", "own student", "loan", 0.85),
)


def compared(folder: Path) -> Path:
    """Return the workbook of ratings with the cross-tab solved and the same model trained in Keras."""
    book = trained("movielens")(folder).rename(folder / "compared.xlsx")
    _run(sys.executable, "-m", "embedsheet", "train", str(book), "--epochs", "20")
    return book


def learned(folder: Path) -> Path:
    """Return what the best recommender learned from all ratings."""
    book = folder / "learned.xlsx"
    _run(sys.executable, "-m", "embedsheet", "movielens", "-o", str(book))
    return book


def gradient(folder: Path) -> Path:
    """Return a small workbook of ratings with the gradient of its cross-tab."""
    import embedsheet as es

    book = (
        find("movielens").load().build(folder / "gradient.xlsx", users=8, movies=8, factors=3, no_gradient_sheet=True)
    )
    es.derive(book, CROSSTAB)
    return Path(book)


def workshop(folder: Path) -> Path:
    """Return the plan of examples/workshop.py with its inputs report."""
    _run(sys.executable, str(Path(__file__).parents[1] / "examples" / "workshop.py"), str(folder))
    book = folder / "workshop.xlsx"
    _run(sys.executable, "-m", "embedsheet", "solve", str(book), "--report", "inputs")
    return book


def homework(folder: Path) -> Path:
    """Return a student's workbook of the assignment `embeddings`, with invented people."""
    roster = folder / "class.csv"
    roster.write_text("id,name\n007,Ada Lovelace\n", encoding="utf-8")
    out = folder / "class"
    _run(sys.executable, "-m", "embedsheet", "homework", "new", "embeddings", "--roster", str(roster), "-o", str(out))
    return next(out.glob("*.xlsx"))


def own_solution(folder: Path) -> Path:
    """Return a teacher's finished workbook, the loan of examples/own_homework.py."""
    _run(sys.executable, str(Path(__file__).parents[1] / "examples" / "own_homework.py"), str(folder / "own"))
    return folder / "own" / "loan.xlsx"


def own_student(folder: Path) -> Path:
    """Return what a student gets of it."""
    roster, program = folder / "own-class.csv", (sys.executable, "-m", "embedsheet", "homework")
    roster.write_text("id,name\n007,Ada Lovelace\n", encoding="utf-8")
    _run(*program, "from", str(own_solution(folder)), "-o", str(folder / "loan"))
    _run(*program, "new", str(folder / "loan"), "--roster", str(roster), "-o", str(folder / "own-out"))
    return next((folder / "own-out").glob("*.xlsx"))


def lesson(name: str) -> Callable[[Path], Path]:
    """Return the maker of a lesson's workbook as it comes."""
    return lambda folder: Path(find(name).load().build(folder / f"{name}.xlsx", finish=_without_footers))


def trained(name: str, *options: str) -> Callable[[Path], Path]:
    """Return the maker of a lesson's workbook, a sheet of it solved: the one of its notebook, or what options say."""

    def make(folder: Path) -> Path:
        book = lesson(name)(folder)
        _run(sys.executable, "-m", "embedsheet", "solve", str(book), *(options or ("--sheet", find(name).trained)))
        return book

    return make


# Every lesson's workbook by the lesson's name, as it comes and "trained", and what else is shown.
BOOKS = {
    **{name: lesson(name) for name in LESSONS},
    **{f"{name} trained": trained(name) for name in LESSONS},
    "mlp trained": trained("mlp", "--sheet", "Spiral"),
    "conv trained": trained("conv", "--max-iterations", "50"),
    "attention trained": trained("attention", "--max-iterations", "150"),
    "movielens compared": compared,
    "learned": learned,
    "gradient": gradient,
    "homework": homework,
    "own solution": own_solution,
    "own student": own_student,
    "workshop": workshop,
}


def main(names: list[str]) -> None:
    """Make the pictures named, or all."""
    for program in ("soffice", "pdftoppm", "pdftotext"):
        if shutil.which(program) is None:
            sys.exit(f"{program} is not installed; apt-get install libreoffice-calc poppler-utils")
    wanted = [picture for picture in PICTURES if not names or picture.name in names]
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
        for key in dict.fromkeys(picture.book for picture in wanted):
            place = folder / key  # two books may have one name
            place.mkdir()
            book = BOOKS[key](place)
            _run("soffice", profile, "--headless", "--convert-to", "pdf", "--outdir", str(place), str(book))
            pdf = place / f"{book.stem}.pdf"
            pages = _run("pdftotext", "-layout", str(pdf), "-").split("\f")
            for picture in (picture for picture in wanted if picture.book == key):
                cut(pdf, page_of(pages, picture), picture)
                print(FOLDER / f"{picture.name}.png")


def page_of(pages: list[str], picture: Picture) -> int:
    """Return the number, from 1, of the page that begins with the picture's title; without one, the second page."""
    if not picture.title:
        return 2
    for number, text in enumerate(pages, start=1):
        if text.strip().startswith(picture.title):
            return number + picture.after
    raise SystemExit(f"{picture.name}: no page begins with {picture.title!r}")


def cut(pdf: Path, page: int, picture: Picture) -> None:
    """Write one page as PNG, cut to the words on it and to the picture's part of the height."""
    words = _run("pdftotext", "-f", str(page), "-l", str(page), "-bbox", str(pdf), "-")
    left, top, right, bottom = (
        choose(float(found) for found in re.findall(rf'<word [^>]*{edge}="([\d.]+)"', words))
        for edge, choose in (("xMin", min), ("yMin", min), ("xMax", max), ("yMax", max))
    )
    scale = DOTS_PER_INCH / 72
    x, y = int(max(left - MARGIN, 0) * scale), int(max(top - MARGIN, 0) * scale)
    width = int((right - left + 2 * MARGIN) * scale)
    height = int(((bottom - top) * picture.height + 2 * MARGIN) * scale)
    _run("pdftoppm", "-r", str(DOTS_PER_INCH), "-png", "-singlefile", "-f", str(page), "-x", str(x), "-y", str(y),
         "-W", str(width), "-H", str(height), str(pdf), str(FOLDER / picture.name))  # fmt: skip


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout


def _without_footers(book: Book) -> None:
    """Take the pages' feet away, so that only the sheets are on the pages."""
    for page in book.pages.values():
        page.sheet.set_footer("")


if __name__ == "__main__":
    main(sys.argv[1:])

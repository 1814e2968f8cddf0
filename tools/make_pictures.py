"""Make the README's picture: the cross-tab of the MovieLens workbook, trained, as LibreOffice shows it.

Needs LibreOffice Calc and poppler-utils (soffice, pdftoppm).
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from embedsheet.lessons.layout import Book
from embedsheet.lessons.movielens import CROSSTAB, build

TARGET = Path(__file__).parents[1] / "docs" / "images" / "crosstab.png"
DOTS_PER_INCH = 120
PAGE = 2  # the Guide fills the first page
MARGIN = 8.0  # points around what is shown


def main() -> None:
    """Build, solve, print as PDF, and cut the page to what is on it."""
    for program in ("soffice", "pdftoppm", "pdftotext"):
        if shutil.which(program) is None:
            sys.exit(f"{program} is not installed; apt-get install libreoffice-calc poppler-utils")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        book = build(folder / "movielens.xlsx", finish=_without_footer)
        _run(sys.executable, "-m", "embedsheet", "solve", str(book), "--sheet", CROSSTAB)
        profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
        _run("soffice", profile, "--headless", "--convert-to", "pdf", "--outdir", name, str(book))
        pdf = str(book.with_suffix(".pdf"))
        words = _run("pdftotext", "-f", str(PAGE), "-l", str(PAGE), "-bbox", pdf, "-")
        left, top, right, bottom = (
            choose(float(found) for found in re.findall(rf'<word [^>]*{edge}="([\d.]+)"', words))
            for edge, choose in (("xMin", min), ("yMin", min), ("xMax", max), ("yMax", max))
        )
        scale = DOTS_PER_INCH / 72
        x, y = int((left - MARGIN) * scale), int((top - MARGIN) * scale)
        width, height = int((right - left + 2 * MARGIN) * scale), int((bottom - top + 2 * MARGIN) * scale)
        TARGET.parent.mkdir(parents=True, exist_ok=True)
        _run("pdftoppm", "-r", str(DOTS_PER_INCH), "-png", "-singlefile", "-f", str(PAGE), "-x", str(x), "-y", str(y),
             "-W", str(width), "-H", str(height), pdf, str(TARGET.with_suffix("")))  # fmt: skip
    print(TARGET)


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout


def _without_footer(book: Book) -> None:
    """Take the page's foot away, so that only the sheet is on the page."""
    book.pages[CROSSTAB].sheet.set_footer("")


if __name__ == "__main__":
    main()

"""Textbook Solver workbooks, saved by three foreign programs, are solved in place to their known optimum."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from embedsheet.solver import solve
from kit import judges
from kit.foreign import ForeignBook
from kit.foreign_linear import LINEAR
from kit.foreign_nonlinear import NONLINEAR

BOOKS: dict[str, Callable[[], tuple[ForeignBook, float]]] = {**LINEAR, **NONLINEAR}
# Gnumeric knows no tables.
WITH_TABLES = {"exclusive_or"}


@pytest.fixture(scope="session")
def calculated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with all books as LibreOffice saves them; one start of it for all."""
    folder = tmp_path_factory.mktemp("foreign")
    sources = [make()[0].save_openpyxl(folder / f"{name}.xlsx") for name, make in BOOKS.items()]
    out = folder / "calculated"
    command = [judges._program("soffice"), f"-env:UserInstallation={judges._profile().as_uri()}", "--headless",
               "--convert-to", "xlsx", "--outdir", str(out), *map(str, sources)]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    return out


def check(path: Path, name: str, book: ForeignBook, optimum: float) -> None:
    """Solve, compare with the known optimum, and let Gnumeric recalculate what was written."""
    solution = solve(path)
    assert solution.status == "optimal", solution.message
    assert solution.objective_after == pytest.approx(optimum, rel=1e-6)
    assert solution.method == "linear" if name in LINEAR else solution.method != "linear"
    assert solution.cells_written > 0
    if name not in WITH_TABLES:
        judged = judges.gnumeric_values(path)[book.sheet]
        assert judged[book.objective] == pytest.approx(solution.objective_after, rel=1e-9)


@pytest.mark.parametrize("name", BOOKS)
def test_books_by_openpyxl_without_any_stored_result(name: str, tmp_path: Path) -> None:
    book, optimum = BOOKS[name]()
    path = book.save_openpyxl(tmp_path / "book.xlsx")
    check(path, name, book, optimum)


@pytest.mark.parametrize("name", BOOKS)
def test_books_by_xlsxwriter_with_zeros_for_results(name: str, tmp_path: Path) -> None:
    book, optimum = BOOKS[name]()
    check(book.save_xlsxwriter(tmp_path / "book.xlsx"), name, book, optimum)


@pytest.mark.parametrize("name", BOOKS)
def test_books_as_libreoffice_saves_them(name: str, calculated: Path, tmp_path: Path) -> None:
    book, optimum = BOOKS[name]()
    path = Path(shutil.copy(calculated / f"{name}.xlsx", tmp_path / "book.xlsx"))
    check(path, name, book, optimum)

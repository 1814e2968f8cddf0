"""Textbook Solver workbooks, saved by three foreign programs, are solved in place to their known optimum."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from embedsheet.compiler.program import compile_program
from embedsheet.solver import solve
from embedsheet.workbook import Workbook
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


def by_openpyxl(name: str, folder: Path, calculated: Path) -> Path:
    """Without any stored result."""
    return BOOKS[name]()[0].save_openpyxl(folder / "openpyxl.xlsx")


def by_xlsxwriter(name: str, folder: Path, calculated: Path) -> Path:
    """With zeros for results."""
    return BOOKS[name]()[0].save_xlsxwriter(folder / "xlsxwriter.xlsx")


def by_libreoffice(name: str, folder: Path, calculated: Path) -> Path:
    """As LibreOffice saves it."""
    return Path(shutil.copy(calculated / f"{name}.xlsx", folder / "libreoffice.xlsx"))


WRITERS = (by_openpyxl, by_xlsxwriter, by_libreoffice)
# The three are read as one model, which the next test holds; so each book is solved in one program's file, in turn.
PAIRS = [
    pytest.param(name, writer, marks=[] if number % 3 == place else [pytest.mark.soak])
    for kind in (LINEAR, NONLINEAR)
    for number, name in enumerate(kind)
    for place, writer in enumerate(WRITERS)
]


@pytest.mark.parametrize(("name", "writer"), PAIRS)
def test_books_of_three_programs_are_solved_to_their_known_optimum(
    name: str, writer: Callable[[str, Path, Path], Path], calculated: Path, tmp_path: Path
) -> None:
    book, optimum = BOOKS[name]()
    check(writer(name, tmp_path, calculated), name, book, optimum)


@pytest.mark.parametrize("name", BOOKS)
def test_a_book_is_one_model_whichever_program_saved_it(name: str, calculated: Path, tmp_path: Path) -> None:
    """The stored set-up, the start and what the formulas give there."""
    setups, starts, gradients = [], [], []
    for writer in WRITERS:
        book = Workbook.open(writer(name, tmp_path, calculated))
        (found,) = book.setups.values()
        program = compile_program(book, found)
        setups.append(found)
        starts.append(program.start.tolist())
        value, gradient = program.value_and_gradient(program.start)
        gradients.append([value, *gradient.tolist()])
    assert setups[0] == setups[1] == setups[2]
    for other in (1, 2):  # LibreOffice writes 15 digits
        assert starts[0] == pytest.approx(starts[other], rel=1e-14)
        assert gradients[0] == pytest.approx(gradients[other], rel=1e-12, nan_ok=True)

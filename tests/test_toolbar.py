"""LibreOffice's toolbar: the extension says what it may, and each of its buttons is pressed for real."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from lxml import etree

import embedsheet as es
from embedsheet.ground.errors import ModelError
from embedsheet.hosts.buttons import press as pressing
from embedsheet.hosts.buttons.table import TOOLS
from embedsheet.hosts.libreoffice.click import click_toolbar
from embedsheet.hosts.libreoffice.serve import Server
from embedsheet.hosts.libreoffice.toolbar import PROTOCOL, extension
from embedsheet.lessons.movielens import build
from kit.office import served

# Keras' own get_weights, under NumPy 2.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
SHEET = "Cross-tab"
OOR = "{http://openoffice.org/2001/registry}"


def test_the_extension_holds_names_and_no_code() -> None:
    with zipfile.ZipFile(io.BytesIO(extension())) as package:
        parts = {name: etree.fromstring(package.read(name)) for name in package.namelist()}
    assert set(parts) == {"META-INF/manifest.xml", "description.xml", "Addons.xcu", "CalcWindowState.xcu"}
    listed = {value for entry in parts["META-INF/manifest.xml"] for value in entry.attrib.values()}
    assert listed == {"application/vnd.sun.star.configuration-data", "Addons.xcu", "CalcWindowState.xcu"}
    found = {
        name: [one[0].text for one in parts["Addons.xcu"].iter("prop") if one.get(f"{OOR}name") == name]
        for name in ("URL", "Title")
    }
    assert found["URL"] == [f"{PROTOCOL}{tool.function}" for tool in TOOLS]
    assert found["Title"] == [tool.caption for tool in TOOLS]
    assert extension() == extension()


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workbook without buttons or macros: 5 users × 4 movies × 2 factors."""
    return build(tmp_path_factory.mktemp("bar") / "films.xlsx", users=5, movies=4, factors=2, no_gradient_sheet=True)


@pytest.fixture(scope="module")
def running(path: Path) -> Iterator[tuple[Server, list[str]]]:
    with served(path) as (server, messages):
        server.book.sheets[SHEET].activate()
        yield server, messages


@pytest.fixture
def tool(running: tuple[Server, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Presses a button of the toolbar and returns what it says in a box."""
    server, messages = running
    monkeypatch.setattr(pressing, "LOG", tmp_path / "buttons.log")

    def press(caption: str) -> str:
        outcome: list[str] = []
        click_toolbar(server.book, caption)
        server.serve(lambda button, said: outcome.append(said), until=lambda: bool(outcome))
        assert messages == outcome  # the sheet has no cell for it
        messages.clear()
        return outcome[0]

    return press


def factors(server: Server) -> np.ndarray:  # type: ignore[type-arg]
    sheet = server.book.sheets[SHEET]
    return np.concatenate([np.ravel(sheet.names[name].refers_to_range.options(ndim=2).value)
                           for name in ("users.factors", "movies.factors")])  # fmt: skip


def test_the_file_is_read_by_the_buttons_that_make_another(tool: Callable[[str], str], path: Path) -> None:
    """Before anything is changed, the file holds what is on the screen."""
    before = path.read_bytes()
    said = tool("Derive")
    assert said.startswith("films-gradient.xlsx is made beside this workbook"), said
    assert "Cross-tab gradient" in es.open(path.with_name("films-gradient.xlsx")).sheets
    assert tool("Derive").startswith("films-gradient-2.xlsx is made")  # nothing is replaced
    assert tool("Code").startswith("films.py")
    compile(path.with_name("films.py").read_text(encoding="utf-8"), "films.py", "exec")
    assert tool("Report").startswith("films-report.xlsx is made beside this workbook, solved"), said
    assert {"Answer Report 1", "Sensitivity Report 1"} <= set(es.open(path.with_name("films-report.xlsx")).sheets)
    assert path.read_bytes() == before
    assert "Python" in tool("Doctor")


def test_step_undo_gradient_and_solve_work_on_the_sheet_in_front(
    tool: Callable[[str], str], running: tuple[Server, list[str]], path: Path
) -> None:
    server, _ = running
    start = factors(server)
    known = es.gradient(path, SHEET)  # exact, from the file
    slope = np.concatenate([block.ravel() for block in known.blocks.values()])
    assert "the gradient foretold" in tool("Step")
    np.testing.assert_allclose(factors(server), start - 0.1 * slope, rtol=1e-12)
    assert tool("Derive").startswith("This button reads the workbook's file: save the workbook first")
    tool("Undo")
    assert np.array_equal(factors(server), start)
    assert "The gradient of rmse is on the sheet gradient Cross-tab" in tool("Gradient")
    assert tool("Compare").startswith("The same model at equal weights")
    said = tool("Solve")
    assert said.startswith("Converged") and float(said.split("→")[1].split(",")[0]) < known.value, said


def test_a_button_that_is_not_there_is_named(running: tuple[Server, list[str]]) -> None:
    with pytest.raises(ModelError, match="shows no button 'Train'"):
        click_toolbar(running[0].book, "Train")

"""Somebody's own workbook gets a sheet of buttons; nothing else in it changes, and they work in LibreOffice."""

from __future__ import annotations

import re
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from typer.testing import CliRunner

from embedsheet.cli import app
from embedsheet.hosts.buttons.foreign import add_buttons_to
from embedsheet.hosts.buttons.table import CONTROLS_SHEET, MEMORY_SHEET
from embedsheet.hosts.libreoffice.click import click
from embedsheet.workbook import Workbook
from kit import packages, sheets
from kit.foreign import ForeignBook
from kit.judges import gnumeric_values, validity_faults
from kit.office import served
from kit.repair import repair_causes

# Parts that list others, or name a sheet's module.
LISTS = re.compile(
    r"\[Content_Types\]\.xml|xl/(_rels/workbook\.xml\.rels|workbook\.xml|styles\.xml|\w+sheets/\w+\.xml)"
)
SAVERS = [ForeignBook.save_openpyxl, ForeignBook.save_xlsxwriter, ForeignBook.save_libreoffice]


def plan() -> ForeignBook:
    """Three parts of which the more one makes, the less each earns: 3n − n²/4, best at n = 6; at most 4 of x."""
    book = ForeignBook({"A1": "part", "B1": "number", "C1": "worth"}, "C5", "B2:B4", "maximize", nonnegative=True)
    book.constraints = [("B2", "<=", 4.0)]
    book.block("A2", [["x", 1, 0], ["y", 2, 0], ["z", 3, 0]])
    book.fill("C2:C4", "=B{r}*3-B{r}^2/4")
    book.cells["C5"] = "=SUM(C2:C4)"
    return book


def contents(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as package:
        return {name: package.read(name) for name in package.namelist()}


@pytest.mark.parametrize("save", SAVERS)
def test_all_but_lists_and_code_names_stays_byte_for_byte(
    save: Callable[[ForeignBook, Path], Path], tmp_path: Path
) -> None:
    path = save(plan(), tmp_path / "plan.xlsx")
    before, original = contents(path), path.read_bytes()
    made = add_buttons_to(path).path
    assert made == tmp_path / "plan.xlsm" and path.read_bytes() == original
    after = contents(made)
    assert before.keys() <= after.keys()
    changed = [name for name in before if before[name] != after[name]]
    assert [name for name in changed if not LISTS.fullmatch(name)] == []
    for name in changed:
        if "sheets/" in name:  # nothing but the code name
            bare = re.sub(rb'<(\w+:)?sheetPr codeName="\w+"/>| codeName="\w+"', b"", after[name])
            assert bare == re.sub(rb"<sheetPr/>", b"", before[name])
    assert Workbook.open(made).setups == Workbook.open(path).setups
    assert set(validity_faults(made) + repair_causes(made)) <= set(validity_faults(path) + repair_causes(path))
    assert gnumeric_values(made)["Model"] == gnumeric_values(path)["Model"]


def test_a_workbook_with_charts_notes_and_code_names_of_its_own_gets_buttons(tmp_path: Path) -> None:
    path = tmp_path / "mixed.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Model")
        sheet.write(0, 0, 1)
        sheet.write_comment(0, 0, "a note")
        chart = book.add_chart({"type": "line"})
        chart.add_series({"values": "=Model!$A$1:$A$2"})
        book.add_chartsheet("Chart").set_chart(chart)
        book.set_vba_name("DieseArbeitsmappe")
        sheet.set_vba_name("Tabelle1")
        book.add_worksheet("Hidden").hide()
    made = add_buttons_to(path, tmp_path / "more.xlsm").path
    assert validity_faults(made) + repair_causes(made) == []
    after = contents(made)
    names = [re.findall(rb'codeName="(\w+)"', after[part]) for part in
             ("xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/chartsheets/sheet1.xml")]  # fmt: skip
    assert names == [[b"ThisWorkbook"], [b"Sheet1"], [b"Chart2"]]
    with warnings.catch_warnings():  # oletools calls what its parser has renamed, at its first import
        warnings.simplefilter("ignore", DeprecationWarning)
        from oletools.olevba import VBA_Parser
    parser = VBA_Parser(str(made))
    modules = {name for _, _, name, _ in parser.extract_macros()}
    parser.close()
    assert {"ThisWorkbook.cls", "Sheet1.cls", "Chart2.cls", "Sheet3.cls", "embedsheet.bas"} <= modules
    assert Workbook.open(made).values(Workbook.open(made).area("A13:A14", CONTROLS_SHEET)) == [["Model"], [None]]


def test_prefixes_and_missing_settings_are_no_obstacle(tmp_path: Path) -> None:
    parts = packages.parts({"One": packages.sheet_xml('<row r="1"><c r="A1"><v>1</v></c></row>')})
    parts["xl/workbook.xml"] = (
        f'<x:workbook xmlns:x="{packages.MAIN}"><x:sheets><x:sheet name="One" sheetId="7" '
        f'xmlns:rel="{packages.LINKS}" rel:id="rId1"/></x:sheets></x:workbook>'
    )
    made = add_buttons_to(packages.write(tmp_path / "prefixed.xlsx", parts)).path
    assert validity_faults(made) == []
    assert list(Workbook.open(made).sheets) == ["One", CONTROLS_SHEET, "xlwings.conf", MEMORY_SHEET]


def press(server: Any, caption: str) -> str:
    said: list[str] = []
    click(server.book, caption)
    server.serve(lambda button, outcome: said.append(outcome), until=lambda: bool(said))
    return said[0]


def test_the_buttons_solve_undo_and_reset_the_model_that_the_sheet_names(tmp_path: Path) -> None:
    """The best numbers are 4 (at its bound), 6 and 6, worth 8 + 9 + 9; the gradient at 1, 2, 3 is 3 − n/2."""
    book = plan()
    path = book.save_libreoffice(tmp_path / "plan.xlsx")
    with served(add_buttons_to(path).path) as (server, messages):
        assert server.buttons == 7
        model = server.book.sheets["Model"]
        server.book.sheets[CONTROLS_SHEET].activate()
        outcome = server.book.sheets[CONTROLS_SHEET].names["controls.outcome"].refers_to_range
        press(server, "Solve")
        assert model.range("B2:B4").value == pytest.approx([4, 6, 6], abs=1e-4), messages
        assert model.range("C5").value == pytest.approx(26, abs=1e-6)
        assert "C5 14.5 → 26" in str(outcome.value)
        press(server, "Undo")
        assert model.range("B2:B4").value == [1, 2, 3]
        press(server, "Gradient")
        assert server.book.sheets["gradient Model"].range("B2:B4").value == pytest.approx([2.5, 2, 1.5])
        assert server.book.sheets.active.name == CONTROLS_SHEET
        model.range("B2").value = 3.5
        press(server, "Reset")
        assert model.range("B2:B4").value == [1, 2, 3]
        choice = server.book.sheets[CONTROLS_SHEET].names["controls.sheet"].refers_to_range
        choice.value = "xlwings.conf"
        assert "xlwings.conf has no model: choose a sheet with one" in press(server, "Step")
        choice.value = "Nowhere"
        assert "Buttons!B4: there is no sheet 'Nowhere'; choose one from the list." in press(server, "Step")
        assert model.range("B2:B4").value == [1, 2, 3]


def run(*words: object) -> Any:
    return CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "200", "NO_COLOR": "1"})


def test_the_command_says_what_it_made_and_what_is_next(tmp_path: Path) -> None:
    path = plan().save_openpyxl(tmp_path / "plan.xlsx")
    result = run("buttons", path)
    assert result.exit_code == 0
    assert f"embedsheet open {tmp_path / 'plan.xlsm'}" in result.stdout
    again = run("buttons", path)
    assert again.exit_code == 2 and "--force" in again.stderr
    assert run("buttons", path, "--force").exit_code == 0


def test_a_workbook_with_macros_or_such_a_sheet_is_refused(tmp_path: Path) -> None:
    path = plan().save_openpyxl(tmp_path / "plan.xlsx")
    made = add_buttons_to(path).path
    assert "has its buttons already" in run("buttons", made, "-o", tmp_path / "twice.xlsm").stderr
    named = sheets.write(tmp_path / "named.xlsx", {"A1": 1.0}, "xlwings.conf")
    assert "has a sheet xlwings.conf already" in run("buttons", named).stderr
    named.unlink()
    with_macros = tmp_path / "macros.xlsm"
    with zipfile.ZipFile(made) as old, zipfile.ZipFile(with_macros, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            for sheet in (CONTROLS_SHEET, MEMORY_SHEET, "xlwings.conf"):
                data = data.replace(f"{sheet}".encode(), f"Other {len(sheet)}".encode())
            new.writestr(name, data)
    assert "macros.xlsm: has macros of its own" in run("buttons", with_macros, "-o", tmp_path / "more.xlsm").stderr
    assert "call it plan-2.xlsm" in run("buttons", path, "-o", tmp_path / "plan-2.xlsx").stderr
    assert sorted(one.name for one in tmp_path.iterdir()) == ["macros.xlsm", "plan.xlsm", "plan.xlsx"]

"""`embedsheet doctor` finds what keeps buttons from working, and names the remedy."""

import re
import shutil
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import xlwings
from typer.testing import CliRunner

from embedsheet.cli import app
from embedsheet.hosts.buttons.checks import Finding, System, check_book, check_machine
from embedsheet.hosts.buttons.table import CONFIG_SHEET, MEMORY_SHEET
from embedsheet.workbook import Workbook
from test_buttons_vba import small

HERE = xlwings.__version__


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small(tmp_path_factory.mktemp("doctor") / "parabola.xlsm")


def system(platform: str = "linux", **more: object) -> System:
    """A machine that has what buttons need, unless told otherwise."""
    usual: dict[str, object] = {
        "environment": {},
        "home": Path("/nowhere"),
        "registry": lambda key, name: None,
        "attribute": lambda path, name: None,
        "probe": lambda interpreter: (0, f"{HERE} 0.1.0"),
    }
    return System(platform=platform, **{**usual, **more})  # type: ignore[arg-type]


def faults(findings: list[Finding]) -> dict[str, str]:
    return {finding.what: finding.text for finding in findings if finding.state == "fault"}


def edited(book: Path, target: Path, part: str, change: Callable[[bytes], bytes | None]) -> Path:
    """A copy with one part changed, or left out where `change` gives None."""
    with zipfile.ZipFile(book) as source, zipfile.ZipFile(target, "w") as copy:
        for name in source.namelist():
            content = source.read(name)
            changed = change(content) if name == part else content
            if changed is not None:
                copy.writestr(name, changed)
    return target


def test_a_new_workbook_on_linux_has_no_fault(book: Path) -> None:
    findings = list(check_book(book, system()))
    assert not faults(findings)
    assert [f.text for f in findings if f.what == "macros"] == [
        f"the VBA module and the installed xlwings are both {HERE}"
    ]


def test_every_fault_and_note_but_plain_facts_has_a_remedy(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The workbook names no Python; the first one on the path is tried only where it is the one that runs.
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    bad = system(
        "win32",
        environment={"OneDrive": str(book.parent)},
        registry=lambda key, name: 4 if name == "VBAWarnings" else 1,
        attribute=lambda path, name: "[ZoneTransfer]\nZoneId=3",
        probe=lambda interpreter: (1, "No module named embedsheet"),
    )
    findings = [*check_machine(bad), *check_book(book, bad)]
    assert set(faults(findings)) == {"Defender", "macro policy", "interpreter", "download"}
    assert all(finding.remedy for finding in findings if finding.state != "fine")


def test_a_file_that_windows_marked_as_downloaded_is_found(book: Path) -> None:
    marked = system("win32", attribute=lambda path, name: "[ZoneTransfer]\nZoneId=3\n")
    finding = next(f for f in check_book(book, marked) if f.what == "download")
    assert "Unblock" in finding.remedy
    local = system("win32", attribute=lambda path, name: "[ZoneTransfer]\nZoneId=0\n")
    assert not any(f.what == "download" for f in check_book(book, local))


def test_defenders_rule_against_child_processes_is_found() -> None:
    # The rule's number is from Microsoft's list of attack surface reduction rules.
    asked: list[tuple[str, str]] = []

    def registry(key: str, name: str) -> int | None:
        asked.append((key, name))
        return 1 if name == "d4f940ab-401b-4efc-aadc-ad5f3c50688a" else None

    assert "Defender" in faults(list(check_machine(system("win32", registry=registry))))
    assert any("Policies" in key for key, _ in asked)


def test_a_script_missing_in_excels_sandbox_is_found_on_macos(tmp_path: Path) -> None:
    mac = system("darwin", home=tmp_path)
    assert next(iter(check_machine(mac))).remedy == "Run once in a terminal: xlwings runpython install"
    folder = tmp_path / "Library" / "Application Scripts" / "com.microsoft.Excel"
    folder.mkdir(parents=True)
    (folder / f"xlwings-{HERE}.applescript").touch()
    assert not faults(list(check_machine(mac)))


def test_a_cloud_folder_is_noted(book: Path) -> None:
    cloud = system(environment={"OneDriveCommercial": str(book.parent)})
    finding = next(f for f in check_book(book, cloud) if f.what == "place")
    assert finding.state == "note" and "AutoSave" in finding.remedy


def test_a_name_that_xlwings_cannot_read_is_found(book: Path, tmp_path: Path) -> None:
    renamed = Path(shutil.copy(book, tmp_path / "a=b.xlsm"))
    finding = next(f for f in check_book(renamed, system()) if f.what == "name")
    assert finding.state == "fault" and finding.remedy == "Call it a-b.xlsm."


def test_an_interpreter_of_another_version_is_found(book: Path) -> None:
    other = system("darwin", probe=lambda interpreter: (0, "0.30.0 0.1.0"))
    assert "has xlwings 0.30.0" in faults(list(check_book(book, other, run=True)))["interpreter"]


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_no_program_is_started_because_a_workbook_names_it(platform: str, book: Path, tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\ntouch started\n", encoding="utf-8")
    program.chmod(0o755)

    def rename(content: bytes) -> bytes:
        return content.replace(b"<t>python</t>", f"<t>{program}</t>".encode())

    named = edited(book, tmp_path / "named.xlsm", "xl/sharedStrings.xml", rename)
    started: list[str] = []
    machine = system(platform, probe=lambda interpreter: started.append(interpreter) or (0, f"{HERE} 0.1.0"))
    finding = next(f for f in check_book(named, machine) if f.what == "interpreter")
    assert started == []
    assert (finding.state, "not tried" in finding.text, "--run" in finding.remedy) == ("note", True, True)
    list(check_book(named, machine, run=True))
    assert started == [str(program)]


def test_this_very_python_is_tried(book: Path, tmp_path: Path) -> None:
    def rename(content: bytes) -> bytes:
        return content.replace(b"<t>python</t>", f"<t>{sys.executable}</t>".encode())

    own = edited(book, tmp_path / "own.xlsm", "xl/sharedStrings.xml", rename)
    finding = next(f for f in check_book(own, system("darwin")) if f.what == "interpreter")
    assert finding.state == "fine"


def test_an_interpreter_that_is_gone_is_found(book: Path, tmp_path: Path) -> None:
    strings = Workbook.open(book)
    assert strings.values(strings.area("B1", CONFIG_SHEET)) == [["python"]]  # made on another system than Windows

    def rename(content: bytes) -> bytes:
        return content.replace(b"<t>python</t>", b"<t>C:\\gone\\python.exe</t>")

    moved = edited(book, tmp_path / "moved.xlsm", "xl/sharedStrings.xml", rename)
    found = faults(list(check_book(moved, system("win32"))))["interpreter"]
    assert found == "there is no C:\\gone\\python.exe"


def test_a_workbook_without_its_macros_is_found(book: Path, tmp_path: Path) -> None:
    plain = tmp_path / "plain.xlsx"
    shutil.copyfile(book, plain)
    found = list(check_book(plain, system()))
    assert "hold no macros" in faults(found)["macros"] and [one.what for one in found] == ["workbook", "macros"]
    stripped = edited(book, tmp_path / "stripped.xlsm", "xl/vbaProject.bin", lambda content: None)
    assert "macros" in faults(list(check_book(stripped, system())))
    broken = edited(book, tmp_path / "broken.xlsm", "xl/vbaProject.bin", lambda content: content[:3000])
    assert "macros" in faults(list(check_book(broken, system())))


def test_sheets_that_were_deleted_are_found(book: Path, tmp_path: Path) -> None:
    def rename(content: bytes) -> bytes:
        return content.replace(CONFIG_SHEET.encode(), b"kept.conf").replace(MEMORY_SHEET.encode(), b"kept.memory")

    renamed = edited(book, tmp_path / "renamed.xlsm", "xl/workbook.xml", rename)
    findings = list(check_book(renamed, system()))
    assert "no sheet xlwings.conf" in faults(findings)["settings"]
    assert any(finding.what == "memory" for finding in findings)


def test_what_is_no_workbook_is_said(tmp_path: Path) -> None:
    broken = tmp_path / "broken.xlsm"
    broken.write_bytes(b"no zip")
    assert list(faults(list(check_book(broken, system())))) == ["workbook"]


def test_the_command_lists_versions_and_ends_with_the_workbooks_state(book: Path) -> None:
    result = CliRunner().invoke(app, ["doctor", str(book)])
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert re.match(r"✓ +embedsheet +\d", lines[0])
    for what in ("Python", "jax", "keras", "Keras engine", "LibreOffice", "macros", "interpreter", "place"):
        assert any(re.match(rf"[✓!] +{what} ", line) for line in lines), what


def test_the_command_fails_when_something_is_wrong(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["doctor", str(tmp_path / "missing.xlsm")])
    assert result.exit_code == 1
    assert "there is no such file" in result.output

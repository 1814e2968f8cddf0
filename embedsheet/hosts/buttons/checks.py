"""What can keep a workbook's buttons from working, checked one by one: `embedsheet doctor BOOK` prints it.

A check returns findings; each has a remedy where it is not fine. What concerns only Windows or macOS is looked up
through `System`, so that every branch can be tested anywhere.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import xlwings

from embedsheet.ground.errors import EmbedsheetError
from embedsheet.ground.files import real
from embedsheet.ground.shell import word
from embedsheet.hosts.buttons.table import CONFIG_SHEET, MEMORY_SHEET
from embedsheet.workbook import Workbook

State = Literal["fine", "note", "fault"]

_CHILD_PROCESS_RULE = "d4f940ab-401b-4efc-aadc-ad5f3c50688a"
_GUARD = r"\Windows Defender\Windows Defender Exploit Guard\ASR\Rules"
_RULE_KEYS = (r"SOFTWARE\Policies\Microsoft" + _GUARD, r"SOFTWARE\Microsoft" + _GUARD)
_MACRO_KEYS = (
    r"Software\Policies\Microsoft\Office\16.0\Excel\Security",
    r"Software\Microsoft\Office\16.0\Excel\Security",
)
_CLOUD_VARIABLES = ("OneDrive", "OneDriveCommercial", "OneDriveConsumer")
_CLOUD_FOLDERS = re.compile(r"OneDrive|SharePoint|CloudStorage|com~apple~CloudDocs", re.IGNORECASE)
_VERSION = re.compile(r'XLWINGS_VERSION As String = "([^"]+)"')
_PROBE = "import embedsheet, xlwings; print(xlwings.__version__, embedsheet.__version__)"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's report: what was looked at, how it stands, and what to do where it is not fine."""

    what: str
    state: State
    text: str
    remedy: str = ""


@dataclass(frozen=True)
class System:
    """The machine as the checks see it."""

    platform: str = sys.platform
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    home: Path = field(default_factory=Path.home)
    # (key, value's name) → a number of the registry under HKLM or HKCU, None where there is none
    registry: Callable[[str, str], int | None] = field(default=lambda key, name: _registry(key, name))
    # (path, name) → an extended attribute or an alternate stream of a file as text, None where there is none
    attribute: Callable[[Path, str], str | None] = field(default=lambda path, name: _attribute(path, name))
    # (interpreter) → (exit code, what it printed) of a Python that imports embedsheet and xlwings
    probe: Callable[[str], tuple[int, str]] = field(default=lambda interpreter: _run_probe(interpreter))


def check_book(path: Path, system: System | None = None, run: bool = False) -> Iterator[Finding]:
    """Check a workbook and what its buttons need on this machine.

    No program is started because the workbook names it, but this very Python; with `run` the one that it names.
    """
    system = system or System()
    try:
        book = Workbook.open(path)
    except EmbedsheetError as error:
        yield Finding("workbook", "fault", str(error))
        return
    yield Finding("workbook", "fine", f"{path.name} can be read")
    if not os.access(path, os.W_OK):
        yield Finding(
            "workbook",
            "note",
            "it is read-only: the buttons work, but nothing can be saved",
            "Save it under another name.",
        )
    if path.suffix.lower() != ".xlsm":  # what else its buttons would need is of no use to it
        yield Finding(
            "macros",
            "fault",
            f"{path.suffix} files hold no macros, so there are no buttons here; the commands need none",
            f"For buttons: embedsheet buttons {word(path)}, or embedsheet new LESSON --buttons.",
        )
        return
    yield from _check_project(path)
    yield from _check_sheets(book)
    yield from _check_settings(book, system, run)
    yield from _check_place(path, system)
    yield from _check_blocked(path, system)


def check_machine(system: System | None = None) -> Iterator[Finding]:
    """Check what concerns all workbooks with buttons on this machine."""
    system = system or System()
    if system.platform == "darwin":
        yield from _check_applescript(system)
    if system.platform == "win32":
        yield from _check_defender(system)
        yield from _check_macro_policy(system)


def _check_project(path: Path) -> Iterator[Finding]:
    from pyopenvba import ExcelFile, PyOpenVBAError

    make_anew = "Make the workbook again with embedsheet new LESSON --buttons."
    try:
        with ExcelFile(path) as file:
            modules = file.vba_modules() if file.has_vba_project else {}
    except (PyOpenVBAError, ValueError, KeyError) as error:
        yield Finding("macros", "fault", f"the VBA project cannot be read: {error}", make_anew)
        return
    if not {"xlwings", "embedsheet"} <= modules.keys():
        yield Finding("macros", "fault", "the modules xlwings and embedsheet are not both there", make_anew)
        return
    match = _VERSION.search(modules["xlwings"])
    version = match[1] if match else "unknown"
    if version == xlwings.__version__:
        yield Finding("macros", "fine", f"the VBA module and the installed xlwings are both {version}")
    else:
        yield Finding(
            "macros",
            "fault",
            f"the VBA module is xlwings {version}, the installed xlwings is {xlwings.__version__}",
            f"{make_anew} Or install xlwings {version}.",
        )


def _check_sheets(book: Workbook) -> Iterator[Finding]:
    if MEMORY_SHEET not in book.sheets:
        yield Finding("memory", "note", f"the hidden sheet {MEMORY_SHEET} is gone: Reset has nothing to bring back")
    for sheet, fault in book.setup_faults.items():
        yield Finding("model", "fault", fault, f"Set the model of {sheet} anew in Data ► Solver.")
    if not book.setups:
        yield Finding("model", "fault", "no sheet has a Solver model", "Set one in Data ► Solver.")


def _settings(book: Workbook) -> dict[str, object]:
    if CONFIG_SHEET not in book.sheets:
        return {}
    found: dict[str, object] = {}
    for key, value in book.values(book.area("A1:B50", CONFIG_SHEET)):
        if key is None:
            break
        found[str(key).upper()] = value
    return found


def _check_settings(book: Workbook, system: System, run: bool) -> Iterator[Finding]:
    settings = _settings(book)
    if not settings:
        yield Finding(
            "settings", "fault", f"there is no sheet {CONFIG_SHEET}: Excel does not know which Python to start",
            f"Add the sheet, with Interpreter_Win or Interpreter_Mac in A1 and {sys.executable} in B1.",
        )  # fmt: skip
        return
    if settings.get("ADD_WORKBOOK_TO_PYTHONPATH") is not False:
        yield Finding(
            "settings", "note", "Python looks for modules in the workbook's folder first, which fails on OneDrive",
            f"Set ADD_WORKBOOK_TO_PYTHONPATH to FALSE on the sheet {CONFIG_SHEET}.",
        )  # fmt: skip
    key = {"win32": "INTERPRETER_WIN", "darwin": "INTERPRETER_MAC"}.get(system.platform)
    if key is None:
        yield Finding(
            "interpreter", "fine", "there is no Excel here; embedsheet open serves the buttons in LibreOffice"
        )
        return
    yield from _check_interpreter(str(settings.get(key) or "python"), key, system, run)


def _check_interpreter(interpreter: str, key: str, system: System, run: bool) -> Iterator[Finding]:
    remedy = f"Write {sys.executable} beside {key.title()} on the sheet {CONFIG_SHEET}."
    if interpreter == "python":
        yield Finding(
            "interpreter", "note", "the workbook names no Python: Excel takes the first one on its path", remedy
        )
        interpreter = shutil.which("python") or "python"
    elif not Path(interpreter).is_file():
        yield Finding("interpreter", "fault", f"there is no {interpreter}", remedy)
        return
    if not run and os.path.normcase(os.path.abspath(interpreter)) != os.path.normcase(os.path.abspath(sys.executable)):
        yield Finding(
            "interpreter", "note", f"the buttons start {interpreter}, another program than this Python: not tried",
            f"{remedy} Or, if you trust that program: embedsheet doctor BOOK --run",
        )  # fmt: skip
        return
    code, printed = system.probe(interpreter)
    if code:
        yield Finding("interpreter", "fault", f"{interpreter} does not import embedsheet: {printed}", remedy)
    elif printed.split()[0] != xlwings.__version__:
        yield Finding(
            "interpreter",
            "fault",
            f"{interpreter} has xlwings {printed.split()[0]}, this one {xlwings.__version__}",
            remedy,
        )
    else:
        yield Finding("interpreter", "fine", f"{interpreter} has embedsheet and xlwings {xlwings.__version__}")


def _check_place(path: Path, system: System) -> Iterator[Finding]:
    if "=" in path.name:
        yield Finding(
            "name", "fault", f"{path.name} has an = in its name, where xlwings ends it: Excel's buttons do not find it",
            f"Call it {path.name.replace('=', '-')}.",
        )  # fmt: skip
    folder = str(real(path).parent)
    roots = [system.environment[name] for name in _CLOUD_VARIABLES if system.environment.get(name)]
    if _CLOUD_FOLDERS.search(folder) or any(folder.startswith(root) for root in roots):
        yield Finding(
            "place", "note", f"{folder} is kept in step with a cloud; Excel may know the file by a web address",
            "If a button cannot find the workbook, switch AutoSave off or move the workbook to a plain folder.",
        )  # fmt: skip
    else:
        yield Finding("place", "fine", "a plain folder of this machine")


def _check_blocked(path: Path, system: System) -> Iterator[Finding]:
    if system.platform == "win32":
        zone = system.attribute(path, "Zone.Identifier")
        if zone and re.search(r"ZoneId\s*=\s*[34]", zone):
            yield Finding(
                "download", "fault", "Windows has marked the file as downloaded: Excel blocks its macros",
                "Right-click the file ► Properties ► Unblock; or make it here with embedsheet new LESSON --buttons.",
            )  # fmt: skip
    elif system.platform == "darwin" and system.attribute(path, "com.apple.quarantine"):
        yield Finding(
            "download", "note", "macOS has marked the file as downloaded: Excel opens it read-only at first",
            f"In a terminal: xattr -d com.apple.quarantine {word(path)}",
        )  # fmt: skip


def _check_applescript(system: System) -> Iterator[Finding]:
    folder = system.home / "Library" / "Application Scripts" / "com.microsoft.Excel"
    script = folder / f"xlwings-{xlwings.__version__}.applescript"
    if script.is_file():
        yield Finding("applescript", "fine", script.name)
    else:
        yield Finding(
            "applescript", "fault", f"Excel's sandbox has no {script.name}, without which it may not start Python",
            "Run once in a terminal: xlwings runpython install",
        )  # fmt: skip


def _check_defender(system: System) -> Iterator[Finding]:
    states = [system.registry(key, _CHILD_PROCESS_RULE) for key in _RULE_KEYS]
    if 1 in states:
        yield Finding(
            "Defender", "fault", "the rule “Block all Office applications from creating child processes” is on",
            "Ask your administrator to exclude the interpreter from the rule; without it, use embedsheet solve BOOK.",
        )  # fmt: skip
    elif 6 in states:
        yield Finding(
            "Defender", "note", "the rule against Office's child processes warns before Python starts", "Allow it once."
        )
    else:
        yield Finding("Defender", "fine", "no rule found that keeps Excel from starting Python")


def _check_macro_policy(system: System) -> Iterator[Finding]:
    warnings = [system.registry(key, "VBAWarnings") for key in _MACRO_KEYS]
    if 4 in warnings:
        yield Finding(
            "macro policy", "fault", "Excel is set to disable all macros without notification",
            "File ► Options ► Trust Center ► Macro Settings ► Disable with notification; or ask your administrator.",
        )  # fmt: skip
    else:
        yield Finding("macro policy", "fine", "macros can be enabled")


def _registry(key: str, name: str) -> int | None:
    if sys.platform != "win32":
        return None
    import winreg

    for root in (winreg.HKEY_LOCAL_MACHINE, winreg.HKEY_CURRENT_USER):
        try:
            with winreg.OpenKey(root, key) as handle:
                return int(winreg.QueryValueEx(handle, name)[0])
        except (OSError, ValueError):
            continue
    return None


def _attribute(path: Path, name: str) -> str | None:
    if sys.platform == "win32":
        try:
            return Path(f"{path}:{name}").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None
    if sys.platform == "darwin":
        result = subprocess.run(["xattr", "-p", name, str(path)], capture_output=True, text=True, check=False)
        return result.stdout if result.returncode == 0 else None
    return None


def _run_probe(interpreter: str) -> tuple[int, str]:
    try:
        result = subprocess.run([interpreter, "-c", _PROBE], capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        return 1, str(error)
    lines = (result.stdout or result.stderr).strip().splitlines()
    return result.returncode, lines[-1] if lines else ""

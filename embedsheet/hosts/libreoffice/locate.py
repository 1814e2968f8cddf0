"""Find LibreOffice on this machine, and make its Python bridge `uno` importable.

The bridge is a compiled library of LibreOffice's, built for one minor version of Python. It cannot be installed into
another one, so its version is read from the library before it is imported: importing a wrong one can end the process.
"""

from __future__ import annotations

import importlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from embedsheet.ground.errors import MissingDependencyError

_PROGRAMS = ("soffice", "libreoffice")
_PLACES = (
    "/usr/lib/libreoffice/program/soffice",
    "/usr/lib64/libreoffice/program/soffice",
    "/snap/bin/libreoffice",
    "/Applications/LibreOffice.app/Contents/MacOS/soffice",
    "C:/Program Files/LibreOffice/program/soffice.exe",
    "C:/Program Files (x86)/LibreOffice/program/soffice.exe",
)
# Where distributions put uno.py when it is not beside the program.
_UNO_FOLDERS = ("/usr/lib/python3/dist-packages", "/usr/lib64/python3/site-packages")
_BRIDGES = ("libpyuno.so", "libpyuno.dylib", "pyuno.pyd", "pyuno.so")
_BUILT_FOR = re.compile(rb"(?:libpython|Python\.framework/Versions/|python)3\.?(\d{1,2})\b")


def find_soffice() -> Path:
    """Return the path of LibreOffice's program; `EMBEDSHEET_SOFFICE` overrides the search.

    Raises MissingDependencyError where there is none.
    """
    chosen = os.environ.get("EMBEDSHEET_SOFFICE")
    if chosen:
        if not Path(chosen).is_file():
            raise MissingDependencyError(f"EMBEDSHEET_SOFFICE: there is no file {chosen}; set it to soffice's path.")
        return Path(chosen)
    for name in _PROGRAMS:
        found = shutil.which(name)
        if found:
            return Path(found)
    for place in _PLACES:
        if Path(place).is_file():
            return Path(place)
    raise MissingDependencyError(
        "LibreOffice was not found. Install it (Debian and Ubuntu: apt install libreoffice-calc python3-uno), "
        "or set EMBEDSHEET_SOFFICE to the path of its program soffice."
    )


def find_bridge(soffice: Path) -> Path | None:
    """Return the folder that holds `uno.py` for this LibreOffice, or None."""
    program = soffice.resolve().parent
    near = (program, program.parent / "Resources", program.parent / "Resources" / "python")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    system = (*_UNO_FOLDERS, f"/usr/lib/python{version}/site-packages", f"/usr/lib64/python{version}/site-packages")
    for folder in (*near, *map(Path, system)):
        if (folder / "uno.py").is_file():
            return folder
    return None


def bridge_version(soffice: Path) -> int | None:
    """Return the minor version of Python 3 that LibreOffice's bridge is built for, or None when it does not say."""
    program = soffice.resolve().parent
    for folder in (program, program.parent / "Frameworks"):
        for name in _BRIDGES:
            path = folder / name
            if path.is_file():
                match = _BUILT_FOR.search(path.read_bytes())
                if match:
                    return int(match[1])
    return None


def libreoffice_version(soffice: Path) -> str:
    """Return what LibreOffice says of itself, such as "7.4.7.2", or "version unknown"."""
    try:
        result = subprocess.run([soffice, "--version"], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return "version unknown"
    match = re.search(r"\d+(?:\.\d+)+", result.stdout)
    return match[0] if match else "version unknown"


def import_uno(soffice: Path | None = None) -> Any:
    """Return the module `uno`.

    Raises MissingDependencyError with the remedy when it is missing or built for another Python.
    """
    if "uno" in sys.modules:
        return sys.modules["uno"]
    soffice = soffice or find_soffice()
    mine = sys.version_info.minor
    built_for = bridge_version(soffice)
    if built_for is not None and built_for != mine:
        raise MissingDependencyError(
            f"LibreOffice's Python bridge is built for Python 3.{built_for}, but this is Python 3.{mine}. "
            f"Install embedsheet under Python 3.{built_for} (python3.{built_for} -m venv …) to drive LibreOffice."
        )
    folder = find_bridge(soffice)
    if folder is None:
        raise MissingDependencyError(
            "LibreOffice's Python bridge (uno.py) was not found; Debian and Ubuntu: apt install python3-uno."
        )
    # At the end of the path, and only while importing: the folder may hold the system's own NumPy and the like.
    sys.path.append(str(folder))
    try:
        importlib.import_module("unohelper")
        return importlib.import_module("uno")
    except ImportError as error:
        raise MissingDependencyError(
            f"LibreOffice's Python bridge in {folder} does not work with this Python 3.{mine}: {error}. "
            "Use the Python that LibreOffice was built for (its package python3-uno depends on it)."
        ) from error
    finally:
        sys.path.remove(str(folder))

"""What is installed beside embedsheet: libraries, engines, spreadsheet programs."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from embedsheet.ground import __version__
from embedsheet.ground.shell import pip_install
from embedsheet.hosts.buttons.checks import Finding

_LIBRARIES = (
    "numpy",
    "scipy",
    "autograd",
    "jax",
    "keras",
    "polars",
    "XlsxWriter",
    "xlwings",
    "pyOpenVBA",
    "pytensor",
    "torch",
)
_OPTIONAL = {"pytensor": "embedsheet[theano]", "torch": "embedsheet[torch]"}


def installed() -> Iterator[Finding]:
    """Say which libraries and programs there are, and what to do about those that are missing."""
    yield Finding("embedsheet", "fine", f"{__version__} on {platform.platform()}")
    yield Finding("Python", "fine", f"{platform.python_version()}, {sys.executable}")
    for name in _LIBRARIES:
        try:
            yield Finding(name, "fine", metadata.version(name))
        except metadata.PackageNotFoundError:
            extra = _OPTIONAL.get(name)
            if extra:
                yield Finding(name, "note", "not installed (optional)", pip_install(extra))
            else:
                yield Finding(name, "fault", "not installed", pip_install(name))
    yield _gradients()
    yield _engine()
    yield _libreoffice()
    yield _excel()


def _gradients() -> Finding:
    from importlib.util import find_spec

    if find_spec("jax") is None:
        return Finding("gradients", "note", "by the engine tape; long searches and large sheets are slower without jax")
    return Finding("gradients", "fine", "by the engine tape, long searches and large sheets by jax (--engine)")


def _engine() -> Finding:
    try:
        from embedsheet.mirrors.full_size.devices import devices
        from embedsheet.mirrors.full_size.engine import load_keras

        name = load_keras().config.backend()
        return Finding("Keras engine", "fine", f"{name} on {', '.join(devices('gpu') + devices('cpu'))}")
    except Exception as error:  # an engine that is chosen but broken can fail in any way
        return Finding("Keras engine", "fault", str(error), "Set KERAS_BACKEND to jax, torch or tensorflow.")


def _libreoffice() -> Finding:
    from embedsheet.ground.errors import MissingDependencyError
    from embedsheet.hosts.libreoffice.locate import bridge_version, find_soffice, import_uno, libreoffice_version

    try:
        soffice = find_soffice()
    except MissingDependencyError as error:
        return Finding("LibreOffice", "note", "not found (optional)", str(error))
    try:
        import_uno(soffice)
    except MissingDependencyError as error:
        return Finding("LibreOffice", "note", f"{soffice} cannot be driven from this Python", str(error))
    minor = bridge_version(soffice)
    built = f", its Python bridge is for 3.{minor}" if minor is not None else ""
    return Finding("LibreOffice", "fine", f"{libreoffice_version(soffice)}, {soffice}{built}")


def _excel() -> Finding:
    there = False
    if sys.platform == "darwin":
        there = Path("/Applications/Microsoft Excel.app").is_dir()
    elif sys.platform == "win32":
        import winreg

        try:
            winreg.OpenKey(winreg.HKEY_CLASSES_ROOT, r"Excel.Application\CurVer").Close()
            there = True
        except OSError:
            pass
    else:
        return Finding("Excel", "note", "not on this system; embedsheet open serves the buttons in LibreOffice")
    if there:
        return Finding("Excel", "fine", "found")
    return Finding("Excel", "note", "not found", "The buttons then work in LibreOffice: embedsheet open BOOK.xlsm")

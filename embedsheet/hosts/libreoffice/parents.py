"""What a part of LibreOffice's objects asks of those above it: a range of its sheet, a sheet of its workbook."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from embedsheet.hosts.libreoffice.office import Office


class Program(Protocol):
    """An `App`."""

    office: Office


class Workbook(Protocol):
    """A `Book`."""

    model: Any  # UNO's document

    @property
    def name(self) -> str:
        """The file's name."""
        ...

    @property
    def sheets(self) -> Any:
        """xlwings' collection of the sheets."""
        ...

    @property
    def names(self) -> Any:
        """xlwings' collection of the workbook's names."""
        ...

    @property
    def controller(self) -> Any:
        """UNO's view of the workbook."""
        ...

    def translator(self) -> Callable[[str], str]:
        """Return a function from UNO's formulas to Excel's."""
        ...


class Worksheet(Protocol):
    """A `Sheet`."""

    book: Any

    @property
    def uno(self) -> Any:
        """UNO's sheet."""
        ...

    @property
    def name(self) -> str:
        """The name on the tab."""
        ...

    @property
    def refusal(self) -> str:
        """Why cells cannot be changed, "" where they can."""
        ...


class CellError(str):
    """An error in a cell, such as "#N/A"; a subclass, so that text that reads the same stays text."""

    __slots__ = ()

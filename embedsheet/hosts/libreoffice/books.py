"""xlwings' Books and Book over UNO."""

from __future__ import annotations

import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from xlwings import base_classes

from embedsheet.ground.errors import FileError
from embedsheet.ground.files import real
from embedsheet.ground.keys import name_key
from embedsheet.hosts.libreoffice.formulas import excel_translator
from embedsheet.hosts.libreoffice.names import Names
from embedsheet.hosts.libreoffice.office import properties
from embedsheet.hosts.libreoffice.parents import Program
from embedsheet.hosts.libreoffice.ranges import Range
from embedsheet.hosts.libreoffice.sheets import Sheet, Sheets

_FILTERS = {
    ".xlsx": "Calc MS Excel 2007 XML",
    ".xlsm": "Calc MS Excel 2007 VBA XML",
    ".ods": "calc8",
}


class Books(base_classes.Books):
    """The workbooks that are open in one LibreOffice."""

    def __init__(self, app: Program) -> None:
        self.app = app

    @property
    def api(self) -> Any:
        return self.app.office.desktop.Components

    def _all(self) -> list[Book]:
        components = self.app.office.desktop.Components.createEnumeration()
        books = []
        while components.hasMoreElements():
            model = components.nextElement()
            if hasattr(model, "supportsService") and model.supportsService("com.sun.star.sheet.SpreadsheetDocument"):
                books.append(Book(self.app, model))
        return books

    @property
    def active(self) -> Book:
        current = self.app.office.desktop.getCurrentComponent()
        if current is not None and current.supportsService("com.sun.star.sheet.SpreadsheetDocument"):
            return Book(self.app, current)
        books = self._all()
        if not books:
            raise FileError("No workbook is open in LibreOffice.")
        return books[0]

    def __call__(self, name_or_index: str | int) -> Book:
        books = self._all()
        if isinstance(name_or_index, int):
            return books[name_or_index - 1]
        for book in books:
            if name_key(book.name) == name_key(name_or_index):
                return book
        raise KeyError(name_or_index)

    def __len__(self) -> int:
        return len(self._all())

    def __iter__(self) -> Iterator[Book]:
        return iter(self._all())

    def add(self) -> Book:
        desktop = self.app.office.desktop
        return Book(self.app, desktop.loadComponentFromURL("private:factory/scalc", "_blank", 0, ()))

    def open(self, fullname: str, update_links: Any = None, read_only: bool | None = None, *others: Any) -> Book:
        """Open a file without running its macros.

        Raises FileError when another program holds it open, or LibreOffice cannot read it.
        """
        path = real(Path(fullname))
        _refuse_locked(path)
        # NEVER_EXECUTE, no links updated: nothing in the file acts by itself.
        options = {"MacroExecutionMode": 0, "UpdateDocMode": 0, "ReadOnly": bool(read_only)}
        model = self.app.office.desktop.loadComponentFromURL(path.as_uri(), "_blank", 0, properties(**options))
        if model is None:
            raise FileError(f"{path.name}: LibreOffice could not open it; it is broken, encrypted or no workbook.")
        if not model.supportsService("com.sun.star.sheet.SpreadsheetDocument"):
            model.close(True)
            raise FileError(f"{path.name} is not a workbook.")
        return Book(self.app, model)


def _refuse_locked(path: Path) -> None:
    # LibreOffice would open the file read-only, ask, or (headless) return nothing at all.
    lock = path.with_name(f".~lock.{path.name}#")
    if lock.exists():
        holder = lock.read_text(encoding="utf-8", errors="replace").split(",")
        who = " ".join(part for part in holder[1:4] if part).strip() or "someone"
        raise FileError(
            f"{path.name} is open in LibreOffice ({who}). Close it there; "
            f"if no LibreOffice has it open, delete the file {lock.name} that a crash has left beside it."
        )


class Book(base_classes.Book):
    """One workbook: UNO's document model."""

    app: Any = None  # an attribute, where the base class has a property

    def __init__(self, app: Program, model: Any) -> None:
        self.app = app
        self.model = model

    @property
    def api(self) -> Any:
        return self.model

    @property
    def controller(self) -> Any:
        """UNO's view of the workbook."""
        return self.model.CurrentController

    @property
    def fullname(self) -> str:
        url = self.model.getURL()
        if not url:
            return self.name
        return urllib.request.url2pathname(urllib.parse.urlparse(url).path)

    @property
    def name(self) -> str:
        url = self.model.getURL()
        return Path(self.fullname).name if url else str(self.model.Title)

    @property
    def saved(self) -> bool:
        """Whether the file holds what is on the screen."""
        return bool(self.model.hasLocation()) and not self.model.isModified()

    @cached_property
    def sheets(self) -> Sheets:
        return Sheets(self)

    @property
    def names(self) -> Names:
        return Names(self, self.model.NamedRanges, None)

    def translator(self) -> Callable[[str], str]:
        """Return a function from UNO's formulas to Excel's, as the sheets are named now."""
        model = self.model

        def names() -> list[str]:
            scopes = [model, *(model.Sheets.getByIndex(place) for place in range(model.Sheets.Count))]
            return [name for scope in scopes for name in scope.NamedRanges.ElementNames]

        return excel_translator(model.Sheets.ElementNames, names)

    @property
    def selection(self) -> Range | None:
        """The selected cells, or None when something else is selected."""
        selected = self.model.getCurrentSelection()
        if not hasattr(selected, "getRangeAddress"):
            return None
        address = selected.getRangeAddress()
        sheet = Sheet(self, self.model.Sheets.getByIndex(address.Sheet))
        return Range(sheet, (address.StartRow + 1, address.StartColumn + 1, address.EndRow + 1, address.EndColumn + 1))

    def activate(self) -> None:
        frame = self.controller.Frame
        frame.ContainerWindow.setFocus()
        frame.activate()

    def save(self, path: str | None = None, password: str | None = None) -> None:
        """Save in place, or under another name whose ending says the format.

        Raises FileError when LibreOffice cannot write it.
        """
        try:
            if path is None:
                self.model.store()
                return
            target = real(Path(path))
            kind = _FILTERS.get(target.suffix.lower())
            if kind is None:
                raise FileError(f"{target.name}: save as .xlsx, .xlsm or .ods.")
            self.model.storeAsURL(target.as_uri(), properties(FilterName=kind, Overwrite=True))
        except FileError:
            raise
        except Exception as error:  # UNO raises IOException without a common base
            raise FileError(f"{self.name}: LibreOffice could not save it: {error}") from error

    def close(self) -> None:
        self.model.setModified(False)
        self.model.close(True)

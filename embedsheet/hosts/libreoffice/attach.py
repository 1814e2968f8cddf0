"""Join a LibreOffice that another process of ours has started, as each press in Excel joins the running Excel."""

from __future__ import annotations

from pathlib import Path

import xlwings

from embedsheet.ground.errors import MissingDependencyError
from embedsheet.hosts.libreoffice.apps import ENGINE, App, register
from embedsheet.hosts.libreoffice.office import Office, connect


def attach(pipe: str) -> xlwings.Book:
    """Return the active workbook of the LibreOffice that listens on a pipe; it goes on when this process ends.

    Raises MissingDependencyError when none listens.
    """
    register()
    context = connect(pipe)
    if context is None:
        raise MissingDependencyError(f"No LibreOffice listens on the pipe {pipe}; start it with embedsheet open.")
    app = App(ENGINE.apps, Office(None, context, Path(), pipe, headless=True))
    ENGINE.apps.join(app)
    return xlwings.Book(impl=app.books.active)

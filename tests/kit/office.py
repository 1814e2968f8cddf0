"""LibreOffice for tests: started when first wanted; a test is skipped, or in CI fails, where it is missing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import xlwings

from embedsheet.ground.errors import MissingDependencyError
from embedsheet.hosts.libreoffice.apps import register
from embedsheet.hosts.libreoffice.locate import import_uno
from embedsheet.hosts.libreoffice.serve import Server


def need_office() -> None:
    """Skip the test where LibreOffice cannot be driven; with EMBEDSHEET_REQUIRE_JUDGES=1 fail it."""
    try:
        import_uno()
    except MissingDependencyError as error:
        if os.environ.get("EMBEDSHEET_REQUIRE_JUDGES") == "1":
            pytest.fail(str(error))
        pytest.skip(str(error))


@contextmanager
def calc() -> Iterator[xlwings.App]:
    """A headless LibreOffice as an xlwings App."""
    need_office()
    register()
    app = xlwings.App(visible=False, add_book=False)
    try:
        yield app
    finally:
        app.quit()


@contextmanager
def served(path: Path) -> Iterator[tuple[Server, list[str]]]:
    """A workbook with its buttons served headless, and the list of messages that boxes would have shown."""
    need_office()
    server = Server(path, headless=True)
    messages: list[str] = []
    server.app.impl.on_alert = lambda text, title: messages.append(text)
    try:
        yield server, messages
    finally:
        server.close()

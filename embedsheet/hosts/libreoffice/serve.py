"""Serve the toolbar, and the buttons of a workbook, that is open in LibreOffice: listen for presses, do their work.

LibreOffice imports an Excel form button as a control whose script event names the macro. The macro itself is never
run (the workbook is opened with macros off); a listener on the form hears the event, names the Sub, and the function of
the same name in `buttons/work.py` runs here, with `xlwings.Book.caller()` being the open workbook.
"""

from __future__ import annotations

import queue
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import xlwings

from embedsheet.hosts.buttons.press import run
from embedsheet.hosts.buttons.table import BUTTONS
from embedsheet.hosts.buttons.work import press, pressed
from embedsheet.hosts.libreoffice import toolbar
from embedsheet.hosts.libreoffice.apps import register
from embedsheet.hosts.libreoffice.descend import WALKS
from embedsheet.hosts.libreoffice.locate import import_uno
from embedsheet.hosts.protocol import Host
from embedsheet.workbook import refuse_other_files

_SCRIPT = re.compile(r"\.(\w+)\?")
_FUNCTIONS = {button.macro: button.function for button in BUTTONS} | {macro: macro for macro in WALKS}
_ESCAPE = 1281  # com.sun.star.awt.Key.ESCAPE
_POLL_SECONDS = 0.5


class Server:
    """One workbook and its buttons. `presses` holds the functions still to run; None means that it was closed."""

    def __init__(self, path: Path, headless: bool = False) -> None:
        """Open the workbook. Raises FileError when it cannot be opened."""
        refuse_other_files(path)  # refuses what is no workbook; LibreOffice would show it as a text
        register()
        self.app = xlwings.App(visible=not headless, add_book=False)
        self.presses: queue.Queue[str | None] = queue.Queue()
        self.running: str | None = None
        self.refused = False
        self._escaped = False
        try:
            toolbar.install(self.app.impl.office)
            self.book = self.app.books.open(path)
            self.buttons = self._listen()
            self._toolbar = toolbar.listen(self.book.api.CurrentController.Frame, self.press)
        except BaseException:
            self.app.quit()
            raise
        self.book.set_mock_caller()

    def _listen(self) -> int:
        """Attach the listeners; return how many of our buttons there are."""
        uno = import_uno()
        import unohelper

        server = self

        class Scripts(unohelper.Base, uno.getClass("com.sun.star.script.XScriptListener")):  # type: ignore[misc]
            """Hears the presses. Runs in a thread of the bridge, so it only notes them."""

            def firing(self, event: Any) -> None:
                match = _SCRIPT.search(str(event.ScriptCode))
                if match and match[1] in _FUNCTIONS:
                    server.press(_FUNCTIONS[match[1]])

            def approveFiring(self, event: Any) -> None:  # noqa: N802 (UNO's name)
                """Only for events that can be vetoed; a press is none."""

            def disposing(self, source: Any) -> None:
                """The form is gone with its workbook; the other listener says so."""

        class Closed(unohelper.Base, uno.getClass("com.sun.star.document.XDocumentEventListener")):  # type: ignore[misc]
            def documentEventOccured(self, event: Any) -> None:  # noqa: N802 (UNO's name and spelling)
                pass

            def disposing(self, source: Any) -> None:
                server.presses.put(None)

        class Keys(unohelper.Base, uno.getClass("com.sun.star.awt.XKeyHandler")):  # type: ignore[misc]
            """Hears Esc, which stops what runs; it consumes nothing."""

            def keyPressed(self, event: Any) -> bool:  # noqa: N802 (UNO's name)
                server._escaped = server._escaped or event.KeyCode == _ESCAPE
                return False

            def keyReleased(self, event: Any) -> bool:  # noqa: N802 (UNO's name)
                return False

            def disposing(self, source: Any) -> None:
                pass

        model = self.book.api
        self._listeners = (Scripts(), Closed(), Keys())  # the bridge holds only weak references
        found = 0
        for index in range(model.Sheets.Count):
            forms = model.Sheets.getByIndex(index).DrawPage.Forms
            for place in range(forms.Count):
                form = forms.getByIndex(place)
                form.addScriptListener(self._listeners[0])
                for control in range(form.Count):
                    codes = [event.ScriptCode for event in form.getScriptEvents(control)]
                    found += any((match := _SCRIPT.search(code)) and match[1] in _FUNCTIONS for code in codes)
        model.addDocumentEventListener(self._listeners[1])
        model.CurrentController.addKeyHandler(self._listeners[2])
        return found

    def press(self, function: str) -> None:
        """Note a press; one that comes while another button works is refused, not queued."""
        if self.running is not None or not self.presses.empty():
            self.refused = True
        else:
            self.presses.put(function)

    def cancelled(self) -> bool:
        """Whether Esc was pressed since the button that runs was pressed."""
        return self._escaped

    def serve(self, said: Callable[[str, str], None], until: Callable[[], bool] = lambda: False) -> None:
        """Run presses until the workbook is closed or `until` says so; `said` gets button and outcome."""
        while not until():
            try:
                function = self.presses.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                if not self.app.impl.office.running():
                    return
                continue
            if function is None:
                return
            self.run(function, said)

    def run(self, function: str, said: Callable[[str, str], None]) -> None:
        """Run one button's function now."""
        self.running, self.refused, self._escaped = function, False, False
        try:
            if function in WALKS:
                outcome = run(function, WALKS[function], pressed, self.cancelled, _seen)
            else:
                outcome = press(function, cancelled=self.cancelled)
        finally:
            self.running = None
        if self.refused:
            outcome += " A press meanwhile was ignored: one button works at a time."
        said(function, outcome)

    def close(self) -> bool:
        """End LibreOffice; with a window it asks about unsaved work first. Returns False when its user stays in it."""
        office = self.app.impl.office
        if office.headless:
            self.app.quit()
            return True
        return bool(office.close(ask=True))


def _seen(host: Host, outcome: str) -> None:
    """A step along the gradient is seen in the sheet itself."""

"""xlwings' Engine, Apps and App over UNO. `register()` adds the engine "libreoffice" to xlwings."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Iterator
from typing import Any

import xlwings
from xlwings import base_classes

from embedsheet.hosts.libreoffice.books import Books
from embedsheet.hosts.libreoffice.office import Office
from embedsheet.hosts.libreoffice.parents import CellError

NAME = "libreoffice"
_EPOCH = datetime.datetime(1899, 12, 30)


class Engine:
    """What xlwings asks of an engine."""

    name = NAME
    type = "desktop"

    def __init__(self) -> None:
        self.apps = Apps()

    @staticmethod
    def prepare_xl_data_element(x: Any, date_format: Any) -> Any:
        """Return a value as UNO's `setDataArray` takes it: a float, a text, "" for nothing."""
        if x is None:
            return ""
        if isinstance(x, bool | str):
            return x
        if isinstance(x, datetime.datetime):
            return (x.replace(tzinfo=None) - _EPOCH) / datetime.timedelta(days=1)
        if isinstance(x, datetime.date):
            return float((datetime.datetime(x.year, x.month, x.day) - _EPOCH).days)
        try:
            number = float(x)
        except (TypeError, ValueError):
            return str(x)
        return "" if math.isnan(number) else number

    @staticmethod
    def clean_value_data(
        data: Any,
        datetime_builder: Any,
        empty_as: Any,
        number_builder: Callable[[float], Any] | None,
        err_to_str: bool,
    ) -> list[list[Any]]:
        """Return values as xlwings gives them to the user; a date stays the number that LibreOffice holds."""

        def clean(value: Any) -> Any:
            if value == "" or value is None:
                return empty_as
            if isinstance(value, CellError):
                return str(value) if err_to_str else None
            if number_builder is not None and isinstance(value, float):
                return number_builder(value)
            return value

        return [[clean(value) for value in row] for row in data]


class Apps(base_classes.Apps):
    """The LibreOffice processes that were started here."""

    def __init__(self) -> None:
        self._apps: list[App] = []

    def keys(self) -> list[int]:
        return [app.pid for app in self._apps]

    def add(self, spec: Any = None, add_book: Any = None, xl: Any = None, visible: bool | None = None) -> App:
        app = App(self, Office.start(headless=visible is False))
        self.join(app)
        if add_book:
            app.books.add()
        return app

    @staticmethod
    def cleanup() -> None:
        """Nothing to do: LibreOffice leaves no processes behind."""

    def join(self, app: App) -> None:
        """Add an app that runs already, as the active one."""
        self._apps.insert(0, app)

    def remove(self, app: App) -> None:
        """Forget an app that has ended."""
        if app in self._apps:
            self._apps.remove(app)

    def __iter__(self) -> Iterator[App]:
        return iter(list(self._apps))

    def __len__(self) -> int:
        return len(self._apps)

    def __getitem__(self, pid: int) -> App:
        for app in self._apps:
            if app.pid == pid:
                return app
        raise KeyError(pid)


class App(base_classes.App):
    """One LibreOffice."""

    # Switches of Excel's that LibreOffice has no use for; xlwings reads and sets them.
    display_alerts = True
    enable_events = True
    interactive = True
    cut_copy_mode = None

    def __init__(self, apps: Apps, office: Office) -> None:
        self._apps = apps
        self.office = office
        self._status: Any = None
        self._status_text: str | bool = False
        self._screen_updating = True
        # How a message is shown; None is LibreOffice's own box, which nobody could close without a display.
        self.on_alert: Callable[[str, str], None] | None = None

    @property
    def engine(self) -> Engine:
        return ENGINE

    @property
    def api(self) -> Any:
        return self.office.desktop

    @property
    def pid(self) -> int:
        return self.office.pid

    @property
    def hwnd(self) -> None:
        return None

    @property
    def version(self) -> str:
        return self.office.version()

    @property
    def books(self) -> Books:
        return Books(self)

    @property
    def selection(self) -> Any:
        return self.books.active.selection

    @property
    def visible(self) -> bool:
        return not self.office.headless

    @visible.setter
    def visible(self, value: bool) -> None:
        for book in self.books:
            book.controller.Frame.ContainerWindow.setVisible(bool(value))

    def activate(self, steal_focus: bool = False) -> None:
        self.books.active.activate()

    def quit(self) -> None:
        self.status_bar = False
        self.office.close()
        self._apps.remove(self)

    def kill(self) -> None:
        self.office.kill()
        self._apps.remove(self)

    def calculate(self) -> None:
        for book in self.books:
            book.model.calculateAll()

    @property
    def calculation(self) -> str:
        return "automatic" if self.books.active.model.isAutomaticCalculationEnabled() else "manual"

    @calculation.setter
    def calculation(self, value: str) -> None:
        for book in self.books:
            book.model.enableAutomaticCalculation(value != "manual")

    @property
    def screen_updating(self) -> bool:
        return self._screen_updating

    @screen_updating.setter
    def screen_updating(self, value: bool) -> None:
        if bool(value) == self._screen_updating:
            return
        for book in self.books:
            if value:
                book.model.unlockControllers()
            else:
                book.model.lockControllers()
        self._screen_updating = bool(value)

    @property
    def status_bar(self) -> str | bool:
        return self._status_text

    @status_bar.setter
    def status_bar(self, value: str | bool) -> None:
        if not isinstance(value, str):
            if self._status is not None:
                self._status.end()
            self._status, self._status_text = None, False
            return
        if self._status is None:
            self._status = self.books.active.controller.Frame.createStatusIndicator()
            self._status.start(value, 100)
        else:
            self._status.setText(value)
        self._status_text = value

    def alert(self, prompt: str, title: str, buttons: str, mode: str | None, callback: Any) -> str:
        """Show a message; only an OK button is offered."""
        title = title or "embedsheet"
        if self.on_alert is not None:
            self.on_alert(prompt, title)
            return "ok"
        from embedsheet.hosts.libreoffice.locate import import_uno

        uno = import_uno()
        window = self.books.active.controller.Frame.ContainerWindow
        kind = uno.Enum("com.sun.star.awt.MessageBoxType", "ERRORBOX" if mode == "critical" else "INFOBOX")
        box = window.getToolkit().createMessageBox(window, kind, 1, title, prompt)
        box.execute()
        box.dispose()
        return "ok"


ENGINE = Engine()


def register() -> xlwings.Engine:
    """Add the engine to xlwings once, make it the active one, and return it."""
    if NAME not in xlwings.engines.engines_by_name:
        xlwings.engines.add(xlwings.Engine(impl=ENGINE))
    engine = xlwings.engines[NAME]
    engine.activate()
    return engine

"""One press of a button: which sheet, what it models, what is written, and how an error is told.

Everything is computed before anything is written, and writing is all or nothing, so that an error leaves the sheet as
it was. An error ends in a message box and, with its traceback, in the log file `~/.embedsheet/buttons.log`.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import logging.handlers
import sys
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from numpy.typing import NDArray

from embedsheet.book.setups import SolverSetup
from embedsheet.book.tables import DefinedName
from embedsheet.ground.errors import EmbedsheetError, MismatchError, ModelError
from embedsheet.ground.files import hold, release
from embedsheet.ground.keys import name_key
from embedsheet.ground.notation.addresses import Area, parse_area
from embedsheet.hosts.buttons.memory import Block, Memory
from embedsheet.hosts.buttons.table import CONTROLS, KERAS_BLOCKS, KERAS_SHEETS, MODEL, OUTCOME, UNDO
from embedsheet.hosts.live import blocks_of, live_workbook, write_areas
from embedsheet.hosts.protocol import Host
from embedsheet.mirrors.recommender.blocks import NAMES, NEEDED, SheetModel, read_model

if TYPE_CHECKING:
    from embedsheet.book.book import Book
    from embedsheet.compiler.program import Program

LOG = Path.home() / ".embedsheet" / "buttons.log"
_DEFAULTS = {control.name: control.value for control in CONTROLS}
_WANTED = (*_DEFAULTS, OUTCOME, *(name for group in NAMES.values() for name in group))
_REJECTED = (
    -2147418111,
    -2147417846,
    -2146777998,
)  # Excel's codes for "busy": a cell is being edited, a dialog is open


class BusyError(EmbedsheetError):
    """Another button of the same workbook is still at work."""


class Press:
    """A press on a sheet of an open workbook. `cancelled` says whether the user wants to stop."""

    def __init__(self, host: Host, function: str, cancelled: Callable[[], bool]) -> None:
        self.host = host
        self.function = function
        self.cancelled = cancelled
        self.pressed_on = host.active
        self.sheet_name = self._model_sheet()  # what the buttons work on

    def _model_sheet(self) -> str:
        """Return the sheet that a sheet of buttons names, else the active one. Raises ModelError for a wrong name."""
        cell = self.block(MODEL)
        if cell is None:
            return self.pressed_on
        value = self.host.read(cell)[0][0]
        named = f"{value:g}" if isinstance(value, float) else str(value or "")
        known = {name_key(name): name for name in self.host.sheets()}
        found = known.get(name_key(named))
        if found is None:
            raise ModelError(
                f"{self.pressed_on}!{cell.local()}: there is no sheet {named!r}; choose one from the list."
            )
        return found

    def block(self, name: str) -> Area | None:
        """Return the cells that a name of the sheet with the button means, None where it has no such name."""
        text = self.host.refers_to([name], self.pressed_on).get(name)
        return None if text is None else parse_area(text)

    @cached_property
    def workbook(self) -> Book:
        """The open workbook, read once."""
        return live_workbook(self.host, self.sheet_name, _WANTED, {self.pressed_on} - {self.sheet_name})

    @cached_property
    def beside_keras(self) -> Book:
        """The open workbook with the sheets on which a lesson shows what Keras makes of the model."""
        return live_workbook(self.host, self.sheet_name, (*_WANTED, *KERAS_BLOCKS), KERAS_SHEETS)

    @cached_property
    def setup(self) -> SolverSetup:
        """The Solver model of the active sheet. Raises ModelError where there is none."""
        setup = self.workbook.setups.get(self.sheet_name)
        at_home = self.pressed_on == self.sheet_name
        if setup is None or setup.objective is None or not setup.changing:
            raise ModelError(
                f"The sheet {self.sheet_name} has no model: {'go to' if at_home else 'choose'} a sheet with one, or "
                "set objective and changing cells in Data ► Solver (LibreOffice: Tools ► Solver) and choose Close."
            )
        return setup

    def find_names(self, sheet: str, names: Sequence[str]) -> None:
        """Look up names of another sheet, where the workbook has it."""
        if sheet in self.workbook.sheets:
            found = self.host.refers_to(names, sheet)
            self.workbook.add_names([DefinedName(name, sheet, text) for name, text in found.items()])

    @property
    def start(self) -> NDArray[np.float64]:
        """(n,) what the changing cells hold now, a blank cell as 0."""
        values = [self.workbook.numbers(area).ravel() for area in self.setup.changing]
        return np.nan_to_num(np.concatenate(values))

    @cached_property
    def program(self) -> Program:
        """The compiled model. Raises ModelError when the sheet's own results are not what its formulas give.

        A process that stays (LibreOffice's server, xlwings' UDF server on Windows) keeps the last one: compiling its
        functions is the largest part of a press. They serve again when nothing but the changing cells has changed; all
        else is found out anew.
        """
        from embedsheet.compiler.program import compile_program

        program = compile_program(self.workbook, self.setup, kept=_LAST.get("program"))
        checked = program.verification
        if checked.mismatch_count:
            raise MismatchError(
                f"{checked.mismatches[0]} ({checked.mismatch_count} such cells): if calculation is manual, press F9 "
                "(LibreOffice: Ctrl+Shift+F9) and try again. Nothing was changed."
            )
        _LAST["program"] = program
        return program

    @property
    def objective_name(self) -> str:
        """The name of the objective cell (rmse), or its address."""
        cell = self.setup.objective
        assert cell is not None
        address = Area(*cell, *cell[1:]).absolute()
        return next((name.name for name in self.workbook.names if name.text == address), str(cell))

    def _has(self, name: str) -> bool:
        known = self.beside_keras.name(name, self.sheet_name)
        return known is not None and "#REF!" not in known.text

    @property
    def has_ratings(self) -> bool:
        """Whether the sheet has any block of a recommender's."""
        return any(self._has(name) for block in NEEDED for name in NAMES[block])

    @cached_property
    def recommender(self) -> SheetModel:
        """The blocks of users, movies and ratings. Raises ModelError naming those that the sheet lacks."""
        missing = [" or ".join(NAMES[block]) for block in NEEDED if not any(self._has(name) for name in NAMES[block])]
        if missing:
            raise ModelError(
                f"Keras needs blocks of users, movies and ratings; the sheet {self.sheet_name} has no "
                f"{', '.join(missing)}. If you renamed or deleted one, define the name again (Formulas ► Name Manager)."
            )
        return read_model(self.beside_keras, self.sheet_name)

    def setting(self, name: str) -> float:
        """Return a setting of the sheet, `controls.NAME`, or its default where the sheet has none.

        Raises ModelError when the cell holds no positive number.
        """
        full = f"controls.{name}"
        known = self.workbook.name(full, self.pressed_on)
        if known is None:
            return _DEFAULTS[full]
        area = self.workbook.area(full, self.pressed_on)
        value = self.workbook.numbers(area)[0, 0]
        if not value > 0:
            raise ModelError(f"{area} ({full}) must hold a positive number.")
        return float(value)

    def write_changing(self, x: NDArray[np.float64], also: Sequence[Block] = ()) -> None:
        """Write the changing cells, which Undo brings back, and other blocks, which it leaves."""
        self.write(blocks_of(self.setup.changing, x), also)

    def write(self, blocks: Sequence[Block], also: Sequence[Block] = ()) -> None:
        """Write blocks, remembering what was there for Undo if there are any, and other blocks; all or nothing."""
        for name in dict.fromkeys(area.sheet for area, _ in [*blocks, *also]):
            if reason := self.host.refusal(name):
                raise ModelError(f"{reason} Nothing was changed.")
        memory: list[Block] = []
        if blocks:
            before = [(area, self.host.read(area)) for area, _ in blocks]
            memory = Memory(self.host).remember(self.sheet_name, UNDO, before)
        write_areas(self.host, [*memory, *blocks, *also])
        self.host.calculate()

    def objective_now(self) -> float:
        """The objective as the spreadsheet has calculated it, NaN where it is no number."""
        cell = self.setup.objective
        assert cell is not None
        value = self.host.read(Area(*cell, *cell[1:]))[0][0]
        return float(value) if isinstance(value, int | float) else float("nan")

    @property
    def selected(self) -> Area:
        """The cells selected on the sheet. Raises ModelError where they are no single block."""
        chosen = self.host.selection()
        if chosen is None:
            raise ModelError("Select one block of cells and press again.")
        return chosen

    def status(self, text: str) -> None:
        """Show progress in the status bar."""
        self.host.status(f"embedsheet: {text}")


def run(
    function: str,
    work: Callable[[Press], str],
    caller: Callable[[], Host],
    cancelled: Callable[[], bool],
    say: Callable[[Host, str], None] | None = None,
) -> str:
    """Do one button's work and return what to say; errors are shown to the user, logged, and returned as well.

    `say` shows the outcome in the workbook; by default in its cell for it, or a box.
    """
    try:
        host = caller()
    except Exception as error:  # xlwings raises plain Exception for a caller that it cannot find
        _log(function, error)
        remedy = "Press it in the workbook itself; close other workbooks of the same name."
        if any(word.startswith("--wb=") and "=" in word[5:] for word in sys.argv):
            remedy = "Its name has an = in it, where xlwings ends it: give the file a name without one."
        raise SystemExit(f"embedsheet could not find the workbook of the button: {error}. {remedy}") from error
    try:
        with _Alone(host):
            outcome = work(Press(host, function, cancelled))
    except EmbedsheetError as error:
        _log(function, error)
        outcome = str(error)
    except KeyboardInterrupt:
        return "Stopped; nothing was changed."
    except Exception as error:
        _log(function, error)
        outcome = _in_plain_words(error)
    else:
        (say or _say)(host, outcome)
        return outcome
    finally:
        with contextlib.suppress(Exception):  # the application may be gone; its own error counts
            host.status("")
    with contextlib.suppress(Exception):
        host.tell(outcome, serious=True)
    return outcome


_LAST: dict[str, Program] = {}  # the program of the last press


def _say(host: Host, outcome: str) -> None:
    """Write the outcome into the sheet's own cell for it; a sheet without such a cell has it in a box."""
    with contextlib.suppress(Exception):  # a protected sheet: the outcome alone is lost
        text = host.refers_to([OUTCOME], host.active).get(OUTCOME)
        if text is not None:
            host.write(parse_area(text), [[outcome]])
        else:
            host.tell(outcome, serious=False)


def _in_plain_words(error: Exception) -> str:
    code = getattr(error, "hresult", None) or (error.args[0] if error.args else None)
    if code in _REJECTED:
        return "Excel is busy: finish editing the cell (Enter or Esc), close open dialogs, and press the button again."
    what = str(error) or type(error).__name__
    return (
        f"Something went wrong that embedsheet did not expect: {what}\n\nThe sheet was left as it was. Details: {LOG}"
    )


class _Alone:
    """Holds a workbook's lock, which the system releases when the process ends.

    A class, not a generator: UNO's exceptions cannot pass through `contextlib.contextmanager`, which sets their
    traceback.
    """

    _lock: BinaryIO | None = None

    def __init__(self, host: Host) -> None:
        self._name = "press-" + hashlib.sha256(host.path.encode()).hexdigest()[:16]

    def __enter__(self) -> None:
        """Raise BusyError when another process holds it."""
        try:
            self._lock = hold(self._name)
        except OSError:  # no cache folder can be written (a read-only home): two presses at once are then possible
            return
        if self._lock is None:
            raise BusyError("Another button of this workbook is still at work; wait until it is done.")

    def __exit__(self, *error: object) -> None:
        if self._lock is not None:
            release(self._lock)


def _log(function: str, error: BaseException) -> None:
    with contextlib.suppress(OSError):  # a home that cannot be written to must not hide the error itself
        LOG.parent.mkdir(exist_ok=True)
        handler = logging.handlers.RotatingFileHandler(LOG, maxBytes=1_000_000, backupCount=1, encoding="utf-8")
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        logger = logging.Logger("embedsheet.hosts.buttons")
        logger.addHandler(handler)
        logger.error("the button %s", function, exc_info=error)
        handler.close()


def escape_pressed() -> bool:
    """Whether Esc is held down; only Windows tells a process that has no window."""
    if sys.platform != "win32":
        return False
    import ctypes

    return bool(ctypes.windll.user32.GetAsyncKeyState(0x1B) & 0x8000)


def gradient_sheet(sheet: str) -> str:
    """The name of the sheet that the gradient of a model sheet is written to (31 characters at most)."""
    return f"gradient {sheet}"[:31]

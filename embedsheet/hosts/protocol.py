"""What a press asks of the program that has the workbook open: Excel, LibreOffice, or a test's book in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias

from embedsheet.book.sheet import ArrayFormula
from embedsheet.book.tables import Table
from embedsheet.ground.notation.addresses import Area

# Row by row: float, str (an error too: "#N/A"), bool or None.
Rows: TypeAlias = Sequence[Sequence[Any]]


class Contents(NamedTuple):
    """The used cells of a sheet, from the cell (top, left): values, and formulas with "=", the value where there is
    none.
    """

    top: int
    left: int
    values: Rows
    formulas: Rows
    arrays: Sequence[ArrayFormula]
    hidden: bool


class Host(Protocol):
    """A workbook that is open somewhere."""

    updating: bool  # whether the screen follows what is written

    @property
    def path(self) -> str:
        """The workbook's full name."""
        ...

    @property
    def active(self) -> str:
        """The sheet that is in front."""
        ...

    @property
    def saved(self) -> bool:
        """Whether the workbook's file holds what is on the screen."""
        ...

    def sheets(self) -> list[str]:
        """Return the sheets in their order."""
        ...

    def contents(self, sheet: str) -> Contents:
        """Return what a sheet holds; of an empty one `Contents(1, 1, [[None]], [[None]], [], hidden)`."""
        ...

    def tables(self) -> Iterable[Table]:
        """Yield the tables of all sheets."""
        ...

    def refers_to(self, names: Iterable[str], sheet: str | None = None) -> dict[str, str]:
        """Return what those of a sheet's names, or of the whole workbook's, that are there stand for, without "=".

        Hidden ones, too: Solver's model is in names.
        """
        ...

    def read(self, area: Area) -> Rows:
        """Return the values of an area."""
        ...

    def write(self, area: Area, rows: Rows) -> None:
        """Replace the contents of an area, formulas too, by values; None empties a cell."""
        ...

    def write_formula(self, cell: Area, text: str) -> None:
        """Give a cell a formula, "=" included."""
        ...

    def clear(self, sheet: str, columns: Sequence[int] = ()) -> None:
        """Empty some columns of a sheet, or all of it."""
        ...

    def add_sheet(self, name: str, after: str, hidden: bool = False) -> None:
        """Add a sheet; the one in front stays there."""
        ...

    def refusal(self, sheet: str) -> str:
        """Return why a sheet's cells cannot be changed, with the remedy; "" where they can."""
        ...

    def selection(self) -> Area | None:
        """Return the cells selected, None where they are no single block."""
        ...

    def calculate(self) -> None:
        """Calculate what was written, if the program does not by itself."""
        ...

    def status(self, text: str) -> None:
        """Show a text in the status bar; "" gives the bar back."""
        ...

    def tell(self, text: str, serious: bool) -> None:
        """Show a message box."""
        ...

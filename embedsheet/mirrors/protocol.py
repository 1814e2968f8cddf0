"""What a mirror is: a kind of sheet whose model another library computes too, from the same numbers.

A mirror knows the sheets that it can read by the names of their blocks, reads one into a model, compares models with
their twins, and trains one. It prints nothing: what it finds comes back as lines of a table.
`mirrors/table.py` lists the mirrors; `embedsheet compare` and `embedsheet train` know them through that list alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

from embedsheet.book.book import Book
from embedsheet.book.edits import Edit
from embedsheet.ground.errors import ModelError
from embedsheet.workbook import Workbook

Model = TypeVar("Model")
Epochs = Callable[[int, int], None]  # hears how many epochs of at most how many are done


class Say(Protocol):
    """Hears a sentence at once, with the colour that it deserves."""

    def __call__(self, words: str, style: str = "") -> None: ...


def _silent(words: str, style: str = "") -> None: ...


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a comparison: so many steps of gradient descent together, in this precision.

    `recalculated` returns the workbook as a spreadsheet program calculates its file; it raises MissingDependencyError
    where there is none. None: it is not asked.
    """

    steps: int = 10
    learning_rate: float = 0.1
    dtype: str = "float32"
    say: Say = _silent
    recalculated: Callable[[Book], Book] | None = None


class Line(NamedTuple):
    """A line of a comparison's table: the sheet that it stands under ("" for none), its cells, the mark at its end."""

    sheet: str
    cells: tuple[str, ...]
    agrees: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """A table of `headings` and `lines`, what follows from it in words, and the same as values for JSON (`found`).

    `edits` makes, where the workbook has a place for it, what is written there.
    """

    title: str
    headings: tuple[str, ...]
    lines: Sequence[Line]
    same: bool
    verdict: str
    found: dict[str, Any]
    remarks: Sequence[str] = ()
    edits: Callable[[], Sequence[Edit]] | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """How to train. `validation`: the share of samples held out; `patience`: epochs without gain before it ends."""

    optimizer: str = "adam"
    learning_rate: float = 0.03
    epochs: int | None = None
    batch_size: int = 64
    l2: float = 0.0
    validation: float = 0.0
    patience: int = 30
    seed: int = 42
    dtype: str = "float32"


@dataclass(frozen=True, slots=True)
class Task:
    """A training that is asked for, and where its result shall go.

    `output`: a copy, or a new workbook; `replace`: the sheet's own weights too; `given`: the user says where the blocks
    are; `device` as in `mirrors.full_size.devices.device`; `force` and `ignore_lock` as in `Workbook.save`.
    """

    settings: Settings = field(default_factory=Settings)
    given: Mapping[str, str] = field(default_factory=dict)
    output: Path | None = None
    replace: bool = False
    device: str | None = None
    force: bool = False
    ignore_lock: bool = False


class Trainer(Protocol):
    """A training that was found possible: its sheet and targets are checked, nothing is computed yet."""

    sheet: str

    def learn(self, heard: Epochs) -> str:
        """Train and return in a sentence what came of it; KeyboardInterrupt ends it with the best so far."""
        ...

    def keep(self) -> Iterator[tuple[str, str]]:
        """Write the result where it shall go; yield sentences on it, each with its colour."""
        ...


class Mirror(Protocol[Model]):
    """One kind of sheet and its twin. A mirror inherits from this; the last six methods have a way of their own."""

    title: str  # as in "a recurrent net", in messages
    places: tuple[str, ...] = ()  # blocks that the user may point out on a sheet without our names

    def sheets(self, book: Book) -> list[str]:
        """Return the sheets that have this kind's names, none for another workbook."""
        ...

    def read(self, book: Book, sheet: str, given: Mapping[str, str]) -> Model:
        """Return a sheet's model. Raises ModelError for a block that is missing or has holes."""
        ...

    def compare(self, book: Book, models: Mapping[str, Model], asked: Asked) -> Comparison:
        """Compare models, by their sheets, with their twins."""
        ...

    def searched(self, book: Book, model: Model) -> tuple[str | None, tuple[str, ...]]:
        """Return objective and changing cells of `embedsheet code`, where the sheet has no set-up that says them."""
        return None, ()

    def own_code(self, model: Model) -> list[str]:
        """Return lines of Python for a twin that is more than the sheet's formulas in Keras, which the coder writes."""
        return []

    def chosen(self, book: Book, sheet: str | None, given: Mapping[str, str]) -> list[str]:
        """Return the sheet asked for, or all of this kind. Raises ModelError for one of another kind, and for none."""
        there = self.sheets(book)
        if not there:
            raise ModelError(f"{book.path.name}: holds no {self.title}; `embedsheet lessons` says which workbooks do.")
        if sheet is None:
            return there
        name = book.sheet(sheet).name
        if name not in there:
            raise ModelError(f"{name}: holds no {self.title} that could be compared; choose one of {', '.join(there)}.")
        return [name]

    def one(self, book: Book, sheet: str | None, given: Mapping[str, str]) -> str:
        """Return the one sheet to train. Raises ModelError where several could be meant."""
        found = self.chosen(book, sheet, given)
        if len(found) > 1:
            raise ModelError(f"{book.path.name}: has several models; choose one with --sheet: {', '.join(found)}.")
        return found[0]

    def trainer(self, book: Workbook, model: Model, task: Task) -> Trainer:
        """Return what trains a model. Raises ModelError, before any work, where the result has no place."""
        raise ModelError(
            f"{book.path.name}: a {self.title} is not trained in Keras; embedsheet solve trains it in its own cells."
        )

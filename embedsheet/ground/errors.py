"""Every error that embedsheet raises on purpose.

A message gives **place, fault and remedy**::

    Model!C7: GETPIVOTDATA cannot be computed here; refer to ordinary cells.

The command line prints the message and exits with `exit_code`; `--debug` shows the traceback.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from embedsheet.ground.keys import name_key


def did_you_mean(word: str, known: Mapping[str, str], likeness: float = 0.6) -> str:
    """Return "; did you mean NAME?", "" when no key of `known` is like the word; the names are its values."""
    # Imported here because errors is imported by everything, and almost never guesses.
    from difflib import get_close_matches

    names = {name_key(key): name for key, name in known.items()}
    near = get_close_matches(name_key(word), names, 1, likeness)
    return f"; did you mean {names[near[0]]}?" if near else ""


def one_of(kind: str, name: str, known: Iterable[str], error: type[EmbedsheetError]) -> str:
    """Return the one of the `known` names that `name` is, in whatever case; raise `error`, which lists them."""
    names = list(known)
    found = next((one for one in names if name_key(one) == name_key(name)), None)
    if found is None:
        guess = did_you_mean(name, {one: one for one in names})
        raise error(f"There is no {kind} {name!r}; choose one of {', '.join(names)}{guess or '.'}")
    return found


class EmbedsheetError(Exception):
    """Base of all errors that a user can cause and mend."""

    exit_code = 2


class FileError(EmbedsheetError):
    """A file is missing, broken, locked, encrypted, or cannot be written."""


class FormulaError(EmbedsheetError):
    """A formula cannot be read. `formula` is its text, `place` the offset of the fault in it."""

    def __init__(self, message: str, formula: str = "", place: int = 0) -> None:
        self.formula = formula
        self.place = place
        if formula:
            # A pointer under the fault; long formulas are cut to a window around it.
            start = max(0, place - 60)
            message = f"{message}\n  {formula[start : place + 60]}\n  {' ' * (place - start)}^"
        super().__init__(message)


class UnsupportedError(EmbedsheetError):
    """Formulas that cannot be compiled; `faults` has one line a cell (or range of like cells)."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = list(faults)
        super().__init__("\n".join(self.faults))


class ModelError(EmbedsheetError):
    """A model makes no sense as it stands: no objective, unknown name, text in a ratings block."""


class MismatchError(EmbedsheetError):
    """Recomputing the sheet disagrees with the values stored in it."""


class LessonError(EmbedsheetError):
    """A lesson cannot be made with these options."""


class DataError(EmbedsheetError):
    """A data file (ratings, text, roster) has a fault; the message names file and line."""


class TrainingError(EmbedsheetError):
    """Training could not go on (NaN loss, stopped too early)."""

    exit_code = 1


class SettingsError(TrainingError):
    """Training cannot begin so: an unknown optimizer, no such device, settings that do not go together."""

    exit_code = 2


class MissingDependencyError(EmbedsheetError):
    """An optional package or program is not installed; the message names the remedy."""

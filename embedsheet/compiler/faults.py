"""What to say of formulas that cannot be computed here."""

from __future__ import annotations

from collections.abc import Sequence

from embedsheet.formulas.functions.table import FUNCTIONS, Function
from embedsheet.ground.errors import did_you_mean


class Circle(str):
    """The message for cells that depend on themselves, told from other faults by its type.

    `path`: the cells in order, the first once more at the end, in words.
    """

    path: str

    @classmethod
    def of(cls, names: Sequence[str], remedy: str) -> Circle:
        """Return the message for the circle of the cells `names`, with what to do about it."""
        words = " → ".join(names if len(names) <= 6 else [*names[:6], f"… ({len(names)} cells)"])
        path = f"circular reference: {words} → {names[0]}"
        message = cls(f"{path}; {remedy}")
        message.path = path
        return message


def other_workbook(text: str) -> str:
    """Return the message for a reference into another workbook."""
    return f"{text} lies in another workbook, which is never opened; copy its value into this one."


def unknown_function(name: str) -> str:
    """Return the message for a function that is not in the table, with what to use instead."""
    if "!" in name:
        return f"{name} is a function of another workbook, which is never opened; write it out with functions here."
    remedies = {
        "GETPIVOTDATA": "GETPIVOTDATA cannot be computed here; refer to ordinary cells.",
    }
    # Alike but for a letter or two: other functions of Excel, such as FILTERXML beside FILTER, are less so.
    guess = did_you_mean(name, {one: one for one in FUNCTIONS}, likeness=0.85)
    see = "; see docs/functions.md for the functions that are, or write it out with those."
    return remedies.get(name, f"{name} is not supported{guess or see}")


def argument_count(row: Function) -> str:
    """Return how many arguments a function takes, in words."""
    if row.most >= 255:
        return f"{row.least} or more arguments"
    return f"{row.least} argument(s)" if row.least == row.most else f"{row.least} to {row.most} arguments"

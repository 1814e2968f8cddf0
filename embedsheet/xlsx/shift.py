"""Moving a formula: what the followers of a shared formula mean."""

from __future__ import annotations

import re

from embedsheet.addresses import MAX_COLUMN, MAX_ROW, column_letters, column_number

# What must stay as it is comes first: texts, quoted sheet names, [books and columns], functions, names and plain sheet
# names. The rest are references; a name that merely looks like one ("LOG10(") is caught by the look-ahead.
_TOKEN = re.compile(
    r"""
      (?P<keep> "(?:[^"]|"")*+" | '(?:[^']|'')*+' | \[ (?:[^\[\]']|'.|\[(?:[^\[\]']|'.)*+\])*+ \] | \#[A-Z0-9/]+[!?]? )
    | (?P<cell> (?<![\w.\\$]) (?P<ca>\$?)(?P<c>[A-Za-z]{1,3})(?P<ra>\$?)(?P<r>[1-9][0-9]{0,6}) (?![\w.\\(!$]) )
    | (?P<columns> (?<![\w.\\$:]) \$?[A-Za-z]{1,3} : \$?[A-Za-z]{1,3} (?![\w.\\(!$]) )
    | (?P<rows> (?<![\w.\\$:]) \$?[1-9][0-9]{0,6} : \$?[1-9][0-9]{0,6} (?![\w.\\(!$]) )
    | (?P<word> [^\W\d][\w.\\]* )
    """,
    re.VERBOSE,
)


def shift(text: str, rows: int, columns: int) -> str:
    """Return the formula as it reads `rows` further down and `columns` further right: relative references move.

    A reference that would leave the sheet becomes #REF!, as when Excel copies the formula there.
    """

    def column(part: str) -> str | None:
        if part.startswith("$"):
            return part
        number = column_number(part) + columns
        return column_letters(number) if 1 <= number <= MAX_COLUMN else None

    def row(part: str) -> str | None:
        if part.startswith("$"):
            return part
        number = int(part) + rows
        return str(number) if 1 <= number <= MAX_ROW else None

    def moved(match: re.Match[str]) -> str:
        kind = match.lastgroup
        if match["cell"]:
            if column_number(match["c"]) > MAX_COLUMN or int(match["r"]) > MAX_ROW:
                return match[0]  # a name: ABC is a column, XYZ1 is none
            parts = [column(match["ca"] + match["c"]), row(match["ra"] + match["r"])]
            return "#REF!" if None in parts else "".join(part or "" for part in parts)
        if kind in {"columns", "rows"}:
            ends = [(column if kind == "columns" else row)(end) for end in match[0].split(":")]
            return "#REF!" if None in ends else ":".join(end or "" for end in ends)
        return match[0]

    return _TOKEN.sub(moved, text)

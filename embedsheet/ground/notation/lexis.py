"""The words of the formula language as regular expressions, shared by the parser and the relative form.

Both must cut a formula into the same pieces: a word that one of them takes for a cell and the other for a name would
give two different formulas one key.
"""

from __future__ import annotations

import re
import sys
from functools import cache

from embedsheet.ground.notation.structured import BRACKET as _BRACKET

EXCELS_LONGEST = 8_192  # characters in a formula
LONGEST_FORMULA = 8 * EXCELS_LONGEST  # other programs write longer ones; beyond it none is read

SPACE = re.compile(r"[ \t\r\n]*")

_NAME_CHARACTER = r"[\w.\\?]"
_BEHIND = rf"(?!{_NAME_CHARACTER}|[(!])"  # LOG10(…), ABC1x, AB1!A1 are no cells
# A to XFD and 1 to 1048576, so that a match needs no further check.
_COLUMN = r"(?:[A-Wa-w][A-Za-z]{0,2}|[Xx](?:[A-Ea-e][A-Za-z]?|[Ff][A-Da-d]?|[G-Zg-z])?|[YyZz][A-Za-z]?)"
_ROW = r"0*(?:10(?:[0-3][0-9]{4}|4(?:[0-7][0-9]{3}|8(?:[0-4][0-9][0-9]|5(?:[0-6][0-9]|7[0-6]))))|[1-9][0-9]{0,5})"

_CELL = rf"\$?{_COLUMN}\$?{_ROW}"
_CELLS = rf"{_CELL}(?::{_CELL}{_BEHIND}|{_BEHIND})"
_COLUMNS = rf"\$?{_COLUMN}:\$?{_COLUMN}{_BEHIND}"
_ROWS = rf"\$?{_ROW}:\$?{_ROW}{_BEHIND}"
_REFERENCE = rf"(?P<cells>{_CELLS})|(?P<columns>{_COLUMNS})|(?P<rows>{_ROWS})"
_WORD = rf"(?:[^\W\d]|\\){_NAME_CHARACTER}*+"
_ERROR = r"(?i:#(?:NULL!|DIV/0!|VALUE!|REF!|NAME\?|NUM!|N/A|GETTING_DATA|SPILL!|CALC!|[A-Z]+[!?]?))"
_TEXT = r'"[^"]*+(?:""[^"]*+)*+"'
_NUMBER = rf"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?+(?!{_NAME_CHARACTER})"
_QUOTED = r"'[^']*+(?:''[^']*+)*+'"
_PREFIX = rf"(?:{_QUOTED}|(?!{_CELL}:){_NAME_CHARACTER}++:{_NAME_CHARACTER}++|{_NAME_CHARACTER}++)!"
# Of another workbook, [1]Sheet1!A1 or 'C:\folder\[Book.xlsx]My sheet'!A1, taken whole.
_EXTERNAL = (
    rf"(?:'(?:[^'\[]++|'')*+\[[^']*+(?:''[^']*+)*+'|\[[^\[\]]*\](?:{_NAME_CHARACTER}|:)*+)!"
    rf"(?:{_CELLS}|{_COLUMNS}|{_ROWS}|{_WORD}(?:{_BRACKET})?|{_ERROR})"
)

NUMBER = _NUMBER
REFERENCE = re.compile(_REFERENCE)
WORD = re.compile(_WORD)
ERROR = re.compile(_ERROR)
BRACKET = re.compile(_BRACKET, re.DOTALL)
OPERAND = re.compile(
    rf"(?P<text>{_TEXT})|{_REFERENCE}|(?P<external>{_EXTERNAL})|(?P<prefix>{_PREFIX})|(?P<number>{_NUMBER})"
    rf"|(?P<word>{_WORD})|(?P<error>{_ERROR})|(?P<bracket>{_BRACKET})",
    re.DOTALL,
)
# What begins no operand: a quote or bracket that nothing closes and all behind it, signs of names in a row, one sign.
# Taken whole, so that no text is read again from each of its places.
_REST = rf"['\[].*+|{_NAME_CHARACTER}++|."


@cache
def piece() -> re.Pattern[str]:
    """Return the pattern of an operand, or of what begins none; to compile it takes 3 ms, and few commands need it."""
    return re.compile(rf"{OPERAND.pattern}|{_REST}", re.DOTALL)


# A reference and everything before it that is none, cut into the same pieces as OPERAND does; the first two
# alternatives are short cuts for what begins no longer piece. At the end of a formula the reference is empty.
_BEFORE = (
    rf"(?:[-+*/^&=<>(),;{{}}% ]++|(?!{_CELLS}|{_COLUMNS}|{_ROWS})(?:{_WORD}(?![!:])|{_TEXT}|{_EXTERNAL}|{_PREFIX}"
    rf"|{_NUMBER}|{_WORD}|{_ERROR}|{_BRACKET}|{_REST}))*"
)
# Python before 3.11.5 ends a possessive group where something in it was tried in vain; what looks ahead is kept whole.
_KEPT = f"{_BEFORE}+" if sys.version_info >= (3, 11, 5) else f"(?=(?P<before>{_BEFORE}))(?P=before)"
NEXT_REFERENCE = re.compile(rf"{_KEPT}(?P<reference>{_CELLS}|{_COLUMNS}|{_ROWS}|\Z)", re.DOTALL)
ARRAY_ELEMENT = re.compile(
    rf"(?P<text>{_TEXT})|(?P<number>[+-]?[ \t\r\n]*{_NUMBER})|(?P<boolean>TRUE|FALSE)|(?P<error>{_ERROR})",
    re.IGNORECASE,
)

"""What a cell's value can be, and the error values with their codes."""

from __future__ import annotations

BLANK, NUMBER, TEXT, BOOLEAN, ERROR = range(5)

NULL, DIV0, VALUE, REF, NAME, NUM, NA = range(1, 8)
SPILL, CALC = 9, 14
# Codes as Excel's ERROR.TYPE gives them.
ERRORS = {
    NULL: "#NULL!", DIV0: "#DIV/0!", VALUE: "#VALUE!", REF: "#REF!", NAME: "#NAME?", NUM: "#NUM!", NA: "#N/A",
    8: "#GETTING_DATA", SPILL: "#SPILL!", CALC: "#CALC!",
}  # fmt: skip
ERROR_CODES = {text: code for code, text in ERRORS.items()}


class ErrorText(str):
    """An error value as Python code gets it ("#N/A"), told apart from a text that reads the same."""

    __slots__ = ()

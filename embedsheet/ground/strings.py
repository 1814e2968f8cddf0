"""Texts by number: what lets arrays of numbers hold text; and numbers as texts."""

from __future__ import annotations


class Strings:
    """Texts by number, so that arrays of numbers can hold text. Equal texts have equal numbers.

    `first_day` is day 0 of the workbook's dates among the days that count from 1900, for texts that read as dates.
    """

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._codes: dict[str, int] = {}
        self.first_day = 0

    def code(self, text: str) -> int:
        """Return the number of a text, adding it when it is new."""
        code = self._codes.get(text)
        if code is None:
            code = self._codes[text] = len(self._texts)
            self._texts.append(text)
        return code

    def text(self, code: float) -> str:
        """Return the text of a number."""
        return self._texts[int(code)]

    def __len__(self) -> int:
        return len(self._texts)


def number_in_words(value: float, digits: int = 10) -> str:
    """Return a number as it is said: with so many digits if they are all it has, else with as many as it takes."""
    for enough in (digits, 15):
        text = f"{value:.{enough}g}"
        if float(text) == value:
            return text
    return repr(float(value))

"""Texts as words: the fifty words of Green Eggs and Ham, a verse of ours that uses them all, the reader's own file."""

from __future__ import annotations

import re
import unicodedata
from importlib import resources
from pathlib import Path

from embedsheet.ground.errors import DataError

# The book is famous for using these fifty and no others; a list of words is a fact, the poem is in copyright.
GREEN_EGGS_WORDS = (
    "a am and anywhere are be boat box car could dark do eat eggs fox goat good green ham here house I if in let like "
    "may me mouse not on or rain Sam say see so thank that the them there they train tree try will with would you"
).split()

# A word is letters, marks and digits, with apostrophes or hyphens inside: don't, l’eau, merry-go-round.
_WORD = re.compile(r"[^\W_]+(?:[’'‘\-‐‑][^\W_]+)*")


def green_eggs_verse() -> str:
    """Return a short original verse that uses each of the fifty words, and only those."""
    source = resources.files("embedsheet.ground.data").joinpath("green_eggs", "verse.txt")
    return source.read_text(encoding="utf-8")


def read_text(path: str | Path) -> str:
    """Return the text of a UTF-8 file. Raises DataError for a missing file or another encoding, with the remedy."""
    path = Path(path)
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file; give a plain text file.") from error
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}; give a plain text file that can be read.") from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{path}, line {line}: byte {content[error.start]:#04x} is not UTF-8; save the file as UTF-8 "
            "(in Notepad: Save as, Encoding; elsewhere: iconv -f latin1 -t utf-8)."
        ) from error


def split_words(text: str) -> list[str]:
    """Return the words of a text in order, in its own spelling, apostrophes and hyphens inside words kept.

    Marks are composed (NFC), so that one word is not two; punctuation, `*`, `?` and `~` among it, falls away.
    """
    return _WORD.findall(unicodedata.normalize("NFC", text))

"""The defined names of a workbook that is open in Excel or LibreOffice, looked up one by one.

Enumerating all names of a workbook can take minutes in Excel on macOS, and a Solver model alone has thirty hidden ones
a sheet; so only those are asked for that a formula uses or the code knows by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from embedsheet.book.tables import DefinedName
from embedsheet.ground.keys import name_key
from embedsheet.hosts.protocol import Host

# What cannot hold a name: texts, quoted sheets, what stands in brackets of a table.
_NO_NAMES = re.compile(r"\"[^\"]*\"|'[^']*'|\[[^\]]*\]+")
# A word that is neither a function nor a sheet.
_WORD = re.compile(r"(?<![\w.$#@])[^\W\d][\w.]*(?![\w.(!$])")
_NOT_A_NAME = re.compile(r"(?:[A-Za-z]{1,3}[0-9]+|TRUE|FALSE|[eE][0-9]+)\Z", re.IGNORECASE)


class LiveNames:
    """The names found so far, in `found`; `follow` looks for those that a sheet's formulas use."""

    def __init__(self, host: Host, wanted: Iterable[str]) -> None:
        self.found: list[DefinedName] = []
        self._host = host
        self._scopes: dict[str | None, None] = {None: None}  # in their order
        self._words = {name_key(word): word for word in wanted}
        self._asked: set[tuple[str | None, str]] = set()

    def follow(self, sheet: str, texts: Iterable[str]) -> None:
        """Look up the names that formulas of a sheet use, and those that these names use in turn."""
        self._scopes[sheet] = None
        self._note("\n".join(texts))
        waiting = True
        while waiting:
            waiting = False
            for scope in self._scopes:
                words = [word for key, word in self._words.items() if (scope, key) not in self._asked]
                self._asked |= {(scope, name_key(word)) for word in words}
                for word, text in self._host.refers_to(words, scope).items() if words else ():
                    self.found.append(DefinedName(word, scope, text))
                    waiting = self._note(text) or waiting

    def _note(self, text: str) -> bool:
        """Note the words of a text that may be names; return whether there are new ones."""
        before = len(self._words)
        for word in set(_WORD.findall(_NO_NAMES.sub(" ", text))):
            if not _NOT_A_NAME.match(word):
                self._words.setdefault(name_key(word), word)
        return len(self._words) > before

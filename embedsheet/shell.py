"""Command lines that we tell somebody to type: they must work in bash, zsh, PowerShell and cmd.exe.

Only double quotes are quotes in all four. Inside them bash and zsh still look `!` up in their history, so a command
that we show names its sheet by --sheet and not in the address.
"""

from __future__ import annotations

import re
import sys


def word(text: object) -> str:
    """Return a file's or a sheet's name as one word of a command line, quoted where it must be."""
    return str(text) if re.fullmatch(r"[\w./\\:+=-]+", str(text)) else f'"{text}"'


def pip_install(what: str) -> str:
    """Return the command that installs into the Python that runs: another `pip` may come first on the path."""
    return f"{word(sys.executable)} -m pip install {word(what)}"

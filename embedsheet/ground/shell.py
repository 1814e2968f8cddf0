"""Command lines that we tell somebody to type: they must work in bash, zsh, PowerShell and cmd.exe.

Only double quotes are quotes in all four. Inside them bash and zsh still look `!` up in their history, so a command
that we show names its sheet by --sheet and not in the address. A name with a sign that no quotes take away its meaning
from in all of them (`$(…)`, a backtick, `%PATH%`, a line's end) is shown with ? in its place: such a command finds no
file and does nothing.
"""

from __future__ import annotations

import re
import sys

_ALWAYS_SPECIAL = re.compile(r"""[$`"!%\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]""")


def word(text: object) -> str:
    """Return a file's or a sheet's name as one word of a command line, quoted where it must be."""
    name = _ALWAYS_SPECIAL.sub("?", str(text))
    if name.startswith("-"):
        name = f"./{name}"  # else it would be an option
    if name.endswith("\\"):
        return f'"{name}\\"'  # else it would take the closing quotation mark along
    return name if re.fullmatch(r"(?!=)[\w./\\:+=-]+", name) else f'"{name}"'


def pip_install(what: str) -> str:
    """Return the command that installs into the Python that runs: another `pip` may come first on the path."""
    return f"{word(sys.executable)} -m pip install {word(what)}"

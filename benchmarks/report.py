"""The table of all rows, on the terminal and as docs/benchmarks.md."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from datetime import date
from importlib import metadata
from itertools import groupby
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmarks.row import HEADS, Row

LIBRARIES = (
    "numpy", "scipy", "jax", "keras", "XlsxWriter", "openpyxl", "formulon", "scikit-surprise",
)  # fmt: skip

WIDTH = 160  # columns that the table needs with its notes

INTRODUCTION = """# Benchmarks

What embedsheet costs, beside others that do the same on the same machine in the same run. Less is better everywhere;
“ours / theirs” below 1 means that embedsheet needs less. ✓ and ✗ say whether what is asked for is met. “—”: the other
program was missing or not done in time, as the note says. “Processor” in a note: the seconds that the process itself
worked, which other programs disturb little.

The bars in seconds were set on a machine on which the row “NumPy by hand” of the first part took 2.75 ms: what that row
takes here says how many times slower or faster this one is.

To repeat it, which takes some {minutes:.0f} minutes on such a machine and writes this page anew:

<!-- not run: takes minutes -->
```console
$ make bench
```

`python -m benchmarks --quick` leaves out the solvers that need minutes, and `python -m benchmarks saving` runs one
benchmark alone. Each is a module in `benchmarks/` whose first lines say what is timed, how often, and which of the runs
counts. LibreOffice's DEPS and SCO solvers come with Debian's and Ubuntu's package `libreoffice-nlpsolver`.
"""


def show(rows: Sequence[Row], console: Console, minutes: float) -> None:
    """Print the table, on a narrow terminal without the notes, then the machine and versions."""
    table = Table(box=None, pad_edge=False)
    heads = HEADS if console.width >= WIDTH else HEADS[:-1]
    for place, head in enumerate(heads):
        table.add_column(head, justify="right" if place in (1, 3, 4) else "left", overflow="fold")
    for part, group in groupby(rows, key=lambda row: row.part):
        table.add_row(Text(part, "bold"), end_section=False)
        for row in group:
            table.add_row(*map(Text, row.cells()[: len(heads)]), style="red" if row.missed else None)
    console.print(table, highlight=False)
    for line in machine():
        console.print(line, highlight=False, markup=False)
    missed = sum(row.missed for row in rows)
    judged = sum(bool(row.bar) for row in rows)
    console.print(f"{missed} of {judged} bars missed; {minutes:.1f} minutes.", highlight=False)


def page(rows: Iterable[Row], day: date, minutes: float) -> str:
    """Return docs/benchmarks.md."""
    lines = [INTRODUCTION.format(minutes=minutes), "## Machine", "", f"Measured on {day.isoformat()}:", ""]
    lines += [f"* {line}" for line in machine()]
    for part, group in groupby(rows, key=lambda row: row.part):
        lines += ["", f"## {part}", "", _line(HEADS), _line(["---"] * len(HEADS))]
        lines += [_line(_bold_if_missed(row)) for row in group]
    return "\n".join(lines) + "\n"


def _bold_if_missed(row: Row) -> list[str]:
    return [f"**{cell}**" if row.missed and cell.endswith("✗") else cell for cell in row.cells()]


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def machine() -> list[str]:
    """Return lines that name processor, cores, memory, system, and the versions of what was run."""
    versions = []
    for name in LIBRARIES:
        try:
            versions.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            continue
    programs = [f"{name} {version}" for name in ("LibreOffice", "Gnumeric") if (version := _program(name))]
    memory = f", {_memory() / 1e9:.0f} GB of memory" if _memory() else ""
    return [
        f"{_processor()}, {os.cpu_count()} cores{memory}; {_system()}",
        f"embedsheet {metadata.version('embedsheet')}, Python {platform.python_version()}, {', '.join(versions)}",
        *([", ".join(programs)] if programs else []),
        _gpu(),
    ]


def _processor() -> str:
    if sys.platform == "linux":
        found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
        if found:
            return found[1]
    return platform.processor() or platform.machine()


def _gpu() -> str:
    """Return what graphics card there is, which no benchmark here asks for."""
    path = shutil.which("nvidia-smi")
    command = [path or "", "--query-gpu=name", "--format=csv,noheader"]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout if path else ""
    if said.strip():
        return f"GPU: {', '.join(said.strip().splitlines())}"
    return "no GPU: Keras trained on the processor alone; `--device gpu` has been measured nowhere yet"


def _memory() -> int:
    """Return the machine's memory in bytes, 0 where nobody tells."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 0


def _system() -> str:
    if sys.platform == "linux":
        try:
            return platform.freedesktop_os_release()["PRETTY_NAME"]
        except OSError:
            pass
    return platform.platform()


def _program(name: str) -> str:
    """Return the version of a program, "" where it is missing."""
    path = shutil.which({"LibreOffice": "soffice", "Gnumeric": "ssconvert"}[name])
    if path is None:
        return ""
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"\d+(?:\.\d+)+", said.stdout + said.stderr)
    return found[0] if found else ""

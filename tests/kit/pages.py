"""The README and the pages of docs/, as the tests read them: fenced blocks, marks, links, and shown output."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
GENERATED = ("commands.md", "functions.md")  # made by tools/ from what is tested elsewhere

_FENCE = re.compile(r"^( *)```(\w*)([^\n]*)\n(.*?)^\1``` *$", re.M | re.S)
_MARK_BEFORE = re.compile(r"<!-- not run: [^>]+-->\s*\Z")
_MARK_AFTER = re.compile(r"\s*<!-- not run by a test: [^>]+-->")
# Counts and times differ from machine to machine, as do the last digits of a sum that is zero.
_LOOSE = re.compile(r"[\d.,]+(?= s\b| iterations| evaluations)|[-−]?[\d.]+e[-+]?\d+|0\.0e\+00")
# Of many numbers a comparison shows the two that differ most; which these are, where all is rounding, hangs on the
# processor and on what XLA made of the model.
_WORST = re.compile(
    r"^(\d+ predictions|gradient, \d+ parts|weights after \d+ steps) \S+ \S+ (?=\d\.\de-1[4-7] |0\.0e\+00 )"
)
_NUMBER = re.compile(r"[-−]?\d[\d,]*\.?\d*")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the title after it, its text, whether it is marked as not run."""

    language: str
    title: str
    text: str
    marked: bool


def blocks(page: str) -> list[Block]:
    """Return a page's fenced blocks. The mark `not run:` stands before its block, `not run by a test:` after it."""
    found = []
    for match in _FENCE.finditer(page):
        marked = _MARK_BEFORE.search(page[: match.start()]) or _MARK_AFTER.match(page[match.end() :])
        title = re.search(r'title="([^"]+)"', match[3])
        found.append(Block(match[2], title[1] if title else "", match[4], bool(marked)))
    return found


@dataclass(frozen=True)
class Shown:
    """A command line as a page shows it, and the lines of output below it."""

    line: str
    output: list[str]

    @property
    def words(self) -> list[str]:
        """The command's words, without `embedsheet`."""
        return shlex.split(self.line, comments=True)[1:]


def commands(block: Block) -> list[Shown]:
    """Return the `embedsheet` commands of a console block, each with the output shown."""
    found: list[Shown] = []
    own = False
    for line in block.text.splitlines():
        if line.startswith("$ "):
            own = line.startswith("$ embedsheet")
            if own:
                found.append(Shown(line[2:], []))
        elif own and line.strip():
            found[-1].output.append(line)
    return found


def missing(shown: list[str], real: str) -> list[str]:
    """Return the shown lines that the real output lacks. `…` stands for anything; numbers agree to 1 part in 100."""
    lines = [" ".join(line.split()) for line in real.splitlines()]
    absent = []
    place = 0
    for line in (" ".join(line.split()) for line in shown):
        if line == "…":
            continue
        at = next((i for i in range(place, len(lines)) if _alike(line, lines[i])), None)
        if at is None:
            absent.append(line)
        else:
            place = at + 1
    return absent


def _alike(shown: str, real: str) -> bool:
    shown, real = (_LOOSE.sub("~", _WORST.sub(r"\1 ~ ~ ", line)) for line in (shown, real))
    pattern = ".*".join(re.escape(part) for part in shown.split("…"))
    pattern = _NUMBER.sub(lambda _: r"([-−]?\d[\d,]*\.?\d*)", pattern.replace("\\.", ".").replace("\\-", "-"))
    match = re.fullmatch(pattern, real)
    if match is None:
        return False
    numbers = (_value(text) for text in _NUMBER.findall(shown.replace("…", "")))
    return all(abs(a - _value(b)) <= 0.01 * abs(a) for a, b in zip(numbers, match.groups(), strict=False))


def _value(text: str) -> float:
    return float(text.replace(",", "").replace("−", "-").rstrip("."))


def inline_commands(page: str) -> list[Shown]:
    """Return the commands that stand in running text, as `embedsheet solve`."""
    return [Shown(line, []) for line in re.findall(r"`(embedsheet [a-z][^`]*)`", prose(page))]


def prose(page: str) -> str:
    """Return a page without its fenced blocks, on one line."""
    return _FENCE.sub("", page).replace("\n", " ")


def links(page: str) -> list[str]:
    """Return where the links and pictures of a page point, fenced blocks and inline code aside."""
    text = re.sub(r"`[^`\n]*`", "", _FENCE.sub("", page))
    return re.findall(r"\]\(([^)\s]+)\)", text)

"""The form in which spreadsheet programs write a sheet's cells, as patterns over bytes.

`<row r="1" …><c r="A1" …><f …>…</f><v>…</v></c>…</row>`, in UTF-8, the address first. Reading and patching share
these patterns; `plain.py` brings any other XML into this form. Each pattern stops at the next "<", so that no input
makes it run over the same bytes again and again.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_ROOT = re.compile(rb"<((?:[A-Za-z_][\w.-]*:)?)worksheet[\s>]")
_UTF8 = re.compile(rb"""\s*<\?xml[^>]*?encoding\s*=\s*["'](?i:utf-?8)["']|\s*<\?xml(?![^>]*encoding)|\s*<[^?]""")
# Up to its end, or to another cell if there is none.
# Groups are repeated, and left out, as ever, and not possessively: Python before 3.11.5 loses them then.
_INLINE = rb"<%(p)bis>(?:[^<]++|<(?!/?%(p)bc[ >]|/%(p)bis>))*</%(p)bis>"

ATTRIBUTES = re.compile(rb"""(?:\s+[A-Za-z_][\w:.-]*="[^"<]*")*\s*/?\Z""")
ATTRIBUTE = re.compile(rb'\s([A-Za-z_][\w:.-]*)="([^"]*)"')

_WINDOW = 1 << 18  # bytes searched at once: what fits a processor's cache


@dataclass(frozen=True, slots=True)
class Region:
    """Where the cells stand in a sheet's XML: between `start` and `end`; tags carry `prefix` ("x:" or nothing)."""

    prefix: bytes
    start: int
    end: int
    self_closed: bool  # <sheetData/>: start and end are those of the tag itself


def find_region(data: bytes) -> Region | None:
    """Return where the cells are, or None when the XML is not in the usual form."""
    head = data.removeprefix(codecs.BOM_UTF8)[:400]
    root = _ROOT.search(data)
    if root is None or not _UTF8.match(head):
        return None
    prefix = root[1]
    opening = re.compile(rb"<%bsheetData(?:\s[^<>]*|/)?>" % re.escape(prefix)).search(data, root.start())
    if opening is None or b"<!" in data[: opening.start()]:
        return None
    if opening[0].endswith(b"/>"):
        return Region(prefix, opening.start(), opening.end(), True)
    end = data.find(b"</%bsheetData>" % prefix, opening.end())
    return None if end < 0 else Region(prefix, opening.end(), end, False)


@lru_cache(maxsize=8)
def cell_pattern(prefix: bytes) -> re.Pattern[bytes]:
    """The start of a cell: column letters, row, further attributes, <f…>, formula, <v…>, value, <is>…</is>."""
    pattern = (
        rb'<%(p)bc r="([A-Z]{1,3})([0-9]{1,7})"([^<>]*+)>\s*+'
        rb"(?:(<%(p)bf[^<>]*+>)(?:(?<=/>)|([^<]*+)</%(p)bf>)\s*+)?"
        rb"(?:(<%(p)bv[^<>]*+>)(?:(?<=/>)|([^<]*+)</%(p)bv>)\s*+)?(" + _INLINE + rb")?"
    )
    return re.compile(pattern % {b"p": re.escape(prefix)})


@lru_cache(maxsize=8)
def whole_cell_pattern(prefix: bytes) -> re.Pattern[bytes]:
    """A cell from end to end: address, further attributes, <f>…</f>."""
    pattern = (
        rb'<%(p)bc r="([A-Z]{1,3}[0-9]{1,7})"([^<>]*+)>'
        rb"(?:(?<=/>)|\s*+(<%(p)bf[^<>]*+>(?:[^<]*+</%(p)bf>)?)?\s*+"
        rb"(?:<%(p)bv[^<>]*+>(?:[^<]*+</%(p)bv>)?\s*+)?(?:" + _INLINE + rb"\s*+)?</%(p)bc>)"
    )
    return re.compile(pattern % {b"p": re.escape(prefix)})


def cell_starts(data: bytes, region: Region) -> NDArray[np.int64]:
    """Return where each cell of a region starts, as offsets into `data`."""
    if region.self_closed:
        return np.empty(0, np.int64)
    token = b"<%bc " % region.prefix
    found = [np.empty(0, np.int64)]
    for at in range(region.start, region.end - len(token), _WINDOW):
        window = np.frombuffer(data, np.uint8, min(_WINDOW + len(token) - 1, region.end - at), at)
        hits = np.flatnonzero(window[: 1 - len(token)] == token[0])
        for offset, byte in enumerate(token[1:], 1):
            hits = hits[window[hits + offset] == byte]
        found.append(hits + at)
    return np.concatenate(found)


def count_cells(data: bytes, region: Region) -> int:
    """Return how many cells a region has."""
    return 0 if region.self_closed else data.count(b"<%bc " % region.prefix, region.start, region.end)

"""Damaging files, for tests of what reads them; the same damage from the same random numbers."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable, Sequence


def flipped(raw: bytes, chance: random.Random) -> bytes:
    """Flip up to 30 bytes anywhere, or cut the file off."""
    data = bytearray(raw)
    if chance.random() < 0.1:
        return bytes(data[: chance.randrange(len(data))])
    for _ in range(chance.randint(1, 30)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data)


def with_parts(raw: bytes, change: Callable[[dict[str, bytes]], None]) -> bytes:
    """Return the package with its unpacked parts changed."""
    with zipfile.ZipFile(io.BytesIO(raw)) as package:
        content = {info.filename: package.read(info) for info in package.infolist()}
    change(content)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as package:
        for name, data in content.items():
            package.writestr(name, data)
    return stream.getvalue()


def spoiled(raw: bytes, chance: random.Random, pieces: Sequence[bytes]) -> bytes:
    """Flip bytes, cut the file off, empty it, store it as UTF-16, lose a line, or put one of `pieces` in somewhere."""
    kind = chance.randrange(10)
    data = bytearray(raw)
    if kind < 3:
        return flipped(raw, chance)
    if kind == 3:
        return raw.decode(errors="replace").encode("utf-16") if chance.random() < 0.5 else b""
    if kind == 4:
        lines = raw.split(b"\n")
        del lines[chance.randrange(len(lines))]
        return b"\n".join(lines)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(data) + 1)
        data[at : at + chance.choice((0, 0, 1, 5))] = chance.choice(pieces)
    return bytes(data)

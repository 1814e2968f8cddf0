"""Taking the last in-place write back.

What is kept is the whole file as it was before, in the user's cache folder under a hash of its path. Keeping only the
replaced cells would save a few megabytes, but bringing them back would be a second rewrite of the sheet with errors
of its own; the copy brings back every byte, and since undo refuses a file that changed after the write, nothing newer
can be lost with it.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from embedsheet.ground.errors import FileError
from embedsheet.ground.files import (
    cache_folder,
    digest,
    file_digest,
    path_key,
    real,
    refuse_if_open,
    replace_file,
    saving,
)
from embedsheet.ground.shell import word
from embedsheet.xlsx.package import no_such_file

FILE_LIMIT = 256 << 20
TOTAL_LIMIT, MOST_COPIES = 1 << 30, 1000


@dataclass(frozen=True, slots=True)
class Undone:
    """What `undo` brought back: the file, and how many cells the write that it took back had changed."""

    path: Path
    cells: int


def _paths(path: Path) -> tuple[Path, Path]:
    folder, key = cache_folder() / "undo", path_key(path)
    return folder / f"{key}.json", folder / f"{key}.before"


def keep(path: Path, before: bytes, after: bytes, cells: int) -> bool:
    """Keep what a write is about to replace; return whether it could be kept.

    A file over the limit or a cache folder that cannot be written must not stop the write itself.
    """
    try:
        record, copy = _paths(path)
        if before == after:
            return record.exists()  # a write that changes nothing leaves the one before it to be undone
        record.unlink(missing_ok=True)
        if len(before) > FILE_LIMIT:
            return False
        copy.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        copy.write_bytes(before)
        copy.chmod(0o600)  # the cache must not show more than the file itself did
        digests = {"before": digest(before), "after": digest(after)}
        record.write_text(json.dumps({"path": str(real(path)), "cells": cells, **digests}), encoding="utf-8")
        _prune(copy)
    except OSError:
        return False
    return True


def undo(path: str | Path, ignore_lock: bool = False, *, force: bool = False) -> Undone:
    """Bring back what the last in-place write to `path` replaced; it can be done once.

    Raises FileError when nothing is kept for the file, or when it changed since; `force`: what changed is lost.
    """
    path = Path(path)
    if not path.exists() and not path.is_symlink():  # of a link that leads nowhere `_paths` says more
        raise no_such_file(path)
    nothing = FileError(f"{path}: nothing is kept that could be undone; only the last in-place write to a file is.")
    try:
        record, copy = _paths(path)
        entry = json.loads(record.read_text(encoding="utf-8"))
        content = copy.read_bytes()
        before, after, cells = entry["before"], entry["after"], int(entry["cells"])
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        raise nothing from None
    if digest(content) != before:
        raise FileError(f"{path}: the kept copy is damaged; restore the file from a backup.")

    def check() -> None:
        now = file_digest(path)
        if now == before:
            raise nothing
        if now != after and not force:
            raise FileError(
                f"{path}: changed since embedsheet wrote it, and undo would lose those changes; to lose them, "
                f"embedsheet undo {word(path)} --force. The old contents are kept in {copy}."
            )

    with saving(path):
        if not ignore_lock:
            refuse_if_open(path)
        check()
        replace_file(path, content, check)
        with suppress(OSError):
            record.unlink()
            copy.unlink()
    return Undone(path, cells)


def _prune(newest: Path) -> None:
    """Drop the oldest copies where they are too many or all together too large."""
    copies = []
    with os.scandir(newest.parent) as entries:
        for entry in entries:
            if entry.name.endswith(newest.suffix):
                with suppress(OSError):  # another process drops some, too
                    copies.append((entry.stat().st_mtime_ns, entry.stat().st_size, Path(entry.path)))
    total = 0
    for place, (_, size, copy) in enumerate(sorted(copies, reverse=True)):
        total += size
        if (total > TOTAL_LIMIT or place >= MOST_COPIES) and copy != newest:
            copy.with_suffix(".json").unlink(missing_ok=True)
            copy.unlink(missing_ok=True)

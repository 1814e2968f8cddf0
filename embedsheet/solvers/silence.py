"""Keep what HiGHS prints off the standard output: some of its lines no option turns off, and JSON may stand there."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator

_one_at_a_time = threading.Lock()


@contextlib.contextmanager
def silenced() -> Iterator[None]:
    """Drop what C code prints to the standard output meanwhile. What Python printed before is written first."""
    if not _one_at_a_time.acquire(blocking=False):
        yield
        return
    try:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
        try:
            kept = os.dup(1)
        except OSError:  # there is none
            yield
            return
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)
        os.close(nothing)
        try:
            yield
        finally:
            _flush_c()
            os.dup2(kept, 1)
            os.close(kept)
    finally:
        _one_at_a_time.release()


def _flush_c() -> None:
    """Write what the C library still holds back; Windows' has no handle by which to ask it."""
    if sys.platform != "win32":
        import ctypes

        ctypes.CDLL(None).fflush(None)

"""The memory of freed arrays, kept for the next evaluation where the C library is glibc.

It gives blocks above 32 MB back to the system at once, and the system clears each of their pages when they are taken
anew: of an evaluation of 700,000 ratings that was more than half. Elsewhere nothing is changed.
"""

from __future__ import annotations

import sys

# malloc.h
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -3, -4, -8
_MOST_MMAPS, _LARGEST_THRESHOLD, _NEVER = 65_536, 32 << 20, 2**31 - 1

_kept = False


def keep_freed() -> None:
    """Keep what is freed from now on; threads that start later share one heap, since others' blocks end at 64 MB."""
    global _kept
    _kept = _set({_ARENA_MAX: 1, _MMAP_MAX: 0, _TRIM_THRESHOLD: _NEVER})


def give_back() -> None:
    """Give the system what `keep_freed` kept, and keep no more."""
    global _kept
    if _kept:
        _kept = False
        # Who sets a threshold once sets them all: the least would not grow with what is freed any more.
        _set({_MMAP_MAX: _MOST_MMAPS, _MMAP_THRESHOLD: _LARGEST_THRESHOLD, _TRIM_THRESHOLD: 2 * _LARGEST_THRESHOLD})
        import ctypes

        ctypes.CDLL(None).malloc_trim(0)


def _set(options: dict[int, int]) -> bool:
    if sys.platform != "linux":
        return False
    import ctypes

    change = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    return change is not None and all([change(option, number) for option, number in options.items()])

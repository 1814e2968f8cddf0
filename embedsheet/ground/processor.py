"""What costs less processor where a process computes one small model: a command's, a button's."""

from __future__ import annotations

import gc
import os


def save_processor() -> None:
    """Tell Python and, if it is not imported yet, NumPy."""
    # NumPy and SciPy each start threads of their own for matrices; ours are small, and waiting threads burn processor.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # A model is many small objects that stay: to look through them for garbage every 700 costs a fifth of recording it,
    # every 20,000 still 7 % of a small one.
    gc.set_threshold(100_000, 50, 100)

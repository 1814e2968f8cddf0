"""Squares: a column of numbers and their squares.

Its sheet Squares has the blocks x (n, 1) and squares (n, 1).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import numpy as np

from embedsheet.ground.errors import LessonError
from embedsheet.xlsx.writer.page import Book, a1

EXAMPLE = "embedsheet new squares --count 5"


def build(
    path: Path | str,
    *,
    count: Annotated[int, "How many numbers."] = 3,
    force: bool = False,
    finish: Callable[[Book], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Make the workbook."""
    if count < 1:
        raise LessonError("--count: at least 1.")
    x = np.arange(1.0, count + 1)[:, None]
    with Book(path, "Squares", force=force) as book:
        page = book.page("Squares", "#10B981")
        page.block("x", 1, 1, x, "given")
        page.formulas("squares", 1, 2, x**2, lambda row, _: f"{a1(row, 1)}^2")
        return book.save(finish)

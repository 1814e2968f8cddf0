"""Remake templates/*.xlsx, for people without Python. A test compares them with what the lessons make now."""

from __future__ import annotations

from pathlib import Path

from embedsheet.lessons import find

FOLDER = Path(__file__).parents[1] / "templates"
LESSONS = ("movielens", "green-eggs", "rnn")


def main() -> None:
    """Make one workbook a lesson, with its default options."""
    for name in LESSONS:
        path = find(name).load().build(FOLDER / f"{name}.xlsx", force=True)
        print(path)


if __name__ == "__main__":
    main()

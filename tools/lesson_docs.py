"""Write the lists of lessons in the README, the gallery and the site's navigation: `python tools/lesson_docs.py`.

A lesson's row in `embedsheet.lessons.LESSONS` and its page `docs/lesson-NAME.md` are all that they are made of. In the
gallery stands the page's first picture, or the one below its mark `<!-- for the gallery -->`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from embedsheet.lessons import LESSONS, Lesson

ROOT = Path(__file__).parents[1]

# A file, what a list in it begins and ends with, the list's head, and the writer of a lesson's part.
List = tuple[str, str, str, str, Callable[[Lesson], str]]


def page(lesson: Lesson) -> str:
    """Return the text of a lesson's page."""
    return (ROOT / "docs" / f"lesson-{lesson.name}.md").read_text(encoding="utf-8")


def line(lesson: Lesson) -> str:
    """Return a lesson's row of the README's table."""
    return f"| [{lesson.name}](docs/lesson-{lesson.name}.md) | {lesson.summary} |\n"


def navigation(lesson: Lesson) -> str:
    """Return a lesson's line of the navigation."""
    return f"      - lesson-{lesson.name}.md\n"


def shown(lesson: Lesson) -> str:
    """Return what the gallery shows of a lesson: its page's title, its command, a picture and what else is in it."""
    text = page(lesson)
    title = text.partition("\n")[0].removeprefix("# ").strip()
    picture = re.search(r"<!-- for the gallery -->\s*(!\[.*?\]\(.*?\))", text, re.S) or re.search(
        r"(!\[.*?\]\(.*?\))", text, re.S
    )
    if picture is None:
        raise SystemExit(f"docs/lesson-{lesson.name}.md has no picture.")
    summary = lesson.summary.removeprefix(title).lstrip(":, ")  # the title stands above already
    return (
        f"### {title}\n\n<!-- not run: run on the page below -->\n```console\n$ embedsheet new {lesson.name}\n```\n\n"
        f"{picture[1]}\n\n{summary[0].upper()}{summary[1:]}. [The lesson](lesson-{lesson.name}.md)\n\n"
    )


LISTS: tuple[List, ...] = (
    ("README.md", "<!-- lessons -->\n", "<!-- -->\n", "| `embedsheet new …` | what it shows |\n| --- | --- |\n", line),
    ("docs/gallery.md", "<!-- lessons -->\n\n", "<!-- -->\n", "", shown),
    ("mkdocs.yml", "  - Lessons:\n", "  - Guides:\n", "", navigation),
)


def files() -> dict[str, str]:
    """Return the files with such lists, by path, as they should be."""
    found = {}
    for name, begins, ends, head, write in LISTS:
        before, mark, rest = (ROOT / name).read_text(encoding="utf-8").partition(begins)
        _, end, after = rest.partition(ends)
        if not end:
            raise SystemExit(f"{name} lacks the lines {begins.strip()!r} and {ends.strip()!r}, which hold its list.")
        found[name] = before + mark + head + "".join(write(lesson) for lesson in LESSONS.values()) + end + after
    return found


if __name__ == "__main__":
    for path, text in files().items():
        (ROOT / path).write_text(text, encoding="utf-8", newline="\n")

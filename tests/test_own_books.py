"""Every lesson with every option is recalculated by judges, who find the results that it stores."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from judges import Values, embedsheet_values, gnumeric_values
from stored import departures

from embedsheet.lessons import LESSONS, find

POEM = "I am Sam. Sam I am. Do you like them, Sam? I do not like them here or there.\n" * 3
# A value for each option of each lesson; `Path` stands for a small file of that kind, None for what other tests hold.
OPTIONS: dict[str, dict[str, Any]] = {
    "movielens": {"users": 4, "movies": 6, "factors": 2, "seed": 7, "ratings": None, "all_ratings": None},
    "green-eggs": {"factors": 2, "text": Path, "seed": 7},
    "rnn": {"text": Path, "hidden": 2, "factors": 2, "length": 3, "seed": 7},
    "pseudo-labels": {
        "users": 6, "movies": 7, "training": 12, "validation": 2, "pseudo": 5, "seed": 7, "ratings": None
    },
}  # fmt: skip
CASES = [(lesson, "") for lesson in OPTIONS] + [
    (lesson, name) for lesson, options in OPTIONS.items() for name, value in options.items() if value is not None
]


def test_no_option_of_a_lesson_is_forgotten_here() -> None:
    assert {str(name) for name in (getattr(one, "name", one) for one in LESSONS)} == OPTIONS.keys()
    for lesson, options in OPTIONS.items():
        parameters = inspect.signature(find(lesson).load().build).parameters
        assert parameters.keys() - {"path", "force", "finish", "progress"} == options.keys(), lesson


@pytest.mark.parametrize("judge", [embedsheet_values, gnumeric_values])
@pytest.mark.parametrize(("lesson", "option"), CASES)
def test_a_lesson_stores_what_judges_compute(
    lesson: str, option: str, judge: Callable[[Path], Values], tmp_path: Path
) -> None:
    chosen = {}
    if option:
        chosen[option] = OPTIONS[lesson][option]
        if chosen[option] is Path:
            chosen[option] = tmp_path / "poem.txt"
            chosen[option].write_text(POEM, encoding="utf-8")
    assert departures(find(lesson).load().build(tmp_path / "book.xlsx", **chosen), judge) == []

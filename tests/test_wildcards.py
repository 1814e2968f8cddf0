"""Texts with wildcards: the linear matcher beside regular expressions, and texts that keep those busy."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedsheet.formulas.wildcards import wildcard

_TEXTS = st.text("aB?*~.", max_size=9)


def _expression(text: str) -> re.Pattern[str]:
    """Return the pattern as a regular expression: `*` any text, `?` any letter, `~` before either or itself literal."""
    pieces = re.split(r"(~[*?~]|[*?])", text.casefold())
    signs = {"*": ".*?", "?": "."}
    words = [signs.get(one) or re.escape(one[1:] if re.fullmatch(r"~[*?~]", one) else one) for one in pieces]
    return re.compile("".join(words), re.DOTALL)


@given(pattern=_TEXTS, text=_TEXTS)
def test_the_linear_matcher_agrees_with_a_regular_expression(pattern: str, text: str) -> None:
    assert wildcard(pattern).fullmatch(text) == (_expression(pattern).fullmatch(text.casefold()) is not None)


@given(pattern=_TEXTS, text=_TEXTS, start=st.integers(0, 4))
def test_the_first_place_agrees_with_a_regular_expression(pattern: str, text: str, start: int) -> None:
    start = min(start, len(text))
    found = _expression(pattern).search(text.casefold(), start)
    assert wildcard(pattern).search(text, start) == (found.start() if found else -1)


@pytest.mark.parametrize("stars", [60, 6000])
def test_a_pattern_of_many_stars_ends_in_linear_steps(stars: int) -> None:
    """A regular expression would try C(30,000, 60) ways."""
    assert not wildcard("*a" * stars + "b").fullmatch("a" * 30_000)
    assert wildcard("*a" * stars + "*").fullmatch("a" * 30_000)
    assert wildcard("a*" * stars + "b").search("a" * 30_000) == -1

"""A text becomes ids and pieces as the nets read them, and a bad one is refused with the remedy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedsheet.ground.errors import DataError
from embedsheet.mirrors.full_size.text_data import (
    Vocabulary,
    default_text,
    next_character,
    next_characters,
    read_book,
    streams,
    visible,
)

IDS = np.arange(20, dtype=np.int32)


def test_default_text_is_python_s_own_help_in_english() -> None:
    """No download: 465,000 characters in Python 3.11; other versions differ in wording, not in kind."""
    text = default_text()
    assert 300_000 < len(text) < 900_000
    assert text.count(" the ") > 2_000


@given(st.text(min_size=1))
def test_ids_give_the_text_back(text: str) -> None:
    """For any characters, those beyond 16 bits and unpaired surrogates among them."""
    vocabulary = Vocabulary.of(text)
    ids = vocabulary.encode(text)
    assert vocabulary.decode(ids) == text
    assert sorted(set(ids.tolist())) == list(range(len(vocabulary)))


def test_an_unknown_character_is_named_with_its_code_point_and_the_known_ones_are_listed() -> None:
    """A space and a line end are listed as signs that one can see."""
    with pytest.raises(DataError, match=r"never seen 'z' \(U\+007A\), 'é' \(U\+00E9\); use only the 4 .*: ↵␣ab"):
        Vocabulary.of("a b\n").encode("azé")
    assert [visible(c) for c in "x \n\t"] == ["x", "␣", "↵", "⇥"]


def test_pieces_do_not_overlap_and_are_followed_by_the_next_character() -> None:
    """20 ids, pieces of 4: the last starts at 12, because 16–19 has nothing after it."""
    inputs, targets = next_character(IDS, 4)
    assert inputs.tolist() == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11], [12, 13, 14, 15]]
    assert targets.tolist() == [4, 8, 12, 16]


def test_in_a_sequence_every_character_has_its_successor() -> None:
    """The same pieces, answers one place on; with stride 8 every other piece."""
    inputs, targets = next_characters(IDS, 4)
    np.testing.assert_array_equal(targets, inputs + 1)
    np.testing.assert_array_equal(next_characters(IDS, 4, stride=8)[0], inputs[::2])


def test_streams_continue_row_by_row_from_batch_to_batch() -> None:
    """19 usable places in 2 strips of 8 (two pieces of 4): 0–7 and 8–15; a batch takes the next piece of each."""
    inputs, targets = streams(IDS, 4, 2)
    assert inputs.tolist() == [[0, 1, 2, 3], [8, 9, 10, 11], [4, 5, 6, 7], [12, 13, 14, 15]]
    np.testing.assert_array_equal(targets, inputs + 1)


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (lambda: next_character(IDS[:8], 8), "has 8 characters, but one piece needs 9.*smaller --length"),
        (lambda: next_characters(IDS[:3], 8), "has 3 characters"),
        (lambda: streams(IDS, 4, 8), "20 characters, too few for 8 strips of at least 4.*smaller --batch-size"),
    ],
)
def test_a_text_shorter_than_one_piece_is_refused(read: object, message: str) -> None:
    """With the two ways out: a longer text or a smaller size."""
    with pytest.raises(DataError, match=message):
        read()  # type: ignore[operator]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b" \r\n\t ", "is empty"),
        (b"PK\x03\x04\0\0\0", "is a binary file"),
        ("Ich wei\xdf".encode("latin-1"), "line 1: byte 0xdf is not UTF-8"),
        ("a\nb\n".encode("utf-16"), "not UTF-8"),
    ],
)
def test_a_file_that_is_no_utf_8_text_is_refused_by_name(tmp_path: Path, content: bytes, message: str) -> None:
    """Empty, blank, binary, and two other encodings."""
    path = tmp_path / "book.txt"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as error:
        read_book(path)
    assert str(path) in str(error.value)


def test_line_ends_of_any_system_and_a_byte_order_mark_read_alike(tmp_path: Path) -> None:
    """Windows' notepad writes both."""
    (tmp_path / "book.txt").write_bytes("\ufeffa\r\nb\rc\n".encode())
    assert read_book(tmp_path / "book.txt") == "a\nb\nc\n"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """As for every file."""
    with pytest.raises(DataError, match=r"nowhere\.txt"):
        read_book(tmp_path / "nowhere.txt")

"""The workbook of words turns any text into a matrix of floats, the same in every program."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from embedsheet.ground.data import GREEN_EGGS_WORDS, green_eggs_verse, split_words
from embedsheet.ground.errors import DataError, LessonError
from embedsheet.lessons.green_eggs import build
from embedsheet.workbook import Workbook
from kit.judges import embedsheet_values, gnumeric_values, libreoffice_values, libreoffice_values_of, read_values
from test_lessons_movielens import differences, errors_in

ODD_TEXTS = {
    "one word": "Sam",
    "apostrophes": "don't don’t Don't rock-n-roll it's o’clock",
    "other letters": "Über den Wolken … über Straße STRASSE Ωμέγα ωμέγα Ёлка ёлка été ÉTÉ 映画 naïve İstanbul",
    "wildcards": "what? what! *what* ~what~ wh?t wh*t",
    "numbers and words that look like values": "1984 1984 TRUE true FALSE 1e5 0x10 007 7 1-2 Jan-1 NaN E1 A1 R1C1",
}


@pytest.mark.parametrize("judge", [gnumeric_values, libreoffice_values, embedsheet_values])
def test_every_program_recalculates_what_was_written(green_eggs_book: Path, judge: object) -> None:
    written = read_values(green_eggs_book)
    assert not errors_in(written)
    assert not differences(written, judge(green_eggs_book))  # type: ignore[operator]


def test_the_vocabulary_is_the_fifty_words_and_the_text_their_factors(green_eggs_book: Path) -> None:
    book = Workbook.open(green_eggs_book)
    words = [str(row[0]) for row in book.values(book.area("words.word", "Text"))]
    assert sorted(words, key=str.casefold) == words
    assert set(words) == set(GREEN_EGGS_WORDS)
    factors = book.numbers(book.area("words.factors", "Text"))
    looked_up = book.numbers(book.area("text.factors", "Text"))
    place = {word.casefold(): number for number, word in enumerate(words)}
    expected = np.array([factors[place[word.casefold()]] for word in split_words(green_eggs_verse())])
    np.testing.assert_array_equal(looked_up, expected)


def test_other_ids_give_the_same_floats(green_eggs_book: Path) -> None:
    book = Workbook.open(green_eggs_book)
    assert book.values(book.area("words.id", "Text")) == book.values(book.area("words.id", "Shuffled"))
    assert book.values(book.area("words.word", "Text")) != book.values(book.area("words.word", "Shuffled"))
    assert book.values(book.area("text.id", "Text")) != book.values(book.area("text.id", "Shuffled"))
    np.testing.assert_array_equal(
        book.numbers(book.area("text.factors", "Text")), book.numbers(book.area("text.factors", "Shuffled"))
    )
    assert book.values(book.area("difference", "Shuffled")) == [[0.0]]


def test_a_word_is_most_similar_to_itself(green_eggs_book: Path) -> None:
    book = Workbook.open(green_eggs_book)
    cosines = book.numbers(book.area("similarity", "Similarity"))
    assert cosines.shape == (50, 50)
    np.testing.assert_allclose(np.diag(cosines), 1.0, rtol=1e-14)
    assert np.all(np.abs(cosines) <= 1.0 + 1e-14)


@pytest.mark.soak
def test_odd_texts_are_right_too(tmp_path: Path) -> None:
    paths = []
    for name, text in ODD_TEXTS.items():
        source = tmp_path / f"{name}.txt"
        source.write_text(text, encoding="utf-8")
        for factors in (1, 3):
            paths.append(build(tmp_path / f"{name} {factors}.xlsx", text=source, factors=factors))
    for path, office in zip(paths, libreoffice_values_of(paths), strict=True):
        written = read_values(path)
        assert not errors_in(written), path.name
        assert not differences(written, office), path.name
        assert not differences(written, gnumeric_values(path)), path.name


def test_words_are_told_apart_without_regard_to_case(tmp_path: Path) -> None:
    source = tmp_path / "text.txt"
    source.write_text("The the THE Über über", encoding="utf-8")
    book = Workbook.open(build(tmp_path / "case.xlsx", text=source))
    assert book.values(book.area("words.word", "Text")) == [["the"], ["über"]]
    assert book.values(book.area("words.count", "Text")) == [[3.0], [2.0]]
    assert book.values(book.area("text.word", "Text")) == [["The"], ["the"], ["THE"], ["Über"], ["über"]]


@pytest.mark.soak
def test_twenty_thousand_words_work(tmp_path: Path) -> None:
    """200 different words are compared at most, however many the text has."""
    random = np.random.default_rng(0)
    source = tmp_path / "long.txt"
    source.write_text(" ".join(f"w{number}" for number in random.zipf(1.3, 20_000) % 3_000), encoding="utf-8")
    path = build(tmp_path / "long.xlsx", text=source, factors=2)
    book = Workbook.open(path)
    assert book.area("text.id", "Text").size == 20_000
    assert book.area("similarity", "Similarity").shape == (200, 200)
    assert not errors_in(read_values(path))
    assert not differences(read_values(path), gnumeric_values(path))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no words"),
        ("… * ? ~ !", "holds no words"),
        ("a" * 256, "is 256 letters without a space"),
        ("a " * 150_001, "holds 150,001 words; take a part of at most 150,000"),
    ],
)
def test_a_text_that_cannot_be_a_lesson_is_refused(tmp_path: Path, text: str, message: str) -> None:
    source = tmp_path / "text.txt"
    source.write_text(text, encoding="utf-8")
    with pytest.raises(LessonError) as error:
        build(tmp_path / "no.xlsx", text=source)
    assert message in str(error.value)
    assert "text.txt" in str(error.value)
    assert not (tmp_path / "no.xlsx").exists()


def test_impossible_options_and_a_missing_text_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LessonError, match="--factors 0"):
        build(tmp_path / "no.xlsx", factors=0)
    with pytest.raises(LessonError, match="--seed -1"):
        build(tmp_path / "no.xlsx", seed=-1)
    with pytest.raises(DataError, match="no such file"):
        build(tmp_path / "no.xlsx", text=tmp_path / "nothing.txt")
    assert not list(tmp_path.iterdir())

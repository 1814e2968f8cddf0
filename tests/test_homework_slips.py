"""What a student is told: the slip by which an answer went wrong, found by running the answer with that mend."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from embedsheet.ground.notation.move import shift
from embedsheet.homework.assignment import parse
from embedsheet.homework.grade import grade_file
from embedsheet.homework.sketch import Block, Sketch
from embedsheet.homework.slips import slips
from test_homework import fill
from test_homework_fair import made

Answer = Callable[[Block, int, int], object]


def filled_down(first: str) -> Answer:
    return lambda _, row, column: "=" + shift(first, row, column)


def local(sketch: Sketch, name: str) -> str:
    return sketch.blocks[name].area.local()


# Assignment, task, what is wrong with the right formula or the formula in the first cell, what the message says.
SLIPS: list[tuple[str, str, Callable[[Sketch], Answer], str]] = [
    ("embeddings", "rmse", lambda _: lambda *_: "=AVERAGE(squared_errors)", "the square root is missing"),
    (
        "embeddings", "rmse", lambda sketch: lambda *_: f"=SQRT(AVERAGE({local(sketch, 'squared_errors')[:-1]}0))",
        "the range N22:N30 ends one row too early",
    ),
    (
        "embeddings", "rmse", lambda _: lambda *_: "=SQRT(AVERAGE(N22:N30))*2",  # two slips are none
        "is right",  # nothing but the right value on other numbers
    ),
    ("embeddings", "squared_errors", lambda _: filled_down("D22-M22"), "the square is missing"),
    ("embeddings", "squared_errors", lambda _: filled_down("SQRT(D22-M22)"), "the square is asked for"),
    (
        "embeddings", "ratings.user_index", lambda _: filled_down("MATCH(B22,B6:B10,0)"),
        "a $ is missing: fill down and across with B$6:B$10, not B6:B10",
    ),
    (
        "embeddings", "ratings.user_index", lambda _: filled_down("MATCH($B$22,$B$6:$B$10,0)"),
        "a $ is one too many: fill down and across with B22, not $B$22",
    ),
    (
        "embeddings", "ratings.user_factors", lambda _: filled_down("INDEX($C$6:$E$10,E22,COLUMNS($G22:G22))"),
        "a $ is missing: fill down and across with $E22, not E22",
    ),
    (  # to the right of the first cell it looks at empty ones, and is 0 whoever is selected
        "embeddings", "one_hot", lambda _: filled_down("IF(B42=B39,1,0)"),
        "does not follow when the numbers above change; a $ is missing: fill down and across with $B39, not B39",
    ),
    (
        "embeddings", "ratings.movie_index", lambda _: lambda block, row, _: block.formula_at(row, 0),
        "it is a text: a formula begins with =",
    ),
    (
        "embeddings", "ratings.movie_index", lambda _: lambda block, row, _: "'=" + block.formula_at(row, 0),
        "it is a text: a formula begins with =",
    ),
    (
        "gradient-by-hand", "gradient", lambda _: lambda block, _, column: f"=-({block.formula_at(0, column)})",
        "B34 has the wrong sign",
    ),
    (
        "gradient-by-hand", "gradient",
        lambda _: lambda block, _, column: "=" + block.formula_at(0, column).replace("-2*", "-1*"),
        "B34 is 1/2 of the derivative",
    ),
    (
        "gradient-by-hand", "difference_quotient",
        lambda _: lambda block, *_: "=" + block.formula_at(0, 0).replace("/(2*", "/(1*"),
        "it is twice what it should be",
    ),
    ("gradient-by-hand", "prediction", lambda _: lambda block, *_: f"=-{block.formula}", "the sign is the wrong way"),
    ("gradient-by-hand", "prediction", lambda _: lambda block, *_: f"={block.formula}/2", "a factor 2 is missing"),
    ("gradient-by-hand", "squared_error", lambda _: lambda *_: "=(rating-prediction)", "the square is missing"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "task", "answer", "said"), SLIPS, ids=[f"{one[1]}: {one[3][:40]}" for one in SLIPS])
def test_a_slip_is_recognised(
    name: str, task: str, answer: Callable[[Sketch], Answer], said: str, tmp_path: Path
) -> None:
    """Each expected sentence is what was changed in the right formula."""
    key, path, sketch = made(name, tmp_path)
    fill(path, tmp_path / "in.xlsx", parse(key.assignment), sketch, {task: answer(sketch)})
    found = next(one for one in grade_file(key, tmp_path / "in.xlsx").tasks if one.block == task)
    assert said in found.message and found.points < found.of
    assert said != "is right" or found.message.rstrip().endswith(said)


def test_right_rows_are_counted(tmp_path: Path) -> None:
    key, path, sketch = made("embeddings", tmp_path)

    def three(block: Block, row: int, column: int) -> object:
        return "=" + block.formula_at(row, column) if row < 3 else "=0*B1"

    fill(path, tmp_path / "in.xlsx", parse(key.assignment), sketch, {"ratings.user_factors": three})
    found = next(one for one in grade_file(key, tmp_path / "in.xlsx").tasks if one.block == "ratings.user_factors")
    assert found.message.startswith("3 of 10 rows right; G25: wrong")
    assert found.points == 4.5  # of 15


def test_a_row_unlike_the_first_is_not_called_a_missing_dollar(tmp_path: Path) -> None:
    key, path, sketch = made("embeddings", tmp_path)
    odd: Answer = lambda block, row, column: "=" + ("B25" if row == 3 else block.formula_at(row, column))  # noqa: E731
    fill(path, tmp_path / "in.xlsx", parse(key.assignment), sketch, {"ratings.user_index": odd})
    found = next(one for one in grade_file(key, tmp_path / "in.xlsx").tasks if one.block == "ratings.user_index")
    assert found.message.startswith("9 of 10 rows right; E25: wrong")
    assert found.message.endswith("; the formula of E22, filled in, is right")


def test_candidates_are_few_and_none_comes_of_what_cannot_be_read() -> None:
    """Of a formula with many references the first six are tried: 15 mends, 8 sides of each range, 3 pins of each."""
    many = "+".join(f"SUM(A{row}:B{row + 3})" for row in range(1, 40))
    assert slips({(50, 5): many}, [(50, 5)]) == []  # too long to be looked at
    few = "SUM(A1:B3)+SUM(C1:D3)"
    assert len(slips({(50, 5): few, (51, 5): few}, [(50, 5)])) <= 15 + 2 * 8 + 2 * 3
    assert slips({(1, 1): "SUM(("}, [(1, 1)]) == []

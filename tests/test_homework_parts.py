"""What grading is made of, each by itself: numbers drawn, circles, blocks found again, copies evaluated."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embedsheet.ground.notation.addresses import Area, parse_area
from embedsheet.homework.circles import circular_cells
from embedsheet.homework.evaluate import Runner
from embedsheet.homework.locate import locate
from embedsheet.homework.sketch import SHEET, Block, Sketch
from embedsheet.workbook import Workbook
from kit import sheets


def block(values: Any, **more: Any) -> Block:
    table = np.atleast_2d(values)
    return Block("data", Area(SHEET, 1, 1, *table.shape), "given", table, **more)


@pytest.mark.parametrize("size", [-250.0, -8.0, 0.0, 8.0, 4000.0])
def test_numbers_drawn_are_half_to_half_as_much_again(size: float) -> None:
    drawn = block(np.full((40, 25), size), vary="numbers").varied(np.random.default_rng(1))
    assert drawn.shape == (40, 25)
    # Beside the factor a normal deviate of 0.1, so that a 0 moves too; none of 1000 is six of these away.
    low, high = sorted((0.5 * size, 1.5 * size))
    assert drawn.min() > low - 0.6 and drawn.max() < high + 0.6
    assert drawn.max() - drawn.min() > 0.9 * (high - low) + 0.3
    assert (drawn == np.round(drawn, 4)).all() and len(np.unique(drawn)) > 800


@pytest.mark.parametrize("choices", [("red", "green"), (1.0, 4.0, 9.0)])
def test_what_is_chosen_is_drawn_from_the_choices(choices: tuple[float | str, ...]) -> None:
    vary: Any = "".join(["cho", "ice"])  # as a text that is read from a file: equal, and another object
    drawn = block(np.full((6, 9), 7.0), vary=vary, choices=choices).varied(np.random.default_rng(1))
    assert drawn.shape == (6, 9) and set(drawn.ravel().tolist()) == set(choices)


def test_only_what_reads_itself_is_a_circle_and_not_what_stands_beside(tmp_path: Path) -> None:
    cells: dict[str, Any] = {f"{column}{row}": "=C3*2" for column, row in product("BCD", (2, 3, 4))}
    cells |= {"C3": "=SUM(C3:C3)+1", "F3": "=G4", "G4": "=F3", "F4": "=G4", "G3": "=F3"}
    book = Workbook.open(sheets.write(tmp_path / "book.xlsx", cells))

    def found(area: str) -> set[str]:
        return {str(cell).rpartition("!")[2] for cell in circular_cells(book, parse_area(area, "S"))}

    assert found("B2:D4") == {"C3"} and found("F3:G4") == {"F3", "G4"}
    for beside in ("B2:B4", "D2:D4", "B2:D2", "B4:D4", "F4", "G3"):
        assert found(beside) == set()


def sketch() -> Sketch:
    """Return an exercise of given numbers in B6:E9 with labels around, and answers below."""
    made = Sketch("", "")
    numbers = np.arange(1.0, 17.0).reshape(4, 4) ** 2
    given = made.add("data", "Data", "given", values=numbers, rows=["a", "b", "c", "d"], columns=["k", "l", "m", "n"])
    made.add("answer", "Answers", "calculated", shape=(4, 4), rows=["e", "f", "g", "h"], columns=["o", "p", "q", "r"])
    assert given.area == Area(SHEET, 6, 2, 9, 5)
    return made


def laid_out(made: Sketch, path: Path, rows: int = 0, columns: int = 0, **names: str) -> Workbook:
    """Return what was handed out with so many rows and columns of the beginning deleted, and with these names only."""
    cells = {(row, column): entry for row, column, entry, _ in made.labels}
    for one in made.blocks.values():
        values = one.values if one.values is not None else np.full(one.area.shape, "=1+1", object)
        cells |= {
            (at.row, at.column): value for at, value in zip(one.area.cells(), values.ravel().tolist(), strict=True)
        }
    written = {
        f"{chr(64 + column - columns)}{row - rows}": entry
        for (row, column), entry in cells.items()
        if row > rows and column > columns and entry != ""
    }
    full = {name: f"{SHEET}!{text}" for name, text in names.items()}
    return Workbook.open(sheets.write(path, written, SHEET, names=full))


@pytest.mark.parametrize(("rows", "columns"), [(0, 0), (3, 0), (5, 0), (0, 1), (4, 1), (5, 1)])
def test_blocks_are_found_up_to_the_edge_of_the_sheet(rows: int, columns: int, tmp_path: Path) -> None:
    made = sketch()
    found = locate(laid_out(made, tmp_path / "book.xlsx", rows, columns), made)
    assert found.faults == {}
    for name, one in made.blocks.items():
        area = one.area
        assert found.areas[name] == Area(
            SHEET, area.top - rows, area.left - columns, area.bottom - rows, area.right - columns
        )


@pytest.mark.parametrize(
    ("name", "words"),
    [("$B$6:$E$8", "3 rows, 4 were handed out"), ("$B$6:$D$9", "3 columns, 4 were handed out"),
     ("$B$6:$B$9", "1 column, 4 were handed out"), ("$B$6:$E$6", "1 row, 4 were handed out")],
)  # fmt: skip
def test_a_block_of_another_size_is_said_by_rows_or_columns(name: str, words: str, tmp_path: Path) -> None:
    made = sketch()
    found = locate(laid_out(made, tmp_path / "book.xlsx", data=name), made)
    assert found.faults == {"data": f"{name.replace('$', '')}: {words}"} and "answer" in found.areas


class Together(Runner):
    def evaluated(self, *arguments: Any) -> Any:
        raise AssertionError("evaluated alone")


def test_several_lots_are_evaluated_at_once_and_one_alone(tmp_path: Path) -> None:
    path = sheets.write(tmp_path / "book.xlsx", {"A1": 1, "B1": "=A1*2", "B2": "=B1+1"})
    runner = Together(Workbook.open(path), [])
    area, cell = parse_area("B1:B2", "S"), parse_area("A1", "S")
    lots = [{cell: np.array([[number]])} for number in (1.0, 5.0, 7.0)]
    found = runner.run_all(lots, [area])
    assert [outcome.numbers.ravel().tolist() for (outcome,) in found] == [[2, 3], [10, 11], [14, 15]]
    with pytest.raises(AssertionError, match="evaluated alone"):
        runner.run(lots[0], area)

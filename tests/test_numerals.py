"""Formulas that differ in numbers alone are read once, and give the trees that each gives when it is parsed."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import openpyxl
import pytest
from openpyxl.workbook.defined_name import DefinedName

from embedsheet.ground.errors import FormulaError
from embedsheet.ground.notation.numerals import Patterns
from embedsheet.ground.notation.parse import parse
from embedsheet.ground.notation.relative import relative_form
from embedsheet.ground.notation.tree import Node
from kit.judges import embedsheet_values
from kit.sheets import write

# Digits at every place where a formula has some: # stands for a number that varies.
FORMULAS = (
    "VLOOKUP(#,$A$1:$B$20,2,FALSE)", "#", "-#^2+#%", "A1*#+B2/-#", "SUM(1:3,#)", "LOG10(#)+LOG(#,10)", "{1,#;3,4}*#",
    '"5"&#&"it is 7"', "'2020'!A1+#", "'20'!A1*#", "T[a 1]*#", "T[[#This Row],[1]]+#", "_x1.5+#", "x.5+#", "[1]S!A1+#",
    "Sheet1:Sheet3!A1*#", "SUM(A:A)-#", "A1#+#", "#N/A+#", "#REF!#", "IF(A1>#, #\n,#)", "LET(_xlpm.a1b,#,_xlpm.a1b*#)",
    "ABC1048577*#", "A1:INDEX(B1:B9,#)", "#-1", "A1-1", "# #", "#A1", "SUM((A1,B2),#)", "1!A1+1", "f(#)(#)", "#E2",
    "1.#", "#.#.#", "#:#",
)  # fmt: skip
NUMBERS = ("1", "0", "12", "0.5", ".25", "3.", "1E5", "2e-3", "1e+2", "1E308", "9E308", "007")


def _tree(read: Callable[[], Node]) -> Node | str:
    try:
        return read()
    except FormulaError as error:
        return str(error).splitlines()[0]


@pytest.mark.parametrize("pattern", FORMULAS)
def test_a_formula_read_by_its_numbers_gives_the_tree_that_parsing_gives(pattern: str) -> None:
    chance = random.Random(pattern)
    reader = Patterns()
    for row in range(1, 40):
        text = re.sub(r"#(?!N/A|REF!|This)", lambda _: chance.choice(NUMBERS), pattern)
        parsed = _tree(partial(parse, text, row, 3))
        read = _tree(lambda: reader.read(relative_form(text, row, 3), text, row, 3)[0])  # noqa: B023
        assert read == parsed, text


def test_a_longer_number_does_not_carry_a_formula_past_the_longest() -> None:
    reader = Patterns()
    text = "+".join(["1"] * 30_000)
    reader.read(text, text, 1, 1)
    with pytest.raises(FormulaError, match="characters; Excel takes 8,192"):
        longer = text.replace("1", "100")
        reader.read(longer, longer, 1, 1)


def test_formulas_that_differ_in_numbers_read_their_own_cells(tmp_path: Path) -> None:
    """By hand: fixed ranges and relative ones, a name that moves with its cell, and a name that is called."""
    cells: dict[str, object] = {f"A{row}": float(row) for row in range(1, 7)}
    formulas: dict[str, Callable[[int], tuple[str, float]]] = {
        "B": lambda row: (f"SUM($A$1:$A$3)*{row}.5", 6 * (row + 0.5)),
        "C": lambda row: (f"A{row}*{row}-{row * 7 % 5}", row * row - row * 7 % 5),
        "D": lambda row: (f"here*{row + 2}+{row * row}", row * (row + 2) + row * row),
        "E": lambda row: (f"INDEX($A$1:$A$6,{7 - row})*{row * row}", (7 - row) * row * row),
        "F": lambda row: (f"plus({row * row})", row * row + row),
    }
    wanted = {f"{column}{row}": make(row) for column, make in formulas.items() for row in range(1, 7)}
    path = write(tmp_path / "alike.xlsx", cells | {address: f"={text}" for address, (text, _) in wanted.items()})
    book = openpyxl.load_workbook(path)
    for name, text in {"here": "S!$A1", "plus": "_xlfn.LAMBDA(_xlpm.x,_xlpm.x+S!$A1)"}.items():
        book.defined_names[name] = DefinedName(name, attr_text=text)
    book.save(path)
    values = embedsheet_values(path)["S"]
    assert {address: values[address] for address in wanted} == {
        address: value for address, (_, value) in wanted.items()
    }


def test_formulas_that_differ_in_numbers_alone_share_what_they_have_in_common() -> None:
    reader = Patterns()
    texts = [f"VLOOKUP({row}.5,$A$1:$B$20,2,FALSE)" for row in range(3)] + ['VLOOKUP("1",$A$1:$B$20,2,FALSE)']
    first, second, third, other = [reader.read(relative_form(text, 1, 3), text, 1, 3)[1] for text in texts]
    assert first is second is third is not other
    assert first.still and first.functions == {"VLOOKUP"}

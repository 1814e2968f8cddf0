"""Workbooks of random formulas that grow: names, LET, LAMBDA, arrays, texts and numbers in each other, by a seed."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import openpyxl
from openpyxl.workbook.defined_name import DefinedName

from tests.hostile.bombs import in_file

SIZES = ("2", "7", "1000", "1E5", "1E6", "1048576", "B1*1E4")
# {0}, {1} stand for what is made larger, {n} for a size.
NUMBERS = (
    "SEQUENCE({n})", "SEQUENCE({n},{n})", "{0}+{1}", "{0}*TRANSPOSE({1})", "MMULT({0},TRANSPOSE({1}))", "{0}^2.5",
    "HSTACK({0},{1})", "VSTACK({0},{0})", "EXPAND({0},{n},{n},0)", "WRAPROWS({0},{n},0)", "MUNIT({n})", "SORT({0})",
    "MAKEARRAY({n},{n},LAMBDA(_xlpm.r,_xlpm.c,_xlpm.r*_xlpm.c+B1))", "MAP({0},LAMBDA(_xlpm.x,_xlpm.x*SUM({1})))",
    "REDUCE(0,SEQUENCE({n}),LAMBDA(_xlpm.a,_xlpm.b,_xlpm.a+SUM({0})))", "FREQUENCY({0},{1})", "INDEX({0},1)",
    "SCAN(0,{0},LAMBDA(_xlpm.a,_xlpm.b,_xlpm.a+_xlpm.b))", "LET(_xlpm.v,{0},_xlpm.v+_xlpm.v*SUM(_xlpm.v))", "big",
    "IF({0}>{1},{0},{1})", "MATCH({0},{1},0)", "SUMPRODUCT({0}*TRANSPOSE({1}))", "MINVERSE({0})", "COUNTIF(D:XFD,{0})",
    "SERIESSUM(1.01,0,1,{0})", "RANK(B1,B:B)", "LEN({t})",
)  # fmt: skip
TEXTS = (
    "REPT(\"xy\",{n})", "{t}&{t}", "SUBSTITUTE({t},\"x\",{t})", "TEXTJOIN({t},TRUE,{0})", "TEXT({0},\"0.00\")",
    "UPPER({t})", "MID({t},1,{n})", "CONCATENATE({t},{t})", "LET(_xlpm.s,{t},_xlpm.s&_xlpm.s&_xlpm.s)",
    "DECIMAL({t},36)",
)  # fmt: skip
NEW = ("SORT(", "SCAN(")


def formula(chance: random.Random, depth: int, text: bool = False) -> str:
    """Return a formula that nests `depth` of the above."""
    if depth == 0:
        return '"x"' if text else chance.choice(("B1", "B1:B3", "3", "1E5"))
    pattern = chance.choice(TEXTS if text else NUMBERS)
    for hole, is_text in (("{0}", False), ("{1}", False), ("{t}", True)):
        if hole in pattern:
            pattern = pattern.replace(hole, formula(chance, depth - 1, is_text))
    while "{n}" in pattern:
        pattern = pattern.replace("{n}", chance.choice(SIZES), 1)
    return pattern


def write(path: Path, seed: int) -> Path:
    """Write a workbook with such formulas in A1:A4, names that double, and an innocent formula in C1."""
    chance = random.Random(seed)
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "S"
    for row in range(1, 5):
        text = chance.random() < 0.2
        made = formula(chance, chance.randint(1, 5), text)
        made = f"{'LEN' if text else 'SUM'}({made})"
        for name in NEW:
            made = made.replace(name, f"_xlfn._xlws.{name}" if name == "SORT(" else name)
        sheet[f"A{row}"] = "=" + in_file(made)
        sheet[f"B{row}"] = row
    sheet["C1"] = "=1+1"
    last = "S!$B$1"
    for level in range(30):
        name = "big" if level == 29 else f"big{level}x"
        book.defined_names[name] = DefinedName(name, attr_text=f"{last}+{last}")
        last = name
    book.save(path)
    return path


def main(seeds: list[str]) -> None:
    """Write, recalculate and check the workbooks of these seeds in this process, for a test that measures it."""
    import tempfile

    from kit.judges import embedsheet_values

    with tempfile.TemporaryDirectory() as folder:
        for seed in seeds:
            values = embedsheet_values(write(Path(folder) / "bombs.xlsx", int(seed)))["S"]
            assert values["C1"] == 2, (seed, values)
            for row in range(1, 5):
                value = values[f"A{row}"]
                fine = not isinstance(value, str) or value.startswith(("#", f"unsupported: S!A{row}:"))
                assert fine, (seed, row, value)


if __name__ == "__main__":
    main(sys.argv[1:])

"""Names are found as Excel finds them: whatever their case, letter by letter, by one key in the whole program."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import openpyxl
import pytest
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.table import Table

import embedsheet
from embedsheet.ground.keys import name_capitals, name_key
from embedsheet.workbook import Workbook
from kit.judges import embedsheet_values

# Modules that change the case of something that is no name of a workbook, and what that is.
OTHERS = {
    "cli/history.py": "file suffixes",
    "cli/solve.py": "file suffixes",
    "compiler/indirect.py": "letters of columns",
    "formulas/functions/stretches.py": "texts in cells",
    "formulas/wildcards.py": "texts in cells",
    "xlsx/added_sheets.py": "names of parts",
    "book/solver_names.py": "TRUE and FALSE",
    "ground/notation/addresses.py": "the letters of a column",
    "hosts/buttons/checks.py": "file suffixes, settings",
    "hosts/buttons/layout.py": "file suffixes",
    "xlsx/writer/guide.py": "file suffixes",
    "lessons/gated/net_sheet.py": "a sentence's first letter",
    "ground/data/grouplens.py": "file suffixes",
    "formulas/collation.py": "texts in cells",
    "formulas/functions/choice.py": "texts in cells",
    "formulas/functions/criteria.py": "texts in cells",
    "formulas/functions/systems.py": "digits and units in texts",
    "formulas/functions/text.py": "texts in cells",
    "formulas/functions/workdays.py": "units in texts",
    "formulas/number_formats.py": "the letters of a format",
    "formulas/numerals.py": "names of months",
    "homework/generate.py": "file names",
    "homework/own/styles.py": "colours",
    "homework/own/marks.py": "colours",
    "homework/own/trials.py": "texts in cells",
    "homework/gradebook.py": "whole formulas, to compare them",
    "homework/feedback.py": "a function's name, for a message",
    "homework/roster.py": "headings and ids of a list",
    "homework/submissions.py": "file suffixes",
    "ground/keys.py": "names, for all others",
    "lessons/green_eggs/vocabulary.py": "the words of the book",
    "api/__init__.py": "file suffixes",
    "xlsx/writer/page.py": "file suffixes",
    "hosts/libreoffice/books.py": "file suffixes",
    "mirrors/full_size/devices.py": "kinds of devices",
    "solvers/lbfgsb.py": "a message",
    "solvers/model.py": "words of a constraint",
    "solvers/reasons.py": "a kind's own name, for JSON",
    "solvers/scipy_methods.py": "a message",
    "solvers/solution.py": "a message",
    "xlsx/package.py": "names of parts",
    "xlsx/save.py": "file suffixes",
    "xlsx/parts.py": "kinds of relationships",
    "xlsx/workbook_part.py": "names of parts",
    "xlsx/xml.py": "names of encodings",
    "xlsx/macros.py": "names of parts",
    "solvers/reports/tables.py": "words of an option",
    "translations/coder/names.py": "words of Python",
    "lessons/optimisers/ratings.py": "letters of a template",
    "lessons/optimisers/rule_sheet.py": "letters of a template",
    "cli/steps.py": "a message and an answer",
    "translations/gradient_sheet/sheet.py": "a message",
    "translations/coder/viewer/formats.py": "digits of a colour",
    "hosts/buttons/compound.py": "a directory's order, as [MS-CFB] defines it",
}


def test_no_other_module_folds_names_itself() -> None:
    root = Path(embedsheet.__file__).parent
    found = set()
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            method = node.func if isinstance(node, ast.Call) else node if _of_text(node) else None
            if isinstance(method, ast.Attribute) and method.attr in ("lower", "upper", "casefold", "swapcase"):
                found.add(path.relative_to(root).as_posix())
    assert found == set(OTHERS)


def _of_text(node: ast.AST) -> bool:
    """Whether a node is a method handed on as str.lower."""
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "str"


def test_a_key_has_as_many_letters_as_the_name_and_is_its_own_key() -> None:
    letters = "".join(map(chr, range(sys.maxunicode + 1)))
    key, capitals = name_key(letters), name_capitals(letters)
    assert len(key) == len(capitals) == len(letters)
    assert name_key(key) == name_key(capitals) == key
    assert name_capitals(key) == name_capitals(capitals) == capitals


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Größe", "GRÖSSE", False), ("Größe", "GRÖßE", True), ("Maße", "masse", False), ("İl", "il", False),
        ("ı", "I", False), ("ÅÄÖ", "åäö", True), ("ΑΒΓ", "αβγ", True), ("Ж", "ж", True), ("\u212a", "k", False),
        ("\u017fum", "sum", False), ("Sales", "sALES", True),
    ],
)  # fmt: skip
def test_names_are_one_where_each_letter_is_the_other_ones_capital(one: str, other: str, same: bool) -> None:
    """Excel compares names by single letters in Windows' table of capitals, which knows no capital of ß and İ, ı."""
    assert (name_key(one) == name_key(other)) is same
    assert (name_capitals(one) == name_capitals(other)) is same


@pytest.mark.parametrize("name", ["Maße", "İl", "ß", "Größe", "ıx", "ﬁx"])
def test_sheets_tables_columns_names_and_functions_of_odd_letters_are_found(tmp_path: Path, name: str) -> None:
    """The sums are those of the columns: 1 + 4, all of 1 to 6, and 10 · 3 of the LAMBDA."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = name
    for row in [(name, "b", "c"), (1, 2, 3), (4, 5, 6)]:
        sheet.append(row)
    sheet.add_table(Table(displayName=f"{name}T", ref="A1:C3"))
    book.defined_names[f"{name}N"] = DefinedName(f"{name}N", attr_text=f"'{name}'!$A$2:$A$3")
    book.defined_names[f"{name}F"] = DefinedName(f"{name}F", attr_text="_xlfn.LAMBDA(_xlpm.x,10*_xlpm.x)")
    for number, formula in enumerate(
        (f"=SUM({name}T[{name}])", f"=SUM({name}T[#Data])", f"=SUM({name}N)", f"={name}F(3)", f"=SUM('{name}'!A2:A3)"),
        1,
    ):
        sheet[f"E{number}"] = formula
    path = tmp_path / "b.xlsx"
    book.save(path)
    values = embedsheet_values(path)[name]
    assert [values[f"E{number}"] for number in range(1, 6)] == [5.0, 21.0, 5.0, 30.0, 5.0]
    opened = Workbook.open(path)
    for text in (f"{name}T[{name}]", f"{name}N", f"'{name}'!A2:A3"):
        assert opened.area(text, name).local() == "A2:A3"

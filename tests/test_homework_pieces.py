"""The key, the sketch of an exercise and whose workbook it is, each by itself and reckoned by hand."""

from __future__ import annotations

import base64
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest
from openpyxl.workbook.defined_name import DefinedName

from embedsheet.ground.errors import DataError
from embedsheet.ground.notation.addresses import Area, parse_area
from embedsheet.homework.circles import array_parts, circular_cells, filled_by_arrays
from embedsheet.homework.key import Key
from embedsheet.homework.locate import _aligned, _filled, plain_tokens
from embedsheet.homework.roster import Student
from embedsheet.homework.sketch import SHEET, Block, Sketch
from embedsheet.homework.whose import identify, saved_by, senders, sheet_with, text_of, words_beside
from embedsheet.workbook import Workbook
from kit import sheets

# -- the key ----------------------------------------------------------------------------------------------------------


def _key() -> Key:
    key = Key.new("title = 'x'", b"PK book")
    key.students = [Student("1", "Ada Łovelace"), Student("2", "Bo")]
    key.drawn, key.columns, key.handed_out = {"1": {"a": [1]}}, {"2": {"Group": "B"}}, "title = 'w'"
    return key


def test_a_key_is_read_as_it_was_written_and_for_its_owner_alone(tmp_path: Path) -> None:
    key, path = _key(), tmp_path / "key.json"
    key.save(path)
    assert Key.load(path) == key
    assert os.name == "nt" or path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["key.json"]
    assert "Łovelace" in path.read_text("utf-8")
    content = json.loads(path.read_text("utf-8"))
    assert content["students"] == [{"id": "1", "name": "Ada Łovelace"},
                                   {"id": "2", "name": "Bo", "columns": {"Group": "B"}}]  # fmt: skip
    assert base64.b64decode(content["workbook"]) == b"PK book"
    plain = Key.new("a")
    plain.save(path)
    assert Key.load(path) == plain and not {"workbook", "drawn", "handed out"} & set(json.loads(path.read_text()))


def test_each_student_and_purpose_has_numbers_of_its_own() -> None:
    key = _key()
    other = Key(key.secret, "title = 'w'", key.students)
    tokens = [key.token("1"), key.token("2"), Key.new("title = 'w'").token("1")]
    assert len(set(tokens)) == 3 and all(len(one) == 16 and set(one) <= set("0123456789abcdef") for one in tokens)
    assert len(key.secret) == 32 and key.first_assignment == "title = 'w'"
    # The text that was handed out counts, not the one that words were changed in since.
    assert (other.token("1"), other.first_assignment) == (key.token("1"), "title = 'w'")
    key.handed_out = ""
    assert (key.first_assignment, key.token("1") == tokens[0]) == ("title = 'x'", False)
    first = [key.generator("1").random(), key.generator("2").random(), key.generator("1", "grade").random()]
    assert len(set(first)) == 3 and key.generator("1").random() == first[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": "other"}, "format 'other'"), ({"secret": "00" * 31}, "cut short"),
        ({"secret": "x"}, "is no homework"),
        ({"drawn": [1]}, "the numbers drawn are damaged"), ({"drawn": {"1": 2}}, "the numbers drawn are damaged"),
        ({"students": [{"id": 1}]}, "is no homework key"), ({"workbook": "?"}, "is no homework key"),
        ({"assignment": None, "students": 3}, "is no homework key"),
    ],
)  # fmt: skip
def test_what_is_no_key_is_refused(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    path = tmp_path / "key.json"
    _key().save(path)
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | change))
    with pytest.raises(DataError, match=words):
        Key.load(path)


def test_a_file_of_another_kind_is_no_key(tmp_path: Path) -> None:
    for content in (b"id,name\n007,Ada\n", b"\xd0\xcf\x11\xe0", b'{"format": '):
        (tmp_path / "key.json").write_bytes(content)
        with pytest.raises(DataError, match="is no homework key, or is cut off; give the "):
            Key.load(tmp_path / "key.json")


def test_a_key_that_is_not_there_or_cannot_be_written_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no such key"):
        Key.load(tmp_path / "none.json")
    key = _key()
    key.drawn = {"1": {"a": object()}}
    _key().save(tmp_path / "key.json")
    before = (tmp_path / "key.json").read_bytes()
    with pytest.raises(TypeError):
        key.save(tmp_path / "key.json")
    assert (tmp_path / "key.json").read_bytes() == before


# -- the sketch -------------------------------------------------------------------------------------------------------


def test_blocks_are_laid_out_below_each_other_and_beside() -> None:
    made = Sketch("T", "L")
    one = made.add("one", "One", "given", values=[1.0, 2.0], rows=["a"], columns=["k", "l"])
    two = made.add("two", "Two", "calculated", formula="=one", shape=(2, 1), beside=one, rows=["x", "y"])
    three = made.add("three", "Three", "calculated", formula="=C6", beside=one, whole=True)
    four = made.add("four", "Four", "changing", values=3.0, vary="choice", choices=(3.0, 4.0))
    assert [block.area for block in (one, two, three, four)] == [
        Area(SHEET, 6, 2, 6, 3), Area(SHEET, 6, 5, 7, 5), Area(SHEET, 6, 4, 6, 4), Area(SHEET, 11, 2, 11, 2)
    ]  # fmt: skip
    assert made.labels[:4] == [(4, 2, "One", "heading"), (5, 2, "k", "header"), (5, 3, "l", "header"),
                               (6, 1, "a", "header left")]  # fmt: skip
    assert made.labels[4:7] == [(4, 5, "Two", "header wrapped"), (6, 4, "x", "header left"),
                                (7, 4, "y", "header left")]  # fmt: skip
    assert (made.row, three.whole, two.whole, four.choices, four.vary) == (13, True, False, (3.0, 4.0), "choice")
    assert (one.values is not None and one.values.shape, two.values, one.formula) == ((1, 2), None, None)
    assert Block("x", one.area, "given").whole is False
    assert list(made.blocks) == ["one", "two", "three", "four"]


def test_cells_and_rows_of_a_block_have_their_addresses() -> None:
    made = Sketch("T", "L")
    one = made.add("one", "One", "given", values=np.ones((2, 3)))
    assert [one.at(), one.at(1, 2), one.at(1, 2, "r"), one.at(0, 1, "c"), one.at(fixed="rc")] == [
        "B6", "D7", "D$7", "$C6", "$B$6"
    ]  # fmt: skip
    assert [one.span(), one.span(1), one.span(1, "")] == ["$B6:$D6", "$B7:$D7", "B7:D7"]
    filled = made.add("two", "Two", "calculated", formula="=B6+$B6+B$6", shape=(2, 2))
    assert [filled.formula_at(*at) for at in ((0, 0), (1, 0), (0, 1))] == ["=B6+$B6+B$6", "=B7+$B7+B$6", "=C6+$B6+C$6"]


def test_a_block_needs_what_its_formulas_read_and_never_itself() -> None:
    made = Sketch("T", "L")
    given = made.add("given", "G", "given", values=np.ones((3, 1)))
    made.add("apart", "A", "given", values=1.0)
    total = made.add("total", "T", "calculated", formula=f"=SUM({given.at(fixed='r')}:{given.at()})", shape=(3, 1))
    made.add("twice", "2", "calculated", formula=f"=2*{total.at()}+TWICE", shape=(3, 1))
    made.add("last", "L", "calculated", formula=f"={total.at(2)}", shape=(1, 1))
    # Row by row the second reads what stands below the first, once it is filled down.
    made.add("down", "D", "calculated", formula=f"={given.at(-1)}", shape=(2, 1))
    made.add("by name", "N", "calculated", formula="=Given+1")
    needs = {name: made.needs(name) for name in made.blocks}
    assert needs == {
        "given": set(), "apart": set(), "total": {"given"}, "twice": {"total", "given"}, "last": {"total", "given"},
        "down": {"given"}, "by name": {"given"},
    }  # fmt: skip


# -- whose it is ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "program"),
    [
        ("<Application>Microsoft Excel</Application><AppVersion>12.0000</AppVersion>", ""),
        ("<Application>Microsoft Excel</Application><AppVersion>13.9</AppVersion>", ""),
        ("<Application>Microsoft Excel</Application><AppVersion>14.0300</AppVersion>", "Microsoft Excel"),
        ("<Application>Microsoft Excel</Application>", "Microsoft Excel"),
        ("<Application>LibreOffice/7.4</Application><AppVersion>12.0000</AppVersion>", "LibreOffice/7.4"),
        ("<Application></Application>", ""), ("", ""), (f"<Application>{'x' * 101}</Application>", ""),
        (f"<Application>{'x' * 100}</Application>", "x" * 100),
    ],
)  # fmt: skip
def test_the_program_that_saved_a_workbook_is_told_unless_it_is_ours(tmp_path: Path, words: str, program: str) -> None:
    path = tmp_path / "book.xlsx"
    with zipfile.ZipFile(path, "w") as package:
        package.writestr("docProps/app.xml", f"<Properties>{words}</Properties>")
    assert saved_by(path) == program


def test_nothing_is_told_of_what_is_no_package(tmp_path: Path) -> None:
    (tmp_path / "book.xlsx").write_bytes(b"no zip")
    with zipfile.ZipFile(tmp_path / "empty.xlsx", "w"):
        pass
    assert [saved_by(tmp_path / name) for name in ("book.xlsx", "empty.xlsx", "none.xlsx")] == ["", "", ""]


def test_senders_are_found_by_what_platforms_make_of_names() -> None:
    ada, lady, turned, bo = Student("1", "Ada Lovelace"), Student("2", "Ada M. King"), Student("3", "Lovelace Ada"), \
        Student("4", "Bo")  # fmt: skip
    every = [ada, lady, turned, bo]
    found = {
        file: senders(every, file)
        for file in (
            "Ada Lovelace_1005_assignsubmission_file_/x.xlsx", "ADA LOVELACE_1_assignsubmission_file_/x.xlsx",
            "king ada m._7_assignsubmission_file_/x.xlsx", "lovelaceada_1005_2001_x.xlsx",
            "lovelaceada_LATE_1005_2001_x.xlsx", "kingadam_1_2_x.xlsx", "adamking_1_2_x.xlsx", "bo_1_2_x.xlsx",
            "nobody_1_2_x.xlsx", "Ada Lovelace.xlsx", "bo_1_2_a/adamking_1_2_x.xlsx", "handed in/bo_1_2_x.xlsx",
        )
    }  # fmt: skip
    assert list(found.values()) == [[ada], [ada], [lady], [ada, turned], [ada, turned], [lady], [lady], [bo], [], [],
                                    [bo], [bo]]  # fmt: skip


def test_a_workbook_is_told_by_its_code_and_an_odd_id_is_noted(tmp_path: Path) -> None:
    key = _key()
    names = {"student.id": "Instructions!$B$1", "student.token": "Instructions!$B$2"}

    def book(cells: dict[str, Any], named: bool = True) -> Workbook:
        return Workbook.open(sheets.write(tmp_path / "b.xlsx", cells, "Instructions", names=names if named else None))

    notes: list[str] = []
    assert identify(key, book({"B1": "1", "B2": key.token("1")}), notes).name == "Ada Łovelace"
    assert identify(key, book({"B1": 2.0, "B2": key.token("2")}), notes).name == "Bo"
    assert identify(key, book({"A5": "1", "A6": key.token("1")}, named=False), notes).id == "1"
    assert notes == []
    assert identify(key, book({"B1": "2", "B2": key.token("1")}), notes).id == "1"
    assert identify(key, book({"A6": key.token("2")}, named=False), notes).id == "2"
    assert notes == ["the id in the file is '2', its code that of 1", "the id in the file is None, its code that of 2"]
    with pytest.raises(DataError, match="says it belongs to '1', but its code is not one of this class"):
        identify(key, book({"B1": "1", "B2": "0" * 16}), notes)
    with pytest.raises(DataError, match="no cell holds the code of a student"):
        identify(key, book({"A1": "1"}, named=False), notes)


def test_a_named_cells_text_a_renamed_sheet_and_words_beside_a_question_are_found(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    page = book.active
    page.title = "Mine"
    other = book.create_sheet("Other")
    cells = {
        "A1": 1005.0, "A2": "ada", "A3": 0.1 + 0.2, "A6": "Why  is it so?", "D6": "no", "E6": "first", "F6": "last",
        "E7": "below", "A9": "And this?", "C9": "near",
    }  # fmt: skip
    for address, value in cells.items():
        page[address] = value
    for name, at in {"q.a": "$A$1", "q.b": "$A$2", "q.c": "$A$3", "q.d": "$A$4"}.items():
        page.defined_names[name] = DefinedName(name, attr_text=f"Mine!{at}")
    other.defined_names["q.a"] = DefinedName("q.a", attr_text="Other!$A$1")
    book.save(tmp_path / "b.xlsx")
    read = Workbook.open(tmp_path / "b.xlsx")
    assert [text_of(read, name, "Mine") for name in ("q.a", "q.b", "q.c", "q.d", "q.e")] == [
        "1005", "ada", "0.3", "", None
    ]  # fmt: skip
    assert sheet_with(read, "MINE", {"q.a"}) == "MINE"
    assert sheet_with(read, "Instructions", {"Q.A", "q.b"}) == "Mine"
    assert sheet_with(read, "Instructions", {"q.z"}) == "Instructions"
    assert [words_beside(read, one) for one in ("Why is it so?", " And  this?", "nothing")] == ["last", "", ""]


# -- circles and lines ------------------------------------------------------------------------------------------------


def test_cells_that_arrays_fill_are_told_within_an_area(tmp_path: Path) -> None:
    cells = {"A1": 1, "B2": ("B2:C3", "=A1:B2*2"), "F2": ("F2:F2", "=SUM(A1:A2*2)")}
    book = Workbook.open(sheets.write(tmp_path / "b.xlsx", cells))

    def filled(area: str) -> Any:
        return filled_by_arrays(book, parse_area(area, "S")).astype(int).tolist()

    assert filled("A1:D4") == [[0, 0, 0, 0], [0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]]
    assert (filled("C3:D4"), filled("B2:C3")) == ([[1, 0], [0, 0]], [[1, 1], [1, 1]])
    assert (filled("D1:E4"), filled("A4:D5"), filled("F2:F3")) == ([[0, 0]] * 4, [[0] * 4] * 2, [[1], [0]])
    assert array_parts(book, parse_area("A1:D4", "S"))[0] == (slice(1, 3), slice(1, 3))


def test_circles_go_through_names_arrays_and_what_was_seen_to_be_read(tmp_path: Path) -> None:
    cells = {
        "A1": "=total+1", "A2": "=A1", "C1": ("C1:C2", "=E1:E2*2"), "E1": "=C2", "E2": 5, "G1": "=INDIRECT(\"G2\")",
        "G2": "=G1", "H1": "=COLUMN(H1)", "H2": "=ROWS(H2:H3)+1", "J1": "=J2", "J2": 4,
        "M1": "=SUM(N1:N3)", "N2": "=M1", "P1": "=SUM(Q1:S2)", "R2": "=P1", "N4": "=M1", "T2": "=P1",
    }  # fmt: skip
    book = Workbook.open(sheets.write(tmp_path / "b.xlsx", cells, names={"total": "S!$A$2"}))

    def found(area: str, *seen: tuple[str, str]) -> set[str]:
        pairs = [tuple(next(iter(parse_area(one, "S").cells())) for one in pair) for pair in seen]
        return {str(one).rpartition("!")[2] for one in circular_cells(book, parse_area(area, "S"), pairs)}  # type: ignore[arg-type]

    assert found("A1:A9") == {"A1", "A2"} and found("C1:E2") == {"C1", "C2", "E1"}
    assert found("M1:N9") == {"M1", "N2"} and found("P1:T9") == {"P1", "R2"}
    assert found("G1:K9") == set() and found("G1:G9", ("G1", "G2"), ("Z1", "G1")) == {"G1", "G2"}


def test_lines_between_those_recognised_keep_their_distance() -> None:
    assert _filled({}, 3) == {}
    found = _filled({2: 4, 5: 9}, 6)
    assert {line: found.get(line) for line in range(8)} == {0: 2, 1: 3, 2: 4, 3: 5, 4: 6, 5: 9, 6: 10, 7: 11}
    assert max(found) == 6 + 2 + 400 - 1
    closer = _filled({2: 4, 5: 5}, 6)  # lines that were deleted in between
    assert {line: closer.get(line) for line in range(7)} == {0: 2, 1: 3, 2: 4, 3: None, 4: None, 5: 5, 6: 6}
    top = _filled({3: 1}, 4)  # those above were deleted
    assert {line: top.get(line) for line in range(5)} == {0: None, 1: None, 2: None, 3: 1, 4: 2}


def test_lines_are_matched_in_order_by_most_of_what_stands_in_them() -> None:
    wanted: Any = {(1, 1): "a", (1, 2): "b", (2, 1): 3.0, (2, 2): 4.0, (3, 1): "end"}
    there: Any = {(2, 1): "a", (2, 2): "b", (4, 1): 3.0, (4, 2): 4.0, (5, 1): "end", (6, 1): "more"}
    rows = _aligned(wanted, there, 0)
    assert {row: rows.get(row) for row in range(5)} == {0: 1, 1: 2, 2: 4, 3: 5, 4: 6}
    assert max(rows) == 4 + 3 + 400 - 1
    columns = _aligned(wanted, {(row, column + 2): token for (row, column), token in there.items()}, 1)
    assert {column: columns.get(column) for column in (1, 2, 3)} == {1: 3, 2: 4, 3: 5}
    # Half of a line is enough, less is not: of four cells one is left.
    four: Any = {(1, column): float(column) for column in range(1, 5)} | {(2, 1): "z"}
    half = _aligned(four, {(3, 1): 1.0, (3, 2): 2.0, (7, 1): "z"}, 0)
    less = _aligned(four, {(3, 1): 1.0, (7, 1): "z"}, 0)
    assert (half.get(1), half.get(2), less.get(1), less.get(2)) == (3, 7, 6, 7)
    assert _aligned({}, there, 0) == {}


def test_texts_and_numbers_that_are_no_results_are_told_by_place(tmp_path: Path) -> None:
    cells = {"A1": " x ", "B2": 0.1 + 0.2, "C3": "=1+1", "D4": True, "A4000": 1, "A4001": 2}
    book = Workbook.open(sheets.write(tmp_path / "b.xlsx", cells))
    assert plain_tokens(book, "S") == {(1, 1): "x", (2, 2): 0.3, (4000, 1): 1.0}

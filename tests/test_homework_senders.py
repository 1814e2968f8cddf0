"""What a platform's zip says of whose a file is, and how much of a student's own zip in it is graded."""

from __future__ import annotations

import copy
import io
import zipfile
from pathlib import Path

import openpyxl
import pytest

from embedsheet.homework.grade import grade_file
from embedsheet.homework.gradebook import not_graded
from embedsheet.homework.roster import Student
from embedsheet.homework.submissions import find_submissions
from embedsheet.homework.whose import senders
from test_homework_fair import made

NAMES = {
    "1": "Ada Lovelace", "2": "Vincent van Gogh", "3": "María José García Márquez", "4": "Li Na", "5": "Na Li",
    "6": "Kim Park", "7": "Kim Park",
}  # fmt: skip
CLASS = [Student(one, name) for one, name in NAMES.items()]


@pytest.mark.parametrize(
    ("file", "ids"),
    [
        ("all.zip/Ada Lovelace_1005_assignsubmission_file_/x.xlsx", "1"),
        ("all.zip/Lovelace Ada_1005_assignsubmission_file_/x.xlsx", "1"),  # Moodle can be set to show names so
        ("vangoghvincent_1005_2001_x.xlsx", "2"),
        ("garcíamárquezmaríajosé_LATE_1005_2001_x.xlsx", "3"),
        ("all.zip/Li Na_1005_assignsubmission_file_/x.xlsx", "4"),
        ("all.zip/Na Li_1005_assignsubmission_file_/x.xlsx", "5"),
        ("lina_1005_2001_x.xlsx", "45"),  # with the last name first, whichever that is
        ("all.zip/Kim Park_1005_assignsubmission_file_/x.xlsx", "67"),
        ("all.zip/Nobody_1005_assignsubmission_file_/hw.zip/Ada Lovelace_1_assignsubmission_file_/x.xlsx", ""),
        ("hw.zip/x.xlsx", ""),
    ],
)
def test_names_are_known_however_a_platform_turns_them(file: str, ids: str) -> None:
    assert [one.id for one in senders(CLASS, file)] == list(ids)


def test_a_colleagues_file_in_the_folder_of_one_of_two_of_a_name_is_nobodys_yet(tmp_path: Path) -> None:
    """Ada's workbook: neither of the two has 0 points, and Ada has none; a file of one of the two is graded."""
    key, path, _ = made("words", tmp_path)
    owner = key.students[0]
    kim, park = Student("6", "Kim Park"), Student("7", "Kim Park")
    key.students = [owner, kim, park]
    folder = "all.zip/Kim Park_1005_assignsubmission_file_/words.xlsx"
    grade = grade_file(key, path, folder)
    assert grade.fault.startswith("was handed in by Kim Park (6) or Kim Park (7), but is the workbook of")
    assert not_graded(key, [grade]).keys() == {owner.id, "6", "7"}
    key.students = [Student(owner.id, "Kim Park"), park]
    assert not grade_file(key, path, folder).fault


def _student_zip(entries: dict[str, bytes], times: int = 1) -> bytes:
    """Return a zip whose directory names its first file so many times."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as out:
        for name, data in entries.items():
            out.writestr(name, data)
        for _ in range(times - 1):
            out.filelist.append(copy.copy(out.filelist[0]))
        out._didModify = True  # type: ignore[attr-defined]
    return content.getvalue()


def _found(tmp_path: Path, inner: bytes) -> tuple[list[str], list[str]]:
    (tmp_path / "in").mkdir()
    with zipfile.ZipFile(tmp_path / "in" / "all.zip", "w") as out:
        out.writestr("Ada_7_assignsubmission_file_/hw.zip", inner)
    (tmp_path / "unpacked").mkdir()
    found, notes = find_submissions(tmp_path / "in", tmp_path / "unpacked")
    return [one.shown_as.rpartition("/")[2] for one in found], [note.rpartition("/")[2] for note in notes]


def test_a_students_zip_has_each_workbook_once(tmp_path: Path) -> None:
    """Of 500 entries that are one file, a copy of it, and what macOS leaves."""
    inner = _student_zip({"a.xlsx": b"PK1", "b.xlsx": b"PK1", "c.xlsx": b"PK2", ".DS_Store": b"x"}, 500)
    names, notes = _found(tmp_path, inner)
    assert names == ["a.xlsx", "c.xlsx"]
    assert notes == ["hw.zip: holds the same file again, 500 times; passed over"]


def test_a_students_zip_has_twenty_workbooks_at_most(tmp_path: Path) -> None:
    names, notes = _found(tmp_path, _student_zip({f"{one}.xlsx": b"PK%d" % one for one in range(30)}))
    assert names == [f"{one}.xlsx" for one in range(20)]
    assert notes == ["20.xlsx: is one of more than 20 workbooks in one zip; passed over"]


def test_a_zip_in_a_folder_has_a_place_in_it_once(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "hw.zip").write_bytes(_student_zip({"a.xlsx": b"PK1"}, 500))
    (tmp_path / "unpacked").mkdir()
    found, notes = find_submissions(tmp_path / "in", tmp_path / "unpacked")
    assert len(found) == 1 and notes == ["hw.zip: holds the same file again, 499 times; passed over"]


def test_a_file_without_names_that_has_two_codes_in_it_is_nobodys_yet(tmp_path: Path) -> None:
    """As where a colleague's sheet was copied in, and a program that keeps no names saved it: either may have."""
    key, path, _ = made("words", tmp_path)
    owner, bob = key.students[0], Student("8", "Bob")
    key.students = [owner, bob]
    book = openpyxl.load_workbook(path)
    book.defined_names.clear()
    for page in book:
        page.defined_names.clear()
    book["Exercise"]["Z99"] = key.token(bob.id)
    book.save(tmp_path / "two.xlsx")
    fault = grade_file(key, tmp_path / "two.xlsx").fault
    assert fault.startswith("holds the codes of ") and f"{owner.name} ({owner.id})" in fault and "Bob (8)" in fault

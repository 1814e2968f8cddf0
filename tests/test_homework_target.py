"""Homework as a target: what cheats earn, what is noted of them, and what nobody can make a gradebook do."""

from __future__ import annotations

import csv
import re
import unicodedata
import zipfile
from pathlib import Path

import openpyxl
import pytest

from embedsheet.ground.errors import DataError
from embedsheet.homework.assignment import find, parse
from embedsheet.homework.generate import file_name, make_workbook
from embedsheet.homework.grade import Grade, TaskGrade, grade_file
from embedsheet.homework.gradebook import best_of_each, integrity, write_feedback, write_gradebook, write_upload
from embedsheet.homework.key import Key
from embedsheet.homework.reference import Reference
from embedsheet.homework.roster import Student, read_roster
from embedsheet.homework.submissions import find_submissions
from kit.assignments import DRAWN
from test_homework import fill
from test_homework_fair import made

ADA, BOB = Student("ada", "Ada"), Student("bob", "Bob")


def of(grade: Grade, block: str) -> TaskGrade:
    return next(task for task in grade.tasks if task.block == block)


def test_a_table_of_all_inputs_that_feedback_showed_earns_nothing(tmp_path: Path) -> None:
    """Five times: what feedback says is right for one input goes into the formula of the next submission."""
    key, path, sketch = made("gradient-by-hand", tmp_path)
    value = float(Reference(sketch).run({}, ["prediction"])["prediction"].numbers[0, 0])
    first = sketch.blocks["user.factors"].at()
    formula = f"{value!r}+0*{first}"
    earned = []
    for _ in range(5):
        answer = f"={formula}"
        fill(
            path, tmp_path / "in.xlsx", parse(key.assignment), sketch, {"prediction": lambda *_, answer=answer: answer}
        )
        task = of(grade_file(key, tmp_path / "in.xlsx"), "prediction")
        earned.append((task.verdict, task.points))
        told = re.search(r"\(\w+ = (\S+), …\) it gives \S+, (\S+) is right", task.message)
        if told is None:  # the examples drawn were all in the table
            continue
        formula = f"IF(ABS({first}-{told[1]})<1E-9,{told[2]},{formula})"
    assert {points for _, points in earned} == {0}


def test_a_formula_that_notices_that_it_is_graded_is_noted(tmp_path: Path) -> None:
    """The right value where the inputs are as they were handed out, nonsense elsewhere."""
    key, path, sketch = made("gradient-by-hand", tmp_path)
    right = Reference(sketch).run({}, ["prediction"])["prediction"].numbers[0, 0]
    shown = sketch.blocks["user.factors"]
    assert shown.values is not None
    answer = f"=IF({shown.at()}={float(shown.values[0, 0])!r},{float(right)!r},0)"
    fill(path, tmp_path / "in.xlsx", parse(key.assignment), sketch, {"prediction": lambda *_: answer})
    grade = grade_file(key, tmp_path / "in.xlsx")
    assert (of(grade, "prediction").verdict, of(grade, "prediction").points) == ("shown only", 2.5)
    assert [note for note in grade.notes if "holds numbers that are shown" in note] and len(grade.notes) == 1
    facts = integrity(key, parse(key.assignment), [grade])
    assert any(what == "noted in the file" and "holds numbers" in details for what, _, details in facts)


@pytest.mark.parametrize("name", DRAWN)
def test_right_formulas_are_noted_nowhere(name: str, tmp_path: Path) -> None:
    key, path, sketch = made(name, tmp_path)
    fill(path, tmp_path / "in.xlsx", parse(key.assignment), sketch, {})
    assert grade_file(key, tmp_path / "in.xlsx").notes == []


def test_copied_checks_are_no_answers(tmp_path: Path) -> None:
    key, path, sketch = made("words", tmp_path)
    fill(path, tmp_path / "in.xlsx", parse(key.assignment), sketch, {"cosine": lambda *_: "=Instructions!E14"})
    task = of(grade_file(key, tmp_path / "in.xlsx"), "cosine")
    assert (task.verdict, task.points) == ("circular", 0)  # the check reads the answer


def class_of_two(folder: Path) -> tuple[Key, dict[str, Path]]:
    """Two students' workbooks with every answer right."""
    key = Key(bytes(range(32)), find("gradient-by-hand"), [ADA, BOB])
    assignment = parse(key.assignment)
    files = {}
    for student in key.students:
        path = folder / file_name(assignment, student)
        make_workbook(key, assignment, student, path)
        files[student.id] = folder / f"{student.id}.xlsx"
        fill(path, files[student.id], assignment, assignment.sketch(key.generator(student.id)), {})
    return key, files


def relabelled(path: Path, **cells: str) -> Path:
    book = openpyxl.load_workbook(path)
    page = book["Instructions"]
    for name, value in cells.items():
        [(_, address)] = page.defined_names[f"student.{name}"].destinations
        page[address.replace("$", "")].value = value
    book.save(path)
    return path


def test_a_changed_identity_is_noted_and_the_code_decides(tmp_path: Path) -> None:
    key, files = class_of_two(tmp_path)
    grade = grade_file(key, relabelled(files["ada"], id="bob"))
    assert (grade.student_id, grade.notes) == ("ada", ["the id in the file is 'bob', its code that of ada"])


def test_another_s_workbook_under_one_s_own_id_and_code_is_noted(tmp_path: Path) -> None:
    """Bob hands in Ada's workbook with his own id and code: the numbers in it are not his."""
    key, files = class_of_two(tmp_path)
    grade = grade_file(key, relabelled(files["ada"], id="bob", token=key.token("bob")))
    assert grade.student_id == "bob"
    assert "the numbers in the file are those of ada" in grade.notes


def test_an_id_in_two_unicode_forms_is_one_student(tmp_path: Path) -> None:
    composed, apart = (unicodedata.normalize(form, "zoë") for form in ("NFC", "NFD"))
    assert composed != apart
    (tmp_path / "class.csv").write_text(f"id,name\n{composed},Zoë\n{apart},Zoë\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"line 3: id .* stands already in line 2"):
        read_roster(tmp_path / "class.csv")
    key = Key(bytes(range(32)), find("gradient-by-hand"), [Student(composed, "Zoë")])
    path = tmp_path / "z.xlsx"
    make_workbook(key, parse(key.assignment), key.students[0], path)
    grade = grade_file(key, relabelled(path, id=apart))
    assert (grade.student_id, grade.notes) == (composed, [])


@pytest.mark.parametrize("text", ['=HYPERLINK("http://x","y")', "+cmd|' /C calc'!A0", "@SUM(A1)", "-1+1", "\t=1"])
def test_what_a_spreadsheet_would_run_is_text_in_gradebook_and_csv(text: str, tmp_path: Path) -> None:
    """As a name in the roster, and as a student's words."""
    (tmp_path / "class.csv").write_text('id,name\na,"' + text.replace('"', '""') + '"\n', encoding="utf-8")
    key = Key(bytes(range(32)), find("bias"), read_roster(tmp_path / "class.csv"))
    assignment = parse(key.assignment)
    path = tmp_path / "a.xlsx"
    make_workbook(key, assignment, key.students[0], path)
    book = openpyxl.load_workbook(path)
    [(sheet, cells)] = book["Instructions"].defined_names["explanation"].destinations
    cell = book[sheet][cells.replace("$", "")]
    cell.value, cell.data_type = text, "s"
    book.save(path)
    grades = [grade_file(key, path)]
    write_gradebook(key, assignment, grades, [], tmp_path / "g.xlsx")
    write_upload(key, assignment, best_of_each(key, grades), tmp_path / "u.csv")
    write_feedback(assignment, best_of_each(key, grades), tmp_path / "f", grades)
    told = openpyxl.load_workbook(tmp_path / "g.xlsx")
    found = [one for page in told for row in page.iter_rows() for one in row if text.strip() in str(one.value)]
    assert len(found) >= 3 and {one.data_type for one in found} == {"s"}  # name twice, words once: strings
    with (tmp_path / "u.csv").open(encoding="utf-8-sig", newline="") as file:
        assert not [one for row in csv.reader(file) for one in row if one.startswith(("=", "+", "-", "@", "\t"))]


def test_control_and_direction_characters_are_shown_escaped(tmp_path: Path) -> None:
    """In names of the roster and in students' words; letters of every script, and what joins them, stay."""
    (tmp_path / "class.csv").write_text("id,name\na,Ada\x1b[31m \u202egpj.exe\nb,علی\u200cرضا\n", encoding="utf-8")
    first, second = read_roster(tmp_path / "class.csv")
    assert first.name == r"Ada\x1b[31m \u202egpj.exe" and second.name == "علی\u200cرضا"
    key = Key(bytes(range(32)), find("bias"), [first])
    path = tmp_path / "a.xlsx"
    make_workbook(key, parse(key.assignment), first, path)
    book = openpyxl.load_workbook(path)
    [(sheet, cells)] = book["Instructions"].defined_names["explanation"].destinations
    book[sheet][cells.replace("$", "")].value = "fine\n\u202etxt.exe"
    book.save(path)
    assert of(grade_file(key, path), "explanation").answer == "fine\n" + r"\u202etxt.exe"


def test_a_zip_of_a_hundred_thousand_files_is_named_and_not_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "class.zip", "w", zipfile.ZIP_STORED) as archive:
        for number in range(100_000):
            archive.writestr(zipfile.ZipInfo(f"{number}.xlsx"), b"")
    (tmp_path / "out").mkdir()
    with pytest.raises(DataError, match="holds 100,000 files; no class is that large"):
        find_submissions(tmp_path / "class.zip", tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_key_and_seed_are_in_nothing_that_a_student_or_a_platform_gets(tmp_path: Path) -> None:
    """Searched in every part of the workbook, in feedback and CSV: as bytes, hexadecimal, decimal."""
    key, files = class_of_two(tmp_path)
    assignment = parse(key.assignment)
    grades = [grade_file(key, path) for path in files.values()]
    write_feedback(assignment, best_of_each(key, grades), tmp_path / "f", grades)
    write_upload(key, assignment, best_of_each(key, grades), tmp_path / "u.csv")
    public = [path.read_bytes() for path in [tmp_path / "u.csv", *(tmp_path / "f").iterdir()]]
    for path in files.values():
        with zipfile.ZipFile(path) as package:
            public += [package.read(name) for name in package.namelist()]
    everything = b"\n".join(public)
    secrets = [key.secret, *(key._digest(purpose, one.id) for purpose in ("seed", "token") for one in key.students)]
    for secret in secrets:
        for form in (
            secret,
            secret.hex().encode(),
            secret.hex().upper().encode(),
            str(int.from_bytes(secret)).encode(),
        ):
            assert form not in everything
    assert key.token("ada").encode() in everything  # 64 of the 256 bits of another digest, which seeds nothing

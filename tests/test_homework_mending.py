"""After handing out: words, points and tolerances can be changed, typed points come back, platforms' lists are read."""

from __future__ import annotations

import csv
from pathlib import Path

import openpyxl
import pytest
from typer.testing import CliRunner

from embedsheet.cli import app
from embedsheet.homework.assignment import find, parse
from embedsheet.homework.key import Key
from embedsheet.homework.roster import Student, read_class, read_roster
from test_homework import fill


def run(*words: object) -> str:
    result = CliRunner().invoke(app, ["homework", *map(str, words)])
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def refused(*words: object) -> str:
    result = CliRunner().invoke(app, ["homework", *map(str, words)])
    assert result.exit_code == 2
    return " ".join(result.output.split())


@pytest.fixture
def handed_out(tmp_path: Path) -> Path:
    """A class of two whose assignment is a file, one of whom has answered: all right, and in words."""
    (tmp_path / "bias.toml").write_text(find("bias"), encoding="utf-8")
    (tmp_path / "class.csv").write_text("id,name\n007,Ada\n008,Bob\n", encoding="utf-8")
    run("new", tmp_path / "bias.toml", "--roster", tmp_path / "class.csv", "-o", tmp_path / "out")
    key = Key.load(tmp_path / "out-key.json")
    assignment = parse(key.assignment)
    (tmp_path / "in").mkdir()
    target = tmp_path / "in" / "Bias-007.xlsx"
    fill(tmp_path / "out" / "Bias-007.xlsx", target, assignment, assignment.sketch(key.generator("007")), {})
    book = openpyxl.load_workbook(target)
    [(sheet, cells)] = book["Instructions"].defined_names["explanation"].destinations
    book[sheet][cells.replace("$", "")].value = "Because."
    book.save(target)
    return tmp_path


def grades(folder: Path, *more: object) -> tuple[list[dict[str, str]], str]:
    """Grade and return the upload's lines and the first student's text."""
    run(
        "grade",
        folder / "in",
        "--key",
        folder / "out-key.json",
        "-o",
        folder / "g.xlsx",
        "--force",
        "--processes",
        1,
        *more,
    )
    with (folder / "g-upload.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file)), (folder / "g-feedback" / "007.txt").read_text(encoding="utf-8")


def test_words_points_and_tolerances_can_be_changed_after_handing_out(handed_out: Path) -> None:
    """Twice the points for predictions, 40 before; the students' numbers, and so their right answers, stay."""
    before = (handed_out / "out" / "Bias-008.xlsx").read_bytes()
    source = find("bias").replace("points = 40", "points = 80").replace('title = "Bias"', 'title = "Biases"')
    (handed_out / "mended.toml").write_text(source.replace('"Predictions"', '"Your predictions"'), encoding="utf-8")
    assert grades(handed_out)[0][0]["points"] == "80"
    rows, text = grades(handed_out, "--assignment", handed_out / "mended.toml")
    assert rows[0]["points"] == "120" and "1. Your predictions: 80 of 80" in text
    # A student who came late, by the mended assignment: the others' files keep numbers and names.
    (handed_out / "class.csv").write_text("id,name\n007,Ada\n008,Bob\n009,Cid\n", encoding="utf-8")
    run("new", handed_out / "mended.toml", "--roster", handed_out / "class.csv", "-o", handed_out / "out")
    assert sorted(path.name for path in (handed_out / "out").iterdir()) == [f"Bias-00{n}.xlsx" for n in (7, 8, 9)]
    assert (handed_out / "out" / "Bias-008.xlsx").read_bytes() == before
    assert grades(handed_out)[0][0]["points"] == "120"  # the key knows


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("users = 5", "users = 6", "options are"),
        (
            'block = "squared_errors"',
            'block = "ratings.user_index"',
            "task squared_errors is missing (give it 0 points)",
        ),
        ('kind = "formula"', 'kind = "number"', "task rmse was of another kind"),
        ("bias = true", "bias = false", "options are"),
    ],
)
def test_what_made_the_workbooks_cannot_be_changed(old: str, new: str, said: str, handed_out: Path) -> None:
    (handed_out / "other.toml").write_text(find("bias").replace(old, new), encoding="utf-8")
    for words in (
        ("grade", handed_out / "in", "--key", handed_out / "out-key.json", "-o", handed_out / "g.xlsx", "--assignment"),
        ("new", "--roster", handed_out / "class.csv", "-o", handed_out / "out"),
    ):
        assert said in refused(*words, handed_out / "other.toml")


def test_points_typed_for_words_come_back_into_csv_and_feedback(handed_out: Path) -> None:
    rows, text = grades(handed_out)
    assert rows[0]["points"] == "80" and "your words, up to 20 points, are read by your teacher" in text
    book = openpyxl.load_workbook(handed_out / "g.xlsx")
    page = book["Grades"]
    [(_, cells)] = page.defined_names["points.explanation"].destinations
    column = cells.replace("$", "").partition(":")[0]
    assert page[column].value is None
    page[column].value = 15
    book.save(handed_out / "g.xlsx")
    for _ in range(2):  # and again, from the gradebook that was written with them
        rows, text = grades(handed_out)
        assert rows[0]["points"] == "95" and "In your words: 15 of 20 (read)" in text and "95 of 100 points" in text
    book = openpyxl.load_workbook(handed_out / "g.xlsx")
    book["Grades"][column].value = 25
    book.save(handed_out / "g.xlsx")
    words = ("--key", handed_out / "out-key.json", "-o", handed_out / "g.xlsx", "--force")
    assert "25.0 is no number of points from 0 to 20" in refused("grade", handed_out / "in", *words)


# As Canvas, Blackboard and Moodle export their gradebooks; Moodle's ID numbers are often empty.
LISTS = {
    "canvas": (
        "Student,ID,SIS User ID,SIS Login ID,Section,Quiz (17)\n    Points Possible,,,,,10\n"
        '"Lovelace, Ada",0123,S007,ada,A1,9\n"Zola, Émile",0124,S008,zola,A1,\n',
        ["0123", "0124"],
        [
            "Student,ID,SIS User ID,SIS Login ID,Section,Bias", "    Points Possible,,,,,100",
            '"Lovelace, Ada",0123,S007,ada,A1,0', '"Zola, Émile",0124,S008,zola,A1,0',
        ],
    ),
    "blackboard": (
        '"Last Name","First Name","Username","Student ID","Last Access","Availability"\n'
        '"Lovelace","Ada","ada","007","2026-01-01","Yes"\n"Zola","Émile","zola","008","","Yes"\n',
        ["007", "008"],
        [
            "Last Name,First Name,Username,Student ID,Bias [Total Pts: 100 Score],Feedback to Learner",
            "Lovelace,Ada,ada,007,0,nothing handed in", "Zola,Émile,zola,008,0,nothing handed in",
        ],
    ),
    "moodle": (
        "First name,Surname,ID number,Institution,Email address,Course total (Real)\n"
        "Ada,Lovelace,,X,ada@example.org,-\nÉmile,Zola,,X,zola@example.org,-\n",
        ["ada@example.org", "zola@example.org"],
        [
            "First name,Surname,ID number,Email address,Bias,Feedback",
            "Ada,Lovelace,,ada@example.org,0,nothing handed in", "Émile,Zola,,zola@example.org,0,nothing handed in",
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("platform", LISTS)
def test_a_platform_s_list_is_read_and_its_columns_come_back(platform: str, tmp_path: Path) -> None:
    from embedsheet.homework.gradebook import write_upload

    listed, ids, wanted = LISTS[platform]
    (tmp_path / "class.csv").write_text(listed, encoding="utf-8")
    people = read_class(tmp_path / "class.csv")
    assert [student.id for student in people.students] == ids
    key = Key(bytes(32), find("bias"), people.students, columns=people.columns)
    key.save(tmp_path / "key.json")
    key = Key.load(tmp_path / "key.json")
    write_upload(key, parse(key.assignment), {}, tmp_path / "u.csv")
    assert (tmp_path / "u.csv").read_text(encoding="utf-8-sig").splitlines() == wanted


def test_an_id_shown_with_zeros_keeps_them(tmp_path: Path) -> None:
    """7 in the format 000 is 007 on the screen; so it is in every list."""
    book = openpyxl.Workbook()
    book.active.append(["id", "name"])
    book.active.append([7, "Ada"])
    book.active["A2"].number_format = "000"
    book.save(tmp_path / "class.xlsx")
    assert read_roster(tmp_path / "class.xlsx") == [Student("007", "Ada")]

"""Every right answer counts, no answer pays for another, and nobody is lost in silence."""

from __future__ import annotations

import re
import stat
import struct
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from openpyxl.worksheet.formula import ArrayFormula
from typer.testing import CliRunner

from embedsheet.cli import app
from embedsheet.ground.errors import DataError
from embedsheet.ground.notation.addresses import Area, column_letters
from embedsheet.homework.assignment import find, parse
from embedsheet.homework.generate import file_name, make_workbook
from embedsheet.homework.grade import Grade, filled_by_arrays, grade_file
from embedsheet.homework.gradebook import (
    best_of_each,
    integrity,
    not_graded,
    write_feedback,
    write_gradebook,
    write_upload,
)
from embedsheet.homework.key import Key
from embedsheet.homework.roster import Student, read_roster
from embedsheet.homework.sketch import Block, Sketch
from embedsheet.homework.submissions import find_submissions
from embedsheet.homework.whose import senders, words_beside
from embedsheet.workbook import Workbook
from kit.assignments import DRAWN
from kit.judges import gnumeric_values, write_book
from test_homework import fill

ADA = Student("a", "Ada")


def made(name: str, folder: Path) -> tuple[Key, Path, Sketch]:
    """Return a key of one student, her workbook as handed out, and its sketch."""
    key = Key(bytes(range(32)), find(name))
    key.students = [ADA]
    assignment = parse(key.assignment)
    path = folder / file_name(assignment, ADA)
    make_workbook(key, assignment, ADA, path)
    return key, path, assignment.sketch(key.generator(ADA.id))


def answered(path: Path, sketch: Sketch, answers: dict[str, Callable[[Block, int, int], object]]) -> Path:
    """Fill in blocks cell by cell and save."""
    book = openpyxl.load_workbook(path)
    for name, answer in answers.items():
        block = sketch.blocks[name]
        for row in range(block.area.shape[0]):
            for column in range(block.area.shape[1]):
                cell = book["Exercise"].cell(block.area.top + row, block.area.left + column)
                cell.value = answer(block, row, column)
    target = path.with_name("handed-in.xlsx")
    book.save(target)
    book.close()
    return target


def points(grade: Grade) -> dict[str, tuple[str, float]]:
    return {task.block: (task.verdict, task.points) for task in grade.tasks}


@pytest.mark.parametrize("short", ["=MATCH($B{row},$B$6:$B$16,0)", "=MATCH($B{row},$B$7:$B$17,0)+1"])
def test_a_look_up_in_a_range_that_is_a_row_short_is_right_in_no_row(short: str, tmp_path: Path) -> None:
    """Of twelve words the last, or the first, is not found: right for the words shown at most, which is a quarter."""
    key, path, sketch = made("words", tmp_path)
    top = sketch.blocks["text.id"].area.top
    for number in range(4):  # another file each time, so another draw
        answer = short + f"+0*{number}"
        file = answered(path, sketch, {"text.id": lambda block, row, _, to=answer: to.format(row=top + row)})  # type: ignore[misc]
        task = next(task for task in grade_file(key, file).tasks if task.block == "text.id")
        assert task.points <= task.of / 4 and "0 of 8 rows right" in task.message, number


def test_array_formulas_count_in_every_cell_that_they_fill(tmp_path: Path) -> None:
    """As Ctrl+Shift+Enter and a spilling formula of Excel 365 both are stored: one formula, the other cells plain."""
    key, path, sketch = made("embeddings", tmp_path)
    assignment = parse(key.assignment)
    fill(path, tmp_path / "full.xlsx", assignment, sketch, {})
    book = openpyxl.load_workbook(tmp_path / "full.xlsx")
    page = book["Exercise"]
    arrays = {
        "ratings.user_index": "MATCH({ratings.user},users.id,0)",
        "one_hot.product": "MMULT({one_hot},users.factors)",
        "squared_errors": "({ratings.rating}-{predictions})^2",
    }
    for name, formula in arrays.items():
        text = re.sub(r"{(.+?)}", lambda found: sketch.blocks[found[1]].area.local(), formula)
        area = sketch.blocks[name].area
        for row in page[area.local()]:
            for cell in row:
                cell.value = 0.0
        page.cell(area.top, area.left).value = ArrayFormula(area.local(), "=" + text)
    book.save(tmp_path / "arrays.xlsx")
    grade = grade_file(key, tmp_path / "arrays.xlsx")
    assert {block: words for block, words in points(grade).items() if words[0] != "right"} == {}
    assert grade.points == 100


def test_an_array_formula_fills_what_it_shares_with_an_answer(tmp_path: Path) -> None:
    """It begins a row above the answer, and a column to its left; another ends above it, one lies within."""
    path = write_book(tmp_path / "book.xlsx", {"S": {"A1": 1}})
    book = openpyxl.load_workbook(path)
    for area in ("C2:D5", "F1:G2", "F6:G6"):
        book["S"][area.partition(":")[0]] = ArrayFormula(area, "=A1:A1")
    book.save(path)
    filled = filled_by_arrays(Workbook.open(path), Area("S", 3, 4, 6, 7))
    assert filled.tolist() == [[True, False, False, False]] * 3 + [[False, False, True, True]]


def test_words_are_found_in_the_row_of_their_question_alone(tmp_path: Path) -> None:
    """Where the answer's cell has lost its name: the last text of the row, beyond the question's own cells."""
    words = {"A5": "Why is it so?", "B5": "10 points", "F5": "Because.", "H20": "Something else"}
    path = write_book(tmp_path / "words.xlsx", {"S": words})
    assert words_beside(Workbook.open(path), "Why is  it so?") == "Because."
    assert words_beside(Workbook.open(path), "Who is it?") == ""


def test_who_closes_a_circle_of_answers_earns_nothing_and_it_is_named(tmp_path: Path) -> None:
    """gradient = (u - after)/rate with after = u - rate*gradient: the gradient needs no after, which is the hint's."""
    key, path, sketch = made("gradient-by-hand", tmp_path)

    def at(name: str, column: int) -> str:
        area = sketch.blocks[name].area
        return f"{column_letters(area.left + column)}{area.top}"

    circle = answered(
        path,
        sketch,
        {
            "gradient": lambda _b, _r, k: f"=({at('user.factors', k)}-{at('user.factors.after', k)})/learning_rate",
            "user.factors.after": lambda _b, _r, k: f"={at('user.factors', k)}-learning_rate*{at('gradient', k)}",
        },
    )
    iterating = openpyxl.load_workbook(circle)
    iterating.calculation.iterate = True  # what a student can switch on in the options
    iterating.save(tmp_path / "iterating.xlsx")
    for file in (circle, tmp_path / "iterating.xlsx"):
        grade = grade_file(key, file)
        found = points(grade)
        assert found["gradient"] == ("circular", 0)
        assert found["user.factors.after"][0] == "right"
    gradient, after = at("gradient", 0), at("user.factors.after", 0)
    message = next(task.message for task in grade.tasks if task.block == "gradient")
    assert f"Exercise!{gradient} → Exercise!{after} → Exercise!{gradient}" in message


def test_ids_above_the_one_hot_row_that_became_texts_cost_nothing(tmp_path: Path) -> None:
    """As workbooks were handed out once, and as a program may save them: the hint's formula would be 0 everywhere."""
    key, path, sketch = made("embeddings", tmp_path)
    above = sketch.blocks["one_hot"].area
    hint: dict[str, Callable[[Block, int, int], object] | None]
    hint = {
        "one_hot": lambda block, _, column: f"=IF({block.at(-1, column)}={sketch.blocks['selected.user'].at()},1,0)"
    }
    fill(path, tmp_path / "in.xlsx", parse(key.assignment), sketch, hint)
    book = openpyxl.load_workbook(tmp_path / "in.xlsx")
    for column in range(above.left, above.right + 1):
        cell = book["Exercise"].cell(above.top - 1, column)
        cell.value = f"{cell.value:g}"
    book.save(tmp_path / "in.xlsx")
    assert grade_file(key, tmp_path / "in.xlsx").points == 100


def test_what_follows_from_a_circle_is_no_circle(tmp_path: Path) -> None:
    """COLUMNS(G22:G22) in G22 looks at the address alone; the look-ups are right for right rows."""
    key, path, sketch = made("embeddings", tmp_path)
    circle: dict[str, Callable[[Block, int, int], object] | None]
    circle = {"ratings.user_index": lambda block, row, _: f"={block.at(row)}+1"}
    fill(path, tmp_path / "in.xlsx", parse(key.assignment), sketch, circle)
    grade = grade_file(key, tmp_path / "in.xlsx")
    assert [(block, verdict) for block, (verdict, _) in points(grade).items() if verdict != "right"] == [
        ("ratings.user_index", "circular")
    ]


def test_a_circle_through_all_later_answers_is_charged_once(tmp_path: Path) -> None:
    """MATCH in a whole column reads the RMSE below it, which follows from it: Excel has no number in any of them."""
    key, path, sketch = made("embeddings", tmp_path)
    top = sketch.blocks["users.id"].area.top
    circle: dict[str, Callable[[Block, int, int], object] | None]
    circle = {"ratings.user_index": lambda block, row, _: f"=MATCH({block.at(row, -3)},B:B,0)-{top - 1}"}
    assert sketch.blocks["ratings.user"].area.left == 2 == sketch.blocks["ratings.user_index"].area.left - 3
    fill(path, tmp_path / "in.xlsx", parse(key.assignment), sketch, circle)
    grade = grade_file(key, tmp_path / "in.xlsx")
    assert [(task.block, task.points) for task in grade.tasks if task.verdict == "circular"] == [
        ("ratings.user_index", 0)
    ]
    assert grade.points == 100 - next(task.of for task in grade.tasks if task.block == "ratings.user_index")


def test_given_ids_that_were_renamed_throughout_cost_nothing_and_are_noted(tmp_path: Path) -> None:
    """Other numbers are drawn for grading, ids among them: those that were handed out."""
    key, path, sketch = made("embeddings", tmp_path)
    fill(path, tmp_path / "in.xlsx", parse(key.assignment), sketch, {})
    book = openpyxl.load_workbook(tmp_path / "in.xlsx")
    page = book["Exercise"]
    old = page.cell(sketch.blocks["users.id"].area.top, sketch.blocks["users.id"].area.left).value
    renamed = [cell for row in page.iter_rows() for cell in row if cell.value == old]
    assert len(renamed) > 2  # among the users, above the one-hot row, in a rating
    for cell in renamed:
        cell.value = 1
    book.save(tmp_path / "in.xlsx")
    grade = grade_file(key, tmp_path / "in.xlsx")
    assert grade.points == 100
    assert any("given data were changed: users.id" in note for note in grade.notes)


def test_an_answer_is_not_paid_for_by_a_later_one(tmp_path: Path) -> None:
    """The derivative taken from its own check, which was left blank, is no derivative."""
    key, path, sketch = made("gradient-by-hand", tmp_path)
    quotient = sketch.blocks["difference_quotient"].area.local()
    book = answered(path, sketch, {"gradient": lambda *_: f"={quotient}"})
    assert points(grade_file(key, book))["gradient"][1] == 0


def test_an_earlier_mistake_is_still_charged_once(tmp_path: Path) -> None:
    key, path, sketch = made("gradient-by-hand", tmp_path)
    answers = {
        task.block: lambda block, row, column: "=" + block.formula_at(row, column)
        for task in parse(key.assignment).tasks
        if task.block in sketch.blocks and task.kind != "state"
    }
    answers["prediction"] = lambda block, row, column: "=2*" + block.formula_at(row, column)
    found = points(grade_file(key, answered(path, sketch, answers)))
    assert [block for block, (verdict, _) in found.items() if verdict not in ("right", "blank", "collected")] == [
        "prediction"
    ]


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize("form", ["{}", "={}"], ids=["typed", "constant formulas"])
def test_values_in_the_place_of_formulas_earn_nothing(form: str, name: str, tmp_path: Path) -> None:
    """Every value that is right for the numbers shown, as a formula would be stored by Excel."""
    key, path, sketch = made(name, tmp_path)
    assignment = parse(key.assignment)
    reference = tmp_path / "reference.xlsx"
    fill(path, reference, assignment, sketch, {})
    from embedsheet.compiler.recalculation import recalculate

    book = Workbook.open(reference)
    book.save(recalculate(book).edits)
    book = Workbook.open(reference)

    def value(block: Block, row: int, column: int) -> object:
        number = float(book.numbers(book.area(block.name, "Exercise"))[row, column])
        return number if form == "{}" else form.format(repr(number))

    asked = [task for task in assignment.tasks if task.kind in ("formula", "block")]
    grade = grade_file(key, answered(path, sketch, {task.block: value for task in asked}))
    earned = points(grade)
    assert {task.block: earned[task.block] for task in asked if earned[task.block][1]} == {}


def test_feedback_is_of_no_use_in_the_next_submission(tmp_path: Path) -> None:
    """What a wrong answer is told comes from numbers that are not graded, and other files are graded on others."""
    key, path, sketch = made("gradient-by-hand", tmp_path)
    told = []
    for attempt in range(3):
        book = answered(path, sketch, {"prediction": lambda *_, attempt=attempt: f"=0*{attempt}"})
        message = next(task.message for task in grade_file(key, book).tasks if task.block == "prediction")
        assert "with the numbers shown" not in message
        told.append(re.findall(r"it gives (\S+), (\S+) is right", message))
    right = [answer for found in told for _, answer in found]
    assert len(right) == len(set(right)) == 3


def _zip(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


def test_one_damaged_entry_of_a_zip_is_named_and_the_others_are_graded(tmp_path: Path) -> None:
    content = b"PK" + b"x" * 500
    path = _zip(tmp_path / "class.zip", {f"s{i}/book.xlsx": content for i in range(4)})
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"s1/book.xlsx") + 40] ^= 0xFF
    path.write_bytes(raw)
    (tmp_path / "out").mkdir()
    found, notes = find_submissions(path, tmp_path / "out")
    assert [one.shown_as for one in found] == [f"class.zip/s{i}/book.xlsx" for i in (0, 2, 3)]
    assert len(notes) == 1 and "class.zip/s1/book.xlsx" in notes[0] and "CRC" in notes[0]


def test_a_zip_that_claims_a_million_entries_is_named_and_the_others_are_graded(tmp_path: Path) -> None:
    folder = tmp_path / "class"
    folder.mkdir()
    _zip(folder / "good.zip", {"s/book.xlsx": b"PK"})
    many = _zip(folder / "many.zip", {"s/book.xlsx": b"PK"})
    raw = many.read_bytes()
    end = raw.rindex(b"PK\5\6")
    many.write_bytes(raw[:end] + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 65_000, 65_000, 0, 0, 0))
    (tmp_path / "out").mkdir()
    found, notes = find_submissions(folder, tmp_path / "out")
    assert [one.shown_as for one in found] == ["good.zip/s/book.xlsx"]
    assert "many.zip" in notes[0] and "65,000 files" in notes[0]


def test_ids_that_differ_in_signs_only_have_a_text_each(tmp_path: Path) -> None:
    best = {name: Grade("f.xlsx", name, f"Student {name}") for name in ("1", "-1", ".1")}
    write_feedback(parse(find("embeddings")), best, tmp_path / "feedback")
    texts = [path.read_text(encoding="utf-8") for path in (tmp_path / "feedback").iterdir()]
    assert len(texts) == 3
    assert all(sum(f"Student {name} (" in text for text in texts) == 1 for name in best)


def test_an_unclosed_quotation_mark_in_a_roster_is_named_by_line(tmp_path: Path) -> None:
    path = tmp_path / "class.csv"
    path.write_text('id,name\n1,A\n2,"B\n3,C\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"line 3: .*quotation mark"):
        read_roster(path)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps no such permissions")
def test_a_key_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    key = Key.new(find("embeddings"))
    key.save(tmp_path / "key.json")
    assert stat.S_IMODE((tmp_path / "key.json").stat().st_mode) == 0o600


def test_a_class_that_is_refused_leaves_no_key_behind(tmp_path: Path) -> None:
    (tmp_path / "class.csv").write_text("id,name\na b,One\na-b,Two\n", encoding="utf-8")
    words = ["homework", "new", "embeddings", "--roster", str(tmp_path / "class.csv"), "-o", str(tmp_path / "out")]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 2 and "the same file" in " ".join(result.output.split())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["class.csv"]


@pytest.mark.parametrize(("old", "new"), [("Exercise", "Ada"), ("Instructions", "Info")])
def test_a_renamed_sheet_is_found_by_its_names(old: str, new: str, tmp_path: Path) -> None:
    key, path, sketch = made("embeddings", tmp_path)
    fill(path, tmp_path / "full.xlsx", parse(key.assignment), sketch, {})
    # As a spreadsheet program renames: in the list of sheets and in everything that refers to it.
    with zipfile.ZipFile(tmp_path / "full.xlsx") as package, zipfile.ZipFile(tmp_path / "in.xlsx", "w") as copy:
        for name in package.namelist():
            content = package.read(name)
            if name == "xl/workbook.xml" or name.startswith("xl/worksheets/sheet"):
                content = content.replace(f'name="{old}"'.encode(), f'name="{new}"'.encode())
                content = content.replace(f"{old}!".encode(), f"{new}!".encode())
                content = content.replace(f"'{old}'!".encode(), f"'{new}'!".encode())
            copy.writestr(name, content)
    grade = grade_file(key, tmp_path / "in.xlsx")
    assert (grade.points, grade.fault, grade.notes) == (100, "", [])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("factors = 3", "factor = 3"), "option 'factor' is not known"),
        (("title =", "titel ="), "'titel' is not known"),
        (("users = 5", "users = " + "9" * 5000), "is no TOML"),
    ],
)
def test_what_an_assignment_does_not_know_is_refused(change: tuple[str, str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        parse(find("embeddings").replace(*change))


def test_the_sheet_that_solver_changes_is_not_protected(tmp_path: Path) -> None:
    """Excel's Solver stops at a protected sheet; where students write formulas the protection stays."""
    for name, protected in (("solver", False), ("embeddings", True)):
        _, path, _ = made(name, tmp_path)
        book = openpyxl.load_workbook(path)
        assert (book["Exercise"].protection.sheet, book["Instructions"].protection.sheet) == (protected, True)
        book.close()


def test_a_name_in_a_zip_cannot_steer_the_terminal(tmp_path: Path) -> None:
    path = _zip(tmp_path / "class.zip", {"a\x1b[31mred\x9b2J.xlsx": b"PK", "b\x1b]0;x\x07.txt": b""})
    (tmp_path / "out").mkdir()
    found, notes = find_submissions(path, tmp_path / "out")
    assert [one.shown_as for one in found] == [r"class.zip/a\x1b[31mred\x9b2J.xlsx"]
    assert all(text.isprintable() for text in notes) and len(notes) == 1


def test_a_file_in_the_journal_s_place_is_left_alone(tmp_path: Path) -> None:
    key, path, _ = made("words", tmp_path)
    key.save(tmp_path / "key.json")
    diary = tmp_path / "g.journal"
    diary.write_text("Dear diary\n", encoding="utf-8")
    words = ["homework", "grade", str(path.parent), "--key", str(tmp_path / "key.json"), "-o", str(tmp_path / "g.xlsx")]
    result = CliRunner().invoke(app, [*words, "--force"])
    assert result.exit_code == 2 and "is no journal of this grading" in " ".join(result.output.split())
    assert diary.read_text(encoding="utf-8") == "Dear diary\n"


def test_another_program_s_file_is_not_nothing_handed_in_either(tmp_path: Path) -> None:
    """LibreOffice's own format, Excel's old one, and no spreadsheet at all, in a zip and beside it."""
    key, *_ = made("words", tmp_path)
    key.students = [ADA, Student("007", "Bond"), Student("x_3", "Xu"), Student("c", "Cid")]
    handed_in, unpacked = tmp_path / "in", tmp_path / "unpacked"
    handed_in.mkdir()
    unpacked.mkdir()
    with zipfile.ZipFile(handed_in / "class.zip", "w") as out:
        out.writestr("Bond_007.ods", "PK")
        out.writestr("Xu-x_3.pdf", "%PDF")
    (handed_in / f"words {ADA.id}.xls").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
    found, notes = find_submissions(handed_in, unpacked)
    assert notes == ["class.zip/Xu-x_3.pdf: is no .xlsx workbook; passed over"]
    grades = [grade_file(key, one.path, one.shown_as) for one in found]
    assert [grade.fault for grade in grades if grade.file.endswith(".xls")] == [
        "is an old .xls workbook; open it in a spreadsheet program and save it as .xlsx."
    ]
    assert not_graded(key, grades, notes) == {
        ADA.id: f"words {ADA.id}.xls could not be graded", "007": "class.zip/Bond_007.ods could not be graded",
        "x_3": "class.zip/Xu-x_3.pdf could not be graded",
    }  # fmt: skip


def test_whose_a_file_is_a_platforms_name_of_it_tells_beside_its_code(tmp_path: Path) -> None:
    """Moodle's folders and Canvas' files have the student's name. Ada's workbook in Bond's folder is neither's yet."""
    key, path, _ = made("words", tmp_path)
    bond, cid = Student("007", "James Bond"), Student("c", "Cid El")
    key.students = [ADA, bond, cid]
    handed_in, unpacked = tmp_path / "in", tmp_path / "unpacked"
    handed_in.mkdir()
    unpacked.mkdir()
    with zipfile.ZipFile(handed_in / "class.zip", "w") as out:
        out.write(path, "James Bond_1005_assignsubmission_file_/words.xlsx")
        out.writestr("elcid_LATE_12_34_essay.xlsx", "no workbook")
    found, notes = find_submissions(handed_in, unpacked)
    grades = [grade_file(key, one.path, one.shown_as) for one in found]
    first = next(grade for grade in grades if "words" in grade.file)
    assert first.fault.startswith("was handed in by James Bond (007), but is the workbook of Ada (a), by its code")
    assert best_of_each(key, grades) == {}
    ungraded = not_graded(key, grades, notes)
    assert ungraded.keys() == {ADA.id, bond.id, cid.id} and "Ada" not in ungraded[bond.id]
    assert "Bond" not in ungraded[ADA.id]  # who has no 0 either, but is not told whose folder it was
    assert senders(key.students, "x.zip/bondjames_5_6_words.xlsx") == [bond]
    assert senders(key.students, "x.zip/Somebody_1_assignsubmission_file_/a.xlsx") == []
    two = [bond, Student("2", "Bond James")]
    assert senders(two, "bondjames_5_6_words.xlsx") == two
    own = grade_file(key, path, "class.zip/Ada_7_assignsubmission_file_/words.xlsx")
    assert not own.fault and own.student_id == ADA.id


def test_what_could_not_be_graded_is_not_nothing_handed_in(tmp_path: Path) -> None:
    """Of three students one is graded, one's file is damaged, one is absent: only the first counts in the means."""
    key, path, sketch = made("words", tmp_path)
    assignment = parse(key.assignment)
    fill(path, tmp_path / "full.xlsx", assignment, sketch, {})
    key.students = [ADA, Student("007", "Bond"), Student("c", "Cid")]
    damaged = Grade("Words-as-numbers-007.xlsx", "", "", fault="is no workbook")
    grades = [grade_file(key, tmp_path / "full.xlsx"), damaged]
    assert not_graded(key, grades) == {"007": "Words-as-numbers-007.xlsx could not be graded"}
    write_upload(key, assignment, best_of_each(key, grades), tmp_path / "u.csv", not_graded(key, grades))
    rows = (tmp_path / "u.csv").read_text(encoding="utf-8-sig").splitlines()
    assert rows[2].startswith("007,Bond,,") and rows[2].endswith("could not be graded")
    assert rows[3].startswith("c,Cid,0,") and rows[3].endswith("nothing handed in")
    write_gradebook(key, assignment, grades, [], tmp_path / "g.xlsx")
    judged = gnumeric_values(tmp_path / "g.xlsx")["Grades"]
    points = [*(task.points for task in assignment.tasks), assignment.points]
    assert [judged[f"{column_letters(3 + at)}5"] for at in range(len(points))] == points  # means


def test_of_several_files_the_best_counts_and_its_name_is_told(tmp_path: Path) -> None:
    key, path, sketch = made("words", tmp_path)
    assignment = parse(key.assignment)
    fill(path, tmp_path / "full.xlsx", assignment, sketch, {})
    grades = [grade_file(key, path), grade_file(key, tmp_path / "full.xlsx")]
    write_feedback(assignment, best_of_each(key, grades), tmp_path / "feedback", grades)
    text = (tmp_path / "feedback" / "a.txt").read_text(encoding="utf-8")
    assert "You handed in 2 files; the best one counts: full.xlsx" in text
    write_feedback(assignment, best_of_each(key, grades[1:]), tmp_path / "feedback", grades[1:])
    assert "files" not in (tmp_path / "feedback" / "a.txt").read_text(encoding="utf-8")


def test_the_formula_that_the_hint_leads_to_is_no_finding_and_another_is() -> None:
    key = Key(bytes(32), find("words"), [ADA])
    assignment = parse(key.assignment)
    formula = assignment.sketch(key.generator("a")).blocks["cosine"].formula
    assert formula is not None
    for shared, named in ((formula, False), (f"1*({formula})", True)):
        grades = [Grade(f"{n}.xlsx", str(n), "", formulas={"cosine": shared if n < 2 else f"{n}"}) for n in range(9)]
        assert bool(integrity(key, assignment, grades)) == named


def test_how_a_program_writes_false_makes_no_formula_unusual() -> None:
    """LibreOffice saves FALSE as FALSE(): of few students, the formula of the solution all the same."""
    key = Key(bytes(32), find("words"), [ADA])
    assignment = parse(key.assignment)
    sketch = assignment.sketch(key.generator("a"))
    block = sketch.blocks["cosine"]
    for written in ("FALSE()", "FALSE"):
        object.__setattr__(block, "formula", "VLOOKUP($B$2,C2:D9,2,FALSE)")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(type(assignment), "sketch", lambda *_: sketch)
            shared = f"VLOOKUP(B2,C2:D9,2,{written})"
            grades = [
                Grade(f"{n}.xlsx", str(n), "", formulas={"cosine": shared if n < 2 else f"{n}"}) for n in range(9)
            ]
            assert not integrity(key, assignment, grades)

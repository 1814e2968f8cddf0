"""Homework: a simulated class hands in, and each strategy of answering gets the grade that it must get."""

from __future__ import annotations

import csv
import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import openpyxl
import pytest
from typer.testing import CliRunner

from embedsheet.cli import app
from embedsheet.ground.errors import DataError, EmbedsheetError
from embedsheet.homework.assignment import Assignment, find, parse
from embedsheet.homework.feedback import _shifted as pattern
from embedsheet.homework.generate import file_name, make_class, make_workbook
from embedsheet.homework.grade import Grade, grade_file
from embedsheet.homework.gradebook import best_of_each, integrity, write_feedback, write_gradebook, write_upload
from embedsheet.homework.key import Key
from embedsheet.homework.reference import Reference
from embedsheet.homework.roster import Student, read_roster
from embedsheet.homework.sketch import ANSWERED, Block, Sketch
from embedsheet.homework.submissions import find_submissions
from embedsheet.homework.workers import Limits, Submission, grade_all
from embedsheet.workbook import Workbook
from kit.assignments import DRAWN
from kit.judges import gnumeric_values, libreoffice_converted

Answer = Callable[[Block, int, int], object]


def right(block: Block, row: int, column: int) -> object:
    return "=" + block.formula_at(row, column)


def unusual_rmse(block: Block, row: int, column: int) -> object:
    return "=(SUMPRODUCT(squared_errors)/ROWS(squared_errors))^(1/2)"


def one_row_off(block: Block, row: int, column: int) -> object:
    return "=" + block.formula_at(row + 1, column)


def missing_dollar(block: Block, row: int, column: int) -> object:
    """A table written as a moving range: right in the first row only."""
    first, last = "C6", "E10"
    assert block.formula is not None
    moving = re.sub(r"users\.factors", lambda _: f"C{6 + row}:E{10 + row}", block.formula_at(row, column))
    assert (first, last) == ("C6", "E10")
    return "=" + moving


# Strategy → what is answered differently from the right formula, by block (None: left blank).
STRATEGIES: dict[str, dict[str, Answer | None]] = {
    "right": {},
    "right in an unusual way": {"rmse": unusual_rmse},
    "typed number": {"rmse": lambda block, row, column: 1.25},
    "off by one row": {"ratings.user_index": one_row_off},
    "missing dollar": {"ratings.user_factors": missing_dollar},
    "carried forward": {"predictions": lambda block, row, column: "=2*" + block.formula_at(row, column)},
    "rmse left blank": {"rmse": None},
    "an error": {"rmse": lambda block, row, column: "=1/0"},
    "unsupported": {"rmse": lambda block, row, column: '=CELL("width",N22)'},
    "constant formula": {"one_hot.product": lambda block, row, column: "=0.5+0.25"},
}


def students() -> list[Student]:
    return [Student(f"s{number}", name) for number, name in enumerate(STRATEGIES)]


@pytest.fixture(scope="module")
def key() -> Key:
    made = Key(bytes(range(32)), find("embeddings"))
    made.students = students()
    return made


@pytest.fixture(scope="module")
def handed_in(key: Key, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The class's workbooks, filled in by strategy and saved by openpyxl, without stored results."""
    folder = tmp_path_factory.mktemp("class")
    make_class(key, key.students, folder / "out")
    assignment = parse(key.assignment)
    (folder / "in").mkdir()
    for student in key.students:
        sketch = assignment.sketch(key.generator(student.id))
        fill(folder / "out" / file_name(assignment, student), folder / "in" / f"{student.id}.xlsx", assignment, sketch,
             STRATEGIES[student.name])  # fmt: skip
    return folder


def fill(
    source: Path, target: Path, assignment: Assignment, sketch: Sketch, different: dict[str, Answer | None]
) -> None:
    """Answer every task with the right formula, but for those answered differently."""
    book = openpyxl.load_workbook(source)
    page = book["Exercise"]
    for task in assignment.tasks:
        answer = different.get(task.block, right)
        block = sketch.blocks.get(task.block)
        if block is None or block.formula is None or task.kind == "state" or answer is None:
            continue
        for row in range(block.area.shape[0]):
            for column in range(block.area.shape[1]):
                page.cell(block.area.top + row, block.area.left + column).value = answer(block, row, column)
    book.save(target)
    book.close()


def grades(key: Key, folder: Path) -> dict[str, Grade]:
    return {student.name: grade_file(key, folder / f"{student.id}.xlsx") for student in key.students}


def verdicts(grade: Grade) -> dict[str, str]:
    return {task.block: task.verdict for task in grade.tasks if task.verdict != "right"}


def check_class(found: dict[str, Grade]) -> None:
    """The points follow from the assignment: 100 in all, rmse 15, user_index 10, user_factors 15, predictions 15,
    one_hot.product 10; `partial` gives typed numbers nothing."""
    assert not any(grade.fault for grade in found.values()), [grade.fault for grade in found.values()]
    for name in ("right", "right in an unusual way"):
        assert (found[name].points, verdicts(found[name])) == (100.0, {})
    for name, verdict in (
        ("rmse left blank", "blank"),
        ("an error", "error"),
        ("unsupported", "unsupported"),
    ):
        assert (found[name].points, verdicts(found[name])) == (85.0, {"rmse": verdict}), name
    assert not any("charged there" in task.message for task in found["right"].tasks)
    # 1.25 happens to be no student's RMSE: a typed number that is wrong is simply wrong.
    assert (found["typed number"].points, verdicts(found["typed number"])) == (85.0, {"rmse": "wrong"})
    assert verdicts(found["constant formula"]) == {"one_hot.product": "wrong"}
    off = found["off by one row"]
    assert verdicts(off).keys() == {"ratings.user_index"} and off.points < 96
    assert "off by one row" in off.tasks[0].message
    assert "charged there" in next(task.message for task in off.tasks if task.block == "rmse")
    carried = found["carried forward"]
    assert (carried.points, verdicts(carried)) == (85.0, {"predictions": "wrong"})
    dollar = found["missing dollar"]
    assert verdicts(dollar).keys() == {"ratings.user_factors"} and dollar.points < 97


def test_each_strategy_gets_its_grade(key: Key, handed_in: Path) -> None:
    check_class(grades(key, handed_in / "in"))


def test_files_saved_by_libreoffice_get_the_same_grades(key: Key, handed_in: Path) -> None:
    saved = handed_in / "saved"
    saved.mkdir()
    libreoffice_converted(sorted((handed_in / "in").glob("*.xlsx")), saved)
    check_class(grades(key, saved))


def test_a_typed_number_that_is_right_earns_nothing(key: Key, handed_in: Path, tmp_path: Path) -> None:
    assignment, student = parse(key.assignment), key.students[0]
    sketch = assignment.sketch(key.generator(student.id))
    value = float(Reference(sketch).run({}, ["rmse"])["rmse"].numbers[0, 0])
    source = handed_in / "out" / file_name(assignment, student)
    for answer, verdict in ((value, "typed"), (f"={value!r}", "constant")):
        fill(source, tmp_path / "in.xlsx", assignment, sketch, {"rmse": lambda *_, answer=answer: answer})
        grade = grade_file(key, tmp_path / "in.xlsx")
        assert (grade.points, verdicts(grade)) == (85.0, {"rmse": verdict})


def test_a_formula_for_the_row_shown_only_is_told_apart(key: Key, handed_in: Path, tmp_path: Path) -> None:
    assignment, student = parse(key.assignment), key.students[0]
    sketch = assignment.sketch(key.generator(student.id))
    factors = sketch.blocks["users.factors"]
    shown = sketch.blocks["selected.user"].values
    assert shown is not None and shown[0, 0] == sketch.blocks["users.id"].values[0, 0]  # type: ignore[index]
    source = handed_in / "out" / file_name(assignment, student)
    first_row: Answer = lambda block, row, column: "=" + factors.at(0, column)  # noqa: E731
    fill(source, tmp_path / "in.xlsx", assignment, sketch, {"one_hot.product": first_row})
    grade = grade_file(key, tmp_path / "in.xlsx")
    assert verdicts(grade) == {"one_hot.product": "shown only"}
    assert grade.points == 92.5  # 90 and a quarter of 10


@pytest.mark.parametrize("name", DRAWN)
def test_every_ready_made_assignment_can_be_solved_and_is_empty_before(name: str, tmp_path: Path) -> None:
    key = Key(bytes(32), find(name), [Student("a", "Ada")])
    assignment = parse(key.assignment)
    path = tmp_path / "a.xlsx"
    make_workbook(key, assignment, key.students[0], path)
    assert grade_file(key, path).points == 0
    sketch = assignment.sketch(key.generator("a"))
    fill(path, tmp_path / "b.xlsx", assignment, sketch, {})
    grade = grade_file(key, tmp_path / "b.xlsx")
    formulas = sum(task.points for task in assignment.tasks if task.kind in ANSWERED)
    assert (grade.points, grade.notes) == (formulas, [])


def test_a_student_s_workbook_is_what_gnumeric_computes(key: Key, handed_in: Path) -> None:
    for name in ("s0", "s3"):
        path = handed_in / "out" / f"Embeddings-{name}.xlsx"
        book = Workbook.open(path)
        for sheet, cells in gnumeric_values(path).items():
            for address, value in cells.items():
                stored = book.values(book.area(address, sheet))[0][0]
                assert stored == value or stored == pytest.approx(value, rel=1e-12), (sheet, address)


def test_nothing_in_a_student_s_file_gives_an_answer_away(key: Key, handed_in: Path, tmp_path: Path) -> None:
    assignment, student = parse(key.assignment), key.students[0]
    sketch = assignment.sketch(key.generator(student.id))
    values = Reference(sketch).run({}, [task.block for task in assignment.tasks])
    with zipfile.ZipFile(handed_in / "out" / file_name(assignment, student)) as archive:
        parts = {name: archive.read(name).decode("utf-8", "replace") for name in archive.namelist()}
    everything = "\n".join(parts.values())
    for task in assignment.tasks:
        block = sketch.blocks[task.block]
        assert block.formula is not None and block.formula not in everything
        numbers = values[task.block].numbers.ravel()
        for number in numbers[np.abs(numbers - np.round(numbers, 2)) > 1e-6]:
            assert repr(float(number))[:8] not in everything  # look-ups repeat given numbers; results must not appear
    for secret in (key.secret.hex(), str(int.from_bytes(key._digest("seed", student.id), "big"))):
        assert secret not in everything


def test_without_the_key_nobody_makes_the_same_numbers(key: Key) -> None:
    assignment = parse(key.assignment)
    other = Key.new(key.assignment)
    mine, theirs = (one.generator("s1").bytes(16) for one in (key, other))
    assert mine != theirs and key.token("s1") != other.token("s1")
    ours = assignment.sketch(key.generator("s1")).blocks["users.factors"].values
    again = assignment.sketch(key.generator("s1")).blocks["users.factors"].values
    assert np.array_equal(ours, again)  # type: ignore[arg-type]


def test_a_state_is_recomputed_from_the_orange_cells_and_changed_data_are_named(tmp_path: Path) -> None:
    from embedsheet.solver import solve

    key = Key(bytes(32), find("solver"), [Student("a", "Ada")])
    path = tmp_path / "a.xlsx"
    make_workbook(key, parse(key.assignment), key.students[0], path)
    solve(path)
    grade = grade_file(key, path)
    assert (grade.points, grade.tasks[0].verdict, grade.notes) == (70.0, "reached", [])
    book = openpyxl.load_workbook(path)
    page = book["Exercise"]
    sketch = parse(key.assignment).sketch(key.generator("a"))
    rating, rmse = sketch.blocks["ratings.rating"].area, sketch.blocks["rmse"].area
    page.cell(rating.top, rating.left).value = 9.0
    page.cell(rmse.top, rmse.left).value = 0.01
    book.save(path)
    assert [note.split(" (")[0] for note in grade_file(key, path).notes] == [
        "given data were changed: ratings.rating",
        "given formulas were changed: rmse",
    ]


# Hostile files


def write_text(path: Path) -> None:
    path.write_text("this is no workbook", encoding="utf-8")


def write_broken(path: Path) -> None:
    path.write_bytes(b"PK\x03\x04" + bytes(200))


def write_encrypted(path: Path) -> None:
    path.write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(2000))


def write_bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b" " * 300_000_000)


def write_foreign(path: Path) -> None:
    book = openpyxl.Workbook()
    book.save(path)


HOSTILE = {
    "text.xlsx": write_text,
    "broken.xlsx": write_broken,
    "encrypted.xlsx": write_encrypted,
    "bomb.xlsx": write_bomb,
    "foreign.xlsx": write_foreign,
}


def hostile_answers() -> dict[str, dict[str, Answer | None]]:
    deep = "=" + "(" * 500 + "1" + ")" * 500
    return {
        "circular": {"rmse": lambda block, row, column: f"={block.at()}+1"},
        "external": {"rmse": lambda block, row, column: "=[1]Sheet1!A1"},
        "deep": {"rmse": lambda block, row, column: deep},
    }


def test_hostile_files_get_a_line_each_and_never_stop_the_run(key: Key, handed_in: Path, tmp_path: Path) -> None:
    assignment, student = parse(key.assignment), key.students[0]
    sketch = assignment.sketch(key.generator(student.id))
    source = handed_in / "out" / file_name(assignment, student)
    for name, write in HOSTILE.items():
        write(tmp_path / name)
    for name, different in hostile_answers().items():
        fill(source, tmp_path / f"{name}.xlsx", assignment, sketch, different)
    shutil.copy(handed_in / "in" / "s0.xlsx", tmp_path / "good.xlsx")
    submissions = [Submission(path, path.name) for path in sorted(tmp_path.glob("*.xlsx"))]
    heard: list[str] = []
    found = grade_all(
        key,
        submissions,
        tmp_path / "journal",
        processes=2,
        progress=lambda done, total, grade: heard.append(grade.file),
    )
    by_file = {grade.file: grade for grade in found}
    assert sorted(heard) == sorted(by_file)
    assert by_file["good.xlsx"].points == 100.0
    for name in HOSTILE:
        assert by_file[name].fault, name
        assert not by_file[name].fault.startswith(name)  # the gradebook names the file beside
    for name in ("circular", "external", "deep"):
        grade = by_file[f"{name}.xlsx"]
        assert not grade.fault and grade.points == 85.0, (name, grade.fault)
        said = {"circular": "circular", "deep": "wrong"}.get(name, "unsupported")  # deep: 500 brackets around a 1
        assert verdicts(grade) == {"rmse": said}


def test_a_file_that_takes_too_long_is_given_up_and_the_others_go_on(key: Key, handed_in: Path, tmp_path: Path) -> None:
    """Each has 60,000 formulas more than were asked for, which no machine reads between two looks at the clock."""
    submissions = []
    for number in range(2):
        book = openpyxl.load_workbook(handed_in / "in" / f"s{number}.xlsx")
        page = book.create_sheet("More")
        for row in range(1, 3001):
            page.append([f"={row}*{column}+A{row + 1}" for column in range(20)])
        book.save(tmp_path / f"s{number}.xlsx")
        submissions.append(Submission(tmp_path / f"s{number}.xlsx", f"s{number}"))
    found = grade_all(key, submissions, tmp_path / "journal", processes=1, limits=Limits(seconds=0.01))
    assert all("took more than 0.01 s" in grade.fault for grade in found)


def test_an_interrupted_run_goes_on_where_it_stopped(key: Key, handed_in: Path, tmp_path: Path) -> None:
    submissions = [Submission(handed_in / "in" / f"s{i}.xlsx", f"s{i}") for i in range(3)]

    def stop(done: int, total: int, grade: Grade) -> None:
        raise KeyboardInterrupt

    journal = tmp_path / "journal"
    with pytest.raises(KeyboardInterrupt):
        grade_all(key, submissions, journal, processes=1, progress=stop)
    before = journal.read_text(encoding="utf-8").splitlines()
    heard: list[str] = []
    found = grade_all(key, submissions, journal, processes=1, progress=lambda done, total, one: heard.append(one.file))
    assert len(before) >= 1 and len(heard) == 3 - len(before)
    assert [grade.student_id for grade in found] == ["s0", "s1", "s2"]


def test_a_platform_s_zip_is_read_without_using_its_names_as_paths(handed_in: Path, tmp_path: Path) -> None:
    archive = tmp_path / "handed-in.zip"
    with zipfile.ZipFile(archive, "w") as out:
        out.write(handed_in / "in" / "s0.xlsx", "Ada Lovelace_123/../../evil.xlsx")
        out.write(handed_in / "in" / "s1.xlsx", "Émile Zola_124/Embeddings-s1.xlsx")
        out.writestr("Émile Zola_124/notes.txt", "hello")
    unpacked = tmp_path / "unpacked"
    unpacked.mkdir()
    found, notes = find_submissions(archive, unpacked)
    assert [one.path.parent for one in found] == [unpacked, unpacked]
    assert [one.shown_as.split("/")[-1] for one in found] == ["evil.xlsx", "Embeddings-s1.xlsx"]
    assert notes == ["handed-in.zip/Émile Zola_124/notes.txt: is no .xlsx workbook; passed over"]
    assert not (tmp_path / "evil.xlsx").exists()


# What the teacher gets


def test_the_gradebook_says_what_its_colours_mean(key: Key, handed_in: Path, tmp_path: Path) -> None:
    """Red is no points and green all of a task's, whatever others have: a column of zeros is red."""
    asked = parse(key.assignment)
    write_gradebook(key, asked, [], [], tmp_path / "book.xlsx")
    page = openpyxl.load_workbook(tmp_path / "book.xlsx")["Grades"]
    assert "From red, no points, to green" in page["A2"].value
    assert page["C10"].alignment.horizontal == "left"  # the hardest task's name
    (*scales,) = (rule.colorScale for rules in page.conditional_formatting for rule in rules.rules)
    ends = [[(one.type, float(one.val)) for one in scale.cfvo] for scale in scales]
    assert ends == [[("num", 0), ("num", task.points or 1)] for task in asked.tasks]


def test_the_gradebook_agrees_with_the_grades_and_with_gnumeric(key: Key, handed_in: Path, tmp_path: Path) -> None:
    found = list(grades(key, handed_in / "in").values())
    assignment = parse(key.assignment)
    path = tmp_path / "gradebook.xlsx"
    write_gradebook(key, assignment, found, ["notes.txt: is no .xlsx workbook; passed over"], path)
    judged = gnumeric_values(path)
    total = {student.id: judged["Grades"][f"L{12 + i}"] for i, student in enumerate(key.students)}
    assert total == {grade.student_id: pytest.approx(grade.points) for grade in found}
    stored = openpyxl.load_workbook(path, data_only=True)
    for sheet, cells in judged.items():
        for address, value in cells.items():
            if isinstance(value, float):
                assert stored[sheet][address].value == pytest.approx(value), (sheet, address)
    assert judged["Grades"]["C10"] == "RMSE"  # seven of ten answered it right, fewer than any other task
    stored.close()


def test_feedback_and_upload_name_place_fault_and_hint(key: Key, handed_in: Path, tmp_path: Path) -> None:
    found = list(grades(key, handed_in / "in").values())
    assignment = parse(key.assignment)
    best = best_of_each(key, found)
    write_feedback(assignment, best, tmp_path / "feedback")
    text = (tmp_path / "feedback" / "s6.txt").read_text(encoding="utf-8")
    assert "85 of 100 points" in text and "B35: nothing was written" in text and "Hint: SQRT of AVERAGE." in text
    write_upload(key, assignment, best, tmp_path / "upload.csv")
    with (tmp_path / "upload.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["points"] for row in rows][:2] == ["100", "100"] and len(rows) == len(key.students)


def test_a_text_of_an_earlier_run_goes_and_the_teacher_s_own_files_stay(
    key: Key, handed_in: Path, tmp_path: Path
) -> None:
    best = best_of_each(key, list(grades(key, handed_in / "in").values()))
    assignment = parse(key.assignment)
    write_feedback(assignment, best, tmp_path)
    (tmp_path / "notes.txt").write_text("Embeddings\nask s6 (why?)\n", encoding="utf-8")
    before = {path.name for path in tmp_path.iterdir()}
    assert "s6.txt" in before
    write_feedback(assignment, {name: grade for name, grade in best.items() if name != "s6"}, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == before - {"s6.txt"}


def test_integrity_gives_facts(key: Key, handed_in: Path, tmp_path: Path) -> None:
    assignment = parse(key.assignment)
    shutil.copy(handed_in / "in" / "s0.xlsx", tmp_path / "s1-copy.xlsx")
    found = [*grades(key, handed_in / "in").values(), grade_file(key, tmp_path / "s1-copy.xlsx")]
    facts = integrity(key, assignment, found)
    assert ("several files carry one student's code", "s0", "s0.xlsx, s1-copy.xlsx") in facts
    saved_by = [details for what, who, details in facts if what == "saved by" and who.startswith("s0, s1, ")]
    assert len(saved_by) == 1 and saved_by[0].startswith("Microsoft Excel")  # as openpyxl signs its files


@pytest.mark.parametrize(("version", "said"), [("12.0000", ""), ("16.0300", "Microsoft Excel")])
def test_a_workbook_as_it_was_handed_out_was_saved_by_nobody(version: str, said: str, key: Key, tmp_path: Path) -> None:
    """XlsxWriter signs as Excel 12 (2007); Excel 2016 and later as 16.0300."""
    (made,), _ = make_class(key, key.students[:1], tmp_path / "class")
    with zipfile.ZipFile(made) as package, zipfile.ZipFile(tmp_path / "in.xlsx", "w") as copy:
        for name in package.namelist():
            copy.writestr(name, package.read(name).replace(b"<AppVersion>12.0000<", f"<AppVersion>{version}<".encode()))
    assert grade_file(key, tmp_path / "in.xlsx").program == said


# Rosters and keys


def test_a_roster_is_read_from_csv_and_xlsx(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Name;ID\n\nÉmile Zola;007\n;\nAda;8\n", encoding="utf-8-sig")
    book = openpyxl.Workbook()
    for row in (
        ["First name", "Last name", "Student ID"],
        ["Émile", "Zola", "007"],
        [None, None, None],
        ["Ada", "", 8],
    ):
        book.active.append(row)
    book.save(tmp_path / "b.xlsx")
    assert read_roster(tmp_path / "a.csv") == [Student("007", "Émile Zola"), Student("8", "Ada")]
    assert read_roster(tmp_path / "b.xlsx") == [Student("007", "Émile Zola"), Student("8", "Ada")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"id,name\n", "names no student"),
        (
            b"number,,,colour,\n1,,,red,\n",
            "line 1: the heading must name the columns `id` and `name`; it has number, colour.",
        ),
        (b"id,name\n1,A\n,B\n1,C\n", "line 3: B has no id\n  line 4: id 1 stands already in line 2"),
        ("id,name\n1,Zoë\n".encode("latin-1"), "line 2: is not UTF-8"),
        (b"PK\x00\x00\x00", "is no text file"),
    ],
)
def test_a_roster_s_faults_are_named_by_line(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "class.csv").write_bytes(content)
    with pytest.raises(DataError, match=re.escape(message)):
        read_roster(tmp_path / "class.csv")


def test_mutated_keys_and_rosters_end_in_a_message(key: Key, tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    key.save(tmp_path / "key.json")
    whole = (tmp_path / "key.json").read_bytes()
    assert Key.load(tmp_path / "key.json") == key
    roster = b"id,name\n" + b"".join(f"{i},Student {i}\n".encode() for i in range(20))
    for _ in range(60):
        for content, read in ((whole, Key.load), (roster, read_roster)):
            changed = bytearray(content)
            for place in rng.integers(0, len(changed), 5):
                changed[place] = rng.integers(0, 256)
            (tmp_path / "x.csv").write_bytes(bytes(changed))
            try:
                read(tmp_path / "x.csv")
            except EmbedsheetError as fault:
                assert "x.csv" in str(fault)


def test_late_students_are_added_and_no_file_is_replaced(tmp_path: Path) -> None:
    key = Key.new(find("words"))
    key.students = [Student("1", "A")]
    make_class(key, key.students, tmp_path)
    before = next(tmp_path.glob("*.xlsx")).read_bytes()
    written, there = make_class(key, [*key.students, Student("2", "B")], tmp_path)
    assert [path.name for path in written] == ["Words-as-numbers-2.xlsx"] and there == [Student("1", "A")]
    assert (tmp_path / "Words-as-numbers-1.xlsx").read_bytes() == before


def test_a_wrong_key_is_said_at_once_and_is_exit_code_1(handed_in: Path, tmp_path: Path) -> None:
    wrong = Key.new(find("words"))
    wrong.students = students()
    wrong.save(tmp_path / "other-key.json")
    arguments = ["homework", "grade", handed_in / "in", "--key", tmp_path / "other-key.json", "-o", tmp_path / "g.xlsx"]
    result = CliRunner().invoke(app, [str(one) for one in arguments])
    assert result.exit_code == 1
    assert "s0.xlsx says it belongs to 's0', but its code is not one of this class; ask for the file." in result.stdout


def test_what_grading_wrote_among_the_hand_ins_was_handed_in_by_nobody(
    key: Key, handed_in: Path, tmp_path: Path
) -> None:
    key.save(tmp_path / "key.json")
    folder = tmp_path / "in"
    folder.mkdir()
    shutil.copy(handed_in / "in" / "s0.xlsx", folder)
    arguments = ["homework", "grade", folder, "--key", tmp_path / "key.json", "-o", folder / "book.xlsx", "--force"]
    for _ in range(2):  # the second time gradebook, texts and CSV lie there
        said = CliRunner().invoke(app, list(map(str, arguments)))
        assert said.exit_code == 0 and said.output.startswith("1 file, 1 of ")
        assert "could not be graded" not in said.output
    assert {path.name for path in folder.iterdir()} == {"s0.xlsx", "book.xlsx", "book-feedback", "book-upload.csv"}


@pytest.mark.parametrize(
    ("got", "text"), [([2, 3, 4, 5, 99], "below"), ([99, 1, 2, 3, 4], "above"), ([9, 1, 7, 3, 8], "")]
)
def test_answers_of_the_next_row_are_recognised_whatever_stands_at_the_edge(got: list[float], text: str) -> None:
    """The row at the edge has no neighbour to be taken from, so it counts for neither side."""
    words = np.full((5, 1), "wrong", object)
    found = pattern(np.array(got, float)[:, None], np.arange(1.0, 6.0)[:, None], words)
    assert (f"of the row {text}" in found) if text else ("off by one row" not in found)

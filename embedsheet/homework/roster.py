"""The class: one student a line, an id and a name."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embedsheet.ground.errors import DataError, EmbedsheetError, did_you_mean

# In the order in which they are tried: the first that any student has is the id.
_ID_HEADINGS = (
    "id", "student id", "student_id", "studentid", "id number", "number", "matriculation", "username", "user name",
    "login", "sis login id", "sis user id", "email address", "email",
)  # fmt: skip
_NAME_HEADINGS = ("name", "full name", "student", "student name")
_FIRST_HEADINGS = ("first name", "firstname", "given name", "first")
_LAST_HEADINGS = ("last name", "lastname", "surname", "family name", "last")
_HARMLESS = "\n\t\u200c\u200d"  # the last two join letters, in Persian as in Hindi
_MOST_STUDENTS = 100_000
_PLATFORMS = {
    "canvas": {"student", "id", "section"},
    "blackboard": {"last name", "first name", "username"},
    "moodle": {"first name", "email address"},
}
_KEPT = {  # the columns by which a platform knows its students again
    "canvas": ("student", "id", "sis user id", "sis login id", "section"),
    "blackboard": ("last name", "first name", "username", "student id"),
    "moodle": ("first name", "last name", "surname", "id number", "username", "email address"),
}


@dataclass(frozen=True)
class Student:
    """`id` is what tells students apart; it is text, so that 007 stays 007."""

    id: str
    name: str


def visible(text: str) -> str:
    """Return a text with what would steer a terminal or turn the direction of reading written as escapes."""
    return "".join(
        letter
        if letter.isprintable() or letter in _HARMLESS
        else " "
        if unicodedata.category(letter) == "Zs"
        else letter.encode("unicode_escape").decode()
        for letter in text
    )


def alike(student_id: str) -> str:
    """Return what two spellings of one id have in common: é is one character or two, and capitals do not count."""
    return unicodedata.normalize("NFKC", student_id).casefold()


@dataclass(frozen=True)
class Roster:
    """`columns` is what a learning platform's list says of each student, by id: heading → words; else empty."""

    students: list[Student]
    columns: dict[str, dict[str, str]]


def platform(headings: Iterable[str]) -> str:
    """Return "canvas", "blackboard" or "moodle", whose list has such headings, or "".

    As their gradebooks are exported: Canvas `Student,ID,SIS User ID,SIS Login ID,Section`; Blackboard `Last Name,First
    Name,Username,Student ID,Last Access,Availability`; Moodle `First name,Surname,ID number,…,Email address`.
    """
    words = {heading.strip().casefold() for heading in headings}
    return next((name for name, needed in _PLATFORMS.items() if needed <= words), "")


def read_roster(path: Path) -> list[Student]:
    """Return the students that `read_class` finds."""
    return read_class(path).students


def read_class(path: Path) -> Roster:
    """Read a .csv or .xlsx with a heading line that names an id and a name (or first and last name).

    Empty lines are passed over. Raises DataError naming the lines of missing or doubled ids, wrong encodings, or a
    heading that does not say what is what.
    """
    if not path.is_file():
        there = {one.name: one.name for end in ("csv", "xls[xm]") for one in path.parent.glob(f"*.{end}")}
        guess = did_you_mean(path.name, there) or "."
        raise DataError(f"{path}: there is no such file; give the class as .csv or .xlsx{guess}")
    lines = _sheet_lines(path) if path.suffix.lower() in (".xlsx", ".xlsm") else _csv_lines(path)
    return _students(path, lines)


def _csv_lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    raw = path.read_bytes()
    encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as fault:
        line = raw[: fault.start].count(b"\n") + 1
        raise DataError(
            f"{path}, line {line}: is not UTF-8; save it as “CSV UTF-8” (Excel: Save As ► CSV UTF-8)."
        ) from None
    if "\0" in text:
        raise DataError(f"{path}: is no text file; give the class as .csv or .xlsx.")
    first = text.splitlines()[0] if text.strip() else ""
    delimiter = max(",;\t", key=first.count)
    # Strict, or an unclosed quotation mark would swallow the students below it.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begun = 1
    try:
        for row in reader:
            yield reader.line_num, row
            begun = reader.line_num + 1
    except csv.Error as fault:
        raise DataError(
            f"{path}, line {begun}: cannot be read as CSV ({fault}); see that every quotation mark is closed."
        ) from None


def _sheet_lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    import openpyxl

    from embedsheet.workbook import Workbook

    try:
        Workbook.open(path)
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (EmbedsheetError, ValueError, KeyError, TypeError) as fault:
        raise DataError(f"{path}: the roster cannot be read: {fault}") from None
    try:
        sheet = book.worksheets[0]
        for line, row in enumerate(sheet.iter_rows(max_row=_MOST_STUDENTS, max_col=50), 1):
            yield line, [_words(cell) for cell in row]
    finally:
        book.close()


def _words(cell: Any) -> str:
    """Return a cell's text; 7 shown by the format 000 is 007, as an id."""
    value = cell.value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        text = f"{value:.15g}"
        zeros = str(cell.number_format)
        return text.zfill(len(zeros)) if zeros.strip("0") == "" and value >= 0 else text
    return "" if value is None else str(value)


def _students(path: Path, lines: Iterable[tuple[int, list[str]]]) -> Roster:
    rows = [(line, [visible(cell.strip()) for cell in row]) for line, row in lines if any(cell.strip() for cell in row)]
    if not rows:
        raise DataError(f"{path}: is empty; write a heading line `id,name` and one student a line.")
    heading = [cell.casefold() for cell in rows[0][1]]
    kind = platform(heading)
    rows = [rows[0], *(row for row in rows[1:] if "points possible" not in (cell.casefold() for cell in row[1]))]
    filled = [any(at < len(row) and row[at] for _, row in rows[1:]) for at in range(len(heading))]
    id_at, names_at = _columns(path, heading, filled)
    kept = [at for at, word in enumerate(heading) if word in _KEPT.get(kind, ())]
    columns: dict[str, dict[str, str]] = {}
    students: list[Student] = []
    faults: list[str] = []
    seen: dict[str, int] = {}
    for line, row in rows[1:]:
        cells = [*row, *[""] * (len(heading) - len(row))]
        student_id, name = cells[id_at], " ".join(filter(None, (cells[at] for at in names_at)))
        if not student_id:
            faults.append(f"line {line}: {name or 'a student'} has no id")
        elif alike(student_id) in seen:
            faults.append(f"line {line}: id {student_id} stands already in line {seen[alike(student_id)]}")
        else:
            seen[alike(student_id)] = line
            students.append(Student(student_id, name or student_id))
            if kept:
                columns[student_id] = {rows[0][1][at]: cells[at] for at in kept}
    if faults:
        more = f"\n  … and {len(faults) - 20} more" if len(faults) > 20 else ""
        raise DataError(f"{path}: correct these lines of the roster:\n  " + "\n  ".join(faults[:20]) + more)
    if not students:
        raise DataError(f"{path}: names no student below its heading; write one a line.")
    return Roster(students, columns)


def _columns(path: Path, heading: list[str], filled: list[bool]) -> tuple[int, list[int]]:
    def find(words: tuple[str, ...]) -> int | None:
        there = [heading.index(word) for word in words if word in heading]
        return next((at for at in there if filled[at]), there[0] if there else None)

    id_at, name_at = find(_ID_HEADINGS), find(_NAME_HEADINGS)
    first, last = find(_FIRST_HEADINGS), find(_LAST_HEADINGS)
    names = [name_at] if name_at is not None else [at for at in (first, last) if at is not None]
    if id_at is None or not names:
        raise DataError(
            f"{path}, line 1: the heading must name the columns `id` and `name`; "
            f"it has {', '.join(filter(None, heading)) or 'nothing'}."
        )
    return id_at, names

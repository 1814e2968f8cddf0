"""The class: one student a line, an id and a name."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from embedsheet.ground.errors import DataError, EmbedsheetError

_ID_HEADINGS = ("id", "student id", "student_id", "studentid", "number", "matriculation", "username", "login")
_NAME_HEADINGS = ("name", "full name", "student", "student name")
_FIRST_HEADINGS = ("first name", "firstname", "given name", "first")
_LAST_HEADINGS = ("last name", "lastname", "surname", "family name", "last")
_MOST_STUDENTS = 100_000


@dataclass(frozen=True)
class Student:
    """`id` is what tells students apart; it is text, so that 007 stays 007."""

    id: str
    name: str


def alike(student_id: str) -> str:
    """Return what two spellings of one id have in common: é is one character or two, and capitals do not count."""
    return unicodedata.normalize("NFKC", student_id).casefold()


def read_roster(path: Path) -> list[Student]:
    """Read a .csv or .xlsx with a heading line that names an id and a name (or first and last name).

    Empty lines are passed over. Raises DataError naming the lines of missing or doubled ids, wrong encodings, or a
    heading that does not say what is what.
    """
    if not path.is_file():
        raise DataError(f"{path}: there is no such file; give the class as .csv or .xlsx.")
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
    from embedsheet.notation.addresses import Area
    from embedsheet.workbook import Workbook

    try:
        book = Workbook.open(path)
    except EmbedsheetError as fault:
        raise DataError(f"{path}: the roster cannot be read: {fault}") from None
    sheet = next(iter(book.sheets.values()))
    if not len(sheet.rows):
        return
    area = Area(sheet.name, 1, 1, min(int(sheet.rows.max()), _MOST_STUDENTS), min(int(sheet.columns.max()), 50))
    for line, row in enumerate(book.values(area), 1):
        yield line, ["" if cell is None else f"{cell:.15g}" if isinstance(cell, float) else str(cell) for cell in row]


def _students(path: Path, lines: Iterable[tuple[int, list[str]]]) -> list[Student]:
    rows = [(line, [cell.strip() for cell in row]) for line, row in lines if any(cell.strip() for cell in row)]
    if not rows:
        raise DataError(f"{path}: is empty; write a heading line `id,name` and one student a line.")
    heading = [cell.casefold() for cell in rows[0][1]]
    id_at, names_at = _columns(path, heading)
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
    if faults:
        more = f"\n  … and {len(faults) - 20} more" if len(faults) > 20 else ""
        raise DataError(f"{path}: correct these lines of the roster:\n  " + "\n  ".join(faults[:20]) + more)
    if not students:
        raise DataError(f"{path}: names no student below its heading.")
    return students


def _columns(path: Path, heading: list[str]) -> tuple[int, list[int]]:
    def find(words: tuple[str, ...]) -> int | None:
        return next((heading.index(word) for word in words if word in heading), None)

    id_at, name_at = find(_ID_HEADINGS), find(_NAME_HEADINGS)
    first, last = find(_FIRST_HEADINGS), find(_LAST_HEADINGS)
    names = [name_at] if name_at is not None else [at for at in (first, last) if at is not None]
    if id_at is None or not names:
        raise DataError(
            f"{path}, line 1: the heading must name the columns `id` and `name`; "
            f"it has {', '.join(heading) or 'nothing'}."
        )
    return id_at, names

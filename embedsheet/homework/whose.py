"""Whose workbook it is, what program saved it, and the student's own words in it."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embedsheet.ground.errors import DataError, EmbedsheetError
from embedsheet.ground.keys import name_key
from embedsheet.ground.kinds import TEXT
from embedsheet.homework.assignment import parse
from embedsheet.homework.generate import INSTRUCTIONS
from embedsheet.homework.key import Key
from embedsheet.homework.roster import Student, alike
from embedsheet.workbook import Workbook

FOREIGN = "its code is not one of this class; ask for the file."


def saved_by(path: Path) -> str:
    """Return the program that a workbook says saved it; "" where it says nothing or is as it was handed out.

    XlsxWriter, which makes the workbooks, calls itself Microsoft Excel, of version 12; Excel 2010 was 14.
    """
    try:
        with zipfile.ZipFile(path) as package, package.open("docProps/app.xml") as part:
            properties = part.read(65536).decode("utf-8", "replace")
    except (KeyError, OSError, zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError):
        return ""
    program = re.search(r"<Application>([^<]{1,100})</Application>", properties)
    version = re.search(r"<AppVersion>(\d{1,9})", properties)
    if program is None or (program[1] == "Microsoft Excel" and version and int(version[1]) < 14):
        return ""
    return program[1]


def identify(key: Key, book: Workbook, notes: list[str]) -> Student:
    """Return whose workbook it is, by what is written in it; what is odd goes into `notes`. Raises DataError."""
    sheet = sheet_with(book, INSTRUCTIONS, {"student.id", "student.token"})
    student_id, token = (text_of(book, name, sheet) for name in ("student.id", "student.token"))
    owners = {key.token(student.id): student for student in key.students}
    if token is None:  # names are lost where Numbers or Google Sheets saved the workbook
        texts = {text for sheet_name in book.sheets for text in _texts(book, sheet_name)}
        codes = sorted(texts & owners.keys())
        if not codes:
            raise DataError(
                "is no workbook of this assignment: no cell holds the code of a student; ask for the right file."
            )
        if len(codes) > 1:  # a colleague's sheet was copied into it, say
            names = " and ".join(sorted(f"{owners[code].name} ({owners[code].id})" for code in codes))
            raise DataError(f"holds the codes of {names}, and no name says which counts; ask whose work it is.")
        token = codes[0]
        student_id = owners[token].id if owners[token].id in texts else None
    owner = owners.get(token)
    if owner is None:
        raise DataError(f"says it belongs to {student_id!r}, but {FOREIGN}")
    if student_id is None or alike(owner.id) != alike(student_id):
        notes.append(f"the id in the file is {student_id!r}, its code that of {owner.id}")
    return owner


# What platforms call what was handed in: Moodle a student's folder, Canvas a file.
_PLATFORMS = (r"(.+?)_\d+_assignsubmission_", r"([^\W\d_]+)(?:_LATE)?_\d+_\d+_")


def senders(students: Sequence[Student], file: str) -> list[Student]:
    """Return whose a file may be by what Moodle or Canvas made of the student's name in its path; [] for nobody's.

    Moodle: "Ada Lovelace_1005_assignsubmission_file_/…", where the name as it stands in the list comes before one that
    is turned; Canvas: "lovelaceada_1005_2001_…", the last name first. Where a name is parted, nobody knows; and what a
    student packed into a folder says nothing, so that the outermost counts.
    """
    for part in file.split("/"):
        for pattern, turned_too in zip(_PLATFORMS, (False, True), strict=True):
            if match := re.match(pattern, part, re.IGNORECASE):
                wanted = _letters(match[1])
                exact = [one for one in students if wanted == _letters(one.name)]
                if exact and not turned_too:
                    return exact
                return [one for one in students if one in exact or wanted in _turned(one.name)]
    return []


def _turned(name: str) -> set[str]:
    words = name.split()
    return {_letters("".join(words[place:] + words[:place])) for place in range(1, len(words))}


def _letters(name: str) -> str:
    return "".join(letter for letter in alike(name) if letter.isalnum())


def text_of(book: Workbook, name: str, sheet: str) -> str | None:
    """Return what a named cell holds as text; None where there is no such name. Numbers that were ids keep no point."""
    try:
        value = book.values(book.area(name, sheet))[0][0]
    except EmbedsheetError:
        return None
    return f"{value:.15g}" if isinstance(value, float) else "" if value is None else str(value)


def _texts(book: Workbook, sheet: str) -> set[str]:
    page = book.sheet(sheet)
    return {book.strings.text(float(number)) for number in page.numbers[page.kinds == TEXT]}


def sheet_with(book: Workbook, wanted: str, names: Set[str]) -> str:
    """Return the sheet `wanted` by its name or, where it was renamed, the one that most of these names belong to."""
    if any(name_key(sheet) == name_key(wanted) for sheet in book.sheets):
        return wanted
    keys = {name_key(name) for name in names}
    owners = Counter(entry.sheet for entry in book.names if entry.sheet and name_key(entry.name) in keys)
    return owners.most_common(1)[0][0] if owners else wanted


def words_beside(book: Workbook, question: str) -> str:
    """Return the last text in the row of a question, where the cell for the answer has lost its name; or ""."""
    wanted = " ".join(question.split())
    for sheet in book.sheets.values():
        texts = np.flatnonzero(sheet.kinds == TEXT)
        for at in texts:
            if " ".join(book.strings.text(float(sheet.numbers[at])).split()) == wanted:
                row = texts[(sheet.rows[texts] == sheet.rows[at]) & (sheet.columns[texts] > sheet.columns[at] + 3)]
                return book.strings.text(float(sheet.numbers[row[-1]])) if len(row) else ""
    return ""


def others_with(key: Key, numbers: Mapping[str, NDArray[np.float64]]) -> list[str]:
    """Return the ids of the students whose workbooks were handed out with these numbers, by block."""
    ids = tuple(student.id for student in key.students)
    handed_out = _handed_out(key.secret, key.first_assignment, ids, tuple(numbers))
    return [ids[at] for at, values in enumerate(handed_out) if values == _rounded(numbers.values())]


@lru_cache(maxsize=1)  # a class
def _handed_out(secret: bytes, source: str, ids: tuple[str, ...], names: tuple[str, ...]) -> list[list[list[float]]]:
    key, assignment = Key(secret, source), parse(source)
    sketches = (assignment.sketch(key.generator(one)).blocks for one in ids)
    return [_rounded(np.asarray(blocks[name].values, float) for name in names) for blocks in sketches]


def _rounded(tables: Iterable[NDArray[np.float64]]) -> list[list[float]]:
    return [np.round(table.ravel(), 9).tolist() for table in tables]

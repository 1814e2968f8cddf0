"""Finding what was handed in: workbooks in folders, and in the zips that learning platforms make."""

from __future__ import annotations

import shutil
import struct
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

from embedsheet.ground.errors import DataError
from embedsheet.homework.workers import Submission
from embedsheet.xlsx.package import is_bomb
from embedsheet.xlsx.writer.page import counted

# What opens the latter says what to ask the student for.
WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods", ".numbers")
_LARGEST = 100 * 2**20  # bytes of one workbook, unpacked from a platform's zip
_MOST, _MOST_OF_A_STUDENT = 20_000, 20  # files in a platform's zip, workbooks in a student's
_FREE, _RATIO = 1 << 28, 50  # workbooks are packed already: a zip of them hardly unpacks to more than it is
_NOTES_SHOWN = 5
_LOCKS = ("~$", ".~lock", "._", ".DS_Store", "Thumbs.db", "desktop.ini")  # of programs and systems
_TAIL = 66_000  # bytes: the end of a zip with the longest comment, and the record of one with many entries
_DAMAGE = (
    zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError, EOFError, ValueError, struct.error, zlib.error
)  # fmt: skip


def find_submissions(place: Path, unpacked: Path, written: Sequence[Path] = ()) -> tuple[list[Submission], list[str]]:
    """Return the workbooks in a folder, a zip, or the zips in a folder, and words on files that were passed over.

    `unpacked` is a folder for what comes out of zips; `written` are files and folders that grading itself writes, which
    nobody handed in. Raises DataError when there is nothing to grade.
    """
    if not place.exists():
        raise DataError(f"{place}: there is no such folder or zip; give the folder with the students' workbooks.")
    found: list[Submission] = []
    notes: list[str] = []
    files = [place] if place.is_file() else sorted(path for path in place.rglob("*") if path.is_file())
    ours = {path.resolve() for path in written}
    for path in files:
        shown = path.name if place.is_file() else path.relative_to(place).as_posix()
        shown = _printable(shown)
        if path.name.startswith(_LOCKS) or "__MACOSX" in path.parts:
            continue
        if ours and not ours.isdisjoint((path.resolve(), *path.resolve().parents)):
            continue
        if path.suffix.lower() == ".zip":
            _from_zip(path, shown, unpacked, found, notes)
        elif path.suffix.lower() in WORKBOOKS or zipfile.is_zipfile(path):
            found.append(Submission(path, shown))
        else:
            notes.append(f"{shown}: is no .xlsx workbook; passed over")
    if not found:
        fault = f"{place}: holds no .xlsx workbook; give the folder, or the platform's zip, with the submissions."
        raise DataError("\n".join([fault, *notes[:_NOTES_SHOWN]]))
    return found, notes


def _printable(name: str) -> str:
    """Return a file's name with what is no text, or would steer a terminal, written as escapes."""
    name = name.encode("utf-8", "replace").decode()  # names on Linux need not be text
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in name)


def _from_zip(
    path: Path, shown: str, unpacked: Path, found: list[Submission], notes: list[str], room: int | None = None
) -> int:
    """Unpack a zip's workbooks; an entry that cannot be unpacked is named, and the others are graded.

    A zip in the platform's is a student's: it is given what is left of the `room`, in bytes, and has none to unpack in
    its turn. Returns what is left then.
    """
    inner, seen, again, workbooks = room is not None, set[object](), 0, 0
    try:
        room = _FREE + _RATIO * path.stat().st_size if room is None else room
        if (count := _claimed(path)) > _MOST:
            raise ValueError(f"it says that it holds {count:,} files; no class is that large")
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                name = _printable(f"{shown}/{entry.filename}")
                base = entry.filename.replace("\\", "/").rsplit("/", 1)[-1]
                if entry.is_dir() or base.startswith(_LOCKS) or "__MACOSX" in entry.filename:
                    continue
                zipped = Path(base).suffix.lower() == ".zip" and not inner
                # A student's zip has each workbook once, and not many; any zip has a place in it once.
                workbook = Path(base).suffix.lower() in WORKBOOKS
                content = (entry.CRC, entry.file_size) if inner and workbook else None
                if {entry.header_offset, content} & seen:
                    again += 1
                    continue
                seen |= {entry.header_offset, content} - {None}
                if not workbook and not zipped:
                    notes.append(f"{name}: is no .xlsx workbook; passed over")
                elif inner and workbooks == _MOST_OF_A_STUDENT:
                    notes.append(f"{name}: is one of more than {_MOST_OF_A_STUDENT} workbooks in one zip; passed over")
                    break
                elif entry.file_size > _LARGEST:
                    notes.append(f"{name}: is larger than {_LARGEST >> 20} MB; passed over")
                elif entry.file_size > room or is_bomb(entry):
                    notes.append(f"{name}: unpacks to more than a class' workbooks do; passed over")
                else:
                    room -= entry.file_size
                    # Numbered files of our own: no name from inside the zip is ever used as a path.
                    target = unpacked / f"{len(found):06}{Path(base).suffix.lower()}"
                    try:
                        with archive.open(entry) as source, target.open("wb") as file:
                            shutil.copyfileobj(source, file, 1 << 20)
                    except _DAMAGE as fault:
                        notes.append(f"{name}: cannot be unpacked ({fault}); passed over")
                        continue
                    if zipped:
                        room = _from_zip(target, name, unpacked, found, notes, room)
                    else:
                        found.append(Submission(target, name))
                        workbooks += 1
    except _DAMAGE as fault:
        notes.append(f"{shown}: cannot be unpacked ({fault}); passed over")
    if again:
        notes.append(f"{shown}: holds the same file again, {counted(again, 'time')}; passed over")
    return room or 0


def _claimed(path: Path) -> int:
    """Return how many entries a zip says it has, without reading them: a million take minutes to list."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL))
        tail = file.read()
    wide = tail.rfind(b"PK\6\6")
    if wide >= 0 and len(tail) >= wide + 40:
        return int(struct.unpack_from("<Q", tail, wide + 32)[0])
    end = tail.rfind(b"PK\5\6")
    return int(struct.unpack_from("<H", tail, end + 10)[0]) if 0 <= end <= len(tail) - 12 else 0

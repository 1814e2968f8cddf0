"""Saving under faults: locks, full disks, killed processes, two savers. The file is the old or the new one, whole."""

from __future__ import annotations

import errno
import os
import random
import signal
import stat
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from embedsheet.ground import files as replace
from embedsheet.ground.errors import FileError
from embedsheet.ground.notation.addresses import Area
from embedsheet.workbook import Edit, Workbook
from embedsheet.xlsx import undo
from kit.packages import book, contents, parts, sheet_xml, write

ROWS = 400
CELLS = Area("S", 1, 1, ROWS, 4)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "cache"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A workbook in a folder of its own, in which nothing else may be left."""
    folder = tmp_path / "books"
    folder.mkdir()
    rows = "".join(
        f'<row r="{row}">{"".join(f"<c r={chr(34)}{column}{row}{chr(34)}><v>0</v></c>" for column in "ABCD")}</row>'
        for row in range(1, ROWS + 1)
    )
    return book(folder / "book.xlsx", rows)


def change(number: float) -> Edit:
    return Edit.of_numbers(CELLS, np.full(CELLS.shape, number))


def values(path: Path) -> set[float]:
    """The numbers in the cells: one, if the file is whole."""
    return set(Workbook.open(path).numbers(CELLS).ravel().tolist())


@pytest.mark.parametrize(("lock", "content", "who"), [
    ("~$book.xlsx", b"\x05Ana K" + b" " * 49, "is open in Excel by Ana K; close it there first, or pass --ignore-lock"),
    ("~$book.xlsx", b"", "is open in Excel; close it"),
    (".~lock.book.xlsx#", b",ana,host,01.01.2024 10:00,file:///x;", "is open in LibreOffice; close it"),
    (".~lock.book.xlsx#", "Änne,ana,host,,;".encode(), "is open in LibreOffice by Änne"),
])  # fmt: skip
def test_a_file_open_in_a_spreadsheet_program_is_not_written(path: Path, lock: str, content: bytes, who: str) -> None:
    workbook = Workbook.open(path)
    (path.parent / lock).write_bytes(content)
    before = path.read_bytes()
    with pytest.raises(FileError, match=who):
        workbook.save([change(1)])
    assert path.read_bytes() == before
    workbook.save([change(1)], ignore_lock=True)
    assert values(path) == {1.0}


def test_a_file_changed_since_it_was_read_is_not_written(path: Path) -> None:
    workbook = Workbook.open(path)
    Workbook.open(path).save([change(3)])
    before = path.read_bytes()
    with pytest.raises(FileError, match="changed on disk since it was read; open it again"):
        workbook.save([change(1)])
    assert path.read_bytes() == before


def test_touching_a_file_is_no_change(path: Path) -> None:
    workbook = Workbook.open(path)
    os.utime(path, (1, 1))
    workbook.save([change(1)])
    assert values(path) == {1.0}


def test_a_file_replaced_during_the_save_is_not_overwritten(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workbook = Workbook.open(path)
    fsync = os.fsync

    def other_program_saves(descriptor: int) -> None:
        fsync(descriptor)
        book(path, '<row r="1"><c r="A1"><v>77</v></c></row>')

    monkeypatch.setattr(os, "fsync", other_program_saves)
    with pytest.raises(FileError, match="changed on disk while it was being saved"):
        workbook.save([change(1)])
    assert Workbook.open(path).numbers(Area("S", 1, 1, 1, 1)) == 77
    assert [entry.name for entry in path.parent.iterdir()] == ["book.xlsx"]


@pytest.mark.parametrize(("code", "message"), [
    (errno.ENOSPC, "the disk is full; make room and save again. The file is as it was"),
    (errno.EIO, "cannot be written"),
    (errno.EROFS, "read-only disk"),
])  # fmt: skip
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_disk_that_fails_leaves_the_old_file_and_no_other(
    path: Path, monkeypatch: pytest.MonkeyPatch, code: int, message: str, call: str
) -> None:
    workbook = Workbook.open(path)
    before = path.read_bytes()

    def fails(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(*((os, "fsync") if call == "fsync" else (Path, "replace")), fails)
    with pytest.raises(FileError, match=message):
        workbook.save([change(1)])
    assert path.read_bytes() == before
    assert [entry.name for entry in path.parent.iterdir()] == ["book.xlsx"]


def test_a_target_in_use_is_told_as_windows_tells_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows refuses to rename over a file that a program holds open: PermissionError."""
    workbook = Workbook.open(path)

    def held(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Access is denied")

    monkeypatch.setattr(Path, "replace", held)
    with pytest.raises(FileError, match="is in use by another program; close it there"):
        workbook.save([change(1)])
    assert [entry.name for entry in path.parent.iterdir()] == ["book.xlsx"]


@pytest.mark.soak
@pytest.mark.skipif(sys.platform != "linux", reason="mounts a disk in memory")
def test_a_really_full_disk(tmp_path: Path) -> None:
    """A disk of 64 KB, where the user may mount one; the simulated error above does for the rest."""
    mount = tmp_path / "disk"
    mount.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(mount)], capture_output=True)
    if made.returncode != 0:
        pytest.skip("no right to mount a small disk")
    try:
        path = book(mount / "book.xlsx", '<row r="1"><c r="A1"><v>0</v></c></row>')
        workbook = Workbook.open(path)
        before = path.read_bytes()
        noise = np.random.default_rng(0).random((4000, 4))
        with pytest.raises(FileError, match="the disk is full"):
            workbook.save([Edit.of_numbers(Area("S", 1, 1, 4000, 4), noise)])
        assert path.read_bytes() == before
        assert [entry.name for entry in mount.iterdir()] == ["book.xlsx"]
    finally:
        subprocess.run(["umount", str(mount)], check=True)


@pytest.mark.skipif(
    sys.platform == "win32" or (hasattr(os, "geteuid") and os.geteuid() == 0), reason="root may write all"
)
def test_read_only_files_and_folders_are_refused(path: Path) -> None:
    workbook = Workbook.open(path)
    path.chmod(0o444)
    with pytest.raises(FileError, match="is read-only"):
        workbook.save([change(1)])
    path.chmod(0o644)
    path.parent.chmod(0o555)
    try:
        with pytest.raises(FileError, match="cannot be written; write a copy elsewhere"):
            workbook.save([change(1)])
    finally:
        path.parent.chmod(0o755)
    assert values(path) == {0.0}


def test_read_only_files_are_refused_by_whoever_saves(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the test above, for a user who may write everything: the answer of the system is simulated."""
    workbook = Workbook.open(path)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(FileError, match="is read-only; change its permissions"):
        workbook.save([change(1)])
    assert values(path) == {0.0}


def test_a_place_that_cannot_be_written_is_told_before_any_work(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workbook = Workbook.open(path)
    workbook.check_target()
    workbook.check_target(path.with_name("copy.xlsx"))
    (path.parent / "folder.xlsx").mkdir()
    for name, fault in (("folder.xlsx", "is a folder"), ("none/a.xlsx", "does not exist"), ("a.csv", "must end in")):
        with pytest.raises(FileError, match=fault):
            workbook.check_target(path.parent / name)
    (path.parent / "~$book.xlsx").touch()
    with pytest.raises(FileError, match="is open in Excel"):
        workbook.check_target()
    workbook.check_target(ignore_lock=True)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(FileError, match=r"the folder .* cannot be written"):
        workbook.check_target(path.with_name("copy.xlsx"))


def test_a_folder_to_write_into_is_checked_down_to_what_is_there(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace.refuse_as_folder(path.parent)
    replace.refuse_as_folder(path.parent / "new" / "newer")
    for place in (path, path / "below"):
        with pytest.raises(FileError, match=r"book\.xlsx: is a file, not a folder; name another folder with -o"):
            replace.refuse_as_folder(place)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(FileError, match="books: the folder cannot be written"):
        replace.refuse_as_folder(path.parent / "new")


def test_a_folder_that_does_not_exist_is_named(path: Path) -> None:
    with pytest.raises(FileError, match="does not exist; make it first"):
        Workbook.open(path).save([], path.parent / "none" / "copy.xlsx")


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX")
def test_permissions_are_kept_and_links_followed(path: Path) -> None:
    path.chmod(0o640)
    link = path.with_name("link.xlsx")
    link.symlink_to(path)
    Workbook.open(link).save([change(5)])
    assert link.is_symlink() and stat.S_IMODE(path.stat().st_mode) == 0o640
    assert values(path) == {5.0}


@pytest.mark.skipif(sys.platform != "linux", reason="Python knows extended attributes on Linux alone")
@pytest.mark.parametrize("name", ["user.xdg.tags", "system.posix_acl_access"])
def test_who_else_may_write_a_file_and_what_is_noted_of_it_is_kept(path: Path, name: str) -> None:
    """The list is of acl(5)'s kind, as Linux stores it: user 1234 may read and write, others may not."""
    nobody = 2**32 - 1
    entries = [(1, 6, nobody), (2, 6, 1234), (4, 4, nobody), (16, 6, nobody), (32, 0, nobody)]
    access = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
    try:
        os.setxattr(path, name, access if name.startswith("system") else b"due")
    except OSError:
        pytest.skip("this disk keeps none")
    before = os.getxattr(path, name), path.stat().st_mode
    Workbook.open(path).save([change(5)])
    assert (os.getxattr(path, name), path.stat().st_mode) == before
    assert values(path) == {5.0}


@pytest.mark.skipif(sys.platform == "win32", reason="limits names to 255 characters, not bytes")
def test_names_as_long_as_the_system_takes_are_saved(path: Path) -> None:
    """255 bytes: of three each, and of four."""
    for letter in ("表", "𝛁"):
        size = len(letter.encode())
        long = path.rename(path.with_name(letter * (250 // size) + "x" * (250 % size) + ".xlsx"))
        Workbook.open(long).save([change(size)])
        assert values(long) == {float(size)}
        path = long


def test_what_a_killed_save_left_is_cleared_by_the_next_one(path: Path) -> None:
    mine = path.with_name(".book.xlsx.abcd1234.embedsheet-part")
    other = path.with_name(".book.xlsx.xlsx.abcd1234.embedsheet-part")
    mine.touch()
    other.touch()
    Workbook.open(path).save([change(1)])
    assert not mine.exists() and other.exists()


def test_two_savers_in_turn_of_one_reading(path: Path) -> None:
    first, second = Workbook.open(path), Workbook.open(path)
    first.save([change(1)])
    with pytest.raises(FileError, match="changed on disk since it was read"):
        second.save([change(2)])
    assert values(path) == {1.0}


def test_a_second_saver_at_the_same_moment_is_told_so(path: Path) -> None:
    workbook = Workbook.open(path)
    with replace.saving(path), pytest.raises(FileError, match="is being saved by another embedsheet"):
        workbook.save([change(1)])
    workbook.save([change(1)])
    assert values(path) == {1.0}


def test_no_lock_is_left_and_one_without_a_name_keeps_nobody_out(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waited at the door of a lock that is removed holds a file which the next one does not see."""
    folder = replace.cache_folder() / "locks"
    Workbook.open(path).save([change(1)])
    assert list(folder.iterdir()) == []
    opened, waiting = replace._opened, []
    first = replace.hold("one")
    assert first is not None and replace.hold("one") is None
    if sys.platform != "win32":  # an open file cannot be removed there
        waiting.append(opened(folder / "one"))
        monkeypatch.setattr(replace, "_opened", lambda name: waiting.pop() if waiting else opened(name))
    replace.release(first)
    second = replace.hold("one")
    assert second is not None and os.path.samestat(os.fstat(second.fileno()), os.stat(folder / "one"))
    assert replace.hold("one") is None and not waiting
    replace.release(second)
    assert list(folder.iterdir()) == []


def test_saving_goes_on_without_a_cache_folder(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    monkeypatch.setattr(replace, "cache_folder", lambda: blocked / "no")
    monkeypatch.setattr(undo, "cache_folder", lambda: blocked / "no")
    report = Workbook.open(path).save([change(1)])
    assert not report.undo_kept
    assert values(path) == {1.0}


def test_undo_brings_the_old_file_back_byte_for_byte_once(path: Path) -> None:
    before = path.read_bytes()
    report = Workbook.open(path).save([change(1)])
    assert report.undo_kept
    undone = undo.undo(path)
    assert undone.cells == ROWS * 4
    assert path.read_bytes() == before
    with pytest.raises(FileError, match="nothing is kept that could be undone"):
        undo.undo(path)


def test_undo_takes_back_the_last_write_only(path: Path) -> None:
    Workbook.open(path).save([change(1)])
    Workbook.open(path).save([change(2)])
    undo.undo(path)
    assert values(path) == {1.0}
    with pytest.raises(FileError, match="nothing is kept"):
        undo.undo(path)


def test_undo_refuses_a_file_that_changed_since(path: Path) -> None:
    Workbook.open(path).save([change(1)])
    Workbook.open(path).save([change(2)], keep_undo=False)
    with pytest.raises(FileError, match="changed since embedsheet wrote it"):
        undo.undo(path)
    assert values(path) == {2.0}


def test_a_copy_elsewhere_keeps_no_undo(path: Path) -> None:
    report = Workbook.open(path).save([change(1)], path.with_name("copy.xlsx"))
    assert not report.undo_kept
    with pytest.raises(FileError, match="nothing is kept"):
        undo.undo(path)


def test_a_write_that_never_happened_leaves_nothing_to_undo(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workbook = Workbook.open(path)
    with monkeypatch.context() as context:
        context.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full")))
        with pytest.raises(FileError, match="full"):
            workbook.save([change(1)])
    with pytest.raises(FileError, match="nothing is kept"):
        undo.undo(path)


def test_undo_refuses_while_the_file_is_open_and_a_damaged_copy(path: Path) -> None:
    Workbook.open(path).save([change(1)])
    lock = path.with_name("~$book.xlsx")
    lock.touch()
    with pytest.raises(FileError, match="is open in Excel"):
        undo.undo(path)
    lock.unlink()
    copy = next((replace.cache_folder() / "undo").glob("*.before"))
    copy.write_bytes(b"x")
    with pytest.raises(FileError, match="the kept copy is damaged"):
        undo.undo(path)


def test_old_copies_go_when_they_are_too_large_or_too_many(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = book(path.with_name("other.xlsx"), '<row r="1"><c r="A1"><v>0</v></c></row>')
    workbook = Workbook.open(other)
    workbook.save([Edit.of_numbers(Area("S", 1, 1, 1, 1), np.ones((1, 1)))])
    monkeypatch.setattr(undo, "TOTAL_LIMIT", path.stat().st_size)
    time.sleep(0.02)  # for the two copies' times to differ
    Workbook.open(path).save([change(1)])
    with pytest.raises(FileError, match="nothing is kept"):
        undo.undo(other)
    undo.undo(path)
    monkeypatch.setattr(undo, "TOTAL_LIMIT", 1 << 30)
    monkeypatch.setattr(undo, "MOST_COPIES", 1)
    for book_, value in ((path, 1), (other, 2)):
        Workbook.open(book_).save([Edit.of_numbers(Area("S", 1, 1, 1, 1), np.full((1, 1), value))])
        time.sleep(0.02)
    with pytest.raises(FileError, match="nothing is kept"):
        undo.undo(path)
    undo.undo(other)
    monkeypatch.setattr(undo, "FILE_LIMIT", 10)
    assert not Workbook.open(path).save([change(1)]).undo_kept


SAVER = """
import sys
import numpy as np
from embedsheet.ground.notation.addresses import Area
from embedsheet.ground.errors import FileError
from embedsheet.workbook import Edit, Workbook
area = Area("S", 1, 1, int(sys.argv[2]), 4)
print("ready", flush=True)
number = 0
for line in sys.stdin:
    number = float(line)
    try:
        Workbook.open(sys.argv[1]).save([Edit.of_numbers(area, np.full(area.shape, number))])
        print("saved", flush=True)
    except FileError as fault:
        print(fault, flush=True)
"""


def saver(path: Path) -> subprocess.Popen[str]:
    """A process that saves the number of every line it gets into all cells."""
    process = subprocess.Popen([sys.executable, "-c", SAVER, str(path), str(ROWS)], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1])  # fmt: skip
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    return process


def tell(process: subprocess.Popen[str], number: float) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{number}\n")
    process.stdin.flush()


def answer(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def kill_while_saving(path: Path, times: int, seed: int) -> tuple[int, int]:
    """Kill a saving process at random moments; return how often the old and how often the new file was found."""
    chance = random.Random(seed)
    process = saver(path)
    tell(process, 0.5)
    start = time.perf_counter()
    answer(process)
    duration = time.perf_counter() - start
    old = new = 0
    for number in range(1, times + 1):
        before = values(path)
        tell(process, number)
        # The first is killed at once and the last when it has saved, so that both happen however busy the machine is.
        if number == times:
            answer(process)
        elif number > 1:
            time.sleep(chance.uniform(0, 1.3 * duration))
        process.kill()
        process.communicate()
        found = values(path)
        assert len(found) == 1 and found in (before, {float(number)}), (seed, number, found)
        parts_now = contents(path)
        assert list(parts_now) == list(parts({"S": ""}))
        old, new = old + (found == before), new + (found == {float(number)})
        process = saver(path)
    process.kill()
    process.communicate()
    return old, new


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
def test_a_process_killed_while_saving_leaves_the_old_or_the_new_file(path: Path) -> None:
    assert sum(kill_while_saving(path, 6, 1)) == 6
    Workbook.open(path).save([change(9)])
    assert [entry.name for entry in path.parent.iterdir()] == ["book.xlsx"]


@pytest.mark.soak
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
def test_killed_at_two_hundred_random_moments(path: Path) -> None:
    """20 moments for each of ten seeds; over all of them both outcomes occur, or the moments were badly chosen."""
    outcomes = [kill_while_saving(path, 20, seed) for seed in range(10)]
    old, new = map(sum, zip(*outcomes, strict=True))
    assert old + new == 200 and old and new


def test_savers_at_once_leave_the_file_of_one_of_them(path: Path) -> None:
    processes = [saver(path) for _ in range(3)]
    outcomes: list[str] = []
    for turn in range(5):
        for place, process in enumerate(processes):
            tell(process, 10 * turn + place)
        outcomes += [answer(process) for process in processes]
        found = values(path)
        assert len(found) == 1
    for process in processes:
        process.communicate()
    for outcome in outcomes:
        assert outcome == "saved" or "saved by another embedsheet" in outcome or "changed on disk" in outcome
    assert "saved" in outcomes


def test_parts_and_sheets_of_any_kind_survive_a_save(tmp_path: Path) -> None:
    """Macros, custom XML, empty folders, stored entries: whatever the zip holds stays."""
    content = parts({"S": sheet_xml('<row r="1"><c r="A1"><v>1</v></c></row>')})
    extra = {"xl/vbaProject.bin": os.urandom(5000), "customXml/item1.xml": "<a/>", "xl/media/": b"", "xl/ä.bin": b"\0"}
    path = write(tmp_path / "b.xlsm", content | extra)
    before = contents(path)
    Workbook.open(path).save([Edit.of_numbers(Area("S", 1, 1, 1, 1), np.array([[2.0]]))])
    after = contents(path)
    assert list(after) == list(before)
    assert {name for name in after if after[name] != before[name]} == {"xl/worksheets/sheet1.xml"}

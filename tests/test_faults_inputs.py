"""Damaged ratings, checkpoints, assignments, journals, submissions and undo copies: read, or refused with a reason."""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embedsheet.ground.data import read_ratings
from embedsheet.ground.errors import DataError, EmbedsheetError, FileError
from embedsheet.ground.notation.addresses import Area
from embedsheet.homework.assignment import find, parse, ready_made
from embedsheet.homework.generate import make_class
from embedsheet.homework.key import Key
from embedsheet.homework.roster import Student
from embedsheet.homework.submissions import find_submissions
from embedsheet.homework.workers import Submission, grade_all
from embedsheet.mirrors.full_size.ratings import Ratings
from embedsheet.mirrors.full_size.text_checkpoint import Epoch, TextNet
from embedsheet.mirrors.full_size.text_generation import generate
from embedsheet.mirrors.full_size.text_training import start
from embedsheet.workbook import Edit, Workbook
from embedsheet.xlsx import undo
from kit.mutations import flipped, spoiled
from kit.packages import book


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "cache"))


# Each reads one file, damaged by `chance`, in an empty folder.

_RATED = [(user, movie, (user * movie) % 5 + 1, 10**9 + user) for user in range(1, 15) for movie in range(1, 15)]
RELEASES = [
    (
        "ratings.csv",
        "userId,movieId,rating,timestamp\n" + "".join(f"{u},{m},{r}.0,{t}\n" for u, m, r, t in _RATED),
        "movies.csv",
        "movieId,title,genres\n" + "".join(f'{m},"Film {m}, The (19{m + 50})",Action|Comedy\n' for m in range(1, 15)),
    ),
    (
        "ratings.dat",
        "".join(f"{u}::{m}::{r}::{t}\n" for u, m, r, t in _RATED),
        "movies.dat",
        "".join(f"{m}::Film {m} (19{m + 50})::Drama\n" for m in range(1, 15)),
    ),
    (
        "u.data",
        "".join(f"{u}\t{m}\t{r}\t{t}\n" for u, m, r, t in _RATED),
        "u.item",
        "".join(f"{m}|Film {m} (19{m + 50})|01-Jan-1995||x|{'|'.join('01' * 10)[:37]}\n" for m in range(1, 15)),
    ),
]
PIECES = [
    b"\xef\xbb\xbf", b"\xff\xfe", b"nan", b"inf", b"-1", b"1e308", b"9" * 20, b"9" * 200_000, b"\x00", b",,", b"::",
    b"\t", b";", b"\r", b'"', b'"""', b"\n\n", b"\xe9", b"1.5", b" ", b"0x10", b"1_000", "٣".encode(), "²".encode(),
    b"+3", b"\x1a", b"\xe2\x80\xa8",
]  # fmt: skip


def ratings(chance: random.Random, folder: Path) -> None:
    """A release as a file, a folder or a zip; damage in the ratings, the titles or the zip."""
    release = chance.choice(RELEASES)
    names, contents = release[::2], [text.encode() for text in release[1::2]]
    packing = chance.choice(["file", "folder", "zip", "damaged zip"])
    if packing != "damaged zip":
        place = chance.randrange(2)
        contents[place] = spoiled(contents[place], chance, PIECES)
    for name, content in zip(names, contents, strict=True):
        (folder / name).write_bytes(content)
    path = {"file": folder / names[0], "folder": folder}.get(packing, folder / "ml.zip")
    if "zip" in packing:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in zip(names, contents, strict=True):
                archive.writestr(f"ml/{name}", content)
        path.write_bytes(flipped(packed.getvalue(), chance) if packing == "damaged zip" else packed.getvalue())
    Ratings.of(read_ratings(path)).split(0.2, 1)


NO_JSON = [None, True, -1, 0, 10**9, 10**30, 1e308, float("nan"), "x", "", [], {}, [1], "\ud800", 0.5, 65536]


@cache
def checkpoint() -> dict[str, bytes]:
    """The files of a small net's checkpoint."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        net = start("one fish swims in the sea\n" * 40, "rnn", hidden=8, factors=4, batch_size=8, held_out=0.2)
        net.epochs.append(Epoch(2.5, 2.5, 1.0))
        net.save(folder)
        return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def checkpoints(chance: random.Random, folder: Path) -> None:
    """A text net: a file gone, damaged or in the place of another, or another value in net.json."""
    files = dict(checkpoint())
    name = chance.choice(["net.json", "net.json", "text.txt", "best.weights.h5"])
    kind = chance.randrange(10)
    if name == "net.json" and kind < 7:
        facts = json.loads(files[name])
        place = chance.choice([facts, facts["sizes"], facts["epochs"][0]])
        place[chance.choice(list(place))] = chance.choice(NO_JSON)
        files[name] = json.dumps(facts).encode()
    elif kind == 7:
        del files[name]
    elif kind == 8:
        files[name] = files[chance.choice(list(files))]
    else:
        files[name] = flipped(files[name], chance)
    for one, content in files.items():
        (folder / one).write_bytes(content)
    net = TextNet.open(folder)
    list(generate(net, net.judging_text[:20], 3, 0.8, 0))


NO_TOML = [
    b"0", b"-1", b"1000000", b"1e308", b"nan", b"-inf", b"true", b'""', b'"=1+1"', b'"x"', b"[]", b"[1]", b'["x"]',
    b"{}", b"{ a = 1 }", b'"users.factors"', b'"\\u0001"', b'"' + b"a" * 40_000 + b'"', b"1979-05-27", b"[[[[[1]]]]]",
]  # fmt: skip


def assignments(chance: random.Random, folder: Path) -> None:
    """A ready-made assignment with bytes flipped or values exchanged, handed out to one student."""
    source = chance.choice(list(ready_made().values())).read_bytes()
    if chance.random() < 0.3:
        source = spoiled(source, chance, NO_TOML)
    else:
        lines = source.split(b"\n")
        number = chance.choice([number for number, line in enumerate(lines) if b" = " in line])
        lines[number] = lines[number].split(b" = ")[0] + b" = " + chance.choice(NO_TOML)
        source = b"\n".join(lines)
    (folder / "a.toml").write_bytes(source)
    text = find(str(folder / "a.toml"))
    parse(text, str(folder / "a.toml"))
    make_class(Key(bytes(32), text), [Student("1", "A")], folder)


def undo_copies(chance: random.Random, folder: Path) -> None:
    """What is kept of a workbook, damaged; either the old file comes back byte for byte or nothing is changed."""
    path = book(folder / "b.xlsx", '<row r="1"><c r="A1"><v>1</v></c></row>')
    before = path.read_bytes()
    Workbook.open(path).save([Edit.of_numbers(Area("S", 1, 1, 1, 1), np.array([[2.0]]))])
    after = path.read_bytes()
    record, copy = undo._paths(path)
    if chance.random() < 0.5:
        facts = json.loads(record.read_text(encoding="utf-8"))
        facts[chance.choice(list(facts))] = chance.choice(NO_JSON)
        record.write_text(json.dumps(facts), encoding="utf-8")
    else:
        damaged = chance.choice([record, copy])
        damaged.write_bytes(flipped(damaged.read_bytes(), chance))
    try:
        undo.undo(path)
    except FileError:
        assert path.read_bytes() == after
        raise
    assert path.read_bytes() == before


KINDS: dict[str, Callable[[random.Random, Path], None]] = {
    "ratings": ratings, "checkpoints": checkpoints, "assignments": assignments, "undo copies": undo_copies,
}  # fmt: skip
SAMPLES = {"ratings": 150, "checkpoints": 30, "assignments": 30, "undo copies": 40}
SOAKED = {"ratings": 3000, "checkpoints": 400, "assignments": 600, "undo copies": 1000}


def outcomes(kind: str, count: int, seed: int, folder: Path) -> Counter[str]:
    """Read `count` damaged files; return how many were read and how many refused. Anything else fails the test."""
    chance = random.Random(seed)
    tally: Counter[str] = Counter()
    for number in range(count):
        place = folder / f"damaged-{number}"
        place.mkdir(parents=True)
        try:
            KINDS[kind](chance, place)
            tally["read"] += 1
        except EmbedsheetError as fault:
            assert place.name in str(fault), f"{number}: the message names no file: {fault}"
            assert len(str(fault)) < 2000, f"{number}: the message is {len(str(fault))} characters long"
            tally["refused"] += 1
        except Exception as fault:
            raise AssertionError(f"{kind}, number {number} of seed {seed}") from fault
        shutil.rmtree(place)
    return tally


@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")
@pytest.mark.parametrize("kind", KINDS)
def test_damaged_files_are_read_or_refused_with_a_reason(kind: str, tmp_path: Path) -> None:
    tally = outcomes(kind, SAMPLES[kind], 8, tmp_path)
    assert tally["read"] and tally["refused"], tally


SOAK = """
import sys
sys.path[:0] = [sys.argv[1], sys.argv[2]]
from pathlib import Path
from test_faults_inputs import SOAKED, outcomes
print(outcomes(sys.argv[3], SOAKED[sys.argv[3]], 80, Path(sys.argv[4])))
print(int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) // 1024)
"""


@pytest.mark.soak
@pytest.mark.skipif(sys.platform != "linux", reason="measures memory with Linux's /proc")
@pytest.mark.parametrize("kind", KINDS)
def test_many_damaged_files_in_bounded_time_and_memory(kind: str, tmp_path: Path) -> None:
    here = Path(__file__).parent
    command = [sys.executable, "-c", SOAK, str(here), str(here.parent), kind, str(tmp_path / "files")]
    run = subprocess.run(command, capture_output=True, text=True, timeout=3600, env=os.environ.copy())
    assert run.returncode == 0, run.stderr
    assert int(run.stdout.splitlines()[-1]) < 1024


def test_a_zip_bomb_of_ratings_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "ml.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("ml/ratings.csv", "w") as file:
        for _ in range(40):
            file.write(b"1,1,1,1\n" * (1 << 17))
    with pytest.raises(DataError, match=r"ratings\.csv: unpacks to 40 MB from .* which no list of ratings does"):
        read_ratings(path)


@pytest.mark.parametrize("name", ["ratings.csv", "ratings.dat", "u.data"])
def test_a_folder_in_the_place_of_a_file_of_ratings_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    for place in (tmp_path, tmp_path / name):
        with pytest.raises(DataError, match=r"holds none of ratings\.csv, ratings\.dat, u\.data"):
            read_ratings(place)


def test_a_checkpoint_that_asks_for_more_than_its_weights_is_refused_before_anything_is_built(tmp_path: Path) -> None:
    """A net of 10¹⁸ weights would take all memory before Keras could find that its file is too short."""
    for name, content in checkpoint().items():
        (tmp_path / name).write_bytes(content)
    facts: dict[str, Any] = json.loads(checkpoint()["net.json"])
    facts["sizes"]["hidden"] = 10**9
    (tmp_path / "net.json").write_text(json.dumps(facts), encoding="utf-8")
    with pytest.raises(FileError, match=r"best\.weights\.h5: does not fit the net 'rnn'"):
        TextNet.open(tmp_path)


def test_a_journal_that_was_changed_or_cut_off_is_believed_where_it_is_whole(tmp_path: Path) -> None:
    key = Key(bytes(32), find("words"))
    key.students = [Student(str(number), f"S{number}") for number in range(4)]
    made, _ = make_class(key, key.students, tmp_path / "class")
    submissions = [Submission(path, path.name) for path in made]
    journal = tmp_path / "g.journal"
    honest = grade_all(key, submissions, journal, processes=1)
    lines = journal.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 4
    lines[0] = lines[0].replace('"fault": ""', '"fault": "x"')
    lines[1] = lines[1][: len(lines[1]) // 2]
    lines[2] = "\x00ÿ{}"
    journal.write_text("\n".join(lines), encoding="utf-8")
    heard: list[str] = []
    again = grade_all(key, submissions, journal, processes=1, progress=lambda done, total, one: heard.append(one.file))
    assert again == honest
    assert len(heard) == 3


def test_what_lies_among_submissions_stops_nobody_s_grading(tmp_path: Path) -> None:
    """Nested folders, locks, empty files, zips in the place of workbooks, zips of nothing but zeros, loops of links."""
    place, unpacked = tmp_path / "in", tmp_path / "out"
    (place / "a" / "b").mkdir(parents=True)
    unpacked.mkdir()
    good = book(place / "a" / "b" / "good.xlsx", '<row r="1"><c r="A1"><v>1</v></c></row>')
    (place / "~$good.xlsx").write_bytes(b"\x01A")
    (place / ".~lock.good.xlsx#").write_bytes(b",a")
    (place / "empty.xlsx").touch()
    (place / "folder.xlsx").mkdir()
    (place / "broken.zip").write_bytes(b"PK\x03\x04")
    with zipfile.ZipFile(place / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(3):
            archive.writestr(f"{number}.xlsx", bytes(90 << 20))
    with zipfile.ZipFile(place / "inside.xlsx", "w") as archive:
        archive.write(good, "good.xlsx")
    if sys.platform != "win32":
        (place / "a" / "loop").symlink_to(place)
        (place / "self.xlsx").symlink_to(place / "self.xlsx")
    found, notes = find_submissions(place, unpacked)
    assert [one.shown_as for one in found] == ["a/b/good.xlsx", "empty.xlsx", "inside.xlsx"]
    assert len(notes) == 4  # three of bomb.zip, each by its name, and broken.zip
    assert "bomb.zip/0.xlsx: unpacks to more than a class' workbooks do" in notes[0]
    assert "broken.zip: cannot be unpacked" in notes[3]
    with pytest.raises(DataError, match=r"holds no \.xlsx workbook(.|\n)*bomb\.zip/0\.xlsx: unpacks to more"):
        find_submissions(place / "bomb.zip", unpacked)

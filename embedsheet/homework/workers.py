"""Grading many files at once: each in a worker process with limits on time and memory, the results in a journal.

A submission may be anything. A worker that takes too long or too much memory is ended and replaced; the file gets a
line that says so, and the others go on. The journal has one line of JSON a file, written as soon as it is graded, so
that an interrupted run continues where it stopped.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import multiprocessing
import os
import re
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

from embedsheet.ground.errors import FileError
from embedsheet.homework.grade import Grade, grade_file
from embedsheet.homework.key import Key

SECONDS = 30.0
MEGABYTES = 2048
_STARTED = 10.0  # seconds that workers have to begin in before Ctrl-C is heard
Progress = Callable[[int, int, Grade], None]
_FIRST_LINE_CUT_SHORT = re.compile(r"[0-9a-f]{1,63}|[0-9a-f]{64} ?({.*)?")


@dataclass(frozen=True)
class Submission:
    """`path` is the file to read, `shown_as` what the teacher knows it by (its place in a zip, say)."""

    path: Path
    shown_as: str


@dataclass(frozen=True)
class Limits:
    """For each file: seconds of waiting, megabytes of memory beyond what the program itself needs."""

    seconds: float = SECONDS
    megabytes: int = MEGABYTES


def grade_all(
    key: Key,
    submissions: Sequence[Submission],
    journal: Path,
    *,
    processes: int | None = None,
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> list[Grade]:
    """Grade every submission; what the journal holds already, for the same key and bytes, is not graded again."""
    limits = limits or Limits()
    refuse_foreign_journal(journal, key)
    known = _read_journal(journal, key)
    marks = [_mark(submission, key) for submission in submissions]
    grades: dict[int, Grade] = {i: known[mark] for i, mark in enumerate(marks) if mark in known}
    todo = [i for i in range(len(submissions)) if i not in grades]
    with journal.open("a", encoding="utf-8") as lines:

        def done(place: int, grade: Grade) -> None:
            grades[place] = grade
            line = json.dumps({"mark": marks[place], "grade": grade.to_dict()})
            lines.write(f"{_seal(key, line)} {line}\n")
            lines.flush()
            if progress:
                progress(len(grades), len(submissions), grade)

        _run(key, submissions, todo, processes or min(os.cpu_count() or 1, len(todo) or 1), limits, done)
    return [grades[i] for i in range(len(submissions))]


def _mark(submission: Submission, key: Key) -> str:
    digest = hashlib.sha256(key.secret + json.dumps([key.assignment, submission.shown_as]).encode())
    with contextlib.suppress(OSError), submission.path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _seal(key: Key, line: str) -> str:
    """Return what shows that a line of the journal is whole, and that this key wrote it."""
    return hmac.new(key.secret, line.encode(), hashlib.sha256).hexdigest()


def _read_journal(journal: Path, key: Key) -> dict[str, Grade]:
    """Return the grades in a journal; a line cut short by an interruption, or damaged, is left out."""
    found: dict[str, Grade] = {}
    if journal.is_file():
        for sealed in journal.read_text(encoding="utf-8", errors="replace").splitlines():
            seal, _, line = sealed.partition(" ")
            if hmac.compare_digest(seal.encode(), _seal(key, line).encode()):
                entry = json.loads(line)
                found[entry["mark"]] = Grade.from_dict(entry["grade"])
    return found


def refuse_foreign_journal(journal: Path, key: Key) -> None:
    """Raise FileError for a file in the journal's place without a line of this key's: it is another's.

    A run that was stopped while it wrote its first line leaves a piece of it.
    """
    if journal.is_file():
        words = journal.read_text(encoding="utf-8", errors="replace")
        if not words or _FIRST_LINE_CUT_SHORT.fullmatch(words) or _read_journal(journal, key):
            return
    elif not journal.exists():
        return
    raise FileError(
        f"{journal}: is there already and is no journal of this grading; move it, or name another gradebook with -o."
    )


def _run(
    key: Key,
    submissions: Sequence[Submission],
    todo: list[int],
    processes: int,
    limits: Limits,
    done: Callable[[int, Grade], None],
) -> None:
    from pebble import ProcessExpired, ProcessPool

    with (
        tempfile.TemporaryDirectory(prefix="embedsheet-homework-", ignore_cleanup_errors=True) as folder,
        ProcessPool(
            max_workers=processes,
            context=multiprocessing.get_context("spawn"),  # the same on every system
            initializer=begin_worker,
            initargs=(limits.megabytes, folder),
        ) as pool,
    ):
        futures: dict[Any, int] = {}
        try:
            with _ctrl_c_held_back():
                for place in todo:
                    submission = submissions[place]
                    arguments = (key, submission.path, submission.shown_as)
                    futures[pool.schedule(grade_one, args=arguments, timeout=limits.seconds)] = place
                # A worker that is just being started when this process ends would print a traceback.
                end = time.monotonic() + _STARTED
                while len(multiprocessing.active_children()) < min(processes, len(todo)) and time.monotonic() < end:
                    time.sleep(0.01)
            for future in as_completed(futures):
                place = futures[future]
                try:
                    grade = future.result()
                except TimeoutError:
                    grade = _fault(submissions[place], f"grading it took more than {limits.seconds:g} s")
                except (ProcessExpired, MemoryError):
                    grade = _fault(submissions[place], f"grading it took more than {limits.megabytes} MB of memory")
                done(place, grade)
        finally:
            # What is graded is in the journal; the rest, if any, need not be waited for.
            pool.stop()  # type: ignore[no-untyped-call]
            for worker in multiprocessing.active_children():
                worker.kill()  # one that has just begun would miss what is gone soon, and say so at length


@contextlib.contextmanager
def _ctrl_c_held_back() -> Iterator[None]:
    """Let Ctrl-C wait while inside; threads and processes that begin inside, and theirs in turn, never hear it.

    A terminal sends it to workers, too; one that is still importing would print a traceback. Windows has no such call.
    """
    if sys.platform == "win32":
        yield
        return
    # Python starts this helper with the first worker, and many a version of it lets Ctrl-C in again as it does so.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _fault(submission: Submission, words: str) -> Grade:
    return Grade(submission.shown_as, "", "", fault=f"{words}; open it by hand")


def grade_one(key: Key, path: Path, shown_as: str) -> Grade:
    """Grade one file in a worker; nothing that a file causes may end the run."""
    try:
        return grade_file(key, path, shown_as)
    except MemoryError:
        raise
    except Exception as fault:  # whatever a hostile file brings about is that file's fault, not the class's
        return Grade(shown_as, "", "", fault=f"cannot be graded: {type(fault).__name__}: {fault}"[:500])


def begin_worker(megabytes: int, folder: str) -> None:
    """Limit this process's memory, and let it put its temporary files where they go when it is ended, too."""
    tempfile.tempdir = folder
    limit_memory(megabytes)


def limit_memory(megabytes: int) -> None:
    """Let this process end when it needs more than so much memory beyond what it has now."""
    if sys.platform == "linux":
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * os.sysconf("SC_PAGE_SIZE") + megabytes * 2**20
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    else:  # no limit that the system keeps: watch it
        threading.Thread(target=_watch, args=(megabytes,), daemon=True).start()


def _watch(megabytes: int) -> None:
    import psutil

    process = psutil.Process()
    limit = process.memory_info().rss + megabytes * 2**20
    while process.memory_info().rss < limit:
        time.sleep(0.1)
    os._exit(1)

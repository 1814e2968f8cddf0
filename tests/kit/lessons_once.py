"""Lessons' workbooks, each made once in a run of the tests, whichever process and test wants it first."""

from __future__ import annotations

import functools
import hashlib
import inspect
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from embedsheet.lessons import LESSONS

_SAY_NOTHING = {"path", "force", "progress"}  # of what the workbook is


@contextmanager
def made_once(folder: Path) -> Iterator[None]:
    """Keep in `folder` what lessons build meanwhile, and copy it where the same lesson is built with the same options.

    `build.__wrapped__` is the lesson's own still.
    """
    with pytest.MonkeyPatch.context() as patch:
        for lesson in LESSONS.values():
            module = lesson.load()
            patch.setattr(module, "build", _remembering(module.build, folder))
        yield


def _remembering(build: Callable[..., Path], folder: Path) -> Callable[..., Path]:
    signature = inspect.signature(build)

    @functools.wraps(build)
    def made(*args: Any, **options: Any) -> Path:
        given = signature.bind(*args, **options)
        given.apply_defaults()
        path = Path(given.arguments["path"])
        # Some say the file's name.
        kept = folder / (_digest(build.__module__, given.arguments) + path.name)
        if kept.exists() and not path.exists() and path.parent.is_dir():
            shutil.copy(kept, path)
            return path
        book = build(*args, **options)
        # Another process may be about to keep the same.
        handle, whole = tempfile.mkstemp(dir=folder)
        os.close(handle)
        shutil.copy(book, whole)
        os.replace(whole, kept)
        return book

    return made


def _digest(module: str, options: Mapping[str, Any]) -> str:
    said = {name: _said(value) for name, value in options.items() if name not in _SAY_NOTHING}
    return hashlib.sha256(repr((module, sorted(said.items()))).encode()).hexdigest()


def _said(value: object) -> object:
    if isinstance(value, str | Path):
        return Path(value).read_bytes() if Path(value).is_file() else str(value)
    if callable(value):
        return (value.__module__, value.__qualname__)
    return value

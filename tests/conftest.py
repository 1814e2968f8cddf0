"""Workbooks that many tests read, made once; a test that changes one copies it first."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.internal.conjecture import providers

from embedsheet.hosts.buttons import press as pressing
from embedsheet.lessons import find
from kit.lessons_once import made_once

# What a worker has made is looked through again and again for what nobody needs any more: a tenth of the time.
gc.set_threshold(50_000, 20, 50)

# The same examples at every run, without time limits; EMBEDSHEET_EXPLORE=1 looks for new ones.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("explore", derandomize=False, deadline=None)
if os.environ.get("EMBEDSHEET_EXPLORE") == "1":
    settings.load_profile("explore")
else:
    settings.load_profile("repeatable")
    # Hypothesis mixes in the numbers that stand in the modules imported so far: which these are depends on what the
    # same worker ran before, and so would the examples.
    if hasattr(providers, "_get_local_constants"):
        providers._get_local_constants = lambda: providers._local_constants

# A program that runs in the background, or under nohup, hands on to its children that they ignore these; the tests that
# press Ctrl-C or close a terminal are about programs that a person started.
for _name, _handler in (("SIGINT", signal.default_int_handler), ("SIGHUP", signal.SIG_DFL)):
    if hasattr(signal, _name) and signal.getsignal(getattr(signal, _name)) is signal.SIG_IGN:
        signal.signal(getattr(signal, _name), _handler)


@pytest.fixture(scope="session", autouse=True)
def _lessons_made_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Workers share the folder that theirs lie in."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "lessons-made-once"
    folder.mkdir(exist_ok=True)
    with made_once(folder):
        yield


@pytest.fixture(scope="session", autouse=True)
def _nothing_in_the_users_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Errors that tests provoke do not belong into the log of whoever runs them, nor thousands of copies to be undone.

    Where caches lie cannot be said to a program on Windows and macOS.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pressing, "LOG", tmp_path_factory.getbasetemp() / "buttons.log")
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
        yield


@pytest.fixture(scope="session")
def movielens_book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The MovieLens workbook with its default options."""
    path: Path = find("movielens").load().build(tmp_path_factory.mktemp("lesson") / "movielens.xlsx")
    return path


@pytest.fixture(scope="session")
def green_eggs_book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workbook of words with its default options."""
    path: Path = find("green-eggs").load().build(tmp_path_factory.mktemp("lesson") / "green-eggs.xlsx")
    return path

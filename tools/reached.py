"""Which tests reach which lines of the code, and how long each takes: a mutant is tried with those that reach it."""

from __future__ import annotations

import ast
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import coverage
import pytest

OUTSIDE = ""  # the context of a line that is run outside any one test: at an import, in a fixture


@dataclass
class Reached:
    """What is known of files of tests without any change."""

    seconds: dict[str, float] = field(default_factory=dict)  # of each test that passes, by its name in pytest
    left_out: set[str] = field(default_factory=set)  # the names of the others
    lines: dict[str, dict[int, set[str]]] = field(default_factory=dict)  # the tests that reach a line of a module

    @property
    def known(self) -> set[str]:
        """The names of all tests."""
        return self.left_out | self.seconds.keys()

    def of(self, module: str, lines: range, files: list[str]) -> list[str]:
        """Return the tests of these files that reach one of the lines, quick files and tests first.

        Where a line is run outside any one test, each of the tests may rest on it: the others follow.
        """
        here = self.lines.get(module, {})
        reaching = set[str]().union(*(here.get(line, ()) for line in lines))
        every = [test for test in self.seconds if test.partition("::")[0] in files]
        chosen = [test for test in every if test in reaching]
        others = [test for test in every if test not in reaching] if OUTSIDE in reaching else []
        return [*self._quick_first(chosen), *self._quick_first(others)]

    def _quick_first(self, tests: list[str]) -> list[str]:
        """Return tests with those of one file together, whose fixtures are then made once."""
        whole: dict[str, float] = {}
        for test in tests:
            file = test.partition("::")[0]
            whole[file] = whole.get(file, 0.0) + self.seconds[test]
        return sorted(tests, key=lambda test: (whole[test.partition("::")[0]], test.partition("::")[0],
                                               self.seconds[test]))  # fmt: skip

    def add(self, path: Path) -> None:
        """Add what a `Recorder` has written to a file."""
        told = json.loads(path.read_text(encoding="utf-8"))
        self.seconds |= told["seconds"]
        self.left_out.update(told["left_out"])
        for name, lines in told["lines"].items():
            module = self.lines.setdefault(name, {})
            for line, tests in lines.items():
                module.setdefault(int(line), set()).update(tests)


class Recorder:
    """A plugin of pytest that writes into a file which lines of a folder's code each test reaches, and its seconds."""

    def __init__(self, folder: Path, path: Path) -> None:
        self._folder, self._path = folder.resolve(), path
        self._seconds: dict[str, float] = {}
        self._failed: set[str] = set()
        self._coverage = coverage.Coverage(data_file=None, config_file=False, include=[f"{self._folder}/embedsheet/*"])
        self._coverage.set_option("run:core", "ctrace")  # the only one that tells lines of one test from another's
        self._coverage.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Measure the processor's seconds, those of programs that the test starts too."""
        before = sum(os.times()[:4])
        result = yield
        self._seconds[item.nodeid] = sum(os.times()[:4]) - before
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        """Tell the lines of the test itself from those of its fixtures."""
        self._coverage.switch_context(item.nodeid)
        try:
            return (yield)
        finally:
            self._coverage.switch_context(OUTSIDE)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember what does not pass."""
        if not report.passed:
            self._failed.add(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        """Write what was seen."""
        self._coverage.stop()
        data = self._coverage.get_data()
        told: dict[str, Any] = {
            "left_out": sorted(self._failed),
            "seconds": {test: seconds for test, seconds in self._seconds.items() if test not in self._failed},
            "lines": {
                Path(name).relative_to(self._folder).as_posix(): data.contexts_by_lineno(name)
                for name in data.measured_files()
            },
        }
        self._path.write_text(json.dumps(told), encoding="utf-8")


class Chosen:
    """A plugin of pytest that runs the chosen tests, in their order, and then those that nobody knew before."""

    def __init__(self, chosen: list[str], known: set[str]) -> None:
        self._place = {test: place for place, test in enumerate(chosen)}
        self._known = known

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Choose; a change of the code can change tests' names, where these come from its tables."""
        new = [item for item in items if item.nodeid not in self._known]
        old = sorted((item for item in items if item.nodeid in self._place), key=lambda item: self._place[item.nodeid])
        items[:] = [*old, *new]


def statement(source: str, line: int) -> range:
    """Return the lines of the innermost statement that has a line, of one with a body those before it."""
    found = range(line, line + 1)
    for node in ast.walk(ast.parse(source)):  # outer ones first
        if isinstance(node, ast.stmt) and node.end_lineno is not None:
            body = getattr(node, "body", None)
            last = max(node.lineno, body[0].lineno - 1) if body else node.end_lineno
            if node.lineno <= line <= last:
                found = range(node.lineno, last + 1)
    return found

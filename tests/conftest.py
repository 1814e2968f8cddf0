"""Workbooks that many tests read, made once; a test that changes one copies it first."""

from __future__ import annotations

from pathlib import Path

import pytest

from embedsheet.lessons import find


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

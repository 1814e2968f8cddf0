"""The cells of the twins are what other programs make of them, or the difference is explained."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.judged_differences import DIFFERENCES, FURTHER, FURTHER_OUTVOTED, OUTVOTED, UNJUDGED
from kit.judged_twins import Judged, judged
from kit.twins import FILLS, cases

# Each other way to fill asks the judges what one of these does.
_FILLS = ("down", "growing", "array", "growing array", "spill", "name")
# What is made of arguments that a function does not take, each program decides for itself.
_ALL_FILLS = [fill for fill in FILLS if fill != "list" and not fill.startswith("odd")]


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> list[Judged]:
    return judged(_FILLS, cases(1), tmp_path_factory.mktemp("judged"))


def _pairs(cells: list[Judged]) -> set[tuple[str, str]]:
    return {(judge, cell.case.name) for cell in cells for judge in cell.dissenters}


@pytest.mark.soak
def test_each_judge_agrees_or_its_difference_is_explained(cells: list[Judged]) -> None:
    explained = set().union(*(difference.pairs for difference in DIFFERENCES))
    unexplained = [
        str(cell) for cell in cells if any((judge, cell.case.name) not in explained for judge in cell.dissenters)
    ]
    assert unexplained == []
    assert sorted(explained - _pairs(cells)) == []


@pytest.mark.soak
def test_no_result_is_outvoted_but_for_a_reason(cells: list[Judged]) -> None:
    assert [str(cell) for cell in cells if cell.outvoted and cell.case.name not in OUTVOTED] == []
    assert sorted(set(OUTVOTED) - {cell.case.name for cell in cells if cell.outvoted}) == []


@pytest.mark.soak
def test_every_argument_of_every_function_is_judged(cells: list[Judged]) -> None:
    asked = {(cell.case.name, cell.case.place) for cell in cells}
    silent = asked - {(cell.case.name, cell.case.place) for cell in cells if cell.votes}
    assert {name for name, _ in silent} == set(UNJUDGED)


@pytest.mark.soak
def test_every_way_to_fill_is_judged(tmp_path: Path) -> None:
    cells = judged(_ALL_FILLS, cases(1), tmp_path)
    explained = set().union(*(difference.pairs for difference in (*DIFFERENCES, *FURTHER)))
    assert sorted(_pairs(cells) ^ explained) == []
    outvoted = {cell.case.name for cell in cells if cell.outvoted}
    assert sorted(outvoted - {*OUTVOTED, *FURTHER_OUTVOTED}) == []

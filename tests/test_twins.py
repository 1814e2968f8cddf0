"""Cells that differ in one argument, of every function and at every place: together each gets what it gets alone.

The cases come from the function table (`twins`), so that a new function is among them.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from embedsheet.formulas.functions.table import FUNCTIONS
from kit.twins import FILLS, apart, cases

# These ways to fill are taken whole at every run, of the others a third of the cases each, not the same ones.
_WHOLE = ("right", "growing", "growing array")


@pytest.mark.parametrize("fill", FILLS)
def test_each_cell_gets_what_it_gets_alone_whichever_argument_differs(tmp_path: Path, fill: str) -> None:
    number = list(FILLS).index(fill)
    several = cases(1) if fill in _WHOLE else cases(1)[number % 3 :: 3]
    assert apart(fill, several, tmp_path) == []


@pytest.mark.soak
@pytest.mark.parametrize("fill", FILLS)
def test_each_cell_gets_what_it_gets_alone_with_more_arguments(tmp_path: Path, fill: str) -> None:
    assert apart(fill, cases(4), tmp_path) == []


def test_every_function_with_arguments_is_among_the_twins() -> None:
    there = {case.name for case in cases(1)}
    assert sorted(name for name, row in FUNCTIONS.items() if row.parameters and name not in there) == []

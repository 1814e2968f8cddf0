"""Random formulas that grow end with a number, an error value or a refusal that names the cell."""

from __future__ import annotations

import sys

import pytest

from tests.hostile import measured, random_bombs


@pytest.mark.parametrize("seed", [*range(12), 146])
def test_random_formulas_that_grow_stop_nothing_else(seed: int) -> None:
    random_bombs.main([str(seed)])


@pytest.mark.soak
@pytest.mark.skipif(sys.platform == "win32", reason="measures as POSIX does")
@pytest.mark.parametrize("seed", range(100, 400))
def test_random_formulas_take_seconds_and_a_gigabyte(seed: int) -> None:
    done = measured.run("tests.hostile.random_bombs", str(seed))
    assert done.code == 0, done.said
    assert done.fits(), done

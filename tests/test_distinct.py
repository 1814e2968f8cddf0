"""The different values of an array are those that NumPy finds."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import hypothesis.extra.numpy as arrays
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from embedsheet.ground.distinct import distinct


@given(
    arrays.arrays(
        st.sampled_from([np.float64, np.int64, np.int32, np.uint8, np.bool_]),
        arrays.array_shapes(min_dims=0, min_side=0),
    )
)
def test_they_are_those_of_numpy(values: Any) -> None:
    found, known = distinct(values), np.unique(values)
    assert found.dtype == known.dtype
    assert np.array_equal(found, known, equal_nan=values.dtype.kind == "f")


def test_of_many_values_too() -> None:
    many = np.arange(30_000) % 7
    assert distinct(many).tolist() == list(range(7))
    assert distinct(np.array([np.nan, 2.0, np.nan, 1.0])).tolist()[:2] == [1.0, 2.0]
    assert len(distinct(np.array([np.nan, 2.0, np.nan, 1.0]))) == 3


def test_few_values_need_no_masked_arrays() -> None:
    """The start of every small model is without the import of numpy.ma, which `numpy.unique` makes."""
    code = """
import sys
import numpy as np
from embedsheet.ground.distinct import distinct
for values in (np.array([3, 1, 3]), np.array([]), np.array([0.5, 0.5])):
    distinct(values)
print("numpy.ma" in sys.modules)
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "False"

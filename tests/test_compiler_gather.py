"""Reading from a traced array by slices, broadcasts and gathers gives what NumPy's indexing gives, and its gradient."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import embedsheet.compiler.engines.jax  # noqa: F401 – registers the arrays of JAX
from embedsheet.compiler.gather import take
from embedsheet.compiler.precision import double_precision

SIZE = 24
Places = NDArray[np.int64]


@st.composite
def patterns(draw: st.DrawFn) -> Places:
    """Places as tables of formulas have them: runs, strides, each cell several times, all over again."""
    places = np.array(draw(st.lists(st.integers(0, SIZE - 1), min_size=1, max_size=4)), np.int64)
    for _ in range(draw(st.integers(0, 3))):
        kind, times = draw(st.sampled_from(["each", "again", "run", "strided"])), draw(st.integers(1, 4))
        if kind == "each":
            places = np.repeat(places, times)
        elif kind == "again":
            places = np.tile(places, times)
        else:
            step = 1 if kind == "run" else draw(st.integers(-5, 5))
            places = (places[:, None] + step * np.arange(times)).ravel()
    width = draw(st.sampled_from([part for part in range(1, len(places) + 1) if len(places) % part == 0]))
    return (places % SIZE).reshape(-1, width)


def check(places: Places) -> None:
    buffer = np.arange(1.0, SIZE + 1)
    weights = np.arange(1.0, places.size + 1).reshape(places.shape)
    with double_precision():
        found = np.asarray(jax.jit(lambda x: take(x, places))(buffer))
        gradient = np.asarray(jax.jit(jax.grad(lambda x: jnp.sum(take(x, places) * weights)))(buffer))
    np.testing.assert_array_equal(found, buffer[places])
    # A cell's derivative is the sum of the weights of the places that read it.
    np.testing.assert_array_equal(gradient, np.bincount(places.ravel(), weights.ravel(), SIZE))


@settings(max_examples=40)  # each is compiled twice
@given(patterns())
def test_what_is_taken_and_its_gradient_are_those_of_indexing(places: Places) -> None:
    check(places)


def test_columns_of_a_matrix_end_with_its_last() -> None:
    """Every third place is a column of three; the second run begins where a fourth would."""
    check(np.array([[0, 3], [3, 6], [0, 3]]))


TABLE = {
    "row i of one matrix": np.repeat(np.arange(12).reshape(4, 3), 5, axis=0),
    "column j of another": np.tile(12 + np.arange(3)[None, :] * 4 + np.arange(4)[:, None], (5, 1)),
    "one cell": np.full((20, 1), 7),
    "a column": np.tile(np.arange(6), 4)[:, None],
}


@pytest.mark.parametrize("name", TABLE)
def test_rows_and_columns_that_a_table_reads_again_and_again_are_read_once(name: str) -> None:
    check(TABLE[name])
    with double_precision():
        jaxpr = jax.make_jaxpr(lambda x: take(x, TABLE[name]))(np.zeros(SIZE))
    assert not {equation.primitive.name for equation in jaxpr.eqns} & {"gather", "scatter-add"}

"""One value-and-gradient of the compiled sheet beside the same model written by hand in JAX.

    python -m benchmarks.gradient_by_hand

The cross-tab (15 × 15) and the sheet of 100,004 ratings, one a row. In one process both functions, jitted, take turns,
one call each in changing order; the mean of the faster nine tenths of its calls counts. (A median would not do: a small
call takes one of a few times, 15 µs apart, by how soon JAX' threads wake, and the median jumps between them.) Single
processes swing, so that the median of several is told.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Literal

import numpy as np

import embedsheet as es
from benchmarks.books import CROSSTAB, every_rating, lesson
from benchmarks.measure import python
from benchmarks.row import Row, tell

PROCESSES = 5
TURNS = {"tape": 4000, "crosstab": 4000, "ratings": 100}


def rows() -> Iterator[Row]:
    """Yield one row a sheet."""
    made = {"tape": lesson(), "crosstab": lesson(), "ratings": every_rating()}
    names = {"tape": "cross-tab, 15 × 15, on the tape", "crosstab": "cross-tab, 15 × 15, in JAX",
             "ratings": "100,004 ratings, one a row"}  # fmt: skip
    found: dict[str, list[list[float]]] = {which: [] for which in made}
    for _ in range(PROCESSES):
        for which, book in made.items():
            found[which].append(json.loads(python("-m", "benchmarks.gradient_by_hand", which, book).printed))
    for which, name in names.items():
        ratio, theirs = np.median(found[which], axis=0).tolist()
        ratios = ", ".join(f"{run[0]:.2f}" for run in found[which])
        # The median of the ratios is what is asked for; it need not be the ratio of the medians.
        asked = None if which == "tape" else 1.3
        yield Row("Value and gradient", name, ratio * theirs * 1e3, "ms", "JAX by hand", theirs * 1e3, most_ratio=asked,
                  note=f"median of {PROCESSES} processes: {ratios}")  # fmt: skip


def crosstab(book: str, engine: Literal["tape", "jax"] = "jax") -> tuple[Any, Callable[..., Any]]:
    """Return the compiled cross-tab and the same function by hand."""
    import jax
    import jax.numpy as jnp

    model = es.gradient(book, CROSSTAB, engine=engine).model
    ratings = model.workbook.numbers(model.workbook.area("ratings", CROSSTAB))
    rated, known = np.isfinite(ratings), np.nan_to_num(ratings)

    def rmse(x: jax.Array) -> jax.Array:
        errors = jnp.where(rated, x[:75].reshape(15, 5) @ x[75:].reshape(5, 15) - known, 0.0)
        return jnp.sqrt((errors**2).sum() / rated.sum())

    return model.program, rmse


def ratings(book: str) -> tuple[Any, Callable[..., Any]]:
    """Return the compiled sheet of one rating a row and the same function by hand."""
    import jax
    import jax.numpy as jnp

    model = es.gradient(book).model
    program, workbook, sheet = model.program, model.workbook, model.setup.sheet

    def column(name: str) -> np.ndarray:
        return workbook.numbers(workbook.area(name, sheet)).ravel()

    ids = {who: {number: place for place, number in enumerate(column(f"{who}.id"))} for who in ("users", "movies")}
    users = np.array([ids["users"][one] for one in column("ratings.user")])
    movies = np.array([ids["movies"][one] for one in column("ratings.movie")])
    given = column("ratings.rating")
    areas = {str(area): place for place, area in enumerate(model.setup.changing)}
    blocks = {who: program.blocks[areas[str(workbook.area(f"{who}.factors", sheet))]] for who in ("users", "movies")}
    factors = workbook.area("users.factors", sheet).shape[1]

    def rmse(x: jax.Array) -> jax.Array:
        left, right = (x[blocks[who]].reshape(-1, factors) for who in ("users", "movies"))
        return jnp.sqrt(jnp.mean(((left[users] * right[movies]).sum(1) - given) ** 2))

    return program, rmse


def once(which: str, book: str) -> list[float]:
    """Return the ratio of ours to by hand, and the seconds by hand, in this process."""
    import jax

    from embedsheet.compiler.precision import double_precision

    with double_precision():
        made = {"tape": partial(crosstab, engine="tape"), "crosstab": crosstab, "ratings": ratings}
        program, rmse = made[which](book)
        by_hand = jax.jit(jax.value_and_grad(rmse))
        x = program.start
        value, gradient = by_hand(x)
        ours, slope = program.value_and_gradient(x)
        assert np.isclose(float(value), ours, rtol=1e-12)
        assert np.allclose(np.asarray(gradient), slope, rtol=1e-9, atol=1e-12)

        def call_by_hand() -> None:
            value, gradient = by_hand(x)
            float(value), np.asarray(gradient)

        works = [lambda: program.value_and_gradient(x), call_by_hand]
        seconds = np.empty((TURNS[which], 2))
        for turn, row in enumerate(seconds):
            for place in (turn % 2, 1 - turn % 2):
                began = time.perf_counter()
                works[place]()
                row[place] = time.perf_counter() - began
    mine, theirs = np.sort(seconds, axis=0)[: len(seconds) * 9 // 10].mean(axis=0).tolist()
    return [mine / theirs, theirs]


if __name__ == "__main__":
    match sys.argv[1:]:
        case [("tape" | "crosstab" | "ratings") as which, book]:
            print(json.dumps(once(which, book)))
        case _:
            tell(rows())

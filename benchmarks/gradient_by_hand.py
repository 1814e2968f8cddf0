"""One value-and-gradient of the compiled sheet against the same model written by hand in JAX, as a ratio.

    python benchmarks/gradient_by_hand.py [BOOK.xlsx]

The lecture's dotprod model (15 × 15) by default; with a workbook made by `embedsheet new movielens --all`, its sheet of
100,004 ratings. Both functions are jitted in one process and take turns; the median of the ratios of single turns
counts, in several processes, since single runs swing.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np

LECTURE = Path(__file__).parents[2] / "shared" / "data" / "lecture" / "collab_filter.xlsx"
PROCESSES = 3


def crosstab() -> float:
    """Return the median ratio for the lecture's cross-tab."""
    import jax
    import jax.numpy as jnp

    from embedsheet.compiler.precision import double_precision
    from embedsheet.solver import load_model

    model = load_model(LECTURE, "dotprod")
    program = model.program
    ratings = model.workbook.numbers(model.workbook.area("dotprod!H2:V16"))
    rated, known = np.isfinite(ratings), np.nan_to_num(ratings)

    def rmse(x: jax.Array) -> jax.Array:
        errors = jnp.where(rated, x[75:].reshape(15, 5) @ x[:75].reshape(5, 15) - known, 0.0)
        return jnp.sqrt((errors**2).sum() / rated.sum())

    with double_precision():
        return _ratio(program, jax.jit(jax.value_and_grad(rmse)), turns=2000)


def rows(book: str) -> float:
    """Return the median ratio for one rating a row."""
    import jax
    import jax.numpy as jnp

    from embedsheet.compiler.precision import double_precision
    from embedsheet.solver import load_model

    model = load_model(book)
    program, workbook, sheet = model.program, model.workbook, model.setup.sheet

    def column(name: str) -> np.ndarray:
        return workbook.numbers(workbook.area(name, sheet)).ravel()

    ids = {who: {number: place for place, number in enumerate(column(f"{who}.id"))} for who in ("users", "movies")}
    users = np.array([ids["users"][one] for one in column("ratings.user")])
    movies = np.array([ids["movies"][one] for one in column("ratings.movie")])
    ratings = column("ratings.rating")
    areas = {str(area): place for place, area in enumerate(model.setup.changing)}
    blocks = {who: program.blocks[areas[str(workbook.area(f"{who}.factors", sheet))]] for who in ("users", "movies")}
    factors = workbook.area("users.factors", sheet).shape[1]

    def rmse(x: jax.Array) -> jax.Array:
        left, right = (x[blocks[who]].reshape(-1, factors) for who in ("users", "movies"))
        return jnp.sqrt(jnp.mean(((left[users] * right[movies]).sum(1) - ratings) ** 2))

    with double_precision():
        return _ratio(program, jax.jit(jax.value_and_grad(rmse)), turns=100)


def _ratio(program: object, by_hand: object, turns: int) -> float:
    x = program.start  # type: ignore[attr-defined]
    value, gradient = by_hand(x)  # type: ignore[operator]
    ours, slope = program.value_and_gradient(x)  # type: ignore[attr-defined]
    assert np.isclose(float(value), ours, rtol=1e-12)
    assert np.allclose(np.asarray(gradient), slope, rtol=1e-9, atol=1e-12)
    ratios = []
    for _ in range(turns):
        began = time.perf_counter()
        value, gradient = by_hand(x)  # type: ignore[operator]
        float(value), np.asarray(gradient)
        middle = time.perf_counter()
        program.value_and_gradient(x)  # type: ignore[attr-defined]
        ratios.append((time.perf_counter() - middle) / (middle - began))
    return float(np.median(ratios))


def main() -> None:
    """Print the median ratio of each process."""
    if "--once" in sys.argv:
        books = [one for one in sys.argv[1:] if one != "--once"]
        print(rows(books[0]) if books else crosstab())
        return
    found = [
        float(subprocess.run([sys.executable, __file__, "--once", *sys.argv[1:]], check=True, capture_output=True,
                             text=True).stdout)
        for _ in range(PROCESSES)
    ]  # fmt: skip
    print("compiled sheet / by hand:", ", ".join(f"{one:.2f}" for one in found), f"(median {np.median(found):.2f})")


if __name__ == "__main__":
    main()

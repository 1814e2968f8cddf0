"""Mixed batches take so many rows from each source, start over on their own, and never change under a reader."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest

from embedsheet.ground.errors import DataError
from embedsheet.mirrors.full_size.engine import load_keras
from embedsheet.mirrors.full_size.mixed_batches import Batches, Iterated, MixIterator, mix_dataset


def numbered(start: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows that can be recognised: inputs (rows, 2) hold their number twice, targets ten times it."""
    numbers = np.arange(start, start + rows, dtype=np.float32)
    return np.stack([numbers, numbers], axis=1), 10 * numbers


def test_a_batch_has_the_asked_for_rows_of_each_source_in_order() -> None:
    """44 + 4 + 16 is the lecturer's own mix."""
    sources = [Batches(*numbered(start, 100), size, seed=1) for start, size in ((0, 44), (1000, 4), (2000, 16))]
    mixed = MixIterator(sources)
    assert mixed.rows == 64
    for inputs, target in itertools.islice(mixed, 20):
        assert inputs.shape == (64, 2)
        assert target.shape == (64,)
        assert (inputs[:, 0] // 1000).astype(int).tolist() == [0] * 44 + [1] * 4 + [2] * 16
        assert np.array_equal(target, 10 * inputs[:, 0])
    assert Counter(mixed.origin.tolist()) == {0: 44, 1: 4, 2: 16}


def test_each_source_starts_over_on_its_own_and_every_row_has_its_turn() -> None:
    """In 6 batches the 12 rows of the one are seen once (2 a batch), the 4 of the other 4½ times (3 a batch)."""
    mixed = MixIterator([Batches(*numbered(0, 12), 2, seed=5), Batches(*numbered(100, 4), 3, seed=6)])
    seen = Counter(int(row) for inputs, _ in itertools.islice(mixed, 6) for row in inputs[:, 0])
    assert [seen[row] for row in range(12)] == [1] * 12
    assert sorted(seen[row] for row in range(100, 104)) == [4, 4, 5, 5]


def test_a_seed_shuffles_reproducibly_and_none_keeps_the_order() -> None:
    def rows(seed: int | None) -> list[float]:
        return [float(row) for inputs, _ in itertools.islice(MixIterator([Batches(*numbered(0, 9), 3, seed=seed)]), 3)
                for row in inputs[:, 0]]  # fmt: skip

    assert rows(None) == list(range(9))
    assert rows(7) == rows(7) != rows(8)
    assert sorted(rows(7)) == list(range(9))


def test_several_inputs_and_weights_are_mixed_too() -> None:
    user, movie = np.arange(10, dtype=np.int32), np.arange(10, 20, dtype=np.int32)
    stars = np.arange(10) / 2
    plain = Batches([user, movie], stars, 2)
    weighted = Batches([user, movie], stars, 1, weight=0.25)
    (users, movies), target, weight = next(MixIterator([plain, weighted]))
    assert users.tolist() == [0, 1, 0]
    assert movies.tolist() == [10, 11, 10]
    assert users.dtype == np.int32
    assert target.tolist() == [0.0, 0.5, 0.0]
    assert weight.tolist() == [1.0, 1.0, 0.25]


def test_any_iterator_of_batches_can_be_a_source() -> None:
    def augmented() -> itertools.count:  # type: ignore[type-arg]
        for number in itertools.count():
            yield np.full((2, 2), number, np.float32), np.full(2, number, np.float32)

    mixed = MixIterator([Batches(*numbered(50, 3), 1), Iterated(augmented())])
    assert [next(mixed)[0][:, 0].tolist() for _ in range(3)] == [[50, 0, 0], [51, 1, 1], [52, 2, 2]]


def test_a_batch_that_somebody_still_holds_is_not_written_over() -> None:
    mixed = MixIterator([Batches(*numbered(0, 50), 5, seed=2)])
    held = [next(mixed) for _ in range(10)]
    copies = [inputs.copy() for inputs, _ in held]
    for _ in range(20):
        next(mixed)
    assert all(np.array_equal(inputs, copy) for (inputs, _), copy in zip(held, copies, strict=True))


def test_a_batch_that_nobody_holds_is_used_again() -> None:
    mixed = MixIterator([Batches(*numbered(0, 50), 5)])
    places = {next(mixed)[0].__array_interface__["data"][0] for _ in range(30)}
    assert len(places) == 1


def test_jax_computes_with_the_rows_it_was_given() -> None:
    """JAX takes aligned arrays without a copy and computes later: writing over them would change its results."""
    import jax

    double = jax.jit(lambda rows: 2 * rows)
    mixed = MixIterator([Batches(*numbered(0, 4096), 512, seed=3)])
    wanted, found = [], []
    for _ in range(300):
        inputs, _target = next(mixed)
        wanted.append(2 * inputs)
        found.append(double(inputs))
        del inputs, _target
    assert all(np.array_equal(ours, theirs) for ours, theirs in zip(wanted, found, strict=True))


def test_fit_learns_from_a_mix_as_a_dataset() -> None:
    """Both sources follow y = 10 x, so the one weight becomes 10."""
    keras = load_keras()
    x = np.linspace(-1, 1, 40, dtype=np.float32)[:, None]
    sources = [Batches(x, 10 * x[:, 0], 6, seed=1), Batches(x / 2, 5 * x[:, 0], 2, seed=2)]
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.compile(keras.optimizers.SGD(0.3), "mse")
    dataset = mix_dataset(sources, 20)
    assert len(dataset) == 20
    model.fit(dataset, epochs=5, verbose=0, shuffle=False)
    model.fit(MixIterator(sources).generator(), steps_per_epoch=5, verbose=0, shuffle=False)
    assert float(keras.ops.convert_to_numpy(model.trainable_variables[0].value)[0, 0]) == pytest.approx(10, abs=1e-3)


def ends() -> object:
    yield np.zeros((2, 1)), np.zeros(2)


def changes() -> object:
    yield np.zeros((2, 1)), np.zeros(2)
    yield np.zeros((3, 1)), np.zeros(3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MixIterator([]), "nothing to mix"),
        (lambda: Batches(np.zeros((3, 1)), np.zeros(2), 1), "differ in length: 3, 2"),
        (lambda: Batches(np.zeros((0, 1)), np.zeros(0), 1), "from 0 rows is empty"),
        (lambda: Batches(np.zeros((3, 1)), np.zeros(3), 0), "A batch of 0"),
        (
            lambda: MixIterator([Batches(np.zeros((3, 1)), np.zeros(3), 1), Batches(np.zeros((3, 2)), np.zeros(3), 1)]),
            r"Source 2 has rows of \(2,\), \(\), the first of \(1,\), \(\)",
        ),
        (lambda: list(MixIterator([Iterated(ends())])), "has ended; give one that starts over"),  # type: ignore[arg-type]
        (lambda: list(MixIterator([Iterated(changes())])), r"the shape \(3, 1\) where its first had \(2, 1\)"),  # type: ignore[arg-type]
    ],
)
def test_sources_that_do_not_fit_are_refused(make: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        make()  # type: ignore[operator]

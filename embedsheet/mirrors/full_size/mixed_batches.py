"""One batch from several sources: e.g. 44 training rows, 4 validation rows and 16 pseudo-labelled ones.

    sources = [Batches([x, z], y, 44, seed=1), Batches([px, pz], pseudo, 16, seed=2)]
    model.fit(MixIterator(sources).generator(), steps_per_epoch=100)
    model.fit(mix_dataset(sources, batches=100))              # the same as a keras.utils.PyDataset

A batch is assembled in buffers that are used again and again: each source copies its rows into its own part of them.
The lecture's version joined the parts with `np.concatenate` at every step, which gathers every row twice; see
benchmarks/keras_mixed_batches.py.

JAX takes aligned NumPy arrays as they are, without a copy, and computes while Python goes on. So a buffer is only
written to again when nobody but its mix refers to it any more; until then another one is used.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from embedsheet.ground.errors import DataError

Array = NDArray[Any]
# Inputs, targets and, if any source weighs its rows, weights.
Batch = tuple[Any, Array] | tuple[Any, Array, NDArray[np.float32]]
# What `sys.getrefcount` says of an array that only its list of buffers refers to (the call itself counts, too).
_UNSHARED = 2


class Source(Protocol):
    """What a mix is made of: `rows` rows at a time, copied into parts of the mix's buffers."""

    rows: int

    def shapes(self) -> list[tuple[tuple[int, ...], np.dtype[Any]]]:
        """Shape of a row and type of each input, then of the target, then of the weight if there is one."""
        ...

    def fill(self, parts: Sequence[Array]) -> None:
        """Copy the next batch into `parts`, in the order of `shapes`."""
        ...


class Batches:
    """Rows of arrays in batches, starting over (newly shuffled) when they are used up.

    inputs: one array or a list of them, (rows of data, …); target: (rows of data, …); batch: rows at a time; weight:
    (rows of data,) or one number for all. seed None keeps the order. The last rows of a pass and the first of the next
    share a batch when the length does not divide, so that every batch is full. Raises DataError.
    """

    def __init__(
        self,
        inputs: Array | Sequence[Array],
        target: Array,
        batch: int,
        *,
        weight: Array | float | None = None,
        seed: int | None = None,
    ) -> None:
        arrays = [np.asarray(one) for one in ([inputs] if isinstance(inputs, np.ndarray) else inputs)]
        self.single = isinstance(inputs, np.ndarray)
        arrays.append(np.asarray(target))
        if weight is not None:
            arrays.append(np.broadcast_to(np.asarray(weight, np.float32), (len(arrays[0]),)))
        lengths = {len(array) for array in arrays}
        if len(lengths) > 1:
            raise DataError(f"Inputs, targets and weights differ in length: {', '.join(str(len(a)) for a in arrays)}.")
        if batch < 1 or not len(arrays[0]):
            raise DataError(f"A batch of {batch} from {len(arrays[0])} rows is empty; give it rows.")
        self.rows, self.weighted, self._arrays = batch, weight is not None, arrays
        self._generator = None if seed is None else np.random.default_rng(seed)
        self._order = np.empty(0, np.intp)

    def shapes(self) -> list[tuple[tuple[int, ...], np.dtype[Any]]]:
        """See `Source`."""
        return [(array.shape[1:], array.dtype) for array in self._arrays]

    def fill(self, parts: Sequence[Array]) -> None:
        """See `Source`."""
        rows = self.next_rows()
        for array, part in zip(self._arrays, parts, strict=True):
            # "clip" lets NumPy write straight into the part; the rows are within bounds anyway.
            array.take(rows, axis=0, out=part, mode="clip")

    def next_rows(self) -> NDArray[np.intp]:
        """Return the places of the next batch, (rows,)."""
        while len(self._order) < self.rows:
            fresh = np.arange(len(self._arrays[0]))
            if self._generator is not None:
                self._generator.shuffle(fresh)
            self._order = np.concatenate([self._order, fresh])
        rows, self._order = self._order[: self.rows], self._order[self.rows :]
        return rows


class Iterated:
    """Any endless iterator of (inputs, targets) or (inputs, targets, weights), e.g. with augmentation, as a source.

    Its batches must all have as many rows as the first. Raises DataError when one has not, or when it ends.
    """

    def __init__(self, iterator: Iterator[Any]) -> None:
        self._iterator = iterator
        self._waiting: list[Array] | None = self._read()
        self.rows = len(self._waiting[-1])

    def _read(self) -> list[Array]:
        try:
            inputs, *rest = next(self._iterator)
        except StopIteration:
            raise DataError("A source of mixed batches has ended; give one that starts over by itself.") from None
        self.single = isinstance(inputs, np.ndarray)
        self.weighted = len(rest) == 2
        return [np.asarray(one) for one in ([inputs] if self.single else inputs)] + [np.asarray(one) for one in rest]

    def shapes(self) -> list[tuple[tuple[int, ...], np.dtype[Any]]]:
        """See `Source`."""
        assert self._waiting is not None
        return [(array.shape[1:], array.dtype) for array in self._waiting]

    def fill(self, parts: Sequence[Array]) -> None:
        """See `Source`."""
        arrays = self._read() if self._waiting is None else self._waiting
        self._waiting = None
        for array, part in zip(arrays, parts, strict=True):
            if array.shape != part.shape:
                raise DataError(f"A source's batch has the shape {array.shape} where its first had {part.shape}.")
            part[:] = array


class MixIterator:
    """An endless iterator of batches with `rows` rows, the first of them from the first source, and so on.

    Sources must agree in the shapes of their inputs and targets; if one weighs its rows, those of the others weigh 1.
    `origin`: (rows,) which source a row of a batch comes from. Raises DataError.
    """

    def __init__(self, sources: Sequence[Any]) -> None:
        if not sources:
            raise DataError("There is nothing to mix; give at least one source.")
        self._sources = list(sources)
        self.rows = sum(source.rows for source in sources)
        self.origin: NDArray[np.intp] = np.repeat(np.arange(len(sources)), [source.rows for source in sources])
        self._weighted = any(source.weighted for source in sources)
        self._single = all(source.single for source in sources)
        # Each source's inputs and target, without its weights.
        plain = [source.shapes()[: -1 if source.weighted else None] for source in sources]
        shapes = [shape for shape, _ in plain[0]]
        for number, other in enumerate(plain[1:], 2):
            if [shape for shape, _ in other] != shapes:
                raise DataError(f"Source {number} has rows of {_words(other)}, the first of {_words(plain[0])}.")
        kinds = [np.result_type(*(kind for _, kind in place)) for place in zip(*plain, strict=True)]
        self._kinds = list(zip(shapes, kinds, strict=True))
        if self._weighted:
            self._kinds.append(((), np.dtype(np.float32)))
        self._pool: list[list[Array]] = []

    def __iter__(self) -> MixIterator:
        return self

    def __next__(self) -> Batch:
        buffers = self._free_buffers()
        start = 0
        for source in self._sources:
            parts = [buffer[start : start + source.rows] for buffer in buffers]
            if self._weighted and not source.weighted:
                parts.pop()[:] = 1.0
            source.fill(parts)
            start += source.rows
        inputs, rest = (buffers[:-2], buffers[-2:]) if self._weighted else (buffers[:-1], buffers[-1:])
        return (inputs[0] if self._single else tuple(inputs), *rest)  # type: ignore[return-value]

    def generator(self) -> Iterator[Batch]:
        """Return itself as a generator, the only kind of iterator that `fit` takes."""
        yield from self

    def _free_buffers(self) -> list[Array]:
        for buffers in self._pool:
            if all(sys.getrefcount(buffers[place]) <= _UNSHARED for place in range(len(buffers))):
                return buffers
        fresh = [np.empty((self.rows, *shape), kind) for shape, kind in self._kinds]
        self._pool.append(fresh)
        return fresh


def _words(shapes: Sequence[tuple[tuple[int, ...], Any]]) -> str:
    return ", ".join(str(shape) for shape, _ in shapes)


def mix_dataset(sources: Sequence[Any], batches: int) -> Any:
    """Return a `keras.utils.PyDataset` of `batches` mixed batches an epoch, for `fit`, `evaluate` and its callbacks.

    Batches come in order, one after the other: the sources remember where they are, so it uses one worker.
    """
    from embedsheet.mirrors.full_size.engine import load_keras

    dataset: Any = load_keras().utils.PyDataset
    mixed = MixIterator(sources)

    class MixDataset(dataset):  # type: ignore[misc]
        def __len__(self) -> int:
            return batches

        def __getitem__(self, _: int) -> Batch:
            return next(mixed)

    return MixDataset()

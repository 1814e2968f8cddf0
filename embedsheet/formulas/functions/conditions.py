"""Which cells meet criteria, for many results at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.formulas.coerce import concrete
from embedsheet.formulas.functions.criteria import Criterion, criterion, matches
from embedsheet.formulas.functions.samples import Argument
from embedsheet.formulas.functions.stretches import Stretches, stretches
from embedsheet.formulas.functions.table import Context
from embedsheet.formulas.growing import Grown
from embedsheet.formulas.values import NUMBER, Value, namespace

# Comparisons of results with cells that are made in one step; more are made in several.
CHUNK = 5_000_000


class Conditions:
    """Ranges with their criteria, and which cells meet them all; results for `least` cells of the n at least.

    Each of the n cells has only those rows of the ranges that `grown` says, where it is given.
    """

    def __init__(
        self,
        context: Context,
        pairs: Sequence[tuple[Argument, Value]],
        name: str,
        least: int = 1,
        grown: Grown | None = None,
    ) -> None:
        self.context = context
        self.ranges = [context.value(area) for area, _ in pairs]
        wanted = [concrete(context, value, f"A criterion of {name}") for _, value in pairs]
        if grown is not None:
            self.ranges.append(_numbers(np.broadcast_to(grown.places()[None, :, None], self.ranges[0].shape)))
            wanted.append(_numbers(grown.heights[:, None, None]))
        self._within = None if grown is None else len(pairs)
        self.same_size = len({value.shape[1:] for value in self.ranges}) <= 1
        # Results: one for each of n cells and each element of the criteria.
        areas = max(value.shape[0] for value in self.ranges)
        self.result_shape = np.broadcast_shapes((max(areas, least), 1, 1), *(value.shape for value in wanted))
        self.results = int(np.prod(self.result_shape))
        context.spend("steps", self.results // self.result_shape[0])  # an array of criteria is read one by one
        self.size = int(np.prod(self.ranges[0].shape[1:]))
        self.wanted_kinds = [np.broadcast_to(value.kinds, self.result_shape).ravel() for value in wanted]
        self.wanted_numbers = [np.broadcast_to(value.numbers, self.result_shape).ravel() for value in wanted]
        self.traced = any(value.traced for value in self.ranges)
        self.shared = areas == 1

    def cell_of(self, results: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return which of the n cells results belong to (0 where a range is the same for all)."""
        per_cell = self.results // self.result_shape[0]
        cells: NDArray[np.int64] = results // per_cell
        return cells

    @cached_property
    def stretches(self) -> Stretches | None:
        """The cells that count as stretches of one sorted list, where that can be."""
        if not self.shared or self.results == 1:
            return None
        return stretches(
            self.context.strings, self.ranges, [self._distinct(place) for place in range(len(self.ranges))]
        )

    def _distinct(
        self, place: int, results: NDArray[np.int64] | slice = slice(None)
    ) -> tuple[list[Criterion], NDArray[np.int64]]:
        """Return the different criteria of a range, and which of them each of some results asks for."""
        kinds, numbers = self.wanted_kinds[place][results], self.wanted_numbers[place][results]
        distinct, which = np.unique(np.stack([kinds.astype(np.float64), numbers], axis=1), axis=0, return_inverse=True)
        if place == self._within:
            return [Criterion("<=", NUMBER, number) for _, number in distinct], which.ravel()
        return [criterion(self.context.strings, int(kind), number) for kind, number in distinct], which.ravel()

    def found(self) -> Iterator[tuple[slice, NDArray[np.int64], NDArray[np.int64]]]:
        """Yield some results after the other, with the pairs of one of them and a cell that meets its criteria.

        Pairs are ordered by result, then by cell.
        """
        if self.stretches is not None and self.stretches.lengths.sum() <= CHUNK:
            yield slice(0, self.results), *self.stretches.pairs(0, self.results)
            return
        for results in self._lots():
            if self.stretches is not None:
                rows, cells = self.stretches.pairs(results.start, results.stop)
            else:
                rows, cells = np.nonzero(self.mask(np.arange(results.start, results.stop)))
                rows = rows + results.start
            yield results, rows, cells

    def counts(self) -> Any:
        """Return how many cells count for each result, (results,); traced where a range is."""
        if self.traced:
            return self.mask(np.arange(self.results)).sum(axis=1) * 1.0
        if self.stretches is not None:
            return np.bincount(self.stretches.rows, weights=self.stretches.lengths, minlength=self.results)
        masks = (self.mask(np.arange(results.start, results.stop)) for results in self._lots())
        return np.concatenate([mask.sum(axis=1) * 1.0 for mask in masks])

    def _lots(self) -> Iterator[slice]:
        step = max(1, CHUNK // max(self.size, 1))
        for start in range(0, self.results, step):
            yield slice(start, min(start + step, self.results))

    def mask(self, results: NDArray[np.int64]) -> Any:
        """Return which cells count for each of some results, (results, cells); traced where a range is."""
        if self.traced:
            self.context.claim(self.result_shape[0], len(results) // self.result_shape[0], self.size)
        else:
            self.context.spend("operations", len(results) * self.size * len(self.ranges))
        answer: Any = None
        for place, value in enumerate(self.ranges):
            wanted, which = self._distinct(place, results)
            order = np.argsort(which, kind="stable")
            parts = []
            for one, asking in zip(wanted, np.split(order, np.flatnonzero(np.diff(which[order])) + 1), strict=True):
                own = value if value.shape[0] == 1 else _of_cells(value, self.cell_of(results[asking]))
                met = matches(self.context.strings, one, own)
                parts.append(namespace(met).broadcast_to(met, own.shape).reshape(-1, self.size))
            met = parts[0] if len(parts) == 1 else namespace(*parts).concatenate(parts)
            if len(parts) > 1 or len(met) > 1:
                met = met[which if value.shape[0] == 1 else np.argsort(order)]
            answer = met if answer is None else answer & met
        return namespace(answer).broadcast_to(answer, (len(results), self.size))


def _of_cells(value: Value, cells: NDArray[np.int64]) -> Value:
    kinds = value.kinds[cells] if value.kinds.shape[0] > 1 else value.kinds
    return Value(kinds, value.numbers[cells] if value.numbers.shape[0] > 1 else value.numbers)


def _numbers(numbers: NDArray[np.int64]) -> Value:
    return Value(np.full((1, 1, 1), NUMBER, np.uint8), numbers.astype(np.float64))

"""All that the readers of a cell send back, added up in as few and as plain words as there are.

Terms of one form whose cells stand in a rectangle become SUM or SUMPRODUCT of ranges; what forms no rectangle is cut
into lines; what is left stands as a sum of single products. All give the same number.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from embedsheet.compiler.store import Store
from embedsheet.ground.keys import name_key
from embedsheet.ground.kinds import BLANK, NUMBER
from embedsheet.ground.notation import tree as t
from embedsheet.ground.notation.walk import children, walk, with_children
from embedsheet.translations.gradient_sheet import rules
from embedsheet.translations.gradient_sheet.backward import MARK, Read
from embedsheet.translations.gradient_sheet.lookups import placed
from embedsheet.translations.gradient_sheet.terms import Term, added, guarded, multiplied

Ints = NDArray[np.int64]

_SHORT_SUM = 12  # longer sums of single cells are SUM(…)
_MOST_ARGUMENTS = 250
_COMPARISONS = frozenset({"=", "<>", "<", ">", "<=", ">="})
# Called with ranges inside SUMPRODUCT, these give arrays in every spreadsheet program.
_ARRAYS = frozenset(rules.FUNCTIONS) - {"N", "ATAN2"} | {"PI"}


class Gatherer:
    """Adds up reads; `occupied` are the (row, column) of the cells of each mirror block."""

    def __init__(self, store: Store, occupied: Mapping[str, set[tuple[int, int]]]) -> None:
        self.store, self.occupied = store, occupied
        self.forms: dict[int, tuple[tuple[object, ...], list[t.Ref], Term]] = {}

    def total(self, reads: Sequence[Read], pieces: Sequence[t.Node]) -> t.Node:
        """Return the formula of a mirror cell, every address absolute."""
        lots: dict[tuple[object, ...], list[Read]] = {}
        for read in reads:
            lots.setdefault(self.form(read.term)[0], []).append(read)
        found = [node for lot in lots.values() for node in self.lot(lot)]
        nodes = [*found, *pieces]
        single = [node for node in nodes if isinstance(node, t.Ref)]
        if len(single) > _SHORT_SUM:
            nodes = [node for node in nodes if not isinstance(node, t.Ref)] + [_sum_of(single)]
        return added(nodes)

    def form(self, term: Term) -> tuple[tuple[object, ...], list[t.Ref]]:
        """Return what terms have in common that differ only in addresses, and the references of this one."""
        if id(term) not in self.forms:
            references: list[t.Ref] = []
            words: list[object] = [term.coefficient]
            parts = (*term.over, None, *term.under, None, *(node for node, _ in term.guards))
            for part in parts:
                words.append("|")
                for node in () if part is None else walk(part):
                    if isinstance(node, t.Ref):
                        references.append(node)
                        words.append(node.sheet)
                    elif isinstance(node, t.Binary | t.Unary):
                        words.append((type(node), node.operator))
                    elif isinstance(node, t.Call):
                        words.append((node.name, len(node.arguments)))
                    else:
                        words.append(node)
            words += [wanted for _, wanted in term.guards]
            self.forms[id(term)] = tuple(words), references, term  # the term is kept, so that its id stays its own
        return self.forms[id(term)][:2]

    def addresses(self, reads: Sequence[Read]) -> Ints:
        """Return top, left, bottom, right of each reference of each read, (m, references, 4)."""
        return np.array(
            [
                [
                    (one.top.at(read.row), one.left.at(read.column), one.bottom.at(read.row), one.right.at(read.column))
                    for one in self.form(read.term)[1]
                ]
                for read in reads
            ],
            np.int64,
        ).reshape(len(reads), -1, 4)

    def lot(self, reads: list[Read]) -> list[t.Node]:
        """Return what reads of one form come to, as few nodes to be added."""
        if len(reads) == 1:
            return [_placed(reads[0])]
        places = self.addresses(reads)
        whole = self.together(reads, places)
        if whole is not None:
            return [whole]
        moving = (places != places[:1]).any(axis=(0, 2))
        lead = self.lead(reads[0].term, moving)
        best: list[list[int]] | None = None
        for axis in (0, 1):
            runs = _runs(places, lead, moving, axis)
            if best is None or len(runs) < len(best):
                best = runs
        found: list[t.Node] = []
        for run in best or []:
            some = [reads[place] for place in run]
            node = self.together(some, places[run]) if len(some) > 1 else None
            found += [node] if node is not None else [_placed(read) for read in some]
        return found

    def lead(self, term: Term, moving: NDArray[np.bool_]) -> int:
        """Return which reference leads the others: a moving mirror cell, else the first that moves."""
        references = self.form(term)[1]
        places = np.flatnonzero(moving).tolist()
        mirrors = [place for place in places if (references[place].sheet or "").startswith(MARK)]
        return int((mirrors or places or [0])[0])

    def together(self, reads: Sequence[Read], places: Ints) -> t.Node | None:
        """Return reads as one sum over ranges, None where their cells form no rectangle."""
        term = reads[0].term
        references = self.form(term)[1]
        moving = (places != places[:1]).any(axis=(0, 2))
        if not moving.any():
            return replace(_kept(reads[0]), coefficient=term.coefficient * len(reads)).tree()
        if (places[:, moving, :2] != places[:, moving, 2:]).any():
            return None
        lead = self.lead(term, moving)
        spots = places[:, lead, :2]
        low, high = spots.min(axis=0), spots.max(axis=0)
        full = len(np.unique(spots, axis=0)) == len(reads)
        size = int(np.prod(high - low + 1))
        if not full or not self.whole(references[lead], low, high, len(reads), size):
            return None
        shifts = places[:, :, :2] - spots[:, None]
        parallel = (shifts == shifts[:1]).all(axis=(0, 2))
        ranges = {place: _range(references[place], places[:, place]) for place in np.flatnonzero(moving).tolist()}
        if not parallel[moving].all():
            return self.crossed(reads, places, moving, size) if size == len(reads) else None
        return self.products(reads[0], ranges, size == len(reads))

    def whole(self, lead: t.Ref, low: Ints, high: Ints, count: int, size: int) -> bool:
        """Whether a rectangle holds nothing else; between mirror cells may be empty ones."""
        name = lead.sheet or ""
        if count == size:
            return True
        if not name.startswith(MARK):
            return False
        (top, left), (bottom, right) = low.tolist(), high.tolist()
        inside = (1 for row, column in self.occupied[name[1:]] if top <= row <= bottom and left <= column <= right)
        return sum(inside) == count

    def products(self, read: Read, ranges: dict[int, t.Ref], full: bool) -> t.Node | None:
        """Return the constant factors times the sum of the products of those that move."""
        term, place = read.term, 0
        still: list[list[t.Node]] = [[], []]
        simple: list[t.Node] = []
        others: list[list[t.Node]] = [[], []]
        for side, factors in enumerate((term.over, term.under)):
            for factor in factors:
                count = sum(isinstance(node, t.Ref) for node in walk(factor))
                own = {at - place: ranges[at] for at in range(place, place + count) if at in ranges}
                node = _with_ranges(placed(factor, read.row, read.column), own)
                place += count
                if not own:
                    still[side].append(node)
                elif isinstance(factor, t.Ref) and side == 0:
                    simple.append(node)
                elif not full or not self.makes_arrays(node):
                    return None
                else:
                    others[side].append(node)
        if any(at >= place for at in ranges):
            return None  # a condition moves
        if others[0] or others[1]:
            array = multiplied(1.0, [*simple, *others[0]], others[1])
            if isinstance(array, t.Binary) and array.operator in _COMPARISONS:
                array = t.Unary("-", t.Unary("-", array))
            if not self.numeric([*simple, *others[0], *others[1]]):
                return None
            total = t.Call("SUMPRODUCT", (array,))
        else:
            total = t.Call("SUM" if len(simple) == 1 else "SUMPRODUCT", tuple(simple))
        guards = [(placed(node, read.row, read.column), wanted) for node, wanted in term.guards]
        return guarded(multiplied(term.coefficient, [*still[0], total], still[1]), guards)

    def crossed(self, reads: Sequence[Read], places: Ints, moving: NDArray[np.bool_], size: int) -> t.Node | None:
        """Return the product of a row and a column, MMULT, where one reference runs down as another runs across."""
        term = reads[0].term
        if (
            int(moving.sum()) != 2
            or term.guards
            or any(not isinstance(one, t.Ref) for one in (*term.over, *term.under))
        ):
            return None
        one, other = np.flatnonzero(moving).tolist()
        if max(one, other) >= len(term.over):
            return None
        spots = places[:, [one, other], :2]
        across = spots[:, :, ::-1][:, 1] - spots[:, 0]
        if (across != across[:1]).any():
            return None
        ranges = [_range(self.form(term)[1][at], places[:, at]) for at in (one, other)]
        ranges.sort(key=lambda node: node.top != node.bottom)  # the row first
        if ranges[0].top != ranges[0].bottom or ranges[1].left != ranges[1].right or not self.numeric(ranges):
            return None
        rest = _kept(reads[0])
        over = [node for at, node in enumerate(rest.over) if at not in (one, other)]
        return multiplied(rest.coefficient, [*over, t.Call("MMULT", tuple(ranges))], rest.under)

    def numeric(self, nodes: Sequence[t.Node]) -> bool:
        """Whether the ranges in expressions hold numbers only, of which arithmetic on whole ranges can be sure."""
        table = self.store.table
        for node in (one for whole in nodes for one in walk(whole)):
            if not isinstance(node, t.Ref) or (node.sheet or "").startswith(MARK):
                continue
            place = table.sheet_places[name_key(node.sheet or "")]
            rows, columns = np.mgrid[node.top.value : node.bottom.value + 1, node.left.value : node.right.value + 1]
            kinds = self.store.kinds[table.find(place, rows, columns)]
            if not np.isin(kinds, (NUMBER, BLANK)).all():
                return False
        return True

    def all_numbers(self, node: t.Ref) -> bool:
        """Whether a range holds numbers and nothing else, no empty cell either, as MMULT wants it."""
        rows, columns = (
            range(first.value, last.value + 1) for first, last in ((node.top, node.bottom), (node.left, node.right))
        )
        sheet = node.sheet or ""
        if sheet.startswith(MARK):
            return all((row, column) in self.occupied[sheet[1:]] for row in rows for column in columns)
        place = self.store.table.sheet_places[name_key(sheet)]
        ids = self.store.table.find(place, np.array(rows)[:, None], np.array(columns)[None, :])
        return bool((self.store.kinds[ids] == NUMBER).all())

    @staticmethod
    def makes_arrays(node: t.Node) -> bool:
        """Whether an expression gives an array where it is given ranges, inside SUMPRODUCT."""
        return all(not isinstance(one, t.Call) or one.name in _ARRAYS for one in walk(node))


def _kept(read: Read) -> Term:
    term = read.term
    over, under = (tuple(placed(node, read.row, read.column) for node in side) for side in (term.over, term.under))
    guards = tuple((placed(node, read.row, read.column), wanted) for node, wanted in term.guards)
    return Term(term.coefficient, over, under, guards)


def _placed(read: Read) -> t.Node:
    return _kept(read).tree()


def _range(node: t.Ref, places: Ints) -> t.Ref:
    low, high = places[:, :2].min(axis=0).tolist(), places[:, :2].max(axis=0).tolist()
    top, left, bottom, right = (t.Coordinate(int(side), True) for side in (*low, *high))
    return t.Ref(node.sheet, top, left, bottom, right)


def _with_ranges(node: t.Node, ranges: dict[int, t.Ref]) -> t.Node:
    """Return an expression with some of its references, counted from the left, replaced."""
    count = 0

    def put(one: t.Node) -> t.Node:
        nonlocal count
        if isinstance(one, t.Ref):
            count += 1
            return ranges.get(count - 1, one)
        below = children(one)
        return with_children(one, [put(part) for part in below]) if below else one

    return put(node)


def _runs(places: Ints, lead: int, moving: NDArray[np.bool_], axis: int) -> list[list[int]]:
    """Return reads (their places) in runs in which all that moves moves by one row (0) or column (1) at a time."""
    spots = places[:, lead, :2]
    order = np.lexsort((spots[:, axis], spots[:, 1 - axis]))
    step = np.zeros(2, np.int64)
    step[axis] = 1
    runs: list[list[int]] = []
    before: Ints | None = None
    for place in order.tolist():
        here = places[place, :, :2]
        if before is not None and (here[lead] - before[lead] == step).all() and _steady(here - before, step):
            runs[-1].append(place)
        else:
            runs.append([place])
        before = here
    return _regular(runs, places)


def _steady(shift: Ints, step: Ints) -> bool:
    """Whether every reference stays or makes the step, straight or crossed."""
    stays, steps, crosses = ((shift == wanted).all(axis=1) for wanted in (step * 0, step, step[::-1]))
    return bool((stays | steps | crosses).all())


def _regular(runs: list[list[int]], places: Ints) -> list[list[int]]:
    """Cut runs where a reference that stayed begins to move."""
    found: list[list[int]] = []
    for run in runs:
        current = [run[0]]
        shift: Ints | None = None
        for before, place in itertools.pairwise(run):
            new = places[place] - places[before]
            if shift is not None and (new != shift).any():
                found.append(current)
                current, shift = [place], None
                continue
            shift = new
            current.append(place)
        found.append(current)
    return found


def _sum_of(nodes: list[t.Ref]) -> t.Node:
    lots = [nodes[at : at + _MOST_ARGUMENTS] for at in range(0, len(nodes), _MOST_ARGUMENTS)]
    sums: list[t.Node] = [t.Call("SUM", tuple(lot)) for lot in lots]
    return sums[0] if len(sums) == 1 else t.Call("SUM", tuple(sums))

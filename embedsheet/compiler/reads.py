"""Which cells, and which groups, the formulas of a group read."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from embedsheet.compiler.calling import ADDRESS_FUNCTIONS, looks_at_addresses
from embedsheet.compiler.cells import Ids
from embedsheet.compiler.evaluate import Evaluator
from embedsheet.compiler.forms import Group
from embedsheet.compiler.reading import PendingError
from embedsheet.compiler.rectangles import areas, in_use
from embedsheet.compiler.resolve import resolve_name
from embedsheet.compiler.store import Store
from embedsheet.compiler.windows import grown_by
from embedsheet.formulas.functions.table import FUNCTIONS
from embedsheet.formulas.growing import bounding, is_large
from embedsheet.ground.distinct import distinct
from embedsheet.ground.keys import name_key
from embedsheet.ground.notation import tree as t
from embedsheet.ground.notation.numerals import Pattern
from embedsheet.ground.notation.walk import children, is_fixed

_MOST_LEARNED = 4_000_000  # numbers that say which cell of a group reads which
# What all cells of a group read alike, by its sheet and corners, and by the reference itself where nothing in it moves.
Rectangles = dict[Hashable, Ids]


class Reads:
    """What the formulas of each group of a store read; `learned` counts how often more turned out to be read.

    `news` counts the same without what was known: where an evaluation learns nothing else, it will never end.

    It does not depend on values: what another store of the same groups has found out, `like`, is used.
    """

    def __init__(self, store: Store, like: Reads | None = None) -> None:
        self.store = store
        self.learned = self.news = 0
        self._known: set[tuple[int, int]] = set()  # by the group's place, what was learned
        self._cells: dict[int, list[Ids]] = like._cells if like else {}
        # By sheet and pattern where formulas of one pattern read the same cells, else by the group's place.
        self._still: dict[tuple[int, Pattern | None] | int, tuple[list[Ids], bool]] = like._still if like else {}
        self._growing: set[int] = like._growing if like else set()  # the places of groups with long growing ranges
        self._rectangles: Rectangles = like._rectangles if like else {}
        same = like is not None and like.store.group_of is store.group_of
        self._groups: dict[int, NDArray[np.int32]] = like._groups if like and same else {}
        self._groups_of: dict[int, tuple[list[Ids], NDArray[np.int32]]] = {}  # by what is read
        self._owners_of: dict[int, tuple[Ids, NDArray[np.int32]]] = {}

    def learn(self, place: int, pending: PendingError) -> None:
        """Note cells that some cells of a group turned out to read."""
        group, elements, each = self.store.groups[place], pending.elements, pending.each
        times = np.bincount(elements, minlength=len(group.ids))  # a cell may have several lots, see `apply_each`
        if times.max() * len(times) * each.shape[1] <= _MOST_LEARNED:
            order, first = np.argsort(elements, kind="stable"), np.cumsum(times) - times
            lot = np.arange(len(elements)) - first[elements[order]]
            reads = np.full((len(times), times.max(), each.shape[1]), -1, np.int64)
            reads[elements[order], lot] = each[order]
            reads = reads.reshape(len(times), 1, -1)
        else:  # as if each of the group's cells read all of them
            reads = pending.ids.reshape(1, 1, -1)
        self.learned += 1
        if (known := (place, hash(reads.tobytes()))) in self._known:
            return
        self._known.add(known)
        self.news += 1
        group.dynamic.append(reads)
        self._groups.pop(place, None)

    def cells(self, place: int) -> list[Ids]:
        """Return the cells that a group's formulas name, an array (n or 1, rows, columns) for each reference."""
        group = self.store.groups[place]
        if place not in self._cells:
            pattern = group.pattern
            # What a call of a name reads may move.
            still = pattern is not None and pattern.still and pattern.functions <= FUNCTIONS.keys()
            alike = (group.sheet, pattern) if still and group.offsets is None else place
            if alike not in self._still:
                growing: list[bool] = []
                found = list(_static_reads(self.store, group, self._rectangles, growing=growing))
                self._still[alike] = found, bool(growing)
            self._cells[place], grows = self._still[alike]
            if grows:
                self._growing.add(place)
        return [*self._cells[place], *group.dynamic] if group.dynamic else self._cells[place]

    def of_component(self, component: Collection[int], place: int) -> list[Ids]:
        """Return `cell_by_cell` of a group, which is `cells` where no range of it is long and growing."""
        known = self.cells(place)
        return self.cell_by_cell(component, self.store.groups[place]) if place in self._growing else known

    def cell_by_cell(self, component: Collection[int], group: Group) -> list[Ids]:
        """Return `cells` with long growing ranges as each cell reads them, not by the rectangle around them all.

        `component` are the places of the groups that need each other.
        """
        return [*_static_reads(self.store, group, self._rectangles, component), *group.dynamic]

    def groups(self, place: int) -> NDArray[np.int32]:
        """Return the groups from which a group reads."""
        known = self._groups.get(place)
        if known is None:
            reads = self.cells(place)
            if id(reads) not in self._groups_of:
                owners = [self._owners(ids) for ids in reads]
                known = distinct(np.concatenate(owners)) if owners else np.empty(0, np.int32)
                self._groups_of[id(reads)] = reads, known[known >= 0]
            known = self._groups[place] = self._groups_of[id(reads)][1]
        return known

    def _owners(self, ids: Ids) -> NDArray[np.int32]:
        """Return the groups of some cells; found once for a rectangle that many groups read."""
        if id(ids) not in self._owners_of:
            self._owners_of[id(ids)] = ids, distinct(self.store.group_of[ids])
        return self._owners_of[id(ids)][1]


def reads_known(known: NDArray[np.bool_], reads: Sequence[Ids], elements: Ids) -> NDArray[np.bool_]:
    """Return which of a group's cells `elements` read only cells that are `known`; `reads` as `Reads.cells`."""
    found = np.ones(len(elements), bool)
    for ids in reads:
        mine = ids if len(ids) == 1 else ids[elements]
        found &= known[np.where(mine < 0, -1, mine)].all(axis=(1, 2))
    return found


def _static_reads(
    store: Store, group: Group, rectangles: Rectangles, component: Collection[int] | None = None,
    growing: list[bool] | None = None,
) -> Iterator[Ids]:  # fmt: skip
    """Yield the cells each reference of a group's formula names, but not those whose address only is used.

    A rectangle that all cells of a group read is kept in `rectangles`, so that other groups have the same array. Long
    growing ranges are given by the rectangle around them, noted in `growing`, or, for a `component` of groups, cell by
    cell.
    """
    evaluator = Evaluator(store, group, np.arange(len(group.ids)))
    waiting: list[t.Node] = [group.tree]
    seen_names: set[str] = set()
    seen: set[t.Node] = set()
    while waiting:
        node = waiting.pop()
        if isinstance(node, t.Ref):
            if node in seen:
                continue
            seen.add(node)
        if isinstance(node, t.Cells):
            yield node.ids[:, None, None]
        elif isinstance(node, t.Ref) and group.offsets is None and (group.sheet, node) in rectangles:
            yield rectangles[group.sheet, node]
        elif isinstance(node, (t.Ref, t.Refs, t.TableRef, t.Spill)):
            if isinstance(node, t.Ref) and node.last_sheet is not None:
                read = areas(evaluator.through(node))
            else:
                read = areas(evaluator.evaluate(node))
            for result in read:
                if is_large(result):
                    if growing is not None:
                        growing.append(True)
                    grown = None if component is None else grown_by(result)
                    if grown is not None and (added := evaluator.ids(grown[0])) is not None:
                        yield added
                        yield _with_range_before(store, group, added, grown[1], component or ())
                        continue
                    result = bounding(result)
                shared = len(result.top) == 1 and result.errors is None and group.offsets is None
                if shared:
                    result = in_use(store.table, result)
                edges = (result.top, result.left, result.bottom, result.right)
                key = (result.sheet, *(int(edge[0]) for edge in edges)) if shared else ()
                ids = rectangles.get(key)
                if ids is None:
                    ids = evaluator.ids(result)
                if ids is not None:
                    if shared:
                        rectangles[key] = ids
                        if isinstance(node, t.Ref) and is_fixed(node) and node.last_sheet is None:
                            rectangles[group.sheet, node] = ids
                    yield ids
        elif looks_at_addresses(node):
            continue
        elif isinstance(node, t.Call) and node.name in ADDRESS_FUNCTIONS:
            first, *rest = node.arguments or (t.Missing(),)
            waiting += rest if isinstance(first, (t.Ref, t.Name, t.TableRef, t.Spill)) else node.arguments
        else:
            name = called_name(node)
            body = None if name is None or name_key(name.name) in seen_names else resolve_name(store, group, name)
            if name is not None and body is not None:
                seen_names.add(name_key(name.name))
                waiting.append(body)
            waiting += children(node)


def _with_range_before(store: Store, group: Group, added: Ids, order: Ids, component: Collection[int]) -> Ids:
    """Return for each of a group's cells the one that reads all of its growing range but what the range `added`.

    −1 for the shortest range, the first in `order`, and where nothing in the range waits for a cell of the component:
    which of these two cells comes first is no matter then.
    """
    member = np.isin(store.group_of[added], list(component))
    waits: NDArray[np.bool_] = np.asarray((member | ~store.done[added]).any(axis=(1, 2)))
    before = np.full(len(order), -1)
    before[order[1:]] = np.where(np.logical_or.accumulate(waits[order])[:-1], group.ids[order[:-1]], -1)
    return before[:, None, None]


def called_name(node: t.Node) -> t.Name | None:
    """Return the defined name that a node may refer to: a name, or a call of a function of no other kind."""
    if isinstance(node, t.Name):
        return node
    return t.Name(node.name) if isinstance(node, t.Call) and node.name not in FUNCTIONS else None

"""What must be evaluated before what.

Groups of like formulas are the nodes; one group needs another where it reads any of its cells. Groups that need each
other in a circle (a running total needs itself) are looked at cell by cell: either their cells can be put in an order,
or the workbook has a circular reference. Addresses that are computed (INDEX, OFFSET) are known only once their
arguments are: an evaluation that meets a cell not yet evaluated says so, the need is noted, and the order is made anew.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.compiler.alike import joined, shape_of
from embedsheet.compiler.calling import ADDRESS_FUNCTIONS, SHAPE_FUNCTIONS
from embedsheet.compiler.carried import Ordered
from embedsheet.compiler.cells import Ids
from embedsheet.compiler.components import ComponentCells, Step, around_odd, behind, circle, in_order
from embedsheet.compiler.evaluate import Evaluator
from embedsheet.compiler.faults import Circle, other_workbook, unknown_function
from embedsheet.compiler.forms import Group
from embedsheet.compiler.noise import TOLERANCE
from embedsheet.compiler.reading import PendingError, Trace
from embedsheet.compiler.rectangles import areas, in_use
from embedsheet.compiler.recurrence import MOST_RUNS, MOST_UNROLLED, Recurrence, find_recurrence
from embedsheet.compiler.resolve import resolve_name
from embedsheet.compiler.store import Store
from embedsheet.compiler.windows import grown_by
from embedsheet.formulas.functions.table import FUNCTIONS
from embedsheet.formulas.growing import bounding, is_large
from embedsheet.formulas.values import BLANK, NUMBER, Value
from embedsheet.ground.errors import FormulaError, UnsupportedError
from embedsheet.ground.keys import name_key
from embedsheet.ground.notation import tree as t
from embedsheet.ground.notation.numerals import Pattern
from embedsheet.ground.notation.walk import children, is_fixed

# So many of a group's cells are refused one by one; then the rest that cannot be computed together is, as a whole.
_MOST_REFUSED = 1024
_MOST_LEARNED = 4_000_000  # numbers that say which cell of a group reads which
# What all cells of a group read alike, by its sheet and corners, and by the reference itself where nothing in it moves.
Rectangles = dict[Hashable, Ids]
_MOST_ITERATIONS = 32_767  # of a circle, in Excel
_USUAL_ITERATIONS = 100  # as Excel sets them; so many are always made
_STEPS_AN_EVALUATION = 20  # that one cell of a circle counts as


class Planner:
    """Evaluates what is asked for, and what that needs, in NumPy; `steps` is the order found."""

    def __init__(
        self, store: Store, progress: Callable[[int, int], None] | None = None, like: Planner | None = None
    ) -> None:
        self.store = store
        self.steps: list[Step | Recurrence | Ordered] = []
        self.faults: dict[int, list[str]] = {}  # by the group's place
        self.blocked: set[int] = set()  # groups of which a cell reads one that cannot be computed
        self._refused: dict[int, int] = {}  # how many cells of a group were, one by one
        # What formulas read does not depend on values: another planner of the same groups may have found it out.
        self._reads: dict[int, list[Ids]] = like._reads if like else {}
        # By sheet and pattern where formulas of one pattern read the same cells, else by the group's place.
        self._still: dict[tuple[int, Pattern | None] | int, list[Ids]] = like._still if like else {}
        self._rectangles: Rectangles = like._rectangles if like else {}
        self._shapes: dict[int, Hashable] = like._shapes if like else {}
        same = like is not None and like.store.group_of is store.group_of
        self._needs: dict[int, NDArray[np.int32]] = like._needs if like and same else {}
        self._needed_by: dict[int, tuple[list[Ids], NDArray[np.int32]]] = {}  # by what is read
        self._owners_of: dict[int, tuple[Ids, NDArray[np.int32]]] = {}
        self._learned = 0  # how often a group turned out to read more cells
        self._progress = progress

    def all_faults(self) -> list[str]:
        """Return every fault once."""
        return list(dict.fromkeys(fault for faults in self.faults.values() for fault in faults))

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
        group.dynamic.append(reads)
        self._learned += 1
        self._needs.pop(place, None)

    def restart(self) -> None:
        """Forget what has been evaluated, not what has been learned about needs."""
        for step in self.steps:
            cells = step.group.outputs[step.elements] if isinstance(step, Step) else step.ids
            self.store.done[cells] = False
        self.steps.clear()
        self.faults.clear()
        self.blocked.clear()
        self._refused.clear()
        self.store.singular.clear()

    def depends_on_changing(self) -> bool:
        """Whether a formula that could not be evaluated may follow from the changing cells."""
        unknown = self.faults.keys() | self.blocked
        touched: set[int] = set()
        while True:
            before = len(touched)
            touched |= {place for place in unknown - touched if self._touches(place, touched)}
            if len(touched) == before:
                return bool(touched)

    def _touches(self, place: int, touched: set[int]) -> bool:
        store = self.store
        try:
            reads = self.reads(place)
        except (FormulaError, UnsupportedError):
            return True
        cells = [store.tainted[ids].any() or bool(touched & set(store.group_of[ids].ravel().tolist())) for ids in reads]
        return any(cells)

    def require(self, ids: Ids) -> None:
        """Evaluate cells; afterwards `faults` says for which groups that is not possible, and why."""
        while True:
            undone = ids[~self.store.done[ids]]
            roots = [int(place) for place in np.unique(self.store.group_of[undone]) if not self._failed(int(place))]
            if not roots:
                return
            before = self._state()
            for components in self._alike(self.components(roots)):
                if len(components) == 1 or not self._run_joined([component[0] for component in components]):
                    for component in components:
                        self._evaluate(component)
            if self._state() == before:
                for place in roots:
                    self._fail(place, [f"{self.store.groups[place].where()}: the order of evaluation cannot be found."])

    def _state(self) -> tuple[int, int, int]:
        return int(self.store.done.sum()), len(self.faults) + len(self.blocked), self._learned

    def _failed(self, place: int) -> bool:
        return place in self.faults or place in self.blocked

    def _fail(self, place: int, faults: list[str]) -> None:
        self.faults[place] = [*self.faults.get(place, []), *faults]

    # Needs

    def reads(self, place: int) -> list[Ids]:
        """Return the cells that a group's formulas name, an array (n or 1, rows, columns) for each reference."""
        group = self.store.groups[place]
        if place not in self._reads:
            pattern = group.pattern
            # What a call of a name reads may move.
            still = pattern is not None and pattern.still and pattern.functions <= FUNCTIONS.keys()
            alike = (group.sheet, pattern) if still and group.offsets is None else place
            if alike not in self._still:
                self._still[alike] = list(_static_reads(self.store, group, self._rectangles))
            self._reads[place] = self._still[alike]
        return [*self._reads[place], *group.dynamic] if group.dynamic else self._reads[place]

    def _reads_cell_by_cell(self, component: Collection[int], group: Group) -> list[Ids]:
        """Return `reads` with long growing ranges as each cell reads them, not by the rectangle around them all.

        `component` are the places of the groups that need each other.
        """
        return [*_static_reads(self.store, group, self._rectangles, component), *group.dynamic]

    def needs(self, place: int) -> NDArray[np.int32]:
        """Return the groups from which a group reads."""
        return self._needed_groups(place)

    def _needed_groups(self, place: int) -> NDArray[np.int32]:
        """Return the groups that a group reads from, those already evaluated left out."""
        known = self._needs.get(place)
        if known is None:
            reads = self.reads(place)
            if id(reads) not in self._needed_by:
                owners = [self._owners(ids) for ids in reads]
                known = np.unique(np.concatenate(owners)) if owners else np.empty(0, np.int32)
                self._needed_by[id(reads)] = reads, known[known >= 0]
            known = self._needs[place] = self._needed_by[id(reads)][1]
        return known

    def _owners(self, ids: Ids) -> NDArray[np.int32]:
        """Return the groups of some cells; found once for a rectangle that many groups read."""
        if id(ids) not in self._owners_of:
            self._owners_of[id(ids)] = ids, np.unique(self.store.group_of[ids])
        return self._owners_of[id(ids)][1]

    def components(self, roots: Iterable[int]) -> Iterator[list[int]]:
        """Yield sets of groups that need each other, those needed first (Tarjan's algorithm, without recursion)."""
        index: dict[int, int] = {}
        low: dict[int, int] = {}
        stack: list[int] = []
        on_stack: set[int] = set()
        for root in roots:
            if root in index:
                continue
            work: list[tuple[int, Iterator[int]]] = []

            def enter(place: int, work: list[tuple[int, Iterator[int]]] = work) -> None:
                index[place] = low[place] = len(index)
                stack.append(place)
                on_stack.add(place)
                work.append((place, iter(self._successors(place))))

            enter(root)
            while work:
                place, waiting = work[-1]
                for successor in waiting:
                    if successor not in index:
                        enter(successor)
                        break
                    if successor in on_stack:
                        low[place] = min(low[place], index[successor])
                else:
                    work.pop()
                    if work:
                        low[work[-1][0]] = min(low[work[-1][0]], low[place])
                    if low[place] == index[place]:
                        cut = stack.index(place)
                        component = stack[cut:]
                        del stack[cut:]
                        on_stack.difference_update(component)
                        yield component

    def _successors(self, place: int) -> list[int]:
        """Groups that must come first; reading a formula for the first time may show that it cannot be used."""
        if self._failed(place):
            return []
        group = self.store.groups[place]
        try:
            if group.fault:
                raise UnsupportedError([f"{group.where()}: {group.fault}"])
            needed = self._needed_groups(place)
            faults = _faults(self.store, group)
            if faults:
                self._fail(place, faults)  # and on with what it reads, so that one message names every fault
        except FormulaError as error:
            self._fail(place, [str(error)])
            return []
        except UnsupportedError as error:
            self._fail(place, error.faults)
            return []
        return [int(one) for one in needed if one != place and not self._group_done(int(one))]

    def _group_done(self, place: int) -> bool:
        return bool(self.store.done[self.store.groups[place].ids].all())

    def _alike(self, components: Iterable[list[int]]) -> Iterator[list[list[int]]]:
        """Yield components that can be evaluated together, those needed first."""
        level_of: dict[int, int] = {}
        together: dict[tuple[int, Hashable], list[list[int]]] = {}
        for place, component in enumerate(components):
            level, shape = 0, None
            if not any(map(self._failed, component)):
                needed = [int(one) for part in component for one in self._needed_groups(part)]
                level = 1 + max((level_of.get(one, 0) for one in needed), default=0)
                if len(component) == 1 and component[0] not in needed:
                    shape = self._shape(component[0])
            level_of |= dict.fromkeys(component, level)
            together.setdefault((level, place if shape is None else shape), []).append(component)
        for _, alike in sorted(together.items(), key=lambda item: item[0][0]):
            yield alike

    def _shape(self, place: int) -> Hashable:
        group = self.store.groups[place]
        if place not in self._shapes:
            self._shapes[place] = None if _is_frozen(group) else shape_of(group)
        return None if self.store.done[group.ids].any() else self._shapes[place]

    # Evaluation

    def _run_joined(self, places: list[int]) -> bool:
        """Evaluate groups of one shape in one step; False when they are to be evaluated one by one."""
        group = joined([self.store.groups[place] for place in places])
        elements = np.arange(len(group.ids))
        evaluator = Evaluator(self.store, group, elements)
        try:
            with np.errstate(all="ignore"):
                value = evaluator.run()
        except (PendingError, UnsupportedError):
            return False
        self._keep(group, elements, value, evaluator.trace)
        self.steps.append(Step(group, elements))
        return True

    def _evaluate(self, component: list[int]) -> None:
        """Evaluate groups that need each other; everything else they need has been tried before."""
        component = [place for place in component if not self._failed(place) and not self._group_done(place)]
        if not component:
            return
        behind = False
        for place in component:
            for needed in map(int, self._needed_groups(place)):
                if needed not in component and not self._group_done(needed):
                    if not self._failed(needed):
                        return  # a need found out on the way; the next round orders it
                    behind = True
        if behind:
            self._run_readable(component)
        elif len(component) == 1 and component[0] not in self._needed_groups(component[0]):
            group = self.store.groups[component[0]]
            self._run(component[0], np.flatnonzero(~self.store.done[group.ids]))
        else:
            self._run_in_order(self._cells_of(component), component)

    def _run_readable(self, component: list[int]) -> None:
        """Evaluate the cells of groups that read, directly or through others, none that cannot be computed."""
        cells, store = self._cells_of(component), self.store
        known, readable = store.done | (cells.local >= 0), np.ones(len(cells.ids), bool)
        for place, reads in cells.reads.items():
            mine = cells.owners == place
            readable[mine] = _readable(known, reads, cells.elements[mine])
        readable &= ~behind(cells, np.flatnonzero(~readable))
        part, learned = cells.only(np.flatnonzero(readable)), self._learned
        if len(part.ids):
            self._run_in_order(part)
            if self._learned > learned:  # some wait for others; the next round orders them
                return
            self._run_levels(part, np.arange(len(part.ids)), self.steps, careful=True)
        waiting = np.unique(cells.owners[~store.done[cells.ids]]).tolist()
        self.blocked.update(place for place in waiting if place not in self.faults)

    def _cells_of(self, component: list[int]) -> ComponentCells:
        groups = self.store.groups
        return ComponentCells(
            self.store, {place: self._reads_cell_by_cell(component, groups[place]) for place in component}
        )

    def _run(self, place: int, elements: Ids, record: bool = True) -> bool:
        """Evaluate some cells of a group; False when they need cells not yet evaluated, or cannot be computed."""
        group = self.store.groups[place]
        if _is_frozen(group):
            return self._freeze(place, elements)
        evaluator = Evaluator(self.store, group, elements)
        try:
            with np.errstate(all="ignore"):
                value = evaluator.run()
        except PendingError as pending:
            self.learn(place, pending)
            return False
        except UnsupportedError as error:
            if len(elements) > 1 and self._refused.get(place, 0) < _MOST_REFUSED:
                return self._run_halves(place, elements, record, error)
            self._refused[place] = self._refused.get(place, 0) + 1
            self._fail(place, error.faults)
            return False
        self._keep(group, elements, value, evaluator.trace)
        if record:
            self.steps.append(Step(group, elements))
        return True

    def _run_halves(self, place: int, elements: Ids, record: bool, refusal: UnsupportedError) -> bool:
        """Evaluate cells of which one at least is refused: the others may be right."""
        group, before = self.store.groups[place], self.faults.get(place, [])
        learned = self._learned
        done = [self._run(place, half, record) for half in np.array_split(elements, 2)]
        if self._learned > learned:  # some wait for others, so that all not done come again
            self.faults.pop(place, None)
            return False
        if not self.store.done[group.ids[elements]].any():
            self.faults[place] = [*before, *refusal.faults]
        return all(done)

    def _keep(self, group: Group, elements: Ids, value: Value, trace: Trace) -> None:
        self.store.put(group, elements, value, trace.tainted, trace.operand, trace.input_error)
        if self._progress:
            self._progress(int(self.store.done.sum()), len(self.store.done))

    def _freeze(self, place: int, elements: Ids) -> bool:
        """Keep the stored values of cells with RAND, NOW and the like."""
        group, store = self.store.groups[place], self.store
        for ids in self.reads(place):
            if store.tainted[ids].any():
                self._fail(
                    place, [f"{group.where()}: a volatile function and the changing cells in one formula; "
                            "put the random number or the date into a cell of its own."]
                )  # fmt: skip
                return False
        outputs = group.outputs[elements]
        value = Value(store.table.kinds[outputs], store.table.numbers[outputs])
        self._keep(group, elements, value, Trace(len(elements)))
        store.frozen.append((group, elements))
        return True

    def _run_in_order(self, cells: ComponentCells, component: list[int] | None = None) -> None:
        """Evaluate cells that need each other one by one, or as a recurrence where they are one.

        `component` are their groups where they are all of the groups' cells.
        """
        self._run_found(cells, find_recurrence(self.store, cells), component)

    def _run_found(self, cells: ComponentCells, recurrence: Recurrence | None, component: list[int] | None) -> None:
        if recurrence is None and self._run_around_odd(cells):
            return
        if recurrence is None:
            fresh, steps = not self.store.done[cells.ids].any(), list[Step]()
            whole = self._run_levels(cells, np.arange(len(cells.ids)), steps)
            if component and whole and fresh:
                self.steps.append(Ordered(component, steps, self.store, partial(self._reads_cell_by_cell, component)))
            else:
                self.steps += steps
            return
        if not self._run_levels(cells, recurrence.before, self.steps):
            return
        runs = recurrence.length * len(np.unique(cells.owners[recurrence.members]))
        long = recurrence.length > MOST_UNROLLED or runs > MOST_RUNS
        # In a scan which cell reads which is not noted.
        scanned = long and self.store.watched is None and recurrence.run_concrete(self.store)
        if not scanned and not self._run_levels(cells, recurrence.members, recurrence.unrolled):
            self.steps += recurrence.unrolled
            return
        self.steps.append(recurrence)
        self._run_levels(cells, recurrence.after, self.steps)

    def _run_around_odd(self, cells: ComponentCells) -> bool:
        """Evaluate what would be a recurrence but for a row that deviates: up to it, it, and from there on.

        False where there is no such row, or no recurrence beside it.
        """
        parts = around_odd(self.store, cells)
        if parts is None:
            return False
        found = [(part, find_recurrence(self.store, part)) for part in map(cells.only, parts)]
        if found[0][1] is None and found[-1][1] is None:
            return False
        for part, recurrence in found:
            self._run_found(part, recurrence, None)
            if not self.store.done[part.ids].all():
                break  # what is missing is known now; the next round orders it
        return True

    def _run_levels(self, cells: ComponentCells, nodes: Ids, steps: list[Any], careful: bool = False) -> bool:
        """Evaluate cells (places in `cells`) in an order that works and append the steps; False when that failed.

        `careful`: leave out those that read what cannot be computed; so are those behind a cell that is refused.
        """
        store, learned, skipped = self.store, self._learned, set[int]()
        levels, rest = in_order(cells, nodes[~store.done[cells.ids[nodes]]])
        for place, elements in levels:
            group, wanted = store.groups[place], len(elements)
            if careful:
                elements = elements[_readable(store.done, cells.reads[place], elements)]
            whole = len(elements) == 0 or self._run(place, elements, record=False)
            if self._learned > learned:
                return False
            if not whole:
                careful, elements = True, elements[store.done[group.ids[elements]]]
            if len(elements):
                steps.append(Step(group, elements))
            if len(elements) < wanted:
                skipped.add(place)
        self.blocked |= skipped
        if not len(rest):
            return not skipped
        if store.workbook.iteration is None:
            self._fail_circle(cells, rest, "break the circle.")
            return False
        if careful and not skipped.isdisjoint(cells.reads):
            self.blocked.update(cells.owners[rest].tolist())
            return False
        return self._iterate(cells, rest, steps)

    def _iterate(self, cells: ComponentCells, rest: Ids, steps: list[Any]) -> bool:
        """Evaluate a circle as Excel iterates: sheet by sheet, row by row, from what the file stores, again and again.

        False, with the fault noted, where a changing cell moves it: what a stop halfway gives has no derivative.
        """
        store, iteration = self.store, self.store.workbook.iteration
        assert iteration is not None
        places = rest[np.argsort(cells.ids[rest])].tolist()
        ids = cells.ids[places]
        stored = store.table.kinds[ids]
        store.kinds[ids], store.numbers[ids] = np.where(stored == BLANK, NUMBER, stored), store.table.numbers[ids]
        store.done[ids] = True
        most = min(max(iteration.most, 1), _MOST_ITERATIONS)
        for done in range(1, most + 1):
            if done > _USUAL_ITERATIONS and done * len(places) * _STEPS_AN_EVALUATION > store.budget.limits.steps:
                store.done[ids] = False
                asked = store.budget.refusal(most * len(places) * _STEPS_AN_EVALUATION, "steps")
                self._fail_circle(cells, rest, f"{most:,} iterations: {asked}")
                return False
            before = store.numbers[ids]
            for place in places:
                group, element = store.groups[int(cells.owners[place])], cells.elements[[place]]
                evaluator = Evaluator(store, group, element)
                try:
                    with np.errstate(all="ignore"):
                        value = evaluator.run()
                except (PendingError, UnsupportedError) as fault:
                    store.done[ids] = False
                    if isinstance(fault, PendingError):
                        self.learn(int(cells.owners[place]), fault)
                    else:
                        self._fail(int(cells.owners[place]), fault.faults)
                    return False
                self._keep(group, element, value, evaluator.trace)
            if np.abs(store.numbers[ids] - before).max() <= iteration.least:
                break
        if store.tainted[ids].any():
            store.done[ids] = False
            self._fail_circle(
                cells, rest, "a workbook may iterate, a solver cannot follow it: give one cell of the circle a number, "
                "make it a changing cell, and let a constraint keep it equal to its formula in another cell."
            )  # fmt: skip
            return False
        # A circle is as exact as the change at which it may stop.
        store.operand[ids] = np.maximum(store.operand[ids], iteration.least / TOLERANCE)
        for owner in np.unique(cells.owners[rest]):
            steps.append(Step(store.groups[int(owner)], cells.elements[rest[cells.owners[rest] == owner]]))
        return True

    def _fail_circle(self, cells: ComponentCells, rest: Ids, remedy: str) -> None:
        names = [str(self.store.table.cell(int(cells.ids[i]))) for i in circle(cells, rest)]
        for place in np.unique(cells.owners[rest]):
            self._fail(int(place), [Circle.of(names, remedy)])


def _readable(known: NDArray[np.bool_], reads: Sequence[Ids], elements: Ids) -> NDArray[np.bool_]:
    """Return which of a group's cells `elements` read only cells that are `known`; `reads` as `Planner.reads`."""
    found = np.ones(len(elements), bool)
    for ids in reads:
        mine = ids if len(ids) == 1 else ids[elements]
        found &= known[np.where(mine < 0, -1, mine)].all(axis=(1, 2))
    return found


def _static_reads(
    store: Store, group: Group, rectangles: Rectangles, component: Collection[int] | None = None
) -> Iterator[Ids]:
    """Yield the cells each reference of a group's formula names, but not those whose address only is used.

    A rectangle that all cells of a group read is kept in `rectangles`, so that other groups have the same array. Long
    growing ranges are given by the rectangle around them, or, for a `component` of groups, cell by cell.
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
        elif isinstance(node, t.Call) and node.name in SHAPE_FUNCTIONS:
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


def _faults(store: Store, group: Group) -> list[str]:
    """Return what in a group's formula is not supported, all of it."""
    faults = []
    waiting: list[t.Node] = [group.tree]
    while waiting:
        node = waiting.pop()
        name = called_name(node)
        body = None if name is None else resolve_name(store, group, name)
        if isinstance(node, t.Call) and name is not None and body is None:
            faults.append(f"{group.where()}: {unknown_function(node.name)}")
        if isinstance(node, t.External):
            faults.append(f"{group.where()}: {other_workbook(node.text)}")
        waiting += children(node)
    return faults


def _is_frozen(group: Group) -> bool:
    return any(FUNCTIONS[name].gradient == "frozen" for name in group.functions() if name in FUNCTIONS)

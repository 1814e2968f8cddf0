"""What must be evaluated before what.

Groups of like formulas are the nodes; one group needs another where it reads any of its cells. Groups that need each
other in a circle (a running total needs itself) are looked at cell by cell: either their cells can be put in an order,
or the workbook has a circular reference. Addresses that are computed (INDEX, OFFSET) are known only once their
arguments are: an evaluation that meets a cell not yet evaluated says so, the need is noted, and the order is made anew.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np

from embedsheet.compiler.alike import joined, shape_of
from embedsheet.compiler.carried import Ordered
from embedsheet.compiler.cells import Ids
from embedsheet.compiler.components import (
    ComponentCells,
    Step,
    around_odd,
    behind,
    circle,
    in_order,
    strongly_connected,
)
from embedsheet.compiler.evaluate import Evaluator
from embedsheet.compiler.faults import Circle, other_workbook, unknown_function
from embedsheet.compiler.forms import Group
from embedsheet.compiler.noise import TOLERANCE
from embedsheet.compiler.reading import PendingError, Trace
from embedsheet.compiler.reads import Reads, called_name, reads_known
from embedsheet.compiler.recurrence import MOST_RUNS, MOST_UNROLLED, Recurrence, find_recurrence
from embedsheet.compiler.resolve import resolve_name
from embedsheet.compiler.scan import run_concrete
from embedsheet.compiler.store import Store
from embedsheet.formulas.functions.table import FUNCTIONS
from embedsheet.formulas.values import BLANK, NUMBER, Value
from embedsheet.ground.distinct import distinct
from embedsheet.ground.errors import FormulaError, UnsupportedError
from embedsheet.ground.notation import tree as t
from embedsheet.ground.notation.walk import children

# So many of a group's cells are refused one by one; then the rest that cannot be computed together is, as a whole.
_MOST_REFUSED = 1024
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
        self.reads: Reads = Reads(store, like.reads if like else None)
        self._shapes: dict[int, Hashable] = like._shapes if like else {}
        self._progress = progress

    def all_faults(self) -> list[str]:
        """Return every fault once."""
        return list(dict.fromkeys(fault for faults in self.faults.values() for fault in faults))

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
            reads = self.reads.cells(place)
        except (FormulaError, UnsupportedError):
            return True
        cells = [store.tainted[ids].any() or bool(touched & set(store.group_of[ids].ravel().tolist())) for ids in reads]
        return any(cells)

    def require(self, ids: Ids) -> None:
        """Evaluate cells; afterwards `faults` says for which groups that is not possible, and why."""
        while True:
            undone = ids[~self.store.done[ids]]
            roots = [int(place) for place in distinct(self.store.group_of[undone]) if not self._failed(int(place))]
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
        return int(self.store.done.sum()), len(self.faults) + len(self.blocked), self.reads.news

    def _failed(self, place: int) -> bool:
        return place in self.faults or place in self.blocked

    def _fail(self, place: int, faults: list[str]) -> None:
        self.faults[place] = [*self.faults.get(place, []), *faults]

    def components(self, roots: Iterable[int]) -> Iterator[list[int]]:
        """Yield sets of groups that need each other, those needed first."""
        return strongly_connected(roots, self._successors)

    def _successors(self, place: int) -> list[int]:
        """Groups that must come first; reading a formula for the first time may show that it cannot be used."""
        if self._failed(place):
            return []
        group = self.store.groups[place]
        try:
            if group.fault:
                raise UnsupportedError([f"{group.where()}: {group.fault}"])
            needed = self.reads.groups(place)
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
                needed = [int(one) for part in component for one in self.reads.groups(part)]
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
            for needed in map(int, self.reads.groups(place)):
                if needed not in component and not self._group_done(needed):
                    if not self._failed(needed):
                        return  # a need found out on the way; the next round orders it
                    behind = True
        if behind:
            self._run_readable(component)
        elif len(component) == 1 and component[0] not in self.reads.groups(component[0]):
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
            readable[mine] = reads_known(known, reads, cells.elements[mine])
        readable &= ~behind(cells, np.flatnonzero(~readable))
        part, learned = cells.only(np.flatnonzero(readable)), self.reads.learned
        if len(part.ids):
            self._run_in_order(part)
            if self.reads.learned > learned:  # some wait for others; the next round orders them
                return
            self._run_levels(part, np.arange(len(part.ids)), self.steps, careful=True)
        waiting = distinct(cells.owners[~store.done[cells.ids]]).tolist()
        self.blocked.update(place for place in waiting if place not in self.faults)

    def _cells_of(self, component: list[int]) -> ComponentCells:
        return ComponentCells(self.store, {place: self.reads.of_component(component, place) for place in component})

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
            self.reads.learn(place, pending)
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
        learned = self.reads.learned
        done = [self._run(place, half, record) for half in np.array_split(elements, 2)]
        if self.reads.learned > learned:  # some wait for others, so that all not done come again
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
        for ids in self.reads.cells(place):
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
                self.steps.append(Ordered(component, steps, self.store, partial(self.reads.cell_by_cell, component)))
            else:
                self.steps += steps
            return
        if not self._run_levels(cells, recurrence.before, self.steps):
            return
        runs = recurrence.length * len(distinct(cells.owners[recurrence.members]))
        long = recurrence.length > MOST_UNROLLED or runs > MOST_RUNS
        # In a scan which cell reads which is not noted.
        scanned = long and self.store.watched is None and run_concrete(recurrence, self.store)
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
        store, learned, skipped = self.store, self.reads.learned, set[int]()
        levels, rest = in_order(cells, nodes[~store.done[cells.ids[nodes]]])
        for place, elements in levels:
            group, wanted = store.groups[place], len(elements)
            if careful:
                elements = elements[reads_known(store.done, cells.reads[place], elements)]
            whole = len(elements) == 0 or self._run(place, elements, record=False)
            if self.reads.learned > learned:
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
                        self.reads.learn(int(cells.owners[place]), fault)
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
        for owner in distinct(cells.owners[rest]):
            steps.append(Step(store.groups[int(owner)], cells.elements[rest[cells.owners[rest] == owner]]))
        return True

    def _fail_circle(self, cells: ComponentCells, rest: Ids, remedy: str) -> None:
        names = [str(self.store.table.cell(int(cells.ids[i]))) for i in circle(cells, rest)]
        for place in distinct(cells.owners[rest]):
            self._fail(int(place), [Circle.of(names, remedy)])


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

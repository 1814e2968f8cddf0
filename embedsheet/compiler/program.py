"""The cells below an objective as one function of the changing cells, with exact derivatives.

    f(x) = objective cell        c(x) = left − right of each constraint        x = changing cells, (n,)

`compile_program` evaluates what the objective needs once in NumPy (which also checks the values stored in the file),
notes the order, and lets an engine (`compiler.engines`) trace the part that depends on the changing cells; all else is
constant. Everything is in double precision.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.book.book import Book
from embedsheet.book.edits import Edit
from embedsheet.book.setups import SolverSetup
from embedsheet.compiler.agreement import departing, require_agreement
from embedsheet.compiler.beginning import check_objective, check_sizes, error_origins, other_start, prepare_changing
from embedsheet.compiler.carried import Ordered
from embedsheet.compiler.cells import Ids
from embedsheet.compiler.components import Step
from embedsheet.compiler.cone import constants, evaluated_at
from embedsheet.compiler.constraints import Line, build_rows, constraint_cells
from embedsheet.compiler.curvature import Curvature, curvature_of
from embedsheet.compiler.degree import LINEAR, OTHER
from embedsheet.compiler.engines import EngineName, make_engine
from embedsheet.compiler.engines.protocol import Compiled, Engine, Traceable
from embedsheet.compiler.forms import Group
from embedsheet.compiler.needed import part_by_need
from embedsheet.compiler.order import Planner
from embedsheet.compiler.recurrence import Recurrence
from embedsheet.compiler.results import Results, results_at
from embedsheet.compiler.store import Note, Store, TracedStore
from embedsheet.compiler.tracing import LateNeedError, trace_recurrence, trace_step
from embedsheet.compiler.verify import Verification, verify
from embedsheet.formulas.functions.rounding import NEAR_ITS_ARGUMENT
from embedsheet.formulas.traced import operations
from embedsheet.formulas.values import Array, namespace
from embedsheet.ground.distinct import distinct
from embedsheet.ground.errors import ModelError, UnsupportedError
from embedsheet.ground.keys import name_key
from embedsheet.ground.kinds import BLANK, ERROR, ERRORS, TEXT
from embedsheet.ground.notation.addresses import Area, Cell
from embedsheet.ground.strings import number_in_words

if TYPE_CHECKING:
    from embedsheet.compiler.engines.graph import Graph
    from embedsheet.compiler.piecewise import Lowered

FloatArray = NDArray[np.float64]
# What a program of other formulas finds out anew.
_DERIVED = (
    "_objective", "_constraints", "_together", "unrounded", "curvature", "is_linear", "degrees", "_lowered", "_slopes",
)  # fmt: skip
_MOST_COMPARED = 50_000  # formula cells, evaluated at all points together, before a proof is told
_SLOPE_CHANGED = 1e-6  # rounding does not change a derivative by this part of itself


class Program:
    """An objective as a function of the changing cells, 0 where a set-up has none; made by `compile_program`.

    `start` (n,) are the stored values, blank cells as 0; `changing` the areas whose cells x lists, row by row. `lower`,
    `upper`, `integer` (n,), `relations` (m,) and `all_different` are the constraints,
    `impossible` those that no x meets.
    """

    def __init__(
        self,
        store: Store,
        planner: Planner,
        setup: SolverSetup,
        changing: Ids,
        targets: Ids,
        verified: Store,
        engine: Engine,
    ) -> None:
        self._store, self._planner = store, planner
        self._verified = verified  # at the file's own values; `store` is where the search begins
        self._targets = targets  # the objective's number, if there is one, then those of the constraints' cells
        self.setup = setup
        self.changing = list(setup.changing)
        self._changing = changing
        self._start: FloatArray = store.numbers[changing].copy()
        self._rows = build_rows(store, setup, changing)
        self.lower, self.upper, self.integer = self._rows.lower, self._rows.upper, self._rows.integer
        self.relations, self.all_different = self._rows.relations, self._rows.all_different
        self.impossible = self._rows.impossible
        self.verification = verify(verified, self._evaluated())
        self._notes: list[Note] = []
        self._checked = False
        self._recorded: dict[int | None, Graph] = {}  # by the number of rows, see `Engine.compile`
        self._jumps: list[Note] = []
        self._unrounded = False
        self._carries = True  # sums along growing ranges
        self._constants: Ids = np.empty(0, np.int64)  # the cells whose numbers are part of what is traced
        self._engine = engine

    # The function

    @property
    def start(self) -> FloatArray:
        """(n,) the stored values, for which the program was compiled; for others compile another with `kept`."""
        return self._start

    def _take_over(self, kept: Program) -> None:
        """Use the functions that another program compiled of the same formulas, and constants, for its start.

        All else is this program's own: the values at the start, what is undefined there, what the file stores.
        """
        # The check also finds what only tracing shows to be needed.
        self._check_traced()
        if self._compiled_from() == kept._compiled_from():
            self._engine = kept._engine
            for name in ("_objective", "_constraints", "_together"):
                if name in kept.__dict__:
                    self.__dict__[name] = kept.__dict__[name]

    def _compiled_from(self) -> list[Any]:
        """Return all that compiled functions depend on, to be compared: formulas, their order, and constants."""
        store = self._store
        places = distinct(store.group_of[self._evaluated()])
        groups = [store.groups[int(place)] for place in places]
        ids = self._constants
        kinds, numbers = store.kinds[ids], store.numbers[ids]
        texts = kinds == TEXT  # the same text may have another number
        arrays = [self._evaluated(), self._changing, self._targets, ids, kinds, numbers[~texts]]
        return [
            self.setup,
            store.table.sheet_names,
            store.workbook.names,
            store.workbook.tables,
            [(sheet.arrays, sheet.hidden_rows.tolist(), sheet.filters) for sheet in store.workbook.sheets.values()],
            [(group.sheet, group.text, group.array, group.rows.tolist(), group.columns.tolist()) for group in groups],
            [store.strings.text(code) for code in numbers[texts]],
            [array.tobytes() for array in arrays],
        ]

    @property
    def constraint_count(self) -> int:
        """m, the number of constraint rows."""
        return len(self.relations)

    @property
    def cells(self) -> int:
        """How many formula cells are evaluated."""
        return sum(len(step.elements if isinstance(step, Step) else step.ids) for step in self._planner.steps)

    def value(self, x: FloatArray) -> float:
        """Return f(x); NaN where it is undefined."""
        return float(self._objective.value(x))

    def outcomes(self, points: FloatArray) -> FloatArray:
        """Return f and the rows of `constraints` for each of the points (k, n): (k, 1 + m)."""
        return self._together.values(points)

    def value_and_gradient(self, x: FloatArray) -> tuple[float, FloatArray]:
        """Return f(x) and ∇f(x), (n,)."""
        return self._objective.value_and_gradient(x)

    def hessian_product(self, x: FloatArray, v: FloatArray) -> FloatArray:
        """Return ∇²f(x) v, (n,)."""
        return self._objective.hessian_product(x, v)

    @property
    def right_sides(self) -> FloatArray:
        """The constraint rows' right sides that are the same whatever the changing cells are, else NaN, (m,)."""
        ids = np.array(self._rows.right_ids, np.int64)
        given = np.array(self._rows.right_numbers, np.float64)
        cells = np.where(ids < 0, 0.0, self._store.numbers[ids])
        settled = (ids < 0) | (self._store.done[ids] & ~self._store.tainted[ids])
        return np.where(settled, given + cells, np.nan)

    def constraints(self, x: FloatArray) -> FloatArray:
        """Return left − right of every constraint row, (m,)."""
        if not self.constraint_count:
            return np.empty(0)
        return self._constraints.value(x)

    def constraint_jacobian(self, x: FloatArray) -> FloatArray:
        """Return the derivatives of `constraints`, (m, n)."""
        if not self.constraint_count:
            return np.empty((0, len(self.start)))
        if self.__dict__.get("is_linear"):
            return self._slopes
        return self._constraints.jacobian(x)

    @cached_property
    def _slopes(self) -> FloatArray:
        """The constraints' derivatives where all is linear, the same everywhere: a run for each row."""
        slopes = self._constraints.jacobian(self.start)
        if isinstance(slopes, np.ndarray):
            slopes.setflags(write=False)
        return slopes

    def constraint_pull_back(self, x: FloatArray, weights: FloatArray) -> FloatArray:
        """Return Σᵢ weightsᵢ ∇cᵢ(x), (n,), at the cost of one gradient; `weights` (m,)."""
        if not self.constraint_count:
            return np.zeros(len(self.start))
        return self._constraints.pull_back(x, weights)

    def constraint_hessian_product(self, x: FloatArray, weights: FloatArray, v: FloatArray) -> FloatArray:
        """Return Σᵢ weightsᵢ ∇²cᵢ(x) v, (n,); `weights` (m,)."""
        return self._constraints.pulled_hessian_product(x, weights, v)

    @cached_property
    def _objective(self) -> Compiled:
        self._check_traced()
        return self._compiled(lambda x: self._read_objective(self._trace(x), x), None)

    @cached_property
    def _constraints(self) -> Compiled:
        self._check_traced()
        return self._compiled(lambda x: self._read_constraints(self._trace(x)), self.constraint_count)

    @cached_property
    def _together(self) -> Compiled:
        self._check_traced()

        def both(x: Array) -> Array:
            traced = self._trace(x)
            results = [self._read_objective(traced, x).reshape(1)]
            if self.constraint_count:
                results.append(self._read_constraints(traced).reshape(self.constraint_count))
            return namespace(x).concatenate(results) if len(results) > 1 else results[0]

        return self._compiled(both, 1 + self.constraint_count)

    @cached_property
    def unrounded(self) -> Program | None:
        """The same with the numbers that ROUND, INT and their kin round, None where nothing is rounded.

        Another function, and a smoother one: only for finding where to look.
        """
        self._check_traced()
        if not any(note.text.split()[0] in NEAR_ITS_ARGUMENT for note in self._notes):
            return None
        other = copy(self)
        for name in _DERIVED:
            other.__dict__.pop(name, None)
        other._unrounded, other._checked, other._recorded, other._engine = True, True, {}, type(self._engine)()
        return other

    def _check_traced(self) -> None:
        """Raise UnsupportedError unless each traced cell is the sheet's at the start.

        The tape evaluates what any engine traces, without compiling it.
        """
        if self._checked:
            return
        graph, traced = self._everything()
        numbers_of = (None, self.constraint_count) if self.constraint_count else (None,)
        self._recorded = {rows: graph.part(at, at + 1) for at, rows in enumerate(numbers_of)}
        require_agreement(self._store, *self._traced_cells(traced, graph, self.start))
        self._constants = np.flatnonzero(traced.used & (traced.buffer_of < 0))
        self._checked = True

    def _everything(self) -> tuple[Graph, TracedStore]:
        """Return the recording that gives objective, rows and traced cells at any x, and in what they were traced."""
        from embedsheet.compiler.engines.graph import record
        from embedsheet.compiler.engines.tape import shaped

        stores: list[TracedStore] = []

        def everything(x: Array) -> list[Array]:
            stores.append(self._trace(x))
            results = [shaped(self._read_objective(stores[-1], x), ())]
            if self.constraint_count:
                results.append(shaped(self._read_constraints(stores[-1]), (self.constraint_count,)))
            return [*results, *stores[-1].buffers]

        return record(everything, self.start)[0], stores[-1]

    def _traced_cells(
        self, traced: TracedStore, graph: Graph, x: FloatArray
    ) -> tuple[Ids, NDArray[np.uint8], FloatArray]:
        """Return the workbook's own cells that are traced, their kinds, and their numbers at x."""
        settled = np.flatnonzero(traced.tainted & traced.done & (traced.buffer_of < 0))
        ids = np.concatenate([settled, *traced.members])
        buffers = graph.run(x)[-len(traced.buffers) :] if traced.buffers else []
        numbers = np.concatenate([traced.numbers[settled], *(np.asarray(one, float) for one in buffers)])
        own = (self._store.group_of[ids] >= 0) | (self._store.table.sheets[ids] >= 0)
        return ids[own], traced.kinds[ids[own]], numbers[own]

    def departure(self) -> tuple[Cell, FloatArray] | None:
        """Return a cell, and an x, where what is searched is not what the sheet gives and that shows in the results.

        None where no such x is among some dozens, and for a large sheet, with which they would take long.
        """
        if self._unrounded or self.cells > _MOST_COMPARED:
            return None
        from embedsheet.compiler.trusted import points_within  # with all that lowers, which few models need

        graph, traced = self._everything()
        most = _MOST_COMPARED // max(1, self.cells)
        targets = self._targets[self._targets >= 0]
        for x in islice(points_within(self.start, self.lower, self.upper, self.integer), most):
            there = evaluated_at(self._store, self._planner, self._changing, x, self._targets)
            if not there.done[targets].all():
                continue  # a branch that cannot be computed here, and is not taken where the search has been
            cell = departing(there, targets, *self._traced_cells(traced, graph, x))
            if cell is not None:
                return self._store.table.cell(cell), x
        return None

    def _compiled(self, f: Traceable, rows: int | None) -> Compiled:
        return self._engine.compile(f, rows, len(self._planner.steps), self.cells, self._recorded.pop(rows, None))

    def _read_objective(self, traced: TracedStore, x: Array) -> Array:
        if self.setup.objective is None:
            return 0.0 * x.sum()
        return traced.read(self._targets[:1])[0]

    def _read_constraints(self, traced: TracedStore) -> Array:
        left = traced.read(np.array(self._rows.left_ids))
        right = traced.read(np.array(self._rows.right_ids))  # −1 reads as 0
        return left - right - np.array(self._rows.right_numbers)

    def _trace(self, x: Array, places: list[tuple[Group, Ids]] | None = None) -> TracedStore:
        """Run all steps that depend on x; a branch not taken so far may need cells that are evaluated only now.

        `places`: see `TracedStore`.
        """
        while True:
            try:
                return self._trace_once(x, places)
            except LateNeedError as late:
                place = self._store.groups.index(late.group)
                if not (self._store.group_of == place).any():
                    self._carries = False  # what carries sums is no formula of the workbook's: do without
                    continue
                self._planner.reads.learn(place, late.pending)
                self._planner.restart()
                self._planner.require(self._targets)
                if not self._store.done[self._targets].all():
                    raise UnsupportedError(self._planner.all_faults()) from None

    def _traceable(self, step: Step | Recurrence | Ordered) -> Sequence[Step | Recurrence]:
        if isinstance(step, Ordered):
            return (step.carried if self._carries else []) or step.steps
        return [step]

    def _trace_once(self, x: Array, places: list[tuple[Group, Ids]] | None = None) -> TracedStore:
        steps = [part for step in self._planner.steps for part in self._traceable(step)]
        traced = TracedStore(self._store, operations(x), places, self._unrounded)
        for area, block in zip(self.changing, self.blocks, strict=True):
            assert area.size == block.stop - block.start
            traced.add_buffer(self._changing[block], None, x[block])
        for step in steps:
            if isinstance(step, Recurrence):
                trace_recurrence(traced, step)
            else:
                trace_step(traced, step)
        self._notes, self._jumps = traced.notes, traced.jumps
        return traced

    # Its form

    @cached_property
    def curvature(self) -> Curvature:
        """Of what degree objective and constraints are in x, and which cells and functions bend them."""
        return curvature_of(lambda x, places: self._trace(x, places).read(self._targets), self.start)

    @cached_property
    def degrees(self) -> tuple[int, int]:
        """The proven degrees of the objective and of the constraint that has the largest; 3 for anything else."""
        results = self.curvature.results or (OTHER, OTHER)
        first = self.setup.objective is not None
        return (results[0] if first else 0), max(results[first:], default=0)

    @cached_property
    def never_negative(self) -> bool:
        """Whether the objective is proven to be nowhere below 0 within the bounds, by the operations it is made of."""
        from embedsheet.compiler.signs import never_negative  # autograd is imported when something is differentiated

        return never_negative(lambda x: self._read_objective(self._trace(x), x), self.start, np.asarray(self.lower))

    @cached_property
    def is_linear(self) -> bool:
        """Whether objective and constraints are proven to be a x + b; else they may be anything."""
        # A slope that differs at one other point is proof of the contrary, and cheaper.
        other = self.start + np.maximum(1.0, np.abs(self.start)) * np.linspace(0.3, 0.7, len(self.start))
        here, there = (self.value_and_gradient(x)[1] for x in (self.start, other))
        with np.errstate(invalid="ignore"):
            if (np.abs(there - here) > _SLOPE_CHANGED * (np.abs(here) + np.abs(there))).any():
                return False
        return self.curvature.degree <= LINEAR

    def piecewise(self) -> Lowered | None:
        """Return objective and constraints as a mixed-integer linear model, None where they are no such thing."""
        return self._lowered

    @cached_property
    def _lowered(self) -> Lowered | None:
        from embedsheet.compiler.piecewise import lower_program
        from embedsheet.compiler.trusted import gives_the_sheet

        if self.setup.objective is None:
            return None
        rows = self._rows
        lowered = lower_program(
            self._store, self._changing, self.lower, self.upper, self.integer, int(self._targets[0]),
            list(zip(rows.left_ids, rows.right_ids, rows.right_numbers, strict=True)), self.relations,
        )  # fmt: skip
        return lowered if lowered is not None and gives_the_sheet(lowered, self.start, self._sheet_at) else None

    def _sheet_at(self, x: FloatArray) -> FloatArray | None:
        """Return objective and constraints of the formulas evaluated at x, (1 + m,); None where one is no number."""
        there, rows = evaluated_at(self._store, self._planner, self._changing, x, self._targets), self._rows
        left, right = (np.array(ids, np.int64) for ids in (rows.left_ids, rows.right_ids))
        fixed = right < 0
        if np.isin(there.kinds[np.concatenate([self._targets[:1], left, right[~fixed]])], (ERROR, TEXT)).any():
            return None
        ends = np.where(fixed, np.array(rows.right_numbers), there.numbers[right])
        return np.concatenate([there.numbers[self._targets[:1]], there.numbers[left] - ends])

    # What the user should know

    @property
    def engine(self) -> str:
        """What has computed so far, "tape", "jax" or "tape, then jax"."""
        return self._engine.used

    @property
    def notes(self) -> list[str]:
        """Warnings that name cells; complete once a gradient has been computed."""
        words = [str(note) for note in self._notes]
        fractions = [one for one in self.setup.constraints if one.relation in ("integer", "binary", "all different")]
        if self.setup.relaxed and fractions:
            words.append(
                f"the Solver set-up ignores integer constraints (Options): {', '.join(map(str, fractions))} may give "
                "fractions."
            )
        for group, elements in self._store.frozen:
            stored = self._store.table.kinds[group.outputs[elements]]
            keeps = "it keeps the value stored in the file"
            if (stored == BLANK).any():
                keeps = "no value is stored in the file, so it counts as 0; calculate the file first"
            words.append(f"{group.where(elements)}: volatile, or known to Google Sheets only; {keeps}.")
        return words

    @property
    def unseen(self) -> list[str]:
        """Cells with steps that the gradient does not see, each with what it does; complete as `notes` are."""
        return [str(note) for note in self._notes]

    def degree_of(self, cell: int) -> int:
        """The degree of a cell of `lines` by its own operations; 3 for anything else, 0 for −1."""
        if cell < 0:
            return 0
        places = np.flatnonzero(self._targets == cell)
        return self.curvature.apart[int(places[0])] if self.curvature.apart else OTHER

    @property
    def jumps(self) -> list[str]:
        """Cells that compare changing numbers, and so may jump, each with what does; complete as `notes` are."""
        return [f"{note.group.where(note.elements)}: {note.text}" for note in self._jumps]

    @cached_property
    def kinked(self) -> bool:
        """Whether there are MAX, MIN or ABS of changing numbers."""
        return any(bent.function in ("MAX", "MIN", "ABS") for bent in self.curvature.bent)

    def undefined_cells(self, x: FloatArray) -> list[tuple[Cell, str]]:
        """Return where, at x, errors that reach a target begin or a derivative is infinite, and what is wrong."""
        store, planner = self._store, self._planner
        if not np.array_equal(x, self.start):
            store = self._store.at(self._changing, x)
            planner = Planner(store, like=self._planner)
            planner.require(self._targets)
        found = [
            (store.table.cell(cell), ERRORS.get(int(store.numbers[cell]), "an error"))
            for cell in error_origins(planner, self._targets)
            if store.table.sheets[cell] >= 0
        ]
        for note in store.singular:
            ids = note.group.ids[note.elements]
            for cell in ids[store.tainted[ids] & (store.table.sheets[ids] >= 0)]:
                found.append((store.table.cell(int(cell)), f"{note.text} has no finite derivative"))
        return found

    @property
    def lines(self) -> list[Line]:
        """What each cell of the constraints became."""
        return self._rows.lines

    @property
    def changing_cells(self) -> list[Cell]:
        """The changing cells, in the order of x."""
        return [self._store.table.cell(int(cell)) for cell in self._changing]

    def numbers_at(self, x: FloatArray, ids: Sequence[int]) -> FloatArray:
        """Return what cells of `lines` hold with the changing cells at x; 0 for a blank or −1."""
        there = evaluated_at(self._store, self._planner, self._changing, x, self._targets)
        return np.asarray(there.numbers[np.array(ids, np.int64)])

    def address(self, cell: int) -> Cell | None:
        """Return where a cell of `lines` stands, None where it is a constraint's own formula."""
        return self._store.table.cell(cell) if self._store.table.sheets[cell] >= 0 else None

    @property
    def stored(self) -> FloatArray:
        """(n,) what the file stores in the changing cells."""
        return np.asarray(self._verified.numbers[self._changing])

    def constants(self) -> list[Cell]:
        """Return the typed numbers that objective and constraints are made of."""
        return [self._store.table.cell(int(cell)) for cell in constants(self._store, self._planner, self._targets)]

    def cell_name(self, place: int) -> str:
        """Return the address of the changing cell at a place of x."""
        return str(self._store.table.cell(int(self._changing[place])))

    def row_name(self, row: int) -> str:
        """Return a constraint row in words: "Plan!D5 <= Plan!E5"."""
        right = self._rows.right_ids[row]
        number = self._rows.right_numbers[row]
        words = number_in_words(number, 6) if right < 0 else self._store.table.words(right)
        return f"{self._store.table.cell(self._rows.left_ids[row])} {self.relations[row]} {words}"

    @property
    def blocks(self) -> list[slice]:
        """The changing areas as slices of x."""
        ends = np.cumsum([area.size for area in self.changing])
        return [slice(int(end) - area.size, int(end)) for area, end in zip(self.changing, ends, strict=True)]

    def _evaluated(self) -> Ids:
        """Numbers of the formula cells in the cone."""
        found = np.zeros(len(self._store.done), bool)
        for step in self._planner.steps:
            found[step.group.outputs[step.elements] if isinstance(step, Step) else step.ids] = True
        return np.flatnonzero(found)

    def results(self, x: FloatArray, *, trusted: bool = False, beside: Sequence[Edit] = ()) -> Results:
        """Return what is to be written with the changing cells at x, see `compiler.results`.

        `trusted`: results that are stored otherwise than the formulas give are rewritten as well. `beside`: edits in
        the areas that `compile_program` was told of.
        """
        return results_at(self._verified, self._planner, self._changing, x, self.verification, trusted, beside)


def compile_program(
    workbook: Book,
    setup: SolverSetup,
    *,
    progress: Callable[[int, int], None] | None = None,
    overwrite_formulas: bool = False,
    kept: Program | None = None,
    engine: EngineName = "auto",
    beside: Sequence[Area] = (),
) -> Program:
    """Compile the model of a set-up; `progress` hears (cells done, cells in all).

    `beside` are areas of other cells that will be written with the result, a log's: see `Program.results`.

    `kept` is a program of the same workbook with other numbers in its changing cells: its compiled functions serve
    again.
    Raises `ModelError` for a set-up that makes no sense, `UnsupportedError` with all formulas that cannot be compiled.
    """
    if not setup.changing:
        raise ModelError(f"{setup.sheet}: the Solver set-up names no changing cells; name them with --changing.")
    goals = [] if setup.objective is None else [Area(*setup.objective, *setup.objective[1:])]
    if not goals and not setup.constraints:
        raise ModelError(
            f"{setup.sheet}: the Solver set-up names neither an objective cell nor constraints; name an objective with "
            "--objective."
        )
    check_sizes(setup)
    for area in [*goals, *setup.changing]:
        if name_key(area.sheet) not in map(name_key, workbook.sheets):
            raise ModelError(f"{area}: there is no sheet {area.sheet!r} in {workbook.path.name}.")
    sides = [side for one in setup.constraints for side in (one.left, one.right) if isinstance(side, Area)]
    store = Store(workbook, [*setup.changing, *goals, *sides, *beside], setup)
    changing = prepare_changing(store, setup, overwrite_formulas)
    planner = Planner(store, progress)
    targets = np.concatenate([*(store.table.area(goal).ravel() for goal in goals), constraint_cells(store, setup)])
    if part_by_need(planner, targets):
        planner = Planner(store, progress)
    planner.require(targets)
    if not store.done[targets].all():
        raise UnsupportedError(planner.all_faults())
    begun, planner, notes = other_start(store, planner, setup, changing, targets)
    if goals:
        setup = check_objective(begun, planner, int(targets[0]), setup)
        targets = targets[setup.objective is None :]
    setup = replace(setup, notes=(*setup.notes, *notes))
    program = Program(begun, planner, setup, changing, targets, store, make_engine(engine))
    if kept is not None:
        program._take_over(kept)
    return program


__all__ = ["Program", "Verification", "compile_program"]

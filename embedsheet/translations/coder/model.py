"""A workbook's formulas as blocks: which arrays there are, and one expression for each block of like formulas."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from embedsheet.book.book import Book
from embedsheet.book.setups import SolverSetup
from embedsheet.compiler.beginning import check_sizes, prepare_changing
from embedsheet.compiler.components import Step
from embedsheet.compiler.constraints import constraint_cells
from embedsheet.compiler.evaluate import Evaluator
from embedsheet.compiler.forms import Group, describe
from embedsheet.compiler.order import Planner
from embedsheet.compiler.resolve import resolve_name
from embedsheet.compiler.store import Store
from embedsheet.formulas.values import Reference
from embedsheet.ground.errors import EmbedsheetError, ModelError, UnsupportedError
from embedsheet.ground.keys import name_key
from embedsheet.ground.kinds import TEXT
from embedsheet.ground.notation import tree as t
from embedsheet.ground.notation.addresses import Area, quote_sheet
from embedsheet.ground.notation.walk import children
from embedsheet.translations.coder.agreement import agree
from embedsheet.translations.coder.expressions import Expr, names_in, plain
from embedsheet.translations.coder.idioms import with_idioms
from embedsheet.translations.coder.lattices import Ids, lattices
from embedsheet.translations.coder.loops import Cells, Loop, common_steps, written_as_loop
from embedsheet.translations.coder.lots import Lot, lots_of
from embedsheet.translations.coder.names import Namer
from embedsheet.translations.coder.rules import RULES
from embedsheet.translations.coder.running import running_total
from embedsheet.translations.coder.together import levels_together, together
from embedsheet.translations.coder.translate import NO_VALUE, Translator, Untranslatable
from embedsheet.translations.coder.variables import Memory, Variable, array_of

_MOST_TOGETHER = 4  # array formulas, or bands of cells, that are written one by one where they read different arrays
_OF_ADDRESSES = ("ROW", "COLUMN", "ROWS", "COLUMNS")  # they read no cell
_MOST_NAMED = 12  # formulas that are not written
_NOT_WRITTEN = (Untranslatable, AssertionError, ValueError, TypeError, IndexError, KeyError)


class _LeftOut(Exception):  # noqa: N818  # never reaches a user as it is
    """A formula that cannot be written and depends on the weights: which, why, and whether another is the cause."""

    def __init__(self, words: str, follows: bool) -> None:
        super().__init__(words)
        self.follows = follows


class _NeedsLeftOut(Untranslatable):
    """A formula that reads what is not written."""


@dataclass(eq=False)
class Statement:
    """One statement: `variables` get the arrays that `expressions` give, or those that a `loop` does.

    `cells` and `formula` are what the workbook has there; `constants` the functions that are written as their values.
    """

    variables: list[Variable]
    expressions: list[Expr]
    cells: str
    formula: str
    groups: list[Group]
    loop: Loop | None = None
    constants: list[str] = field(default_factory=list)
    untraced: bool = False  # it needs texts that depend on the weights, which no derivative goes through

    @property
    def fixed(self) -> bool:
        """Whether it does not depend on the weights."""
        return all(variable.fixed for variable in self.variables)

    def every_expression(self) -> list[Expr]:
        """All that it is written with, those of a loop included."""
        loop = self.loop
        inner = [*loop.bodies, *loop.outside, *(expr for some in loop.before for expr in some)] if loop else []
        return [*self.expressions, *inner]


@dataclass(eq=False)
class Written:
    """A workbook's model, to be spelled in some language of arrays."""

    workbook: Book
    setup: SolverSetup | None
    store: Store
    memory: Memory
    weights: list[Variable]
    inputs: list[Variable]
    statements: list[Statement]
    objective: Expr | None
    distinct: int  # blocks of like formulas
    notes: list[str]


def written(workbook: Book, sheet: str | None, setup: SolverSetup | None, overwrite_formulas: bool) -> Written:
    """Return the formulas of a sheet and what they need, or of the whole workbook, as statements.

    Raises UnsupportedError with all formulas that cannot be written and depend on the weights, ModelError for more
    changing cells than can be meant.
    """
    if setup:
        check_sizes(setup)
    changing = setup.changing if setup else ()
    goals = [Area(*setup.objective, *setup.objective[1:])] if setup and setup.objective else []
    sides = [side for one in setup.constraints for side in (one.left, one.right)] if setup else []
    store = Store(workbook, [*changing, *goals, *(side for side in sides if isinstance(side, Area))], setup)
    if setup:
        prepare_changing(store, setup, overwrite_formulas)
    planner = Planner(store)
    wanted = store.group_of >= 0
    if sheet is not None:
        wanted &= store.table.sheets == store.table.sheet_places[name_key(sheet)]
    cells = [np.flatnonzero(wanted), *([constraint_cells(store, setup)] if setup else [])]
    planner.require(np.concatenate(cells))
    faults = [fault for place, words in planner.faults.items() for fault in words if store.groups[place].ids.size]
    needed = _needed(store, setup)
    formulas = needed[store.group_of[needed] >= 0]
    if faults and not store.done[formulas].all() and planner.depends_on_changing():
        raise UnsupportedError(faults)
    return _Writer(workbook, setup, store, planner, faults, needed).write()


def _needed(store: Store, setup: SolverSetup | None) -> Ids:
    """Return the cells that a search reads: the objective and those of the constraints."""
    if setup is None:
        return np.empty(0, np.int64)
    goal = setup.objective
    ids = [constraint_cells(store, setup)]
    ids += [store.table.area(Area(*goal, *goal[1:])).ravel()] if goal is not None else []
    found = np.concatenate(ids)
    return found[found >= 0]


class _Writer:
    def __init__(
        self,
        workbook: Book,
        setup: SolverSetup | None,
        store: Store,
        planner: Planner,
        notes: list[str],
        needed: Ids,
    ) -> None:
        self.workbook, self.setup, self.store, self.planner, self.needed = workbook, setup, store, planner, needed
        self.notes = [f"Not written: {note}" for note in notes]
        # Cells with RAND, NOW and the like keep what is stored, as inputs do.
        self.given = store.group_of < 0
        for group, elements in store.frozen:
            self.given[group.outputs[elements]] = True
            self.notes.append(f"{_where(group, elements)}: volatile; the value that is stored stands in the code")
        self.memory, self.namer = Memory(store, RULES), Namer(store)
        self.memory.once = self.namer.once
        self.statements: list[Statement] = []
        self.left_out: dict[str, _LeftOut] = {}  # names of blocks that are not written, and why

    def write(self) -> Written:
        every = together(self._items(), self.planner)
        items = [item for item in every if not item[0][0].label]  # a constraint's right side is no cell's
        weights = [self._variable(area, "weight") for area in (self.setup.changing if self.setup else ())]
        inputs = self._inputs(every)
        for item in items:
            self._write(item)
        self._mark_untraced()
        self._refuse()
        objective = None
        if self.setup and self.setup.objective is not None:
            goal = self.setup.objective
            place = self.store.table.sheet_places[name_key(goal.sheet)]
            here = np.array(goal.row), np.array(goal.column)
            if int(self.memory.owners(place, *here)) < 0:
                raise ModelError(f"{goal}: the objective cell holds no formula; choose one that does.")
            objective = self.memory.read(place, *here, ())
        distinct = len({id(group) for one in self.statements for group in one.groups})
        return Written(
            self.workbook, self.setup, self.store, self.memory, weights, inputs, self.statements, objective, distinct,
            self.notes,
        )  # fmt: skip

    def _mark_untraced(self) -> None:
        names: set[str] = set()
        for one in self.statements:
            exprs = one.every_expression()
            texts = any(_holds_texts(expr) or names & names_in(expr) for expr in exprs)
            if not one.fixed and texts:
                one.untraced = True
                names |= {variable.name for variable in one.variables}

    def _refuse(self) -> None:
        """Raise UnsupportedError where the search needs what is not written, or texts; note the rest."""
        table = self.store.table
        wanted = self.needed[table.sheets[self.needed] >= 0]
        names = {
            self.memory.variables[owner].name
            for one in wanted.tolist()
            if (owner := int(self.memory.owners(int(table.sheets[one]), table.rows[[one]], table.columns[[one]])[0]))
            >= 0
        }
        if names & self.left_out.keys():
            raise UnsupportedError(_few([str(one) for one in self.left_out.values() if not one.follows]))
        for one in self.statements:
            if one.untraced and names & {variable.name for variable in one.variables}:
                raise UnsupportedError([f"{one.cells}: needs texts that depend on the changing cells; use numbers."])
        left_out = [f"Left out; the search does not need it: {reason}" for reason in self.left_out.values()]
        self.notes += _few(left_out)

    # What there is

    def _items(self) -> list[list[Cells]]:
        """Return groups, with those of their cells that could be evaluated, in order; circles of groups in one item."""
        store = self.store
        seen: dict[int, int] = {}
        items: list[list[Cells]] = []
        circles = self._circles()
        for step in self.planner.steps:
            group = step.group if isinstance(step, Step) else None
            if group is not None and group.parts:
                items.append([(group, np.arange(len(group.ids)))])
                continue
            places = (
                [store.groups.index(group)] if group is not None
                else sorted(set(store.group_of[step.ids].ravel().tolist()))  # type: ignore[union-attr]
            )  # fmt: skip
            for place in places:
                if place in seen:
                    continue
                together = circles.get(place, [place])
                seen.update(dict.fromkeys(together, len(items)))
                members = []
                for one in together:
                    done = np.flatnonzero(store.done[store.groups[one].ids])
                    if len(done):
                        members.append((store.groups[one], done))
                items.append(members)
        return items

    def _circles(self) -> dict[int, list[int]]:
        """Return the groups that need each other, or themselves, each with all of its circle."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        count = len(self.store.groups)
        sources, targets = [], []
        for place in sorted({*np.unique(self.store.group_of[self.store.done]).tolist()} - {-1}):
            try:
                for needed in self.planner.reads.groups(place).tolist():
                    sources.append(int(needed))
                    targets.append(place)
            except EmbedsheetError:
                continue
        if not sources:
            return {}
        links = coo_array((np.ones(len(sources)), (sources, targets)), shape=(count, count))
        labels = connected_components(links, directed=True, connection="strong")[1]
        found: dict[int, list[int]] = {}
        loops = {source for source, target in zip(sources, targets, strict=True) if source == target}
        for label, size in zip(*np.unique(labels, return_counts=True), strict=True):
            members = np.flatnonzero(labels == label).tolist()
            if size > 1 or members[0] in loops:
                found.update(dict.fromkeys(members, members))
        return found

    def _variable(self, area: Area, role: str) -> Variable:
        place = self.store.table.sheet_places[name_key(area.sheet)]
        rows = np.repeat(np.arange(area.top, area.bottom + 1)[:, None], area.shape[1], axis=1)
        columns = np.repeat(np.arange(area.left, area.right + 1)[None], area.shape[0], axis=0)
        shape = [length for length in area.shape if length > 1]
        return self._add(place, rows.reshape(shape), columns.reshape(shape), role)

    def _add(self, sheet: int, rows: Ids, columns: Ids, role: str, name: str | None = None) -> Variable:
        ids = self.store.table.find(sheet, rows, columns)
        value, kinds = array_of(self.store, ids)
        name = self.namer.name(sheet, rows, columns) if name is None else self.namer.once(name)
        fixed = role != "weight" and not (role == "block" and bool(self.store.tainted[ids].any()))
        variable = Variable(name, sheet, rows, columns, value, kinds, fixed, role)
        self.memory.add(variable)
        return variable

    def _inputs(self, items: Sequence[Sequence[Cells]]) -> list[Variable]:
        """Make variables of the cells that formulas read and that hold none."""
        reads: dict[tuple[int, bytes], tuple[int, Ids, Ids]] = {}
        for item in items:
            for group, elements in item:
                for reference in self._references(group, elements):
                    for sheet, rows, columns in self._cells(reference):
                        reads.setdefault((sheet, rows.tobytes() + columns.tobytes()), (sheet, rows, columns))
        sides = [side for one in (self.setup.constraints if self.setup else ()) for side in (one.left, one.right)]
        for area in dict.fromkeys(side for side in sides if isinstance(side, Area)):
            corners = [np.array([corner]) for corner in area[1:]]
            reference = Reference(self.store.table.sheet_places[name_key(area.sheet)], *corners)
            for sheet, rows, columns in self._cells(reference):
                reads.setdefault((sheet, rows.tobytes() + columns.tobytes()), (sheet, rows, columns))
        found: list[Variable] = []
        areas = [
            (self.store.table.sheet_places[name_key(area.sheet)], area) for area in self.namer.areas()
            if name_key(area.sheet) in self.store.table.sheet_places
        ]  # fmt: skip
        waiting = sorted(reads.values(), key=lambda one: -one[1].size)
        for sheet, rows, columns in waiting:
            rows, columns = self._free(sheet, rows, columns)
            if not len(rows):
                continue
            for place, area in areas:
                inside = (rows >= area.top) & (rows <= area.bottom) & (columns >= area.left) & (columns <= area.right)
                if place == sheet and inside.all() and area.size <= 10 * len(rows):
                    grid = np.mgrid[area.top : area.bottom + 1, area.left : area.right + 1]
                    every = self._free(sheet, grid[0].ravel(), grid[1].ravel())
                    if len(every[0]) == area.size:
                        rows, columns = every
                        break
            for part in lattices(rows, columns):
                found.append(self._add(sheet, rows[part], columns[part], "input"))
        return found

    def _free(self, sheet: int, rows: Ids, columns: Ids) -> tuple[Ids, Ids]:
        """Return those cells that hold no formula and belong to no variable yet."""
        index = self.store.table.indexes[sheet]
        inside = (rows <= index.height) & (columns <= index.width)
        rows, columns = rows[inside], columns[inside]
        ids = self.store.table.find(sheet, rows, columns)
        free = (self.memory.owners(sheet, rows, columns) < 0) & ((ids < 0) | self.given[ids])
        stored = free & (ids >= 0)
        return (rows[free], columns[free]) if stored.any() else (rows[:0], columns[:0])

    def _references(self, group: Group, elements: Ids) -> list[Reference]:
        evaluator = Evaluator(self.store, group, elements)
        found: list[Reference] = []
        waiting: list[t.Node] = [group.tree]
        seen: set[str] = set()
        while waiting:
            node = waiting.pop()
            if isinstance(node, t.Call) and node.name in _OF_ADDRESSES:
                continue
            computed = isinstance(node, t.Call) and node.name == "OFFSET"
            if isinstance(node, (t.Ref, t.Refs, t.TableRef, t.Spill)) or computed:
                try:
                    result = evaluator.evaluate(node)
                    found += [result] if isinstance(result, Reference) else []
                except NO_VALUE:
                    pass
            if computed and isinstance(node, t.Call):
                waiting += node.arguments[1:]
                continue
            if isinstance(node, t.Name) and name_key(node.name) not in seen:
                seen.add(name_key(node.name))
                body = resolve_name(self.store, group, node)
                waiting += [body] if body is not None else []
            waiting += children(node)
        return found

    def _cells(self, reference: Reference) -> list[tuple[int, Ids, Ids]]:
        """Return the different cells of a reference, in order of rows and columns."""
        index = self.store.table.indexes[reference.sheet]
        bottom, right = np.minimum(reference.bottom, index.height), np.minimum(reference.right, index.width)
        if reference.errors is not None or (bottom < reference.top).all() or (right < reference.left).all():
            return []
        corners = np.unique(np.stack(np.broadcast_arrays(reference.top, reference.left, bottom, right)), axis=1)
        # Only what lies around all of them: of a sheet with a form a row, each is a few cells of many.
        (first, begin), (end, edge) = corners[:2].min(axis=1).tolist(), corners[2:].max(axis=1).tolist()
        mask = np.zeros((end - first + 1, edge - begin + 1), bool)
        for top, left, last, far in corners.T.tolist():
            mask[top - first : last - first + 1, left - begin : far - begin + 1] = True
        rows, columns = np.nonzero(mask)
        return [(reference.sheet, rows.astype(np.int64) + first, columns.astype(np.int64) + begin)]

    # Statements

    def _write(self, item: list[Cells]) -> None:
        if len(item) > 1 or self._needs_itself(*item[0]):
            self._write_circle(item)
            return
        group, elements = item[0]
        self._write_group(group, elements)

    def _needs_itself(self, group: Group, elements: Ids) -> bool:
        own = np.zeros(self.store.table.count + 1, bool)
        own[group.outputs[elements]] = True
        for reference in self._references(group, elements):
            for sheet, rows, columns in self._cells(reference):
                if own[self.store.table.find(sheet, rows, columns)].any():
                    return not group.parts
        return False

    def _write_group(self, group: Group, elements: Ids, name: str | None = None) -> None:
        variables, expressions, constants = [], [], list[str]()
        try:
            lots = self._lots(group, elements, constants)
        except _LeftOut as reason:
            for lot in lots_of(group, elements):
                self.left_out[self._block(lot, name).name] = reason
            return
        for lot, expr in lots:
            variables.append(self._block(lot, name))
            # What an IF throws away can depend on the weights where its result does not; it is written all the same.
            variables[-1].fixed &= expr.fixed
            expressions.append(expr)
            self.memory.definitions[variables[-1].name] = expr
        self.statements.append(
            Statement(variables, expressions, _where(group, elements), group.text, [*(group.parts or [group])],
                      constants=constants)
        )  # fmt: skip

    def _lots(self, group: Group, elements: Ids, constants: list[str]) -> list[tuple[Lot, Expr]]:
        """Return lattices of cells with their expressions; array formulas that are not written together one by one."""
        return [
            found for alike in self._alike(group, elements) for lot in lots_of(group, alike)
            for found in self._written(lot, constants)
        ]  # fmt: skip

    def _written(self, lot: Lot, constants: list[str]) -> list[tuple[Lot, Expr]]:
        translator = lot.translator(self.memory)
        try:
            expr = self._agreeing(lot, translator)
        except _NOT_WRITTEN as reason:
            if not lot.group.array or lot.elements.size == 1:
                return [(lot, self._valued(lot, constants, reason))]
            return [one for part in lot.parts() for one in self._written(part, constants)]
        if lot.parts_differ and len(lot.elements) <= _MOST_TOGETHER and _joins(expr):
            try:
                parts = [(part, self._agreeing(part, part.translator(self.memory))) for part in lot.parts()]
            except _NOT_WRITTEN:
                parts = []
            if parts and not any(_joins(one) for _, one in parts):
                return parts
        constants += translator.constants
        return [(lot, expr)]

    def _block(self, lot: Lot, name: str | None = None) -> Variable:
        table = self.store.table
        return self._add(lot.group.sheet, table.rows[lot.ids], table.columns[lot.ids], "block", name)

    def _alike(self, group: Group, elements: Ids) -> list[Ids]:
        """Return cells that give texts apart from those that give numbers: no array holds both.

        Where the weights decide which of the two a cell gives, a text is NaN.
        """
        if group.array or self.store.tainted[group.ids[elements]].all():
            return [elements]
        kinds = self.store.kinds[group.ids[elements]]
        text = (kinds == TEXT) & (self.store.numbers[group.ids[elements]] != self.store.strings.code(""))
        lots = [elements[text], elements[~text]]
        return lots if all(map(len, lots)) else [elements]

    def _agreeing(self, lot: Lot, translator: Translator) -> Expr:
        """Return the formula's expression. Raises Untranslatable where it gives other numbers than the workbook."""
        wanted, _ = array_of(self.store, lot.ids)
        expr = with_idioms(lot.full(translator), self.memory.definitions)
        missing = names_in(expr) & self.left_out.keys()
        if missing:
            raise _NeedsLeftOut(f"it needs {', '.join(sorted(missing))}, which is not written")
        if not agree(np.asarray(expr.value), wanted):
            raise Untranslatable("a number that the module would give otherwise")
        return expr

    def _valued(self, lot: Lot, constants: list[str], reason: Exception) -> Expr:
        """Return the values of a formula that cannot be written, the same for all weights; else raise _LeftOut."""
        group = lot.group
        wanted, _ = array_of(self.store, lot.ids)
        axes = tuple(range(wanted.ndim))
        if self.store.tainted[lot.ids].any():
            words = f"{_where(group, lot.elements.ravel())}: {group.text[:80]} is not written as code ({reason})"
            follows = isinstance(reason, _NeedsLeftOut)
            raise _LeftOut(f"{words}." if follows else f"{words}; write it with other functions.", follows)
        constants.append(", ".join(sorted(group.functions())) or "the formula")
        return self.memory.constant(wanted, axes)

    def _write_circle(self, item: list[Cells]) -> None:
        """Write cells that need each other: as a loop, some before it and some behind it, else level by level."""
        if self._write_loop(item):
            return
        for inside, before, behind in common_steps(item):
            if not any(len(elements) for _, elements in (*before, *behind)):
                continue
            names = self._names(item)
            known, statements = len(self.memory.variables), len(self.statements)
            if self._write_levels(before, names, "first") and self._write_loop(inside, names):
                self._write_levels(behind, names, "last")
                return
            self.memory.forget(known)
            del self.statements[statements:]
        self._write_levels(item)

    def _names(self, item: Sequence[Cells]) -> dict[int, str]:
        return {id(group): self.namer.name(group.sheet, group.rows[own], group.columns[own]) for group, own in item}

    def _write_loop(self, item: list[Cells], names: Mapping[int, str] | None = None) -> bool:
        found = written_as_loop(self.memory, item)
        if found is None:
            return False
        loop, lots = found
        inside = [*loop.outside, *(expr for some in loop.before for expr in some), *loop.bodies]
        if any(names_in(expr) & self.left_out.keys() for expr in inside):
            return False
        self.namer.used -= set((names or {}).values())  # kept for what comes now
        several = Counter(id(lot.group) for lot in lots)
        called = [(names or {}).get(id(lot.group)) if several[id(lot.group)] == 1 else None for lot in lots]
        if not any(loop.before) and self._write_in_turn(item, [(lots[one], called[one]) for one in loop.order]):
            return True
        variables = [self._block(lot, name) for lot, name in zip(lots, called, strict=True)]
        total = running_total(loop, lots[0].ids.shape)
        cells = "; ".join(_where(group, elements) for group, elements in item)
        formula = "; =".join(group.text for group, _ in item)
        self.statements.append(Statement(variables, [], cells, formula, [group for group, _ in item], loop))
        if total is not None:
            self.statements[-1].expressions, self.statements[-1].loop = [plain(total)], None
            self.memory.definitions[variables[0].name] = plain(total)
        return True

    def _write_in_turn(self, item: list[Cells], lots: Sequence[tuple[Lot, str | None]]) -> bool:
        """Write blocks of which none needs an earlier step of itself: each as a whole, in one statement."""
        known, variables, expressions = len(self.memory.variables), list[Variable](), list[Expr]()
        for lot, name in lots:
            try:
                expressions.append(plain(self._agreeing(lot, lot.translator(self.memory))))
            except _NOT_WRITTEN:
                self.memory.forget(known)
                return False
            variables.append(self._block(lot, name))
            self.memory.definitions[variables[-1].name] = expressions[-1]
        cells = "; ".join(_where(group, elements) for group, elements in item)
        formula = "; =".join(group.text for group, _ in item)
        self.statements.append(Statement(variables, expressions, cells, formula, [group for group, _ in item]))
        return True

    def _write_levels(self, item: Sequence[Cells], names: Mapping[int, str] | None = None, word: str = "") -> bool:
        """Write cells that need each other one level after the other; False for more levels than a few, with names."""
        mine = {id(group): elements for group, elements in item}
        parts = []
        for step in self.planner.steps:
            for part in getattr(step, "steps", None) or getattr(step, "unrolled", None) or [step]:
                if isinstance(part, Step) and id(part.group) in mine:
                    elements = np.intersect1d(part.elements, mine[id(part.group)])
                    parts += [(part.group, elements)] if len(elements) else []
        if names is not None and len(parts) > 2 * len(item):
            return False
        for group, elements in parts if names else levels_together(parts, self.planner):
            self._write_group(group, elements, f"{names[id(group)]}_{word}" if names else None)
        for group, elements in item:
            written_here = [own for one, own in parts if one is group]
            self._leave_out(group, np.setdiff1d(elements, np.concatenate([np.empty(0, np.int64), *written_here])))
        return True

    def _leave_out(self, group: Group, elements: Ids) -> None:
        """Tell of cells that need each other and are neither a loop nor levels of few."""
        if len(elements):
            words = f"{_where(group, elements)}: {group.text[:80]} is not written as code (a loop of another kind)."
            reason = _LeftOut(words, follows=False)
            self.left_out.update((self._block(lot).name, reason) for lot in lots_of(group, elements))


def _few(lines: Iterable[str]) -> list[str]:
    """Return different lines, of many the first ones and how many more there are."""
    different = [*dict.fromkeys(lines)]
    more = len(different) - _MOST_NAMED
    return [*different[:_MOST_NAMED], f"… and {more:,} more like these."] if more > 1 else different


def _joins(expr: Expr) -> bool:
    """Whether several arrays become one in an expression."""
    return expr.op in ("stacked", "concatenate") or any(map(_joins, expr.args))


def _holds_texts(expr: Expr) -> bool:
    """Whether a part of an expression gives texts that depend on the weights."""
    return not expr.fixed and (np.asarray(expr.value).dtype.kind == "U" or any(map(_holds_texts, expr.args)))


def _where(group: Group, elements: Ids) -> str:
    """Return the cells of some of a group's formulas in words, the areas of array formulas included."""
    filled = group.outputs[np.atleast_1d(elements)]
    down, right = (np.arange(length) for length in filled.shape[1:])
    rows = group.rows[np.atleast_1d(elements)][:, None, None] + down[:, None] + 0 * right
    columns = group.columns[np.atleast_1d(elements)][:, None, None] + 0 * down[:, None] + right
    return f"{quote_sheet(group.sheet_name)}!{describe(rows.ravel(), columns.ravel())}"

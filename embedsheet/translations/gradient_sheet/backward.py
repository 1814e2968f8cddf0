"""One formula walked backwards: from how the objective changes with its result to how it changes with what it reads.

A *seed* is how the objective changes with one element of an expression: a list of terms, to be added. `Walk.back` takes
the seeds of an expression and hands seeds to the expressions in it; a reference hands them to its cells (`Sink`). All
is relative to the formula's own cell, so one walk serves all cells of a group.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np

from embedsheet.compiler.cells import Ids
from embedsheet.compiler.evaluate import Evaluator
from embedsheet.compiler.forms import Group
from embedsheet.compiler.store import Store
from embedsheet.formulas.functions.table import FUNCTIONS, parameter
from embedsheet.formulas.values import Value
from embedsheet.ground.errors import UnsupportedError
from embedsheet.ground.keys import name_key
from embedsheet.ground.kinds import ERROR, NUMBER, TEXT
from embedsheet.ground.notation import tree as t
from embedsheet.ground.notation.addresses import Area
from embedsheet.ground.notation.walk import children, walk, with_children
from embedsheet.ground.notation.write import write
from embedsheet.translations.gradient_sheet import rules
from embedsheet.translations.gradient_sheet.expand import corners, sizes
from embedsheet.translations.gradient_sheet.terms import Term, may_fail

MARK = "\0"  # begins the name of the sheet of a mirror cell, which stands at its forward cell's row and column
FIRST = t.Number(1.0)
_MOST_TERMS = 200_000
_FLAT = frozenset({"zero", "constant", "frozen"})  # gradients of the function table through which nothing comes back

Seeds = Callable[[int, int], list[Term]]
Path = tuple[int, ...]
Shape = tuple[int, int]
Words = tuple[str, ...]

Back = Callable[["Walk", t.Call, Path, Seeds], None]

# With what of an expression the objective changes: with each of the numbers that a function makes one of, or what
# is the same in all these derivatives and a factor of each.
EACH, FACTOR = "with each number of", "the common factor for the numbers of"


@dataclass(frozen=True, slots=True)
class Reducer:
    """`word` is what the rule is called; `lifted`: it knows what to do with several values in place of one."""

    word: str
    call: Back
    lifted: bool = False


def mirror(block: str, down: int = 0, right: int = 0) -> t.Ref:
    """Return the cell of a mirror block that belongs to the cell at an offset from a formula's own."""
    row, column = t.Coordinate(down, False), t.Coordinate(right, False)
    return t.Ref(MARK + block, row, column, row, column)


@dataclass(frozen=True, slots=True)
class Target:
    """A mirror cell: its block, and where its forward cell stands."""

    block: str
    row: int
    column: int


@dataclass(frozen=True, slots=True)
class Read:
    """What the formula at (row, column) sends back to a cell."""

    term: Term
    row: int
    column: int


@dataclass
class Helper:
    """A block for an expression inside a group's formulas: how the objective changes with `part` of it."""

    group: Group
    node: t.Node
    cells: list[tuple[int, int]]
    part: str


@dataclass
class Sink:
    """All that is sent back so far. `block_of` (cells,) is the place of each cell's block in `blocks`, −1 for none."""

    store: Store
    blocks: list[str]
    block_of: Ids
    reads: dict[Target, list[Read]] = field(default_factory=dict)
    pieces: dict[Target, list[t.Node]] = field(default_factory=dict)  # formulas that are sums already
    helpers: dict[str, Helper] = field(default_factory=dict)
    words: dict[str, dict[str, None]] = field(default_factory=dict)  # rules by block, in the order they were used
    count: int = 0

    def send(self, cell: int, terms: list[Term], row: int, column: int, words: Words) -> None:
        """Send terms of the formula at (row, column) back to a cell; to a constant one nothing goes."""
        block = int(self.block_of[cell])
        if block < 0 or not terms:
            return
        table, name = self.store.table, self.blocks[block]
        self.put(Target(name, int(table.rows[cell]), int(table.columns[cell])), terms, row, column, words)

    def put(self, target: Target, terms: list[Term], row: int, column: int, words: Words) -> None:
        """Send terms of the formula at (row, column) to a mirror cell."""
        self.count += len(terms)
        if self.count > _MOST_TERMS:
            raise UnsupportedError(
                [f"the model has more than {_MOST_TERMS:,} derivatives to add up, too many for one sheet."]
            )
        self.reads.setdefault(target, []).extend(Read(term, row, column) for term in terms)
        self.words.setdefault(target.block, {}).update(dict.fromkeys(words))


class Walk:
    """Walks the formula of one lot of a group's cells, in which every reference has one size."""

    def __init__(
        self, sink: Sink, group: Group, block: str, tree: t.Node, elements: Ids, reducers: Mapping[str, Reducer]
    ) -> None:
        self.reducers = reducers  # functions that make one number of many, and how their seeds go back
        self.sink, self.store, self.group, self.tree = sink, sink.store, group, tree
        self.block, self.elements = block, elements
        self.rows, self.columns = group.rows[elements], group.columns[elements]
        self.faults: list[str] = []
        self.words: tuple[str, ...] = ()  # of the rules on the way here from the last block
        self._shapes: dict[int, Shape] = {}
        self._flows: dict[int, bool] = {}
        self._ids: dict[t.Ref, Ids] = {}
        self._kept: list[t.Node] = []  # what the dictionaries by id() are about

    def run(self) -> None:
        """Send back what the cells' own mirror cells hold."""
        height, width = self.group.outputs.shape[1:]
        high, wide = self.shape(self.tree)

        def seeds(i: int, j: int) -> list[Term]:
            # An array formula repeats one row, column or value over the cells it fills.
            down = range(height) if high == 1 else [i] if i < height else []
            across = range(width) if wide == 1 else [j] if j < width else []
            return [Term(over=(mirror(self.block, a, b),)) for a in down for b in across]

        self.back(self.tree, (), seeds)

    def refuse(self, text: str) -> None:
        """Note what cannot be done with these cells."""
        self.faults.append(f"{self.group.where(self.elements)}: {text}")

    # Looking at expressions

    def ids(self, node: t.Ref) -> Ids:
        """Return the numbers of a reference's cells, (n or 1, rows, columns)."""
        if node not in self._ids:
            some = replace(self.group, rows=self.rows, columns=self.columns)
            top, left, _, _ = corners(node, some)
            high, wide = self.size(node)
            place = self.store.table.sheet_places[name_key(node.sheet or "")]
            rows = top[:, None, None] + np.arange(high)[:, None]
            columns = left[:, None, None] + np.arange(wide)
            self._ids[node] = self.store.table.find(place, *np.broadcast_arrays(rows, columns))
        return self._ids[node]

    def size(self, node: t.Ref) -> Shape:
        """Return rows and columns of a reference."""
        high, wide = sizes(node, self.rows[:1], self.columns[:1])
        return int(high[0]), int(wide[0])

    def shape(self, node: t.Node) -> Shape:
        """Return rows and columns of an expression."""
        if id(node) not in self._shapes:
            self._kept.append(node)
            self._shapes[id(node)] = self._shape(node)
        return self._shapes[id(node)]

    def _shape(self, node: t.Node) -> Shape:
        match node:
            case t.Ref():
                return self.size(node)
            case t.Array(rows=rows):
                return len(rows), len(rows[0])
            case t.Call(name="MMULT", arguments=(left, right)):
                return self.shape(left)[0], self.shape(right)[1]
            case t.Call(name="TRANSPOSE", arguments=(only,)):
                return self.shape(only)[1], self.shape(only)[0]
            case t.Call(name="INDEX"):
                found = index_keys(self, node)
                if found is None:
                    return 1, 1
                high, wide = self.size(found[0])
                return high if is_all(found[1][0]) else 1, wide if is_all(found[1][1]) else 1
            case t.Call(name="ROW", arguments=(t.Ref() as only,)):
                return self.size(only)[0], 1
            case t.Call(name="COLUMN", arguments=(t.Ref() as only,)):
                return 1, self.size(only)[1]
            case t.Call(name="XLOOKUP", arguments=(_, t.Ref() as line, t.Ref() as table, *_)):
                high, wide = self.size(table)
                return (1, wide) if self.size(line)[1] == 1 else (high, 1)
            case t.Call(name="SEQUENCE"):
                high, wide = self.evaluated(node).shape[1:]
                return high, wide
            case t.Call(name=name) if not is_elementwise(name):
                return self.broadest([node.arguments[place] for place in single(node)])
        return self.broadest(children(node))

    def broadest(self, nodes: Iterable[t.Node]) -> Shape:
        """Return the shape that expressions have together, element by element."""
        shapes = [self.shape(one) for one in nodes if not isinstance(one, t.Missing)]
        return max((one[0] for one in shapes), default=1), max((one[1] for one in shapes), default=1)

    def flows(self, node: t.Node) -> bool:
        """Whether anything that the objective depends on comes through an expression."""
        if id(node) not in self._flows:
            self._kept.append(node)
            self._flows[id(node)] = self._flow(node)
        return self._flows[id(node)]

    def _flow(self, node: t.Node) -> bool:
        if isinstance(node, t.Ref):
            return bool((self.sink.block_of[self.ids(node)] >= 0).any())
        if isinstance(node, t.Call) and (node.name not in FUNCTIONS or FUNCTIONS[node.name].gradient in _FLAT):
            return False
        if isinstance(node, t.Call) and node.name == "OFFSET":
            table = offset_table(self, node)
            return table is None or self.flows(table)
        if isinstance(node, t.Binary) and node.operator in {"=", "<>", "<", ">", "<=", ">=", "&"}:
            return False
        return any(self.flows(one) for one in children(node))

    def branches(self, node: t.Node) -> bool:
        """Whether an expression hands what it gets to several others, or to cells that several formulas read."""
        if isinstance(node, t.Ref):
            ids = self.ids(node)
            return ids.shape[1:] != (1, 1) or len(np.unique(ids)) < len(self.elements)
        below = [one for one in children(node) if self.flows(one)]
        return len(below) > 1 or any(self.shape(one) != (1, 1) for one in below)

    def element(self, node: t.Node, i: int, j: int) -> t.Node:
        """Return the formula of one element of an expression, broadcast where it is smaller."""
        high, wide = self.shape(node)
        i, j = (0 if high == 1 else i), (0 if wide == 1 else j)
        if node is self.tree and not isinstance(node, t.Ref):
            return own(self.group.sheet_name, i, j)
        match node:
            case t.Ref():
                top, left = moved(node.top, i), moved(node.left, j)
                return t.Ref(node.sheet, top, left, top, left)
            case t.Array(rows=rows):
                return rows[i][j]
            case t.Binary():
                return t.Binary(node.operator, self.element(node.left, i, j), self.element(node.right, i, j))
            case t.Unary():
                return t.Unary(node.operator, self.element(node.operand, i, j))
            case t.Call(name="TRANSPOSE", arguments=(only,)):
                return self.element(only, j, i)
            case t.Call(name="MMULT", arguments=(left, right)) if (high, wide) != (1, 1):
                if isinstance(left, t.Ref) and isinstance(right, t.Ref):
                    row = replace(left, top=moved(left.top, i), bottom=moved(left.top, i))
                    column = replace(right, left=moved(right.left, j), right=moved(right.left, j))
                    return t.Call("MMULT", (row, column))
                inner = range(self.shape(left)[1])
                products = [t.Binary("*", self.element(left, i, k), self.element(right, k, j)) for k in inner]
                return t.Call("SUM", tuple(products))
            case t.Call(name="INDEX", arguments=(table, *keys)) if (high, wide) != (1, 1):
                # Gnumeric's INDEX knows no whole rows.
                first, second = [*keys, t.Number(1.0)][:2]
                places = (
                    t.Number(i + 1.0) if high > 1 else first, t.Number(j + 1.0) if wide > 1 else second,
                )  # fmt: skip
                return t.Call("INDEX", (table, *places))
            case t.Call(name="SEQUENCE", arguments=(_, *rest)):
                # Excel 2010 does not know it.
                _, start, step = [*rest, *[t.Missing()] * 3][:3]
                first, by = (FIRST if isinstance(one, t.Missing) else one for one in (start, step))
                place = t.Number(float(i * wide + j))
                return t.Binary("+", first, t.Binary("*", by, place)) if place.value else first
            case t.Call(name="ROW" | "COLUMN" as name, arguments=(t.Ref() as only,)):
                return t.Call(name, (self.element(only, i, j),))
            case t.Call(name=name, arguments=arguments) if is_elementwise(name):
                return t.Call(name, tuple(self.element(one, i, j) for one in arguments))
            case t.Call(name="SUM", arguments=(only,)) if not isinstance(only, t.Ref):
                if self.shape(only) != (1, 1):
                    return t.Call("SUMPRODUCT", (only,))  # takes arrays without being an array formula
            case t.Call(name=name, arguments=arguments) if (high, wide) != (1, 1):
                lifted = single(node)
                return t.Call(name, tuple(
                    self.element(one, i, j) if place in lifted else one for place, one in enumerate(arguments)
                ))  # fmt: skip
        return node

    def number(self, node: t.Node, i: int, j: int) -> t.Node:
        """Return an element of a range whose texts do not count."""
        found = self.element(node, i, j)
        if isinstance(node, t.Ref) and (self.store.kinds[self.ids(node)] == TEXT).any():
            return t.Call("N", (found,))
        return found

    def all_numbers(self, node: t.Node) -> bool:
        """Whether every cell of a range holds a number."""
        return not isinstance(node, t.Ref) or bool((self.store.kinds[self.ids(node)] == NUMBER).all())

    def evaluated(self, node: t.Node) -> Value:
        """Return what an expression gives at the stored values, (n or 1, rows, columns)."""
        evaluator = Evaluator(self.store, self.group, self.elements)
        with np.errstate(all="ignore"):
            return evaluator.value(evaluator.evaluate(node))

    # Backwards

    @contextmanager
    def by(self, word: str) -> Iterator[None]:
        """Note that what is sent back inside goes by a rule."""
        before = self.words
        self.words = before if word in before else (*before, word)
        try:
            yield
        finally:
            self.words = before

    def back(self, node: t.Node, path: Path, seeds: Seeds) -> None:
        """Hand the seeds of an expression on to the cells in it."""
        if not self.flows(node):
            return
        if self.shape(node) == (1, 1):
            seeds = self.settled(node, path, seeds)
        match node:
            case t.Ref():
                self.leaf(node, seeds)
            case t.Binary() if (inner := rules.inside_sigmoid(node)) is not None:
                self.elementwise(node, (inner[0],), inner[1], path, seeds)
            case t.Unary(operator=operator):
                self.elementwise(node, (node.operand,), rules.PREFIXES[operator], path, seeds)
            case t.Binary(operator=operator):
                self.elementwise(node, (node.left, node.right), rules.OPERATORS[operator], path, seeds)
            case t.Call(name=name) if name in rules.FUNCTIONS:
                arguments = list(node.arguments)
                defaults = rules.DEFAULTS.get(name, ())[len(arguments) :]
                arguments += [one for one in defaults if one is not None]
                self.elementwise(node, tuple(arguments), rules.FUNCTIONS[name], path, seeds)
            case t.Call(name=name):
                rule = self.reducers.get(name)
                if rule is None:
                    self.refuse(f"{name} has no rule on a gradient sheet; write it out with functions that have one.")
                    return
                if not rule.lifted and any(self.shape(node.arguments[place]) != (1, 1) for place in single(node)):
                    self.refuse(f"{name} of several values at once has no rule on a gradient sheet; take one a cell.")
                    return
                with self.by(rule.word):
                    rule.call(self, node, path, seeds)
            case _:
                self.refuse(f"{type(node).__name__} has no rule on a gradient sheet.")

    def leaf(self, node: t.Ref, seeds: Seeds) -> None:
        """Send seeds back to the cells of a reference."""
        ids = np.broadcast_to(self.ids(node), (len(self.elements), *self.ids(node).shape[1:]))
        reached = self.sink.block_of[ids] >= 0
        for i, j in np.argwhere(reached.any(axis=0)).tolist():
            terms = seeds(i, j)
            for place in np.flatnonzero(reached[:, i, j]).tolist():
                self.sink.send(
                    int(ids[place, i, j]), terms, int(self.rows[place]), int(self.columns[place]), self.words
                )

    def elementwise(
        self, node: t.Node, arguments: tuple[t.Node, ...], rule: rules.Rule, path: Path, seeds: Seeds
    ) -> None:
        """Hand on seeds times a rule's derivatives; what is broadcast gets the sum."""
        high, wide = self.shape(node)
        for place, argument in enumerate(arguments):
            if not self.flows(argument):
                continue
            if not rule.slopes[place : place + 1]:
                self.refuse("this argument has no rule on a gradient sheet; keep it constant.")
                continue
            tall, broad = self.shape(argument)

            def below(
                i: int, j: int, slope: str = rule.slopes[place], down: bool = tall < high, across: bool = broad < wide
            ) -> list[Term]:
                found = []
                for r in range(high) if down else [i]:
                    for c in range(wide) if across else [j]:
                        terms = seeds(r, c)
                        if terms:
                            values = [self.element(one, r, c) for one in arguments]
                            factor = rules.slope(slope, values, self.element(node, r, c))
                            found += self.times(terms, factor)
                return found

            with self.by(rule.word):
                self.back(argument, (*path, place), below)

    def times(self, terms: list[Term], factor: t.Node) -> list[Term]:
        """Return terms times a derivative; 0 where it is undefined as things stand, as SQRT's at 0."""
        found = [term.times(factor) for term in terms]
        if not any(may_fail(one) for one in walk(factor)) or (self.evaluated(factor).kinds != ERROR).all():
            return found
        return [term.guarded(t.Call("ISERROR", (factor,)), False) for term in found]

    def settled(self, node: t.Node, path: Path, seeds: Seeds) -> Seeds:
        """Give the seed of a single value a block of its own where it is more than a product and is used repeatedly."""
        terms = seeds(0, 0)
        if not any(term.heavy for term in terms) or not self.branches(node):
            return lambda i, j: terms
        found = self.helper(node, path, terms, "with")
        self.words = ()
        return found

    def shared(self, node: t.Node, path: Path, terms: list[Term], part: str = EACH) -> Seeds:
        """Give what goes back to every number that a function makes one of a block of its own, if it is no product."""
        if not any(term.heavy for term in terms):
            return lambda i, j: terms
        found = self.helper(node, (*path, -1), terms, part)
        self.words = self.words[-1:]
        return found

    def helper(self, node: t.Node, path: Path, terms: list[Term], part: str) -> Seeds:
        """Give the sum of terms a block of its own."""
        name = f"h{self.block}." + ".".join(map(str, path))
        places = list(zip(self.rows.tolist(), self.columns.tolist(), strict=True))
        known = self.sink.helpers.setdefault(name, Helper(self.group, node, [], part))
        known.cells += places
        for row, column in places:
            self.sink.put(Target(name, row, column), terms, row, column, self.words)
        outer = (*terms[0].outer, *terms[0].guards) if len(terms) == 1 else ()
        found = [Term(over=(mirror(name),), outer=outer)]
        return lambda i, j: found


def index_keys(walk: Walk, node: t.Call) -> tuple[t.Ref, list[t.Node]] | None:
    """Return the table of an INDEX and its keys for row and column; None where it is of no range."""
    table, *keys = node.arguments
    if not isinstance(table, t.Ref) or len(keys) > 2:
        return None
    if len(keys) == 1 and walk.size(table)[0] == 1:
        keys = [FIRST, keys[0]]
    return table, [*keys, FIRST][:2]


def is_all(key: t.Node) -> bool:
    """Whether a key of INDEX means all rows or columns: 0 or nothing."""
    return isinstance(key, t.Missing) or key == t.Number(0.0)


def offset_table(walk: Walk, node: t.Call) -> t.Ref | None:
    """Return the smallest range, from its base on, in which an OFFSET finds its one cell; None if there is none."""
    base, *keys = node.arguments
    if not isinstance(base, t.Ref) or walk.size(base) != (1, 1) or len(keys) > 2:
        return None
    places = [np.asarray(walk.evaluated(key).numbers).astype(int) for key in keys]
    if min((int(place.min()) for place in places), default=0) < 0:
        return None
    down, right = [*(int(place.max()) for place in places), 0, 0][:2]
    bottom = t.Coordinate(base.top.value + down, base.top.absolute)
    return replace(base, bottom=bottom, right=t.Coordinate(base.left.value + right, base.left.absolute))


def is_elementwise(name: str) -> bool:
    """Whether a function works element by element on arrays."""
    if name in {"CHOOSE", "IF", "IFERROR"}:
        return True
    row = FUNCTIONS.get(name)
    return row is not None and not row.lazy and bool(row.parameters) and set(row.parameters) <= set("v()")


def single(node: t.Call) -> list[int]:
    """Return the places of a call's arguments that stand for one value, so that an array there gives an array."""
    row = FUNCTIONS.get(node.name)
    if row is None or row.lazy:
        return []
    arguments = enumerate(node.arguments)
    return [place for place, one in arguments if parameter(row, place) == "v" and not isinstance(one, t.Missing)]


def own(sheet: str, down: int = 0, right: int = 0) -> t.Ref:
    """Return the cell at an offset from a formula's own."""
    row, column = t.Coordinate(down, False), t.Coordinate(right, False)
    return t.Ref(sheet, row, column, row, column)


def moved(side: t.Coordinate, by: int) -> t.Coordinate:
    """Return a row or column further down or right."""
    return t.Coordinate(side.value + by, side.absolute)


def text_of(node: t.Node, group: Group, names: Mapping[Area, str]) -> str:
    """Return an expression as its formula's first cell has it: without the sheet's own name, areas by their names."""
    row, column = int(group.rows[0]), int(group.columns[0])
    return write(_local(node, group.sheet_name, row, column, names), row, column)


def _local(node: t.Node, sheet: str, row: int, column: int, names: Mapping[Area, str]) -> t.Node:
    if isinstance(node, t.Ref):
        ends = node.top.at(row), node.left.at(column), node.bottom.at(row), node.right.at(column)
        name = names.get(Area(node.sheet or sheet, *ends))
        if name is not None:
            return t.Name(name)
        return replace(node, sheet=None) if node.sheet == sheet else node
    below = children(node)
    return with_children(node, [_local(one, sheet, row, column, names) for one in below]) if below else node

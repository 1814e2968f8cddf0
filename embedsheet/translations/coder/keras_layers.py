"""Layers whose weights Keras arranges otherwise than the sheet: what they are called, hold, take and give.

A layer's variables are written with the sheet's weights, `kernel = concatenate([input_gate, forget_gate, …])`; where
the rest of the model needs one of these weights, it is a part of the layer's variable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from embedsheet.translations.coder.attention import Attention
from embedsheet.translations.coder.convolution import Convolution, as_layer
from embedsheet.translations.coder.expressions import (
    Axes,
    Expr,
    apply,
    full_of,
    names_in,
    plain,
    rearranged,
    transposed,
    with_axes,
)
from embedsheet.translations.coder.loops import Loop
from embedsheet.translations.coder.model import Statement
from embedsheet.translations.coder.polynomials import Atom
from embedsheet.translations.coder.recurrent import Gate, Recurrent
from embedsheet.translations.coder.spelling import KERAS, spell
from embedsheet.translations.coder.variables import Memory, Variable

_JAX = {"tanh": "jnp.tanh"}  # Keras computes its own in float32, whatever it is told


# What a Keras model calls otherwise.
TAKEN = frozenset(
    "build built call compile compute_dtype compute_loss count_params dtype evaluate fit get_layer input input_shape "
    "inputs layers loss losses metrics name non_trainable_weights optimizer output outputs path predict stop_training "
    "summary supports_masking trainable trainable_weights variables weights dot softmax_0 softmax_1 softmax_2".split()
)


def attribute(name: str) -> str:
    """Return what a model calls a layer or variable of some name."""
    return f"{name}_" if name in TAKEN or name.startswith("_") else name


@dataclass
class Arranged:
    """A layer `kind` of the model under `name`, and what it computes.

    `variables` are expressions of the sheet's weights by what Keras calls them; `parts` says where a weight lies in
    one of them, if it does as it is. `results` are the blocks that it gives; all others of `inside` it keeps to itself.
    """

    name: str
    kind: str
    arguments: str
    built: str
    variables: dict[str, Expr]
    parts: dict[str, str]
    cells: dict[str, set[int]]  # the cells of each weight that it holds
    results: dict[str, Expr]
    inside: list[Statement] = field(default_factory=list)
    states: tuple[Variable, Expr] | None = None  # what it gives, where several results are parts of it

    def expressions(self) -> list[Expr]:
        """What stands in the model in place of the blocks that it gives."""
        return [*self.results.values(), *([self.states[1]] if self.states else [])]


class Reader:
    """Reads cells of variables by what they are called."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self.known = {variable.name: variable for variable in memory.variables}

    def read(self, atoms: object, axes: Axes) -> Expr:
        """Return an array of cells as an expression. Raises KeyError where they lie on several sheets."""
        cells = np.empty(np.shape(np.array(atoms, object))[: len(axes)], object)
        rows, columns, sheets = np.zeros(cells.shape, np.int64), np.zeros(cells.shape, np.int64), set[int]()
        for place in np.ndindex(*cells.shape):
            atom = atoms
            for one in place:
                atom = atom[one]  # type: ignore[index]
            variable: Variable = self.known[atom[1]]  # type: ignore[index]
            rows[place], columns[place] = (side.ravel()[atom[2]] for side in (variable.rows, variable.columns))  # type: ignore[index]
            sheets.add(variable.sheet)
        if len(sheets) != 1:
            raise KeyError("several sheets")
        return shaped(self.memory.read(sheets.pop(), rows, columns, axes), axes, cells.shape)


def shaped(expr: Expr, axes: Axes, shape: tuple[int, ...]) -> Expr:
    """Return an expression with all of some axes, in the plainest way."""
    here = with_axes(transposed(expr, tuple(label for label in axes if label in expr.axes)), axes)
    return here if np.shape(here.value) == shape else full_of(expr, axes, shape)


def recurrent_layer(name: str, found: Recurrent, statement: Statement, memory: Memory) -> Arranged:
    """Return a recurrent layer. Raises KeyError where its cells cannot be read together."""
    loop, own, reader = statement.loop, statement.variables[found.state], Reader(memory)
    assert loop is not None
    result = _result(name, found, loop, own, reader)
    return _arranged(name, found, loop.steps, {own.name: result}, [statement], reader)


def layer_of_blocks(name: str, found: Recurrent, statement: Statement, memory: Memory) -> Arranged:
    """Return a recurrent layer whose state stands in several blocks. Raises KeyError where cells lie too far apart."""
    loop, reader = statement.loop, Reader(memory)
    assert loop is not None
    given = _batched(reader, found.inputs, (0, 1, 2))
    own = [statement.variables[place] for place in found.blocks]
    parts = [np.moveaxis(one.value, loop.axes[place], 0) for place, one in zip(found.blocks, own, strict=True)]
    value = np.concatenate([one.reshape(loop.steps, -1) for one in parts], axis=1)[:, found.grid].swapaxes(0, 1)
    befores = [loop.before[place][0] for place in found.blocks]
    begins = []
    if not all(one.fixed and not np.any(one.value) for one in befores):
        begins = [_batched(reader, _cells_of(befores, reader)[found.grid].tolist(), (0, 1))]
    every = Expr("recurrent_from" if begins else "recurrent", (given, *begins), ("n", "t", "u"), value, name, False)
    states = replace(own[0], name=f"{name}_states", value=value)
    called = Expr("name", (), ("n", "t", "u"), value, states.name, False)
    results, first = dict[str, Expr](), 0
    for place, variable, part in zip(found.blocks, own, parts, strict=True):
        size = part[0].size
        where = np.argwhere(np.isin(found.grid, np.arange(first, first + size)))
        first += size
        (sequences, units), time = (sorted({*side}) for side in where.T.tolist()), loop.axes[place]
        words = ", ".join([_part(sequences, found.grid.shape[0]), ":", _part(units, found.grid.shape[1])])
        shape = (*[len(one) for one in (sequences,) if len(one) > 1], loop.steps, *[len(units)][: len(units) > 1])
        picked = value[np.ix_(sequences, range(loop.steps), units)].reshape(shape)
        axes = tuple(range(picked.ndim))
        made = Expr("index", (called,), axes, picked, words.removesuffix(", :"), False)
        if len(sequences) == 1 and time == picked.ndim - 1 and time:
            made = transposed(replace(made, axes=axes[::-1]), axes)
        elif (time != int(len(sequences) > 1)) or np.shape(made.value) != np.shape(variable.value):
            raise KeyError("states in another order")
        if not np.allclose(made.value, variable.value):
            raise KeyError("states in another order")
        results[variable.name] = made
    layer = _arranged(name, found, loop.steps, results, [statement], reader)
    layer.states = states, every
    return layer


def _batched(reader: Reader, cells: Sequence[Any], axes: Axes) -> Expr:
    """Return cells of which the first axis is that of the sequences."""
    return batch(reader.read(cells[0], axes[1:])) if len(cells) == 1 else reader.read(cells, axes)


def _part(places: list[int], count: int) -> str:
    """Return the index of some of so many places that lie side by side."""
    if len(places) == 1:
        return str(places[0])
    if places != [*range(places[0], places[-1] + 1)]:
        raise KeyError("places apart")
    return ":" if len(places) == count else f"{places[0]}:{places[-1] + 1}"


def _cells_of(exprs: Sequence[Expr], reader: Reader) -> Any:
    """Return the cells that expressions read, one behind the other. Raises KeyError where they compute."""
    cells: list[Atom] = []
    for expr in exprs:
        found = rearranged(expr)
        if found is None or found[0].x not in reader.known:
            raise KeyError("a state that is computed")
        cells += [("cell", found[0].x, int(place)) for place in np.ravel(found[1])]
    made = np.empty(len(cells), object)
    made[:] = cells
    return made


def unrolled_layer(
    name: str, found: Recurrent, states: Sequence[Variable], statement: Statement, memory: Memory
) -> Arranged:
    """Return a recurrent layer for blocks side by side, the last of which others read.

    Raises KeyError where its cells cannot be read together.
    """
    if found.axis != 1:
        raise KeyError("units that lie below each other")
    reader = Reader(memory)
    given = reader.read(found.inputs, (0, 1, 2))
    value = np.stack([state.value for state in states], axis=1)
    every = Expr("recurrent", (given,), (0, "t", 1), value, name, False)
    last = Expr("index", (every,), (0, 1), value[:, -1], ":, -1", False)
    return _arranged(name, found, len(states), {states[-1].name: last}, [statement], reader)


def _arranged(
    name: str, found: Recurrent, steps: int, results: dict[str, Expr], inside: list[Statement], reader: Reader
) -> Arranged:
    gates = list(found.gates.values())
    tables = {
        "kernel": [[[unit.kernel[one] for unit in units] for one in range(len(units[0].kernel))] for units in gates],
        "recurrent_kernel": [
            [[unit.recurrent[one] for unit in units] for one in range(found.units)] for units in gates
        ],
    }
    matrices = {part: [reader.read(table, (0, 1)) for table in some] for part, some in tables.items()}
    variables = {part: _read_beside(reader, tables[part], some) for part, some in matrices.items()}
    biases = [_biases(reader, units) for units in gates]
    rows = _bias_rows(found, biases)
    if any(map(len, biases)):
        joined = [_beside(row) for row in rows]
        variables["bias"] = joined[0] if len(rows) == 1 else apply("stacked", *joined, axes=(0, 1), x="0")
    if found.kind == "GRU" and not found.guess.kept:
        variables = {part: _negated_first(expr, found.units) for part, expr in variables.items()}
    words = [str(found.units), f"activation={_activation(found.guess.activation)}"]
    words += ["use_bias=False"] if "bias" not in variables else []
    words += ["reset_after=False"] if found.kind == "GRU" and not found.guess.after else []
    words += ["return_sequences=True"]
    features = len(gates[0][0].kernel)
    parts = {} if not found.guess.kept else _parts(matrices, rows if "bias" in variables else [], found.units)
    cells: dict[str, set[int]] = {}
    for units in gates:
        for unit in units:
            for _, weight, place in (*unit.kernel, *unit.recurrent, *unit.biases, *unit.recurrent_biases):
                cells.setdefault(weight, set()).add(place)
    built = f"(None, {steps}, {features})"
    variables = {f"cell.{part}": expr for part, expr in variables.items()}
    return Arranged(name, found.kind, ", ".join(words), built, variables, parts, cells, results, inside)


def attention_layer(name: str, found: Attention, statement: Statement, memory: Memory) -> Arranged:
    """Return a layer of attention. Raises KeyError where its cells cannot be read together."""
    reader, heads = Reader(memory), found.heads
    variables: dict[str, Expr] = {}
    parts: dict[str, str] = {}
    biased = bool(found.bias) or any(map(any, (one.biases.values() for one in heads)))
    for part, cells in (("query", [one.query for one in heads]), ("key", [one.key for one in heads]),
                        ("value", [one.value for one in heads])):  # fmt: skip
        kernels = [reader.read(one, (0, 2)) for one in cells]
        variables[f"{part}_dense.kernel"] = apply("stacked", *kernels, axes=(0, 1, 2), x="1")
        parts |= {one.x: f"{part}_dense.kernel[:, {place}]" for place, one in enumerate(kernels) if one.op == "name"}
        if not biased:
            continue
        rows = [
            reader.read(one.biases[part], (1,)) if one.biases[part] else _zeros(len(cells[0][0]), 1) for one in heads
        ]
        variables[f"{part}_dense.bias"] = apply("stacked", *rows, axes=(0, 1), x="0")
        parts |= {one.x: f"{part}_dense.bias[{place}]" for place, one in enumerate(rows) if one.op == "name"}
    joins = reader.read([row for one in heads for row in one.joins], (0, 2))
    shape = (len(heads), len(heads[0].joins), len(heads[0].joins[0]))
    variables["output_dense.kernel"] = apply("reshape", joins, axes=(0, 1, 2), x=repr(shape))
    if joins.op == "name":
        parts[joins.x] = f"ops.reshape(@.output_dense.kernel, {np.shape(joins.value)})"
    if biased:
        bias = reader.read(found.bias, (0,)) if found.bias else _zeros(shape[2], 0)
        variables["output_dense.bias"] = bias
        parts |= {bias.x: "output_dense.bias"} if bias.op == "name" else {}
    held = [
        atom for one in heads for rows in (one.query, one.key, one.value, one.joins) for row in rows for atom in row
    ]
    held += [*found.bias, *(atom for one in heads for some in one.biases.values() for atom in some)]
    cells_of: dict[str, set[int]] = {}
    for _, weight, place in held:
        cells_of.setdefault(weight, set()).add(place)
    width = len(heads[0].key[0])
    words = f"{shape[0]}, {width}, value_dim={shape[1]}, output_shape={shape[2]}" + (
        "" if biased else ", use_bias=False"
    )
    given = [_rows_of(reader, rows) for rows in (found.asked, found.given)]
    layer = _attended(name, found, given)
    results = {
        one.name: replaced(expr, found.node, layer)
        for one, expr in zip(statement.variables, statement.expressions, strict=True)
    }
    built = ", ".join(str(np.shape(one.value)) for one in given)
    return Arranged(name, "MultiHeadAttention", words, built, variables, parts, cells_of, results)


def _attended(name: str, found: Attention, given: list[Expr]) -> Expr:
    """Return what the layer gives, its rows one below the other."""
    sequences, steps, _ = np.shape(given[0].value)
    seen, op = found.seen, "attention"
    if not seen.all():
        op = "masked_attention"
        if seen.shape[1] == seen.shape[2] and (seen == np.tril(np.ones(seen.shape[1:], bool))).all():
            op = "causal_attention"
    if op == "masked_attention":
        mask = seen[0] if (seen == seen[0]).all() else seen
        labels: Axes = ("t", "s") if mask.ndim == 2 else ("n", "t", "s")
        given = [*given, Expr("literal", (), labels, mask, f"np.array({mask.astype(int).tolist()}) == 1")]
    node = found.node
    rows = np.asarray(node.value).T if found.turned else np.asarray(node.value)
    axes = node.axes[::-1] if found.turned else node.axes
    every = Expr(op, tuple(given), ("n", "t", "u"), rows.reshape(sequences, steps, -1), name, False)
    way = ("index", "0") if sequences == 1 else ("reshape", repr(rows.shape))
    return transposed(Expr(way[0], (every,), axes, rows, way[1], False, node.kinds), node.axes)


def _rows_of(reader: Reader, rows: list[list[tuple[Atom, ...]]]) -> Expr:
    """Return rows of cells (sequences, steps, features), read one below the other."""
    flat = reader.read([row for sequence in rows for row in sequence], (1, 2))
    if len(rows) == 1:
        return batch(flat)
    shape = (len(rows), len(rows[0]), len(rows[0][0]))
    return apply("reshape", flat, axes=("n", 1, 2), x=repr(shape))


def _zeros(length: int, label: int) -> Expr:
    return Expr("literal", (), (label,), np.zeros(length), f"np.zeros({length})")


def filters(name: str, found: Sequence[tuple[Statement, Convolution]]) -> Arranged:
    """Return a layer of filters that are laid over one array in one way, each in a block of its own."""
    first = found[0][1]
    kernels, biases = [one.kernel for _, one in found], [one.bias for _, one in found]
    shape = first.kernel.value.shape
    words = f"{len(found)}, {shape if len(shape) > 1 else shape[0]}"
    words += f", strides={first.stride}" if first.stride > 1 else ""
    sizes = ", ".join(str(first.given.value.shape[axis]) for axis in first.along)
    results: dict[str, Expr] = {}
    for place, (statement, one) in enumerate(found):
        layer = as_layer(one, name, place)
        for variable, expr in zip(statement.variables, statement.expressions, strict=True):
            results[variable.name] = replaced(results.get(variable.name, expr), one.node, layer)
    made = _of_one(name, f"Conv{len(shape)}D", words, f"(None, {sizes}, 1)", (first.kernel, first.bias),
                   (*shape, 1, 1), results)  # fmt: skip
    if len(found) == 1:
        return made
    labels: Axes = (*range(len(shape)), "f")
    every = apply("stacked", *kernels, axes=labels, x="-1")
    made.variables["kernel"] = apply("index", every, axes=(*labels[:-1], "c", "f"), x="..., None, :")
    each = ", ".join([":"] * len(shape))
    made.parts = {one.x: f"kernel[{each}, 0, {place}]" for place, one in enumerate(kernels)}
    known = [one for one in biases if one is not None]
    if known:
        made.variables["bias"] = apply("stacked", *known, axes=(0,), x="0")
        made.parts |= {one.x: f"bias[{place}]" for place, one in enumerate(known)}
    made.cells = {one.x: {*range(np.size(one.value))} for one in (*kernels, *known)}
    return made


def unit_layer(expr: Expr, weights: set[str], statement: Statement) -> Arranged | None:
    """Return a dense layer of one unit: rows times a column of weights, where an expression holds it."""

    def is_weight(part: Expr, dimensions: int) -> bool:
        return part.op == "name" and not part.args and part.x in weights and np.ndim(part.value) == dimensions

    bias = expr.args[1] if expr.op == "add" and is_weight(expr.args[1], 0) else None
    product = plain(expr.args[0]) if bias is not None else plain(expr)
    if product.op != "matmul" or len(product.args[0].axes) != 2 or not is_weight(product.args[1], 1):
        return next(filter(None, (unit_layer(arg, weights, statement) for arg in expr.args)), None)
    rows, kernel = product.args
    made = Expr("layer", (rows,), (rows.axes[0], "u"), np.asarray(expr.value)[:, None], attribute(kernel.x), False)
    layer = Expr("index", (made,), expr.axes, expr.value, ":, 0", False, expr.kinds)
    return _of_one(
        attribute(kernel.x), "Dense", "1", f"(None, {kernel.value.size})", (kernel, bias), (kernel.value.size, 1),
        {one.name: replaced(whole, expr, layer)
         for one, whole in zip(statement.variables, statement.expressions, strict=True)},
    )  # fmt: skip


def _of_one(
    name: str,
    kind: str,
    words: str,
    built: str,
    held: tuple[Expr, Expr | None],
    shape: tuple[int, ...],
    results: dict[str, Expr],
) -> Arranged:
    """Return a layer of one filter or unit, with a kernel of some shape and perhaps a bias."""
    kernel, bias = held
    variables = {"kernel": apply("reshape", kernel, axes=(*range(len(shape)),), x=repr(shape))}
    parts = {kernel.x: f"kernel[{', '.join(':' if place < kernel.value.ndim else '0' for place in range(len(shape)))}]"}
    if bias is None:
        words += ", use_bias=False"
    else:
        variables["bias"] = apply("reshape", bias, axes=(0,), x="1")
        parts[bias.x] = "bias[0]"
    cells = {one.x: {*range(np.size(one.value))} for one in held if one is not None}
    return Arranged(name, kind, words, built, variables, parts, cells, results)


def replaced(expr: Expr, node: Expr, by: Expr) -> Expr:
    """Return an expression with another in place of a part of it."""
    if expr is node:
        return by
    args = tuple(replaced(arg, node, by) for arg in expr.args)
    return expr if all(one is other for one, other in zip(args, expr.args, strict=True)) else replace(expr, args=args)


def _activation(name: str) -> str:
    return _JAX.get(name, f'"{name}"')


def _beside(parts: Sequence[Expr]) -> Expr:
    if len(parts) == 1:
        return parts[0]
    return apply("concatenate", *parts, axes=parts[0].axes, x=str(len(parts[0].axes) - 1))


def _read_beside(reader: Reader, tables: Sequence[Sequence[Sequence[Atom]]], each: Sequence[Expr]) -> Expr:
    """Return tables of cells side by side, which `each` reads one by one: in whichever way is written with less."""
    beside = _beside(each)
    if all(one.op == "name" for one in each):
        return beside
    whole = reader.read([[atom for row in rows for atom in row] for rows in zip(*tables, strict=True)], (0, 1))
    if not names_in(whole) <= names_in(beside):  # a list of places so long that it has a name
        return beside
    return min(beside, whole, key=lambda one: len(spell(one, KERAS)))


def _biases(reader: Reader, units: list[Gate]) -> list[Expr]:
    """Return the rows that are added in a gate: those of the inputs, then those of the last state."""
    count = {(len(unit.biases), len(unit.recurrent_biases)) for unit in units}
    if len(count) != 1:
        raise KeyError("biases of some units only")
    every = [[*unit.biases, *unit.recurrent_biases] for unit in units]
    return [reader.read([unit[one] for unit in every], (0,)) for one in range(len(every[0]))]


def _bias_rows(found: Recurrent, biases: list[list[Expr]]) -> list[list[Expr]]:
    """Return the layer's rows of biases, gate by gate: a GRU has one for inputs and one for the last state."""
    none = Expr("literal", (), (0,), np.zeros(found.units), f"np.zeros({found.units})")

    def total(some: Sequence[Expr]) -> Expr:
        whole = some[0] if some else none
        for one in some[1:]:
            whole = apply("add", whole, one, axes=(0,))
        return whole

    if found.kind != "GRU" or not found.guess.after:
        return [[total(some) for some in biases]]
    first = [len(units[0].biases) for units in found.gates.values()]
    # The update and reset gates add both their rows; which is which does not matter there.
    split = [1 if name != "candidate" else count for name, count in zip(found.gates, first, strict=True)]
    return [[total(some[:at]) for some, at in zip(biases, split, strict=True)],
            [total(some[at:]) for some, at in zip(biases, split, strict=True)]]  # fmt: skip


def _negated_first(expr: Expr, units: int) -> Expr:
    """Return a variable with the first gate's part negated: 1 − σ(x) is σ(−x)."""
    signs = np.where(np.arange(expr.value.shape[-1]) < units, -1.0, 1.0)
    text = f"np.repeat([-1.0, 1.0, 1.0], {units})"
    sign = Expr("literal", (), expr.axes[-1:], signs, text)
    return apply("multiply", expr, sign, axes=expr.axes)


def _parts(matrices: dict[str, list[Expr]], rows: list[list[Expr]], units: int) -> dict[str, str]:
    """Return where each weight lies that a part is, whole and as it is."""
    found: dict[str, str] = {}
    for name, exprs in matrices.items():
        for gate, expr in enumerate(exprs):
            if expr.op == "name":
                found[expr.x] = f"cell.{name}[:, {_span(gate, units)}]" if len(exprs) > 1 else f"cell.{name}"
    for row, exprs in enumerate(rows):
        for gate, expr in enumerate(exprs):
            if expr.op == "name":
                along = [str(row)] * (len(rows) > 1) + [_span(gate, units)] * (len(exprs) > 1)
                found[expr.x] = f"cell.bias[{', '.join(along)}]" if along else "cell.bias"
    return found


def _span(gate: int, units: int) -> str:
    return f"{gate * units or ''}:{(gate + 1) * units}"


def _result(name: str, found: Recurrent, loop: Loop, own: Variable, reader: Reader) -> Expr:
    """Return what the layer gives, its axes those of the block."""
    alone = len(found.inputs) == 1
    given = reader.read(found.inputs[0], (1, 2)) if alone else reader.read(found.inputs, (0, 1, 2))
    states = [loop.before[place][0] for place in (found.state, found.memory) if place is not None]
    begins = (
        [] if all(one.fixed and not np.any(one.value) for one in states) else [_begin(one, found) for one in states]
    )
    time = loop.axes[found.state]
    rest = [axis for axis in range(len(own.shape)) if axis != time]
    units = rest.pop(found.axis) if found.axis is not None else None
    if len(rest) > 1:
        raise KeyError("sequences in several rows and columns")
    there = [*rest, time, *([units] if units is not None else [])]
    value = np.transpose(own.value, there)
    if alone:
        given = batch(given)
        value = value.reshape(1, *value.shape) if not rest else value
    if units is None:
        value = value[..., None]
    result = Expr("recurrent_from" if begins else "recurrent", (given, *begins), ("n", "t", "u"), value, name, False)
    if units is None:
        result = Expr("index", (result,), ("n", "t"), value[..., 0], ":, :, 0", False)
    if not rest:
        result = Expr("index", (result,), result.axes[1:], result.value[0], "0", False)
    return transposed(replace(result, axes=tuple(there)), tuple(sorted(there)))


def batch(expr: Expr) -> Expr:
    return Expr("index", (expr,), ("n", *expr.axes), np.asarray(expr.value)[None], "None", expr.fixed)


def _begin(state: Expr, found: Recurrent) -> Expr:
    """Return a state before the first step as (sequences, units)."""
    if np.ndim(state.value) == 0:
        state = full_of(state, (0,), (1,))
    elif found.axis is None:
        state = with_axes(state, (0, 1))
    elif np.ndim(state.value) == 2 and found.axis == 0:
        state = apply("transpose", state, axes=(1, 0))
    return state if np.ndim(state.value) == 2 else batch(state)

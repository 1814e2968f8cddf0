"""The module in Keras: layers where blocks are layers, `keras.ops` for the rest.

A weight whose rows are only looked up is an Embedding; one by which rows are only multiplied is a Dense layer, with the
weight that is always added behind it as its bias; rows of two blocks multiplied and added up are a Dot; powers over
their sum a Softmax; rows brought to mean 0 and variance 1 a LayerNormalization, with the weights by which they are
multiplied and moved behind it. Every other weight is one of the model's own.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from embedsheet.coder.expressions import Expr, number_of
from embedsheet.coder.idioms import Normalised, normalised
from embedsheet.coder.model import Written
from embedsheet.coder.module import Module, Parts
from embedsheet.coder.spelling import KERAS, NUMPY, spell
from embedsheet.coder.variables import Variable

# What a Keras model calls otherwise.
_TAKEN = frozenset(
    "build built call compile compute_dtype compute_loss count_params dtype evaluate fit get_layer input input_shape "
    "inputs layers loss losses metrics name non_trainable_weights optimizer output outputs path predict stop_training "
    "summary supports_masking trainable trainable_weights variables weights dot softmax_0 softmax_1 softmax_2".split()
)


def keras_module(model: Written, sheet: str | None) -> Parts:
    """Return the model as a module in Keras."""
    return _KerasModule(model, sheet).parts()


_NORMALISATION = '''
class LayerNormalization(layers.LayerNormalization):
    """Keras' own layer, computed in float64: it computes in float32 whatever its dtype is."""

    def call(self, inputs: Any) -> Any:
        """Return rows less their means, over the root of their variances."""
        mean, variance = ops.moments(inputs, axes=-1, keepdims=True)
        outputs = (inputs - mean) / ops.sqrt(variance + self.epsilon)
        outputs = outputs * self.gamma if self.scale else outputs
        return outputs + self.beta if self.center else outputs
'''


@dataclass
class _Layer:
    """A layer and the weights that it holds, by what Keras calls them."""

    kind: str
    arguments: str
    weights: list[tuple[str, str]]
    inner: int = 0  # how many features it takes


def _attribute(name: str) -> str:
    return f"{name}_" if name in _TAKEN or name.startswith("_") else name


class _KerasModule(Module):
    def __init__(self, model: Written, sheet: str | None) -> None:
        super().__init__(model, KERAS, sheet)
        self.layers: dict[str, _Layer] = {}
        self.made: dict[str, str] = {}  # layers without weights of their own: attribute and how it is made
        self.normal: dict[tuple[object, ...], tuple[str, Normalised]] = {}  # by what they are written like
        self._find_layers()

    # Which weights are layers

    def _expressions(self) -> list[Expr]:
        found = [expr for one in self.traced() for expr in one.every_expression()]
        return found + (self.search.expressions() if self.search else [])

    def _find_layers(self) -> None:
        weights = {one.name: one for one in self.model.weights}
        uses: Counter[str] = Counter()
        looked_up: Counter[str] = Counter()
        multiplied: Counter[str] = Counter()
        added: dict[str, Counter[str]] = {}
        waiting = list(self._expressions())
        while waiting:
            expr = waiting.pop()
            if expr.op == "name":
                uses[expr.x] += 1
            if _is_look_up(expr):
                looked_up[expr.args[0].x] += 1
            if _is_product(expr):
                multiplied[expr.args[1].x] += 1
            if expr.op == "add" and _is_product(expr.args[0]) and expr.args[1].op == "name" and not expr.args[1].args:
                added.setdefault(expr.args[0].args[1].x, Counter())[expr.args[1].x] += 1
            waiting += expr.args
        self._find_normalisations(uses)
        for name, variable in weights.items():
            shape = variable.shape
            if len(shape) == 2 and looked_up[name] and looked_up[name] == uses[name]:
                self.layers[name] = _Layer("Embedding", f"{shape[0]}, {shape[1]}", [(name, "embeddings")])
            elif len(shape) == 2 and multiplied[name] and multiplied[name] == uses[name]:
                bias = next(iter(added.get(name, {})), "")
                fits = bias in weights and weights[bias].shape == shape[1:]
                if fits and added[name][bias] == uses[bias] == multiplied[name]:
                    held = [(name, "kernel"), (bias, "bias")]
                    self.layers[name] = _Layer("Dense", str(shape[1]), held, shape[0])
                else:
                    self.layers[name] = _Layer("Dense", f"{shape[1]}, use_bias=False", [(name, "kernel")], shape[0])

    def _find_normalisations(self, uses: Counter[str]) -> None:
        weights = {one.name for one in self.model.weights}
        waiting = list(self._expressions())
        while waiting:
            expr = waiting.pop()
            found = normalised(expr, self.model.memory.definitions)
            if found is None:
                waiting += expr.args
                continue
            rows = {part: row.x for part, row in (("gamma", found.scale), ("beta", found.offset)) if row is not None}
            if not all(name in weights and uses[name] == 1 for name in rows.values()):
                waiting += expr.args
                continue
            width = np.shape(expr.value)[-1]
            words = f"axis=-1, epsilon={found.epsilon!r}, center={'beta' in rows}, scale={'gamma' in rows}"
            name = next(
                word
                for number in range(len(self.normal) + 1, 10_000)
                if (word := f"normalisation_{number}") not in weights
            )
            held = [(row, part) for part, row in rows.items()]
            self.normal[_key(expr)] = name, found
            self.layers[name] = _Layer("LayerNormalization", words, held, width)

    def rewritten(self, expr: Expr) -> Expr:
        """Return an expression with layers in it."""
        own = self.normal.get(_key(expr)) if self.normal and np.ndim(expr.value) > 1 else None
        if own is not None:
            return replace(expr, op="layer", args=(self.rewritten(own[1].given),), x=own[0])
        args = tuple(map(self.rewritten, expr.args))
        if expr.op == "add" and _is_product(expr.args[0]):
            layer = self.layers.get(expr.args[0].args[1].x)
            if layer is not None and len(layer.weights) == 2 and expr.args[1].x == layer.weights[1][0]:
                return args[0]
        if _is_look_up(expr) and expr.args[0].x in self.layers:
            return replace(expr, op="layer", args=args[1:], x=_attribute(expr.args[0].x))
        if _is_product(expr) and expr.args[1].x in self.layers:
            return replace(expr, op="layer", args=args[:1], x=_attribute(expr.args[1].x))
        if _is_dot(expr):
            self.made["dot"] = "layers.Dot(axes=1)"
            return replace(expr, op="dot", args=args[0].args)
        if expr.op == "softmax":
            self.made[f"softmax_{expr.x}"] = f"layers.Softmax(axis={expr.x})"
        if expr.op == "maximum" and number_of(expr.args[0]) == 0:
            return replace(expr, op="relu", args=args[1:])
        return replace(expr, args=args)

    # Text

    def _held(self) -> dict[str, str]:
        """Return for each weight the attribute in which the model keeps it."""
        found = {one.name: f"self.{_attribute(one.name)}" for one in self.model.weights}
        for name, layer in self.layers.items():
            found |= {weight: f"self.{_attribute(name)}.{part}" for weight, part in layer.weights}
        return found

    def _forward(self) -> list[str]:
        statements = self.traced()
        body = [line for one in statements for line in self._statement(one, "        ")]
        held = self._held()
        in_layers = {weight for layer in self.layers.values() for weight, _ in layer.weights}
        lines = [
            *(_NORMALISATION.splitlines() if self.normal else []),
            "",
            "class Sheet(keras.Model):",
            '    """The sheet: its changing cells are the weights, its blocks what it gives, by name."""',
            "",
            "    def __init__(self) -> None:",
            "        super().__init__()",
        ]
        for variable in self.model.weights:
            lines += self._made(variable, in_layers)
        for name, layer in self.layers.items():
            if layer.kind == "LayerNormalization":
                lines += [f"        self.{name} = {layer.kind}({layer.arguments})"]
                lines += [f"        self.{name}.build((None, {layer.inner}))"]
        lines += [f"        self.{name} = {words}" for name, words in self.made.items()]
        parameters = ", ".join(held[one.name] for one in self.model.weights)
        lines += [
            "        for variable, array in zip(self.parameters(), START, strict=True):",
            "            variable.assign(array)",
            "",
            "    def parameters(self) -> list[keras.Variable]:",
            '        """Return the variables in the order of Weights."""',
            f"        return [{parameters}]",
            "",
            "    def call(self, _given: Any = None) -> dict[str, Any]:",
            '        """Return the arrays of all blocks that depend on the weights; the inputs stand above."""',
        ]
        loose = [one.name for one in self.model.weights if one.name not in in_layers]
        lines += [f"        {name} = ops.convert_to_tensor({held[name]})" for name in loose if name in self._used()]
        results = [variable.name for one in statements for variable in one.variables]
        lines += [*body, "        return {" + ", ".join(f'"{name}": {name}' for name in results) + "}"]
        return [
            *lines,
            "",
            "MODEL = Sheet()",
            "",
            "def forward(weights: Weights) -> dict[str, Any]:",
            '    """Return what the model gives with some weights in place of its own."""',
            "    pairs = zip(MODEL.parameters(), map(ops.convert_to_tensor, weights), strict=True)",
            "    with keras.StatelessScope(state_mapping=list(pairs)):",
            "        return MODEL.call()",
            "",
        ]

    def _made(self, variable: Variable, in_layers: set[str]) -> list[str]:
        name, layer = variable.name, self.layers.get(variable.name)
        if layer is not None:
            size = f"(None, {layer.inner})" if layer.inner else "(None,)"
            own = f"self.{_attribute(name)}"
            return [f"        {own} = layers.{layer.kind}({layer.arguments})", f"        {own}.build({size})"]
        if name in in_layers:
            return []
        return [f'        self.{_attribute(name)} = self.add_weight(shape={variable.shape}, name="{name}")']

    def _imports(self, body: str) -> list[str]:
        lines = ['os.environ.setdefault("KERAS_BACKEND", "jax")', ""]
        lines += ["import jax"] if self.search is not None or "jnp." in body else []
        lines += ["import jax.numpy as jnp"] if "jnp." in body else []
        lines += ["import keras", "import numpy as np"]
        used = ", ".join(word for word in ("layers", "ops") if f"{word}." in body)
        lines += [f"from keras import {used}"] if used else []
        lines += ["from scipy.optimize import minimize"] if "minimize(" in body else []
        lines.append("")
        if "import jax" in lines:
            lines.append('jax.config.update("jax_enable_x64", True)')
        return [*lines, 'keras.config.set_dtype_policy("float64")', 'keras.config.set_floatx("float64")', ""]


def _key(expr: Expr) -> tuple[object, ...]:
    """Return what is equal for expressions that are written alike and give the same numbers."""
    return spell(expr, NUMPY), np.shape(expr.value)


def _is_look_up(expr: Expr) -> bool:
    """Whether rows of something that has a name are taken by places that do not depend on the weights."""
    return expr.op == "take" and expr.args[0].op == "name" and not expr.args[0].args and not expr.args[0].fixed


def _is_product(expr: Expr) -> bool:
    """Whether rows are multiplied by something that has a name."""
    if expr.op != "matmul" or len(expr.args[0].axes) < 2:
        return False
    right = expr.args[1]
    return right.op == "name" and not right.args and not right.fixed


def _is_dot(expr: Expr) -> bool:
    """Whether rows of two matrices, both of which depend on the weights, are multiplied and added up."""
    if expr.op != "sum" or expr.x != "axis=1" or expr.args[0].op != "multiply":
        return False
    one, other = expr.args[0].args
    alike = one.axes == other.axes and len(one.axes) == 2 and np.shape(one.value) == np.shape(other.value)
    return alike and not one.fixed and not other.fixed

"""The module in Keras: layers where blocks are layers, `keras.ops` for the rest.

A weight whose rows are only looked up is an Embedding; cells that numbers are sums over, in one way, are a Dense layer,
with those that are always added behind it as its bias; a weight that is laid over every window of an array a Conv1D or
Conv2D; rows of two blocks multiplied and added up are a Dot; powers over their sum a Softmax; rows brought to mean 0
and variance 1 a LayerNormalization, with the weights by which they are multiplied and moved behind it; a loop of
which each step is what a SimpleRNN, an LSTM or a GRU computes is this layer. Every other weight is one of the model's
own; a layer's weight that formulas read besides is read from the layer.
"""

from __future__ import annotations

import re

from embedsheet.translations.coder.expressions import Expr, names_in
from embedsheet.translations.coder.keras_finding import WithLayers
from embedsheet.translations.coder.keras_layers import attribute
from embedsheet.translations.coder.keras_ranges import Range
from embedsheet.translations.coder.model import Written
from embedsheet.translations.coder.module import Module, Parts
from embedsheet.translations.coder.spelling import KERAS, spell
from embedsheet.translations.coder.variables import Variable


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


class _KerasModule(WithLayers):
    def _functions_apart(self) -> list[str]:
        return [*super()._functions_apart(), *(["inside"] if any(one.inside for one in self.arranged) else [])]

    def _labels(self) -> list[str]:
        inside = [one for layer in self.arranged for one in layer.inside]
        inside = [one for one in Module.traced(self) if one in inside]
        words = "Return the blocks that layers keep to themselves, by name, as the sheet computes them."
        return [*super()._labels(), *self._apart("inside", words, inside, self.traced())]

    def _further(self) -> list[Expr]:
        return [expr for layer in self.arranged for expr in layer.variables.values()]

    def _held(self) -> dict[str, str]:
        """Return for each weight where the model keeps it."""
        found = {one.name: f"self.{attribute(one.name)}" for one in self.model.weights}
        for name, layer in self.layers.items():
            found |= {weight: f"self.{attribute(name)}.{part}" for weight, part in layer.weights}
        for arranged in self.arranged:
            own = f"self.{arranged.name}"
            found |= {weight: part.replace("@", own) if "@" in part else f"{own}.{part}"
                      for weight, part in arranged.parts.items()}  # fmt: skip
        return found

    def _parameters(self, held: dict[str, str], own: list[str], ranges: dict[str, Range]) -> list[tuple[str, str]]:
        """Return the model's variables, and what each is of `weights`."""
        words = {one.name: f"weights.{one.name}" for one in self.model.weights}
        found = [(held[name], words[name]) for name in own if name not in ranges]
        found += [(f"self.{attribute(name)}", f"{words[name]}[{one.part}]") for name, one in ranges.items() if one.part]
        for layer in self.arranged:
            found += [
                (f"self.{layer.name}.{part}", spell(expr, KERAS, words)) for part, expr in layer.variables.items()
            ]
        return found

    def _forward(self) -> list[str]:
        statements = self.traced()
        body = [line for one in statements for line in self._statement(one, "        ")]
        read = [expr for one in statements for expr in one.every_expression()]
        left = set[str]().union(*(names_in(self.rewritten(expr)) for expr in read))
        held = self._held()
        in_layers = {weight for layer in self.layers.values() for weight, _ in layer.weights}
        arranged = {weight for one in self.arranged for weight in one.cells}
        given = {weight for one in self.arranged for weight in one.parts} | {one for one in arranged if one not in left}
        own = [one.name for one in self.model.weights if one.name not in given]
        ranges = {name: found for name in own if name in arranged and (found := self.range_of(name)) is not None}
        held |= {name: found.text for name, found in ranges.items()}
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
            lines += self._made(variable, in_layers | given, ranges.get(variable.name))
        for one in self.arranged:
            kind = one.kind if one.kind == "LayerNormalization" else f"layers.{one.kind}"  # ours, above
            lines += [f"        self.{one.name} = {kind}({one.arguments})"]
            lines += [f"        self.{one.name}.build({one.built})"]
        lines += [f"        self.{name} = {words}" for name, words in self.made.items()]
        parameters = self._parameters(held, own, ranges)
        what, start, values = "the order of Weights", "START", "weights"
        if self.arranged:
            what, start, values = "the order of `variables`", "variables(START)", "variables(weights)"
        lines += [
            f"        for variable, array in zip(self.parameters(), {start}, strict=True):",
            "            variable.assign(array)",
            "",
            "    def parameters(self) -> list[keras.Variable]:",
            f'        """Return the variables in {what}."""',
            f"        return [{', '.join(text for text, _ in parameters)}]",
            "",
            "    def call(self, _given: Any = None) -> dict[str, Any]:",
            '        """Return the arrays of all blocks that depend on the weights; the inputs stand above."""',
        ]
        # A layer's weight that is read besides, as by a penalty on squares, and the model's own.
        loose = [one.name for one in self.model.weights if one.name in left]
        lines += [f"        {name} = ops.convert_to_tensor({held[name]})" for name in loose]
        results = [variable.name for one in statements for variable in one.variables]
        lines += [*body, "        return {" + ", ".join(f'"{name}": {name}' for name in results) + "}"]
        if self.arranged:
            lines += [
                "",
                "def variables(weights: Weights) -> list[Any]:",
                '    """Return the weights as the model\'s layers hold them."""',
                f"    return [{', '.join(text for _, text in parameters)}]",
            ]
        return [
            *lines,
            "",
            "MODEL = Sheet()",
            "",
            "def forward(weights: Weights) -> dict[str, Any]:",
            '    """Return what the model gives with some weights in place of its own."""',
            f"    pairs = zip(MODEL.parameters(), map(ops.convert_to_tensor, {values}), strict=True)",
            "    with keras.StatelessScope(state_mapping=list(pairs)):",
            "        return MODEL.call()",
            "",
        ]

    def _made(self, variable: Variable, in_layers: set[str], part: Range | None) -> list[str]:
        name, layer = variable.name, self.layers.get(variable.name)
        if layer is not None:
            size = f"(None, {layer.inner})" if layer.inner else "(None,)"
            own = f"self.{attribute(name)}"
            return [f"        {own} = layers.{layer.kind}({layer.arguments})", f"        {own}.build({size})"]
        shape = variable.shape if part is None else part.shape
        if name in in_layers or shape is None:
            return []
        return [f'        self.{attribute(name)} = self.add_weight(shape={shape}, name="{name}")']

    def _imports(self, body: str) -> list[str]:
        lines = ['os.environ.setdefault("KERAS_BACKEND", "jax")', ""]
        lines += ["import jax"] if self.search is not None or re.search(r"\bjnp\b", body) else []
        lines += ["import jax.numpy as jnp"] if re.search(r"\bjnp\b", body) else []
        lines += ["import keras", "import numpy as np"]
        used = ", ".join(word for word in ("layers", "ops") if f"{word}." in body)
        lines += [f"from keras import {used}"] if used else []
        lines += ["from scipy.optimize import minimize"] if "minimize(" in body else []
        lines.append("")
        if "import jax" in lines:
            lines.append('jax.config.update("jax_enable_x64", True)')
        return [*lines, 'keras.config.set_dtype_policy("float64")', 'keras.config.set_floatx("float64")', ""]

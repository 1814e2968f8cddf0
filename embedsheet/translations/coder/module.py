"""The text of a module: inputs, weights, one statement a block, the loss, its gradient, the search, and the check."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.compiler.forms import describe
from embedsheet.ground.notation.addresses import quote_sheet
from embedsheet.translations.coder.derivative import NotSimple, gradient_lines
from embedsheet.translations.coder.expressions import Expr, names_in
from embedsheet.translations.coder.functions import calls, definitions
from embedsheet.translations.coder.helpers import FUNCTIONS, HELPERS
from embedsheet.translations.coder.literals import array_text
from embedsheet.translations.coder.loop_text import is_long, repeated, scanned
from embedsheet.translations.coder.loops import Loop
from embedsheet.translations.coder.model import Statement, Written
from embedsheet.translations.coder.search import Search
from embedsheet.translations.coder.spelling import JAX, KERAS, NUMPY, NUMPY_OR_JAX, Language, spell
from embedsheet.translations.coder.variables import Variable, array_of

_LONGEST_FORMULA = 160
_MARKS = re.compile(r"_xl(?:fn|ws|pm)\.")  # a file's, of what is new to Excel; not the formula's


@dataclass
class Parts:
    """A module's text before it is formatted, and the arrays that lie beside it."""

    text: str
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)


def module(model: Written, language: Language, sheet: str | None) -> Parts:
    """Return the model as a module in NumPy or JAX."""
    return Module(model, language, sheet).parts()


_CHECK = '''
def check() -> list[str]:
    """Return the names of the blocks that are not what the workbook stores, to one part in 10^9."""
    found = @
    return [name for name, value in STORED.items() if not _equal(np.asarray(found[name]), np.asarray(value))]


def _equal(found: Any, stored: Any) -> bool:
    if stored.dtype.kind in "Ub":
        return bool(np.array_equal(found, stored))
    return bool(np.allclose(found, stored, rtol=1e-9, atol=1e-9, equal_nan=True))
'''
_MAIN = '''
def main() -> None:
    """Say whether each block is what the workbook stores."""
    wrong = check()
    print(f"{len(STORED) - len(wrong)} of {len(STORED)} blocks equal what the workbook stores.", *wrong)


if __name__ == "__main__":
    main()
'''
_MAIN_TRAINS = '''
def main() -> None:
    """Say whether each block is what the workbook stores, and train."""
    wrong = check()
    print(f"{len(STORED) - len(wrong)} of {len(STORED)} blocks equal what the workbook stores.", *wrong)
    before, after = (@value for weights in (START, train()))
    print(f"@: {float(before):.6g} before, {float(after):.6g} after.")


if __name__ == "__main__":
    main()
'''
_FUNCTIONS = {"cache": "@cache", "reduce": r"(?<![.\w])reduce\("}
_TITLES = {"np": "NumPy", "jnp": "JAX", "ops": "Keras", "torch": "PyTorch"}


class Module:
    def __init__(self, model: Written, language: Language, sheet: str | None) -> None:
        self.model, self.sheet = model, sheet
        self.search = Search(model) if model.weights and model.setup else None
        self.arrays: dict[str, NDArray[Any]] = {}
        self.asked = language  # what the module is called for
        # In NumPy the gradient is JAX's: the same statements with its namespace.
        self.language = language if language is not NUMPY or not model.weights else NUMPY_OR_JAX
        self.slopes = self._slopes() if language is NUMPY else None
        if self.slopes is not None:
            self.language = NUMPY
        self.stored_apart = sum(v.value.size for v in self.blocks()) > 60

    def _slopes(self) -> list[str] | None:
        """Return the lines of a gradient written out; None where it is not simple or nothing is to be small."""
        goal = self.model.objective
        if self.search is None or goal is None or self.search.constraints:
            return None
        try:
            return gradient_lines(self.model, self.search.slope())
        except NotSimple:
            return None

    def blocks(self) -> list[Variable]:
        return [variable for statement in self.model.statements for variable in statement.variables]

    def parts(self) -> Parts:
        body = [*self._given(), *self._fixed()]
        if self.model.weights:
            body += [*self._weights(), *self._forward(), *self._labels(), *self._loss(), *self._train()]
        body += [*self._check(), *self._main()]
        if self.slopes is not None and not self._holds(body):
            self.slopes, self.language, self.arrays = None, NUMPY_OR_JAX, {}
            return self.parts()
        for call, function in HELPERS.items():
            if any(call in line for line in body):
                body = [*function.splitlines(), *body]
        head = self._head("\n".join(body))
        return Parts("\n".join([*head, *body]) + "\n", self.arrays)

    def _holds(self, body: list[str]) -> bool:
        """Whether the gradient written out is what differences of the loss say, along some way."""
        lines = [*self._imports(""), "from typing import Any, NamedTuple", *body]
        names: dict[str, Any] = {**FUNCTIONS, "__name__": "written", "DATA": self.arrays}
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                exec(compile("\n".join(lines), "written", "exec"), names)  # our own text of the formulas
                start = names["START"]
                way = [np.cos(3.0 + np.arange(np.size(one))).reshape(np.shape(one)) for one in start]
                ends = [names["loss"](type(start)(*(x + step * w for x, w in zip(start, way, strict=True))))
                        for step in (1e-6, -1e-6)]  # fmt: skip
                slope = sum(float((g * w).sum()) for g, w in zip(names["gradient"](start)[1], way, strict=True))
        except Exception:  # whatever it is, JAX's gradient stands
            return False
        difference = float(ends[0] - ends[1]) / 2e-6
        return abs(difference - slope) <= 1e-5 * max(1.0, abs(slope), abs(float(ends[0])))

    def _head(self, body: str) -> list[str]:
        book = self.model.workbook.path.name
        what = f"{self.sheet} of {book}" if self.sheet else book
        language = _TITLES[self.asked.name]
        lines = [
            f'"""{_safe(what)} in {language}: one statement for each block of like formulas.',
            "",
            "Written by `embedsheet code`. Each comment names the cells and the formula that stands in the first of",
            "them; an array holds NaN where a cell holds no number.",
            '"""',
            "",
            "from __future__ import annotations",
            "",
        ]
        if self.language is KERAS:
            lines.append("import os")
        functions = [word for word, use in _FUNCTIONS.items() if re.search(use, body)]
        if functions:
            lines.append(f"from functools import {', '.join(functions)}")
        if "accumulate(" in body:
            lines.append("from itertools import accumulate")
        if "DATA" in body:
            lines.append("from pathlib import Path")
        typing = [word for word in ("Any", "NamedTuple") if re.search(rf"\b{word}\b", body)]
        lines += [f"from typing import {', '.join(typing)}", ""] if typing else [""]
        lines += self._imports(body)
        if "DATA" in body:
            lines += ['DATA = np.load(Path(__file__).with_suffix(".npz"))', ""]
        return lines

    def _imports(self, body: str) -> list[str]:
        lines = []
        traced = (self.language is JAX and self.search is not None) or re.search(r"\bjnp\b", body) or "jax.nn." in body
        if traced:
            lines.append("import jax")
        if re.search(r"\bjnp\b", body):
            lines.append("import jax.numpy as jnp")
        lines.append("import numpy as np")
        if "minimize(" in body:
            lines.append("from scipy.optimize import minimize")
        lines.append("")
        return [*lines, 'jax.config.update("jax_enable_x64", True)', ""] if traced else lines

    def spelled(self, expr: Expr) -> str:
        """Return an expression that depends on the weights as text."""
        return spell(self.rewritten(expr), self.language)

    def rewritten(self, expr: Expr) -> Expr:
        """Return an expression as the language has it."""
        return expr

    def carried(self, expr: Expr) -> Expr:
        """Return what a loop reads from outside, or begins with, as the language has it."""
        return self.rewritten(expr)

    # Arrays

    def _given(self) -> list[str]:
        needed = [variable for variable in self.model.inputs if variable.name in self._used()]
        lines = ["# Inputs"] if needed else []
        for variable in needed:
            lines.append(f"# {_cells(self.model, variable)}")
            lines.append(f"{variable.name} = {self._array(variable.name, variable.value)}")
        constants = [one for one in self.model.memory.constants.values() if one.name in self._used()]
        if constants:
            lines += ["", "# Constants: places that formulas read, and values of formulas that are not written"]
        for variable in constants:
            lines.append(f"{variable.name} = {self._array(variable.name, variable.value)}")
        return lines

    def _used(self) -> set[str]:
        if not hasattr(self, "_names"):
            self._names = set[str]()
            exprs = [expr for one in self.model.statements for expr in one.every_expression()]
            exprs += [*(self.search.expressions() if self.search else []), *self._further()]
            waiting = list(exprs)
            while waiting:
                expr = waiting.pop()
                if expr.op == "name":
                    self._names.add(expr.x)
                waiting += expr.args
        return self._names

    def _further(self) -> list[Expr]:
        """Return the expressions that the module has besides those of statements and search."""
        return []

    def _array(self, name: str, value: NDArray[Any]) -> str:
        text = array_text(np.asarray(value))
        if text is None:
            self.arrays[name] = np.asarray(value)
            return f'DATA["{name}"]'
        return text

    # Statements

    def _fixed(self) -> list[str]:
        statements = [one for one in self.model.statements if one.fixed]
        if not statements:
            return []
        words = ["", "# What does not depend on the weights"] if self.model.weights else ["", "# Formulas"]
        return [*words, *(line for one in statements for line in self._statement(one, ""))]

    def traced(self) -> list[Statement]:
        """The statements of `forward`."""
        return [one for one in self.model.statements if not one.fixed and not one.untraced]

    def untraced(self) -> list[Statement]:
        """The statements of `labels`."""
        return [one for one in self.model.statements if one.untraced]

    def _functions_apart(self) -> list[str]:
        """The functions beside `forward` that compute blocks."""
        return ["labels"] if self.untraced() else []

    def _labels(self) -> list[str]:
        words = "Return the blocks that need texts, through which no derivative goes, by name."
        return self._apart("labels", words, self.untraced(), self.traced())

    def _apart(self, name: str, words: str, statements: Sequence[Statement], known: Sequence[Statement]) -> list[str]:
        """Return a function that computes some blocks in NumPy, from the weights and from what `forward` gives."""
        if not statements:
            return []
        made = {variable.name for one in statements for variable in one.variables}
        used = set[str]().union(*(names_in(expr) for one in statements for expr in one.every_expression()))
        lines = ["", f"def {name}(weights: Weights) -> dict[str, Any]:", f'    """{words}"""']
        given = [variable.name for one in known for variable in one.variables]
        found = [one for one in given if one in used - made]
        lines += ["    found = forward(weights)"] if found else []
        lines += [f'    {one} = np.asarray(found["{one}"])' for one in found]
        own = [variable.name for variable in self.model.weights if variable.name in used]
        lines += [f"    {one} = np.asarray(weights.{one})" for one in own]
        lines += [line for one in statements for line in self._statement(one, "    ", in_numpy=True)]
        return [*lines, "    return {" + ", ".join(f'"{one}": {one}' for one in sorted(made - {*given})) + "}"]

    def _forward(self) -> list[str]:
        statements = self.traced()
        names = ", ".join(variable.name for variable in self.model.weights)
        argument = ", xp: Any = np" if self.language.name == "xp" else ""
        lines = [
            "",
            f"def forward(weights: Weights{argument}) -> dict[str, Any]:",
            '    """Return the arrays of all blocks that depend on the weights, by name."""',
            f"    {names}{',' if len(self.model.weights) == 1 else ''} = weights",
            *(line for one in statements for line in self._statement(one, "    ")),
        ]
        results = [variable.name for one in statements for variable in one.variables]
        lines.append("    return {" + ", ".join(f'"{name}": {name}' for name in results) + "}")
        return lines

    def _statement(self, statement: Statement, indent: str, in_numpy: bool = False) -> list[str]:
        formula = " ".join(_MARKS.sub("", statement.formula).split())
        words = f"# {statement.cells}  ={formula}"
        lines = [f"{indent}{line}" for line in _wrapped(words)]
        if statement.constants:
            kept = ", ".join(dict.fromkeys(statement.constants))
            lines.append(f"{indent}# as the workbook has it, not computed: {kept}")
        in_numpy = in_numpy or statement.fixed
        language = NUMPY if in_numpy else self.language
        exprs = [expr if in_numpy else self.rewritten(expr) for expr in statement.every_expression()]
        functions = dict.fromkeys(tuple(one) for expr in exprs for one in definitions(expr, language))
        lines += [indent + line for one in functions for line in one]
        if statement.loop:
            return [*lines, *(indent + line for line in self._loop(statement, statement.loop, in_numpy))]
        write = (lambda expr: spell(expr, NUMPY)) if in_numpy else self.spelled
        texts = [write(expr) for expr in statement.expressions]
        every = [variable.name for variable in statement.variables]
        if any(names_in(expr) & {*every} for expr in exprs):
            return [*lines, *(f"{indent}{name} = {text}" for name, text in zip(every, texts, strict=True))]
        names = ", ".join(every)
        right = f"({', '.join(texts)})" if len(texts) > 1 else texts[0]
        return [*lines, f"{indent}{names} = {right}"]

    def _loop(self, statement: Statement, loop: Loop, in_numpy: bool) -> list[str]:
        language = NUMPY if loop.fixed or in_numpy else self.language
        names = [variable.name for variable in statement.variables]
        write = scanned if language is JAX and is_long(loop) else repeated
        if language is not NUMPY:
            loop = replace(
                loop,
                bodies=list(map(self.rewritten, loop.bodies)),
                outside=list(map(self.carried, loop.outside)),
                before=[list(map(self.carried, before)) for before in loop.before],
            )
        return write(loop, names, language)

    # Weights

    def _weights(self) -> list[str]:
        lines = ["", "class Weights(NamedTuple):", '    """The changing cells."""', ""]
        for variable in self.model.weights:
            shape = f"{variable.shape}" if variable.shape else "one number"
            lines.append(f"    {variable.name}: Any  # {_cells(self.model, variable)}, {shape}")
        lines += ["", "# As the workbook has them", "START = Weights("]
        lines += [f"    {one.name}={self._array(one.name, one.value)}," for one in self.model.weights]
        return [*lines, ")"]

    def _loss(self) -> list[str]:
        if self.search is None or self.model.objective is None:
            return []
        xp = self.language.name == "xp"
        argument = ", xp: Any = np" if xp else ""
        passed = ", xp" if xp else ""
        value = self.search.objective()
        lines = [
            "",
            f"def loss(weights: Weights{argument}) -> Any:",
            f'    """Return {_safe(self.search.words)}."""',
            f"    return {value.replace('@', f'forward(weights{passed})')}",
            "",
            "def gradient(weights: Weights) -> tuple[float, Weights]:",
            '    """Return the loss and its derivative with respect to each weight."""',
        ]
        if self.slopes is not None:
            value = self.search.objective().replace("@", "found")
            return [*lines, "    found = forward(weights)", *(f"    {line}" for line in self.slopes),
                    f"    return float({value}), slope"]  # fmt: skip
        lines += [
            "    value, slope = _derivative()(weights)",
            "    return float(value), Weights(*map(np.asarray, slope))",
            "",
            "@cache",
            "def _derivative() -> Any:",
        ]
        if xp:
            lines += ["    import jax", "", '    jax.config.update("jax_enable_x64", True)']
        every = [one for one in self.model.statements if not one.fixed]
        long = any(one.loop and is_long(one.loop) for one in every)
        deep = any(map(calls, (expr for one in every for expr in one.every_expression())))
        value = "jax.value_and_grad(lambda weights: loss(weights, jax.numpy))" if xp else "jax.value_and_grad(loss)"
        lines.append(
            f"    return {value}" if (long or deep) and self.language is not JAX else f"    return jax.jit({value})"
        )
        return lines

    def _train(self) -> list[str]:
        if self.search is None or self.model.objective is None:
            return []
        return self.search.lines(self.language)

    # The check

    def _check(self) -> list[str]:
        lines = ["", "# What the workbook stores", "STORED = {"]
        for variable in self.blocks():
            stored = self._stored(variable)
            if stored is not None and self.stored_apart:
                self.arrays[f"stored.{variable.name}"] = stored
            elif stored is not None:
                text = array_text(stored) or self._array(f"stored.{variable.name}", stored)
                lines.append(f'    "{variable.name}": {text},')
        if self.stored_apart:
            words = 'name.removeprefix("stored."): DATA[name] for name in DATA if name.startswith("stored.")'
            lines[-1] = f"STORED = {{{words}}}"
        else:
            lines.append("}")
        fixed = [one.name for statement in self.model.statements if statement.fixed for one in statement.variables]
        known = "{" + ", ".join(f'"{name}": {name}' for name in fixed) + "}"
        more = "".join(f", **{name}(START)" for name in self._functions_apart())
        found = f"{{**FIXED, **forward(START){more}}}" if self.model.weights else "FIXED"
        return [*lines, "", f"FIXED: dict[str, Any] = {known}", "", *_CHECK.replace("@", found).splitlines()]

    def _stored(self, variable: Variable) -> NDArray[Any] | None:
        """Return what the workbook stores for a block; None where no program has calculated it."""
        store = self.model.store
        ids = store.table.find(variable.sheet, variable.rows, variable.columns)
        if not store.table.kinds[ids].any():
            return None
        return array_of(store, ids, store.table.kinds, store.table.numbers)[0]

    def _main(self) -> list[str]:
        if self.search is None or self.model.objective is None:
            return _MAIN.splitlines()
        goal = self.model.objective
        value = spell(goal, NUMPY, {name: f'forward(weights)["{name}"]' for name in names_in(goal)})
        return _MAIN_TRAINS.replace("@value", value).replace("@", next(iter(names_in(goal)), "loss")).splitlines()


def _cells(model: Written, variable: Variable) -> str:
    sheet = quote_sheet(model.store.table.sheet_names[variable.sheet])
    return f"{sheet}!{describe(variable.rows.ravel(), variable.columns.ravel())}"


def _safe(text: str) -> str:
    """Return a text that can stand in a docstring."""
    return text.replace("\\", "/").replace('"', "'").replace("\n", " ")


def _wrapped(words: str) -> list[str]:
    words = "".join(letter if letter.isprintable() else " " for letter in words)
    if len(words) > _LONGEST_FORMULA:
        words = words[: _LONGEST_FORMULA - 2] + " …"
    if len(words) <= 112:
        return [words]
    cut = words.rfind(" ", 0, 112)
    cut = cut if cut > 60 else 112
    return [words[:cut], "#   " + words[cut:].lstrip()]


__all__ = ["Parts", "module"]

"""What `train()` of a module does: SciPy's search with the bounds and constraints of the Solver set-up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from embedsheet.compiler.constraints import ConstraintRows, build_rows
from embedsheet.ground.errors import UnsupportedError
from embedsheet.translations.coder.expressions import Expr, elementwise, full_of, literal, names_in
from embedsheet.translations.coder.model import Written
from embedsheet.translations.coder.spelling import NUMPY, Language, spell
from embedsheet.translations.coder.translate import Translator, Untranslatable


@dataclass
class _Row:
    relation: str
    difference: Expr


class Search:
    """The objective in words and as a loss to be made small; bounds; rows of left − right."""

    def __init__(self, model: Written) -> None:
        assert model.setup is not None
        self.model, self.setup = model, model.setup
        table = model.store.table
        changing = np.concatenate([table.area(area).ravel() for area in self.setup.changing])
        self.rows: ConstraintRows = build_rows(model.store, self.setup, changing)
        self.constraints = self._constraints()
        what = next(iter(names_in(model.objective)), "a constant") if model.objective else "nothing"
        self.words = {
            "minimize": f"{what}, which is to be small",
            "maximize": f"−{what}, which is to be small: the workbook's {what} is to be large",
            "target": f"({what} − {self.setup.target:g})², which is to be 0",
        }[self.setup.sense]

    def objective(self) -> str:
        """Return the loss as text, "@" for the blocks."""
        assert self.model.objective is not None
        goal = self.model.objective
        value = spell(goal, NUMPY, {name: f'@["{name}"]' for name in names_in(goal)})
        if self.setup.sense == "maximize":
            return f"-{value}"
        return value if self.setup.sense == "minimize" else f"({value} - {self.setup.target!r}) ** 2"

    def slope(self) -> Expr:
        """Return the derivative of the loss with respect to the objective."""
        assert self.model.objective is not None
        if self.setup.sense == "target":
            return elementwise(
                "multiply", literal(2.0), elementwise("subtract", self.model.objective, literal(self.setup.target))
            )
        return literal(-1.0 if self.setup.sense == "maximize" else 1.0)

    def expressions(self) -> list[Expr]:
        """All expressions that the search is written with."""
        return [row.difference for row in self.constraints]

    def _constraints(self) -> list[_Row]:
        rows, table = self.rows, self.model.store.table
        found: dict[tuple[str, int, int], list[int]] = {}
        for place, (left, right, relation) in enumerate(
            zip(rows.left_ids, rows.right_ids, rows.relations, strict=True)
        ):
            loose = right if right >= 0 and table.sheets[right] < 0 else -1
            found.setdefault((relation, int(table.sheets[left]), loose), []).append(place)
        made = []
        for (relation, sheet, loose), places in found.items():
            left_ids = np.array([rows.left_ids[place] for place in places])
            right_ids = np.array([rows.right_ids[place] for place in places])
            numbers = np.array([rows.right_numbers[place] for place in places])
            first = self._read(left_ids, sheet)
            if loose >= 0:
                second = self._formula(loose)
            elif (right_ids < 0).all():
                second = literal(float(numbers[0])) if (numbers == numbers[0]).all() else self._numbers(numbers)
            else:
                second = self._read(right_ids, int(table.sheets[right_ids.max()]))
            made.append(_Row(relation, full_of(elementwise("subtract", first, second), (0,), (len(places),))))
        return made

    def _read(self, ids: np.ndarray, sheet: int) -> Expr:
        table = self.model.store.table
        return self.model.memory.read(sheet, table.rows[ids], table.columns[ids], (0,))

    def _numbers(self, numbers: np.ndarray) -> Expr:
        return self.model.memory.constant(numbers, (0,))

    def _formula(self, number: int) -> Expr:
        store = self.model.store
        group = store.groups[int(store.group_of[number])]
        try:
            return Translator(self.model.memory, group, np.array(0)).whole()
        except Untranslatable as reason:
            raise UnsupportedError([f"{group.where()}: is not written as code ({reason})."]) from None

    # Text

    def lines(self, language: Language) -> list[str]:
        """Return the functions that search."""
        xp = language.name == "xp"
        lines = [
            "",
            "def _weights(x: Any) -> Weights:",
            "    sizes = [np.size(array) for array in START]",
            "    parts = np.split(x, np.cumsum(sizes)[:-1])",
            "    return Weights(*(part.reshape(np.shape(array)) for part, array in zip(parts, START, strict=True)))",
        ]
        if self.constraints:
            lines += self._constraint_lines(language, xp)
        method = "SLSQP" if self.constraints else "L-BFGS-B"
        options = (
            '{"maxiter": iterations}' if self.constraints else '{"maxiter": iterations, "maxfun": 20 * iterations}'
        )
        arguments = [
            "fun", "np.concatenate([np.ravel(array) for array in weights])", "jac=True", f'method="{method}"',
            f"options={options}", "tol=1e-12",
        ]  # fmt: skip
        bounds = self._bounds()
        if bounds:
            arguments.append(f"bounds={bounds}")
        if self.constraints:
            arguments.append("constraints=CONSTRAINTS")
        lines += [
            "",
            "def train(weights: Weights = START, iterations: int = 1000) -> Weights:",
            '    """Return the weights that SciPy finds from some others."""',
            "",
            "    def fun(x: Any) -> tuple[float, Any]:",
            "        value, slope = gradient(_weights(x))",
            "        return value, np.concatenate([np.ravel(array) for array in slope])",
            "",
            f"    found = minimize({', '.join(arguments)})",
            "    return _weights(found.x)",
        ]
        return lines

    def _bounds(self) -> str:
        lower, upper = self.rows.lower, self.rows.upper
        if np.isneginf(lower).all() and np.isposinf(upper).all():
            return ""
        pairs = [(float(low), float(high)) for low, high in zip(lower, upper, strict=True)]
        words = [
            f"({'None' if np.isinf(low) else repr(low)}, {'None' if np.isinf(high) else repr(high)})"
            for low, high in pairs
        ]
        runs: list[tuple[str, int]] = []
        for word in words:
            if runs and runs[-1][0] == word:
                runs[-1] = (word, runs[-1][1] + 1)
            else:
                runs.append((word, 1))
        return " + ".join(f"[{word}] * {count}" if count > 1 else f"[{word}]" for word, count in runs)

    def _constraint_lines(self, language: Language, xp: bool) -> list[str]:
        traced = [one for one in self.model.statements if not (one.fixed or one.untraced)]
        blocks = [one.name for statement in traced for one in statement.variables]
        lines: list[str] = []
        entries = []
        for place, row in enumerate(self.constraints):
            name = f"constraint_{place + 1}"
            sign = "-" if row.relation == "<=" else ""
            values = {block: f'found["{block}"]' for block in blocks}
            values |= {one.name: f"weights.{one.name}" for one in self.model.weights}
            text = spell(row.difference, language, values)
            words = {"<=": "at most 0, with the sign turned", ">=": "at least 0", "=": "0"}[row.relation]
            argument = ", xp: Any = np" if xp else ""
            passed = ", xp" if xp else ""
            lines += [
                "",
                f"def {name}(weights: Weights{argument}) -> Any:",
                f'    """Return left − right of a constraint; it is to be {words}."""',
            ]
            if "found[" in text:
                lines.append(f"    found = forward(weights{passed})")
            lines.append(f"    return {f'-({text})' if sign else text}")
            kind = "eq" if row.relation == "=" else "ineq"
            value, slope = f"lambda x: np.asarray({name}(_weights(x)))", f"lambda x: _jacobian({name}, x)"
            entries.append(f'{{"type": "{kind}", "fun": {value}, "jac": {slope}}}')
        inner = "lambda some: rows(_weights(some), jax.numpy)" if xp else "lambda some: rows(_weights(some))"
        lines += [
            "",
            "def _jacobian(rows: Any, x: Any) -> Any:",
            *(["    import jax", "", '    jax.config.update("jax_enable_x64", True)'] if xp else []),
            f"    return np.asarray(jax.jacobian({inner})(x))",
            "",
            f"CONSTRAINTS: Any = [{', '.join(entries)}]",
        ]
        return lines

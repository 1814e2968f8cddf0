"""The module in PyTorch: the statements of NumPy's on tensors, the gradient by autograd.

Tensors and NumPy's arrays do not mix, so that what does not depend on the weights is made a tensor where it meets them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from embedsheet.ground.errors import ModelError
from embedsheet.translations.coder.expressions import Expr, number_of
from embedsheet.translations.coder.model import Written
from embedsheet.translations.coder.module import Module, Parts
from embedsheet.translations.coder.spelling import TORCH


def torch_module(model: Written, sheet: str | None) -> Parts:
    """Return the model as a module in PyTorch. Raises ModelError for a set-up with constraints on formulas."""
    made = _TorchModule(model, sheet)
    if made.search is not None and made.search.constraints:
        raise ModelError("Constraints on formulas are not written in PyTorch; choose --to jax.")
    return made.parts()


class _TorchModule(Module):
    def __init__(self, model: Written, sheet: str | None) -> None:
        super().__init__(model, TORCH, sheet)
        self.computed = {variable.name for variable in self.blocks()}

    def rewritten(self, expr: Expr) -> Expr:
        if expr.fixed:
            return expr
        args = tuple(self.carried(arg) for arg in expr.args)
        if expr.op in ("maximum", "minimum"):
            bounds = [number_of(arg) for arg in expr.args]
            if bounds[0] is not None or bounds[1] is not None:
                ordered = args if bounds[0] is not None else args[::-1]
                return replace(expr, op="at_least_" if expr.op == "maximum" else "at_most_", args=ordered)
        if expr.op in ("max", "min") and not expr.x:
            return replace(expr, op=f"whole_{expr.op}", args=args)
        if expr.op == "cumsum" and not expr.x:
            return replace(expr, args=args, x="0")
        return replace(expr, args=args)

    def carried(self, expr: Expr) -> Expr:
        """Return an array that does not depend on the weights as a tensor; numbers stay numbers."""
        if not expr.fixed:
            return self.rewritten(expr)
        value = np.asarray(expr.value)
        if value.ndim == 0:
            return expr
        # np.where(condition, 1, 0) gives whole numbers, which PyTorch does not multiply with others.
        given = expr.op == "name" and expr.x not in self.computed
        return replace(expr, op="tensor" if given or value.dtype.kind != "f" else "floats", args=(expr,), fixed=False)

    def _imports(self, body: str) -> list[str]:
        lines = ["import numpy as np"]
        lines += ["import torch"] if self.model.weights else []
        lines += ["from scipy.optimize import minimize"] if "minimize(" in body else []
        return [*lines, "", "torch.set_default_dtype(torch.float64)", ""] if self.model.weights else [*lines, ""]

    def _forward(self) -> list[str]:
        lines = super()._forward()
        place = next(at for at, line in enumerate(lines) if line.endswith(" = weights"))
        lines[place] = lines[place].removesuffix("weights") + "map(torch.as_tensor, weights)"
        return lines

    def _loss(self) -> list[str]:
        lines = super()._loss()
        if not lines:
            return lines
        return [
            *lines[: lines.index("def gradient(weights: Weights) -> tuple[float, Weights]:") - 1],
            "",
            "def gradient(weights: Weights) -> tuple[float, Weights]:",
            '    """Return the loss and its derivative with respect to each weight."""',
            "    leaves = [torch.tensor(np.asarray(array, float), requires_grad=True) for array in weights]",
            "    value = loss(Weights(*leaves))",
            "    slope = torch.autograd.grad(value, leaves, allow_unused=True, materialize_grads=True)",
            "    return float(value), Weights(*(array.numpy() for array in slope))",
        ]

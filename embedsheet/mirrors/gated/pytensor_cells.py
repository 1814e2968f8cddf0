"""The cells in PyTensor, as the lecture writes them: a step, `scan` over the characters, `grad` of the loss."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from embedsheet.mirrors.gated.cells import CELLS
from embedsheet.mirrors.recurrent.pytensor_net import load_pytensor


def compiled(kind: str, names: Sequence[str]) -> Callable[..., list[Any]]:
    """Return the function (pieces (n, T), answers (n,), *weights) → [loss, probabilities, the gradients].

    Weights are in the order of `names`. Raises MissingDependencyError without PyTensor.
    """
    with _without_advice():
        function = _compiled(kind, tuple(names))

    def run(*inputs: Any) -> list[Any]:
        with _without_advice():
            return function(*inputs)

    return run


@contextmanager
def _without_advice() -> Iterator[None]:
    """Let PyTensor say nothing of a fast BLAS that it does not find: these matrices have a dozen cells."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "PyTensor could not link to a BLAS", UserWarning)
        yield


@lru_cache(maxsize=8)
def _compiled(kind: str, names: tuple[str, ...]) -> Callable[..., list[Any]]:
    pytensor = load_pytensor()
    tensor = pytensor.tensor
    pieces, answers = tensor.lmatrix("pieces"), tensor.lvector("answers")
    # Only a row is added to every piece.
    shared = {
        name: (tensor.drow if name.endswith("bias") else tensor.dmatrix)(name.replace(".", "_")) for name in names
    }
    keys = [name for name in names if "." in name and not name.startswith(("characters", "output.w", "output.b"))]
    cell = CELLS[kind]

    def step(x: Any, *rest: Any) -> list[Any]:
        before = dict(zip(cell.carried, rest[: len(cell.carried)], strict=True))
        weights = dict(zip(keys, rest[len(cell.carried) :], strict=True))
        now = _STEPS[kind](tensor, weights, x, before)
        return [now[name] for name in cell.carried]

    zeros = tensor.zeros((pieces.shape[0], shared["output.weights"].shape[0]))
    states = pytensor.scan(
        step,
        sequences=[shared["characters.factors"][pieces.T]],
        outputs_info=[zeros] * len(cell.carried),
        non_sequences=[shared[key] for key in keys],
        return_updates=False,
    )
    last = (states[0] if isinstance(states, list | tuple) else states)[-1]
    logits = last @ shared["output.weights"] + shared["output.bias"]
    logarithms = tensor.special.log_softmax(logits, axis=-1)
    loss = -logarithms[tensor.arange(answers.shape[0]), answers].mean()
    inputs = [pieces, answers, *shared.values()]
    outputs = [loss, tensor.exp(logarithms), *pytensor.grad(loss, list(shared.values()))]
    # Called once: translated to machine code it would compile for minutes.
    mode = pytensor.compile.mode.Mode(linker="py", optimizer="fast_compile")
    function: Callable[..., list[Any]] = pytensor.function(inputs, outputs, mode=mode)
    return function


def _sum(weights: Any, gate: str, x: Any, h: Any) -> Any:
    return x @ weights[f"{gate}.kernel"] + h @ weights[f"{gate}.recurrent"] + weights[f"{gate}.bias"]


def _simple(tensor: Any, weights: Any, x: Any, before: Any) -> dict[str, Any]:
    return {"h": tensor.tanh(_sum(weights, "hidden", x, before["h"]))}


def _lstm(tensor: Any, weights: Any, x: Any, before: Any) -> dict[str, Any]:
    i, f, o = (
        tensor.sigmoid(_sum(weights, gate, x, before["h"])) for gate in ("input_gate", "forget_gate", "output_gate")
    )
    c = f * before["c"] + i * tensor.tanh(_sum(weights, "candidate", x, before["h"]))
    return {"h": o * tensor.tanh(c), "c": c}


def _gru(tensor: Any, weights: Any, x: Any, before: Any) -> dict[str, Any]:
    h = before["h"]
    z, r = (
        tensor.sigmoid(_sum(weights, gate, x, h) + weights[f"{gate}.recurrent_bias"])
        for gate in ("update_gate", "reset_gate")
    )
    inner = h @ weights["candidate.recurrent"] + weights["candidate.recurrent_bias"]
    candidate = tensor.tanh(x @ weights["candidate.kernel"] + weights["candidate.bias"] + r * inner)
    return {"h": z * h + (1 - z) * candidate}


_STEPS = {"simple": _simple, "lstm": _lstm, "gru": _gru}

"""Keras with this project's default engine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from numpy.typing import NDArray

from embedsheet.compiler.precision import double_precision


def load_keras() -> Any:
    """Return the keras module; JAX is its engine unless `KERAS_BACKEND` names another (torch, tensorflow)."""
    os.environ.setdefault("KERAS_BACKEND", "jax")
    import keras

    return keras


def precision(dtype: str) -> AbstractContextManager[None]:
    """Return the context in which the engine computes in this precision: JAX must be allowed to use float64."""
    if dtype == "float64" and load_keras().backend.backend() == "jax":
        return double_precision()
    return nullcontext()


@contextmanager
def default_precision(dtype: str) -> Iterator[None]:
    """Compute in this precision inside, also what says none of its own, as an optimizer's learning rate."""
    config = load_keras().config
    before = config.floatx(), config.dtype_policy()
    config.set_floatx(dtype)
    # Keras makes the policy for all layers from floatx when the first of them asks for it, and keeps it from then on.
    config.set_dtype_policy(dtype)
    try:
        with precision(dtype):
            yield
    finally:
        config.set_floatx(before[0])
        config.set_dtype_policy(before[1])


def get_weights(model: Any) -> list[NDArray[Any]]:
    """Return the weights of a model or layer, which `set_weights` takes back.

    As Keras' own `get_weights`, which NumPy 2 warns about.
    """
    convert = load_keras().ops.convert_to_numpy
    return [convert(weight.value) for weight in model.weights]

"""Where Keras computes: on the engine's own choice, on a device asked for, or on several at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from embedsheet.ground.errors import SettingsError
from embedsheet.mirrors.full_size.engine import load_keras

_DEVICE = re.compile(r"(cpu|gpu)(?::(\d+|all))?\Z")


def devices(kind: str) -> list[str]:
    """Return the names of the devices of a kind ("cpu" or "gpu") that the engine sees: ["gpu:0", "gpu:1"]."""
    backend = load_keras().config.backend()
    if backend == "jax":
        import jax

        try:
            count = len(jax.devices(kind))
        except RuntimeError:  # JAX's way of saying that there is none
            count = 0
    elif backend == "torch":
        import torch

        count = 1 if kind == "cpu" else torch.cuda.device_count()
    else:
        import tensorflow

        count = len(tensorflow.config.list_physical_devices(kind.upper()))
    return [f"{kind}:{number}" for number in range(count)]


@contextmanager
def device(wanted: str | None = None) -> Iterator[str]:
    """Compute on a device inside the `with` block; give its name, e.g. "gpu:0 (jax)".

    wanted: "cpu", "gpu", "gpu:1"; "gpu:all" or "cpu:all" splits every batch among all of the kind by Keras' own
    `DataParallel`; None takes a GPU if there is one. Raises TrainingError when there is no such device.
    """
    keras = load_keras()
    engine = keras.config.backend()
    if wanted is None:
        wanted = "gpu" if devices("gpu") else "cpu"
    match = _DEVICE.match(wanted)
    if match is None:
        raise SettingsError(f"{wanted!r} is no device; write cpu, gpu, gpu:1 or gpu:all.")
    kind, which = match[1], match[2] or "0"
    seen = devices(kind)
    if which == "all" and seen:
        with _all(seen):
            yield f"{len(seen)} × {kind} ({engine})"
        return
    name = f"{kind}:{which}"
    if name not in seen:
        there = ", ".join(devices("gpu") + devices("cpu"))
        raise SettingsError(f"The engine {engine} sees no {name}, only {there}; docs/keras.md says what a GPU needs.")
    # PyTorch knows one CPU; called cpu:0 it counts as another device than cpu, and weights copied there do not learn.
    with keras.device(kind if (kind, engine) == ("cpu", "torch") else name):
        yield f"{name} ({engine})"


@contextmanager
def _all(names: list[str]) -> Iterator[None]:
    keras = load_keras()
    if keras.config.backend() != "jax":
        raise SettingsError("Several devices at once need the engine jax; set KERAS_BACKEND=jax.")
    before = keras.distribution.distribution()
    keras.distribution.set_distribution(keras.distribution.DataParallel(devices=names))
    try:
        yield
    finally:
        keras.distribution.set_distribution(before)


def device_count() -> int:
    """Return among how many devices a batch is split. Keras wants every batch to be a multiple of it."""
    distribution = load_keras().distribution.distribution()
    return 1 if distribution is None else int(distribution.device_mesh.devices.size)

"""Keras with this project's default engine."""

from __future__ import annotations

import os
from typing import Any


def load_keras() -> Any:
    """Return the keras module; JAX is its engine unless `KERAS_BACKEND` names another (torch, tensorflow)."""
    os.environ.setdefault("KERAS_BACKEND", "jax")
    import keras

    return keras

"""Double precision in JAX, for us alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def double_precision() -> Iterator[None]:
    """Let JAX compute in float64 inside, without changing what others (Keras) see outside."""
    import jax

    with jax.enable_x64(True):
        yield

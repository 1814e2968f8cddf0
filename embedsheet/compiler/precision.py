"""Double precision in JAX, for us alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def double_precision() -> Iterator[None]:
    """Let JAX compute in float64 inside, without changing what others (Keras) see outside."""
    import jax

    if hasattr(jax, "enable_x64"):
        with jax.enable_x64(True):
            yield
    else:  # JAX before 0.8
        from jax.experimental import enable_x64  # type: ignore[attr-defined]

        with enable_x64():
            yield

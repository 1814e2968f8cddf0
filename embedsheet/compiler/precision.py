"""Double precision in JAX, for us alone."""

from __future__ import annotations

from contextlib import AbstractContextManager


def double_precision() -> AbstractContextManager[None]:
    """Let JAX compute in float64 inside, without changing what others (Keras) see outside."""
    import jax

    if hasattr(jax, "enable_x64"):
        return jax.enable_x64(True)  # type: ignore[no-any-return]
    from jax.experimental import enable_x64  # type: ignore[attr-defined]  # JAX before 0.8

    return enable_x64()  # type: ignore[no-any-return]

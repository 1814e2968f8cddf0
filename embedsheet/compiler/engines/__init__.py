"""Engines differentiate what a program traces; `protocol` says what one can do."""

from __future__ import annotations

import os

from embedsheet.compiler.engines.protocol import Engine


def make_engine() -> Engine:
    """Return the engine of a new program."""
    if os.environ.get("TAPE"):
        from embedsheet.compiler.engines.tape import TapeEngine

        return TapeEngine()
    from embedsheet.compiler.engines.jax import JaxEngine

    return JaxEngine()

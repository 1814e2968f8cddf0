"""Engines differentiate what a program traces; `protocol` says what one can do."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Literal, TypeAlias

from embedsheet.compiler.engines.protocol import Engine
from embedsheet.ground.errors import MissingDependencyError
from embedsheet.ground.shell import pip_install

EngineName: TypeAlias = Literal["auto", "jax", "tape"]


def make_engine(name: EngineName = "auto") -> Engine:
    """Return an engine for a new program. Raises MissingDependencyError where JAX is asked for and not installed."""
    there = find_spec("jax") is not None
    if name == "jax":
        if not there:
            raise MissingDependencyError(f"The engine jax needs JAX: {pip_install('jax')}, or choose the engine tape.")
        from embedsheet.compiler.engines.jax import JaxEngine

        return JaxEngine()
    if name == "tape" or not there:
        from embedsheet.compiler.engines.tape import TapeEngine

        return TapeEngine()
    from embedsheet.compiler.engines.choice import Choosing

    return Choosing()

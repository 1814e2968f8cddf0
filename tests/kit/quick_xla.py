"""What keeps XLA from working hard at code that runs once or a few times; `python tests/kit/quick_xla.py` prints it.

Without optimisation, in one piece, and by XLA's older way to machine code, which takes half the time of its own for
fused loops. What XLA is given, embedsheet's part, is the same.
"""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache

_PLAIN = "--xla_backend_optimization_level=0"
_QUICKER = f"{_PLAIN} --xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1"


@cache
def flags() -> str:
    """Return the value of XLA_FLAGS: the one that is set, or all that this XLA knows, which ends at an unknown flag."""
    if already := os.environ.get("XLA_FLAGS"):
        return already
    tried = subprocess.run(
        [sys.executable, "-c", "import jax; jax.devices()"],
        env={**os.environ, "XLA_FLAGS": _QUICKER, "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        check=False,
    )
    return _PLAIN if tried.returncode else _QUICKER


if __name__ == "__main__":
    print(flags())

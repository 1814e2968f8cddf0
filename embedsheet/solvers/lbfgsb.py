"""SciPy's L-BFGS-B without the rest of scipy.optimize, whose import takes longer than a lecture's model needs in all.

SciPy's compiled routine is called as SciPy's own `_lbfgsb_py.py` does it, in the versions whose routine is called so;
another version is asked through `scipy.optimize.minimize`. A test compares the two.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from embedsheet.solvers.problem import FloatArray

Function = Callable[[FloatArray], tuple[float, FloatArray]]  # value and gradient

# The line search's most steps. 20 pairs instead of 10: a fifth fewer evaluations on the factor models, still nothing
# beside an evaluation.
_MOST_STEPS, _PAIRS = 40, 20
_CALLED_SO = ("1.15.", "1.16.", "1.17.")
# The routine's states, and what its last one says.
_NEW_POINT, _EVALUATE = 1, 3
_ENDS = {4: "convergence", 5: "stop", 6: "warning", 7: "error", 8: "abnormal end of the line search"}


class Minimum(NamedTuple):
    """Where the search ended, (n,), and what it says of its end."""

    x: FloatArray
    message: str


def minimize(
    function: Function,
    start: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    *,
    callback: Callable[[FloatArray], object] = lambda x: None,
    reduction: float = 0.0,
    slope: float = 0.0,
    iterations: int = 10**9,
    evaluations: int = 10**9,
) -> Minimum:
    """Minimise within bounds, (n,) each, ±∞ where there is none; `callback` hears each iteration's point and may raise.

    Ends where an iteration gains less than this `reduction` of the value or no part of the projected gradient exceeds
    `slope`, after so many iterations and evaluations, or where the line search finds nothing better.
    """
    start = np.clip(start, lower, upper)
    routine = _routine()
    if routine is None:
        return _by_scipy(function, start, lower, upper, callback, reduction, slope, iterations, evaluations)
    n, m = len(start), _PAIRS
    x, gradient = np.array(start, np.float64), np.zeros(n)
    value: Any = np.array(0.0)
    low, high = np.isfinite(lower), np.isfinite(upper)
    kind = np.where(low, np.where(high, 2, 1), np.where(high, 3, 0)).astype(np.int32)
    bounds = np.where(low, lower, 0.0), np.where(high, upper, 0.0)
    work, places = np.zeros(2 * m * n + 5 * n + 11 * m * m + 8 * m), np.zeros(3 * n, np.int32)
    task, search = np.zeros(2, np.int32), np.zeros(2, np.int32)
    saved = np.zeros(4, np.int32), np.zeros(44, np.int32), np.zeros(29)
    done = asked = 0
    # SciPy's BLAS may have been loaded just now: its threads cost these little matrices ten times what they save.
    with threadpool_limits(1, user_api="blas"):
        while True:
            routine(
                m, x, *bounds, kind, value, gradient, reduction / np.finfo(float).eps, slope, work, places, task,
                *saved, _MOST_STEPS, search,
            )  # fmt: skip
            if task[0] == _EVALUATE:
                asked += 1
                value, gradient = function(x.copy())
                gradient = np.array(gradient, np.float64)
            elif task[0] == _NEW_POINT:
                done += 1
                callback(x.copy())
                if done >= iterations or asked > evaluations:
                    return Minimum(x, "limit reached")
            else:
                return Minimum(x, _ENDS.get(int(task[0]), f"state {task[0]}"))


@cache
def _routine() -> Callable[..., None] | None:
    """Return SciPy's compiled routine, None of a version that may be called otherwise."""
    import scipy

    if not scipy.__version__.startswith(_CALLED_SO):
        return None
    compiled: Any = sys.modules.get("scipy.optimize._lbfgsb")
    if compiled is None:
        spec = PathFinder.find_spec("_lbfgsb", [str(Path(scipy.__file__).with_name("optimize"))])
        if spec is None or spec.loader is None:
            return None
        compiled = module_from_spec(spec)
        spec.loader.exec_module(compiled)
    routine: Callable[..., None] = compiled.setulb
    return routine


def _by_scipy(
    function: Function,
    start: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    callback: Callable[[FloatArray], object],
    reduction: float,
    slope: float,
    iterations: int,
    evaluations: int,
) -> Minimum:
    from scipy import optimize

    def hear(x: FloatArray) -> None:
        callback(x)

    result = optimize.minimize(
        function, start, jac=True, method="L-BFGS-B", bounds=optimize.Bounds(lower, upper), callback=hear,
        options={"maxcor": _PAIRS, "ftol": reduction, "gtol": slope, "maxiter": iterations, "maxfun": evaluations,
                 "maxls": _MOST_STEPS},
    )  # fmt: skip
    return Minimum(np.asarray(result.x), str(result.message).strip().rstrip(".:").lower())

"""L-BFGS-B without the rest of scipy.optimize: the same search, step for step, as SciPy's own door to it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from embedsheet.solvers import lbfgsb

Array = NDArray[np.float64]
INF = np.inf


def _valley(x: Array) -> tuple[float, Array]:
    """Rosenbrock's valley along each pair of neighbours, and its gradient."""
    bend, rest = x[1:] - x[:-1] ** 2, 1.0 - x[:-1]
    gradient = np.zeros_like(x)
    gradient[:-1] = -400.0 * x[:-1] * bend - 2.0 * rest
    gradient[1:] += 200.0 * bend
    return float(100.0 * bend @ bend + rest @ rest), gradient


@pytest.mark.parametrize(
    ("lower", "upper"),
    [([-INF] * 5, [INF] * 5), ([-INF, 0.0, -1.0, -INF, 0.5], [0.8, INF, 1.0, INF, 0.5])],
    ids=["no bounds", "bounds of each kind, and a cell between two equal ones"],
)
@pytest.mark.parametrize("ends", [{"slope": 1e-9}, {"reduction": 1e-9}, {"iterations": 7}, {"evaluations": 9}])
def test_the_points_are_those_of_scipy(
    lower: list[float], upper: list[float], ends: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Judge: scipy.optimize.minimize(method="L-BFGS-B") with the same bounds and limits.
    start, seen = np.array([-1.2, 1.0, -1.2, 1.0, 2.0]), {}
    for name in ("ours", "scipy's"):
        if name == "scipy's":
            monkeypatch.setattr(lbfgsb, "_routine", lambda: None)
        else:
            assert lbfgsb._routine() is not None, "a SciPy whose routine may be called otherwise: see _CALLED_SO"
        points: list[Array] = []
        end = lbfgsb.minimize(
            _valley, start, np.array(lower), np.array(upper), callback=lambda x, to=points: to.append(x.copy()), **ends
        )  # type: ignore[arg-type]
        seen[name] = np.array([*points, end.x])
    # On some processors NumPy's products of the same numbers differ in their last digit from call to call.
    assert seen["ours"] == pytest.approx(seen["scipy's"], rel=1e-6, abs=1e-6)
    assert len(seen["ours"]) > 5

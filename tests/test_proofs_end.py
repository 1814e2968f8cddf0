"""How long a proof is tried: as long as it comes nearer, and no more than a few times what the search took."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from embedsheet.solver import solve
from embedsheet.solvers.mixed import Patience
from embedsheet.solvers.piecewise import Proof, prove_again
from embedsheet.solvers.problem import Limits, Problem, Progress
from embedsheet.solvers.tracker import Tracker
from kit.sheets import write


def test_patience_ends_where_the_gap_stays_as_it_is() -> None:
    nearer, still, late = Patience(), Patience(), Patience()
    assert not any(nearer.tell(float(second), 100.0 - 0.8**second, 100.0) for second in range(1, 60))
    assert [still.tell(float(second), 1.0, 100.0) for second in range(5)] == [False, False, False, True, True]
    # After ten seconds half of what was spent may pass without a gain.
    assert [late.tell(second, bound, 100.0) for second, bound in ((10.0, 50.0), (14.0, 50.0), (21.0, 50.0))] == [
        False, False, True,
    ]  # fmt: skip


def test_before_a_feasible_point_is_known_patience_is_as_short() -> None:
    assert [Patience().tell(second, -np.inf, np.inf) for second in (1.0, 2.5)] == [False, True]


class _Line:
    start, constraint_count = np.zeros(1), 0

    def value_and_gradient(self, x: Any) -> tuple[float, Any]:
        return float(x[0]), np.ones(1)


def test_a_proof_that_stalled_is_not_tried_again() -> None:
    asked = Problem.unbounded(_Line(), piecewise=lambda: 1 / 0)  # type: ignore[arg-type]
    tracker = Tracker(asked, np.zeros(1), Limits())
    stalled = Proof(-5.0, 3, stalled=True)
    assert prove_again(tracker, stalled, 100.0) is stalled
    assert prove_again(tracker, None, 100.0) is None
    closed = Proof(0.0, 3)
    assert prove_again(tracker, closed, 100.0) is closed


def test_progress_names_the_proof_and_ctrl_c_keeps_the_best(tmp_path: Path) -> None:
    """Twelve points, three centres and rounded squares: too many choices for a proof in seconds."""
    points = np.random.default_rng(8).uniform(0, 9, (12, 2)).round(2)
    cells: dict[str, Any] = {f"E{row}": row for row in (2, 3, 4)} | {f"F{row}": 9 - row for row in (2, 3, 4)}
    for row, (x, y) in enumerate(points, 2):
        cells |= {f"A{row}": x, f"B{row}": y}
        cells[f"C{row}"] = "=ROUND(MIN(" + ",".join(f"(A{row}-E{c})^2+(B{row}-F{c})^2" for c in (2, 3, 4)) + "),1)"
    cells["C20"] = "=SUM(C2:C13)"
    heard: list[str] = []

    def watch(now: Progress) -> None:
        heard.append(now.method)
        if "a proof by HiGHS" in now.method:
            raise KeyboardInterrupt

    found = solve(
        write(tmp_path / "book.xlsx", cells), objective="C20", changing=["E2:F4"], sense="minimize", dry_run=True,
        constraints=["0 <= E2:F4 <= 9"], watcher=watch, method="auto",
    )  # fmt: skip
    assert "proof" in heard[-1] and "Ctrl-C" in found.message
    assert found.objective_after <= found.objective_before

"""The lecture-size model, 150 changing cells: from file to file, and beside other solvers from the same start.

    python -m benchmarks.solve_crosstab [--quick]

All minimise the RMSE of the sheet Cross-tab of `new movielens`. From file to file is a fresh process, the fastest of
five. The rivals that run in this process take turns with ours, the fastest of each counts; those that need minutes run
once, and not with --quick.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator

from scipy import optimize
from threadpoolctl import threadpool_limits

import embedsheet as es
from benchmarks import solver_rivals as rivals
from benchmarks.books import CROSSTAB, folder, lesson
from benchmarks.measure import embedsheet, in_turns
from benchmarks.row import Row, tell

PART = "Solving 150 changing cells (cross-tab, 206 ratings)"
RUNS = 5


def rows() -> Iterator[Row]:
    """Yield the seconds from file to file, and one row a rival."""
    whole, told = min((_solved() for _ in range(RUNS)), key=lambda run: run[0])
    rmse = told["objective_after"]
    seconds = {phase: round(spent, 2) for phase, spent in told["seconds"].items()}
    parts = ", ".join(f"{phase} {spent:g} s" for phase, spent in seconds.items())
    yield Row(PART, "file to file, fresh process", whole, most=0.6, note=f"{parts}; RMSE {rmse:.4f}")
    yield Row(PART, "solving, of that", told["seconds"]["solve"], most=0.3, note=f"{told['evaluations']} evaluations")
    yield from _in_this_process()
    if "--quick" not in sys.argv:
        yield from _minutes(whole, rmse)


def _solved() -> tuple[float, dict[str, object]]:
    """Solve a fresh copy in a fresh process; return its seconds and what it says."""
    copy = shutil.copy(lesson(), folder() / "copy.xlsx")
    done = embedsheet("solve", copy, "--sheet", CROSSTAB, "--json")
    return done.seconds, json.loads(done.printed)


def _in_this_process() -> Iterator[Row]:
    program = es.gradient(lesson(), CROSSTAB).model.program
    model = rivals.Model.of(lesson())
    hand = rivals.by_hand(model)
    assert abs(hand(program.start)[0] - program.value(program.start)) < 1e-12
    found: dict[str, optimize.OptimizeResult] = {}

    def minimize(name: str, function: Callable[..., object], exact: bool | None) -> Callable[[], None]:
        def work() -> None:
            found[name] = optimize.minimize(function, program.start, jac=exact, method="L-BFGS-B",
                                            options=rivals.OPTIONS)  # fmt: skip

        return work

    names = ("ours", "hand", "finite")
    works = (
        minimize("ours", program.value_and_gradient, True),
        minimize("hand", hand, True),
        minimize("finite", program.value, None),
    )
    with threadpool_limits(1, user_api="blas"):
        for work in works[:2]:
            work()
        least = dict(zip(names, in_turns(*works, rounds=5).least(), strict=True))
    what = "L-BFGS-B alone, compiled"

    def row(rival: str, theirs: float, result: optimize.OptimizeResult) -> Row:
        note = f"RMSE {found['ours'].fun:.4f} / {result.fun:.4f}, evaluations {found['ours'].nfev:,} / {result.nfev:,}"
        return Row(PART, what, least["ours"], rival=rival, theirs=theirs, note=note)

    yield row("NumPy by hand", least["hand"], found["hand"])
    yield row("our values, finite differences", least["finite"], found["finite"])
    try:
        other = rivals.formulon(rivals.alone(lesson(), folder() / "alone.xlsx"), model)
        note = f"RMSE {found['ours'].fun:.4f} / {other.rmse:.4f}; theirs {other.note}"
        yield Row(PART, what, least["ours"], rival="formulon, finite differences", theirs=other.seconds, note=note)
    except rivals.NotHereError as why:
        yield Row(PART, what, least["ours"], rival="formulon, finite differences", note=str(why))


def _minutes(whole: float, rmse: object) -> Iterator[Row]:
    """Yield the solvers of whole spreadsheet programs, beside ours from file to file."""
    model = rivals.Model.of(lesson())
    alone = rivals.alone(lesson(), folder() / "alone.xlsx")
    programs: dict[str, Callable[[], rivals.Found]] = {
        "Gnumeric's solver": lambda: rivals.gnumeric(alone, model, folder()),
        **{
            f"LibreOffice's {name} solver": lambda service=service: rivals.libreoffice(alone, model, service, folder())
            for name, service in rivals.LIBREOFFICE.items()
        },
    }
    for name, work in programs.items():
        try:
            found = work()
            note = f"RMSE {rmse:.4f} / {found.rmse:.4f}; theirs {found.note}, once"
            yield Row(PART, "file to file, fresh process", whole, rival=name, theirs=found.seconds, note=note)
        except rivals.NotHereError as why:
            yield Row(PART, "file to file, fresh process", whole, rival=name, note=str(why))


if __name__ == "__main__":
    tell(rows())

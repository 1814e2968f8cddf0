"""What `--method auto` will do with a problem, in one sentence from its structure, before anything is solved."""

from __future__ import annotations

from dataclasses import dataclass

from embedsheet.solvers import linear, permutations, quadratic
from embedsheet.solvers.global_search import MOST_CELLS
from embedsheet.solvers.methods import choose
from embedsheet.solvers.problem import Problem
from embedsheet.solvers.whole import countable

ENGINES = {1: "GRG Nonlinear", 2: "Simplex LP", 3: "Evolutionary"}
_PROVEN = ("linear", "quadratic", "all points")


@dataclass(frozen=True)
class Plan:
    """`method` as `Outcome.method` begins; `structure` of the model and what is done with it, in words."""

    method: str
    structure: str
    done: str

    def __str__(self) -> str:
        return f"{self.structure}: {self.done}"


def plan(problem: Problem) -> Plan:
    """Return the method that is chosen; proving a model linear or quadratic may take a second."""
    whole = 0 if problem.integer is None or len(problem.all_different) else int(problem.integer.sum())
    numbers = f" with {whole:,} whole number{'' if whole == 1 else 's'}" if whole else ""
    if len(problem.all_different):
        cells = sum(len(group) for group in problem.all_different)
        orders = permutations.count(problem)
        if orders <= permutations.MOST_ORDERS and cells == problem.size:
            return Plan("all points", f"{cells:,} cells that must be all different", f"all {orders:,} orders are tried")
        done = "orders are searched by exchange, reversal and insertion, without a proof"
        return Plan("orders", f"{cells:,} cells that must be all different", done)
    if linear.recognise(problem) is not None:
        return Plan("linear", f"a linear model{numbers}", "HiGHS solves it, which proves the optimum")
    if whole and (points := countable(problem)) is not None:
        every = "the only possible point is" if points == 1 else f"all {points:,} possible points are"
        return Plan("all points", f"a nonlinear model{numbers}", f"{every} tried")
    if (whole or len(problem.relations)) and quadratic.recognise(problem) is not None:
        done = "branch and bound over HiGHS" if whole else "HiGHS solves it"
        return Plan("branch and bound" if whole else "quadratic", f"a convex quadratic model{numbers}",
                    f"{done}, which proves the optimum")  # fmt: skip
    rough, jumps = problem.unseen(), problem.jumps()
    reach = problem.size <= MOST_CELLS
    uneven = bool(whole or rough or jumps)
    aims = problem.sense in ("minimize", "maximize")
    lowered = problem.piecewise() if aims and reach and (uneven or problem.kinked()) else None
    if lowered is not None and (uneven or not lowered.curved):
        curved = lowered.curved
        done = "HiGHS on its mixed-integer linear form, which proves the optimum; else a global search"
        if curved:
            done = "HiGHS on tangents and chords of its curves, which proves the optimum where they close in; else "
            done += "a global search" if rough or not whole else "branch and bound over exact-gradient searches"
        kind, form = _kind(problem) if rough else "nonlinear", "curves of sums" if curved else "piecewise linear"
        kind = f"a {kind} model{numbers}, {form}" if rough or curved else f"a {form} model{numbers}"
        return Plan("mixed-integer linear", kind, done)
    if whole:
        first = "" if rough or problem.sense == "target" else "branch and bound over exact-gradient searches"
        done = " and ".join(filter(None, [first, "a global search" if reach else ""]))
        method = "branch and bound" if first else "global"
        return Plan(method, f"a {_kind(problem)} model{numbers}", f"{done}, without a proof")
    method = choose(problem)
    done = f"{method} along exact gradients"
    if reach and (rough or problem.evolutionary):
        done += ", then a global search"
    elif reach and jumps:
        done += ", then a global search if it jumps"
    held = "constraints" if len(problem.relations) else "bounds only" if problem.has_bounds else "no constraints"
    return Plan(method, f"a {_kind(problem)} model, {held}", done)


def _kind(problem: Problem) -> str:
    if steps := problem.unseen():
        return f"stepping ({steps[0].split(' is constant')[0]})"
    return "piecewise" if problem.jumps() else "smooth nonlinear"


def replaced(engine: int, method: str, proven: bool) -> str:
    """Say in one line that another method than the stored engine has solved the model; "" where it has not."""
    name = ENGINES.get(engine)
    if name is None or (engine == 2 and method == "linear") or (engine == 1 and not proven) or not method:
        return ""
    if engine == 3 and "global" in method:
        return ""
    if engine == 2 and not proven:
        return f"the set-up stores {name}, but the model is not linear: {method} took its place"
    proven = proven or method == "all points"
    better = "exchanges and reverses whole stretches" if method == "orders" else "follows exact gradients"
    better = "proves the optimum" if proven else better
    return f"the set-up stores {name}; {method} took its place, which {better}"

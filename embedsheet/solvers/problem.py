"""What a solver is asked: an objective, bounds and constraints.

With x (n,) the changing cells and f the objective cell, the problem is

    minimise, or maximise, f(x), or bring it to a target, or only satisfy the constraints (then f = 0),
    subject to  lower ≤ x ≤ upper,  left(x) − right(x) {≤, =, ≥} 0  (m rows),  some x whole numbers.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from embedsheet.ground.notation.addresses import Cell
from embedsheet.solvers.reasons import Reason, Why

FloatArray: TypeAlias = NDArray[np.float64]
Sense: TypeAlias = Literal["minimize", "maximize", "target", "satisfy"]
Status: TypeAlias = Literal["optimal", "improved", "infeasible", "unbounded", "failed"]

# How far left and right of a constraint may be apart: Excel's Solver has the same default (Precision 0.000001).
FEASIBILITY = 1e-6


class Objective(Protocol):
    """A function of the changing cells, with its constraints. All arrays are float64.

    `embedsheet.compiler.program.Program` is one; tests write others by hand. One that can prove that it and its
    constraints are of the form a x + b has an attribute `is_linear`, True; only then is it solved as a linear model.
    """

    @property
    def start(self) -> FloatArray:
        """(n,) where the search begins."""

    @property
    def constraint_count(self) -> int:
        """m, the number of constraint rows."""

    def value(self, x: FloatArray) -> float:
        """Return f(x)."""

    def value_and_gradient(self, x: FloatArray) -> tuple[float, FloatArray]:
        """Return f(x) and ∇f(x), (n,)."""

    def hessian_product(self, x: FloatArray, v: FloatArray) -> FloatArray:
        """Return ∇²f(x) v, (n,)."""

    def constraints(self, x: FloatArray) -> FloatArray:
        """Return left − right of every constraint row, (m,)."""

    def constraint_jacobian(self, x: FloatArray) -> Any:
        """Return the derivatives of `constraints`, (m, n), as an array or a sparse matrix."""

    def constraint_hessian_product(self, x: FloatArray, weights: FloatArray, v: FloatArray) -> FloatArray:
        """Return Σᵢ weightsᵢ ∇²cᵢ(x) v, (n,); `weights` (m,)."""


_NEAR_WHOLE, _NEAREST = 1e-9, 1e-6  # part of itself by which a bound may miss a whole number, and the most


@dataclass(frozen=True)
class Problem:
    """An objective and what it is subject to.

    `lower`, `upper` (n,): bounds, ±inf where there is none. `relations` (m,): "<=", "=" or ">=" between each row's left
    side and right side. `integer` (n,): cells that must be whole numbers. `all_different`: groups of cells (their
    places) that must hold a permutation of 1…k. `unseen()` names cells whose steps the gradient does not see, `jumps()`
    those that compare changing numbers and so may jump; `kinked()` says whether there are MAX, MIN or ABS of changing
    numbers; `never_negative()` whether the objective is proven to be nowhere below 0; `unrounded()` is the objective
    without what rounds, if anything does. `piecewise()` gives it as a mixed-integer linear model
    (`compiler.piecewise`), if it can be written so. `evolutionary`: a global search is asked for beside others.
    `impossible` says which constraints fail whatever the cells are.
    `blocks`: the changing areas as slices of x. `undefined(x)` names cells whose value is an error or infinite there.
    """

    objective: Objective
    lower: FloatArray
    upper: FloatArray
    sense: Sense = "minimize"
    target: float = 0.0
    relations: Sequence[str] = ()
    integer: NDArray[np.bool_] | None = None
    all_different: Sequence[NDArray[np.int64]] = ()
    impossible: Sequence[str] = ()
    cell_name: Callable[[int], str] = "x[{}]".format
    row_name: Callable[[int], str] = "constraint {}".format
    objective_name: str = "the objective"
    blocks: Sequence[slice] = field(default=())
    undefined: Callable[[FloatArray], Sequence[tuple[Cell, str]]] | None = None
    unseen: Callable[[], Sequence[str]] = tuple
    jumps: Callable[[], Sequence[str]] = tuple
    kinked: Callable[[], bool] = lambda: False
    never_negative: Callable[[], bool] = lambda: False
    unrounded: Callable[[], Objective | None] = lambda: None
    piecewise: Callable[[], Any] = lambda: None
    evolutionary: bool = False

    @classmethod
    def unbounded(cls, objective: Objective, **more: Any) -> Problem:
        """Return the problem without bounds."""
        n = len(objective.start)
        return cls(objective, np.full(n, -np.inf), np.full(n, np.inf), **more)

    @property
    def between_whole_numbers(self) -> Problem:
        """The problem with whole numbers as bounds of cells that must be whole; HiGHS takes others as they are."""
        if self.integer is None:
            return self
        sizes = np.maximum(1.0, np.abs(np.nan_to_num(np.array([self.lower, self.upper]))))
        near = np.minimum(_NEAR_WHOLE * sizes, _NEAREST)
        lower = np.where(self.integer, np.ceil(self.lower - near[0]) + 0.0, self.lower)  # no −0
        upper = np.where(self.integer, np.floor(self.upper + near[1]) + 0.0, self.upper)
        return replace(self, lower=lower, upper=upper)

    @property
    def size(self) -> int:
        """n, the number of changing cells."""
        return len(self.lower)

    @property
    def sign(self) -> float:
        """−1 when the objective is maximised, else 1: every method minimises sign · f."""
        return -1.0 if self.sense == "maximize" else 1.0

    @property
    def without_end(self) -> Reason:
        """What to say where the objective is unbounded."""
        why = Why.GROWS if self.sense == "maximize" else Why.FALLS
        return why(objective=self.objective_name)

    @property
    def has_bounds(self) -> bool:
        """Whether any cell has a bound."""
        return bool(np.isfinite(self.lower).any() or np.isfinite(self.upper).any())

    @property
    def is_boxed(self) -> bool:
        """Whether every cell has a bound on either side."""
        return bool(np.isfinite(self.lower).all() and np.isfinite(self.upper).all())

    @property
    def has_integers(self) -> bool:
        """Whether any cell must be a whole number."""
        return self.integer is not None and bool(self.integer.any())

    @property
    def all_whole(self) -> bool:
        """Whether every cell must be a whole number."""
        return self.integer is not None and bool(self.integer.all())

    def is_whole(self, x: FloatArray) -> bool:
        """Whether the cells that must be whole numbers are, and those that must be different."""
        if any(sorted(x[group]) != list(range(1, len(group) + 1)) for group in self.all_different):
            return False
        return self.integer is None or bool((np.round(x) == x)[self.integer].all())

    def admits(self, x: FloatArray) -> bool:
        """Whether x is whole where it must be and within the bounds."""
        return bool(((x >= self.lower) & (x <= self.upper)).all()) and self.is_whole(x)


@dataclass(frozen=True)
class Progress:
    """One iteration: `objective` is the cell's value, `gradient_norm` the Euclidean length of the projected gradient.

    With constraints the gradient is the Lagrangian's. `seconds` count from the start of the search; `restart` counts
    from 0; `method` is the one at work. `x` (n,) is where the search stands, its cells named by `cell_name`; None
    where it only says that it goes on.
    """

    iteration: int
    objective: float
    gradient_norm: float
    seconds: float
    restart: int = 0
    method: str = ""
    x: FloatArray | None = None
    cell_name: Callable[[int], str] = "x[{}]".format


Watcher: TypeAlias = Callable[[Progress], None]


class Finished(Exception):  # noqa: N818  not an error
    """Raised inside a method's callback to end it; `reason` says why, `converged` whether it got there."""

    def __init__(self, reason: Reason, converged: bool = False) -> None:
        super().__init__(str(reason))
        self.reason = reason
        self.converged = converged


class Unbounded(Exception):  # noqa: N818  an outcome, not an error
    """Raised when the objective falls beyond any bound."""


@dataclass(frozen=True)
class Limits:
    """When to stop. `tolerance` is relative, see `verdict.stationarity`; without `max_iterations` the method's own.

    `seconds` are those of the whole search. `gap`: what whole numbers may cost, as a part of the objective.
    `precision`: how far left and right of a constraint may be apart. `population`: points that a global search keeps;
    `nodes`, `solutions`: the most of branch and bound. `convergence`: by what part of itself the objective must change
    in five iterations for the search to go on; `idle`: seconds without a better point that end a global search.
    """

    max_iterations: int | None = None
    tolerance: float = 1e-6
    learning_rate: float | None = None
    seed: int = 0
    gap: float = 0.0
    precision: float = FEASIBILITY
    population: int | None = None
    nodes: int | None = None
    solutions: int | None = None
    convergence: float | None = None
    idle: float | None = None
    seconds: float | None = None
    deadline: float | None = None  # when `seconds` are over, by time.perf_counter()

    @property
    def out_of_time(self) -> bool:
        """Whether the time that was given is over."""
        return self.deadline is not None and time.perf_counter() > self.deadline

    @property
    def time_is_up(self) -> Reason:
        """What to say where the time ended a search."""
        return Why.TIME(seconds=self.seconds)

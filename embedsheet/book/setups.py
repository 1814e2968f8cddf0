"""What Excel's Solver calls a model: objective, changing cells, constraints, as its hidden names hold them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from embedsheet.ground.notation.addresses import Area, Cell, disjoint

Sense = Literal["minimize", "maximize", "target"]
# Codes as Excel stores them in solver_typ and solver_relN.
SENSES: dict[int, Sense] = {1: "maximize", 2: "minimize", 3: "target"}
EVOLUTIONARY = 3  # solver_eng
RELATIONS = {1: "<=", 2: "=", 3: ">=", 4: "integer", 5: "binary", 6: "all different"}


@dataclass(frozen=True, slots=True)
class Constraint:
    """`left` relation `right`, cell by cell; `right` is a number, an area of the same size, a single cell or a formula.

    A formula is its text without "=". For "integer", "binary" and "all different" `right` is None.
    """

    left: Area
    relation: str
    right: Area | float | str | None

    def __str__(self) -> str:
        right = f"{self.right:.15g}" if isinstance(self.right, float) else self.right
        return f"{self.left} {self.relation}" + ("" if right is None else f" {right}")


@dataclass(frozen=True, slots=True)
class SolverOptions:
    """What a set-up stores under Options, None where it is what the dialog shows when nobody touches it.

    `seconds`, `iterations`: the most of the whole search. `precision`: how far constraints may be missed. `gap`: what
    whole numbers may cost, as a part of the objective. `population` and `seed` are those of a global search and of
    `multistart`, which begins at so many points. `nodes`, `solutions`: the most of branch and bound.
    `convergence`: by what part of itself the objective must change in five iterations for a search to go on. `idle`:
    seconds without a better point that end a global search.
    """

    seconds: float | None = None
    iterations: int | None = None
    precision: float | None = None
    gap: float | None = None
    population: int | None = None
    seed: int | None = None
    nodes: int | None = None
    solutions: int | None = None
    multistart: bool = False
    convergence: float | None = None
    idle: float | None = None


@dataclass(frozen=True, slots=True)
class SolverSetup:
    """A Solver model as a sheet stores it. `nonnegative` binds changing cells without a lower bound of their own.

    `relaxed`: whole numbers need not be whole; Solver calls it "Ignore Integer Constraints". A cell that `changing`
    names twice counts once. `notes` say what a reader of the file had to decide.
    """

    sheet: str
    objective: Cell | None
    changing: tuple[Area, ...]
    sense: Sense = "minimize"
    target: float = 0.0
    constraints: tuple[Constraint, ...] = field(default=())
    nonnegative: bool = False
    relaxed: bool = False
    engine: int = 1  # solver_eng: 1 GRG nonlinear, 2 simplex LP, 3 evolutionary
    options: SolverOptions = SolverOptions()
    notes: tuple[str, ...] = field(default=(), compare=False)
    named: bool = field(default=False, compare=False)  # the objective, by whoever asks, rather than by the file

    def __post_init__(self) -> None:
        """Cut out what changing areas share."""
        object.__setattr__(self, "changing", disjoint(self.changing))

    @property
    def is_leftover(self) -> bool:
        """Whether there is nothing to solve: no cell may change, or neither an objective nor a constraint is named."""
        return not self.changing or (self.objective is None and not self.constraints)

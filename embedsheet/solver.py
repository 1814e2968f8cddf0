"""The solver from Python: what `import embedsheet` offers of it, and its parts for those who build on them."""

from __future__ import annotations

from embedsheet.solvers.check import GradientCheck, check_gradient
from embedsheet.solvers.load import Model, gradient_blocks, load_model, name_of, verify
from embedsheet.solvers.methods import METHODS
from embedsheet.solvers.model import Specification, choose_setup, describe, parse_constraint
from embedsheet.solvers.problem import Limits, Objective, Problem, Progress
from embedsheet.solvers.search import search
from embedsheet.solvers.solution import Solution
from embedsheet.solvers.solve import limits_of, problem_of, record, solve, starts_of

__all__ = [
    "METHODS", "GradientCheck", "Limits", "Model", "Objective", "Problem", "Progress", "Solution", "Specification",
    "check_gradient", "choose_setup", "describe", "gradient_blocks", "limits_of", "load_model", "name_of",
    "parse_constraint", "problem_of", "record", "search", "solve", "starts_of", "verify",
]  # fmt: skip

"""What `mutate.py` changes, the tests that are to notice it, and what no test can notice."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[1]

ROOMS = ("formulas", "compiler", "solvers")
# Of homework, what points depend on.
GRADING = ("circles", "evaluate", "grade", "key", "locate", "reference", "sketch", "whose")

# The first pattern that fits a module, and its tests, those first that kill most and take least.
TESTS = (
    ("formulas/functions/arithmetic|rounding|elementwise",
     "functions_distributions functions_math operators gradients_of_functions"),
    ("formulas/functions/text|elements|splitting", "functions_edges functions_text libreoffice_formulas"),
    ("formulas/functions/bonds|securities", "functions_bonds functions_finance functions_math"),
    ("formulas/functions/complex_numbers", "functions_complex"),
    ("formulas/functions/descriptions", "functions_descriptions"),
    ("formulas/functions/units", "functions_units"),
    ("formulas/functions/dates|workdays", "functions_days functions_dates"),
    ("formulas/functions/lookup|search|places|gathering|selection|sorting",
     "functions_edges functions_lookup functions_arrays traced_is_concrete filled_formulas stored_by_excel"),
    ("formulas/functions/logic|choice|information",
     "functions_edges functions_logic operators traced_is_concrete evaluated_together"),
    ("formulas/functions/aggregate|conditional|conditions|criteria|stretches|samples|statistics",
     "functions_edges functions_distributions functions_aggregate subtotals fast_paths functions_math"),
    ("formulas/functions/arrays|lambdas", "functions_edges functions_arrays functions_logic evaluated_together"),
    ("formulas/functions/databases", "functions_database"),
    ("formulas/functions/instalments|rates|financial",
     "functions_finance functions_math evaluated_together gradients_of_functions near_singular"),
    ("formulas/functions/systems", "functions_text functions_edges"),
    ("formulas/functions/hypotheses|regression|matrix",
     "functions_distributions functions_math functions_aggregate functions_arrays each_of_several_values "
     "gradients_of_functions near_singular"),
    ("formulas/functions/table", "functions_math lost_references each_of_several_values plugins function_docs"),
    ("formulas/functions/*", "functions_distributions functions_math functions_aggregate gradients_of_functions"),
    ("formulas/wildcards", "wildcards functions_lookup"),
    ("formulas/guarded|traced", "traced_is_concrete gradients_of_functions engines"),
    ("formulas/budget", "faults_files"),
    ("formulas/growing", "compiler_parts fast_paths evaluated_together compiler_recurrences"),
    ("formulas/collation", "operators functions_lookup functions_aggregate"),
    ("formulas/number_formats|numerals",
     "number_formats number_formats_edges functions_text functions_edges operators stored_by_excel"),
    ("formulas/*", "operators functions_text functions_math traced_is_concrete"),
    ("compiler/curvature", "compiler_parts linearity solver_linear"),
    ("compiler/degrees|degree_rules", "linearity solver_linear"),
    ("compiler/signs", "stationary"),
    ("compiler/piecewise|lowering|lowered|lowered_functions|affine|variables|curves",
     "compiler_parts piecewise curves solver_linear mixed_batches solver_kinks"),
    ("compiler/degree", "linearity solver_linear solver_model"),
    ("compiler/windows", "compiler_parts fast_paths compiler_recurrences evaluated_together"),
    ("compiler/cone", "reports compiler engines"),
    ("compiler/precision", "compiler engines program_kept solver_model compiler_gather"),
    ("compiler/alike", "compiler_alike evaluated_together"),
    ("compiler/gather|rectangles", "compiler_gather compiler evaluated_together"),
    ("compiler/carried", "compiler_carried compiler_recurrences"),
    ("compiler/recurrence|scan|components|order|reads",
     "compiler_recurrences scanned_is_unrolled compiler compiler_carried evaluated_together iteration"),
    ("compiler/noise|verify|results|agreement|following|reach", "rounding written_results compiler traced_is_concrete"),
    ("compiler/indirect|names|areas|resolve", "indirect dynamic_names structured compiler"),
    ("compiler/sizes", "compiler_parts each_of_several_values evaluated_together"),
    ("compiler/trusted", "compiler_parts piecewise curves"),
    ("compiler/cells|shapes",
     "compiler_parts compiler compiler_recurrences evaluated_together engines traced_is_concrete functions_arrays"),
    ("compiler/constraints|beginning", "solver_setups solver_right_sides solver_model solver_feasible"),
    ("compiler/engines/*", "engines traced_is_concrete compiler_recurrences gradients_of_functions"),
    ("compiler/moving_criteria", "moving_criteria traced_is_concrete piecewise"),
    ("compiler/evaluate|reading|calling",
     "compiler functions_lookup compiler_recurrences evaluated_together engines program_kept operators"),
    ("compiler/store",
     "compiler_parts compiler compiler_recurrences evaluated_together engines program_kept subtotals"),
    ("compiler/copies", "compiler_copies evaluated_together compiler_recurrences"),
    ("compiler/several_places", "several_places evaluated_together"),
    ("compiler/*", "compiler compiler_recurrences evaluated_together engines program_kept"),
    ("solvers/linear_units|rays", "linear_units solver_linear proofs_of_large_numbers"),
    ("solvers/contradiction|branch", "branch solver_linear solver_model proofs_of_large_numbers"),
    ("solvers/linear|linear_model", "solver_linear solver_model proofs_of_large_numbers"),
    ("solvers/units|unmoved", "units solver unknown_sizes solver_linear"),
    ("solvers/between", "between targets solver unknown_sizes"),
    ("solvers/newton", "newton solver unknown_sizes solver_linear"),
    ("solvers/piecewise|mixed", "moves piecewise curves solver_linear mixed_batches proofs_end"),
    ("solvers/reports/*", "reports reports_rates"),
    ("solvers/descent", "optimisers solver"),
    ("solvers/start", "newton solver_options solver"),
    ("solvers/load|model|plan|problem",
     "solver_setups solver_model solver_options solver_feasible solver_stored_models solver"),
    ("solvers/reasons", "solver_reasons"),
    ("solvers/replay|solve_log", "blocks solver cli_solve"),
    ("solvers/quadratic", "quadratic whole_numbers solver_linear proofs_of_large_numbers"),
    ("solvers/whole|permutations|moves", "moves whole_numbers solver_linear proofs_of_large_numbers"),
    ("solvers/trials", "trials global_search plateaus"),
    ("solvers/sweep", "sweep solver global_search plateaus"),
    ("solvers/stationary", "beside stationary solver global_search plateaus solver_kinks"),
    ("solvers/global_search", "box_search global_search plateaus proofs_end"),
    ("solvers/search|rescue",
     "rescue rescued stationary solver global_search plateaus solver_kinks proofs_end"),
    ("solvers/solution", "solver_tracker cli_solve reports"),
    ("solvers/kinks", "newton solver_kinks solver"),
    ("solvers/tracker|verdict|outcome|check",
     "verdict outcome tracker_points solver_tracker solver solver_kinks solver_feasible reports unknown_sizes"),
    ("solvers/*", "solver solver_tracker solver_kinks solver_feasible solver_model"),
    ("homework/grade", "homework_fair homework homework_own_kinds homework_own_check homework_moved homework_slips"),
    ("homework/key|whose", "homework_pieces homework homework_senders homework_fair homework_cheats"),
    ("homework/sketch|circles|locate", "homework_pieces homework_parts homework homework_fair homework_moved"),
    ("homework/evaluate", "homework_parts compiler_copies homework_fair homework homework_own_kinds"),
    ("homework/*", "homework_parts homework homework_fair homework_moved homework_slips homework_derivatives"),
)  # fmt: skip

# Why no test can kill a change of an operator anywhere in a room: (room, operator, a part of the changed line, reason).
ALIKE = (
    ("solvers/", "BitAnd_Mul", " * ", "of truth values, and & is of nothing else there, * is &"),
    ("solvers/", "BitOr_Add", " + ", "of truth values + is |, and dictionaries have no +"),
    ("solvers/", "Operator_Eq_GtE", 'sense >= "target"', "no other sense comes after it"),
)

# Why no test can kill a mutant: (module, a part of the line, a part of the changed line, reason).
EXPLAINED: tuple[tuple[str, str, str, str], ...] = (
    ("functions/distributions.py", "z == z", "z <= z", "only NaN is not z == z, and no comparison of NaN holds"),
    ("functions/distributions.py", "z == z", "z >= z", "only NaN is not z == z, and no comparison of NaN holds"),
    ("functions/distributions.py", "(s >= 1) & (p > 0) & (p < 1)", "(p <= 1)", "at 1 the formula is what its edge is"),
    ("functions/criteria.py", "== text) == same", "== text) is same", "both are Python's True or False"),
    ("compiler/noise.py", "given_back & ~smooth", "given_back * ~smooth", "of truth values, * is &"),
    ("compiler/beginning.py", "== ERROR", ">= ERROR", "ERROR is the largest kind of a cell"),
    ("compiler/store.py", "(kinds == ERROR)", "(kinds >= ERROR)", "ERROR is the largest kind of a cell"),
    ("compiler/shapes.py", "result.shape[0] == 1", "<= 1", "a result is of one cell at least"),
    ("functions/table.py", '"EDATE": 2', '"EDATE": 3', "EDATE has two arguments"),
    ("functions/stretches.py", "lengths.sum() > _MOST", "is not _MOST", "without stretches the count is the same"),
    ("homework/grade.py", 'kind == "number"', 'kind >= "number"', "no other kind that formulas answer comes after it"),
    ("homework/whose.py", ", 9)", ", 8)", "both sides are rounded alike, and numbers drawn have few digits"),
    ("solvers/tracker.py", "_BOTTOM = 1e30", "_BOTTOM = 1e+30", "beside 1e30, 1 is lost: the same number"),
    ("solvers/global_search.py", "_POPULATION = (24", "25, 96)", "so many points or one more search alike"),
    ("reports/limits.py", "[:, place] * sign", "[:, place] / sign", "sign is 1 or -1"),
    ("compiler/beginning.py", "empty.sum() > 1", "empty.sum() != 1", "asked only where there is one"),
    ("functions/distributions.py", "where(k == 0, 1.0", "where(k <= 0, 1.0", "counts below 0 are errors before"),
    ("functions/arithmetic.py", "(x < 0) & (x !=", "(x < 0) ** (x !=", "where they differ gamma is no finite number"),
    ("functions/aggregate.py", "kinds != BLANK", "kinds > BLANK", "BLANK is 0, the smallest kind"),
    ("compiler/following.py", "formulas & store.done", "formulas * store.done", "of truth values, * is &"),
    ("compiler/following.py", "written) & formulas", "written) | formulas", "what does not follow is not returned"),
    ("functions/arrays.py", "if asked >= 0 else (0, length + asked)", "if asked > 0 else", "of 0 both are all rows"),
    ("compiler/cells.py", "if area <= max(_GRID", "if area <", "by a grid and by keys the same cells are found"),
    ("compiler/cells.py", "area = (self.height + 1)", "area = (self", "by a grid and by keys the same cells are found"),
    ("formulas/number_formats.py", '== "digit"', '<= "digit"', "where dates and conditions are is not laid out so"),
    ("formulas/number_formats.py", '== "literal"', '>= "literal"', "no mark is a digit or a semicolon"),
    ("formulas/number_formats.py", '== "mark"', '>= "mark"', "AM/PM, the one kind after it, is no comma"),
    ("compiler/affine.py", "factor > 0", "factor >= 0", "no term has the factor 0"),
    ("compiler/cells.py", "np.diff(stored) < 0", "np.diff(stored) < 1", "what is in order may be sorted again"),
    ("compiler/recurrence.py", "< SHORTEST", "<= SHORTEST", "either way a chain of that length is computed alike"),
)


def modules() -> list[str]:
    """Return the modules that are mutated."""
    paths = [path for room in ROOMS for path in (ROOT / "embedsheet" / room).rglob("*.py")]
    paths += [ROOT / "embedsheet" / "homework" / f"{name}.py" for name in GRADING]
    return sorted(path.relative_to(ROOT).as_posix() for path in paths)


def tests_of(module: str) -> list[str]:
    """Return the tests of a module."""
    name = module.removeprefix("embedsheet/").removesuffix(".py")
    for pattern, files in TESTS:
        room, _, ends = pattern.rpartition("/")
        if any(fnmatch(name, f"{room}/{end}") for end in ends.split("|")):
            return [f"tests/test_{file}.py" for file in files.split()]
    raise LookupError(f"{module} has no tests in TESTS")

"""Change one operator, number or condition of the code at a time and see whether a test notices.

cosmic-ray says where and how the code can be changed; `SAMPLED` of these changes are drawn at random, from a seed, and
each is tried in a copy of the repository with the tests that `TESTS` names for its module. A mutant that no test kills
is printed with what was changed, and with the reason why no test can if `EXPLAINED` has one; the score is the part
killed or explained. The exit code is 1 if it is below `ENOUGH`.
"""

from __future__ import annotations

import argparse
import ast
import compileall
import difflib
import multiprocessing
import os
import py_compile
import random
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

ROOT = Path(__file__).parents[1]
SAMPLED, SEED, ENOUGH = 200, 13, 0.9
# A mutant that takes more of the processor, in a loop without end, is killed; so is one that waits for longer.
SECONDS, WAITING = 120, 1800

# The first pattern that fits a module, and its tests, those first that kill most and take least.
TESTS = (
    ("formulas/functions/arithmetic|rounding|elementwise", "functions_math operators"),
    ("formulas/functions/text|elements", "functions_text libreoffice_formulas"),
    ("formulas/functions/dates|workdays", "functions_dates"),
    ("formulas/functions/lookup|search|places|gathering|selection|sorting",
     "functions_lookup functions_arrays traced_is_concrete filled_formulas"),
    ("formulas/functions/logic|choice|information", "functions_logic operators traced_is_concrete"),
    ("formulas/functions/aggregate|conditional|conditions|criteria|stretches|samples|statistics",
     "functions_aggregate subtotals fast_paths functions_math"),
    ("formulas/functions/arrays|lambdas", "functions_arrays functions_logic"),
    ("formulas/functions/databases", "functions_database"),
    ("formulas/functions/instalments|rates|financial", "functions_math evaluated_together gradients_of_functions"),
    ("formulas/functions/hypotheses|regression|matrix|systems",
     "functions_math functions_aggregate functions_arrays each_of_several_values gradients_of_functions"),
    ("formulas/functions/table", "functions_math lost_references each_of_several_values plugins function_docs"),
    ("formulas/functions/*", "functions_math functions_aggregate gradients_of_functions"),
    ("formulas/wildcards", "wildcards functions_lookup"),
    ("formulas/guarded|traced", "traced_is_concrete gradients_of_functions engines"),
    ("formulas/budget", "faults_files"),
    ("formulas/growing", "fast_paths evaluated_together compiler_recurrences"),
    ("formulas/collation", "operators functions_lookup functions_aggregate"),
    ("formulas/number_formats|numerals", "functions_text operators"),
    ("formulas/*", "operators functions_text functions_math traced_is_concrete"),
    ("compiler/degrees|degree_rules|curvature", "linearity solver_linear"),
    ("compiler/piecewise|affine|variables|curves", "piecewise curves solver_linear mixed_batches solver_kinks"),
    ("compiler/degree", "linearity solver_linear solver_model"),
    ("compiler/windows", "fast_paths compiler_recurrences evaluated_together"),
    ("compiler/cone|precision", "compiler engines program_kept solver_model compiler_gather"),
    ("compiler/alike", "compiler_alike evaluated_together"),
    ("compiler/gather|rectangles", "compiler_gather compiler evaluated_together"),
    ("compiler/carried", "compiler_carried compiler_recurrences"),
    ("compiler/recurrence|components|order",
     "compiler_recurrences scanned_is_unrolled compiler compiler_carried evaluated_together iteration"),
    ("compiler/noise|verify|results|agreement", "rounding written_results compiler traced_is_concrete"),
    ("compiler/indirect|names|areas", "indirect dynamic_names structured compiler"),
    ("compiler/constraints|beginning|sizes", "solver_setups solver_right_sides solver_model solver_feasible"),
    ("compiler/engines/*", "engines traced_is_concrete compiler_recurrences gradients_of_functions"),
    ("compiler/*", "compiler compiler_recurrences evaluated_together engines program_kept"),
    ("solvers/linear|linear_model|contradiction|units|branch", "solver_linear solver_model"),
    ("solvers/piecewise|mixed", "piecewise curves solver_linear mixed_batches"),
    ("solvers/reports/*", "reports reports_rates"),
    ("solvers/descent", "optimisers solver"),
    ("solvers/load|model|start|plan|problem",
     "solver_setups solver_model solver_options solver_feasible solver_stored_models solver"),
    ("solvers/reasons", "solver_reasons"),
    ("solvers/replay|solve_log", "blocks solver cli_solve"),
    ("solvers/quadratic|whole|permutations|moves", "whole_numbers solver_linear"),
    ("solvers/search|global_search|trials|rescue|sweep", "global_search solver solver_kinks"),
    ("solvers/tracker|verdict|outcome|solution|check", "solver_tracker solver solver_kinks solver_feasible"),
    ("solvers/*", "solver solver_tracker solver_kinks solver_feasible solver_model"),
    ("homework/grade", "homework homework_fair"),
)  # fmt: skip

# Why no test can kill a mutant: (module, a part of the changed line, reason).
EXPLAINED: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True)
class Mutant:
    """The `occurrence`-th place in a module, from 0, that cosmic-ray's operator changes."""

    module: str
    operator: str
    occurrence: int
    line: int

    def code(self, source: str) -> str:
        """Return the changed source."""
        return str(mutate_code(source, get_operator(self.operator)(), self.occurrence))


def modules() -> list[str]:
    """Return the modules that are mutated."""
    rooms = (ROOT / "embedsheet" / room for room in ("formulas", "compiler", "solvers"))
    paths = [path for room in rooms for path in room.rglob("*.py")] + [ROOT / "embedsheet" / "homework" / "grade.py"]
    return sorted(path.relative_to(ROOT).as_posix() for path in paths)


def mutants(module: str) -> Iterator[Mutant]:
    """Yield what can be changed in a module and may change what it does."""
    source = (ROOT / module).read_text(encoding="utf-8")
    idle = _idle(source)
    tree = get_ast(source)
    for name in operator_names():
        kind = get_operator(name)
        if kind.arguments():
            continue
        operator, occurrence = kind(), -1
        for node in ast_nodes(tree):
            for start, _ in operator.mutation_positions(node):
                occurrence += 1
                if not any(first <= start < last for first, last in idle):
                    yield Mutant(module, name, occurrence, start[0])


def _idle(source: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Return the stretches of code that are not run, as annotations are, or only check: `strict=` of zip."""
    found: list[ast.AST] = []
    for node in ast.walk(ast.parse(source)):
        for name in ("annotation", "returns"):
            found += [one] if (one := getattr(node, name, None)) is not None else []
        found += [one for one in getattr(node, "decorator_list", []) if "dataclass" in ast.unparse(one)]
        if isinstance(node, ast.keyword) and node.arg in ("strict", "slots", "frozen"):
            found.append(node.value)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            found.append(node)
        if isinstance(node, (ast.Raise, ast.Assert)):
            found.append(node)
    return [((n.lineno, n.col_offset), (n.end_lineno, n.end_col_offset)) for n in found]  # type: ignore[attr-defined]


def tests_of(module: str) -> list[str]:
    """Return the tests of a module."""
    name = module.removeprefix("embedsheet/").removesuffix(".py")
    for pattern, files in TESTS:
        room, _, ends = pattern.rpartition("/")
        if any(fnmatch(name, f"{room}/{end}") for end in ends.split("|")):
            return [f"tests/test_{file}.py" for file in files.split()]
    raise LookupError(f"{module} has no tests in TESTS")


def _run(folder: str, tests: list[str]) -> None:
    """Exit with 0 if all tests pass, in a process of its own."""
    import pytest

    try:
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    except ImportError:  # Windows: by the clock alone
        pass
    os.chdir(folder)
    sys.path[:0] = [folder, f"{folder}/tests"]
    sys.dont_write_bytecode = True
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    status = pytest.main(["-x", "-q", "-p", "no:cacheprovider", *tests])
    os._exit(int(status))


def passes(folder: Path, tests: list[str]) -> bool:
    """Return whether tests pass in time."""
    process = _CONTEXT.Process(target=_run, args=(str(folder), tests))
    process.start()
    process.join(WAITING)
    if process.is_alive():
        process.kill()
        process.join()
    return process.exitcode == 0


def survives(folder: Path, mutant: Mutant) -> str | None:
    """Return what was changed if no test notices, None of a mutant that is killed."""
    path = folder / mutant.module
    source = path.read_text(encoding="utf-8")
    changed = mutant.code(source)
    path.write_text(changed, encoding="utf-8")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            ast.parse(changed)
        noticed = not passes(folder, tests_of(mutant.module))
    except SyntaxError:
        noticed = True
    finally:
        path.write_text(source, encoding="utf-8")
    if noticed:
        return None
    lines = difflib.unified_diff(source.splitlines(), changed.splitlines(), lineterm="", n=0)
    return "\n".join(line for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---"))


def explanation(mutant: Mutant, changed: str) -> str | None:
    """Return why no test can kill a mutant, if that is known."""
    return next(
        (why for module, part, why in EXPLAINED if mutant.module.endswith(module) and part in changed),
        None,
    )


# A fork of a process that has imported the libraries, but nothing of what is mutated, begins at once.
_CONTEXT = multiprocessing.get_context("forkserver" if hasattr(os, "fork") else "spawn")
# None of pytest's plugins, which pytest itself must import.
_LIBRARIES = ["numpy", "scipy.optimize", "scipy.special", "pytest", "openpyxl", "xlsxwriter", "cosmic_ray.mutating"]


def main() -> int:
    """Try a sample of mutants."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--count", type=int, default=SAMPLED, help="how many mutants are tried")
    asked.add_argument("--seed", type=int, default=SEED)
    asked.add_argument("--only", default="", help="a part of the module's path")
    options = asked.parse_args()
    every = [mutant for module in modules() if options.only in module for mutant in mutants(module)]
    sample = random.Random(options.seed).sample(every, min(options.count, len(every)))
    print(f"{len(sample)} of {len(every)} mutants", flush=True)
    if hasattr(os, "fork"):
        _CONTEXT.set_forkserver_preload(_LIBRARIES)  # type: ignore[attr-defined]
    alive, explained = 0, 0
    with tempfile.TemporaryDirectory(prefix="embedsheet-mutants-") as name:
        folder = Path(name)
        for part in ("embedsheet", "tests", "templates", "examples"):
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        # By their time and size alone, a source and its mutant can be the same.
        compileall.compile_dir(folder, quiet=1, invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)
        shutil.copyfile(ROOT / "pyproject.toml", folder / "pyproject.toml")
        for tests in sorted({tuple(tests_of(mutant.module)) for mutant in sample}):
            if not passes(folder, [*tests]):
                sys.exit(f"Without any change one of these fails: {' '.join(tests)}")
        for tried, mutant in enumerate(sample, 1):
            changed = survives(folder, mutant)
            why = explanation(mutant, changed) if changed else None
            alive += bool(changed) and why is None
            explained += why is not None
            if changed:
                state = f"explained: {why}" if why else "survives"
                print(f"{mutant.module}:{mutant.line} {mutant.operator} {state}\n{changed}", flush=True)
            if tried % 10 == 0 or tried == len(sample):
                score = 1 - alive / tried
                print(f"{tried} tried, {score:.1%} killed or explained ({explained} explained)", flush=True)
    return int(score < ENOUGH)


if __name__ == "__main__":
    sys.exit(main())

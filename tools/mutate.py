"""Change one operator, number or condition of the code at a time and see whether a test notices.

    python tools/mutate.py                           200 changes of all that is mutated, half a day
    python tools/mutate.py solvers/search --count 20

cosmic-ray says where and how the code can be changed; so many of these changes are drawn at random, from a seed, and
each is tried in a copy of the repository with the tests of the files that `mutation_table.TESTS` names for its module:
with those that reach its line, as `reached.py` saw when it ran the file once without any change. A mutant that
no test kills is printed with what was changed, and with the reason why no test can if `EXPLAINED` has one; the score is
the part killed or explained. The exit code is 1 if it is below `ENOUGH`.
"""

from __future__ import annotations

import argparse
import ast
import compileall
import difflib
import hashlib
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
from pathlib import Path
from typing import Literal

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names
from mutation_table import ALIKE, EXPLAINED, ROOT, modules, tests_of
from reached import Chosen, Reached, Recorder, statement

SAMPLED, SEED, ENOUGH = 200, 13, 0.9
# A mutant in a loop without end is killed: after so many times the seconds of processor that its tests take unchanged,
# and so many more; by the clock, which a loaded machine stretches, after so many.
TIMES, MORE, WAITING = 3.0, 30.0, 3600.0
MOST = 1800.0  # seconds of processor of an unchanged test file
RECORD = "reached.json"
KEPT = ROOT / "build" / "mutants"  # such records of earlier runs, by what was run
NO_TESTS = 5  # what pytest ends with where it has run none


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


def _run(folder: str, files: list[str], seconds: float, chosen: tuple[list[str], set[str]] | None) -> None:
    """Exit with 0 if all chosen tests pass, of those known, in a process of its own; without any, record all tests."""
    import pytest

    try:
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 1))
    except ImportError:  # Windows: by the clock alone
        pass
    os.chdir(folder)
    sys.path[:0] = [folder, f"{folder}/tests"]
    os.environ["PYTHONPATH"] = folder  # of programs that a test starts
    sys.dont_write_bytecode = True
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    quick = ["-q", "-p", "no:cacheprovider", "--tb=no"]
    if chosen is None:
        status = pytest.main([*quick, *files], plugins=[Recorder(Path(folder), Path(folder, RECORD))])
    else:
        status = pytest.main([*quick, "-x", *files], plugins=[Chosen(*chosen)])
    os._exit(int(status))


def tried(
    folder: Path, files: list[str], seconds: float = MOST, chosen: tuple[list[str], set[str]] | None = None
) -> Literal["passes", "fails", "no end"]:
    """Say what tests do that may take so many seconds of processor."""
    process = _CONTEXT.Process(target=_run, args=(str(folder), files, seconds, chosen))
    process.start()
    process.join(WAITING)
    if process.is_alive():
        process.kill()
        process.join()
    if process.exitcode is None or process.exitcode < 0:
        return "no end"
    return "fails" if process.exitcode not in (0, NO_TESTS) else "passes"


def _record(folder: Path, file: str, reached: Reached) -> None:
    """Run a file of tests without any change, unless that was done before, and say which fail."""
    code = [*(folder / "embedsheet").rglob("*.py"), *(folder / "tests" / "kit").rglob("*.py"), folder / file]
    kept = KEPT / f"{hashlib.sha256(b''.join(path.read_bytes() for path in sorted(code))).hexdigest()[:24]}.json"
    if not kept.exists():
        if tried(folder, [file]) != "passes":
            print(f"{file}: some tests fail without any change, and are left out", flush=True)
        if not (folder / RECORD).exists():
            return
        KEPT.mkdir(parents=True, exist_ok=True)
        shutil.move(folder / RECORD, kept)
    reached.add(kept)


def outcome(folder: Path, mutant: Mutant, files: list[str], reached: Reached) -> tuple[str, str]:
    """Return what tests do with a mutant, as `tried`, and what was changed."""
    path = folder / mutant.module
    source = path.read_text(encoding="utf-8")
    changed = mutant.code(source)
    tests = reached.of(mutant.module, statement(source, mutant.line), files)
    seconds = sum(reached.seconds[test] for test in tests)
    path.write_text(changed, encoding="utf-8")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", SyntaxWarning)  # of what ruff finds, too, as `is` beside a literal
            compile(changed, mutant.module, "exec")
        chosen = (tests, reached.known)
        used = [file for file in files if any(test.partition("::")[0] == file for test in tests)]
        done: str = tried(folder, used, TIMES * seconds + MORE, chosen) if used else "passes"
    except SyntaxError:
        done = "fails"
    finally:
        path.write_text(source, encoding="utf-8")
    lines = difflib.unified_diff(source.splitlines(), changed.splitlines(), lineterm="", n=0)
    return done, "\n".join(line for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---"))


def explanation(mutant: Mutant, changed: str) -> str | None:
    """Return why no test can kill a mutant, if that is known."""
    for room, operator, after, why in ALIKE:
        if room in mutant.module and mutant.operator.endswith(operator) and _has(changed, "+", after):
            return why
    for module, before, after, why in EXPLAINED:
        if mutant.module.endswith(module) and _has(changed, "-", before) and _has(changed, "+", after):
            return why
    return None


def _has(changed: str, side: str, part: str) -> bool:
    return any(part in line for line in changed.splitlines() if line.startswith(side))


# A fork of a process that has imported the libraries, but nothing of what is mutated, begins at once.
_CONTEXT = multiprocessing.get_context("forkserver" if hasattr(os, "fork") else "spawn")
# None of pytest's plugins, which pytest itself must import.
_LIBRARIES = ["numpy", "scipy.optimize", "scipy.special", "pytest", "openpyxl", "xlsxwriter", "coverage"]
_LIBRARIES += ["cosmic_ray.mutating"]


def main() -> int:
    """Try a sample of mutants."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("part", nargs="?", default="", help="a part of the modules' paths: solvers, solvers/search")
    asked.add_argument("--count", type=int, default=SAMPLED, help="how many mutants are tried")
    asked.add_argument("--seed", type=int, default=SEED)
    options = asked.parse_args()
    chosen = [module for module in modules() if options.part in module]
    if not chosen:
        asked.error(f"no module that is mutated has {options.part} in its path")
    every = [mutant for module in chosen for mutant in mutants(module)]
    sample = random.Random(options.seed).sample(every, min(options.count, len(every)))
    print(f"{len(sample)} of {len(every)} mutants", flush=True)
    if hasattr(os, "fork"):
        _CONTEXT.set_forkserver_preload(_LIBRARIES)  # type: ignore[attr-defined]
    count = dict.fromkeys(("fails", "no end", "passes", "explained"), 0)
    with tempfile.TemporaryDirectory(prefix="embedsheet-mutants-") as name:
        folder = Path(name)
        for part in ("embedsheet", "tests", "templates", "examples"):
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        # By their time and size alone, a source and its mutant can be the same.
        compileall.compile_dir(folder, quiet=1, invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)
        shutil.copyfile(ROOT / "pyproject.toml", folder / "pyproject.toml")
        reached, recorded = Reached(), set[str]()
        for number, mutant in enumerate(sample, 1):
            files = tests_of(mutant.module)
            for file in sorted(set(files) - recorded):
                _record(folder, file, reached)
                recorded.add(file)
            done, changed = outcome(folder, mutant, files, reached)
            why = explanation(mutant, changed) if done == "passes" else None
            count["explained" if why else done] += 1
            words = {"fails": "killed", "no end": "killed, as it comes to no end", "passes": "survives"}[done]
            words = f"explained: {why}" if why else words
            print(f"{mutant.module}:{mutant.line} {mutant.operator} {words}", flush=True)
            if done == "passes":
                print(changed, flush=True)
            if number % 10 == 0 or number == len(sample):
                score = 1 - count["passes"] / number
                told = f"{count['fails']} killed, {count['no end']} without end, {count['explained']} explained"
                print(f"{number} tried: {told}, {count['passes']} survive; {score:.1%}", flush=True)
    return int(score < ENOUGH)


if __name__ == "__main__":
    sys.exit(main())

"""The two engines beside each other, and which of them computes."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import embedsheet
from embedsheet.book.setups import Constraint
from embedsheet.compiler.engines import EngineName, choice
from embedsheet.compiler.engines.arrays import NUMPY, scattered
from embedsheet.compiler.engines.bound import bound
from embedsheet.compiler.engines.graph import _OFTEN, record
from embedsheet.compiler.engines.shortened import as_recorded, shortened
from embedsheet.compiler.program import Program, compile_program
from embedsheet.ground.errors import MissingDependencyError
from embedsheet.ground.notation.addresses import parse_area
from embedsheet.workbook import Workbook
from kit.judges import write_book
from kit.sheets import setup

DATA = np.random.default_rng(3).uniform(0.5, 2.0, 40)

# Columns of formulas: filled down, of several shapes, a recurrence long enough to be scanned, a choice that moves.
MODELS: dict[str, dict[str, Any]] = {
    "filled down": {f"C{i}": f"=(B{i}-$A$1*EXP(-$A$2*ROW()))^2" for i in range(1, 41)},
    "look-ups": {f"C{i}": f"=(B{i}-INDEX($A$1:$A$3,MOD(ROW(),3)+1)*$A$2)^2" for i in range(1, 41)},
    "a recurrence": {"C1": "=A1*B1"} | {f"C{i}": f"=$A$2*B{i}+(1-$A$2)*C{i - 1}*$A$3" for i in range(2, 41)},
    "two columns": {"C1": "=A1", "D1": "=A2"}
    | {f"C{i}": f"=C{i - 1}*0.9+D{i - 1}*$A$3" for i in range(2, 41)}
    | {f"D{i}": f"=D{i - 1}*$A$2-C{i}*B{i}" for i in range(2, 41)},
    "conditions": {f"C{i}": f"=IF(B{i}>$A$1,B{i}*$A$2,MAX($A$3,B{i})^3)" for i in range(1, 41)},
}


def _program(folder: Path, model: str, engine: EngineName) -> Program:
    cells: dict[str, Any] = {"A1": 0.7, "A2": 0.4, "A3": 0.9, "F1": "=SUMSQ(C1:D40)"}
    cells |= {f"B{i}": float(x) for i, x in enumerate(DATA, 1)}
    path = write_book(folder / "book.xlsx", {"S": cells | MODELS[model]})
    return compile_program(Workbook.open(path), setup("F1", ["A1:A3"]), engine=engine)


@pytest.mark.parametrize("model", MODELS)
def test_values_gradients_and_curvature_are_the_same_by_both_engines(model: str, tmp_path: Path) -> None:
    tape, jax = (_program(tmp_path, model, engine) for engine in ("tape", "jax"))
    for x in (tape.start, tape.start + np.array([0.11, -0.07, 0.05])):
        (value, gradient), (other, slopes) = tape.value_and_gradient(x), jax.value_and_gradient(x)
        assert value == pytest.approx(other, rel=1e-13)
        assert tape.value(x) == value
        np.testing.assert_allclose(gradient, slopes, rtol=1e-12)
        for v in np.eye(3):
            np.testing.assert_allclose(tape.hessian_product(x, v), jax.hessian_product(x, v), rtol=1e-11, atol=1e-11)


def test_a_long_search_goes_over_to_jax_and_finds_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "_JAX_START", 0.0)
    monkeypatch.setattr(choice, "_JAX_OPERATION", 0.0)
    program = _program(tmp_path, "filled down", "auto")
    value, gradient = program.value_and_gradient(program.start)
    assert program.engine == "tape"
    other, slopes = program.value_and_gradient(program.start)
    assert program.engine == "tape, then jax"
    assert value == pytest.approx(other, rel=1e-13)
    np.testing.assert_allclose(gradient, slopes, rtol=1e-12)


def test_without_jax_the_tape_computes_and_jax_asked_for_names_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("embedsheet.compiler.engines.find_spec", lambda name: None)
    assert _program(tmp_path, "filled down", "auto").engine == "tape"
    with pytest.raises(MissingDependencyError, match=r"needs JAX: .* -m pip install jax, or choose the engine tape"):
        _program(tmp_path, "filled down", "jax")


def test_formulas_compiler_and_solvers_name_jax_in_its_engine_only() -> None:
    package = Path(embedsheet.__file__).parent
    files = [file for part in ("formulas", "compiler", "solvers") for file in (package / part).rglob("*.py")]
    named = [file.name for file in files if re.search(r"^\s*(import|from) jax\b", file.read_text("utf-8"), re.M)]
    assert sorted(named) == ["jax.py", "precision.py"]


def test_a_small_model_is_solved_and_a_long_recurrence_calculated_without_importing_jax(tmp_path: Path) -> None:
    cells: dict[str, Any] = {"A1": 3.0, "B1": "=(A1-2)^2+1", "D1": 1.0, "C1": 0.5}
    cells |= {f"D{i}": f"=D{i - 1}*$C$1+1" for i in range(2, 1002)}
    path = write_book(tmp_path / "book.xlsx", {"S": cells})
    code = (
        "import sys\n"
        "from embedsheet.compiler.recalculation import recalculate\n"
        "from embedsheet.solver import solve\n"
        "from embedsheet.workbook import Workbook\n"
        f"book = {str(path)!r}\n"
        "recalculate(Workbook.open(book))\n"
        "print(solve(book, objective='B1', changing=['A1'], dry_run=True).engine)\n"
        "print([name for name in ('jax', 'keras', 'polars', 'xlsxwriter', 'xlwings') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, encoding="utf-8")
    assert done.stdout.split("\n")[:2] == ["tape", "[]"]


def test_a_product_is_differentiated_where_factors_are_zero(tmp_path: Path) -> None:
    # d(abc)/da = bc, and the second derivative by a and b is c: no factor divides.
    cells: dict[str, Any] = {"A1": 0.0, "A2": 5.0, "A3": 7.0, "A4": 2.0, "A5": 3.0, "B1": "=PRODUCT(A1:A5)"}
    path = write_book(tmp_path / "book.xlsx", {"S": cells})
    program = compile_program(Workbook.open(path), setup("B1", ["A1:A5"]), engine="tape")
    np.testing.assert_allclose(program.value_and_gradient(program.start)[1], [210.0, 0, 0, 0, 0], rtol=1e-14)
    np.testing.assert_allclose(program.hessian_product(program.start, np.eye(5)[0]), [0, 42.0, 30, 105, 70], rtol=1e-14)
    origin = np.array([0.0, 0, 7, 2, 3])
    np.testing.assert_array_equal(program.value_and_gradient(origin)[1], 0.0)
    np.testing.assert_allclose(program.hessian_product(origin, np.eye(5)[0]), [0, 42.0, 0, 0, 0], rtol=1e-14)


def test_the_check_at_the_start_and_the_tape_evaluate_the_formulas_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    traced, once = [], Program._trace_once
    monkeypatch.setattr(Program, "_trace_once", lambda *words: (traced.append(1), once(*words))[1])
    cells: dict[str, Any] = {"A1": 2.0, "A2": 3.0, "B1": "=A1*A2", "B2": "=A1+A2"}
    path = write_book(tmp_path / "book.xlsx", {"S": cells})
    limit = Constraint(parse_area("B2", "S"), "<=", 4.0)
    program = compile_program(Workbook.open(path), replace(setup("B1", ["A1:A2"]), constraints=(limit,)), engine="tape")
    assert program.value_and_gradient(program.start)[1].tolist() == [3.0, 2.0]
    assert program.constraint_jacobian(program.start).tolist() == [[1.0, 1.0]]
    assert len(traced) == 1


@pytest.mark.parametrize("engine", ["tape", "jax"])
def test_many_points_at_once_are_each_point_alone(tmp_path: Path, engine: EngineName) -> None:
    program = _program(tmp_path, "filled down", engine)
    points = program.start + np.random.default_rng(0).uniform(-0.1, 0.1, (300, len(program.start)))
    found = program.outcomes(points)
    assert found.shape == (300, 1 + program.constraint_count)
    np.testing.assert_allclose(found[:, 0], [program.value(x) for x in points], rtol=1e-12)


def test_a_model_without_its_rounding_is_the_number_that_is_rounded(tmp_path: Path) -> None:
    cells = {"A1": 1.26, "B1": "=ROUND(3*A1,1)+INT(A1)+CEILING(A1,0.5)"}
    program = compile_program(Workbook.open(write_book(tmp_path / "book.xlsx", {"S": cells})), setup("B1", ["A1"]))
    smooth = program.unrounded
    assert smooth is not None
    assert program.value(program.start) == pytest.approx(3.8 + 1 + 1.5)
    assert smooth.value_and_gradient(program.start)[0] == pytest.approx(5 * 1.26)
    assert smooth.value_and_gradient(program.start)[1].tolist() == [5.0]


@pytest.mark.parametrize(
    ("function", "args", "kwargs", "traced"),
    [
        (np.reshape, [np.arange(6.0), (2, 3)], {}, [0]),
        (np.sum, [np.arange(6.0).reshape(2, 3)], {}, [0]),
        (np.sum, [np.arange(6.0).reshape(2, 3)], {"axis": 1, "keepdims": True}, [0]),
        (np.sum, [np.array([True, True, False])], {}, [0]),
        (np.broadcast_to, [np.arange(3.0)[:, None], (2, 3, 4)], {}, [0]),
        (np.broadcast_to, [np.arange(3.0)[:, None], (50, 3, 40)], {}, [0]),
        (np.broadcast_to, [np.float64(2.0), (2, 3)], {}, [0]),
        (scattered.fun, [(5,), [slice(1, 3)], np.array([1.0, 2.0])], {}, [2]),
        (scattered.fun, [(5,), [np.array([1, 1]), slice(0, 2)], np.ones(2), np.ones(2)], {}, [2, 3]),
        (scattered.fun, [(5,), [np.array([1, 1])], np.ones(2)], {}, [2]),
        (np.subtract, [np.arange(3.0), 1.0], {}, [0]),
        (np.subtract, [1.0, np.arange(3.0)], {}, [1]),
        (np.subtract, [np.arange(3.0), np.ones(3)], {}, [1, 0]),
        (np.where, [np.array([True, False]), 1.0, np.zeros(2)], {}, [2, 0]),
        (np.where, [np.array([True, False]), np.ones(2), 0.0], {}, [0, 1]),
        (np.where, [np.array([True, False]), 0.0, np.ones(2)], {}, [0, 2]),
        (np.max, [np.arange(6.0).reshape(2, 3)], {"axis": 0}, [0]),
    ],
)
def test_a_recorded_operation_gives_what_the_function_gives(
    function: Any, args: list[Any], kwargs: dict[str, Any], traced: list[int]
) -> None:
    known = [None if place in traced else arg for place, arg in enumerate(args)]
    result = bound(function, known, kwargs, traced)(*(args[place] for place in traced))
    expected = function(*args, **kwargs)
    assert np.shape(result) == np.shape(expected)
    assert np.asarray(result).dtype == np.asarray(expected).dtype
    np.testing.assert_array_equal(result, expected)


def test_a_recording_made_shorter_gives_the_same_to_the_last_digit() -> None:
    def f(x: Any) -> list[Any]:
        square = x[2:11].reshape((3, 3))
        turned = NUMPY.transpose(square)[::-1, None]
        repeated = NUMPY.broadcast_to(turned, (2, 3, 1, 3))
        mixed = NUMPY.where(NUMPY.isfinite(repeated), repeated * x[0], 0.0)
        again = NUMPY.where(NUMPY.isfinite(repeated), repeated * x[0], -0.0)
        return [NUMPY.sum(NUMPY.exp(mixed) * again + x[np.array([0, 0, 1])]), square, x.reshape((12,)), x[3:5], 7.0]

    def both(x: Any) -> list[Any]:
        results, found = record(f, at)[0].with_pull([x], [np.ones(()), np.ones((3, 3)), x, x[:2], 1.0], [0])
        return [*results, *found]

    at = np.random.default_rng(0).normal(size=12)
    graph = record(both, at)[0]
    inputs = {slot: np.shape(one) for slot, one in zip(graph.inputs, graph.examples, strict=True)}
    calls = shortened(graph.steps, inputs, graph.outputs)
    assert len(calls) < len(as_recorded(graph.steps))
    for x in (at, -at, 0.0 * at):
        long, short = record(both, at)[0], record(both, at)[0]
        for _ in range(_OFTEN + 1):
            last = short.run(x)
        for one, other in zip(long.run(x), last, strict=True):
            assert np.asarray(one).tobytes() == np.asarray(other).tobytes()  # the sign of zero, too


@pytest.mark.parametrize("model", MODELS)
def test_a_model_gives_the_same_however_often_it_is_evaluated(model: str, tmp_path: Path) -> None:
    often, new = (_program(tmp_path, model, "tape") for _ in range(2))
    points = often.start + np.random.default_rng(0).normal(0, 0.1, (4, len(often.start)))
    for _ in range(_OFTEN):
        often.value_and_gradient(often.start)
    for x in points:
        (value, gradient), (other, slopes) = often.value_and_gradient(x), new.value_and_gradient(x)
        assert value == other
        np.testing.assert_array_equal(gradient, slopes)

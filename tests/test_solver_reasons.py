"""Why a search ended is a value: code asks its kind and facts, people read its words, and both come from one table."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embedsheet.solver import Solution, solve
from embedsheet.solvers import reasons
from embedsheet.solvers.outcome import Outcome, with_bound
from embedsheet.solvers.problem import Limits
from embedsheet.solvers.reasons import Why
from embedsheet.solvers.search import _no_worse_than_stored, search
from kit.problems import problem, rosenbrock
from kit.sheets import write


def test_every_kind_has_words_of_its_own_and_is_given_somewhere() -> None:
    assert len(list(Why)) == len(Why.__members__)  # an enumeration takes two equal texts for one
    table = Path(reasons.__file__)
    code = "".join(path.read_text(encoding="utf-8") for path in table.parent.rglob("*.py") if path != table)
    assert set(re.findall(r"\bWhy\.([A-Z_]+)", code)) == set(Why.__members__)


def test_a_reason_without_a_fact_that_its_words_name_is_refused_at_once() -> None:
    with pytest.raises(KeyError, match="most"):
        Why.ITERATIONS()


def test_words_name_other_reasons_and_what_is_added() -> None:
    reason = Why.TARGET_AHEAD(ended=Why.INTERRUPTED(), target=5.0).also(Why.OF_STARTS(starts=3))
    assert str(reason) == "stopped by Ctrl-C; the target 5 is not yet reached; the best of 3 starts"
    assert reason.has(Why.INTERRUPTED) and reason.has(Why.OF_STARTS) and not reason.has(Why.TIME)
    assert reason.as_dict() == {
        "kind": "target ahead", "ended": {"kind": "interrupted"}, "target": 5.0,
        "added": [{"kind": "of starts", "starts": 3}],
    }  # fmt: skip


def test_ctrl_c_before_the_constraints_hold_is_known_as_ctrl_c() -> None:
    def stop(progress: Any) -> None:
        raise KeyboardInterrupt

    asked = problem(rosenbrock, [-1.2, 1.0], c=lambda x: x[:1] - 7.0, relations=[">="])
    found = search(asked, watcher=stop)
    assert found.status == "failed" and found.reason.why is Why.MISSED_SO_FAR
    assert found.interrupted


def test_a_limit_is_told_with_its_number() -> None:
    found = search(problem(rosenbrock, [-1.2, 1.0]), limits=Limits(max_iterations=2))
    assert found.status == "improved"
    assert (found.reason.why, found.reason.facts) == (Why.ITERATIONS, {"most": 2})


def test_a_solution_tells_its_reason_as_json(tmp_path: Path) -> None:
    book = write(tmp_path / "a.xlsx", {"A1": 1.0, "B1": "=(A1-3)^2"})
    told = json.loads(solve(book, objective="B1", changing=["A1"], dry_run=True).to_json())
    assert (told["reason"], told["message"]) == ({"kind": "stationary"}, "the gradient vanishes")


def test_a_fact_that_json_cannot_hold_is_none() -> None:
    told = Why.TARGET_MISSED(target=1.0, nearest=np.inf).as_dict()
    assert told["nearest"] is None


def _found(path: Path, objective: str, row: str, sense: str, constraints: list[str], **more: Any) -> Solution:
    """Of two cells that may change, from 1 and 0."""
    book = write(path, {"A1": 1, "A2": 0, "C1": f"={objective}", "B1": f"={row}"})
    return solve(
        book, "S", objective="C1", changing=["A1:A2"], sense=sense, constraints=constraints, nonnegative=False,
        dry_run=True, **more,
    )  # fmt: skip


def test_a_smooth_model_has_no_kink(tmp_path: Path) -> None:
    """(x − y)² − (x − y)/10⁶ is least, −1/4 10⁻¹², where x − y is 1/2 10⁻⁶; beside x = y all is rounding."""
    found = _found(tmp_path / "book.xlsx", "(A1-A2)^2-A1/1E6+A2/1E6", "A1+A2", "minimize", ["B1>=10"])
    assert found.objective_after == pytest.approx(-0.25e-12, rel=1e-3)
    assert "kink" not in found.message


def test_a_gap_is_told_where_it_says_something() -> None:
    asked = problem(rosenbrock, [-1.2, 1.0])
    outcome = search(asked, limits=Limits(max_iterations=1))
    outcome.value, ended = 2.0, outcome.reason
    assert with_bound(outcome, 3.0).message.endswith("; nothing can be better than 3 (gap 50.00%)")
    for value in (0.0, 1e-12):
        outcome.value, outcome.reason = value, ended
        assert with_bound(outcome, 3.0).message.endswith("; nothing can be better than 3")
        assert outcome.bound == 3.0


def test_a_cell_that_takes_the_objective_along_is_no_cell_that_runs_off_alone(tmp_path: Path) -> None:
    """Where A2 is 0 A1 may be anything; 1/A1 comes nearer to 0 only."""
    found = _found(tmp_path / "book.xlsx", "A1", "A1*(A2+1)-A1", "maximize", ["B1<=3", "A1:A2>=0"])
    assert found.status == "unbounded"
    held = _found(tmp_path / "held.xlsx", "1/A1", "A1+A2", "minimize", ["B1>=0", "A1>=0"])
    assert held.status == "improved" and "may come nearer to a number only" in held.message


def test_a_plan_that_was_not_carried_out_is_told_with_what_was(tmp_path: Path) -> None:
    """A2 bends down by so little that the model passes for convex; the proof, without rounding, refuses."""
    found = _found(tmp_path / "book.xlsx", "1E9+1E6*(A1-3)^2-1E-7*A2^2", "A1", "minimize", ["B1>=0"])
    assert found.method == "SLSQP"
    assert found.choice.endswith("which proves the optimum; here it proved nothing, and SLSQP went on")


@pytest.mark.parametrize(("start", "told"), [([0.5, 0.0], True), ([1.0, 0.0], False)])
def test_a_start_that_is_not_allowed_is_said_to_be_so(start: list[float], told: bool) -> None:
    """Only whole numbers are; a stored point of these stays where nothing better was found."""
    asked = problem(lambda x: (x[0] - 0.5) ** 2 + x[1] ** 2, start, integer=np.array([True, True]))
    before = float(asked.objective.value_and_gradient(np.array(start))[0])
    worse = Outcome(np.array([3.0, 0.0]), before, 6.25, "improved", Why.SPENT(), "branch and bound")
    found = _no_worse_than_stored(asked, worse, np.array(start), before)
    assert found.notes == [
        "the stored values, whose objective is better, do not satisfy all constraints"
        if told
        else "the search found nothing better than the stored values, which stay"
    ]
    assert found.x.tolist() == ([3.0, 0.0] if told else start)

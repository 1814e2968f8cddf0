"""Why a search ended is a value: code asks its kind and facts, people read its words, and both come from one table."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embedsheet.solver import solve
from embedsheet.solvers import reasons
from embedsheet.solvers.problem import Limits
from embedsheet.solvers.reasons import Why
from embedsheet.solvers.search import search
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

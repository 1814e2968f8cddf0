"""The benchmarks can be run: each imports and hands its rows over, and the table holds them. No time is judged."""

from __future__ import annotations

import importlib
import io
import os
import sys
from datetime import date
from pathlib import Path

import pytest
from rich.console import Console

sys.path.insert(0, str(Path(__file__).parents[1]))

import benchmarks
from benchmarks import __main__ as runner
from benchmarks import books, measure, report, saving, solver_rivals
from benchmarks.row import Row

MODULES = sorted(path.stem for path in Path(benchmarks.__path__[0]).glob("[!_]*.py"))
HELPERS = {"books", "by_hand", "measure", "report", "row", "solver_rivals"}
EXAMPLE = Row("Saving", "one book", 0.5, rival="openpyxl", theirs=2.0, most_ratio=1.3, note="once")


@pytest.mark.parametrize("name", MODULES)
def test_a_module_is_one_of_those_that_are_run_or_helps_them(name: str) -> None:
    module = importlib.import_module(f"benchmarks.{name}")
    assert (name in runner.NAMES) == hasattr(module, "rows") == (name not in HELPERS)


def test_a_row_shows_both_figures_their_ratio_and_whether_the_bar_is_met() -> None:
    assert EXAMPLE.cells() == ("one book", "0.5 s", "openpyxl", "2 s", "0.25×", "≤ 1.3× ✓", "once")
    assert not EXAMPLE.missed


@pytest.mark.parametrize(
    ("row", "missed"),
    [
        (Row("p", "w", 3.5, most=3), True),
        (Row("p", "w", 2.5, most=3), False),
        (Row("p", "w", 1.4, rival="r", theirs=1.0, most_ratio=1.3), True),
        (Row("p", "w", 1.4, rival="r", most_ratio=1.3), False),  # nothing to compare with
        (Row("p", "w", None, most=3), False),  # not measured
    ],
)
def test_a_bar_is_missed_only_by_what_was_measured(row: Row, missed: bool) -> None:
    assert row.missed == missed


def test_a_very_small_ratio_reads_as_a_fraction() -> None:
    assert Row("p", "w", 0.01, rival="r", theirs=10.0).cells()[4] == "1/1,000×"


def test_a_rival_that_is_missing_leaves_a_dash() -> None:
    assert Row("p", "w", 1.0, rival="r", most_ratio=1.3, note="pip install r").cells()[3:6] == ("—", "", "≤ 1.3×")


def test_rows_come_through_a_process_whatever_else_it_prints() -> None:
    program = f"from benchmarks.row import Row, tell\nprint('noise')\ntell([{EXAMPLE!r}])"
    assert list(runner.collect([sys.executable, "-c", program, "--json"], os.environ)) == [EXAMPLE]


def test_a_benchmark_that_fails_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="exit code 3"):
        list(runner.collect([sys.executable, "-c", "raise SystemExit(3)"], os.environ))


def test_an_unknown_name_lists_the_benchmarks(capsys: pytest.CaptureFixture[str]) -> None:
    assert runner.main(["saveing"]) == 2
    assert "There is no saveing" in capsys.readouterr().out


def test_table_and_page_hold_every_row_the_machine_and_the_versions() -> None:
    missed = Row("Saving", "another", 4.0, most=3)
    output = io.StringIO()
    report.show([EXAMPLE, missed], Console(file=output, width=200), 1.0)
    page = report.page([EXAMPLE, missed], date(2026, 1, 2), 1.0)
    for text in (output.getvalue(), page):
        assert "openpyxl" in text
        assert "≤ 3 s ✗" in text
        assert "numpy" in text
    assert "1 of 2 bars missed" in output.getvalue()
    assert "| one book | 0.5 s | openpyxl | 2 s | 0.25× | ≤ 1.3× ✓ | once |" in page
    assert "2026-01-02" in page


def test_work_that_takes_turns_is_timed_in_every_round() -> None:
    done: list[int] = []
    turns = measure.in_turns(lambda: done.append(1), lambda: done.append(2), rounds=3)
    assert done == [1, 2, 1, 2, 1, 2]
    assert turns.seconds.shape == turns.processor.shape == (2, 3)
    assert len(turns.least()) == 2


def test_a_process_is_timed_and_its_words_kept() -> None:
    done = measure.python("-c", "print('é')")
    assert done.printed.strip() == "é"
    assert done.seconds > 0


def test_a_process_that_fails_or_takes_too_long_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="the reason"):
        measure.python("-c", "raise SystemExit('the reason')")
    with pytest.raises(TimeoutError, match=r"not done after 0\.2 s"):
        measure.run([sys.executable, "-c", "import time; time.sleep(60)"], limit=0.2)


def test_the_hand_written_model_is_the_sheets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(books.FOLDER, str(tmp_path))
    books.folder.cache_clear()
    model = solver_rivals.Model.of(books.lesson())
    value, gradient = solver_rivals.by_hand(model)(model.start)
    # README: the cross-tab's RMSE before training.
    assert value == pytest.approx(2.8754, abs=5e-5)
    assert gradient.shape == model.start.shape == (150,)
    saving.ours(books.lesson(), tmp_path / "saved.xlsx")
    # All parts but the one sheet that was changed.
    assert saving.same_parts(books.lesson(), tmp_path / "saved.xlsx") == len(saving.parts_of(books.lesson())) - 1
    books.folder.cache_clear()

"""The solver's commands: what they say, what they write, and their exit codes."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, get_args

import numpy as np
import openpyxl
import pytest
import xlsxwriter
from typer.testing import CliRunner

from embedsheet.cli import app
from embedsheet.cli.solve import MethodName
from embedsheet.solvers.descent import LEARNING_RATES
from embedsheet.solvers.methods import METHODS
from embedsheet.workbook import Edit, Workbook
from kit import judges
from kit.foreign import ForeignBook
from kit.foreign_linear import product_mix
from kit.foreign_nonlinear import growth_curve

COMMANDS = ("solve", "gradient", "inspect", "recalculate", "undo")


def run(*arguments: Any) -> Any:
    """Run the command line in this process; wide, so that nothing wraps."""
    return CliRunner().invoke(app, [str(one) for one in arguments], env={"COLUMNS": "200", "NO_COLOR": "1"})


@pytest.fixture
def mix(tmp_path: Path) -> Path:
    return product_mix()[0].save_xlsxwriter(tmp_path / "mix.xlsx")


@pytest.fixture
def curve(tmp_path: Path) -> Path:
    return growth_curve()[0].save_openpyxl(tmp_path / "curve.xlsx")


def test_the_command_offers_the_methods_of_the_table() -> None:
    assert get_args(MethodName) == METHODS


@pytest.mark.parametrize("command", COMMANDS)
def test_every_help_has_an_example(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert f"Example: embedsheet {command} " in result.stdout


def test_help_breaks_lines_where_the_terminal_ends() -> None:
    said = CliRunner().invoke(app, ["solve", "--help"], env={"COLUMNS": "80", "NO_COLOR": "1"}).stdout
    text = said[said.index("The model is") : said.index("2: bad input.")].splitlines()
    assert len(text) == 5
    assert all(len(line.strip()) > 60 for line in text[:-1])  # of 80; the source's lines would leave stumps


def test_solve_says_what_it_did_and_writes_it(mix: Path) -> None:
    result = run("solve", mix)
    assert result.exit_code == 0, result.stdout
    assert "Solved as a linear model: Model!D9 0 → 36; 6 cells written.\n" in result.stdout
    assert "Changed parts: xl/worksheets/sheet1.xml\n" in result.stdout
    assert "Active: Model!D6 <= 12; Model!D7 <= 18" in result.stdout
    assert judges.gnumeric_values(mix)["Model"]["D9"] == 36


def test_convergence_is_told_with_iterations_and_gradient(curve: Path) -> None:
    result = run("solve", curve)
    assert result.exit_code == 0
    assert result.stdout.startswith("Converged in ")
    assert "→ 2.5873, largest gradient " in result.stdout
    assert "no spreadsheet program has calculated this file" in result.stdout


def test_the_number_of_starts_that_was_asked_for_is_told(curve: Path) -> None:
    said = run("solve", curve, "--restarts", 2, "--seed", 1, "--dry-run").stdout
    assert said.startswith("Converged in ") and " iterations, the best of 3 starts: " in said


def test_a_learning_rate_that_the_method_has_not_is_refused(curve: Path) -> None:
    result = run("solve", curve, "--learning-rate", 0.1, "--dry-run")
    assert result.exit_code == 2
    assert f"--learning-rate is for --method {', '.join(LEARNING_RATES)}; auto has none" in result.output


def test_where_the_gradient_does_not_vanish_the_reason_stands_in_its_place(tmp_path: Path) -> None:
    # |x − 0.3| + x/2 is least at 0.3, where its slope jumps from −1/2 to 3/2; x² reaches 2 where its slope is 2√2.
    cells = {"A1": 1.0, "A2": "=ABS(A1-0.3)+A1/2", "A3": "=A1^2"}
    book = ForeignBook(cells, "A2", "A1").save_openpyxl(tmp_path / "kink.xlsx")
    kink = run("solve", book, "--dry-run").stdout
    assert "(at a kink, where the slopes on all sides cancel): Model!A2 1.2 → 0.15; nothing was written." in kink
    target = run("solve", book, "--objective", "A3", "--changing", "A1", "--target", 2, "--dry-run").stdout
    assert "(the target 2 is reached): Model!A3 1 → 2; nothing was written." in target
    assert "largest gradient" not in kink + target and "gradient vanishes" not in kink + target


def test_a_book_that_nothing_calculated_can_be_solved_again(tmp_path: Path) -> None:
    # XlsxWriter stores 0 for every formula; A2 does not follow from the changing cell, and B2 is not even asked for.
    cells = {"A1": 3.0, "A2": "=6+1", "B1": 1.0, "B2": '="n"&A2', "C1": "=(B1-A1*A2)^2"}
    book = ForeignBook(cells, "C1", "B1").save_xlsxwriter(tmp_path / "fresh.xlsx")
    assert ": Model!C1 400 → " in run("solve", book).stdout
    again = run("solve", book)
    assert again.exit_code == 0, again.output
    assert "All 3 stored results are what embedsheet computes" in run("inspect", book).stdout


def test_a_copy_leaves_the_workbook_as_it_is(mix: Path, tmp_path: Path) -> None:
    before = mix.read_bytes()
    copy = tmp_path / "solved copy ä.xlsx"
    result = run("solve", mix, "-o", copy)
    assert result.exit_code == 0
    assert f"written to {copy}" in result.stdout
    assert mix.read_bytes() == before
    assert openpyxl.load_workbook(copy)["Model"]["C3"].value == 6


def test_a_dry_run_writes_nothing(mix: Path) -> None:
    before = mix.read_bytes()
    result = run("solve", mix, "--dry-run")
    assert result.exit_code == 0
    assert "36; nothing was written" in result.stdout
    assert mix.read_bytes() == before
    assert run("solve", mix, "--dry-run", "--save-setup").exit_code == 2


def test_undo_brings_the_file_back_once(mix: Path) -> None:
    before = mix.read_bytes()
    run("solve", mix)
    result = run("undo", mix)
    assert (result.exit_code, mix.read_bytes()) == (0, before)
    assert "6 cells brought back" in result.stdout
    assert run("undo", mix).exit_code == 2


def test_where_nothing_changed_nothing_is_said_of_undo(mix: Path, tmp_path: Path) -> None:
    assert run("solve", mix, "-o", tmp_path / "once.xlsx").exit_code == 0
    shutil.copy(tmp_path / "once.xlsx", tmp_path / "best.xlsx")
    before = (tmp_path / "best.xlsx").read_bytes()
    again = run("solve", tmp_path / "best.xlsx")
    assert again.exit_code == 0 and "undo" not in again.output
    assert (tmp_path / "best.xlsx").read_bytes() == before


def test_json_holds_the_words_of_the_message(mix: Path) -> None:
    result = run("solve", mix, "--json", "--dry-run")
    told = json.loads(result.stdout)
    assert told["status"] == "optimal"
    assert told["objective_after"] == 36
    assert told["changing"][0]["values"] == [[2, 6]]
    assert told["cells_written"] == 0


def test_a_history_is_gone_through_again_and_its_last_step_kept(curve: Path, tmp_path: Path) -> None:
    target, third = tmp_path / "history.csv", tmp_path / "third.xlsx"
    run("solve", curve, "--history", target, "--max-iterations", 9, "-o", tmp_path / "ninth.xlsx")
    rows = [line.split(",") for line in target.read_text().splitlines()]
    cells = rows[0][4:]
    told = run("solve", curve, "--replay", target, "--max-iterations", 3, "-o", third)
    shown = [line for line in told.stdout.splitlines() if line.startswith("Iteration ")]
    assert len(shown) == 4 and f"{cells[0]} = {float(rows[4][4]):.8g}" in shown[3]
    assert "iteration 3 of history.csv" in told.stdout
    kept = Workbook.open(third)
    for name, value in zip(cells, rows[4][4:], strict=True):
        assert kept.numbers(kept.area(name)).item() == float(value)
    again = run("solve", third, "--replay", target, "--dry-run", "--json")
    assert json.loads(again.stdout)["iterations"] == 9


def test_a_record_that_is_not_of_this_workbook_is_refused(curve: Path, tmp_path: Path) -> None:
    target = tmp_path / "history.csv"
    run("solve", curve, "--history", target, "--max-iterations", 3, "-o", tmp_path / "copy.xlsx")
    text = target.read_text()

    def refused(changed: str) -> str:
        target.write_text(changed)
        result = run("solve", curve, "--replay", target, "--dry-run")
        assert result.exit_code == 2
        return " ".join((result.stdout + result.stderr).split())

    lines = text.splitlines()
    values = lines[2].split(",")
    assert "the workbook has changed since" in refused(text.replace(values[1], "12345.5", 1))
    assert "has no column for" in refused("\n".join(line.rsplit(",", 1)[0] for line in lines))
    assert "is no history of a search" in refused("a,b\n1,2\n")
    assert "line 3: is no iterate" in refused(text.replace(lines[2], "x" + lines[2], 1))


def test_history_goes_to_a_csv_file(curve: Path, tmp_path: Path) -> None:
    target = tmp_path / "history.csv"
    run("solve", curve, "--history", target, "--max-iterations", 9)
    with target.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0][:4] == ["iteration", "objective", "gradient_norm", "seconds"]
    assert len(rows[0]) > 4 and all(name.startswith("Model!") for name in rows[0][4:])
    assert [row[0] for row in rows[1:]] == [str(iteration) for iteration in range(10)]


@pytest.mark.skipif(sys.platform == "win32", reason="a pipe whose reader is gone")
def test_history_is_kept_though_nobody_reads_what_is_said(curve: Path, tmp_path: Path) -> None:
    """As for `embedsheet solve … | head -1`."""
    target = tmp_path / "history.csv"
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "embedsheet", "solve", curve, "--history", target, "--max-iterations", "2"]
    subprocess.run(command, stdout=writer, stderr=subprocess.DEVNULL, check=False)
    os.close(writer)
    assert len(target.read_text(encoding="utf-8").splitlines()) == 4


def test_a_limit_is_improved_and_exit_code_0(curve: Path) -> None:
    result = run("solve", curve, "--max-iterations", 3)
    assert result.exit_code == 0
    assert "Improved in 3 iterations (the limit of 3 iterations is reached)" in result.stdout


def test_infeasible_and_unbounded_are_exit_code_1_and_write_nothing(mix: Path) -> None:
    before = mix.read_bytes()
    infeasible = run("solve", mix, "--subject-to", "B3:C3 >= 10")
    assert infeasible.exit_code == 1
    assert infeasible.stdout.startswith("Infeasible: no values of the changing cells satisfy all constraints together")
    assert "\nA linear model.\n" in infeasible.stdout and "proves the optimum" not in infeasible.stdout
    alone = ("--objective", "Model!D9", "--changing", "Model!B3:C3", "--without-stored")
    unbounded = run("solve", mix, *alone, "--maximize", "--json")
    assert unbounded.exit_code == 1
    assert json.loads(unbounded.stdout)["status"] == "unbounded"
    assert mix.read_bytes() == before


BAD_INPUT = [
    (["--sheet", "Nowhere"], "has no sheet 'Nowhere'"),
    (["--minimize", "--maximize"], "choose one of"),
    (["--objective", "Model!D9", "--without-stored"], "--changing"),
    (["--objective", "Model!Z99", "--changing", "Model!B3"], "Z99"),
    (["--subject-to", "whatever"], "is no constraint"),
    (["--method", "CG"], "CG cannot keep"),
    (["--method", "GRG"], "GRG"),
    (["--max-iterations", "0"], "max-iterations"),
    (["--changing", "Model!D5:D7"], "--overwrite-formulas"),
]


@pytest.mark.parametrize(("options", "words"), BAD_INPUT)
def test_bad_input_is_one_message_and_exit_code_2(options: list[str], words: str, mix: Path) -> None:
    before = mix.read_bytes()
    result = run("solve", mix, *options)
    assert result.exit_code == 2, result.output
    assert words in result.output
    assert "Traceback" not in result.output
    assert mix.read_bytes() == before


def test_a_missing_file_is_exit_code_2(tmp_path: Path) -> None:
    for command in COMMANDS:
        assert run(command, tmp_path / "nothing.xlsx").exit_code == 2


def test_a_misspelled_file_or_name_is_answered_with_the_right_one(
    movielens_book: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(movielens_book, "movielens.xlsx")
    missing = run("inspect", "movelens.xlsx").output
    assert "movelens.xlsx: there is no such file; did you mean movielens.xlsx?" in missing
    assert "did you mean" not in run("inspect", "other.xlsx").output
    missing = run("gradient", "movielens.xlsx", "--sheet", "Cross-tab", "--objective", "rsme").output
    assert "'rsme' is no address, defined name or table of movielens.xlsx; did you mean rmse?" in missing
    sums = run("gradient", "movielens.xlsx", "--sheet", "Cross-tab", "--objective", "F3 + F4").output
    assert "; a calculation stands in a cell: give that cell, such as F3." in sums
    missing = run("solve", "movielens.xlsx", "--sheet", "Crosstab").output
    assert "has no sheet 'Crosstab'; it has Guide, " in missing and "; did you mean Cross-tab?" in missing


def test_a_name_with_spaces_typed_without_quotation_marks_is_put_into_them(
    mix: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(mix, "Übung 1.xlsx")
    result = run("solve", "Übung", "1.xlsx")
    assert result.exit_code == 2
    assert 'its name has spaces, so it must stand in quotation marks: "Übung 1.xlsx".' in result.output
    copied = run("solve", "Übung", "1.xlsx", "-o", "copy.xlsx").output
    assert 'must stand in quotation marks: "Übung 1.xlsx".' in copied and "solve each alone" not in copied
    assert "a name with spaces stands in quotation marks" in run("inspect", "Übung", "1.xlsx").output
    many = run("solve", *["a" * 200 + ".xlsx"] * 3)  # together no system takes them for a name
    assert many.exit_code == 2 and many.output.count("there is no such file") == 3


def test_a_sheet_with_spaces_typed_without_quotation_marks_solves_no_other_sheet(
    movielens_book: Path, tmp_path: Path
) -> None:
    path = shutil.copy(movielens_book, tmp_path / "movielens.xlsx")
    before = path.read_bytes()
    result = run("solve", path, "--sheet", "Cross-tab", "with", "bias")
    assert result.exit_code == 2 and path.read_bytes() == before
    assert "stands in quotation marks: --sheet 'Cross-tab with bias'." in result.output.replace('"', "'")


def test_undo_of_a_misspelled_file_names_the_right_one(movielens_book: Path, tmp_path: Path) -> None:
    shutil.copy(movielens_book, tmp_path / "movielens.xlsx")
    result = run("undo", tmp_path / "movelens.xlsx")
    assert result.exit_code == 2
    assert "there is no such file; did you mean movielens.xlsx?" in result.output


def test_a_wide_block_of_the_gradient_shows_whole_numbers_in_80_columns(movielens_book: Path) -> None:
    result = CliRunner().invoke(
        app, ["gradient", str(movielens_book), "--sheet", "Cross-tab"], env={"COLUMNS": "80", "NO_COLOR": "1"}
    )
    assert "the first 5 × 5; --json has all" in result.stdout  # of the movies' 5 × 15
    assert "…" not in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_a_target_in_words_is_reached(curve: Path) -> None:
    result = run("solve", curve, "--target", 100, "--json", "--dry-run")
    assert json.loads(result.stdout)["objective_after"] == pytest.approx(100, abs=1e-4)


def test_all_zero_factors_name_the_remedy_and_the_remedy_works(tmp_path: Path) -> None:
    book = ForeignBook({"A1": 0, "A2": 0, "B1": "=(A1*A2-3)^2"}, "B1", "A1:A2")
    path = book.save_openpyxl(tmp_path / "zeros.xlsx")
    result = run("solve", path)
    assert result.exit_code == 1
    assert "--randomize 1" in result.stdout
    assert run("solve", path, "--randomize", 1).exit_code == 0


def test_a_start_without_a_finite_derivative_is_left_and_its_cell_named(tmp_path: Path) -> None:
    """The derivative 1/(2√x) + 2 (x - 2) is 0 where u = √x solves 4u³ - 8u + 1 = 0: the largest root is the minimum."""
    book = ForeignBook({"A1": 0, "B1": "=SQRT(A1)", "B2": "=B1+(A1-2)^2"}, "B2", "A1", nonnegative=True)
    result = run("solve", path := book.save_openpyxl(tmp_path / "root.xlsx"))
    assert result.exit_code == 0
    assert "Model!B1: SQRT(0) has no finite derivative" in result.output
    root = max(np.roots([4, 0, -8, 1]).real)
    assert openpyxl.load_workbook(path, data_only=True)["Model"]["B2"].value == pytest.approx(
        root + (root**2 - 2) ** 2, rel=1e-9
    )


def test_gradient_prints_blocks_and_its_check(curve: Path) -> None:
    result = run("gradient", curve, "--check")
    assert result.exit_code == 0
    assert "Model!F1:F3: 3 × 1" in result.stdout
    assert "3 of 3 cells compared): they agree" in result.stdout
    told = json.loads(run("gradient", curve, "--json", "--check").stdout)
    assert told["check"]["passed"] is True
    assert len(told["gradient"][0]["values"]) == 3


def test_inspect_shows_set_ups_functions_and_the_check(mix: Path) -> None:
    run("recalculate", mix)
    result = run("inspect", mix)
    assert result.exit_code == 0
    assert "Solver set-up on Model: maximize Model!D9 by changing Model!B3:C3 (2 cells)" in result.stdout
    assert "Functions: SUMPRODUCT (4)" in result.stdout
    assert "All 4 stored results are what embedsheet computes" in result.stdout


def test_inspect_names_what_is_not_supported(tmp_path: Path) -> None:
    book = ForeignBook({"A1": 1, "B1": '=CELL("width",A1)', "B2": "=A1^2"}, "B2", "A1")
    result = run("inspect", book.save_openpyxl(tmp_path / "odd.xlsx"))
    assert result.exit_code == 0
    assert "Not supported: Model!B1: CELL" in result.stdout


def test_a_misspelt_function_is_answered_with_the_one_it_is_like(tmp_path: Path) -> None:
    cells = {"A1": 1, "B1": "=SUMM(A1)", "B2": "=AVERGE(A1)", "B3": '=FILTERXML(A1,"b")', "B4": "=A1^2"}
    said = run("inspect", ForeignBook(cells, "B4", "A1").save_openpyxl(tmp_path / "odd.xlsx")).stdout
    assert "Model!B1: SUMM is not supported; did you mean SUM?" in said
    assert "Model!B2: AVERGE is not supported; did you mean AVERAGE?" in said
    assert "Model!B3: FILTERXML is not supported; see docs/functions.md" in said


def test_recalculate_refreshes_what_other_programs_left_out(tmp_path: Path, curve: Path) -> None:
    result = run("recalculate", curve)
    assert result.exit_code == 0
    assert "13 formulas, 13 results out of date or missing; 13 cells written" in result.stdout
    stored = openpyxl.load_workbook(curve, data_only=True)["Model"]
    judged = judges.gnumeric_values(curve)["Model"]
    for address in ("C2", "C13", "F5"):
        assert stored[address].value == pytest.approx(judged[address], rel=1e-12)
    assert "13 formulas, 0 results out of date or missing; nothing was written" in run("recalculate", curve).stdout


def test_recalculate_takes_an_empty_text_that_is_stored_without_value_for_what_it_is(tmp_path: Path) -> None:
    """XlsxWriter stores "" as <v></v> of no type; A2 shows x and stores nothing, too, and that is missing."""
    with xlsxwriter.Workbook(tmp_path / "texts.xlsx") as book:
        sheet = book.add_worksheet("S")
        sheet.write_formula("A1", '=IF(B1=0,"","x")', None, "")
        sheet.write_formula("A2", '=IF(B1=0,"x","")', None, "")
    said = run("recalculate", tmp_path / "texts.xlsx").stdout
    assert "2 formulas, 1 results out of date or missing; 1 cells written" in said
    assert judges.read_values(tmp_path / "texts.xlsx")["S"]["A2"] == "x"


def test_recalculate_tells_rounding_from_results_that_are_out_of_date(movielens_book: Path, tmp_path: Path) -> None:
    """The RMSE is 2.875…; of two stored results one is falsified by 1, one in its fifteenth digit."""
    path = tmp_path / "films.xlsx"
    assert run("recalculate", movielens_book, "-o", path).exit_code == 0
    book = Workbook.open(path)
    cells = [book.area("rmse", sheet) for sheet in ("Cross-tab", "One rating a row")]
    wrong = [book.numbers(cell) + error for cell, error in zip(cells, (1, 1e-14), strict=True)]
    book.save([Edit.of_numbers(cell, number) for cell, number in zip(cells, wrong, strict=True)])
    said = run("recalculate", path, "--dry-run").stdout
    assert "1 results out of date or missing, 1 more off by rounding; nothing was written." in said


@pytest.mark.skipif(os.name == "nt", reason="Windows sends Ctrl-C to the whole console")
def test_ctrl_c_in_a_running_process_keeps_the_best_so_far(tmp_path: Path) -> None:
    # A valley of 200 cells, by a method that takes far more than its iterations to cross it.
    book = ForeignBook({}, "C1", "A1:A200")
    book.column("A1", [-1.2] * 200)
    book.fill("B1:B199", "=100*(A{n}-A{r}^2)^2+(1-A{r})^2")
    for row in range(1, 200):
        book.cells[f"B{row}"] = book.cells[f"B{row}"].replace("{n}", str(row + 1))
    book.cells["C1"] = "=SUM(B1:B199)"
    path = book.save_openpyxl(tmp_path / "valley.xlsx")
    history = tmp_path / "history.csv"
    command = [sys.executable, "-m", "embedsheet", "solve", str(path), "--method", "adam", "--learning-rate", "1e-6",
               "--max-iterations", "100000000", "--history", str(history)]  # fmt: skip
    script = (
        "import sys; from embedsheet.solvers import tracker\n"
        "record = tracker.Tracker.record\n"
        "def told(self, *rest):\n"
        "    record(self, *rest)\n"
        "    if self.iteration == 5: print('searching', flush=True)\n"
        "tracker.Tracker.record = told\n"
        f"sys.argv = {command[2:]!r}\n"
        "from embedsheet.cli import main; main()"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "searching"
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate()
    assert process.returncode == 0, output
    assert "stopped by Ctrl-C" in output
    assert "400 cells written" in output
    assert history.exists()


def test_a_stale_lock_is_named_and_can_be_ignored(mix: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = mix.with_name(f".~lock.{mix.name}#")
    lock.write_text(",ada,host,01.01.2026 10:00,file:///home;", encoding="utf-8")
    refused = run("solve", mix)
    assert refused.exit_code == 2
    monkeypatch.chdir(mix.parent)
    assert f"Error: {mix.name}: is open in LibreOffice" in run("solve", mix.name).output  # as it was typed
    assert "--ignore-lock" in refused.output or "lock" in refused.output
    assert run("solve", mix, "--ignore-lock").exit_code == 0


def test_the_solve_log_sheet_of_a_lesson_is_filled(tmp_path: Path) -> None:
    path = tmp_path / "films.xlsx"
    made = run("new", "movielens", "--users", 4, "--movies", 5, "--factors", 2, "-o", path)
    assert made.exit_code == 0, made.output
    told = json.loads(run("solve", path, "--sheet", "Cross-tab", "--json").stdout)
    log = openpyxl.load_workbook(path, data_only=True)["Solve log"]
    cells = {cell.value: cell.offset(column=1).value for row in log.iter_rows() for cell in row if cell.value}
    assert cells["status"] == told["status"] == "optimal"
    assert cells["objective after"] == pytest.approx(told["objective_after"])
    assert cells["iterations"] == told["iterations"]
    compare = openpyxl.load_workbook(path, data_only=True)["Compare"]
    assert "solver, of Cross-tab" in [cell.value for row in compare.iter_rows() for cell in row]  # the chart's legend
    values = judges.gnumeric_values(path)
    assert values["Cross-tab"][told["objective"].split("!")[1]] == pytest.approx(told["objective_after"], rel=1e-9)


def test_undo_refuses_a_file_that_changed_since(mix: Path, tmp_path: Path) -> None:
    before = mix.read_bytes()
    run("solve", mix)
    shutil.copy(product_mix()[0].save_openpyxl(tmp_path / "other.xlsx"), mix)
    result = run("undo", mix)
    assert result.exit_code == 2
    assert "changed since" in result.output and f"embedsheet undo {mix} --force" in result.output
    assert run("undo", mix, "--force").exit_code == 0
    assert mix.read_bytes() == before

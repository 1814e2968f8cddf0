"""The Keras commands: what they say, what they write, and their exit codes."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from embedsheet.cli import app
from embedsheet.cli.movielens import Bar
from embedsheet.workbook import Workbook
from kit.judges import gnumeric_values, write_book
from kit.stored import departures

LECTURE = Path(__file__).parents[2] / "shared" / "data" / "lecture" / "collab_filter.xlsx"
LECTURES_BLOCKS = (
    "--sheet dotprod --user-ids G25:G39 --movie-ids H1:V1 --user-factors B25:F39 --movie-factors H19:V23 "
    "--ratings H2:V16 --predictions H25:V39"
).split()


def run(*arguments: Any) -> Any:
    """Run the command line in this process; wide, so that nothing wraps."""
    return CliRunner().invoke(app, [str(one) for one in arguments], env={"COLUMNS": "200", "NO_COLOR": "1"})


def fingerprint(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def lesson(movielens_book: Path, tmp_path: Path) -> Path:
    path = tmp_path / "movie lens é.xlsx"
    shutil.copy(movielens_book, path)
    return path


@pytest.fixture
def lecture(tmp_path: Path) -> Path:
    if not LECTURE.exists():
        pytest.skip("the lecture's workbook is not here")
    return Path(shutil.copy(LECTURE, tmp_path / "collab_filter.xlsx"))


@pytest.mark.parametrize("command", ["train", "compare", "movielens"])
def test_every_help_has_an_example(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0
    assert f"Example: embedsheet {command} " in result.stdout


def test_compare_proves_every_model_sheet_and_fills_in_compare(lesson: Path) -> None:
    result = run("compare", lesson, "--steps", 3)
    assert result.exit_code == 0, result.output
    for sheet in ("Cross-tab", "Cross-tab with bias", "One rating a row"):
        assert sheet in result.stdout
    assert result.stdout.count("✓") == 12  # 3 sheets, 4 checks each
    assert "The same model: every difference is rounding." in result.stdout
    book = Workbook.open(lesson)
    checks = book.values(book.area("compare.checks", "Compare"))
    assert [row[0] for row in checks][:2] == ["206 predictions (float32)", "RMSE (float32)"]
    assert all(isinstance(row[3], float) and row[3] < 1e-5 for row in checks)
    assert book.values(book.area("compare.code", "Compare"))[0] == ["import keras"]


def test_a_comparison_is_whole_in_80_columns(lesson: Path) -> None:
    arguments = ["compare", str(lesson), "--sheet", "Cross-tab with bias", "--float64", "--dry-run"]
    lines = CliRunner().invoke(app, arguments, env={"COLUMNS": "80", "NO_COLOR": "1"}).stdout.splitlines()
    assert " Cross-tab with bias" in [line.rstrip() for line in lines]
    assert [line.split()[:-5] for line in lines if "✓" in line] == [
        "206 predictions".split(), ["RMSE"], "gradient, 180 parts".split(), "weights after 10 steps".split(),
    ]  # fmt: skip
    assert not any("…" in line for line in lines)


def test_the_bar_never_counts_beyond_the_last_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    with Bar("Cross-tab") as bar:
        monkeypatch.setattr(bar._bar, "update", lambda task, description, **_: said.append(description))
        for done in (0, 1.5, 2):
            bar.show(done, 2)
    assert said == [f"Cross-tab: epoch {epoch} of 2 (Ctrl-C keeps the best)" for epoch in (1, 2, 2)]


def test_compare_leaves_the_file_alone_when_asked_to(lesson: Path) -> None:
    before = fingerprint(lesson)
    result = run("compare", lesson, "--sheet", "Cross-tab", "--float64", "--dry-run")
    assert result.exit_code == 0, result.output
    assert "1e-12" in result.stdout
    assert fingerprint(lesson) == before


def test_train_writes_back_and_undo_takes_it_back(
    lesson: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    before = fingerprint(lesson)
    result = run("train", lesson, "--epochs", 5, "--replace", "--sheet", "Cross-tab")
    assert result.exit_code == 0, result.output
    assert "Cross-tab: RMSE 2.8754 → " in result.stdout
    assert "on cpu:0 (jax)" in result.stdout
    assert "see its sheets Keras and Compare" in result.stdout
    book = Workbook.open(lesson)
    rmse = book.numbers(book.area("rmse", "Cross-tab"))[0, 0]
    assert rmse < 2.8754
    assert departures(lesson, gnumeric_values) == []
    assert run("undo", lesson).exit_code == 0
    assert fingerprint(lesson) == before


def test_a_foreign_workbook_is_compared_in_a_new_one_and_stays_as_it_was(lecture: Path, tmp_path: Path) -> None:
    before, target = fingerprint(lecture), tmp_path / "comparison.xlsx"
    result = run("train", lecture, *LECTURES_BLOCKS, "--epochs", 4, "-o", target)
    assert result.exit_code == 0, result.output
    assert fingerprint(lecture) == before
    book = Workbook.open(target)
    sheet, same, trained = (
        book.numbers(book.area(f"rmse.{name}", "Compare"))[0, 0] for name in ("sheet", "same_weights", "keras")
    )
    assert sheet == pytest.approx(2.80606206164831, abs=1e-12)  # his cell V41
    assert same == pytest.approx(sheet, abs=1e-6)
    assert trained < sheet
    assert departures(target, gnumeric_values) == []
    assert run("train", lecture, *LECTURES_BLOCKS, "-o", target).exit_code == 2  # refuses to replace it


def test_a_foreign_workbook_without_a_place_for_results_is_refused(lecture: Path) -> None:
    before = fingerprint(lecture)
    result = run("train", lecture, *LECTURES_BLOCKS)
    assert result.exit_code == 2
    assert "name a new workbook for the comparison with -o" in result.stderr
    result = run("compare", lecture)
    assert result.exit_code == 2
    assert "say where the blocks are with --user-ids" in result.stderr
    assert fingerprint(lecture) == before


def test_a_foreign_workbooks_factors_are_replaced_when_asked_to(lecture: Path) -> None:
    result = run("train", lecture, *LECTURES_BLOCKS, "--epochs", 4, "--replace")
    assert result.exit_code == 0, result.output
    book = Workbook.open(lecture)
    assert book.numbers(book.area("V41", "dotprod"))[0, 0] < 2.8


@pytest.mark.parametrize(
    ("arguments", "message", "code"),
    [
        (["train", "BOOK", "--optimizer", "newton"], "no optimizer 'newton'; choose one of adam", 2),
        (["train", "BOOK", "--device", "gpu:9"], "sees no gpu:9, only", 2),
        (["train", "BOOK", "--sheet", "One-hot"], "One-hot: not found: movie ids", 2),
        (["train", "BOOK", "--learning-rate", "1e9", "--optimizer", "sgd"], "choose a smaller --learning-rate", 1),
        (["compare", "BOOK", "--sheet", "Nowhere"], "has no sheet 'Nowhere'; it has Guide", 2),
        (["movielens", "--model", "net", "-o", "x.xlsx"], "--model best, svdpp, bias or dot", 2),
        (["movielens", "--lecture"], "The lecture has no model 'best'", 2),
        (["movielens", "-o", "x.txt"], "is not called .xlsx", 2),
        (["movielens", "--ratings", "nowhere.csv"], "nowhere.csv", 2),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_written(
    arguments: list[str], message: str, code: int, lesson: Path
) -> None:
    before = fingerprint(lesson)
    result = run(*[str(lesson) if one == "BOOK" else one for one in arguments])
    assert message in result.stderr.replace("\n", " "), result.output
    assert result.exit_code == code
    assert not result.output.startswith("\n")
    assert fingerprint(lesson) == before


def test_an_open_workbook_is_refused_before_it_is_compared(lesson: Path) -> None:
    lesson.with_name(f".~lock.{lesson.name}#").write_text(",ada,desk,;", encoding="utf-8")
    result = run("compare", lesson, "--sheet", "Cross-tab")
    assert result.exit_code == 2 and result.stdout == ""
    assert "close it there first" in result.stderr and result.stderr.rstrip().endswith("--dry-run.")
    assert run("compare", lesson, "--sheet", "Cross-tab", "--dry-run").exit_code == 0


def test_a_model_that_is_not_trained_in_keras_is_refused_with_what_trains_it(green_eggs_book: Path) -> None:
    result = run("train", green_eggs_book)
    assert "a skip-gram model is not trained in Keras; embedsheet solve trains it in its own cells" in result.stderr
    assert result.exit_code == 2


def test_train_names_the_missing_blocks_of_a_workbook_without_a_model(tmp_path: Path) -> None:
    result = run("train", write_book(tmp_path / "other.xlsx", {"S": {"A1": 1.0}}))
    assert "no sheet has the names users.id, users.factors" in result.stderr
    assert result.exit_code == 2


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """A small release of GroupLens' own form: 30 users, 40 movies, 700 ratings that follow two factors."""
    generator = np.random.default_rng(8)
    users, movies = generator.normal(size=(30, 2)), generator.normal(size=(40, 2))
    folder = tmp_path / "release"
    folder.mkdir()
    pairs = generator.permutation(1200)[:700]
    stars = np.clip(np.round(2 * (3 + (users @ movies.T).ravel()[pairs])) / 2, 0.5, 5)
    lines = [f"{pair // 40 + 1},{pair % 40 + 1},{star},0" for pair, star in zip(pairs, stars, strict=True)]
    (folder / "ratings.csv").write_text("userId,movieId,rating,timestamp\n" + "\n".join(lines) + "\n", encoding="utf-8")
    rows = [f"{movie},Movie {movie} (19{movie + 50}),Comedy|Drama" for movie in range(1, 41)]
    (folder / "movies.csv").write_text("movieId,title,genres\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return folder / "ratings.csv"


def test_movielens_trains_reports_and_writes_its_workbook(release: Path, tmp_path: Path) -> None:
    target = tmp_path / "learned.xlsx"
    result = run("movielens", "--ratings", release, "--factors", 4, "--epochs", 12, "-o", target, "--movies", 30)
    assert result.exit_code == 0, result.output
    assert "700 ratings by 30 users of 40 movies" in result.stdout
    assert "RMSE training" in result.stdout
    assert "best: validation RMSE" in result.stdout
    assert "on cpu:0 (jax)" in result.stdout
    assert f"Wrote {target}" in result.stdout.replace("\n", "")
    assert list(Workbook.open(target).sheets) == [
        "Result", "Best and worst", "Map", "More like this", "For one user", "Movies", "Users", "Ratings",
    ]  # fmt: skip


@pytest.mark.soak
def test_the_ladder_is_a_table_of_every_model(release: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from embedsheet.mirrors.full_size import movielens_training as training

    short = {name: training.replace(recipe, phases=recipe.phases[:1] and ((1e-2, 1),), iterations=3,
                                            sweeps=3 if recipe.sweeps else 0)
             for name, recipe in training.DEFAULT.items()}  # fmt: skip
    monkeypatch.setattr(training, "DEFAULT", short)
    monkeypatch.setattr(training, "LECTURE", {name: short["net"] if name == "net" else
                        training.replace(short[name], phases=((1e-2, 1),)) for name in training.LECTURE})  # fmt: skip
    result = run("movielens", "--ratings", release, "--ladder")
    assert result.exit_code == 0, result.output
    rows = [
        line.split()[0]
        for line in result.stdout.splitlines()
        if any(word in line for word in ("L-BFGS", "lecture", "Adam", "sampling"))
    ]
    assert rows == ["dot", "dot", "bias", "bias", "net", "net", "svdpp", "best"]

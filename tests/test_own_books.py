"""Every workbook that any command writes, each option of each command, is recalculated by judges.

They find the results that it stores. A command or option without a place in the tables here fails.
"""

from __future__ import annotations

import inspect
import re
import shlex
import shutil
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from lxml import etree
from typer.testing import CliRunner

from embedsheet.cli import app
from embedsheet.lessons import LESSONS, find
from kit.foreign import ForeignBook
from kit.judges import (
    Values,
    embedsheet_values,
    gnumeric_values,
    libreoffice_values,
    libreoffice_values_of,
    validity_faults,
)  # fmt: skip
from kit.repair import repair_causes
from kit.stored import departures
from kit.trials import TRIALS

POEM = "I am Sam. Sam I am. Do you like them, Sam? I do not like them here or there.\n"
CASES = [(lesson, how) for lesson in TRIALS for how in ("", "with every option")]
SINGLE = [(lesson, name) for lesson, one in TRIALS.items() for name, value in one.options.items() if value is not None]

# Commands that write no workbook; `open` writes what a button or its user saves: tests/test_buttons_press.py.
WRITE_NONE = {
    "lessons", "gradient", "inspect", "text train", "text generate", "homework list", "homework preview",
    "homework check", "doctor", "open", "code", "show", "excel install", "excel uninstall",
}  # fmt: skip
# Options without a trace in the workbook: what is printed, which other files are written, what is not refused.
TRACELESS = {"dry_run", "json", "history", "force", "ignore_lock"}
ABSENT = {
    "solve": {"step"},  # shows only
    "movielens": {"ladder", "device"},  # --ladder writes nothing
    "train": {"device"},
    "homework grade": {"seconds", "megabytes", "assignment"},  # the assignment changes words and points only
    # To a workbook without our names `compare` adds nothing.
    "compare": {
        "user_ids", "user_factors", "user_bias", "movie_ids", "movie_factors", "movie_bias", "ratings", "rating_users",
        "rating_movies", "predictions", "rmse", "code",
    },
}  # fmt: skip
# Lines run one after another beside a lesson, somebody's workbook, ratings and a class; what they leave is judged.
RUNS = {
    "new with buttons": "new movielens --users 4 --movies 5 --factors 2 --buttons -o buttons.xlsm; "
    "new rnn --hidden 2 --factors 2 --length 3 --buttons -o net.xlsm",
    "solve": "solve lesson.xlsx --sheet Cross-tab --max-iterations 5 --save-setup",
    "solve by steps": "solve lesson.xlsx --sheet 'One rating a row' --method adam --learning-rate 0.05 "
    "--max-iterations 3 --randomize 3 -o copy.xlsx",
    "solve a model of the command line": "solve theirs.xlsx --objective C5 --changing B2:B4 --maximize "
    "--without-stored --bound 'B2:B4 <= 7' --subject-to 'C5 <= 40' --nonnegative --restarts 1 --seed 2 "
    "--tolerance 1e-8 --engine tape --trust-embedsheet --save-setup",
    "solve for a value": "solve theirs.xlsx --objective C5 --changing B2:B4 --target 12 --time-limit 60 --gap 0.01",
    "solve with reports": "solve theirs.xlsx --report all --follow C2 -o copy.xlsx; "
    "solve theirs.xlsx --objective C6 --changing B2:B4 --minimize --without-stored --bound '1 <= B2:B4 <= 7' --free "
    "--method global --report population,answer,linearity",
    "solve and replay": "solve lesson.xlsx --sheet Cross-tab --method CG --max-iterations 4 --history steps.csv "
    "-o copy.xlsx; solve lesson.xlsx --sheet Cross-tab --replay steps.csv --max-iterations 2 --report answer",
    "solve over formulas": "solve theirs.xlsx --objective C6 --changing B2:B4 --changing E2 --minimize --free "
    "--without-stored --overwrite-formulas",
    "solve and undo": "solve lesson.xlsx --sheet Cross-tab --max-iterations 2; undo lesson.xlsx",
    "buttons": "buttons theirs.xlsx; buttons lesson.xlsx -o lesson-buttons.xlsm",
    "recalculate": "recalculate theirs.xlsx",
    "recalculate a copy": "recalculate lesson.xlsx -o copy.xlsx",
    "derive": "derive theirs.xlsx --objective C5 --changing B2:B4 --trust-embedsheet",
    "derive a lesson": "new movielens --users 4 --movies 5 --factors 2 --no-gradient-sheet -o plain.xlsx; "
    "derive plain.xlsx --sheet Cross-tab -o copy.xlsx; derive plain.xlsx --sheet 'One rating a row' --buttons",
    "compare": "compare lesson.xlsx",
    "compare one sheet": "compare lesson.xlsx --sheet Cross-tab --float64 --steps 2 --learning-rate 0.05",
    "train": "train lesson.xlsx --epochs 2",
    "train as said": "train lesson.xlsx --sheet 'Cross-tab with bias' --optimizer sgd --learning-rate 0.01 --epochs 3 "
    "--batch-size 8 --l2 0.001 --validation 0.2 --patience 1 --seed 3 --float64 --replace -o copy.xlsx",
    "train cells": "train lesson.xlsx --sheet 'Cross-tab with bias' --epochs 2 --user-ids users.id --user-factors "
    "users.factors --user-bias users.bias --movie-ids movies.id --movie-factors movies.factors --movie-bias "
    "movies.bias --ratings ratings --predictions predictions --rmse rmse -o copy.xlsx",
    "train cells in place": "train lesson.xlsx --sheet 'One rating a row' --epochs 2 --user-ids users.id "
    "--user-factors users.factors --movie-ids movies.id --movie-factors movies.factors --ratings ratings.rating "
    "--rating-users ratings.user --rating-movies ratings.movie --predictions predictions --rmse rmse --replace",
    "movielens": "movielens --ratings ratings.csv --factors 2 --epochs 2 --validation 0.3 --seed 3 --movies 20 "
    "-o copy.xlsx",
    "movielens, dot": "movielens --model dot --ratings ratings.csv --factors 2 --epochs 2 -o copy.xlsx",
    "movielens, bias": "movielens --model bias --ratings ratings.csv --factors 2 --epochs 2 -o copy.xlsx",
    "movielens of the lecture": "movielens --model bias --lecture --ratings ratings.csv --factors 2 --epochs 2 "
    "--batch-size 32 --learning-rate 0.01 -o copy.xlsx",
    "homework from a workbook": "homework from theirs.xlsx -o own --asked C2:C4 --asked C5 --varies A2:A4; "
    "homework new own --roster class.csv -o . --key own-key.json",
    "homework": "homework new embeddings --roster class.csv -o . --key key.json; "
    "homework grade . --key key.json --processes 1 -o gradebook.xlsx",
}  # fmt: skip


def commands(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, dict[str, set[str]]]]:
    """Yield every command that is no lesson's: its words, and {option: how it is written}."""
    if hasattr(node, "list_commands"):
        for name in node.list_commands(None):
            if path != ("new",):
                yield from commands(node.get_command(None, name), (*path, name))
    else:
        yield (
            " ".join(path),
            {
                option.name: {*option.opts, *option.secondary_opts}
                for option in node.params
                if option.param_type_name == "option"
            },
        )


def lines() -> list[list[str]]:
    return [shlex.split(line) for run in RUNS.values() for line in run.split("; ")]


def test_no_command_and_no_option_is_forgotten_here() -> None:
    known = dict(commands(typer.main.get_command(app)))
    assert not WRITE_NONE - known.keys()
    for command, options in known.items():
        if command in WRITE_NONE:
            continue
        words = {word for line in lines() if " ".join(line).startswith(f"{command} ") for word in line}
        assert words, f"{command}: name it in WRITE_NONE or let RUNS run it"
        unused = {name for name, written in options.items() if not written & words}
        assert unused - TRACELESS == ABSENT.get(command, set()), command


def test_no_option_of_a_lesson_is_forgotten_here() -> None:
    assert LESSONS.keys() == TRIALS.keys()
    for lesson, trial in TRIALS.items():
        parameters = inspect.signature(find(lesson).load().build).parameters
        assert parameters.keys() - {"path", "force", "finish", "progress"} == trial.options.keys(), lesson


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with what RUNS name: lesson.xlsx, theirs.xlsx, ratings.csv, class.csv."""
    folder = tmp_path_factory.mktemp("inputs")
    find("movielens").load().build(folder / "lesson.xlsx", users=5, movies=6, factors=2)
    theirs = ForeignBook({"A1": "part", "B1": "number", "C1": "worth"}, "C5", "B2:B4", "maximize", nonnegative=True)
    theirs.constraints = [("B2:B4", "<=", 10.0)]
    theirs.block("A2", [["x", 1, 0], ["y", 2, 0], ["z", 3, 0]])
    theirs.fill("C2:C4", "=B{r}*3")
    theirs.cells |= {
        "C5": "=SUM(C2:C4)", "E2": "=B2+1", "C6": "=SUMSQ(B2:B4)+E2^2", "E3": '=IF(C5>30,"much","")',
        "E4": "=C5/(B2-B2)", "E5": "=C5>30",
    }  # fmt: skip
    theirs.save_libreoffice(folder / "theirs.xlsx")
    generator = np.random.default_rng(8)
    rated = [f"{pair // 40 + 1},{pair % 40 + 1},{pair % 9 / 2 + 0.5},0" for pair in generator.permutation(1200)[:500]]
    films = [f"{movie},Movie {movie} (19{movie + 50}),Comedy|Drama" for movie in range(1, 41)]
    for name, rows in {
        "ratings.csv": ["userId,movieId,rating,timestamp", *rated],
        "movies.csv": ["movieId,title,genres", *films],
        "class.csv": ["id,name", "s1,Ada Lovelace"],
    }.items():
        (folder / name).write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


def made(lesson: str, options: Iterable[str], folder: Path, poem: str = POEM) -> Path:
    """Return the workbook of a lesson for which these options are given the values that stand in TRIALS."""
    chosen = {name: TRIALS[lesson].options[name] for name in options}
    for name, value in chosen.items():
        if value is Path:
            chosen[name] = folder / "poem.txt"
            chosen[name].write_text(poem, encoding="utf-8")
    path: Path = find(lesson).load().build(folder / "book.xlsx", **chosen)
    return path


@pytest.fixture(scope="module")
def books(inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, list[Path]]:
    """Return {what was done: the workbooks that it left}."""
    found = {}
    for label, run in RUNS.items():
        folder = Path(shutil.copytree(inputs, tmp_path_factory.mktemp("run") / "here"))
        untouched = {path: path.read_bytes() for path in folder.glob("*.xls?")}
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            for line in run.split("; "):
                result = CliRunner().invoke(app, shlex.split(line))
                assert result.exit_code == 0, (line, result.output)
        left = [path for path in folder.glob("*.xls?") if untouched.get(path) != path.read_bytes()]
        found[label] = left or [folder / "lesson.xlsx"]
    for lesson, how in CASES:
        options = [name for name, value in TRIALS[lesson].options.items() if how and value is not None]
        found[f"new {lesson} {how}".strip()] = [made(lesson, options, tmp_path_factory.mktemp("lesson"))]
    return found


@pytest.fixture(scope="module")
def judged_by_libreoffice(books: Mapping[str, list[Path]]) -> Callable[[Path], Values]:
    """Return LibreOffice as a judge, which was started once for all books."""
    paths = [path for left in books.values() for path in left]
    found = dict(zip(paths, libreoffice_values_of(paths), strict=True))

    def libreoffice_values(path: Path) -> Values:
        return found[path]

    return libreoffice_values


LABELS = [*RUNS, *(f"new {lesson} {how}".strip() for lesson, how in CASES)]


@pytest.mark.parametrize("judge", [embedsheet_values, gnumeric_values])
@pytest.mark.parametrize("label", LABELS)
def test_what_is_stored_is_what_judges_compute(
    label: str, judge: Callable[[Path], Values], books: Mapping[str, list[Path]]
) -> None:
    assert [departures(path, judge) for path in books[label]] == [[] for _ in books[label]]


@pytest.mark.parametrize("label", LABELS)
def test_what_is_stored_is_what_libreoffice_computes(
    label: str, books: Mapping[str, list[Path]], judged_by_libreoffice: Callable[[Path], Values]
) -> None:
    assert [departures(path, judged_by_libreoffice) for path in books[label]] == [[] for _ in books[label]]


@pytest.mark.soak
@pytest.mark.parametrize(("lesson", "option"), SINGLE)
def test_each_option_alone_stores_what_judges_compute(lesson: str, option: str, tmp_path: Path) -> None:
    """Beside the other options' values as they are, of which most make large books."""
    # The gradient sheets that a lesson carries are calculated with its default options.
    path = made(lesson, {option, "no_gradient_sheet"}, tmp_path, POEM * 3)
    assert [departures(path, judge) for judge in (embedsheet_values, gnumeric_values, libreoffice_values)] == [[]] * 3


@pytest.mark.parametrize("label", RUNS)
def test_what_a_command_leaves_needs_no_repair(label: str, books: Mapping[str, list[Path]]) -> None:
    assert [repair_causes(path) for path in books[label]] == [[] for _ in books[label]]


# What no other test hands to Microsoft's validator, which takes seconds for each file.
VALIDATED = ("solve and replay", "derive a lesson", "train cells", "homework from a workbook")


@pytest.mark.parametrize("label", VALIDATED)
def test_what_a_command_leaves_is_valid(label: str, inputs: Path, books: Mapping[str, list[Path]]) -> None:
    before = set(validity_faults(inputs / "theirs.xlsx"))
    assert [set(validity_faults(path)) - before for path in books[label]] == [set() for _ in books[label]]


# Outside quotes: a sign that locales read differently, a point that 10 ends with, or a condition, behind whose sections
# LibreOffice drops a minus sign.
ODD_FORMAT = re.compile(r'^(?:[^"]|"[^"]*")*?(?:[^\x00-\x7f"]|\.#+(?![0#])|\[[<>])')


@pytest.mark.parametrize("label", LABELS)
def test_number_formats_show_numbers_as_they_are_in_every_program(label: str, books: Mapping[str, list[Path]]) -> None:
    assert all(map(ODD_FORMAT.match, ("0.##", "0;;·", '[<-400]"–";0.00')))
    assert not any(map(ODD_FORMAT.match, ('0.0" €"', '0;;"·"', "0.0#", "General", "[Red]0")))
    for path in books[label]:
        styles = etree.fromstring(zipfile.ZipFile(path).read("xl/styles.xml"))
        formats = [one.get("formatCode", "") for one in styles.iter("{*}numFmt")]
        assert not [one for one in formats if ODD_FORMAT.match(one)]

"""Who answers as the hints say, or as the model does, gets all points, whatever program saved the workbook."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import openpyxl
import pytest
from openpyxl.worksheet.formula import ArrayFormula

from embedsheet.homework.assignment import Assignment, find, parse
from embedsheet.homework.generate import file_name, make_workbook
from embedsheet.homework.grade import Grade, grade_file
from embedsheet.homework.key import Key
from embedsheet.homework.reference import Reference
from embedsheet.homework.roster import Student
from embedsheet.homework.sketch import Block, Sketch
from embedsheet.solver import solve
from kit.assignments import DRAWN
from kit.judges import libreoffice_converted

ADA = Student("a", "Ada")
# What a student writes who follows the hint, by assignment and task; {block} is all of a block, {block@} its cell in
# the same row and {block^} its cell in the same column, {block:} its cells in the same row, {block|} those in the same
# column. "{=…}" is an array formula in every cell, "{{=…}}" one that fills the block.
HINTS: dict[str, dict[str, list[str]]] = {
    "embeddings": {
        "ratings.user_index": ["=MATCH({ratings.user@},{users.id},0)"],
        "ratings.movie_index": ["=MATCH({ratings.movie@},movies.id,0)"],
        "ratings.user_factors": [
            "=INDEX({users.factors},{ratings.user_index@},COLUMN()-COLUMN({ratings.movie_index@}))",
            "=INDEX({users.factors},{ratings.user_index@},{column})",
        ],
        "ratings.movie_factors": ["=INDEX({movies.factors},{ratings.movie_index@},{column})"],
        "predictions": [
            "=SUMPRODUCT({ratings.user_factors:},{ratings.movie_factors:})",
            "{=SUM({ratings.user_factors:}*{ratings.movie_factors:})}",
        ],
        "squared_errors": ["=({ratings.rating@}-{predictions@})^2"],
        "rmse": ["=SQRT(AVERAGE({squared_errors}))"],
        "one_hot": ["=IF({above}={selected.user},1,0)"],
        "one_hot.product": [
            "{{=MMULT({one_hot},{users.factors})}}",
            "{=SUMPRODUCT(TRANSPOSE({one_hot}),{users.factors|})}",
        ],
    },
    "bias": {
        "predictions": [
            "=SUMPRODUCT({ratings.user_factors:},{ratings.movie_factors:})"
            "+INDEX({users.bias},{ratings.user_index@})+INDEX({movies.bias},{ratings.movie_index@})"
        ],
        "squared_errors": ["=({ratings.rating@}-{predictions@})^2"],
        "rmse": ["=SQRT(AVERAGE({squared_errors}))"],
    },
    "gradient-by-hand": {
        "prediction": ["=SUMPRODUCT({user.factors},{movie.factors})"],
        "squared_error": ["=({rating}-{prediction})^2"],
        "gradient": ["=-2*({rating}-{prediction})*{movie.factors^}"],
        "user.factors.after": ["={user.factors^}-{learning_rate}*{gradient^}"],
        "difference_quotient": [
            "=(({rating}-{prediction}-{step}*{first movie})^2-({rating}-{prediction}+{step}*{first movie})^2)/2/{step}",
            "=(({rating}-(SUMPRODUCT({user.factors},{movie.factors})+{step}*{first movie}))^2"
            "-({rating}-(SUMPRODUCT({user.factors},{movie.factors})-{step}*{first movie}))^2)/2/{step}",
        ],
    },
    "words": {
        "text.id": ["=MATCH({text@},{vocabulary},0)"],
        "text.factors": ["=INDEX({words.factors},{text.id@},{column})"],
        "cosine": [
            "=SUMPRODUCT(INDEX({words.factors},{first.id},0),INDEX({words.factors},{second.id},0))"
            "/SQRT(SUMSQ(INDEX({words.factors},{first.id},0))*SUMSQ(INDEX({words.factors},{second.id},0)))"
        ],
    },
    "rnn": {
        "hidden": [
            "=MAX(0,SUM(MMULT({input},{weights.input|}))+SUM(MMULT({hidden.before},{weights.hidden|})))",
            "{=MAX(0,MMULT({input},{weights.input|})+MMULT({hidden.before},{weights.hidden|}))}",
        ],
        "scores": ["{{=MMULT({hidden},{weights.output})}}", "=SUMPRODUCT(MMULT({hidden},{weights.output|}))"],
        "probabilities": ["=EXP({scores^})/SUMPRODUCT(EXP({scores}))", "{{=EXP({scores})/SUM(EXP({scores}))}}"],
        "cross_entropy": ["=-LN(INDEX({probabilities},{target}))"],
    },
    "solver": {},
}


def spelled(template: str, sketch: Sketch, block: Block, row: int, column: int) -> str:
    """Return a template of `HINTS` with addresses in the place of what stands in braces."""
    found = template.replace("{column}", str(column + 1))
    found = found.replace("{above}", block.at(-1, column))
    if "movie.factors" in sketch.blocks:
        found = found.replace("{first movie}", sketch.blocks["movie.factors"].at())
    for name, one in sketch.blocks.items():
        area = one.area
        if f"{{{name}|}}" in found:
            found = found.replace(f"{{{name}|}}", f"{one.at(0, column, 'r')}:{one.at(area.shape[0] - 1, column, 'r')}")
        found = found.replace(f"{{{name}}}", area.absolute().rpartition("!")[2])
        found = found.replace(f"{{{name}@}}", one.at(row, 0, "c")).replace(f"{{{name}:}}", one.span(row))
        found = found.replace(f"{{{name}^}}", one.at(0, column, "r"))
    return found


def handed_out(assignment: Assignment, source: str, folder: Path) -> tuple[Key, Path, Sketch]:
    key = Key(bytes(range(32)), source, [ADA])
    path = folder / file_name(assignment, ADA)
    make_workbook(key, assignment, ADA, path)
    return key, path, assignment.sketch(key.generator(ADA.id))


def filled(path: Path, target: Path, sketch: Sketch, answers: Mapping[str, str | None], words: str = "") -> Path:
    """Write a template of `HINTS` (None: the model's formula) into each block, and words into the cells for text."""
    book = openpyxl.load_workbook(path)
    for name, template in answers.items():
        block = sketch.blocks.get(name)
        if block is None:
            [(sheet, cells)] = book["Instructions"].defined_names[name].destinations
            book[sheet][cells.replace("$", "")].value = words
            continue
        top, left = block.area.top, block.area.left
        for row in range(block.area.shape[0]):
            for column in range(block.area.shape[1]):
                cell = book["Exercise"].cell(top + row, left + column)
                text = (
                    "=" + block.formula_at(row, column)
                    if template is None
                    else spelled(template, sketch, block, row, column)
                )
                if text.startswith("{{"):
                    cell.value = ArrayFormula(block.area.local(), text[2:-2]) if row == column == 0 else 0
                elif text.startswith("{"):
                    cell.value = ArrayFormula(cell.coordinate, text[1:-1])
                else:
                    cell.value = text
    book.save(target)
    book.close()
    return target


def lost(grade: Grade) -> list[tuple[str, str, str]]:
    """Return the tasks that did not get all their points; words are the teacher's to read."""
    assert grade.fault == ""
    return [
        (one.block, one.verdict, one.message)
        for one in grade.tasks
        if one.points < one.of and one.verdict != "collected"
    ]


@pytest.mark.parametrize("name", DRAWN)
def test_each_hint_gets_all_points_as_it_is_and_as_libreoffice_saves_it(name: str, tmp_path: Path) -> None:
    source = find(name)
    assignment = parse(source)
    key, path, sketch = handed_out(assignment, source, tmp_path)
    asked = {task.block: task for task in assignment.tasks}
    formulas = [block for block, task in asked.items() if task.kind not in ("text", "state")]
    assert set(HINTS[name]) == set(formulas)  # a new task, or a new assignment, has its hint here
    if any(task.kind == "state" for task in assignment.tasks):
        solve(path)
    files = []
    for number in range(max(1, *(len(ways) for ways in HINTS[name].values()), 0)):
        answers = {block: ways[number % len(ways)] for block, ways in HINTS[name].items()}
        words = {block: None for block, task in asked.items() if task.kind == "text"}
        files.append(filled(path, tmp_path / f"{number}.xlsx", sketch, {**answers, **words}, "Because."))
    saved = tmp_path / "saved"
    libreoffice_converted(files, saved)
    for file in (*files, *(saved / one.name for one in files)):
        assert (file, lost(grade_file(key, file))) == (file, [])


LESSONS = {
    "movielens": 'lesson = "movielens"\n',
    "movielens with biases": 'lesson = "movielens"\n[options]\nbias = true\nusers = 4\n',
    "movielens, larger": 'lesson = "movielens"\n[options]\nusers = 6\nmovies = 7\nfactors = 4\nratings = 14\n',
    "gradient": 'lesson = "gradient"\n[options]\nfactors = 4\n',
    "gradient of one factor": 'lesson = "gradient"\n[options]\nfactors = 1\n',
    "words": 'lesson = "words"\n',
    "rnn": 'lesson = "rnn"\n',
}


def of_every_block(lesson: str, kind: str) -> str:
    """Return an assignment that asks for every block of formulas of a lesson."""
    header = LESSONS[lesson]
    probe = parse(f'{header}[[task]]\nblock = "why.so"\nkind = "text"\ntext = "Why?"\n')
    sketch = probe.sketch(Key(bytes(32), "").generator("x"))
    tasks = [
        f'[[task]]\nblock = "{name}"\nkind = "{kind}"\ntext = "Fill."\n'
        for name, block in sketch.blocks.items()
        if block.formula is not None
    ]
    return header + "".join(tasks)


@pytest.mark.parametrize("lesson", LESSONS)
def test_the_model_s_own_formulas_get_all_points_in_tasks_of_every_kind(lesson: str, tmp_path: Path) -> None:
    """Every block of every lesson, asked for as a block and as a number, filled by its formula and by its value."""
    for kind in ("block", "number"):
        source = of_every_block(lesson, kind)
        assignment = parse(source)
        folder = tmp_path / kind
        folder.mkdir()
        key, path, sketch = handed_out(assignment, source, folder)
        models = filled(path, folder / "in.xlsx", sketch, {task.block: None for task in assignment.tasks})
        files = [models]
        if kind == "block":  # the same formulas either way
            libreoffice_converted(files, folder / "saved")
            files.append(folder / "saved" / "in.xlsx")
        for file in files:
            assert (kind, lost(grade_file(key, file))) == (kind, [])
        grade = grade_file(key, typed(assignment, sketch, path, folder / "typed.xlsx"))
        if kind == "number":  # typed values are numbers, and no formulas
            assert lost(grade) == []
        else:
            assert [task.block for task in grade.tasks if task.points] == []


def test_a_number_worked_out_from_an_earlier_mistake_is_charged_there(tmp_path: Path) -> None:
    """Twice the prediction typed, and the squared error of that: the second is right for what was found first."""
    source = of_every_block("gradient", "number")
    assignment = parse(source)
    key, path, sketch = handed_out(assignment, source, tmp_path)
    full = typed(assignment, sketch, path, tmp_path / "typed.xlsx")
    book = openpyxl.load_workbook(full)
    page = book["Exercise"]
    prediction, error, rating = (page[sketch.blocks[name].at()] for name in ("prediction", "squared_error", "rating"))
    prediction.value *= 2
    error.value = (rating.value - prediction.value) ** 2
    book.save(full)
    first, second = grade_file(key, full).tasks[:2]
    assert (first.verdict, second.verdict) == ("wrong", "right") and "charged there" in second.message


def typed(assignment: Assignment, sketch: Sketch, path: Path, target: Path) -> Path:
    """Type the right values into every cell that is asked for."""
    values = Reference(sketch).run({}, [task.block for task in assignment.tasks])
    page = openpyxl.load_workbook(path)
    for task in assignment.tasks:
        area = sketch.blocks[task.block].area
        for cell, value in zip(area.cells(), values[task.block].numbers.ravel().tolist(), strict=True):
            page["Exercise"].cell(cell.row, cell.column).value = value
    page.save(target)
    page.close()
    return target

"""What the teacher gets: the gradebook, a file to upload, and what each student is told."""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embedsheet.ground.notation.addresses import Area
from embedsheet.homework.assignment import Assignment, Task
from embedsheet.homework.generate import ANSWER
from embedsheet.homework.grade import Grade
from embedsheet.homework.key import Key
from embedsheet.homework.roster import platform
from embedsheet.homework.typed import GRADES, IDS, column_name
from embedsheet.homework.whose import senders
from embedsheet.xlsx.writer.page import GRID, Book, Page, a1

Floats = NDArray[np.float64]
# What is said of every column of points: words, Excel's function, NumPy's.
_STATISTICS: tuple[tuple[str, str, Callable[..., Any]], ...] = (
    ("mean", "AVERAGE", np.mean),
    ("median", "MEDIAN", np.median),
    ("lowest", "MIN", np.min),
    ("highest", "MAX", np.max),
)
_ABSENT = "nothing handed in"
TO_READ = {name: look for name, look in ANSWER.items() if name != "locked"}
_UNUSUAL = 3  # a formula that at most so many students share counts as unusual
_SHORTEST_UNUSUAL = 25  # characters: shorter formulas are alike by nature


# What browsers and platforms add to the name of a file: "(2)", a date and a time of day.
_NO_IDS = re.compile(r"\(\d+\)|\d{4}-\d\d-\d\d(?:[-_ ]\d\d-\d\d-\d\d)?")


def best_of_each(key: Key, grades: Sequence[Grade]) -> dict[str, Grade]:
    """Return the best graded submission of each student."""
    best: dict[str, Grade] = {}
    for grade in grades:
        if (
            grade.student_id
            and not grade.fault
            and (grade.student_id not in best or grade.points > best[grade.student_id].points)
        ):
            best[grade.student_id] = grade
    return best


def not_graded(key: Key, grades: Sequence[Grade], notes: Sequence[str] = ()) -> dict[str, str]:
    """Return by student's id which file of theirs could not be graded, where no other was.

    A file that could not be read, or was passed over for one of the `notes`, tells by its name alone whose it is.
    """
    best = best_of_each(key, grades)
    files = [(grade.file, grade.student_id) for grade in grades if grade.fault]
    files += [(note.partition(": ")[0], "") for note in notes]
    found: dict[str, str] = {}
    for file, owner in files:
        # Where somebody handed in a colleague's workbook, both of them have none; the file's name tells whose it was.
        sent_by = _senders(key, file, owner)
        name = _NO_IDS.sub(" ", re.sub(r"\.\w{1,8}$", "", file.casefold()))
        words = set() if owner or sent_by else {*re.split(r"[^\w.]+", name), *re.split(r"[\W_]+", name)}
        for student in key.students:
            if student.id in best:
                continue
            if student.id in sent_by or student.id.casefold() in words or (student.id == owner and not sent_by):
                found[student.id] = f"{file} could not be graded"
            elif student.id == owner:
                found.setdefault(owner, "a file with your code, which somebody else handed in, could not be graded")
    return found


def _senders(key: Key, file: str, owner: str) -> set[str]:
    """Return the ids of the students whose name a platform gave a file: of several the one whose code it has."""
    ids = {one.id for one in senders(key.students, file)}
    return {owner} if owner in ids else ids


def _plain(formula: str) -> str:
    """Return a formula as one program writes it: LibreOffice saves TRUE() for TRUE."""
    return "".join(formula.split()).upper().replace("TRUE()", "TRUE").replace("FALSE()", "FALSE")


def _bare(formula: str) -> str:
    return _plain(formula).replace("$", "")


def integrity(key: Key, assignment: Assignment, grades: Sequence[Grade]) -> list[tuple[str, str, str]]:
    """Return facts worth a look: (what, whose, details). Facts, not verdicts: each has innocent explanations."""
    facts: list[tuple[str, str, str]] = []
    counts = Counter(grade.student_id for grade in grades if grade.student_id)
    for student_id, count in counts.items():
        if count > 1:
            files = ", ".join(grade.file for grade in grades if grade.student_id == student_id)
            facts.append(("several files carry one student's code", student_id, files))
    users: dict[tuple[str, str], set[str]] = defaultdict(set)
    for grade in grades:
        for block, formula in grade.formulas.items():
            users[_plain(formula), block].add(grade.student_id)
    names = assignment.names
    blocks = assignment.sketch(np.random.default_rng(0)).blocks
    expected = {(_bare(block.formula), name) for name, block in blocks.items() if block.formula}
    for (formula, block), students in sorted(users.items()):
        if (_bare(formula), block) in expected or 2 * len(students) >= len(counts):
            continue  # what the hint leads to, or what half the class found
        if 2 <= len(students) <= _UNUSUAL < len(counts) and len(formula) >= _SHORTEST_UNUSUAL:
            facts.append(
                (
                    f"the same unusual formula in {names.get(block, block)}",
                    ", ".join(sorted(students)),
                    f"={formula}"[:300],
                )
            )
    for grade in grades:
        facts += [("noted in the file", grade.student_id or grade.file, note) for note in grade.notes]
        verdicts = {task.verdict for task in grade.tasks}
        if "blank" in verdicts and verdicts <= {"blank", "not reached"}:
            facts.append(("nothing was filled in", grade.student_id, grade.file))
    programs: dict[str, list[str]] = defaultdict(list)
    for grade in grades:
        if grade.program:
            programs[grade.program].append(grade.student_id or grade.file)
    return facts + [("saved by", ", ".join(whose), program) for program, whose in sorted(programs.items())]


def write_gradebook(
    key: Key, assignment: Assignment, grades: Sequence[Grade], notes: Sequence[str], path: Path, *, force: bool = False
) -> None:
    """Write the workbook: one row a student, one column a task; statistics, distribution, feedback, integrity."""
    best = best_of_each(key, grades)
    with Book(path, f"{assignment.title}: grades", force=force) as book:
        totals = _grades(book.page(GRADES, "#C2410C"), key, assignment, best, not_graded(key, grades, notes))
        handed_in = [best[student.id].points for student in key.students if student.id in best]
        _distribution(book.page("Distribution"), assignment, totals, handed_in)
        _feedback(book.page("Feedback"), key, assignment, best)
        _lines(
            book.page("Integrity"), "Facts worth a look", "Evidence, not accusation: each has innocent explanations.",
            ("What", "Who", "Details"), integrity(key, assignment, grades), (34, 28, 90),
        )  # fmt: skip
        troubles = [(grade.file, grade.student_id, grade.fault) for grade in grades if grade.fault]
        troubles += [(file, "", fault) for file, _, fault in (note.partition(": ") for note in notes)]
        troubles = [(file, who or " or ".join(sorted(_senders(key, file, ""))), fault) for file, who, fault in troubles]
        _lines(
            book.page("Not graded"), "Files that could not be graded", "Each with the reason.",
            ("File", "Student", "What happened"), troubles, (50, 16, 90),
        )  # fmt: skip
        book.save()


def _grades(page: Page, key: Key, assignment: Assignment, best: dict[str, Grade], ungraded: Mapping[str, str]) -> Area:
    """Write the table and what is said above it; return the area of the totals.

    Who has no graded file has no points, and counts in no mean.
    """
    tasks = assignment.tasks
    words = any(task.kind == "text" for task in tasks)
    page.heading(
        assignment.title,
        f"{len(best)} of {len(key.students)} students graded; {assignment.points:g} points in all. From red, no "
        "points, to green, all of a task's."
        + (f" Of {len(ungraded)} no file could be graded." if ungraded else "")
        + (" Type the points for words into the blue cells and grade again." if words else ""),
    )
    first, top = 3, 12
    total, last = first + len(tasks), top + len(key.students) - 1
    page.widths((1, 1, 14), (2, 2, 26), (first, total, 13), (total + 1, total + 1, 46))
    page.height(top - 1, 44)
    for column, text in enumerate(["Id", "Name", *(task.name for task in tasks), "Points", "File"], 1):
        page.write(top - 1, column, text, "header wrapped")
    plain = page.book.style("plain")
    table = np.full((len(key.students), len(tasks)), np.nan)
    for row, student in enumerate(key.students):
        grade = best.get(student.id)
        if grade is not None and len(grade.tasks) == len(tasks):
            table[row] = [np.nan if task.verdict == "collected" else task.points for task in grade.tasks]
        page.sheet.write_string(top + row - 1, 0, student.id, plain)
        page.sheet.write_string(top + row - 1, 1, student.name, plain)
        page.write(top + row, total + 1, grade.file if grade else ungraded.get(student.id, _ABSENT), "lead")
        points = f"{a1(top + row, first)}:{a1(top + row, total - 1)}"
        sums = f'IF(COUNT({points})=0,"",SUM({points}))'
        there = not np.isnan(table[row]).all()
        page.formula(top + row, total, sums, float(np.nansum(table[row])) if there else "", num_format="General")
    area = page.block("points", top, first, table, "number", num_format="General")
    page.define(IDS, top, 1, len(key.students), 1)
    for column, task in enumerate(tasks, first):
        if task.kind == "text":  # what is typed here comes back in
            page.define(column_name(task.block), top, column, len(key.students), 1)
            for row, student in enumerate(key.students):
                if student.id in best and np.isnan(table[row, column - first]):
                    page.write(top + row, column, None, "number", num_format="General", **TO_READ)
    totals = page.define("totals", top, total, len(key.students), 1)
    _statistics(page, table, tasks, first, top, last)
    page.sheet.freeze_panes(top - 1, 2)
    colours = {"type": "2_color_scale", "min_color": "#FECACA", "max_color": "#DCFCE7",
               "min_type": "num", "max_type": "num", "min_value": 0}  # fmt: skip
    for column, task in enumerate(tasks, area.left):
        page.sheet.conditional_format(
            top - 1, column - 1, last - 1, column - 1, {**colours, "max_value": task.points or 1}
        )
    page.printing((top - 1, top - 1))
    return totals


def _statistics(page: Page, table: Floats, tasks: Sequence[Task], first: int, top: int, last: int) -> None:
    """Write points, mean, median, lowest, highest and the share of points of every task, and the hardest task."""
    width = table.shape[1]
    columns = [*table.T, np.where(np.isnan(table).all(axis=1), np.nan, np.nansum(table, axis=1))]
    worth = [*(task.points for task in tasks), sum(task.points for task in tasks)]
    for row, (label, name, compute) in enumerate(_STATISTICS, 5):
        page.write(row, 2, label, "header left")
        for column, values in enumerate(columns, first):
            there = values[~np.isnan(values)]
            area = f"{a1(top, column)}:{a1(last, column)}"
            formula = f'IF(COUNT({area})=0,"",{name}({area}))'
            page.formula(row, column, formula, float(compute(there)) if len(there) else "", num_format="0.0")
    page.write(4, 2, "points", "header left")
    page.write(9, 2, "share of the points", "header left")
    shares: list[float] = []
    for column, (values, most) in enumerate(zip(columns, worth, strict=True), first):
        page.write(4, column, most, "number", num_format="General")
        there = values[~np.isnan(values)]
        share = float(there.mean() / most) if len(there) and most else float("nan")
        shares.append(share)
        formula = f'IF(OR({a1(4, column)}=0,{a1(5, column)}=""),"",{a1(5, column)}/{a1(4, column)})'
        page.formula(9, column, formula, "" if np.isnan(share) else share, num_format="0 %")
    page.write(10, 2, "hardest task", "header left")
    low = f"{a1(9, first)}:{a1(9, first + width - 1)}"
    names = f"{a1(top - 1, first)}:{a1(top - 1, first + width - 1)}"
    known = [share for share in shares[:width] if not np.isnan(share)]
    shown = tasks[shares.index(min(known))].name if known else ""
    hardest = f'IF(COUNT({low})=0,"",INDEX({names},1,MATCH(MIN({low}),{low},0)))'
    page.formula(10, first, hardest, shown, align="left")  # a long name runs over empty cells, not under a filled one


def _distribution(page: Page, assignment: Assignment, totals: Area, points: Sequence[float]) -> None:
    """Count the totals in ten classes, with a chart."""
    page.heading("How the points are spread", "Students in each tenth of the points.")
    page.widths((1, 2, 10), (3, 3, 16), (4, 4, 12))
    for column, text in enumerate(("from", "to below", "points", "students"), 1):
        page.write(4, column, text, "header")
    edges = [assignment.points * i / 10 for i in range(11)]
    values = np.array(points)
    for i, (low, high) in enumerate(pairwise(edges)):
        row, final = 5 + i, i == 9
        page.write(row, 1, low, "number", num_format="General")
        page.write(row, 2, high, "number", num_format="General")
        page.write(row, 3, f"{low:g} – {high:g}", "plain", align="center")
        inside = (values >= low) & ((values <= high) if final else (values < high))
        below = "<=" if final else "<"
        formula = f'COUNTIFS({totals.absolute()},">="&A{row},{totals.absolute()},"{below}"&B{row})'
        page.formula(row, 4, formula, int(inside.sum()), num_format="0")
    chart = page.book.workbook.add_chart({"type": "column"})
    name = page.name
    chart.add_series(
        {"name": "students", "categories": [name, 4, 2, 13, 2], "values": [name, 4, 3, 13, 3], "gap": 20,
         "fill": {"color": "#F59E0B"}}
    )  # fmt: skip
    chart.set_title({"name": "Points of the class", "name_font": {"size": 12}})
    chart.set_legend({"none": True})
    chart.set_x_axis({"name": "points"})
    chart.set_y_axis({"name": "students", "major_gridlines": GRID})
    page.sheet.insert_chart("F4", chart, {"x_scale": 1.3, "y_scale": 1.2, "description": "Distribution of the points"})
    page.printing()


def _feedback(page: Page, key: Key, assignment: Assignment, best: dict[str, Grade]) -> None:
    """Write what each student is told, one task a row; texts to be read by the teacher with what was written."""
    rows = []
    names = assignment.names
    for student in key.students:
        grade = best.get(student.id)
        for task in grade.tasks if grade else ():
            rows.append(
                (
                    student.id,
                    student.name,
                    names[task.block],
                    task.points,
                    task.of,
                    task.verdict,
                    task.answer or task.message,
                )
            )
    heading = ("Id", "Name", "Task", "Points", "Of", "Verdict", "Found")
    _lines(
        page, "What was found", "One task a row; filter by student or task.", heading, rows, (12, 24, 24, 8, 8, 14, 110)
    )


def _lines(
    page: Page, title: str, lead: str, heading: Sequence[str], rows: Sequence[Sequence[object]], widths: Sequence[float]
) -> None:
    page.heading(title, lead)
    page.widths(*((at, at, width) for at, width in enumerate(widths, 1)))
    for column, text in enumerate(heading, 1):
        page.write(4, column, text, "header left")
    for row, line in enumerate(rows, 5):
        for column, value in enumerate(line, 1):
            page.write(row, column, value, "number" if isinstance(value, float) else "plain")
    if rows:
        page.sheet.autofilter(3, 0, 3 + len(rows), len(heading) - 1)
    page.sheet.freeze_panes(4, 0)
    page.printing((4, 4))


# How a student's text begins: the title, the name with the id, an empty line, the points.
_OURS = re.compile(rb"[^\n]*\n[^\n]* \([^\n]*\)\r?\n\r?\n[\d.e+-]+ of [\d.e+-]+ points")


def write_feedback(assignment: Assignment, best: dict[str, Grade], folder: Path, grades: Sequence[Grade] = ()) -> None:
    """Write a text a student: place, what was found, a hint; of several files in `grades`, which one counts.

    Texts of an earlier run that lie in the folder go: whose file is no longer graded has points there that do not hold.
    """
    counts = Counter(grade.student_id for grade in grades if grade.student_id and not grade.fault)
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.txt"):
        if _OURS.match(path.read_bytes()):
            path.unlink()
    taken: set[str] = set()
    names = assignment.names
    for grade in best.values():
        lines = [assignment.title, f"{grade.name} ({grade.student_id})", ""]
        graded = sum(task.of for task in grade.tasks if task.verdict != "collected")
        lines.append(f"{grade.points:g} of {graded:g} points" + _still_to_read(grade))
        if counts[grade.student_id] > 1:
            lines.append(f"You handed in {counts[grade.student_id]} files; the best one counts: {grade.file}")
        for number, task in enumerate(grade.tasks, 1):
            lines += [
                "",
                f"{number}. {names[task.block]}: {task.points:g} of {task.of:g} ({task.verdict})",
                f"   {task.message}",
            ]
            lines += [f"   Hint: {task.hint}"] if task.hint else []
        word = name = re.sub(r"[^\w.-]+", "-", grade.student_id).strip("-.")[:100] or "student"
        number = 2
        while name.casefold() in taken:  # 1, -1 and .1 are three students
            name, number = f"{word}-{number}", number + 1
        taken.add(name.casefold())
        (folder / f"{name}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _still_to_read(grade: Grade) -> str:
    unread = sum(task.of for task in grade.tasks if task.verdict == "collected")
    return f"; your words, up to {unread:g} points, are read by your teacher" if unread else ""


def write_upload(
    key: Key, assignment: Assignment, best: dict[str, Grade], path: Path, ungraded: Mapping[str, str] | None = None
) -> None:
    """Write a CSV that learning platforms take: id, name, points, of, and the feedback in one cell.

    Where the class came from a learning platform's list, its columns come first, as the platform wants them back.
    `ungraded`: see `not_graded`; these have no points yet. Who handed nothing in has 0.
    """
    ungraded = ungraded or {}
    headings = next(iter(key.columns.values()), {})
    kind = platform(headings)
    lines: list[list[str]] = [_upload_heading(kind, list(headings), assignment)]
    if kind == "canvas":
        lines.append(["    Points Possible", *[""] * (len(headings) - 1), f"{assignment.points:g}"])
    names = assignment.names
    for student in key.students:
        grade = best.get(student.id)
        words = (
            " | ".join(f"{names[task.block]}: {task.message}" for task in grade.tasks)
            if grade
            else ungraded.get(student.id, _ABSENT)
        )
        points = f"{grade.points:g}" if grade else "" if student.id in ungraded else "0"
        theirs = key.columns.get(student.id, {})
        if not kind:
            lines.append([student.id, student.name, points, f"{assignment.points:g}", words])
        elif theirs or kind != "canvas":
            who = [theirs.get(heading, "") for heading in headings]
            lines.append([*who, points] + ([] if kind == "canvas" else [words]))
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows([_inert(cell) for cell in line] for line in lines)


def _upload_heading(kind: str, headings: list[str], assignment: Assignment) -> list[str]:
    """Return the heading line: Canvas takes no words, Blackboard reads the most points out of the column's name."""
    title = assignment.title
    return {
        "canvas": [*headings, title],
        "blackboard": [*headings, f"{title} [Total Pts: {assignment.points:g} Score]", "Feedback to Learner"],
        "moodle": [*headings, title, "Feedback"],
    }.get(kind, ["id", "name", "points", "of", "feedback"])


def _inert(text: str) -> str:
    """Return a cell that a spreadsheet program takes for text, not for a formula."""
    return "'" + text if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text

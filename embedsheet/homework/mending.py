"""Words, points and tolerances changed after handing out: students' numbers stay, and so does what was asked."""

from __future__ import annotations

from dataclasses import replace

from embedsheet.ground.errors import DataError
from embedsheet.homework.assignment import Assignment, Task, is_made, parse
from embedsheet.homework.key import Key


def mended(key: Key, source: str, place: str, workbook: bytes = b"") -> Key:
    """Return the key with another text of its assignment. Raises DataError naming what cannot be changed any more."""
    if is_made(source) and is_made(key.assignment):
        workbook = b""  # another version of embedsheet makes other bytes of the same lesson
    if source == key.assignment and workbook in (key.workbook, b""):
        return key
    if workbook not in (key.workbook, b""):
        raise DataError(f"{place}: its workbook is another one than was handed out; name another key with --key.")
    old, new = (parse(text, place, key.workbook) for text in (key.first_assignment, source))
    if faults := _differences(old, new):
        raise DataError(
            f"{place}: does not fit what was handed out: {'; '.join(faults)}. Only words, points and tolerances can be "
            "changed; for anything else make a new class with another key (--key)."
        )
    return replace(key, assignment=source, handed_out=key.first_assignment)


def _differences(old: Assignment, new: Assignment) -> list[str]:
    faults = []
    if type(old) is not type(new) or old.lesson != new.lesson:
        faults.append("it belongs to another assignment")
    elif old.options != new.options:
        faults.append(f"options are {new.options or 'none'}, {old.options or 'none'} were handed out")
    elif getattr(old, "varies", None) != getattr(new, "varies", None):
        faults.append("other cells vary, or they vary otherwise")
    before, after = ({task.block: _asked(task) for task in one.tasks} for one in (old, new))
    faults += [f"task {block} is missing (give it 0 points)" for block in before if block not in after]
    faults += [f"task {block} was not asked" for block in after if block not in before]
    faults += [
        f"task {block} was of another kind" for block in after if after[block] != before.get(block, after[block])
    ]
    return faults


def _asked(task: Task) -> tuple[object, ...]:
    return "formula" if task.kind == "block" else task.kind, task.changing, task.of


__all__ = ["mended"]

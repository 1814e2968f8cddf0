"""The ready-made assignments by how they are made."""

from __future__ import annotations

from embedsheet.homework.assignment import find, is_made, ready_made

DRAWN = [name for name in ready_made() if not is_made(find(name))]  # a sheet of their own, drawn for each student
MADE = [name for name in ready_made() if is_made(find(name))]  # a lesson's workbook without the answers

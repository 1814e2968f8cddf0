"""The mirror of the lesson pseudo-labels."""

from __future__ import annotations

from embedsheet.mirrors.nets.mirror import NetMirror
from embedsheet.mirrors.student.sheet import BLOCKS, read_student

MIRROR = NetMirror("student", BLOCKS, read_student)

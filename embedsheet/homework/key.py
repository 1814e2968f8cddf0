"""The teacher's key: one secret from which every student's numbers are drawn.

A student's random numbers come from HMAC-SHA256(secret, "seed" | assignment | student id). Who has the workbook and
this program, but not the key, can make neither the numbers nor the answers. The token on the student's sheet comes from
the same secret with another purpose, so it says whose workbook it is and nothing more.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from embedsheet.ground.errors import DataError
from embedsheet.homework.roster import Student

_SECRET_BYTES = 32
_FORMAT = "embedsheet homework key 1"


@dataclass
class Key:
    """`assignment` is the assignment's TOML text; `students` all who have a workbook.

    `columns` is what a learning platform's list says of each student, by id: heading → words.

    `handed_out` is the text from which numbers are drawn, where words, points or tolerances were changed since.
    `workbook` is the teacher's own, b"" for a lesson; `drawn` by student's id what was drawn for it: see `own.make`.
    """

    secret: bytes
    assignment: str
    students: list[Student] = field(default_factory=list)
    workbook: bytes = b""
    drawn: dict[str, dict[str, Any]] = field(default_factory=dict)
    handed_out: str = ""
    columns: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def first_assignment(self) -> str:
        """The assignment as it was handed out."""
        return self.handed_out or self.assignment

    @classmethod
    def new(cls, assignment: str, workbook: bytes = b"") -> Key:
        """Return a key with a fresh secret."""
        return cls(secrets.token_bytes(_SECRET_BYTES), assignment, workbook=workbook)

    def _digest(self, purpose: str, student_id: str) -> bytes:
        words = json.dumps([purpose, self.first_assignment, student_id]).encode()
        return hmac.new(self.secret, words, hashlib.sha256).digest()

    def generator(self, student_id: str, purpose: str = "seed") -> np.random.Generator:
        """Return the student's random numbers; grading draws its own with another purpose."""
        return np.random.default_rng(int.from_bytes(self._digest(purpose, student_id), "big"))

    def token(self, student_id: str) -> str:
        """Return the code that tells a student's workbook from another's, 16 hexadecimal digits."""
        return self._digest("token", student_id).hex()[:16]

    def save(self, path: Path) -> None:
        """Write the key; an existing one is replaced only once the new one is whole."""
        content = {
            "format": _FORMAT,
            "keep secret": "whoever has this file can make the answers",
            "secret": self.secret.hex(),
            "assignment": self.assignment,
            **({"handed out": self.handed_out} if self.handed_out else {}),
            **({"workbook": base64.b64encode(self.workbook).decode(), "drawn": self.drawn} if self.workbook else {}),
            "students": [
                {"id": student.id, "name": student.name}
                | ({"columns": self.columns[student.id]} if student.id in self.columns else {})
                for student in self.students
            ],
        }
        part = path.with_name(path.name + ".part")
        part.touch(mode=0o600)
        part.chmod(0o600)  # for its owner alone, before there is anything in it
        try:
            part.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise

    @classmethod
    def load(cls, path: Path) -> Key:
        """Read a key. Raises DataError for a file that is none."""
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            json.dumps(content, ensure_ascii=False).encode()  # half a character, which JSON can hold, is no text
            if content["format"] != _FORMAT:
                raise ValueError(f"format {content['format']!r}")
            students = [Student(str(entry["id"]), str(entry["name"])) for entry in content["students"]]
            secret = bytes.fromhex(content["secret"])
            if len(secret) != _SECRET_BYTES:
                raise ValueError("the secret is cut short")
            workbook = base64.b64decode(str(content.get("workbook", "")), validate=True)
            drawn = content.get("drawn", {})
            if not isinstance(drawn, dict) or not all(isinstance(one, dict) for one in drawn.values()):
                raise ValueError("the numbers drawn are damaged")
            handed_out = str(content.get("handed out", ""))
            columns = {
                str(entry["id"]): {str(heading): str(words) for heading, words in entry["columns"].items()}
                for entry in content["students"]
                if "columns" in entry
            }
            return cls(secret, str(content["assignment"]), students, workbook, drawn, handed_out, columns)
        except FileNotFoundError:
            raise DataError(f"{path}: there is no such key; give the …-key.json that `homework new` wrote.") from None
        except (UnicodeDecodeError, json.JSONDecodeError):
            raise DataError(
                f"{path}: is no homework key, or is cut off; give the …-key.json that `homework new` wrote."
            ) from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as fault:
            raise DataError(
                f"{path}: is no homework key ({fault}); give the …-key.json that `homework new` wrote."
            ) from None

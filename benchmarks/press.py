"""What a press of Step costs on a 15 × 15 sheet: with Python starting anew, as Excel does it, and with one that stays.

    python -m benchmarks.press

LibreOffice stands in for Excel: the same functions run, and read and write the same cells. A fresh process is timed
from its start to its end, three times, and the fastest counts: other work on the machine slows single runs. The parts
are those of that run; its processor time (user and system) is little disturbed by others.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.books import CROSSTAB
from benchmarks.row import Row, tell
from embedsheet.ground.errors import MissingDependencyError
from embedsheet.hosts.buttons.layout import add_buttons
from embedsheet.hosts.libreoffice.serve import Server
from embedsheet.lessons.movielens import build

RUNS = 3
# What RunPython starts: xlwings is imported first, then the button's function runs.
PRESS = """
import json, os, sys, time
begin = time.perf_counter()
import xlwings
parts = {"import xlwings": time.perf_counter() - begin}
mark = time.perf_counter()
import embedsheet.excel
parts["import embedsheet"] = time.perf_counter() - mark
mark = time.perf_counter()
from embedsheet.hosts.libreoffice.attach import attach
attach(sys.argv[1]).set_mock_caller()
parts["connect"] = time.perf_counter() - mark
mark = time.perf_counter()
said = embedsheet.excel.step()
parts["read, compile, step, write"] = time.perf_counter() - mark
times = os.times()
parts["processor"] = times.user + times.system
print(json.dumps([said, parts]))
"""


def rows() -> Iterator[Row]:
    """Yield a press in a fresh process, and one in a process that stays, first and later."""
    part = "A press of Step, 15 × 15"
    with tempfile.TemporaryDirectory() as folder:
        try:
            server = Server(build(Path(folder) / "films.xlsm", finish=add_buttons), headless=True)
        except MissingDependencyError as why:
            yield Row(part, "in a fresh process, as in Excel", None, most=0.6, note=str(why).splitlines()[0])
            return
        try:
            server.book.sheets[CROSSTAB].activate()
            fresh = [_fresh(server.app.impl.office.pipe) for _ in range(RUNS)]
            staying = [_staying(server) for _ in range(RUNS + 1)]
        finally:
            server.close()
    seconds, shares = min(fresh, key=lambda run: run[0])
    note = ", ".join(f"{share} {spent:.2f} s" for share, spent in shares.items())
    yield Row(part, "in a fresh process, as in Excel", seconds, most=0.6, note=note)
    yield Row(part, "in a process that stays, first press", staying[0])
    yield Row(part, "in a process that stays, later", min(staying[1:]))


def _fresh(pipe: str) -> tuple[float, dict[str, float]]:
    began = time.perf_counter()
    result = subprocess.run([sys.executable, "-c", PRESS, pipe], capture_output=True, text=True, check=True)
    seconds = time.perf_counter() - began
    said, parts = json.loads(result.stdout.strip().splitlines()[-1])
    assert said.startswith("rmse "), said
    return seconds, parts


def _staying(server: Server) -> float:
    began = time.perf_counter()
    server.run("step", lambda button, outcome: None)
    return time.perf_counter() - began


if __name__ == "__main__":
    tell(rows())

"""`embedsheet open` serves a workbook's buttons until the workbook is closed."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from embedsheet.cli import app
from embedsheet.hosts.libreoffice import serve
from embedsheet.hosts.libreoffice.click import click
from kit.office import need_office
from test_buttons_vba import small


def test_the_command_serves_presses_and_ends_with_the_workbook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    need_office()
    book = small(tmp_path / "parabola.xlsm")
    started: list[serve.Server] = []
    original = serve.Server.serve

    def press_and_close(server: serve.Server, said: object, until: object = None) -> None:
        """What a user does: press, look, press, save, close."""
        started.append(server)
        outcomes: list[str] = []
        server.book.sheets["Parabola"].activate()
        click(server.book, "Solve")
        original(server, lambda *words: (said(*words), outcomes.append(words[1])), until=lambda: bool(outcomes))  # type: ignore[operator, arg-type]
        server.book.save()
        server.book.close()
        original(server, said)  # type: ignore[arg-type]  # ends by itself

    monkeypatch.setattr(serve.Server, "serve", press_and_close)
    result = CliRunner().invoke(app, ["open", str(book), "--headless"])
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    said = " ".join(lines[:2])
    assert re.search(
        r"parabola\.xlsm is open in LibreOffice \d+\.\d+; served: the toolbar embedsheet and 7 buttons", said
    )
    # y = (x − 3)² is 0 at its minimum.
    said = result.output.replace("\n", " ")
    assert re.search(r"solve Converged in \d+ iterations?: Parabola!B7 4 → \d", said), said
    assert started[0].app.impl.office.process.poll() is not None


def test_ctrl_c_ends_libreoffice_as_well(tmp_path: Path) -> None:
    need_office()
    book = small(tmp_path / "parabola.xlsm")
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "embedsheet", "open", str(book), "--headless"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "TMPDIR": str(tmp_path), "PYTHONFAULTHANDLER": "1"},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert "is open in LibreOffice" in process.stdout.readline()
        time.sleep(0.5)
        process.send_signal(2)
        try:
            rest = process.communicate(timeout=60)[0]
        except subprocess.TimeoutExpired:
            process.send_signal(6)  # it tells where it hangs
            pytest.fail(process.communicate()[0])
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130, rest
    assert not list(tmp_path.glob("embedsheet-libreoffice-*")), "the profile is left behind"


def test_a_workbook_without_buttons_names_the_remedy(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["open", str(tmp_path / "missing.xlsm")])
    assert result.exit_code == 2
    assert "there is no such file" in result.output

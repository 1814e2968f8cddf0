"""embedsheet in JupyterLab, in Chromium: an open workbook shows its page, a search its progress."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import types
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import embedsheet as es
from embedsheet.solvers.problem import Progress
from embedsheet.translations.coder.viewer import live
from kit import sheets

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
CELLS = (
    'import embedsheet as es\nbook = es.open("b.xlsx")\nbook',
    'solution = es.solve("b.xlsx", objective="B1", changing=["A1:A2"])\nsolution.solved',
)


class _Widget:
    def __init__(self) -> None:
        self.losses: list[float] = []
        self.words = ""


def test_progress_keeps_the_curves_ends_and_as_many_points_as_a_curve_shows() -> None:
    widget = _Widget()
    told = live.Live(widget)
    for iteration in range(2000):
        told(Progress(iteration, 2000.0 - iteration, 1.0, 0.0))
    told.end("done")
    assert len(widget.losses) <= live._MOST + 1
    assert (widget.losses[0], widget.losses[-1]) == (2000.0, 1.0)
    assert widget.words == "done"


def test_outside_a_notebook_a_search_shows_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    book = sheets.write(tmp_path / "b.xlsx", {"A1": 2, "B1": "=(A1-3)^2"})
    es.recalculate(book)
    assert live.shown() is None
    assert es.solve(book, objective="B1", changing=["A1"]).solved
    assert capsys.readouterr().out == ""


def test_in_marimo_the_progress_is_appended_to_the_cells_output(monkeypatch: pytest.MonkeyPatch) -> None:
    """marimo shows by `marimo.output.append` what a running cell shows; it is not installed where tests run."""
    pytest.importorskip("anywidget")
    shown: list[Any] = []
    marimo = types.ModuleType("marimo")
    vars(marimo).update(running_in_notebook=lambda: True, output=types.SimpleNamespace(append=shown.append))
    monkeypatch.setitem(sys.modules, "marimo", marimo)
    told = live.shown()
    assert told is not None and shown == [told.widget]
    told(Progress(0, 2.0, 1.0, 0.0))
    assert shown[0].losses[0] == 2.0 and shown[0].words == "Iteration 0: 2"


def _needed(condition: bool) -> None:
    if not condition:
        if os.environ.get("EMBEDSHEET_REQUIRE_JUDGES"):
            pytest.fail("Chromium, playwright and JupyterLab are required.")
        pytest.skip("needs Chromium, playwright and JupyterLab")


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[str]:
    """JupyterLab in a folder with a workbook and a notebook: the notebook's address."""
    have = [importlib.util.find_spec(name) is not None for name in ("playwright", "jupyterlab", "anywidget")]
    _needed(CHROMIUM is not None and all(have))
    es.recalculate(sheets.write(tmp_path / "b.xlsx", {"A1": 2, "A2": 5, "B1": "=(A1-3)^2+(A2*A1-1)^2"}))
    empty = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
    code = [{**empty, "id": f"c{place}", "source": text} for place, text in enumerate(CELLS)]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = {"cells": code, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    (tmp_path / "n.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    root = Path(es.__file__).parents[1]
    settings = {"HOME": str(tmp_path / "home"), "PYTHONPATH": str(root)}
    words = [
        "--no-browser", "--allow-root", f"--port={port}", "--ServerApp.port_retries=0", "--IdentityProvider.token=",
        f"--ServerApp.root_dir={tmp_path}", "--LabApp.news_url=",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]  # fmt: skip
    command = [sys.executable, "-m", "jupyterlab", *words]
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(command, cwd=tmp_path, env={**os.environ, **settings}, stdout=log, stderr=log)
        address = f"http://127.0.0.1:{port}"
        try:
            for _ in range(600):
                try:
                    urllib.request.urlopen(f"{address}/api", timeout=5).close()
                    break
                except OSError:
                    assert server.poll() is None, (tmp_path / "log").read_text()
                    time.sleep(0.2)
            yield f"{address}/lab/tree/n.ipynb"
        finally:
            server.terminate()
            server.wait()


@pytest.mark.soak
def test_jupyterlab_shows_an_open_workbooks_page_and_a_searchs_progress(lab: str) -> None:
    from playwright.sync_api import expect, sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        view: Any = browser.new_page(viewport={"width": 1300, "height": 900})
        view.set_default_timeout(120_000)
        expect.set_options(timeout=120_000)
        view.goto(lab)
        expect(view.get_by_text("| Idle")).to_be_visible()  # keys pressed before run nothing
        view.locator(".jp-Notebook .jp-Cell").first.click()
        for _ in CELLS:
            view.keyboard.press("Shift+Enter")
        frame = view.frame_locator("iframe[title='b.xlsx']")
        expect(frame.locator("td[data-row='1'][data-column='2']")).to_have_text("82")  # (2 − 3)² + (5 · 2 − 1)²
        frame.locator("td[data-row='1'][data-column='2']").hover()
        expect(frame.locator("#told")).to_contain_text("=(A1-3)^2")
        expect(view.locator(".embedsheet-live output")).to_contain_text("82")  # from 82 to 0
        expect(view.locator(".embedsheet-live polyline")).to_have_attribute("points", re.compile("320,"))
        expect(view.locator(".jp-OutputArea-output", has_text="True").first).to_be_visible()
        browser.close()

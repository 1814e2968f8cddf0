"""The documentation as a site: everything it needs lies in it, so that it can be read from a folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("material")
    pytest.importorskip("mkdocs_glightbox")
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)], cwd=ROOT, check=False,
        capture_output=True, text=True, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


def test_no_page_fetches_anything_from_elsewhere(site: Path) -> None:
    for page in site.glob("*.html"):
        text = page.read_text(encoding="utf-8")
        fetched = re.findall(r'<(?:script|img|iframe)\b[^>]*\bsrc="(\w+:[^"]*)"', text)
        fetched += re.findall(r'<link\b[^>]*\brel="(?:stylesheet|icon|preload)"[^>]*\bhref="(\w+:[^"]*)"', text)
        assert not fetched, page


def test_the_search_works_without_a_server(site: Path) -> None:
    """A browser reads no JSON from a folder: the index is a script, and so is what searches it."""
    assert "backpropagation" in (site / "search" / "search_index.js").read_text(encoding="utf-8")
    assert 'src="javascripts/iframe-worker.js"' in (site / "index.html").read_text(encoding="utf-8")
    assert (site / "javascripts" / "iframe-worker.js").is_file()


def test_long_commands_wrap_and_pictures_enlarge(site: Path) -> None:
    assert "pre-wrap" in (site / "stylesheets" / "extra.css").read_text(encoding="utf-8")
    tour = (site / "tour-student.html").read_text(encoding="utf-8")
    assert 'href="stylesheets/extra.css"' in tour
    pictures = re.findall(r'<a class="glightbox"[^>]*href="images/([^"]+)"', tour)
    assert pictures == ["crosstab-start.png", "gradient-sheet.png", "crosstab.png"]


def test_the_changes_are_listed(site: Path) -> None:
    listed = (site / "changes.html").read_text(encoding="utf-8")
    for line in re.findall(r"^\* `(embedsheet \w+)`", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M):
        assert f"<code>{line}</code>" in listed

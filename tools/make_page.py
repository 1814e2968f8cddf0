"""Make docs/live/films.html, the page that the documentation shows, and its picture: `python tools/make_page.py`.

The picture needs playwright and Chromium.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import embedsheet as es
from embedsheet.translations.coder.viewer.page import page

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "docs" / "live" / "films.html"
SIZE = {"users": 10, "movies": 8, "factors": 3}


def book(folder: Path) -> Path:
    """Make the workbook that the page shows."""
    return es.new("movielens", folder / "films.xlsx", **SIZE)


def main() -> None:
    """Write the page and its picture."""
    with tempfile.TemporaryDirectory() as folder:
        made = page(book(Path(folder)), "Cross-tab", solve=True, train=True)
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(made.html, encoding="utf-8", newline="\n")
    _picture(ROOT / "docs" / "images" / "show.png")


def _picture(target: Path) -> None:
    from playwright.sync_api import sync_playwright

    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        view = browser.new_page(viewport={"width": 1366, "height": 800})
        view.goto(TARGET.as_uri())
        view.locator("#iteration").fill("12")
        view.locator(".code:visible .line.block", has_text="predictions =").first.hover()
        view.locator("td.lit").nth(11).click()
        view.screenshot(path=target)
        browser.close()


if __name__ == "__main__":
    main()

"""What cells of the lessons show in LibreOffice: a number format may hide a number, but not its sign."""

from __future__ import annotations

import re
from pathlib import Path

from lxml import html

from kit.judges import libreoffice_converted
from test_valid_files import small


def test_a_negative_number_is_shown_with_its_sign(tmp_path: Path) -> None:
    lessons = ("optimisers", "attention")  # that show some numbers in another way than others
    books = [small(lesson, tmp_path / f"{lesson}.xlsx", "--no-gradient-sheet") for lesson in lessons]
    libreoffice_converted(books, tmp_path / "shown", "html")
    for book in books:
        cells = html.parse(str(tmp_path / "shown" / f"{book.stem}.html")).iterfind(".//td[@sdval]")
        shown = {cell.text_content().splitlines()[-1].strip() for cell in cells if float(cell.get("sdval")) < 0}
        assert len(shown) > 10
        assert not [one for one in shown if re.search("[1-9]", one) and one[0] not in "-−"]

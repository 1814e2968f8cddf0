"""A workbook as notebooks display it: the page of `embedsheet show` in a frame of its own."""

from __future__ import annotations

import html
from typing import Any

from embedsheet.ground.errors import EmbedsheetError
from embedsheet.workbook import Workbook

_FRAME = (
    '<iframe title="{title}" srcdoc="{page}" style="width:100%;height:min(70vh,600px);border:1px solid #8888"></iframe>'
)


class ShownWorkbook(Workbook):
    """A workbook that Jupyter, VS Code and marimo show beside its code where it is the last line of a cell."""

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """Return the page as HTML, and a line of text for what shows none, or what keeps the page from being made."""
        del include, exclude
        from embedsheet.translations.coder.viewer.page import page

        cells = sum(len(sheet.rows) for sheet in self.sheets.values())
        words = f"{self.path.name}: {', '.join(self.sheets)}; {cells:,} cells."
        try:
            made = page(self)
        except EmbedsheetError as fault:
            return {"text/plain": f"{words}\nNot shown beside its code: {fault}"}
        title = html.escape(self.path.name, quote=True)
        frame = _FRAME.format(title=title, page=html.escape(made.html, quote=True))
        return {"text/html": frame, "text/plain": words}

    def _repr_html_(self) -> str | None:
        """Return the page for what asks for HTML alone; None where it cannot be made."""
        return self._repr_mimebundle_().get("text/html")

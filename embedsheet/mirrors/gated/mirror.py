"""The mirror of the lessons lstm and gru."""

from __future__ import annotations

from embedsheet.book.book import Book
from embedsheet.mirrors.gated.sheet import model_sheets, read_cells
from embedsheet.mirrors.nets.mirror import NetMirror


class _Cells(NetMirror):
    def sheets(self, book: Book) -> list[str]:
        return model_sheets(book)


MIRROR = _Cells("recurrent cell", (), read_cells)

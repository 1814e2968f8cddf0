"""What a mirror of nets does; one inherits it and says which sheets it reads, and how."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict

from embedsheet.book.blocks import sheets_with
from embedsheet.book.book import Book
from embedsheet.mirrors.nets.comparison import Net, compare_net
from embedsheet.mirrors.protocol import Asked, Comparison, Line, Mirror


class NetMirror(Mirror[Net]):
    """The mirror of the sheets that have the blocks `names`, which `reader` reads."""

    def __init__(self, title: str, names: tuple[str, ...], reader: Callable[[Book, str], Net]) -> None:
        self.title = title
        self.names = names
        self.reader = reader

    def sheets(self, book: Book) -> list[str]:
        return sheets_with(book, self.names)

    def read(self, book: Book, sheet: str, given: Mapping[str, str]) -> Net:
        return self.reader(book, sheet)

    def compare(self, book: Book, models: Mapping[str, Net], asked: Asked) -> Comparison:
        rows = [row for net in models.values() for row in compare_net(book, net, asked.steps, asked.learning_rate)]
        same = all(row.agrees for row in rows)
        lines = [
            Line(
                row.sheet if len(models) > 1 else "",
                (
                    row.name, f"{row.loss:.4f}", f"{row.loss_difference:.1e}", f"{row.output_difference:.1e}",
                    *("–" if one is None else f"{one:.1e}" for one in (row.gradient_difference, row.steps_difference)),
                    f"{row.tolerance:.0e}",
                ),
                row.agrees,
            )
            for row in rows
        ]  # fmt: skip
        return Comparison(
            f"Δ: the largest difference from the cells, and after {asked.steps} steps together",
            ("", "loss", "Δ loss", "Δ outputs", "Δ gradient", "Δ weights", "allowed"),
            lines,
            same,
            "The same model: every difference is rounding." if same else "Not the same: see the lines marked ✗.",
            {"programs": [asdict(row) | {"agrees": row.agrees} for row in rows]},
        )

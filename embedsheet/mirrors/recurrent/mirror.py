"""The mirror of the recurrent nets of the lesson "rnn"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from embedsheet.book.book import Book
from embedsheet.ground.errors import MissingDependencyError
from embedsheet.mirrors.protocol import Asked, Comparison, Line, Mirror
from embedsheet.mirrors.recurrent.comparison import Row, SheetNet, compare_rnn, model_sheets, read_net


class _RecurrentNets(Mirror[SheetNet]):
    title = "recurrent net"

    def sheets(self, book: Book) -> list[str]:
        return model_sheets(book)

    def read(self, book: Book, sheet: str, given: Mapping[str, str]) -> SheetNet:
        return read_net(book, sheet)

    def compare(self, book: Book, models: Mapping[str, SheetNet], asked: Asked) -> Comparison:
        second = None
        if asked.recalculated is not None:
            try:
                second = asked.recalculated(book)
            except MissingDependencyError as error:
                asked.say(f"Without a spreadsheet program's opinion: {error}", "yellow")
        rows = compare_rnn(book, models.values(), second, asked.say)
        wrong = [row for row in rows if not row.agrees]
        # Large weights magnify the rounding of float32.
        same = all(row.name.endswith("float32") for row in wrong)
        if not wrong:
            verdict = "One answer: every program computes the same net."
        elif same:
            verdict = "One answer in double precision; large weights magnify the rounding of float32."
        else:
            verdict = "Not one answer: see the lines marked ✗."
        return Comparison(
            "Δ: the largest difference from the numbers in the cells; a gradient's, from the compiled formulas'",
            ("", "loss", "Δ loss", "Δ probability", "Δ gradient", "allowed"),
            [_line(row) for row in rows],
            same,
            verdict,
            {"programs": [asdict(row) | {"agrees": row.agrees} for row in rows]},
            [
                f"{sheet}: a relu stands exactly at its kink, where there are two slopes; the gradient may be either."
                for sheet in sorted({row.sheet for row in rows if row.on_kink})
            ],
        )


def _line(row: Row) -> Line:
    gradient = "–" if row.gradient_difference is None else f"{row.gradient_difference:.1e}"
    return Line(
        row.sheet,
        (
            row.name, f"{row.loss:.6f}", f"{row.loss_difference:.1e}", f"{row.probability_difference:.1e}", gradient,
            f"{row.tolerance:.0e}",
        ),
        row.agrees,
    )  # fmt: skip


MIRROR = _RecurrentNets()

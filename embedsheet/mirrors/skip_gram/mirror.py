"""The mirror of the sheet "Skip-gram"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from embedsheet.book.book import Book
from embedsheet.mirrors.protocol import Asked, Comparison, Line, Mirror
from embedsheet.mirrors.skip_gram.comparison import SkipGram, compare_skip_grams, model_sheets, read_skip_gram


class _SkipGrams(Mirror[SkipGram]):
    title = "skip-gram model"

    def sheets(self, book: Book) -> list[str]:
        return model_sheets(book)

    def read(self, book: Book, sheet: str, given: Mapping[str, str]) -> SkipGram:
        return read_skip_gram(book, sheet)

    def compare(self, book: Book, models: Mapping[str, SkipGram], asked: Asked) -> Comparison:
        rows = compare_skip_grams(book, models.values(), asked.steps, asked.learning_rate)
        same = all(row.agrees for row in rows)
        lines = [
            Line(
                row.sheet if len(models) > 1 else "",
                (
                    row.name, f"{row.loss:.4f}", f"{row.loss_difference:.1e}", f"{row.probability_difference:.1e}",
                    f"{row.gradient_difference:.1e}",
                    "–" if row.steps_difference is None else f"{row.steps_difference:.1e}", f"{row.tolerance:.0e}",
                ),
                row.agrees,
            )
            for row in rows
        ]  # fmt: skip
        return Comparison(
            f"Δ: the largest difference from the cells, and after {asked.steps} steps together",
            ("", "loss", "Δ loss", "Δ softmax", "Δ gradient", "Δ weights", "allowed"),
            lines,
            same,
            "The same model: every difference is rounding." if same else "Not the same: see the lines marked ✗.",
            {"programs": [asdict(row) | {"agrees": row.agrees} for row in rows]},
        )


MIRROR = _SkipGrams()

"""The mirror of the lesson "optimisers"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from embedsheet.book.book import Book
from embedsheet.mirrors.optimisers.comparison import KERAS, Descent, compare_descents, model_sheets, read_descent
from embedsheet.mirrors.protocol import Asked, Comparison, Line, Mirror


class _Optimisers(Mirror[Descent]):
    title = "descent by an optimiser"

    def sheets(self, book: Book) -> list[str]:
        return model_sheets(book)

    def read(self, book: Book, sheet: str, given: Mapping[str, str]) -> Descent:
        return read_descent(book, sheet)

    def compare(self, book: Book, models: Mapping[str, Descent], asked: Asked) -> Comparison:
        rows = compare_descents(models.values())
        same = all(row.agrees for row in rows)
        lines = [
            Line(
                "", (row.sheet, row.keras, str(row.steps), f"{row.difference:.1e}", f"{row.tolerance:.0e}"), row.agrees
            )
            for row in rows
        ]
        return Comparison(
            "The same steps in the sheet and in Keras (float64)",
            ("", "Keras", "steps", "largest difference", "allowed"),
            lines,
            same,
            "The same steps: every difference is rounding." if same else "Not the same: see the lines marked ✗.",
            {"sheets": [asdict(row) | {"agrees": row.agrees} for row in rows]},
        )

    def own_code(self, model: Descent) -> list[str]:
        name, more = KERAS[model.optimiser]
        arguments = ", ".join(f"{name}={value!r}" for name, value in {**model.settings, **more}.items())
        return [
            "import keras",
            "import numpy as np",
            "",
            *model.given,
            f'weights = keras.Variable({model.weights[0].tolist()}, dtype="float64")',
            f"optimizer = keras.optimizers.{name}({arguments})",
            "optimizer.build([weights])",
            "path = [keras.ops.convert_to_numpy(weights.value)]",
            f"for step in range({len(model.weights) - 1}):",
            *(f"    {line}" for line in model.slope),
            "    optimizer.apply([keras.ops.convert_to_tensor(gradient)])",
            "    path.append(keras.ops.convert_to_numpy(weights.value))",
        ]


MIRROR = _Optimisers()

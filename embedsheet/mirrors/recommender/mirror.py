"""The mirror of a recommender: two embeddings, their product, perhaps biases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace

from embedsheet.book.book import Book
from embedsheet.book.edits import Edit
from embedsheet.ground.errors import ModelError
from embedsheet.mirrors.full_size.devices import device
from embedsheet.mirrors.protocol import Asked, Comparison, Epochs, Line, Mirror, Task
from embedsheet.mirrors.recommender import new_book, results
from embedsheet.mirrors.recommender.blocks import NAMES, TABLES, SheetModel, choose_sheet, model_sheets, read_model
from embedsheet.mirrors.recommender.comparison import Check, compare
from embedsheet.mirrors.recommender.keras_net import precisions
from embedsheet.mirrors.recommender.training import Learned, train
from embedsheet.workbook import SaveReport, Workbook
from embedsheet.xlsx.writer.page import check_target


class _Recommenders(Mirror[SheetModel]):
    title = "recommender"
    places = tuple(NAMES)

    def sheets(self, book: Book) -> list[str]:
        return model_sheets(book)

    def chosen(self, book: Book, sheet: str | None, given: Mapping[str, str]) -> list[str]:
        several = model_sheets(book) if sheet is None and not given else []
        return several or [choose_sheet(book, sheet, given)]

    def one(self, book: Book, sheet: str | None, given: Mapping[str, str]) -> str:
        return choose_sheet(book, sheet, given)

    def read(self, book: Book, sheet: str, given: Mapping[str, str]) -> SheetModel:
        return read_model(book, sheet, given)

    def compare(self, book: Book, models: Mapping[str, SheetModel], asked: Asked) -> Comparison:
        lesson = results.is_lesson(book)
        checks = {
            sheet: compare(book, model, asked.dtype, asked.steps, asked.learning_rate)
            for sheet, model in models.items()
        }
        same = all(one.agrees for every in checks.values() for one in every)

        def edits() -> Sequence[Edit]:
            model = models.get(results.compared_sheet(book)) or next(iter(models.values()))
            return results.compared_edits(book, model, _both_precisions(book, model, asked.steps, asked.learning_rate))

        return Comparison(
            f"The same weights in the sheet and in Keras ({asked.dtype})",
            ("", "sheet", "Keras", "difference", "allowed"),
            [_line(sheet, one) for sheet, every in checks.items() for one in every],
            same,
            "The same model: every difference is rounding." if same else "Not the same: see the lines marked ✗.",
            {
                "precision": asked.dtype,
                "sheets": {
                    sheet: [asdict(one) | {"agrees": one.agrees} for one in every] for sheet, every in checks.items()
                },
            },
            edits=edits if lesson else None,
        )

    def searched(self, book: Book, model: SheetModel) -> tuple[str | None, tuple[str, ...]]:
        blocks = model.blocks
        if model.sheet in book.setups or "rmse" not in blocks:
            return None, ()
        return str(blocks["rmse"]), tuple(str(blocks[name]) for name in TABLES if name in blocks)

    def trainer(self, book: Workbook, model: SheetModel, task: Task) -> _Trainer:
        lesson = results.is_lesson(book) and not task.given
        if not lesson and task.output is None and not task.replace:
            raise ModelError(
                f"{book.path.name}: has no sheet Keras to write to; name a new workbook for the comparison with -o, or "
                "write over its factors with --replace."
            )
        if task.output is not None:
            check_target(task.output, task.force)
        if lesson or task.replace:
            book.check_target(task.output if lesson else None, task.ignore_lock, force=task.force)
        return _Trainer(book, model, task, lesson)


class _Trainer:
    def __init__(self, book: Workbook, model: SheetModel, task: Task, lesson: bool) -> None:
        self.sheet = model.sheet
        self._book, self._model, self._task, self._lesson = book, model, task, lesson
        self._learned: Learned | None = None

    def learn(self, heard: Epochs) -> str:
        settings = self._task.settings
        with device(self._task.device) as where:
            learned = train(self._model, settings, lambda done: heard(done.epoch + 1, done.epochs))
        self._learned = learned
        of = f"Keras' {settings.optimizer} on {where}; ended by {learned.ended}."
        if learned.kept < 0:  # the weights stay
            count = len(learned.epochs)
            epochs = "the one epoch" if count == 1 else f"none of {count:,} epochs"
            verb = "did not better" if count == 1 else "bettered"
            return f"{self.sheet}: RMSE {learned.rmse:.4f} as before; {epochs} {verb} it, of {of}"
        best = f"RMSE {learned.rmse_before:.4f} → {learned.rmse:.4f} after {learned.kept + 1} epochs"
        return f"{self.sheet}: {best} of {of}"

    def keep(self) -> Iterator[tuple[str, str]]:
        book, model, task, learned = self._book, self._model, self._task, self._learned
        assert learned is not None
        checks = _both_precisions(book, model) if "rmse" in model.blocks else []
        if self._lesson:
            edits = results.learned_edits(book, model, learned) + results.compared_edits(book, model, checks)
            if task.replace:
                edits += results.replaced_edits(model, learned)
            yield from _told(
                results.save(book, edits, task.output, task.ignore_lock), "; see its sheets Keras and Compare"
            )
            return
        if task.replace:
            yield from _told(results.replace_in_place(book, model, learned, task.ignore_lock))
        if task.output is not None:
            new_book.build(task.output, model, learned, checks, book.path.name, force=task.force)
            yield f"Wrote {task.output}: the sheet and Keras side by side.", ""


def _told(report: SaveReport, where: str = "") -> Iterator[tuple[str, str]]:
    yield f"Wrote {report.cells_written:,} cells of {report.path}{where}.", ""
    for note in report.notes:
        yield f"Note: {note}", "yellow"


def _line(sheet: str, one: Check) -> Line:
    cells = (one.what, f"{one.sheet:.6f}", f"{one.keras:.6f}", f"{one.difference:.1e}", f"{one.tolerance:.0e}")
    return Line(sheet, cells, one.agrees)


def _both_precisions(book: Book, model: SheetModel, steps: int = 10, learning_rate: float = 0.1) -> list[Check]:
    """Return the checks in float32 and, where the engine can, float64, as the sheet Compare shows them."""
    return [
        replace(one, what=f"{one.what} ({dtype})")
        for dtype in precisions()
        for one in compare(book, model, dtype, steps, learning_rate)
    ]


MIRROR = _Recommenders()

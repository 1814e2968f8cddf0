"""The lessons: one module each, which makes a workbook.

To add a lesson, write a module `embedsheet/lessons/NAME.py` and add its row to `LESSONS`; another package names its
module in the entry-point group `embedsheet.lessons`, where the entry's name is the lesson's. The module has

* a docstring whose first line says what it shows, and the rest what its sheets hold and which blocks have which
  defined names;
* `EXAMPLE`, a command line for the help;
* `build(path, *, …, force=False, finish=None, progress=None) -> Path`: makes the workbook through
  `xlsx.writer.page.Book`, calls `book.save(finish)`, returns the path. Each further keyword parameter is an option of
  `embedsheet new NAME`: it is annotated `Annotated[TYPE, "help text"]` and has a default (int, float, bool, str, Path
  or None; `many_users: int` becomes `--many-users`). A wrong value raises LessonError before anything is written.

Of embedsheet's own lessons `build` has `no_gradient_sheet`, too, saves by `gradients.save`, and one sheet is the Guide.

`force` replaces an existing file. `finish(book)` is called before the file is written (the buttons come in there) and
`progress(rows done, rows in all)` while a long sheet is made. Blocks are found through defined names scoped to their
sheet, never by address.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from types import ModuleType

from embedsheet.ground.errors import LessonError, one_of
from embedsheet.ground.plugins import load, package_of, plugins

# Parameters of `build` that are not options of their own.
INTERNAL = frozenset({"path", "force", "finish", "progress"})


@dataclass(frozen=True, slots=True)
class Lesson:
    """A lesson's name on the command line, its subject, its module, and the sheet that its notebook trains.

    A lesson of another package has no notebook.
    """

    name: str
    summary: str
    module: str
    trained: str = ""

    def load(self) -> ModuleType:
        """Import the module, which nothing does before the lesson is wanted."""
        return importlib.import_module(self.module)


def _ours(name: str, trained: str, summary: str) -> Lesson:
    return Lesson(name, summary, f"{__name__}.{name.replace('-', '_')}", trained)


LESSONS = {
    lesson.name: lesson
    for lesson in (
        _ours("movielens", "Cross-tab", "Film ratings: embeddings, dot product, bias, one-hot"),
        _ours("green-eggs", "Skip-gram", "Words as vectors: a vocabulary, its embedding, a map"),
        _ours("optimisers", "Solver", "Six ways to use a gradient, a step a row: from descent to Adam"),
        _ours("mlp", "XOR", "From one neuron to two hidden layers, forward and backward in cells"),
        _ours("rnn", "Three characters", "A recurrent net unrolled in formulas: characters predict the next"),
        _ours("lstm", "LSTM", "A net that remembers: LSTM's gates, beside a simple net that forgets"),
        _ours("gru", "GRU", "A net that remembers: GRU's gates, beside a simple net that forgets"),
        _ours("conv", "Convolution", "Images in cells: filters, max pooling and a dense layer tell strokes apart"),
        _ours(
            "attention", "Attention", "Queries, keys and values in cells: a small transformer says a string backwards"
        ),
        _ours("pseudo-labels", "Student", "A mixed batch: ratings, held-out ratings and a teacher's guesses"),
    )
}


def lessons() -> dict[str, Lesson]:
    """Return all lessons by name: ours, then those of other packages, whose modules are imported for their summary."""
    found = dict(LESSONS)
    for entry in plugins("embedsheet.lessons"):
        if entry.name in found:
            raise LessonError(
                f"{package_of(entry)}: its lesson {entry.name} has the name of another; give it one of its own."
            )
        summary = (load(entry).__doc__ or "").strip().partition("\n")[0]
        found[entry.name] = Lesson(entry.name, summary, entry.value)
    return found


def find(name: str) -> Lesson:
    """Return a lesson by name. Raises LessonError that lists the lessons."""
    if name in LESSONS:
        return LESSONS[name]
    every = lessons()
    return every[one_of("lesson", name, every, LessonError)]

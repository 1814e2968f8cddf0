"""What the command line does, as functions: they print nothing and raise the errors of `embedsheet.ground.errors`.

`import embedsheet as es` offers them all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embedsheet.api import parts as parts
from embedsheet.ground.notation.addresses import Area
from embedsheet.ground.offers import offer
from embedsheet.workbook import SaveReport
from embedsheet.workbook import Workbook as Workbook
from embedsheet.workbook import undo as undo

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from embedsheet.api.homework import Drafted as Drafted
    from embedsheet.api.homework import Graded as Graded
    from embedsheet.api.homework import Homework as Homework
    from embedsheet.api.homework import check_homework as check_homework
    from embedsheet.api.homework import draft_homework as draft_homework
    from embedsheet.api.homework import grade as grade
    from embedsheet.api.homework import make_homework as make_homework
    from embedsheet.api.homework import preview_homework as preview_homework
    from embedsheet.api.nets import Learned as Learned
    from embedsheet.api.nets import Written as Written
    from embedsheet.api.nets import movielens as movielens
    from embedsheet.api.nets import read_ratings as read_ratings
    from embedsheet.api.nets import train_text as train_text
    from embedsheet.api.nets import write_text as write_text
    from embedsheet.book.edits import Edit as Edit
    from embedsheet.compiler.engines import EngineName
    from embedsheet.compiler.recalculation import Recalculation
    from embedsheet.formulas.budget import raise_limits as raise_limits
    from embedsheet.ground.errors import EmbedsheetError as EmbedsheetError
    from embedsheet.hosts.buttons.checks import Finding as Finding
    from embedsheet.mirrors.protocol import Comparison as Comparison
    from embedsheet.solvers.load import Model
    from embedsheet.solvers.solution import Solution as Solution
    from embedsheet.solvers.solve import solve as solve
    from embedsheet.translations.coder.code import Code as Code
    from embedsheet.translations.coder.code import code as code
    from embedsheet.translations.gradient_sheet.against import Claim
    from embedsheet.translations.gradient_sheet.write import Derived as Derived

offer(
    __name__,
    {
        "api.homework": [
            "Drafted", "Graded", "Homework", "check_homework", "draft_homework", "grade", "make_homework",
            "preview_homework",
        ],
        "api.nets": ["Learned", "Written", "movielens", "read_ratings", "train_text", "write_text"],
        "book.edits": ["Edit"],
        "formulas.budget": ["raise_limits"],
        "ground.errors": ["EmbedsheetError"],
        "hosts.buttons.checks": ["Finding"],
        "mirrors.protocol": ["Comparison"],
        "solvers.solution": ["Solution"],
        "translations.coder.code": ["Code", "code"],
        "translations.coder.viewer.live": ["solve"],  # `solvers.solve`, with its progress shown in notebooks
        "translations.gradient_sheet.write": ["Derived"],
    },
)  # fmt: skip


def open(path: str | Path) -> Workbook:
    """Read an .xlsx or .xlsm workbook as its file stands: sheets, names, tables, Solver set-ups, values, formulas.

    On the last line of a notebook's cell it is shown beside its code, as by `show`. Raises FileError, naming part and
    remedy, for anything else.
    """
    from embedsheet.translations.coder.viewer.display import ShownWorkbook

    return ShownWorkbook.open(path)


@dataclass(frozen=True)
class Gradient:
    """The objective and its exact derivatives at the values that stand in the cells.

    `blocks`: for each area of changing cells ∂objective/∂cell, (rows, columns) as the area. `model`: the compiled model
    that they come from; `model.notes` name cells whose derivative is none, as of ROUND.
    """

    objective: str
    value: float
    blocks: dict[Area, NDArray[np.float64]]
    model: Model

    @property
    def notes(self) -> list[str]:
        """What the user should know: formulas without a derivative, values that were trusted."""
        return self.model.notes


def gradient(
    book: str | Path | Workbook,
    sheet: str | None = None,
    *,
    objective: str | None = None,
    changing: Sequence[str] = (),
    overwrite_formulas: bool = False,
    trust_embedsheet: bool = False,
    engine: EngineName = "auto",
) -> Gradient:
    """Return the objective of a sheet's Solver set-up, or of `objective` and `changing`, and its gradient.

    `overwrite_formulas`: changing cells may hold formulas, which count as their stored values. Raises MismatchError
    where recomputed formulas differ from the stored results, unless `trust_embedsheet`; ModelError for a set-up that
    makes no sense; UnsupportedError with all formulas that cannot be compiled.
    """
    from embedsheet.solvers.load import gradient_blocks, load_model
    from embedsheet.solvers.model import Specification

    model = load_model(
        book, sheet, Specification.differentiated(objective, changing),
        overwrite_formulas=overwrite_formulas, trust_embedsheet=trust_embedsheet, engine=engine,
    )  # fmt: skip
    value, blocks = gradient_blocks(model.program)
    return Gradient(model.objective_name, value, dict(zip(model.setup.changing, blocks, strict=True)), model)


@dataclass(frozen=True)
class Against:
    """Cells that claim to be derivatives, compared with the exact ones: a claim for each changing cell, in order."""

    objective: str
    claims: list[Claim]
    model: Model

    @property
    def wrong(self) -> list[Claim]:
        """The cells that are not the derivative."""
        return [claim for claim in self.claims if claim.kind != "right"]


def against(
    book: str | Path | Workbook,
    cells: str | Sequence[str],
    sheet: str | None = None,
    *,
    objective: str | None = None,
    changing: Sequence[str] = (),
    overwrite_formulas: bool = False,
    trust_embedsheet: bool = False,
) -> Against:
    """Compare cells that claim to be the derivatives by the changing cells, in their order, with the exact ones.

    `cells` are addresses or names. The model is chosen as by `gradient`. Raises ModelError where the cells are not as
    many as the changing ones.
    """
    from embedsheet.solvers.load import load_model
    from embedsheet.solvers.model import Specification
    from embedsheet.translations.gradient_sheet.against import compare

    model = load_model(
        book, sheet, Specification.differentiated(objective, changing),
        overwrite_formulas=overwrite_formulas, trust_embedsheet=trust_embedsheet,
    )  # fmt: skip
    texts = [cells] if isinstance(cells, str) else list(cells)
    areas = [area for text in texts for area in model.workbook.areas(text, model.setup.sheet)]
    return Against(model.objective_name, compare(model.workbook, model.program, areas), model)


def derive(
    book: str | Path | Workbook,
    sheet: str | None = None,
    output: str | Path | None = None,
    *,
    objective: str | None = None,
    changing: Sequence[str] = (),
    trust_embedsheet: bool = False,
    buttons: bool = False,
    force: bool = False,
    ignore_lock: bool = False,
) -> Derived:
    """Add a sheet whose formulas calculate the gradient of a sheet's model, in place or in the copy `output`.

    `buttons` adds macros in plain VBA that step along the gradient, to a copy (.xlsm, by default beside the workbook).
    The model is chosen as by `gradient`. The added sheet is calculated before it is written: every derivative is the
    exact one to 1e-9. Raises UnsupportedError with all cells that have no rule, MismatchError where derivatives differ,
    ModelError for a set-up that makes no sense; nothing is written then.
    """
    from embedsheet.solvers.load import load_model
    from embedsheet.solvers.model import Specification
    from embedsheet.translations.gradient_sheet.write import derive_model

    workbook = book if isinstance(book, Workbook) else Workbook.open(book)
    if buttons and output is None:
        output = workbook.path.with_suffix(".xlsm")
    workbook.check_target(output, ignore_lock, force=force, macros=buttons)
    model = load_model(
        workbook, sheet, Specification.differentiated(objective, changing),
        trust_embedsheet=trust_embedsheet,
    )  # fmt: skip
    target = None if output is None else Path(output)
    return derive_model(workbook, model, target, ignore_lock=ignore_lock, project=_step_macros if buttons else None)


def _step_macros(kinds: Sequence[str]) -> tuple[bytes, list[str]]:
    """Return the VBA project of the gradient sheet's buttons, and the sheets' code names."""
    from embedsheet.hosts.buttons.vba import code_names, vba_project
    from embedsheet.translations.gradient_sheet.write import macros

    return vba_project(kinds, {"gradient": macros()}), code_names(kinds)


def compare(
    book: str | Path | Workbook,
    sheet: str | None = None,
    *,
    steps: int = 10,
    learning_rate: float = 0.1,
    float64: bool = False,
    blocks: Mapping[str, str] | None = None,
) -> Comparison:
    """Compare the models of a sheet, or of every sheet, with their twins in Keras at equal weights; writes nothing.

    So many `steps` of gradient descent are walked together. `blocks` say where a recommender's cells are in a workbook
    without our names, as {"user_factors": "B25:F39"}. Raises ModelError where no sheet has a model, or blocks have
    holes.
    """
    from embedsheet.mirrors.protocol import Asked
    from embedsheet.mirrors.table import models as models_of

    workbook = book if isinstance(book, Workbook) else Workbook.open(book)
    mirror, models = models_of(workbook, sheet, dict(blocks or {}))
    return mirror.compare(workbook, models, Asked(steps, learning_rate, "float64" if float64 else "float32"))


@dataclass(frozen=True)
class Trained:
    """What came of a training: the model's `sheet`, a `summary`, and sentences on what was written where."""

    sheet: str
    summary: str
    written: list[str]


def train(
    book: str | Path | Workbook,
    sheet: str | None = None,
    output: str | Path | None = None,
    *,
    optimizer: str = "adam",
    learning_rate: float = 0.03,
    epochs: int | None = None,
    batch_size: int = 64,
    l2: float = 0.0,
    validation: float = 0.0,
    patience: int = 30,
    seed: int = 42,
    float64: bool = False,
    blocks: Mapping[str, str] | None = None,
    replace: bool = False,
    device: str | None = None,
    force: bool = False,
    ignore_lock: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Trained:
    """Train a sheet's recommender in Keras, from the sheet's own weights, and write the result back.

    In a lesson's workbook it goes to the sheets Keras and Compare, in place or in the copy `output`; of any other
    workbook `output` is a new one with the comparison, and `replace` writes over the sheet's own factors. `validation`:
    share of ratings held out; `patience`: epochs without gain before it ends; `blocks` as in `compare`; `progress`
    hears (epochs done, at most). Raises ModelError for a sheet without a model, or a result without a place, and
    FileError for a target that cannot be written, before anything is trained.
    """
    from embedsheet.mirrors.protocol import Settings, Task
    from embedsheet.mirrors.table import trainer as trainer_of

    workbook = book if isinstance(book, Workbook) else Workbook.open(book)
    settings = Settings(
        optimizer, learning_rate, epochs, batch_size, l2, validation, patience, seed,
        "float64" if float64 else "float32",
    )  # fmt: skip
    target = None if output is None else Path(output)
    task = Task(settings, dict(blocks or {}), target, replace, device, force, ignore_lock)
    trainer = trainer_of(workbook, sheet, task)
    summary = trainer.learn(progress or (lambda done, epochs: None))
    return Trained(trainer.sheet, summary, [words for words, _ in trainer.keep()])


def inspect(book: str | Path | Workbook) -> dict[str, Any]:
    """Return sheets, Solver set-ups, functions, unsupported formulas, and whether stored results can be recomputed.

    The keys are those of `embedsheet inspect --json`. Raises FileError.
    """
    from embedsheet.solvers.inspection import inspect_book

    return inspect_book(book if isinstance(book, Workbook) else Workbook.open(book))


def show(
    book: str | Path, output: str | Path | None = None, sheet: str | None = None, *, solve: bool = False,
    train: bool = False, force: bool = False,
) -> Path:  # fmt: skip
    """Make one HTML page of a workbook, or of a sheet and what it needs, beside its code; return the page's path.

    `solve` shows as a film how the solver finds the changing cells, `train` how Keras does; the workbook is not
    changed. `force` replaces a file that is there. Raises FileError, UnsupportedError, and ModelError for a sheet that
    Keras cannot train.
    """
    from embedsheet.translations.coder.viewer.page import page

    made = page(Path(book), sheet, solve=solve, train=train)
    return made.save(Path(output or Path(book).with_suffix(".html")), force=force)


def buttons(
    book: str | Path, output: str | Path | None = None, *, force: bool = False, ignore_lock: bool = False
) -> Path:
    """Make a copy (.xlsm) of a workbook with a sheet of buttons for its Solver models; return its path."""
    from embedsheet.hosts.buttons.foreign import add_buttons_to

    target = None if output is None else Path(output)
    return add_buttons_to(Path(book), target, force=force, ignore_lock=ignore_lock).path


@dataclass(frozen=True)
class Recalculated:
    """All formulas computed anew, and what was written; `report` is None where nothing was."""

    results: Recalculation
    report: SaveReport | None

    @property
    def refreshed(self) -> int:
        """How many cells' stored results are not what their formulas give, by more than nothing."""
        return sum(len(edit.rows) for edit in self.results.edits)


def recalculate(
    book: str | Path | Workbook,
    output: str | Path | None = None,
    *,
    dry_run: bool = False,
    force: bool = False,
    ignore_lock: bool = False,
) -> Recalculated:
    """Compute every supported formula of a workbook and refresh the stored results, in place or in the copy `output`.

    `force` replaces a file that is at `output`; `dry_run` writes nothing. Formulas that cannot be computed here keep
    what is stored, are listed in `results.faults`, and the file asks for a full calculation. Raises FileError.
    """
    from embedsheet.compiler.recalculation import recalculate as compute

    workbook = book if isinstance(book, Workbook) else Workbook.open(book)
    if not dry_run:
        workbook.check_target(output, ignore_lock, force=force)
    done = compute(workbook)
    report = None
    if (done.edits or output) and not dry_run:
        report = workbook.save(done.edits, output, full_calculation=bool(done.faults), ignore_lock=ignore_lock)
    return Recalculated(done, report)


def new(
    lesson: str,
    path: str | Path | None = None,
    *,
    buttons: bool = False,
    force: bool = False,
    progress: Callable[[int, int], None] | None = None,
    **options: Any,
) -> Path:
    """Make a lesson's workbook and return its path, `path` or the lesson's name in the current folder.

    `buttons` adds buttons that call Python (.xlsm); `force` replaces an existing file; `progress` hears (rows done,
    rows in all) while a long sheet is made. `options` are those of `embedsheet new LESSON`, as in users=20. Raises
    LessonError for a wrong option or value, before anything is written.
    """
    from inspect import signature

    from embedsheet.ground.errors import LessonError, did_you_mean
    from embedsheet.hosts.buttons.layout import add_buttons, check_for_buttons
    from embedsheet.lessons import find

    entry = find(lesson)
    build = entry.load().build
    known = {name for name in signature(build).parameters if name not in {"path", "force", "finish", "progress"}}
    for name in options:
        if name not in known:
            guess = did_you_mean(name, {one: one for one in known}) or f"; there are {', '.join(sorted(known))}."
            raise LessonError(f"{lesson}: has no option {name!r}{guess}")
    target = Path(path) if path is not None else Path(f"{lesson}.xlsm" if buttons else f"{lesson}.xlsx")
    if buttons:
        check_for_buttons(target)
    elif target.suffix.lower() == ".xlsm":
        raise LessonError(
            f"{target}: Excel refuses an .xlsm without macros; call it {target.with_suffix('.xlsx').name}, or add "
            "buttons: --buttons, in Python buttons=True."
        )
    made: Path = build(target, force=force, finish=add_buttons if buttons else None, progress=progress, **options)
    return made


def doctor(book: str | Path | None = None, *, run: bool = False) -> list[Finding]:
    """Say what is installed and, with a workbook, what keeps its buttons from working: a `Finding` a line.

    Each has `what`, `state` ("fine", "note" or "fault"), `text` and `remedy`. `run` starts the Python that the workbook
    names, to see whether it has embedsheet.
    """
    from embedsheet.hosts.buttons.checks import check_book, check_machine
    from embedsheet.hosts.installed import installed

    return [*installed(), *check_machine(), *(check_book(Path(book), run=run) if book is not None else ())]


def register_libreoffice() -> Any:
    """Make LibreOffice an engine of xlwings, the active one, and return it: `xlwings.App()` then starts LibreOffice."""
    from embedsheet.hosts.libreoffice.apps import register

    return register()

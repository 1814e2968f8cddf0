"""The buttons and what stands beside them, by name: all that a press needs to know of how a workbook is made.

Apart from `layout.py`, which makes it, because each press in Excel starts Python anew and should not load XlsxWriter.
"""

from __future__ import annotations

from dataclasses import dataclass

CONTROLS_SHEET = "Buttons"  # of somebody's own workbook, in place of buttons on each model sheet
MODEL = "controls.sheet"  # the cell there that names the model sheet
CONFIG_SHEET = "xlwings.conf"
MEMORY_SHEET = "embedsheet.memory"
# Rows of the memory sheet: the model sheet, what is remembered, a formula that refers to the area, then the values.
MEMORY_HEAD = 3
START = "start"
UNDO = "undo"


@dataclass(frozen=True, slots=True)
class Button:
    """A button: the function of `embedsheet.excel` that it calls, its caption, and what a screen reader says.

    recommender: it needs a model of users, movies and ratings.
    """

    function: str
    caption: str
    hint: str
    recommender: bool = False

    @property
    def macro(self) -> str:
        """The Sub in embedsheet.bas."""
        return "Embedsheet" + self.function.capitalize()


BUTTONS = (
    Button("step", "Step", "One step against the gradient, as large as the learning rate says"),
    Button("solve", "Solve", "Change the cells until the objective is at its best"),
    Button("train", "Train in Keras", "Train the same model in Keras from the same start", True),
    Button("compare", "Compare", "Compare the sheet's numbers with Keras' at the same weights", True),
    Button("gradient", "Gradient", "Write the gradient of the objective to a sheet of its own"),
    Button("check", "Check mine", "Compare the cells selected, your own derivatives, with the exact ones"),
    Button("randomize", "Randomize", "Fill the changing cells with small random numbers"),
    Button("undo", "Undo", "Bring back the cells as they were before the last button"),
    Button("reset", "Reset", "Bring back the cells as the workbook was made"),
)


@dataclass(frozen=True, slots=True)
class Tool:
    """A button of the add-in's ribbon tab and of LibreOffice's toolbar: it works on the sheet that is in front.

    image: the picture that Excel has of its own, by its `imageMso`.
    """

    function: str
    caption: str
    hint: str
    image: str

    @property
    def macro(self) -> str:
        """The Sub in ribbon.bas."""
        return "Ribbon" + self.function.capitalize()


TOOLS = (
    Tool("solve", "Solve", "Change the cells until the objective is at its best", "CalculateNow"),
    Tool("step", "Step", "One step against the gradient, at the learning rate 0.1", "MacroPlay"),
    Tool("gradient", "Gradient", "Write the gradient of the objective to a sheet of its own", "FunctionWizard"),
    Tool("derive", "Derive", "Make a copy with a sheet whose formulas calculate the gradient", "FormulaEvaluate"),
    Tool("code", "Code", "Write the sheet's formulas as a Python module beside the workbook", "VisualBasic"),
    Tool("report", "Report", "Make a solved copy with the Solver's reports as sheets", "CreateReport"),
    Tool("compare", "Compare", "Compare the sheet's numbers with Keras' at the same weights", "ReviewTrackChanges"),
    Tool("undo", "Undo", "Bring back the cells as they were before the last button", "Undo"),
    Tool("doctor", "Doctor", "Say what keeps the buttons from working here", "Help"),
)


@dataclass(frozen=True, slots=True)
class Control:
    """A setting beside the buttons: the name of its cell, label, value, number format. recommender: as in `Button`."""

    name: str
    label: str
    value: float
    look: str
    recommender: bool = False


CONTROLS = (
    Control("controls.learning_rate", "Step’s learning rate", 0.1, "General"),
    Control("controls.iterations", "Solve’s iterations", 1000, "0"),
    Control("controls.epochs", "Keras’ epochs", 100, "0", True),
)
OUTCOME = "controls.outcome"
# What `embedsheet.mirrors.recommender.results` fills, and where a lesson has it.
KERAS_SHEETS = ("Keras", "Compare")
KERAS_BLOCKS = (
    "keras.source", "keras.settings", "keras.rmse", "keras.predictions", "keras.ratings.user", "keras.ratings.movie",
    *(f"keras.{what}.{part}" for what in ("users", "movies") for part in ("id", "factors", "bias")),
    *(f"keras.history.{what}" for what in ("epoch", "rmse", "validation")),
    "compare.users.mixing", "compare.movies.mixing", "compare.checks", "compare.summary", "compare.code",
    "compare.predictions.same_weights",
)  # fmt: skip

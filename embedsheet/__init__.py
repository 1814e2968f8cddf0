"""Spreadsheets whose formulas are the model: make them, differentiate them, solve them in place, compare with Keras.

    import embedsheet as es

    es.new("movielens", "films.xlsx")
    solution = es.solve("films.xlsx", sheet="Cross-tab")
    print(solution.summary())

What the command line does, without printing; the page "From Python" has every function. Each is imported when it is
first asked for, so that `import embedsheet` costs nothing.
"""

from typing import TYPE_CHECKING

from embedsheet.ground.offers import offer

if TYPE_CHECKING:
    from embedsheet.api import *  # noqa: F403

__version__ = "0.1.0"

__all__ = [  # noqa: F405
    "Against", "Code", "Comparison", "Derived", "Edit", "EmbedsheetError", "Graded", "Gradient", "Recalculated",
    "Solution", "Trained", "Workbook",
    "against", "buttons", "code", "compare", "derive", "grade", "gradient", "inspect", "new", "open", "raise_limits",
    "recalculate", "show", "solve", "train", "undo",
]  # fmt: skip

__getattr__, __dir__ = offer(__name__, {"api": __all__})

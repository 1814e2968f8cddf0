"""Spreadsheets whose formulas are the model: make them, differentiate them, solve them in place, compare with Keras.

    import embedsheet as es

    es.new("movielens", "films.xlsx")
    solution = es.solve("films.xlsx", sheet="Cross-tab")
    print(solution.summary())

What the command line does, without printing; the page "From Python" has every function. Each is imported when it is
first asked for, so that `import embedsheet` costs nothing.
"""

from typing import TYPE_CHECKING

from embedsheet.ground import __version__ as __version__
from embedsheet.ground.offers import offer

if TYPE_CHECKING:
    from embedsheet.api import *  # noqa: F403

offer(
    __name__,
    {
        "api": [
            "Against", "Code", "Comparison", "Derived", "Drafted", "Edit", "EmbedsheetError", "Finding", "Graded",
            "Gradient", "Homework", "Learned", "Recalculated", "Solution", "Trained", "Workbook", "Written",
            "against", "buttons", "check_homework", "code", "compare", "derive", "doctor", "draft_homework", "grade",
            "gradient", "inspect", "make_homework", "movielens", "new", "open", "parts", "preview_homework",
            "raise_limits", "read_ratings", "recalculate", "register_libreoffice", "show", "solve", "train",
            "train_text", "undo", "write_text",
        ],
    },
)  # fmt: skip

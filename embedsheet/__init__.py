"""Spreadsheets whose formulas are the model: make them, differentiate them, solve them in place, compare with Keras.

    import embedsheet as es

    es.new("movielens", "films.xlsx")
    solution = es.solve("films.xlsx", sheet="Cross-tab")
    print(solution.summary())

What stands here is what the command line does, without printing; the page "From Python" has every function. Each is
imported when it is first asked for, so that `import embedsheet` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from embedsheet.api import Against as Against
    from embedsheet.api import Graded as Graded
    from embedsheet.api import Gradient as Gradient
    from embedsheet.api import Recalculated as Recalculated
    from embedsheet.api import against as against
    from embedsheet.api import compare as compare
    from embedsheet.api import derive as derive
    from embedsheet.api import grade as grade
    from embedsheet.api import gradient as gradient
    from embedsheet.api import new as new
    from embedsheet.api import open as open
    from embedsheet.api import recalculate as recalculate
    from embedsheet.ground.errors import EmbedsheetError as EmbedsheetError
    from embedsheet.mirrors.protocol import Comparison as Comparison
    from embedsheet.solvers.solution import Solution as Solution
    from embedsheet.solvers.solve import solve as solve
    from embedsheet.translations.coder.code import Code as Code
    from embedsheet.translations.coder.code import code as code
    from embedsheet.translations.gradient_sheet.write import Derived as Derived
    from embedsheet.workbook import Workbook as Workbook
    from embedsheet.workbook import undo as undo

__version__ = "0.1.0"

_WHERE = {
    "Against": "api",
    "Code": "translations.coder.code",
    "Comparison": "mirrors.protocol",
    "Derived": "translations.gradient_sheet.write",
    "EmbedsheetError": "ground.errors",
    "Graded": "api",
    "Gradient": "api",
    "Recalculated": "api",
    "Solution": "solvers.solution",
    "Workbook": "workbook",
    "against": "api",
    "code": "translations.coder.code",
    "compare": "api",
    "derive": "api",
    "grade": "api",
    "gradient": "api",
    "new": "api",
    "open": "api",
    "recalculate": "api",
    "solve": "solvers.solve",
    "undo": "workbook",
}

__all__ = [
    "Against", "Code", "Comparison", "Derived", "EmbedsheetError", "Graded", "Gradient", "Recalculated", "Solution",
    "Workbook",
    "against", "code", "compare", "derive", "grade", "gradient", "new", "open", "recalculate", "solve", "undo",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'embedsheet' has no attribute {name!r}")
    return getattr(import_module(f"embedsheet.{_WHERE[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_WHERE])

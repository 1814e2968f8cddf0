"""Write docs/functions.md from the function table: `python tools/function_docs.py`."""

from __future__ import annotations

from pathlib import Path

from embedsheet.formulas.functions.table import FUNCTIONS, Function

PAGE = Path(__file__).parents[1] / "docs" / "functions.md"

# The modules of the table by topic, in the page's order.
TOPICS = {
    "Sums, means and counts": ("aggregate",),
    "Arithmetic, exponentials and trigonometry": ("arithmetic", "rounding", "bessel"),
    "Matrices": ("matrix",),
    "Arrays made, joined, cut and sorted": ("arrays", "sorting"),
    "Sums and counts on a condition": ("conditional", "criteria", "databases"),
    "Statistics of samples": ("statistics", "samples", "regression", "hypotheses"),
    "Distributions": ("distributions", "families"),
    "Logic": ("logic",),
    "Functions of your own": ("lambdas",),
    "Lookup and reference": ("lookup", "places"),
    "Information": ("information", "descriptions"),
    "Annuities, depreciation and securities": ("financial", "rates", "instalments", "securities", "bonds", "accruals"),
    "Dates, times and volatile functions": ("dates", "workdays"),
    "Text": ("text", "splitting", "systems"),
    "Complex numbers": ("complex_numbers",),
    "Units": ("units",),
}

INTRODUCTION = """# Functions

The {count} functions that embedsheet computes and differentiates. A formula with any other function is refused before
anything is changed, with the cell's address. This page is made from the function table by `tools/function_docs.py`.

How the gradient treats each one:

| gradient | means |
| --- | --- |
| exact | differentiable wherever it is defined, and differentiated exactly |
| piecewise | exact but for kinks and jumps, as ABS at 0 or IF where its condition turns |
| zero | constant between its steps, as ROUND: compiled with gradient 0, and a note names the cells |
| constant | of arguments that do not depend on the changing cells, or of their addresses alone |
| frozen | of chance or of the day, or known to Google Sheets only: the value stored in the file stays |

Where results differ from Excel's on purpose, [differences from Excel](differences-from-excel.md) says so.
"""


def arguments(row: Function) -> str:
    """Return how many arguments a function takes, in words."""
    if row.most >= 255:
        return f"{row.least} or more"
    return str(row.least) if row.least == row.most else f"{row.least} to {row.most}"


def module(row: Function) -> str:
    """Return the name of the module that a function stands in."""
    return str(getattr(row.call, "compute", row.call).__module__).rpartition(".")[2]


def page() -> str:
    """Return the page's text. Raises KeyError when a module of the table has no topic."""
    topic_of = {module: topic for topic, modules in TOPICS.items() for module in modules}
    rows: dict[str, list[Function]] = {topic: [] for topic in TOPICS}
    for row in FUNCTIONS.values():
        rows[topic_of[module(row)]].append(row)
    parts = [INTRODUCTION.format(count=len(FUNCTIONS))]
    for topic, members in rows.items():
        if members:
            parts.append(f"\n## {topic}\n\n| function | gives | arguments | gradient |\n| --- | --- | --- | --- |\n")
            for row in sorted(members, key=lambda row: row.name):
                parts.append(f"| `{row.name}` | {row.summary} | {arguments(row)} | {row.gradient} |\n")
    return "".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8", newline="\n")

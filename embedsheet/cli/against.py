"""What `embedsheet gradient --against` says."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from embedsheet.cli.progress import say

if TYPE_CHECKING:
    from embedsheet.api import Against


def as_json(found: Against) -> dict[str, Any]:
    """Return the comparison as plain data."""
    return {
        "objective": found.objective,
        "compared": len(found.claims),
        "right": len(found.claims) - len(found.wrong),
        "cells": [
            {
                "cell": str(claim.cell),
                "changing": str(claim.changing),
                "value": claim.value if math.isfinite(claim.value) else None,
                "exact": claim.exact,
                "kind": claim.kind,
                "words": claim.words,
            }
            for claim in found.claims
        ],
        "notes": found.model.notes,
    }


def tell(found: Against) -> None:
    """Print the comparison cell by cell."""
    wide = max(len(str(claim.cell)) for claim in found.claims)
    other = max(len(str(claim.changing)) for claim in found.claims)
    for claim in found.claims:
        value = f"{claim.value:.10g}" if math.isfinite(claim.value) else "–"
        line = f"{claim.cell!s:{wide}}  by {claim.changing!s:{other}}  {value:>17}  exact {claim.exact:>17.10g}"
        if claim.kind == "right":
            say(f"{line}  right", "green")
        else:
            off = f", off by {claim.off:.2%}" if math.isfinite(claim.off) else ""
            say(f"{line}  {claim.words}{off}", "red")
    count, wrong = len(found.claims), len(found.wrong)
    if wrong:
        say(f"{wrong:,} of {count:,} cells are not the derivative of {found.objective}.", "red")
    else:
        say(f"All {count:,} cells are the derivative of {found.objective}.", "green")
    for note in found.model.notes:
        say(f"Note: {note}", "yellow")

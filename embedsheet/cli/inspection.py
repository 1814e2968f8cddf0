"""What `embedsheet inspect` prints of a workbook."""

from __future__ import annotations

from typing import Any

from embedsheet.cli.progress import say


def tell_inspection(found: dict[str, Any]) -> None:
    """Print what `es.inspect` found."""
    for sheet in found["sheets"]:
        arrays = f", {sheet['arrays']} array formulas" if sheet["arrays"] else ""
        say(f"{sheet['name']}: {sheet['cells']:,} cells, {sheet['formulas']:,} formulas{arrays}")
        for area in sheet["data_tables"]:
            say(f"  data table {area}: its results are kept as stored")
    say("")
    for name, words in found["setups"].items():
        say(f"Solver set-up on {name}: {words}", "cyan")
        say(f"  {found['methods'][name]}")
    for note in found["setup_notes"]:
        say(f"Note: {note}", "yellow")
    for name, fault in found["setup_faults"].items():
        say(f"Solver set-up on {name} cannot be read: {fault}", "red")
    if not found["setups"] and not found["setup_faults"]:
        say("No Solver set-up; name a model with embedsheet solve BOOK --sheet … --objective … --changing …")
    if found["external_links"]:
        say("The workbook refers to other workbooks; their values are kept as stored.", "yellow")
    if found["functions"]:
        say("Functions: " + ", ".join(f"{name} ({count:,})" for name, count in found["functions"].items()))
    for fault in found["not_supported"]:
        say(f"Not supported: {fault}", "red")
    check = found["check"]
    if not found["formulas"]:
        say("There are no formulas.")
    elif check["never_calculated"]:
        say("No spreadsheet program has calculated this file: it stores no results to compare with.", "yellow")
    elif not check["differing"]:
        say(f"All {check['compared']:,} stored results are what embedsheet computes{_largest(check)}.", "green")
    else:
        say(f"{check['differing']:,} of {check['compared']:,} stored results differ{_largest(check)}:", "red")
        for example in check["examples"]:
            say(f"  {example}")
        if check["differing"] > len(check["examples"]):
            say(f"  and {check['differing'] - len(check['examples']):,} more")


def _largest(check: dict[str, Any]) -> str:
    if not check["largest_at"]:
        return ""
    return f" (largest difference {check['largest_difference']:.1e} at {check['largest_at']})"

"""`embedsheet new` and `embedsheet lessons`: make the lessons' workbooks."""

from __future__ import annotations

import typer

app = typer.Typer()


@app.command(epilog="Example: [cyan]embedsheet lessons[/cyan]")
def lessons() -> None:
    """List the lessons that `embedsheet new` can make."""

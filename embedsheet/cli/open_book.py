"""`embedsheet open`: a workbook in LibreOffice, with its buttons at work."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from embedsheet.cli.progress import console_of

app = typer.Typer()


@app.command(epilog="Example: [cyan]embedsheet open films.xlsm[/cyan]")
def open(
    book: Annotated[Path, typer.Argument(help="A workbook made with --buttons (.xlsm).")],
    headless: Annotated[
        bool, typer.Option("--headless", help="Without a window: for machines that have no display.")
    ] = False,
) -> None:
    """Open a workbook in LibreOffice and let its buttons work until it is closed there."""
    from embedsheet.hosts.libreoffice.serve import Server

    console = console_of()
    server: Server | None = None
    try:
        with console.status("Starting LibreOffice …"):
            server = Server(book, headless=headless)
        if headless:
            # Nobody could close a box that nobody sees.
            server.app.impl.on_alert = lambda text, title: None
        console.print(
            f"{book.name} is open in LibreOffice {server.app.impl.version}; {server.buttons} buttons are served.\n"
            "Esc stops a button at work. Save as usual; close the workbook to end."
        )
        server.serve(lambda button, outcome: console.print(f"[bold]{button}[/bold] {outcome}"))
    finally:
        if server is not None and not server.close():
            console.print("LibreOffice stays open; its buttons are no longer served.")

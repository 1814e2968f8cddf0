"""`embedsheet open`: a workbook in LibreOffice, with a toolbar and its own buttons at work."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from embedsheet.cli.progress import console_of

app = typer.Typer()


@app.command(epilog="Example: [cyan]embedsheet open films.xlsm[/cyan]")
def open(
    book: Annotated[Path, typer.Argument(help="The workbook (.xlsx, .xlsm).")],
    headless: Annotated[
        bool, typer.Option("--headless", help="Without a window: for machines that have no display.")
    ] = False,
) -> None:
    """Open a workbook in LibreOffice with a toolbar of buttons, which work until it is closed there.

    So do the buttons in its sheets, if it has any.
    """
    from embedsheet.hosts.libreoffice.serve import Server

    console = console_of()
    server: Server | None = None
    try:
        with console.status("Starting LibreOffice …"):
            server = Server(book, headless=headless)
        if headless:
            # Nobody could close a box that nobody sees.
            server.app.impl.on_alert = lambda text, title: None
        own = f" and {server.buttons} buttons in its sheets" if server.buttons else ""
        console.print(
            f"{book.name} is open in LibreOffice {server.app.impl.version}; served: the toolbar embedsheet{own}.\n"
            "Esc stops a button at work. Save as usual; close the workbook to end."
        )
        server.serve(lambda button, outcome: console.print(f"[bold]{button}[/bold] {outcome}"))
    finally:
        if server is not None and not server.close():
            console.print("LibreOffice stays open; its buttons are no longer served.")

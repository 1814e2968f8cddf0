"""Make the picture of the buttons: a workbook open in LibreOffice, with Solve pressed.

Needs LibreOffice Calc with its bridge to Python, and Xvfb, whose screen is read from the file that it keeps it in.
"""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

from embedsheet.hosts.buttons.layout import add_buttons
from embedsheet.hosts.libreoffice.click import click
from embedsheet.hosts.libreoffice.serve import Server
from embedsheet.lessons.movielens import CROSSTAB, build

TARGET = Path(__file__).parents[1] / "docs" / "images" / "buttons.png"
WIDTH, HEIGHT = 1500, 950
SETTLE_SECONDS = 2.0  # for the window to be drawn


def main() -> None:
    """Open, press, take the picture."""
    if shutil.which("Xvfb") is None:
        sys.exit("Xvfb is not installed; apt-get install xvfb")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        screen = subprocess.Popen(
            ["Xvfb", "-displayfd", "1", "-noreset", "-screen", "0", f"{WIDTH}x{HEIGHT}x24", "-nolisten", "tcp",
             "-fbdir", name],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        try:
            assert screen.stdout is not None
            os.environ["DISPLAY"] = f":{screen.stdout.readline().strip()}"  # said once it is ready
            book = build(folder / "films.xlsm", finish=add_buttons)
            server = Server(book)
            try:
                server.book.api.CurrentController.Frame.ContainerWindow.setPosSize(0, 0, WIDTH, HEIGHT, 15)
                server.book.sheets[CROSSTAB].activate()
                time.sleep(SETTLE_SECONDS)
                click(server.book, "Solve")
                said: list[str] = []
                server.serve(lambda button, outcome: said.append(outcome), until=lambda: bool(said))
                time.sleep(SETTLE_SECONDS)
                TARGET.parent.mkdir(parents=True, exist_ok=True)
                TARGET.write_bytes(_png((folder / "Xvfb_screen0").read_bytes()))
            finally:
                server.book.close()
                server.close()
        finally:
            screen.terminate()
            screen.wait()
    print(TARGET)


def _png(dump: bytes) -> bytes:
    """Return a window dump (XWD, 32 bits a pixel, blue first) as PNG."""
    header = struct.unpack(">25I", dump[:100])
    size, width, height, stride, colours = header[0], header[4], header[5], header[12], header[19]
    start = size + 12 * colours
    lines = bytearray()
    for line in range(height):
        row = dump[start + line * stride : start + line * stride + 4 * width]
        pixels = bytearray(3 * width)
        pixels[0::3], pixels[1::3], pixels[2::3] = row[2::4], row[1::4], row[0::4]
        lines += b"\0" + pixels
    parts = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(bytes(lines), 9)),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts
    )


if __name__ == "__main__":
    main()

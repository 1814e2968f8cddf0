"""Draw the recurrent nets in the lecture's picture language.

    python tools/draw_nets.py        # needs pdftocairo (Debian package poppler-utils)

Writes docs/images/net-*.png for the documentation and embedsheet/lessons/rnn/legend.png for the workbook's Guide.
A picture is a page of PDF drawn by hand, which poppler turns into pixels: the same on every machine, no fonts needed.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent
GREEN, ORANGE, BLUE, DARK, PALE = "#2F9E44", "#D9480F", "#1971C2", "#1F2937", "#F1F3F5"
ROUND = 0.5523  # a quarter of a circle as a Bézier curve


class Picture:
    """A page of `width` × `height` points, y upward, with shapes, arrows and words on it."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.commands = [f"1 1 1 rg 0 0 {width} {height} re f"]

    def _color(self, color: str, operator: str) -> str:
        parts = " ".join(f"{int(color[i : i + 2], 16) / 255:.3f}" for i in (1, 3, 5))
        return f"{parts} {operator}"

    def _shape(self, path: str, line: str) -> None:
        self.commands.append(f"{self._color(PALE, 'rg')} {self._color(line, 'RG')} 1.5 w {path} b")

    def rectangle(self, x: float, y: float, color: str = DARK) -> None:
        """Draw an input around (x, y)."""
        self._shape(f"{x - 18} {y - 11} 36 22 re", color)

    def circle(self, x: float, y: float, color: str = DARK) -> None:
        """Draw a hidden state around (x, y)."""
        r, k = 14, 14 * ROUND
        self._shape(
            f"{x + r} {y} m "
            f"{x + r} {y + k} {x + k} {y + r} {x} {y + r} c {x - k} {y + r} {x - r} {y + k} {x - r} {y} c "
            f"{x - r} {y - k} {x - k} {y - r} {x} {y - r} c {x + k} {y - r} {x + r} {y - k} {x + r} {y} c",
            color,
        )

    def triangle(self, x: float, y: float, color: str = DARK) -> None:
        """Draw an output around (x, y)."""
        self._shape(f"{x - 16} {y - 11} m {x + 16} {y - 11} l {x} {y + 15} l", color)

    def arrow(self, x: float, y: float, to_x: float, to_y: float, color: str) -> None:
        """Draw a layer from (x, y) to (to_x, to_y)."""
        length = ((to_x - x) ** 2 + (to_y - y) ** 2) ** 0.5
        along, across = ((to_x - x) / length, (to_y - y) / length), (-(to_y - y) / length, (to_x - x) / length)
        neck = to_x - 8 * along[0], to_y - 8 * along[1]
        self.commands.append(
            f"{self._color(color, 'RG')} {self._color(color, 'rg')} 2.2 w {x} {y} m {neck[0]} {neck[1]} l S "
            f"{to_x} {to_y} m {neck[0] + 4.5 * across[0]} {neck[1] + 4.5 * across[1]} l "
            f"{neck[0] - 4.5 * across[0]} {neck[1] - 4.5 * across[1]} l f"
        )

    def words(self, x: float, y: float, text: str, size: float = 11, bold: bool = False, color: str = DARK) -> None:
        """Write a line from (x, y)."""
        escaped = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
        font = "F2" if bold else "F1"
        self.commands.append(f"BT {self._color(color, 'rg')} /{font} {size} Tf {x} {y} Td ({escaped}) Tj ET")

    def save(self, path: Path) -> None:
        """Write the picture as a PNG of 2 pixels a point."""
        content = "\n".join(self.commands).encode("latin-1")
        fonts = "".join(
            f"/{name} << /Type /Font /Subtype /Type1 /BaseFont /{font} /Encoding /WinAnsiEncoding >> "
            for name, font in (("F1", "Helvetica"), ("F2", "Helvetica-Bold"))
        )
        objects = [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {self.width} {self.height}] /Contents 4 0 R "
            f"/Resources << /Font << {fonts}>> >> >>".encode(),
            b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        ]
        page, places = b"%PDF-1.4\n", []
        for number, body in enumerate(objects, 1):
            places.append(len(page))
            page += b"%d 0 obj\n%s\nendobj\n" % (number, body)
        table = b"".join(b"%010d 00000 n \n" % place for place in places)
        head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
        page += head + table + b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
            len(objects) + 1, len(page),
        )  # fmt: skip
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(suffix=".pdf") as source:
            source.write(page)
            source.flush()
            target = str(path.with_suffix(""))
            subprocess.run(["pdftocairo", "-png", "-singlefile", "-r", "144", source.name, target], check=True)


def unrolled(
    picture: Picture, left: float, bottom: float, steps: int, outputs: Callable[[int], bool], zeros: bool
) -> None:
    """Draw a net over time: inputs below, hidden states above them, outputs on top where `outputs(step)` says so."""
    y = bottom + 62
    for t in range(steps):
        x = left + 70 * t
        picture.rectangle(x, bottom)
        picture.words(x - 13, bottom - 4, f"char {t + 1}", 9)
        picture.arrow(x, bottom + 12, x, y - 15, GREEN)
        if t or zeros:
            picture.arrow(x - 55, y, x - 15, y, ORANGE)
        if outputs(t):
            picture.arrow(x, y + 15, x, y + 46, BLUE)
            picture.triangle(x, y + 58)
            picture.words(x - 15, y + 79, f"char {t + 2} ?", 9)
        picture.circle(x, y)
    if zeros:
        picture.words(left - 68, y - 4, "0", 12, bold=True)


def legend() -> Picture:
    """The picture language, and the three arrows."""
    picture = Picture(560, 210)
    rows = ((170, picture.rectangle, "rectangle: input, here a character"),
            (126, picture.circle, "circle: hidden state, what the net remembers"),
            (78, picture.triangle, "triangle: output, a probability for each next character"))  # fmt: skip
    for y, shape, text in rows:
        shape(40, y)
        picture.words(72, y - 4, text)
    picture.arrow(20, 34, 60, 34, DARK)
    picture.words(72, 30, "arrow: a layer, that is one matrix; arrows of one colour share it")
    picture.words(402, 196, "the three layers", 10, bold=True)
    unrolled(picture, 425, 40, 2, lambda t: t == 1, zeros=False)
    for y, text, color in (
        (158, "hidden > output", BLUE),
        (143, "hidden > hidden", ORANGE),
        (128, "input > hidden", GREEN),
    ):
        picture.words(402, y + 20, text.replace(">", "to"), 9, color=color)
    return picture


def time_line(steps: int, outputs: Callable[[int], bool], zeros: bool = False) -> Picture:
    """A net of `steps` characters by itself."""
    picture = Picture(70 * steps + (70 if zeros else 20), 175)
    unrolled(picture, 110 if zeros else 42, 24, steps, outputs, zeros)
    return picture


def stacked() -> Picture:
    """Two recurrent layers, the second reading the first's states."""
    picture = Picture(330, 240)
    for t in range(4):
        x = 42 + 78 * t
        picture.rectangle(x, 24)
        picture.words(x - 13, 20, f"char {t + 1}", 9)
        picture.arrow(x, 36, x, 71, GREEN)
        picture.arrow(x, 101, x, 133, GREEN)
        picture.arrow(x, 163, x, 192, BLUE)
        if t:
            picture.arrow(x - 63, 86, x - 15, 86, ORANGE)
            picture.arrow(x - 63, 148, x - 15, 148, ORANGE)
        picture.circle(x, 86)
        picture.circle(x, 148)
        picture.triangle(x, 204)
        picture.words(x - 15, 225, f"char {t + 2} ?", 9)
    return picture


if __name__ == "__main__":
    legend().save(ROOT / "embedsheet" / "lessons" / "rnn" / "legend.png")
    for name, picture in {
        "three-char": time_line(3, lambda t: t == 2),
        "rnn": time_line(8, lambda t: t == 7),
        "sequence": time_line(8, lambda t: True, zeros=True),
        "stacked": stacked(),
    }.items():
        picture.save(ROOT / "docs" / "images" / f"net-{name}.png")

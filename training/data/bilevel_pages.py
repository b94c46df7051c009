"""Draw pages in grey as a printer lays them out: text, tables, charts, handwriting-like strokes and stamps.

There are no scans to learn from, so pages are synthetic: `draw` gives ink on paper, and `bilevel_scans` scans it.
Everything comes from the generator that is given: a seed determines the page.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from PIL.ImageDraw import ImageDraw as Draw

SYSTEM = (Path("/usr/share/fonts"), Path("/Library/Fonts"), Path("C:/Windows/Fonts"))
FONTS = {".ttf", ".otf", ".woff2"}
LETTERS = "eeeeeeeeeeeetttttttttaaaaaaaaooooooooiiiiiiinnnnnnnssssssshhhhhhrrrrrrddddlllluuucccmmmwwffggyyppbbvkjxqzéäß"
MARKS = ".,;:!?-()'\"%&/*+=<>$#@"
SIZES = (14, 72)
"""Range of letter heights in pixels, 8 to 60 points at 100 to 300 dpi or so; small letters are more frequent."""


@dataclass(frozen=True)
class Sheet:
    """A page that is being drawn.

    Args:
        pen: what draws on it.
        width: its width in pixels.
        scale: factor of all measures.
        fonts: font files; empty for Pillow's own font.
        rng: what everything is drawn with.
    """

    pen: Draw
    width: int
    scale: int
    fonts: list[Path]
    rng: np.random.Generator

    def font(self, size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
        """Return one of the fonts at a height in pixels, or Pillow's own."""
        if not self.fonts:
            return ImageFont.load_default(size)
        return ImageFont.truetype(str(self.fonts[self.rng.integers(len(self.fonts))]), max(4, round(size)))


def fonts_below(folder: Path | None) -> list[Path]:
    """Return the font files below a folder, or of the system; perhaps none."""
    roots = [folder] if folder is not None else [root for root in SYSTEM if root.is_dir()]
    return sorted(path for root in roots for path in root.rglob("*") if path.suffix.lower() in FONTS)


def draw(size: tuple[int, int], scale: int, fonts: list[Path], rng: np.random.Generator) -> Image.Image:
    """Draw a page of (height, width) pixels `scale` times as large, in mode L: 0 is ink and 255 paper."""
    height, width = size
    page = Image.new("L", (width * scale, height * scale), 255)
    sheet = Sheet(ImageDraw.Draw(page), page.width, scale, fonts, rng)
    y = int(rng.integers(0, 60)) * scale
    while y < page.height:
        y = PARTS[rng.choice(len(PARTS), p=SHARES)](sheet, y) + int(rng.integers(0, 50)) * scale
    for _ in range(int(rng.integers(0, 3))):
        _stamp(sheet, rng.random(2) * page.size)
    return page


def words(count: int, rng: np.random.Generator) -> str:
    """Return words with letter frequencies about those of European languages, some numbers and marks among them."""
    return " ".join(_word(rng) for _ in range(count))


def _word(rng: np.random.Generator) -> str:
    kind = rng.random()
    if kind < 0.1:
        return str(int(10 ** rng.uniform(0, 5)))
    letters = "".join(LETTERS[i] for i in rng.integers(len(LETTERS), size=1 + rng.poisson(3.8)))
    letters = letters.capitalize() if kind < 0.25 else letters.upper() if kind < 0.3 else letters
    return letters + (MARKS[min(int(rng.exponential(2)), len(MARKS) - 1)] if rng.random() < 0.15 else "")


def _height(rng: np.random.Generator) -> float:
    low, high = (math.log(side) for side in SIZES)
    return math.exp(low + (high - low) * float(rng.beta(2.2, 2.2)))


def _paragraph(on: Sheet, y: int) -> int:
    """Draw lines of text in one or two columns, and return where the page goes on."""
    size = _height(on.rng) * on.scale
    font, lead = on.font(size), size * on.rng.uniform(1.05, 1.7)
    columns = int(on.rng.integers(1, 3))
    width = on.width // columns
    lines = int(on.rng.integers(1, 16))
    for column in range(columns):
        left = column * width + int(on.rng.integers(0, 60)) * on.scale
        for line in range(lines):
            count = int(on.rng.integers(2, 4 + int(2.0 * width / size / 3)))
            text = words(count, on.rng)[: max(4, int((width - 40 * on.scale) / size * 1.9))]
            on.pen.text((left, y + line * lead), text, font=font, fill=0)
    return y + int(lines * lead)


def _table(on: Sheet, y: int) -> int:
    """Draw a table of ruled cells with words."""
    size = (14 + 20 * on.rng.random()) * on.scale
    font, row = on.font(size), int(size * on.rng.uniform(1.3, 2.2))
    line, rows, columns = int(on.rng.integers(1, 4)) * on.scale, int(on.rng.integers(2, 9)), int(on.rng.integers(2, 7))
    left, width = int(on.rng.integers(0, 50)) * on.scale, int(on.width * on.rng.uniform(0.4, 0.95))
    for i in range(rows + 1):
        on.pen.rectangle((left, y + i * row, left + width, y + i * row + line - 1), fill=0)
    for j in range(columns + 1):
        x = left + j * width // columns
        on.pen.rectangle((x, y, x + line - 1, y + rows * row), fill=0)
        for i in range(rows if j < columns else 0):
            on.pen.text((x + 4 * on.scale, y + i * row + line), words(1, on.rng)[: columns * 2], font=font, fill=0)
    return y + rows * row


def _chart(on: Sheet, y: int) -> int:
    """Draw a chart of bars, a curve and a circle."""
    width, height = on.width * 3 // 4, int(on.rng.integers(80, 260)) * on.scale
    left, line = int(on.rng.integers(0, 90)) * on.scale, int(on.rng.integers(1, 4)) * on.scale
    on.pen.line([(left, y), (left, y + height), (left + width, y + height)], fill=0, width=line)
    bars = int(on.rng.integers(2, 12))
    for i in range(bars):
        x, top = left + i * width // bars, y + int(height * on.rng.random())
        box = (x + 4 * on.scale, top, x + width // bars - 4 * on.scale, y + height)
        on.pen.rectangle(box, fill=int(on.rng.choice([0, 255])), outline=0, width=line)
    heights = np.cumsum(on.rng.normal(size=24)) * height / 12 + y + height / 2
    on.pen.line([(left + i * width / 23, float(v)) for i, v in enumerate(heights)], fill=0, width=line)
    on.pen.ellipse((left + width // 2, y, left + width // 2 + height // 2, y + height // 2), outline=0, width=line)
    return y + height


def _handwriting(on: Sheet, y: int) -> int:
    """Draw smooth loops along a line with a pen of some width."""
    size, thick = on.rng.uniform(14, 50) * on.scale, max(1, round(on.rng.uniform(1.2, 5) * on.scale))
    width = on.width * on.rng.uniform(0.3, 0.95)
    t = np.linspace(0, width / size * 4, int(width / size * 40) + 2)
    phase = on.rng.uniform(0, 7, size=4)
    x = t * size / 4 + 0.35 * size * np.sin(t * 2 + phase[0]) + 10 * on.scale
    v = np.sin(t * 2.3 + phase[1]) * (0.5 + 0.5 * np.sin(t * 0.61 + phase[2])) + 0.3 * np.sin(t * 0.9 + phase[3])
    on.pen.line([(float(a), float(b)) for a, b in zip(x, y + size * (1 + 0.6 * v), strict=True)], fill=0, width=thick)
    return y + int(2 * size)


def _rules(on: Sheet, y: int) -> int:
    """Draw straight lines."""
    for _ in range(int(on.rng.integers(1, 5))):
        ends = on.rng.random(2) * on.width
        slope, thick = int(on.rng.choice([0, 0, 0, 200])) * on.scale, int(on.rng.integers(1, 8)) * on.scale
        on.pen.line([(ends[0], y), (ends[1], y + slope * on.rng.random())], fill=0, width=thick)
        y += int(on.rng.integers(4, 60)) * on.scale
    return y


def _space(on: Sheet, y: int) -> int:
    """Leave space."""
    return y + int(on.rng.integers(40, 300)) * on.scale


def _stamp(on: Sheet, place: NDArray[np.float64]) -> None:
    """Draw a ring with a word in it."""
    x, y = place.tolist()
    side = on.rng.uniform(60, 200) * on.scale
    on.pen.ellipse((x, y, x + side, y + side), outline=0, width=int(on.rng.integers(2, 7)) * on.scale)
    on.pen.text((x + side / 5, y + side / 2.6), words(1, on.rng)[:6], font=on.font(side / 5), fill=0)


PARTS: tuple[Callable[[Sheet, int], int], ...] = (
    _paragraph,
    _table,
    _chart,
    _handwriting,
    _rules,
    _space,
)
SHARES = (0.52, 0.12, 0.08, 0.1, 0.06, 0.12)

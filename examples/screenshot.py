"""Draw docs/compare.png: the top of a report's page and the first pictures of its gallery, as Chromium shows them.

python examples/screenshot.py REPORT
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
WIDTH = 1280
PARTS = (("section:not(#rates), .plot:nth-child(n+3)", 1150), ("header, section:not(#gallery)", 720))
"""Parts of the picture: a CSS selector of what is hidden, and the height in pixels of what is kept."""
MARGIN = 200
"""Pixels cut off at the bottom, because a headless window is lower than requested."""
SCALE = 0.75


def shown(page: str, hidden: str, height: int, folder: Path) -> Image.Image:
    """Return a screenshot of a page without the elements that a CSS selector names."""
    program = next((path for name in PROGRAMS if (path := shutil.which(name))), None)
    if program is None:
        sys.exit(f"none of {', '.join(PROGRAMS)} is on the PATH")
    flags = ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--virtual-time-budget=3000")
    part, out = folder / "part.html", folder / "part.png"
    part.write_text(page.replace("</style>", f"{hidden} {{ display: none }}</style>", 1), encoding="utf-8")
    window = f"--window-size={WIDTH},{height + MARGIN}"
    command = [program, *flags, window, f"--screenshot={out}", part.as_uri()]
    subprocess.run(command, check=True, capture_output=True)
    with Image.open(out) as image:
        return image.convert("RGB").crop((0, 0, WIDTH, height))


def main() -> None:
    """Write the picture."""
    page = (Path(sys.argv[1]) / "index.html").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        parts = [shown(page, hidden, height, Path(folder)) for hidden, height in PARTS]
    sheet = Image.new("RGB", (WIDTH, sum(part.height for part in parts)), "white")
    top = 0
    for part in parts:
        sheet.paste(part, (0, top))
        top += part.height
    small = sheet.resize((round(WIDTH * SCALE), round(sheet.height * SCALE)), Image.Resampling.LANCZOS)
    palette = small.quantize(256, method=Image.Quantize.MAXCOVERAGE)
    small.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG).save(
        ROOT / "docs" / "compare.png", optimize=True
    )


if __name__ == "__main__":
    main()

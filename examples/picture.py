"""Draw docs/picture.png: a crop of the bundled photograph, its .dvq, and a JPEG no smaller, side by side.

python examples/picture.py
"""

from __future__ import annotations

import io

from demo import ROOT, jpeg_of_size, psnr
from PIL import Image, ImageDraw

import dvcodec

QUALITY = 28
CROP = (60, 150, 380, 400)


def main() -> None:
    """Write the picture."""
    image = Image.open(ROOT / "examples" / "kodim23.png").convert("RGB")
    data = dvcodec.compress(image, quality=QUALITY)
    other = jpeg_of_size(image, len(data))
    panels = {
        "original": image,
        f"dvcodec {len(data):,} B": dvcodec.decompress(data).convert("RGB"),
        f"JPEG {len(other):,} B": Image.open(io.BytesIO(other)).convert("RGB"),
    }
    width, height = CROP[2] - CROP[0], CROP[3] - CROP[1]
    sheet = Image.new("RGB", (3 * width + 16, height + 20), "white")
    draw = ImageDraw.Draw(sheet)
    for i, (title, panel) in enumerate(panels.items()):
        sheet.paste(panel.crop(CROP), (i * (width + 8), 20))
        note = title if panel is image else f"{title}, {psnr(image, panel):.1f} dB"
        draw.text((i * (width + 8) + 2, 4), note, fill="black")
    sheet.save(ROOT / "docs" / "picture.png", optimize=True)


if __name__ == "__main__":
    main()

"""Times of the page in headless Chromium beside Python's, in tests/:

    python -m page_times [IMAGE] [--runs 3] [--only KIND]

Every kind of file is made from one photograph, `examples/kodim23.png` unless another is named, and decoded in a page of
its own: once as the first picture after the page has loaded the default weights, and then as often as `--runs` says, of
which the least time is shown. Seconds of processors are those of the renderer's process with all its threads; the other
columns are seconds on the clock, which are longer where other programs run. Python's are of one thread, the least of
as many runs and one more.
"""

import base64
import io
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from PIL import Image

import dvcodec
from browser import Tab, tab
from dvcodec import weights
from dvcodec.web import site

PHOTOGRAPH = Path(__file__).resolve().parent.parent / "examples/kodim23.png"
DECODE = """(async () => {
    const bytes = Uint8Array.fromBase64("%s")
    const begun = performance.now()
    let coarse = null
    const onProgress = (_, picture) => { if (picture) coarse ??= performance.now() - begun }
    const { width } = await dvcodec.decode(bytes, { onProgress })
    return [coarse, performance.now() - begun, width]
})()"""
PREPARED = f"dvcodec.prepare('{weights.photographs(perceptual=True).id.hex()}')"
"""The page itself begins so when it is opened."""
COLUMNS = (
    "bytes",
    "first, coarse",
    "first, all",
    "first, processor",
    "coarse",
    "all",
    "processor",
    "Python, processor",
)


def as_jpeg(image: Image.Image) -> Image.Image:
    """The pixels of a photograph that was a JPEG file."""
    held = io.BytesIO()
    image.save(held, "JPEG", quality=90)
    return Image.open(held).convert("RGB")


KINDS: dict[str, Callable[[Image.Image], bytes]] = {
    "lossy": dvcodec.compress,
    "psnr": lambda image: dvcodec.compress(image, tune="psnr"),
    "lossless": lambda image: dvcodec.compress(image, lossless=True),
    "jpeg": lambda image: dvcodec.compress(as_jpeg(image), lossless=True),
    "bilevel": lambda image: dvcodec.compress(image.convert("1"), lossless=True),
}
"""How a file of each kind is made of the photograph."""


def least(runs: int, run: Callable[[], list[float]]) -> list[float]:
    """The least of each figure over some runs."""
    return [min(figures) for figures in zip(*(run() for _ in range(runs)), strict=True)]


def in_page(browser: Tab, data: bytes) -> list[float]:
    """Seconds to the coarse picture (infinity where none comes), to all pixels, and of processors."""
    script, before = DECODE % base64.b64encode(data).decode(), browser.processor()
    coarse, total, _ = browser.run(script)
    return [float("inf") if coarse is None else coarse / 1000, total / 1000, browser.processor() - before]


def in_python(data: bytes) -> list[float]:
    """Seconds of the processor."""
    before = time.process_time()
    dvcodec.decompress(data)
    return [time.process_time() - before]


def main() -> None:
    """Print the table."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("image", type=Path, nargs="?", default=PHOTOGRAPH)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", default="", help="kinds whose names begin with this")
    options = parser.parse_args()
    torch.set_num_threads(1)
    chosen = {name: make for name, make in KINDS.items() if name.startswith(options.only)}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, tab(Path(folder) / "profile") as browser:
        site.write(Path(folder) / "site", [], "Times")
        print("kind", *COLUMNS, sep="\t")
        for name, make in chosen.items():
            with Image.open(options.image) as image:
                data = make(image.convert("RGB"))
            cells = row(browser, Path(folder) / "site" / site.PAGE, data, options.runs)
            print(name, len(data), *cells, sep="\t", flush=True)


def row(browser: Tab, page: Path, data: bytes, runs: int) -> list[str]:
    """The cells of a file: in a new page, again, and in Python."""
    browser.open(page, 1280)
    browser.run(PREPARED)
    figures: list[Any] = in_page(browser, data)
    figures += least(runs, lambda: in_page(browser, data)) + least(runs + 1, lambda: in_python(data))
    return ["-" if figure == float("inf") else f"{figure:.2f}" for figure in figures]


if __name__ == "__main__":
    main()

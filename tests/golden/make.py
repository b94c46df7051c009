"""Writes the golden files anew: `python -m golden.make` in tests/. One for each kind of file and mode.

NAME.dvq     the file, with the default weights of each job
NAME.png     its pixels
NAME.json    weights, size, mode and the SHA-256 of its symbols
index.json   every NAME with the SHA-256 of its NAME.dvq
"""

import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import recorder
from PIL import Image, ImageDraw

import dvcodec
from dvcodec import weights
from dvcodec.codec import api, decoder, loading
from dvcodec.codec.bitstream.container import parse
from dvcodec.codec.bitstream.header import MODEL
from dvcodec.codec.loaders import installed
from dvcodec.codec.settings import CompressSettings
from dvcodec.image_io import images

FOLDER = Path(__file__).parent
INDEX = FOLDER / "index.json"
PHOTOGRAPH = FOLDER.parent.parent / "examples" / "kodim23.png"


def crop(left: int, top: int, right: int, bottom: int) -> Image.Image:
    """A piece of the photograph, without its metadata."""
    with Image.open(PHOTOGRAPH) as image:
        piece = image.convert("RGB").crop((left, top, right, bottom))
    piece.info.clear()
    return piece


def pictures() -> Iterator[tuple[str, Image.Image]]:
    """The images, by a word for their names: 96 x 64 of a photograph in every mode of a photograph, and one pixel."""
    colour = crop(300, 150, 396, 214)
    alpha = Image.radial_gradient("L").resize(colour.size)
    yield "rgb", colour
    yield "rgba", Image.merge("RGBA", [*colour.split(), alpha])
    yield "l", colour.convert("L")
    yield "la", Image.merge("LA", [colour.convert("L"), alpha])
    yield "1x1", colour.crop((0, 0, 1, 1))


def lossy() -> Iterator[tuple[str, bytes]]:
    """Lossy files by name, of both models of photographs; one of each has an adaptive filter."""
    for word, image in pictures():
        yield f"lossy-{word}", dvcodec.compress(image, 50, device="cpu")
        yield f"psnr-{word}", dvcodec.compress(image, 50, tune="psnr", device="cpu")
    for word, name in (("lossy", weights.FOR_THE_EYE), ("psnr", weights.FOR_ERRORS)):
        data = dvcodec.compress(crop(200, 60, 500, 220), 85, tune="psnr", weights=name, device="cpu")
        assert parse(data).adaptive_filter is not None
        yield f"{word}-filter", data


def lossless() -> Iterator[tuple[str, bytes]]:
    """Lossless files by name, of every method and every mode that it can hold."""
    for word, image in pictures():
        yield f"model-{word}", dvcodec.compress(image, lossless=True, method="model", device="cpu")
    colour = crop(300, 150, 396, 214)
    few = colour.quantize(60).convert("RGB")
    for word, image in (("colours", few), ("levels", few.convert("L").point(lambda value: value // 12 * 12))):
        yield f"model-{word}", dvcodec.compress(image, lossless=True, method="model", device="cpu")
    tiles = crop(200, 100, 459, 166).point(lambda value: value // 8 * 8)  # four, of which some end outside the image
    yield "model-tiles", dvcodec.compress(tiles, lossless=True, method="model", device="cpu")
    for word, other in (("p", colour.quantize(16)), ("1", colour.convert("1")), ("rgb", colour)):
        for method in ("stored", "webp"):
            yield f"{method}-{word}", dvcodec.compress(other, lossless=True, method=method)


def kept() -> Iterator[tuple[str, bytes]]:
    """Image files that are kept as they are, by name: a JPEG, a GIF with a palette."""
    colour = crop(300, 150, 396, 214)
    for word, image, format in (("jpg", colour, "JPEG"), ("gif", colour.quantize(8), "GIF")):
        stream = io.BytesIO()
        image.save(stream, format)
        settings = CompressSettings(lossless=True, method="file")
        yield f"file-{word}", api.compress_data(stream.getvalue(), settings)[0]


def jpeg() -> Iterator[tuple[str, bytes]]:
    """Images decoded from JPEG files, by name: every sampling; alpha; pixels that were changed; steps of their own."""
    colour, how = crop(300, 150, 428, 230), {"quality": 85}
    alpha = Image.radial_gradient("L").resize(colour.size)
    sources: dict[str, tuple[Image.Image, dict[str, Any]]] = {
        "l": (colour.convert("L"), how),
        "444": (colour, how | {"subsampling": 0}),
        "422": (colour, how | {"subsampling": 1}),
        "420": (colour, how),
        "rgba": (colour, how),
        "changed": (colour, how),
        "steps": (crop(250, 120, 410, 240).convert("L"), {"qtables": [[5] * 32 + [9] * 32], "quality": 75}),
    }
    for word, (image, options) in sources.items():
        stream = io.BytesIO()
        image.save(stream, "JPEG", **options)
        decoded = Image.open(stream)
        decoded.load()
        if word == "rgba":
            decoded.putalpha(alpha)
        if word == "changed":
            decoded.paste((255, 0, 7), (10, 20, 15, 22))
        yield f"jpeg-{word}", dvcodec.compress(decoded, lossless=True, method="jpeg")


def bilevel() -> Iterator[tuple[str, bytes]]:
    """Black and white files by name: text with a line, dots, one pixel."""
    page = Image.new("L", (150, 90), 255)
    pen = ImageDraw.Draw(page)
    pen.text((8, 6), "Black and white", fill=0)
    pen.text((30, 40), "0123456789", fill=0)
    pen.line([(4, 80), (140, 62)], fill=0, width=2)
    dots = Image.radial_gradient("L").resize((64, 48))
    for word, grey in (("page", page), ("dots", dots), ("1x1", Image.new("L", (1, 1)))):
        yield f"bilevel-{word}", dvcodec.compress(grey.convert("1"), lossless=True, method="bilevel", device="cpu")


def known(data: bytes) -> tuple[dict[str, object], bytes]:
    """What is known of a file, and its pixels as a PNG."""
    header = parse(data).header
    hierarchy = loading.hierarchy(weights.by_id(header.weights) if header.has_symbols else weights.default(), "cpu")
    symbols, result = recorder.decoded(data, hierarchy, loaders=installed("cpu"))
    image = images.to_image(result.picture)
    stream = io.BytesIO()
    image.save(stream, "PNG", optimize=True)
    names = [weights.by_id(used).name for used in (header.weights, header.pixel_weights) if used]
    facts: dict[str, object] = {
        "weights": names,
        "symbols_sha256": symbols,
        "size": list(image.size),
        "mode": image.mode,
    }
    if header.kind == MODEL:
        facts["preview_sha256"] = hashlib.sha256(preview(data)).hexdigest()
    return facts, stream.getvalue()


def preview(data: bytes) -> bytes:
    """The samples of the lossy image in a lossless file, without alpha."""
    found = decoder.decompress(data, installed("cpu"), preview=len(parse(data).chunks))
    return found.picture.pixels.tobytes()


def main() -> None:
    """Write all files, and remove those that were there."""
    for path in (*FOLDER.glob("*.dvq"), *FOLDER.glob("*.png"), *FOLDER.glob("*.json")):
        path.unlink()
    index = {}
    for name, data in (*lossy(), *lossless(), *bilevel(), *kept(), *jpeg()):
        facts, png = known(data)
        (FOLDER / f"{name}.dvq").write_bytes(data)
        (FOLDER / f"{name}.png").write_bytes(png)
        (FOLDER / f"{name}.json").write_text(json.dumps(facts, indent=1) + "\n")
        index[name] = hashlib.sha256(data).hexdigest()
        print(f"{name}: {len(data)} bytes")
    INDEX.write_text(json.dumps(index, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()

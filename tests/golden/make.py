"""Adds golden files for the default weights: `python -m golden.make` in tests/, `2` for lossless ones,
`scans` for those of the model of pages.

Refuses to overwrite any.
"""

import hashlib
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import recorder
from PIL import Image, ImageDraw

import dvcodec
from dvcodec import weights
from dvcodec.codec import loading
from dvcodec.codec.bitstream.container import IMAGE_FILTER, LOSSLESS_VERSION, LOSSY_VERSION, Container
from dvcodec.image_io import images

FOLDER = Path(__file__).parent
INDEX = FOLDER / "index.json"
QUALITIES = (10, 50, 90)


def pictures(photograph: Path) -> Iterator[tuple[str, Image.Image]]:
    """The images, by a word for their names: 96 x 64 of a photograph in every mode, and one pixel."""
    with Image.open(photograph) as image:
        colour = image.convert("RGB").crop((300, 150, 396, 214))
    alpha = Image.radial_gradient("L").resize(colour.size)
    yield "rgb", colour
    yield "rgba", Image.merge("RGBA", [*colour.split(), alpha])
    yield "l", colour.convert("L")
    yield "la", Image.merge("LA", [colour.convert("L"), alpha])
    yield "1x1", colour.crop((0, 0, 1, 1))


def lossless(photograph: Path, chosen: weights.Weights) -> Iterator[tuple[str, bytes]]:
    """Lossless files by name: of every mode, by each method that can hold it, the model's with the default weights."""
    pixels = weights.default(weights.PIXELS)
    for word, image in pictures(photograph):
        data = dvcodec.compress(image, lossless=True, method="model", weights=chosen.name, device="cpu")
        yield f"{pixels.name}-{chosen.name}-v{LOSSLESS_VERSION}-{word}", data
    with Image.open(photograph) as image:
        crop = image.convert("RGB").crop((300, 150, 396, 214))
    for word, other in (("p", crop.quantize(16)), ("1", crop.convert("1")), ("rgb", crop)):
        for method in ("stored", "webp"):
            yield f"{method}-v{LOSSLESS_VERSION}-{word}", dvcodec.compress(other, lossless=True, method=method)


def scans() -> Iterator[tuple[str, bytes]]:
    """Black and white files by name, by the model of pages: text with a line, dots, one pixel."""
    model = weights.default(weights.SCANS)
    page = Image.new("L", (150, 90), 255)
    pen = ImageDraw.Draw(page)
    pen.text((8, 6), "Black and white", fill=0)
    pen.text((30, 40), "0123456789", fill=0)
    pen.line([(4, 80), (140, 62)], fill=0, width=2)
    dots = Image.radial_gradient("L").resize((64, 48))
    for word, grey in (("page", page), ("dots", dots), ("1x1", Image.new("L", (1, 1)))):
        data = dvcodec.compress(grey.convert("1"), lossless=True, method="bilevel", device="cpu")
        yield f"{model.name}-v{LOSSLESS_VERSION}-{word}", data


def entry(data: bytes, chosen: weights.Weights) -> tuple[dict[str, object], bytes]:
    """What is known of a file, but for the name of its pixels, and the PNG of those."""
    symbols, result = recorder.decoded(
        data,
        loading.hierarchy(chosen, "cpu"),
        load_pixels=lambda prefix: loading.pixel_model_by_id(prefix, "cpu"),
        load_pages=lambda prefix: loading.page_model_by_id(prefix, "cpu"),
    )
    image = images.to_image(result.picture)
    stream = io.BytesIO()
    image.save(stream, "PNG", optimize=True)
    size: list[int] = list(image.size)
    facts: dict[str, object] = {"weights": chosen.name, "symbols_sha256": symbols, "size": size, "mode": image.mode}
    lossless_facts = Container(data).header.lossless
    if lossless_facts is not None:
        used = lossless_facts.pixel_weights
        facts["pixel_weights"] = weights.by_id(used).name if used else None
    return facts, stream.getvalue()


def add(name: str, data: bytes, chosen: weights.Weights, index: dict[str, str]) -> None:
    """Write one golden file and what belongs to it."""
    facts, png = entry(data, chosen)
    facts["pixels"] = f"{name}.png"
    written = {".dvq": data, ".png": png, ".json": (json.dumps(facts, indent=1) + "\n").encode()}
    for suffix, content in written.items():
        with (FOLDER / f"{name}{suffix}").open("xb") as file:
            file.write(content)
    index[name] = hashlib.sha256(data).hexdigest()
    INDEX.write_text(json.dumps(index, indent=1, sort_keys=True) + "\n")


def main() -> None:
    """Make the files for the default weights, or those of a format version ("2"), that are not there yet."""
    chosen, index = weights.default(), json.loads(INDEX.read_text())
    photograph = FOLDER.parent.parent / "examples" / "kodim23.png"
    if sys.argv[1:] == ["scans"]:
        made = dict(scans())
    else:
        made = dict(lossless(photograph, chosen)) if sys.argv[1:] == ["2"] else lossy(photograph, chosen)
    for name, data in made.items():
        if name in index:
            continue  # golden files are never changed
        if any(FOLDER.glob(f"{name}.*")):
            sys.exit(f"there is a {name} that the index does not know")
        add(name, data, chosen, index)
        print(f"{name}: {len(data)} bytes")


def lossy(photograph: Path, chosen: weights.Weights) -> dict[str, bytes]:
    """Lossy files by name; one that has a filter of its own."""
    made = {}
    for word, image in pictures(photograph):
        for quality in QUALITIES:
            data = dvcodec.compress(image, quality, weights=chosen.name, device="cpu")
            made[f"{chosen.name}-v{LOSSY_VERSION}-{word}-q{quality}"] = data
    with Image.open(photograph) as image:
        data = dvcodec.compress(image.convert("RGB").crop((200, 60, 500, 220)), 85, weights=chosen.name, device="cpu")
    assert Container(data).section(IMAGE_FILTER) is not None
    return made | {f"{chosen.name}-v{LOSSY_VERSION}-filter-q85": data}


if __name__ == "__main__":
    main()

"""Writes the golden archives anew: `python -m golden.make_archives` in tests/. One for each kind of segment.

archives/NAME.dvq     the archive
archives/NAME.json    kinds of its segments, and of every image in order: name, mode, size, SHA-256 of its bytes
archives/index.json   every NAME with the SHA-256 of its NAME.dvq
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

import dvcodec
from dvcodec import weights
from dvcodec.models import load_bits_back

FOLDER = Path(__file__).parent / "archives"
INDEX = FOLDER / "index.json"


def tiles(photograph: Path) -> list[tuple[str, Image.Image]]:
    """16 x 12 pieces of a photograph in every mode, two sizes mixed, one with metadata."""
    with Image.open(photograph) as image:
        colour = image.convert("RGB")
    colour.info.clear()
    made = []
    for number in range(4):
        left, top = 300 + 40 * number, 150
        for mode in ("1", "L", "LA", "RGB", "RGBA", "P", "PA"):
            piece = colour.crop((left, top, left + 16, top + (12 if number else 9)))
            if "A" in mode:
                piece.putalpha(Image.radial_gradient("L").resize(piece.size))
            piece = piece.convert("LA").convert("PA") if mode == "PA" else piece.convert(mode)
            made.append((f"{mode}/tile-{number}.png", piece))
    kept = colour.crop((300, 150, 324, 166))
    kept.info["xmp"] = b"<xmp/>"
    return [*made, ("kept é.png", kept)]


def likes(photograph: Path, mode: str) -> list[tuple[str, Image.Image]]:
    """Nine pieces of a photograph of the mode and size that a bits-back model takes."""
    side = {"1": 28, "RGB": 32}[mode]
    with Image.open(photograph) as image:
        colour = image.convert("RGB")
    colour.info.clear()
    pieces = [colour.crop((x, y, x + side, y + side)) for x in (100, 300, 500) for y in (100, 200, 300)]
    black = Image.Dither.NONE
    return [(f"{i}.png", piece.convert(mode, dither=black)) for i, piece in enumerate(pieces)]


def described(path: Path) -> dict[str, object]:
    """What is known of an archive."""
    found = sorted(dvcodec.decompress_archive(path, device="cpu"), key=lambda one: one.position)
    listed = [
        {
            "name": one.name,
            "mode": one.image.mode,
            "size": list(one.image.size),
            "sha256": hashlib.sha256(one.image.tobytes()).hexdigest(),
            "palette": hashlib.sha256(bytes(one.image.getpalette() or ())).hexdigest()[:16],
            "xmp": one.image.info.get("xmp", b"").decode(),
        }
        for one in found
    ]
    kinds = [part.kind for part in dvcodec.archive_info(path).segments]
    return {"kinds": kinds, "images": listed}


def archives() -> Iterator[tuple[str, list[tuple[str, Image.Image]], str]]:
    """Name, images and method of every archive."""
    photograph = FOLDER.parent.parent.parent / "examples" / "kodim23.png"
    pieces = tiles(photograph)
    for method in ("stored", "webp"):
        yield method, pieces, method
    yield "model", [(name, image) for name, image in pieces if image.mode in ("L", "RGB")], "model"
    for entry in weights.of_kind(weights.BITS_BACK):
        mode = "1" if load_bits_back(entry.path).suits("1", 28, 28) else "RGB"
        yield f"bits-back-{'bilevel' if mode == '1' else 'rgb'}", likes(photograph, mode), "bits-back"


def main() -> None:
    """Write all archives, and remove those that were there."""
    FOLDER.mkdir(exist_ok=True)
    for path in (*FOLDER.glob("*.dvq"), *FOLDER.glob("*.json")):
        path.unlink()
    index = {}
    for name, images, method in archives():
        path = FOLDER / f"{name}.dvq"
        dvcodec.compress_archive(images, path, method=method, device="cpu", lossless=True)
        path.with_suffix(".json").write_text(json.dumps(described(path), indent=1) + "\n")
        index[name] = hashlib.sha256(path.read_bytes()).hexdigest()
        print(f"{name}: {path.stat().st_size} bytes")
    INDEX.write_text(json.dumps(index, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()

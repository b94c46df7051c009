"""Adds the golden archives that are not there yet: `python -m golden.make_archives` in tests/.

archives/NAME.dvq     the archive
archives/NAME.json    kinds of its segments, and of every image in order: name, mode, size, SHA-256 of its bytes
archives/index.json   every NAME with the SHA-256 of its NAME.dvq
"""

import hashlib
import json
import sys
from pathlib import Path

from PIL import Image

import dvcodec
from dvcodec import weights
from dvcodec.models import load_set

FOLDER = Path(__file__).parent / "archives"
INDEX = FOLDER / "index.json"
VERSION = 3


def tiles(photograph: Path) -> list[tuple[str, Image.Image]]:
    """16 x 12 pieces of a photograph in every mode, two sizes mixed, one with metadata."""
    with Image.open(photograph) as image:
        colour = image.convert("RGB")
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
    """Nine pieces of a photograph of the mode and size that a model of sets takes."""
    side = {"1": 28, "RGB": 32}[mode]
    with Image.open(photograph) as image:
        colour = image.convert("RGB")
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


def add(name: str, images: list[tuple[str, Image.Image]], method: str | None) -> None:
    """Write one golden archive and what is known of it, unless it is there: golden files are never changed."""
    path, index = FOLDER / f"{name}.dvq", json.loads(INDEX.read_text()) if INDEX.exists() else {}
    if name in index:
        return
    if path.exists():
        sys.exit(f"there is a {path.name} that the index does not know")
    FOLDER.mkdir(exist_ok=True)
    dvcodec.compress_archive(images, path, method=method, device="cpu")
    path.with_suffix(".json").write_text(json.dumps(described(path), indent=1) + "\n")
    index[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    INDEX.write_text(json.dumps(index, indent=1, sort_keys=True) + "\n")
    print(f"{name}: {path.stat().st_size} bytes")


def main() -> None:
    """Make every archive."""
    photograph = FOLDER.parent.parent.parent / "examples" / "kodim23.png"
    pieces = tiles(photograph)
    for method in ("stored", "webp"):
        add(f"{method}-v{VERSION}", pieces, method)
    modelled = [(name, image) for name, image in pieces if image.mode in ("L", "RGB")]
    add(f"{weights.default(weights.PIXELS).name}-v{VERSION}", modelled, "model")
    for entry in weights.of_kind(weights.SETS):
        mode = "1" if load_set(entry.path).suits("1", 28, 28) else "RGB"
        add(f"{entry.name}-v{VERSION}", likes(photograph, mode), "bits-back")


if __name__ == "__main__":
    main()

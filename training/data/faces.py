"""Read CelebA from its aligned pictures: the middle 148x148 pixels reduced to 64x64, in the published partition."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from ...errors import DvcodecError
from .readers import Bytes, reading

MIDDLE, SIDE = 148, 64
ALIGNED = (178, 218)
PARTS = {"0": "train", "1": "valid", "2": "test"}


def read_faces(files: Mapping[str, Path]) -> dict[str, Bytes]:
    """Read the three parts, (N, 64, 64, 3) each, from the folder of pictures and the list of the partition."""
    folder, listing = files.values()
    with reading(listing):
        lines = [line.split() for line in listing.read_text("ascii").splitlines() if line.strip()]
        if any(len(line) != 2 or line[1] not in PARTS or Path(line[0]).name != line[0] for line in lines):
            raise DvcodecError("not lines of a file's name and 0, 1 or 2")
        if {line[1] for line in lines} != set(PARTS):
            raise DvcodecError("not pictures of all three parts")
    with ThreadPoolExecutor(4) as pool:
        return {
            part: np.stack(list(pool.map(face, (folder / name for name, number in lines if number == digit))))
            for digit, part in PARTS.items()
        }


def face(path: Path) -> Bytes:
    """Return the middle of an aligned picture, (64, 64, 3)."""
    with reading(path), Image.open(path) as image:
        if image.size != ALIGNED:
            raise DvcodecError(f"{image.width}x{image.height} pixels, not {ALIGNED[0]}x{ALIGNED[1]}")
        left, top = ((size - MIDDLE) // 2 for size in image.size)
        middle = image.convert("RGB").crop((left, top, left + MIDDLE, top + MIDDLE))
        return np.asarray(middle.resize((SIDE, SIDE), Image.Resampling.BILINEAR))

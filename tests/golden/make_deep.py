"""Writes the golden files of deep samples anew: `python -m golden.make_deep` in tests/.

deep/NAME.dvq   the file; its name begins with its method
deep/NAME.png   its samples, 16 bits
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import dvcodec
from dvcodec.codec import api

FOLDER = Path(__file__).parent / "deep"


def arrays() -> Iterator[tuple[str, NDArray[np.uint16]]]:
    """Samples by the name of their file."""
    rng = np.random.default_rng(10)
    y, x, c = np.mgrid[:20, :30, :4]
    waves = (np.sin(x / 5 + c / 3) + np.cos(y / 7)) * 12000 + 30000 + rng.normal(size=x.shape) * (20 + 8 * x)
    every = np.rint(waves).clip(0, 65535).astype(np.uint16)
    modes = {"l": every[:, :, 0], "la": every[:, :, :2], "rgb": every[:, :, :3], "rgba": every}
    yield from ((f"deep-{mode}", array) for mode, array in modes.items())
    yield "deep-levels", (every[:, :, 0] >> 9) * np.uint16(129)
    yield "deep-flat", np.full((3, 5), 4660, np.uint16)
    yield "deep-column", every[:, :1, 0]
    yield "stored-rgb", rng.integers(0, 65536, (5, 6, 3)).astype(np.uint16)
    yield "stored-slope", (300 * x + 200 * y)[:, :, 0].astype(np.uint16)


def main() -> None:
    """Write all files."""
    FOLDER.mkdir(exist_ok=True)
    for name, array in arrays():
        data = dvcodec.compress_array(array, lossless=True, method=name.split("-")[0])
        (FOLDER / f"{name}.dvq").write_bytes(data)
        (FOLDER / f"{name}.png").write_bytes(api.decompress_data(data)[0])
        print(f"{name}: {len(data)} bytes")


if __name__ == "__main__":
    main()

"""Weights files with their zlib stream made anew by zopfli, one per cent smaller; any zlib reads it.

    python -m dvcodec.training.squeezing WEIGHTS       # pip install zopfli

For files that have not shipped: .dvq files name weights by their bytes.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ..image_io.atomic import write
from ..models.deflated import deflate, facts_of, tensors_of

ITERATIONS = 5
"""Of zopfli's search, which takes a second or two each."""


def squeeze(path: Path) -> tuple[int, int]:
    """Rewrites a weights file: bytes before and after. ValueError if it is a difference, or gets no smaller."""
    import zopfli.zlib  # type: ignore[import-untyped]  # it has no types; a tool's, no part of what runs

    facts = facts_of(path)
    if "base" in facts:
        raise ValueError(f"{path.name} is kept as a difference, which has no zlib stream")
    data = deflate(facts, tensors_of(path, facts), lambda raw: zopfli.zlib.compress(raw, numiterations=ITERATIONS))
    before = path.stat().st_size
    if len(data) >= before:
        raise ValueError(f"{path.name} takes {before} bytes as it is and {len(data)} by zopfli")
    write(path, data, force=True)
    return before, len(data)


if __name__ == "__main__":
    print("{} -> {} bytes".format(*squeeze(Path(sys.argv[1]))))

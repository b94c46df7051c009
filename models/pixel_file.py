"""Reading the weights files of models of lossless pixels (see deflated)."""

from __future__ import annotations

from pathlib import Path

from .deflated import facts_of, reading, tensors_of
from .interface.hierarchy import PixelModel
from .wavefront import file as wavefront


def read(path: Path, device: str) -> PixelModel:
    """The model of a weights file. ValueError if it is none of ours or damaged, OSError if it cannot be read.

    Its arithmetic is that of a CPU, whatever the device: the entropy coder takes turns with it.
    """
    with reading():
        facts = facts_of(path)
        if facts["format"] != wavefront.FORMAT:
            raise ValueError(f"its format is {str(facts['format'])[:32]!r}, {wavefront.FORMAT!r} is expected here")
        return wavefront.read(facts, tensors_of(path, facts))

"""Reading and writing weights files (see deflated): a photograph model, or a family (families.weights)."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from .configs import RRVQConfig
from .deflated import deflate, facts_of, reading, tensors_of
from .families import weights as families
from .families.sets import FamilySet
from .interface import hierarchy as interface
from .packing import pack, unpack
from .photo.codec_model import PhotoHierarchy, QualityMap
from .photo.network.model import FINEST_CODE, PhotoRRVQ
from .pixels.bilevel import file as bilevel
from .pixels.wavefront import file as wavefront

FORMAT = "dvcodec-rrvq-1"
OTHERS = {
    wavefront.FORMAT: "lossless pixels",
    bilevel.FORMAT: "black and white images",
}
"""What files of other formats, which have readers of their own, are models of."""


def write(model: PhotoRRVQ, qualities: QualityMap, name: str) -> bytes:
    """The bytes of a photograph model's weights file. `packing.BoundError` if the model's sums could round."""
    facts = {"format": FORMAT, "name": name, "config": asdict(model.config), "quality": asdict(qualities)}
    return deflate(facts, pack(model))


def read(path: Path, device: str) -> interface.Hierarchy:
    """The hierarchy of a weights file. ValueError if it is none of ours or damaged, OSError if it cannot be read."""
    with reading():
        return _read(path, device)


def read_set(path: Path) -> FamilySet:
    """The model of sets of a weights file. ValueError if it is none of ours or damaged, OSError if it cannot be read.

    Its arithmetic is that of a CPU: the entropy coder takes turns with it.
    """
    with reading():
        facts = facts_of(path)
        if facts["format"] != families.FORMAT:
            raise ValueError(f"its format is {str(facts['format'])[:32]!r}, {families.FORMAT!r} is expected here")
        hierarchy = families.restore(facts, tensors_of(path, facts), "cpu")
        return FamilySet(hierarchy.name, hierarchy.network)


def _read(path: Path, device: str) -> interface.Hierarchy:
    facts = facts_of(path)
    if facts["format"] == families.FORMAT:
        return families.restore(facts, tensors_of(path, facts), device)
    if facts["format"] in OTHERS:
        raise ValueError(f"it is a model of {OTHERS[facts['format']]}, not of photographs or a family")
    if facts["format"] != FORMAT:
        known = f"{FORMAT!r} and {families.FORMAT!r}"
        raise ValueError(f"its format is {str(facts['format'])[:32]!r}, {known} are expected here")
    config, qualities = RRVQConfig.of(facts["config"]), _qualities(facts["quality"])
    model = PhotoRRVQ(config)
    unpack(model, tensors_of(path, facts))
    return PhotoHierarchy(str(facts["name"]), model, qualities, device)


def _qualities(fields: dict[str, Any]) -> QualityMap:
    """The range of the chain's codes."""
    qualities = QualityMap(**fields)
    codes = (qualities.lowest, qualities.highest)
    if not all(type(code) is int for code in codes) or not 0 <= codes[0] <= codes[1] <= FINEST_CODE:
        raise ValueError("its quality codes are out of bounds")
    return qualities

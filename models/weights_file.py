"""Reading and writing weights files: safetensors, no pickle.

The file holds one uint8 tensor, `deflated`: the zlib stream of all packed tensors (see packing) one after the other,
little-endian, in the order of `index`, a list of [name, dtype, shape]. Deflating takes about 15 % off. The metadata's
one key, `dvcodec`, is a JSON object: format, name, config, quality, index.
"""

from __future__ import annotations

import json
import math
import zlib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from .hierarchy import PhotoHierarchy, QualityMap
from .latent import PRIORS
from .layout import LAYOUTS
from .packing import pack, unpack
from .photo import FINEST_CODE, PhotoRRVQ
from .pixels import STRIDES
from .rrvq import RRVQConfig

FORMAT = "dvcodec-rrvq-1"
KEY = "dvcodec"

DTYPES = {"int8": torch.int8, "int16": torch.int16, "int32": torch.int32, "float16": torch.float16}

LARGEST = 2**28
"""Bytes that a file may inflate to."""


def write(model: PhotoRRVQ, qualities: QualityMap, name: str) -> bytes:
    """The bytes of a weights file. `packing.BoundError` if the model's sums could round."""
    packed = pack(model)
    index = [[key, str(value.dtype).removeprefix("torch."), list(value.shape)] for key, value in packed.items()]
    payload = zlib.compress(b"".join(value.contiguous().numpy().tobytes() for value in packed.values()), 9)
    facts = {
        "format": FORMAT,
        "name": name,
        "config": asdict(model.config),
        "quality": asdict(qualities),
        "index": index,
    }
    metadata = {KEY: json.dumps(facts, separators=(",", ":"))}  # one key: safetensors writes several in random order
    return save({"deflated": torch.frombuffer(bytearray(payload), dtype=torch.uint8)}, metadata)


def read(path: Path, device: str) -> PhotoHierarchy:
    """The hierarchy of a weights file. ValueError if it is none of ours or damaged, OSError if it cannot be read."""
    try:
        return _read(path, device)
    except (SafetensorError, zlib.error, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise ValueError(f"it is not a weights file or it is damaged: {error}") from error


def _read(path: Path, device: str) -> PhotoHierarchy:
    if path.stat().st_size > LARGEST:
        raise ValueError("it is larger than any model's")
    with safe_open(path, framework="pt") as file:
        facts = json.loads((file.metadata() or {})[KEY])
        if facts["format"] != FORMAT:
            raise ValueError(f"its format is {str(facts['format'])[:32]!r}, this release reads {FORMAT!r}")
        payload = file.get_tensor("deflated").numpy().tobytes()
    config, qualities = _config(facts["config"]), _qualities(facts["quality"])
    tensors = _inflate(payload, facts["index"])
    model = PhotoRRVQ(config)
    unpack(model, tensors)
    return PhotoHierarchy(str(facts["name"]), model, qualities, device)


def _config(fields: dict[str, Any]) -> RRVQConfig:
    """The configuration, every size within its bounds."""
    widths = {int(stride): width for stride, width in fields["widths"].items()}
    config = RRVQConfig(**{**fields, "widths": widths})
    counts = [config.blocks, config.synthesis_blocks]
    sizes = [*config.widths.values(), config.hidden, config.synthesis_width, config.analysis_width]
    whole = all(type(n) is int and 1 <= n <= most for ns, most in ((counts, 8), (sizes, 256)) for n in ns)
    if set(config.widths) != set(STRIDES) or not whole:
        raise ValueError("the sizes in its configuration are out of bounds")
    if config.layout not in LAYOUTS or config.prior not in PRIORS or type(config.predictions) is not bool:
        raise ValueError("the structure in its configuration is not known to this release")
    if not 0 <= float(config.analysis_slope) <= 1:
        raise ValueError("the slope in its configuration is out of bounds")
    if not 0.1 <= float(config.sigma_fine) <= float(config.sigma_coarse) <= 1000:
        raise ValueError("the sigmas in its configuration are out of bounds")
    return config


def _qualities(fields: dict[str, Any]) -> QualityMap:
    """The range of the chain's codes."""
    qualities = QualityMap(**fields)
    codes = (qualities.lowest, qualities.highest)
    if not all(type(code) is int for code in codes) or not 0 <= codes[0] <= codes[1] <= FINEST_CODE:
        raise ValueError("its quality codes are out of bounds")
    return qualities


def _inflate(payload: bytes, index: list[tuple[str, str, list[int]]]) -> dict[str, Tensor]:
    """The packed tensors by name; their sizes are bounded before anything is inflated."""
    if not all(type(n) is int and 0 <= n <= LARGEST for _, _, shape in index for n in shape):
        raise ValueError("the shapes of its tensors are not valid")
    sizes = [math.prod(shape) * DTYPES[dtype].itemsize for _, dtype, shape in index]
    if sum(sizes) > LARGEST:
        raise ValueError("its tensors are larger than any model's")
    raw = bytearray(zlib.decompressobj().decompress(payload, sum(sizes) + 1))
    if len(raw) != sum(sizes):
        raise ValueError("its tensors are incomplete")
    tensors, start = {}, 0
    for (name, dtype, shape), size in zip(index, sizes, strict=True):
        if not size:
            raise ValueError("one of its tensors is empty")
        tensors[name] = torch.frombuffer(raw, dtype=DTYPES[dtype], count=math.prod(shape), offset=start).view(shape)
        start += size
    return tensors

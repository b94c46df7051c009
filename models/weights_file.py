"""Reading and writing weights files: safetensors, no pickle.

The file holds one uint8 tensor, `deflated`: the zlib stream of all packed tensors (see packing) one after the other,
little-endian, in the order of the metadata's `index` of [name, dtype, shape]. Deflating takes about 15 % off 8-bit weights.
"""

from __future__ import annotations

import json
import math
import zlib
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from .hierarchy import PhotoHierarchy, QualityMap
from .packing import pack, unpack
from .photo import PhotoRRVQ
from .rrvq import RRVQConfig

FORMAT = "dvcodec-rrvq-1"

DTYPES = {"int8": torch.int8, "int16": torch.int16, "int32": torch.int32, "float16": torch.float16}

LARGEST = 2**28
"""Bytes that a file may inflate to."""


def write(model: PhotoRRVQ, qualities: QualityMap, name: str) -> bytes:
    """The bytes of a weights file. `packing.BoundError` if the model's sums could round."""
    packed = pack(model)
    index = [[key, str(value.dtype).removeprefix("torch."), list(value.shape)] for key, value in packed.items()]
    payload = zlib.compress(b"".join(value.contiguous().numpy().tobytes() for value in packed.values()), 9)
    metadata = {"format": FORMAT, "name": name, "index": json.dumps(index, separators=(",", ":"))}
    metadata |= {"config": json.dumps(asdict(model.config)), "quality": json.dumps(asdict(qualities))}
    return save({"deflated": torch.frombuffer(bytearray(payload), dtype=torch.uint8)}, metadata)


def read(path: Path, device: str) -> PhotoHierarchy:
    """The hierarchy of a weights file. ValueError if it is none of ours."""
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata() or {}
        if metadata.get("format") != FORMAT:
            raise ValueError(f"its format is {metadata.get('format')!r}, this release reads {FORMAT!r}")
        payload = file.get_tensor("deflated").numpy().tobytes()
    config = json.loads(metadata["config"])
    config["widths"] = {int(stride): width for stride, width in config["widths"].items()}
    model = PhotoRRVQ(RRVQConfig(**config))
    unpack(model, _inflate(payload, json.loads(metadata["index"])))
    return PhotoHierarchy(metadata["name"], model, QualityMap(**json.loads(metadata["quality"])), device)


def _inflate(payload: bytes, index: list[tuple[str, str, list[int]]]) -> dict[str, Tensor]:
    """The packed tensors by name; their sizes are bounded before anything is inflated."""
    sizes = [math.prod(shape) * DTYPES[dtype].itemsize for _, dtype, shape in index]
    if min(sizes) < 0 or sum(sizes) > LARGEST:
        raise ValueError("its tensors are larger than any model's")
    raw = bytearray(zlib.decompressobj().decompress(payload, sum(sizes) + 1))
    if len(raw) != sum(sizes):
        raise ValueError("its tensors are incomplete")
    tensors, start = {}, 0
    for (name, dtype, shape), size in zip(index, sizes, strict=True):
        count = math.prod(shape)
        tensors[name] = torch.frombuffer(raw, dtype=DTYPES[dtype], count=count, offset=start).view(shape)
        start += size
    return tensors

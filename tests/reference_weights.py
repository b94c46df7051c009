"""A second reader of weights files of photographs, written from docs/FORMAT.md alone: numpy."""

import json
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

Tensors = dict[str, NDArray[Any]]


def contents(data: bytes) -> tuple[dict[str, Any], Tensors]:
    """What a weights file says of itself, and its tensors."""
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:end])
    about = json.loads(header["__metadata__"]["dvcodec"])
    assert about["format"] == "dvcodec-rrvq-1"
    parts = {name: data[end:][slice(*header[name]["data_offsets"])] for name in header if name != "__metadata__"}
    return about, plain(zlib.decompress(parts["deflated"]), about["index"])


def plain(raw: bytes, index: list[Any]) -> Tensors:
    """Tensors one after the other, as an index names them."""
    tensors, at = {}, 0
    for name, kind, shape in index:
        values = np.frombuffer(raw, np.dtype(kind).newbyteorder("<"), int(np.prod(shape)), at)
        tensors[name] = values.reshape(shape)
        at += values.nbytes
    assert at == len(raw)
    return tensors

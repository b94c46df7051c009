"""Decode .dvq files in shards of WebDataset. The package webdataset itself is not needed here.

import webdataset
from dvcodec.shards import decode

samples = webdataset.WebDataset("shard-{000..009}.tar").decode(decode)
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image


def decode(key: str, data: bytes) -> "Image.Image | None":
    """Decode a field of a sample to a Pillow image.

    Args:
        key: The field's name as WebDataset gives it: a suffix such as ".dvq" or ".left.dvq".
        data: The field's bytes.

    Returns:
        The image; None for fields with another suffix, which other decoders may take.

    Raises:
        DvcodecError: If the image cannot be decoded. Give WebDataset a `handler` to go on with the next sample.
    """
    from . import decompress

    return decompress(data) if _is_dvq(key) else None


def decode_array(key: str, data: bytes) -> "NDArray[np.uint8 | np.uint16] | None":
    """Decode a field of a sample to an array as `dvcodec.decompress_array` returns it: see `decode`."""
    from . import decompress_array

    return decompress_array(data) if _is_dvq(key) else None


def _is_dvq(key: str) -> bool:
    return f".{key}".lower().endswith(".dvq")

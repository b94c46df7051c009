"""Small ICC profiles (ICC.1:2022) of what other fields say of colours: primaries, white and a transfer curve."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CODE = b"dvqc"
"""The signature of the private tag that holds the description from which a profile was made."""
_D50 = (0.9642, 1.0, 0.8249)
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_HEADER = 128


@dataclass(frozen=True)
class TransferCurve:
    """From samples 0 to 1 to linear light: a parametric curve of ICC, or a table."""

    kind: int
    """The number of the function of a parametric curve; -1 for a table."""
    values: tuple[float, ...]
    """Its parameters, or the entries of the table."""

    def packed(self) -> bytes:
        """Return the element of a profile."""
        if self.kind < 0:
            entries = [round(65535 * min(1.0, max(0.0, value))) for value in self.values]
            return b"curv" + struct.pack(f">4xI{len(entries)}H", len(entries), *entries)
        return b"para" + struct.pack(">4xH2x", self.kind) + _fixed(self.values)


def build(
    name: str, points: Sequence[float], curve: TransferCurve, *, grey: bool, intent: int, code: bytes, cicp: bytes = b""
) -> bytes:
    """Return a profile of version 4.

    Args:
        name: What people read.
        points: x and y of white, red, green and blue, 8 numbers.
        curve: The transfer curve of all channels.
        grey: Whether the profile is for grey samples; it then has no primaries.
        intent: The rendering intent, 0 to 3.
        code: The description from which the profile is made.
        cicp: The code points of ITU-T H.273, 4 bytes, for RGB profiles; none if empty.

    Raises:
        ValueError: If the points are not those of three different colours.
    """
    white, columns = _adapted(points)
    text = b"mluc" + struct.pack(">4xII2s2sII", 1, 12, b"en", b"US", 2 * len(name), 28) + name.encode("utf-16-be")
    rights = b"mluc" + struct.pack(">4xII2s2sII", 1, 12, b"en", b"US", 6, 28) + "CC0".encode("utf-16-be")
    tags = {b"desc": text, b"cprt": rights, b"wtpt": b"XYZ \0\0\0\0" + _fixed(_D50)}
    tags[b"chad"] = b"sf32\0\0\0\0" + _fixed(white.flatten())
    if grey:
        tags[b"kTRC"] = curve.packed()
    else:
        tags |= {key: b"XYZ \0\0\0\0" + _fixed(columns[:, i]) for i, key in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))}
        tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve.packed())
        tags |= {b"cicp": b"cicp\0\0\0\0" + cicp} if cicp else {}
    tags[CODE] = b"data" + struct.pack(">4xI", 1) + code
    return _assembled(tags, b"GRAY" if grey else b"RGB ", intent)


def code_of(profile: bytes) -> bytes:
    """Return the description from which `build` made a profile; nothing for any other profile."""
    if profile[36:40] != b"acsp" or len(profile) < _HEADER + 4:
        return b""
    (count,) = struct.unpack_from(">I", profile, _HEADER)
    for at in range(_HEADER + 4, min(_HEADER + 4 + 12 * count, len(profile) - 11), 12):
        key, offset, size = struct.unpack_from(">4sII", profile, at)
        if key == CODE:
            return profile[offset + 12 : offset + size]
    return b""


def _adapted(points: Sequence[float]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the adaptation to D50 by Bradford's matrix, and the adapted XYZ of red, green and blue as columns."""
    x, y = np.array(points[0::2]), np.array(points[1::2])
    if (y <= 0).any():
        raise ValueError("a chromaticity is not one of a colour")
    xyz = np.stack([x / y, np.ones(4), (1 - x - y) / y])
    white, primaries = xyz[:, 0], xyz[:, 1:]
    if abs(np.linalg.det(primaries)) < 1e-6:
        raise ValueError("the primaries are not different colours")
    cones = (_BRADFORD @ np.array(_D50)) / (_BRADFORD @ white)
    adaptation = np.linalg.inv(_BRADFORD) @ np.diag(cones) @ _BRADFORD
    return adaptation, adaptation @ primaries * np.linalg.solve(primaries, white)


def _fixed(values: Sequence[float] | NDArray[np.float64]) -> bytes:
    """Return numbers as s15Fixed16; ValueError for one that is too large."""
    numbers = [round(float(value) * 65536) for value in values]
    if any(abs(number) >= 2**31 for number in numbers):
        raise ValueError("a number is too large for a profile")
    return struct.pack(f">{len(numbers)}i", *numbers)


def _assembled(tags: dict[bytes, bytes], space: bytes, intent: int) -> bytes:
    """Return header, table and elements; equal elements are stored once."""
    start = _HEADER + 4 + 12 * len(tags)
    table, body, places = b"", b"", dict[bytes, int]()
    for key, element in tags.items():
        if element not in places:
            places[element] = start + len(body)
            body += element + bytes(-len(element) % 4)
        table += struct.pack(">4sII", key, places[element], len(element))
    header = struct.pack(
        ">I4xI4s4s4s6H4s", start + len(body), 0x04400000, b"mntr", space, b"XYZ ", 2026, 1, 1, 0, 0, 0, b"acsp"
    )
    header += bytes(24) + struct.pack(">I", intent) + _fixed(_D50)
    return header.ljust(_HEADER, b"\0") + struct.pack(">I", len(tags)) + table + body

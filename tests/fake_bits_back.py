"""A bits-back coder without a network: it knows 256 pictures by heart, and codes each as one byte."""

import numpy as np
from numpy.typing import NDArray

from dvcodec.errors import FormatError

HEIGHT, WIDTH = 6, 5


def known(number: int, mode: str = "1") -> NDArray[np.uint8]:
    """One of the 256 pictures, (6, 5): in mode 1 of 0 and 255, in mode L of any values."""
    values = np.random.default_rng(number).integers(0, 256, (HEIGHT, WIDTH), np.uint8)
    return (values > 127) * np.uint8(255) if mode == "1" else values


class FakeBitsBack:
    """Implements models.interface.bits_back.BitsBackCoder. `salt` changes what it knows: the wrong weights."""

    name = "fake-bits-back"

    def __init__(self, salt: int = 0) -> None:
        """Learn the pictures of both modes."""
        self._numbers = {
            known(number, mode).tobytes(): bytes([form, number - salt])
            for form, mode in enumerate(("1", "L"))
            for number in range(salt, salt + 256)
        }
        self._pictures = {code: np.frombuffer(raw, np.uint8) for raw, code in self._numbers.items()}

    def suits(self, mode: str, height: int, width: int) -> bool:
        """Small pictures of one size."""
        return mode in ("1", "L") and (height, width) == (HEIGHT, WIDTH)

    def encode(self, samples: NDArray[np.uint8]) -> bytes:
        """The mode, then a byte a picture that is known; the samples of all if one is not."""
        assert samples.shape[1:] == (HEIGHT, WIDTH) and 1 <= len(samples) <= 256
        codes = [self._numbers.get(tile.tobytes()) for tile in samples]
        if any(code is None for code in codes):
            return b"\xff" + samples.tobytes()
        return bytes([codes[0][0] if codes[0] else 0]) + b"".join(code[1:] for code in codes if code)

    def decode(self, payload: bytes, count: int) -> NDArray[np.uint8]:
        """Undo `encode`."""
        if payload[:1] == b"\xff":
            flat = np.frombuffer(payload[1:], np.uint8)
        else:
            pictures = [self._pictures.get(bytes([payload[0], number])) for number in payload[1:]]
            flat = np.concatenate([picture for picture in pictures if picture is not None] or [np.empty(0, np.uint8)])
        if len(flat) != count * HEIGHT * WIDTH:
            raise FormatError("the set is not valid")
        return flat.reshape(count, HEIGHT, WIDTH)

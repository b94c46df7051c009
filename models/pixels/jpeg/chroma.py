"""Find chroma, so that with some luma it gives the pixels; luma needs not be known for that.

A pixel of which no channel is clipped (0 or 255) has one luma and one chroma alone: the conversion can be undone.
Where channels are clipped, chroma and luma are moved as little as the other channels demand.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ....shapes import Bool, Float32, Int16, UInt8
from . import colours, estimates
from .frame import Frame
from .transform import samples

Pixels = UInt8[NDArray[np.uint8], "H W 3"]
Numbers = NDArray[np.int32]
Steps = NDArray[np.int64]
FAR = 1000
"""A limit of luma where pixels demand none."""
_TRIES = (0, -1, 1, -2, 2)
"""Luma is at most so far from what pixels give without rounding."""
_ROUNDS, _PACE, _MEMORY = 14, 1.6, 0.5
"""Rounds of corrections; how far each goes where channels are clipped; what is kept of those below half a step."""


def exact(pixels: Pixels) -> tuple[Bool[NDArray[np.bool_], "H W"], NDArray[np.float32], NDArray[np.float32]]:
    """Return where chroma is known exactly, Cb and Cr; elsewhere these are estimates. They are 0 without colour."""
    luma, blue, red = estimates.components(pixels)
    wide, middle = pixels.astype(np.int32), np.rint(luma).astype(np.int32)
    _, _, green_red, green_blue = colours.tables()
    from_red, from_blue = _inverse()
    known = np.zeros(luma.shape, bool)
    clipped = clipped_in(pixels)
    for away in _TRIES:
        tried = middle + away
        r = from_red.take(wide[..., 0] - tried + _OFFSET, mode="clip")
        b = from_blue.take(wide[..., 2] - tried + _OFFSET, mode="clip")
        fits = (r >= 0) & (b >= 0) & (tried >= 0) & (tried <= 255) & ~clipped & ~known
        fits &= tried + ((green_blue[b] + green_red[r]) >> 16) == wide[..., 1]
        blue, red = (np.where(fits, (new - 128).astype(np.float32), old) for new, old in ((b, blue), (r, red)))
        known |= fits
    return known, blue, red


_OFFSET = 600


@lru_cache(maxsize=1)
def _inverse() -> tuple[Numbers, Numbers]:
    """Return Cr by what it adds to red, and Cb by what it adds to blue, plus _OFFSET; -1 where none does."""
    found = []
    for added in colours.tables()[:2]:
        table = np.full(2 * _OFFSET, -1, np.int32)
        table[added + _OFFSET] = np.arange(256)
        found.append(table)
    return found[0], found[1]


def clipped_in(pixels: Pixels) -> Bool[NDArray[np.bool_], "H W"]:
    """Return where a channel is 0 or 255."""
    found: NDArray[np.bool_] = ((pixels == 0) | (pixels == 255)).any(axis=-1)
    return found


def limits(
    pixels: Pixels, blue: UInt8[NDArray[np.uint8], "H W"], red: UInt8[NDArray[np.uint8], "H W"]
) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    """Return the lowest and the highest luma that gives the pixels; the lowest is higher where none does."""
    of_red, of_blue, green_red, green_blue = colours.tables()
    added = np.stack([of_red[red], (green_blue[blue] + green_red[red]) >> 16, of_blue[blue]], axis=-1)
    wanted = pixels - added
    low = np.where(pixels == 0, -FAR, wanted).max(axis=-1)
    high = np.where(pixels == 255, FAR, wanted).min(axis=-1)
    return np.maximum(low, 0).astype(np.int16), np.minimum(high, 255).astype(np.int16)


class Search:
    """The search for chroma of an image, or of a band of one."""

    def __init__(
        self, pixels: Pixels, frame: Frame, steps: tuple[Steps, Steps], seen: Bool[NDArray[np.bool_], "H W"] | None
    ) -> None:
        """Start from estimates.

        Args:
            pixels: The pixels.
            frame: The frame, of the pixels' size.
            steps: Quantisation steps of luma and of chroma.
            seen: Which pixels count; None for all.
        """
        self._pixels, self._frame, self._steps, self._seen = pixels, frame, steps, seen
        self._known, self._blue, self._red = exact(pixels)
        self._clipped = clipped_in(pixels)
        luma = estimates.components(pixels)[0] - 128
        planes = (luma, *(estimates.reduced(plane, frame) for plane in (self._blue, self._red)))
        every = [estimates.frequencies(plane) / steps[i > 0] for i, plane in enumerate(planes)]
        self.coefficients = [np.rint(one).astype(np.int32) for one in every]
        self._rests = [np.zeros(one.shape, np.float32) for one in every]

    def run(self) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
        """Correct chroma until all pixels allow some luma; return the limits of luma."""
        for _ in range(_ROUNDS):
            blue, red = (colours.upsampled(self._plane(i), self._frame) for i in (1, 2))
            low, high = limits(self._pixels, blue, red)
            wrong = low > high if self._seen is None else (low > high) & self._seen
            if not wrong.any():
                break
            self._correct(self._missing(blue, red, (low, high), wrong))
        return low, high

    def _plane(self, component: int) -> NDArray[np.uint8]:
        """Return the samples of a component."""
        return plane_of(self.coefficients[component], self._steps[component > 0], self._frame.size(component))

    def _missing(
        self,
        blue: NDArray[np.uint8],
        red: NDArray[np.uint8],
        between: tuple[NDArray[np.int16], NDArray[np.int16]],
        wrong: NDArray[np.bool_],
    ) -> list[NDArray[np.float32]]:
        """Return what luma, Cb and Cr lack at every pixel."""
        luma = self._plane(0)
        luma = np.where(wrong, luma, np.clip(luma, between[0], np.maximum(*between))).astype(np.uint8)
        lacking = np.where(wrong[..., None], self._pixels.astype(np.int16) - colours.rgb(luma, blue, red), 0)
        moved = least(lacking.astype(np.int16)) * np.float32(_PACE)
        exactly = [
            (own - (now.astype(np.float32) - 128)) * self._known for own, now in ((self._blue, blue), (self._red, red))
        ]
        found = [moved[..., 0] * self._clipped]
        found += [np.where(self._clipped, moved[..., i], exactly[i - 1]) for i in (1, 2)]
        return found if self._seen is None else [one * self._seen for one in found]

    def _correct(self, missing: list[NDArray[np.float32]]) -> None:
        for i, plane in enumerate(missing):
            lacking = estimates.frequencies(estimates.reduced(plane, self._frame) if i else plane)
            rest = self._rests[i] * (np.float32(_MEMORY) * (np.abs(lacking) > 1e-6)) + lacking / self._steps[i > 0]
            whole = np.rint(rest)
            self.coefficients[i] += whole.astype(np.int32)
            self._rests[i] = (rest - whole).astype(np.float32)


def plane_of(coefficients: Numbers, steps: Steps, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return the samples (height, width) of coefficients (R, C, 64)."""
    rows, columns = coefficients.shape[:2]
    every = coefficients.transpose(2, 0, 1).reshape(8, 8, rows, columns)
    return samples(every, steps)[: size[0], : size[1]]


def least(lacking: Int16[NDArray[np.int16], "H W 3"]) -> Float32[NDArray[np.float32], "H W 3"]:
    """Return the smallest changes of luma, Cb and Cr that add what the channels lack, where they lack anything."""
    kinds = (lacking != 0) @ np.array([1, 2, 4])
    rows = np.flatnonzero(kinds)
    found = np.zeros((kinds.size, 3), np.float32)
    chosen = _solutions()[kinds.ravel()[rows]]
    found[rows] = (chosen @ lacking.reshape(-1, 3)[rows][..., None].astype(np.float32))[..., 0]
    return found.reshape(lacking.shape)


@lru_cache(maxsize=1)
def _solutions() -> Float32[NDArray[np.float32], "8 3 3"]:
    """Return pseudo-inverses of the conversion to each set of channels, by the sum of 1 for red, 2 and 4."""
    matrix = np.array([[1, 0, estimates.RED], [1, -0.344136, -0.714136], [1, estimates.BLUE, 0]])
    found = np.zeros((8, 3, 3), np.float32)
    for kind in range(1, 8):
        channels = [i for i in range(3) if kind >> i & 1]
        found[kind][:, channels] = np.linalg.pinv(matrix[channels])
    return found

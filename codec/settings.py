"""How to compress: the settings of one image and of an archive, each spelled once.

The command line, the Python functions and the Pillow plug-in draw names, limits, choices, defaults and descriptions
from here.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from enum import StrEnum
from functools import cache
from numbers import Integral, Real
from typing import Any, TypedDict

from ..errors import InvalidArgument

DEFAULT_QUALITY = 50.0
DEFAULT_EFFORT = 4
LEAST_QUALITY, MOST_QUALITY = 1, 100
LEAST_EFFORT, MOST_EFFORT = 1, 9
AUTO = "auto"
BITS_BACK = "bits-back"
"""The method of archives that codes sets of like images alone."""


class Method(StrEnum):
    """How lossless pixels are coded; auto takes the smallest file. bits-back is of archives."""

    auto = AUTO
    model = "model"
    bilevel = "bilevel"
    webp = "webp"
    stored = "stored"
    bits_back = BITS_BACK


class Tuning(StrEnum):
    """What errors count for."""

    psnr = "psnr"
    perceptual = "perceptual"


class Device(StrEnum):
    """Where the network runs; `auto` takes the GPU where there is one."""

    auto = AUTO
    cpu = "cpu"
    cuda = "cuda"


@dataclass(frozen=True)
class Option:
    """What a user is told of a setting, and its limits."""

    help: str
    metavar: str | None = None
    least: float | None = None
    most: float | None = None


def _setting(default: Any, help: str, metavar: str | None = None, limits: tuple[float | None, ...] = ()) -> Any:
    """Return a field with what a user is told of it; `limits` are the least and the greatest value."""
    return field(default=default, metadata={"option": Option(help, metavar, *limits)})


class CompressOptions(TypedDict, total=False):
    """The settings of CompressSettings as keyword arguments; all may be left out."""

    target_bpp: float | None
    target_size: int | None
    target_psnr: float | None
    lossless: bool
    method: str | None
    effort: int | None
    tune: str | None
    strip: bool
    weights: str | None
    device: str


@dataclass(frozen=True, kw_only=True)
class CompressSettings:
    """How to compress an image.

    At most one of `quality`, the three targets and `lossless` is set; none of them means quality 50.

    Raises:
        InvalidArgument: If settings contradict each other or are out of range.
    """

    quality: float | None = _setting(
        None, f"1 to 100; default {DEFAULT_QUALITY:g}.", "Q", (LEAST_QUALITY, MOST_QUALITY)
    )
    """Of lossy files: 1 to 100."""
    target_bpp: float | None = _setting(None, "At most BITS per pixel.", "BITS")
    """Of lossy files: file bits per pixel, at most."""
    target_size: int | None = _setting(None, "At most BYTES a file.", "BYTES", (1, None))
    """Of lossy files: file bytes, at most."""
    target_psnr: float | None = _setting(None, "At least DB decibels.", "DB")
    """Of lossy files: dB over the colour channels, at least."""
    lossless: bool = _setting(False, "Keep every pixel, and the mode.")
    """Keep every pixel, and the mode: 1, L, LA, RGB, RGBA, P or PA."""
    method: str | None = _setting(None, "With {lossless}; auto, the default, takes the smallest.")
    """Of lossless files: how pixels are coded, one of Method but bits-back; None stands for auto, the smallest file."""
    effort: int | None = _setting(
        None,
        f"Passes over the image, {LEAST_EFFORT} to {MOST_EFFORT}; default {DEFAULT_EFFORT}. More are slower and give"
        " better quality at about the same size.",
        "N",
        (LEAST_EFFORT, MOST_EFFORT),
    )
    """Of lossy files: passes over the image, 1 to 9; None stands for 4. More passes are slower but give better quality
    at about the same size; decompression takes as long."""
    tune: str | None = _setting(None, "Errors count alike, or more where they are visible; default psnr.")
    """Of lossy files: "psnr", the default, weighs all errors alike, "perceptual" those more that are visible."""
    strip: bool = _setting(False, "Leave out EXIF, ICC profile and XMP.")
    """Leave out EXIF, ICC profile and XMP."""
    weights: str | None = _setting(None, "Weights to use; see `models`.", "NAME|PATH")
    """Name or path of the weights; None stands for the default ones."""
    device: str = _setting(AUTO, "Where the network runs.")
    """ "auto", "cpu" or "cuda"."""

    def __post_init__(self) -> None:
        """Refuse settings that contradict each other or are out of range."""
        aims = self.aims()
        if len(aims) > 1:
            raise InvalidArgument(f"{' and '.join(f'`{name}`' for name in aims)} exclude each other", "choose one")
        if self.method is not None and not self.lossless:
            raise InvalidArgument("`method` is of lossless files only", "set `lossless` too")
        if self.lossless and (self.effort is not None or self.tune is not None):
            raise InvalidArgument("`effort` and `tune` are of lossy files only", "leave them out")
        for name in ("target_bpp", "target_size", "target_psnr"):
            value = aims.get(name)
            if value is not None and not (_is_real(value) and 0 < value < math.inf):
                raise InvalidArgument(f"`{name}` {value!r} is not a positive number")
        _within("quality", self.quality, Real)
        _within("effort", self.effort, Integral)
        _one_of("method", self.method, [method for method in Method if method != BITS_BACK])
        _one_of("tune", self.tune, Tuning)
        _one_of("device", self.device, Device)

    def aims(self) -> dict[str, Any]:
        """Return what the file is to be: those that are set of quality, the three targets and lossless, by name."""
        aims = {name: getattr(self, name) for name in ("quality", "target_bpp", "target_size", "target_psnr")}
        given = {name: value for name, value in aims.items() if value is not None}
        return given | ({"lossless": True} if self.lossless else {})

    @property
    def passes(self) -> int:
        """How many passes over the image the effort stands for."""
        return DEFAULT_EFFORT if self.effort is None else int(self.effort)

    @property
    def perceptual(self) -> bool:
        """Whether errors count more where they are visible."""
        return self.tune == Tuning.perceptual


@dataclass(frozen=True, kw_only=True)
class ArchiveSettings:
    """How to compress many images without loss into an archive.

    Raises:
        InvalidArgument: If a setting is out of range.
    """

    method: str | None = None
    """One of Method for all images, bits-back for sets alone; None stands for auto, the smallest."""
    strip: bool = False
    """Leave out EXIF, ICC profile and XMP."""
    names: bool = True
    """Keep the names of the images."""
    weights: str | None = None
    """Name or path of a model of sets, or of the hierarchy for the method `model`; None stands for the default ones."""
    device: str = AUTO
    """ "auto", "cpu" or "cuda"."""

    def __post_init__(self) -> None:
        """Refuse what is out of range."""
        _one_of("method", self.method, Method)
        _one_of("device", self.device, Device)


@cache
def options() -> dict[str, Option]:
    """Return what a user is told of the settings of an image, by name."""
    return {one.name: one.metadata["option"] for one in fields(CompressSettings)}


def _is_real(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _within(name: str, value: Any, kind: type[Any]) -> None:
    """Refuse a number outside the limits of its setting, and what is not such a number."""
    option = options()[name]
    least, most = option.least or 0, option.most or math.inf
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, kind) or not least <= float(value) <= most:
        what = "a whole number" if kind is Integral else "a number"
        raise InvalidArgument(f"`{name}` {value!r} is out of range", f"{what} from {least:g} to {most:g}")


def _one_of(name: str, value: str | None, choices: Iterable[str]) -> None:
    if value is not None and value not in list(choices):
        raise InvalidArgument(f"unknown {name} {value!r}", f"one of {', '.join(choices)}")

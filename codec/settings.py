"""How to compress: the settings of one image and of an archive, each spelled once.

The command line, the Python functions and the Pillow plug-in draw names, limits, choices, defaults and descriptions
from here.
"""

import math
import os
from collections.abc import Iterable
from dataclasses import dataclass, fields
from enum import StrEnum
from numbers import Integral, Real
from typing import Any

from ..errors import InvalidArgument
from .bound_settings import MAX_MEMORY as MAX_MEMORY
from .bound_settings import MAX_PIXELS as MAX_PIXELS
from .bound_settings import BoundOptions as BoundOptions
from .bound_settings import BoundSettings as BoundSettings
from .bound_settings import Option as Option
from .bound_settings import options as options
from .bound_settings import setting

DEFAULT_QUALITY = 50.0
DEFAULT_EFFORT = 1
LEAST_QUALITY, MOST_QUALITY = 1, 100
LEAST_EFFORT, MOST_EFFORT = 1, 9
AUTO = "auto"
BITS_BACK = "bits-back"
"""The method that codes groups of small images of one size by bits-back coding; archives only."""

TARGETS = ("target_bpp", "target_size", "target_psnr", "target_ssimulacra2")
Preview = int | str | None
"""How much to decode: None for the whole file, which must be whole; N >= 1 for the first N chunks; "all" for every
chunk that is whole."""


class Method(StrEnum):
    """How lossless pixels are coded. `auto` keeps the smallest file; `bits_back` is for archives only."""

    auto = AUTO
    model = "model"
    bilevel = "bilevel"
    webp = "webp"
    stored = "stored"
    file = "file"
    deep = "deep"
    jpeg = "jpeg"
    bits_back = BITS_BACK


class Tuning(StrEnum):
    """Which distortion the encoder minimises: squared error, or squared error weighted by its visibility."""

    psnr = "psnr"
    perceptual = "perceptual"


class Device(StrEnum):
    """Where the networks run. `auto` takes the GPU if there is one."""

    auto = AUTO
    cpu = "cpu"
    cuda = "cuda"


SSIMULACRA2 = Option(
    "Choose the lowest quality whose SSIMULACRA 2 is at least this (70 is high, 90 looks the same).",
    "SCORE",
    1,
    100,
)
METHOD = Option("Method of lossless coding, with `lossless` only. auto, the default, keeps the smallest file.")
STRIP = Option(
    "Leave out the metadata: EXIF, ICC profile, XMP, resolution and texts. The pixels are turned as the orientation"
    " asks."
)
CONVERT = Option(
    "Convert what 8 bits of grey or RGB cannot hold, which is refused otherwise: deeper samples become 8 bits, CMYK and"
    " Lab become sRGB by the image's profile, and of an animation the first frame is taken."
)
DEVICE = Option("Device that runs the networks. auto takes the GPU if there is one.")


class CompressOptions(BoundOptions, total=False):
    """The settings of CompressSettings but `quality`, as keyword arguments for type checkers."""

    target_bpp: float | None
    target_size: int | None
    target_psnr: float | None
    target_ssimulacra2: float | None
    lossless: bool
    method: str | None
    effort: int | None
    tune: str | None
    strip: bool
    convert: bool
    weights: str | None
    device: str


class ArchiveOptions(CompressOptions, total=False):
    """The settings of ArchiveSettings, as keyword arguments for type checkers."""

    quality: float | None
    names: bool


@dataclass(frozen=True, kw_only=True)
class CompressSettings(BoundSettings):
    """How to compress an image; `options(CompressSettings)` describes each setting.

    At most one of `quality`, the four targets and `lossless` is set; none of them means quality 50.

    Raises:
        InvalidArgument: If settings contradict each other or are out of range.
    """

    quality: float | None = setting(
        None,
        Option(
            f"Quality from {LEAST_QUALITY} to {MOST_QUALITY}. The default is {DEFAULT_QUALITY:g}.",
            "Q",
            LEAST_QUALITY,
            MOST_QUALITY,
        ),
    )
    target_bpp: float | None = setting(
        None, Option("Choose the best quality with at most this many bits per pixel in the file.", "BITS")
    )
    target_size: int | None = setting(
        None, Option("Choose the best quality with at most this many bytes in the file.", "BYTES", 1)
    )
    target_psnr: float | None = setting(
        None, Option("Choose the lowest quality whose PSNR is at least this many dB.", "DB")
    )
    target_ssimulacra2: float | None = setting(None, SSIMULACRA2)
    lossless: bool = setting(
        False, Option("Keep every pixel exactly, and the mode of the image (1, L, LA, RGB, RGBA, P or PA).")
    )
    method: str | None = setting(None, METHOD)
    effort: int | None = setting(
        None,
        Option(
            f"Number of passes over the image, {LEAST_EFFORT} to {MOST_EFFORT}. Passes beyond the first look ahead,"
            " which needs torch and the weights rrvq-photo: 2 take about 3 times as long for 1.4 % fewer bits, 4 take"
            f" 7 times as long for 3.5 % fewer. The default is {DEFAULT_EFFORT}.",
            "N",
            LEAST_EFFORT,
            MOST_EFFORT,
        ),
    )
    tune: str | None = setting(
        None,
        Option(
            "perceptual, the default, codes for the eye, by light networks. psnr minimises the squared error, by larger"
            " ones that take about five times as long; it is the default with a target PSNR or an effort above 1."
        ),
    )
    strip: bool = setting(False, STRIP)
    convert: bool = setting(False, CONVERT)
    weights: str | None = setting(
        None, Option("Name or path of the weights. `dvcodec models` lists those that are installed.", "NAME|PATH")
    )
    device: str = setting(AUTO, DEVICE)

    def __post_init__(self) -> None:
        """Refuse settings that contradict each other or are out of range."""
        for each in fields(self):
            if isinstance(each.default, bool):
                _switch(each.name, getattr(self, each.name))
        aims = self.aims()
        if len(aims) > 1:
            raise InvalidArgument(f"{' and '.join(f'`{name}`' for name in aims)} exclude each other", "choose one")
        if self.method is not None and not self.lossless:
            raise InvalidArgument("`method` applies to lossless files only", "set `lossless` too")
        if self.lossless and (self.effort is not None or self.tune is not None):
            raise InvalidArgument("`effort` and `tune` apply to lossy files only", "leave them out")
        for name in TARGETS:
            value = aims.get(name)
            if value is not None and not (_is_real(value) and 0 < value < math.inf):
                raise InvalidArgument(f"`{name}` {value!r} is not a positive number")
        _within("quality", self.quality, Real)
        _within("target_ssimulacra2", self.target_ssimulacra2, Real)
        _within("effort", self.effort, Integral)
        object.__setattr__(self, "weights", _name_or_path(self.weights))
        one_of("method", self.method, self.methods())
        one_of("tune", self.tune, Tuning)
        one_of("device", self.device, Device)
        super().__post_init__()

    @classmethod
    def methods(cls) -> list[Method]:
        """Return the methods of lossless coding that there are for one image."""
        return [method for method in Method if method != BITS_BACK]

    def aims(self) -> dict[str, Any]:
        """Return, by name, those of `quality`, the four targets and `lossless` that are set."""
        aims = {name: getattr(self, name) for name in ("quality", *TARGETS)}
        given = {name: value for name, value in aims.items() if value is not None}
        return given | ({"lossless": True} if self.lossless else {})

    @property
    def passes(self) -> int:
        """How many passes over the image the effort stands for."""
        return DEFAULT_EFFORT if self.effort is None else int(self.effort)

    @property
    def perceptual(self) -> bool:
        """Whether images are coded for the eye, not for the least squared error."""
        if self.tune is None:
            return self.target_psnr is None and self.passes == DEFAULT_EFFORT and not self.lossless
        return self.tune == Tuning.perceptual


@dataclass(frozen=True, kw_only=True)
class ArchiveSettings(CompressSettings):
    """How to compress many images into an archive; `options(ArchiveSettings)` describes each setting.

    Qualities and targets are those of each image. Lossless images may share their cost.

    Raises:
        InvalidArgument: If settings contradict each other or are out of range.
    """

    method: str | None = setting(
        None,
        Option(
            "Method of lossless coding for all images, with `lossless` only. auto, the default, keeps the smallest form"
            " of each image or group of images; bits-back takes only images that a bits-back model suits."
        ),
    )
    names: bool = setting(True, Option("Keep the names of the images."))
    weights: str | None = setting(
        None,
        Option(
            "Name or path of the photograph model; of lossless archives also of a bits-back model. `dvcodec models`"
            " lists those that are installed."
        ),
    )

    @classmethod
    def methods(cls) -> list[Method]:
        """Return the methods of lossless coding that there are for many images."""
        return list(Method)


def _name_or_path(weights: object) -> str | None:
    """Return weights as a user names them, paths as text; raise InvalidArgument for what is neither."""
    if weights is not None and not isinstance(weights, str | os.PathLike):
        raise InvalidArgument(
            f"`weights` is a {type(weights).__name__}", "give a name, or the path of a .safetensors file"
        )
    return None if weights is None else os.fsdecode(weights)


def _switch(name: str, value: object) -> None:
    """Refuse what is not true or false: a text such as "no" would count as true."""
    if type(value).__name__ not in ("bool", "bool_") and not (isinstance(value, Integral) and value in (0, 1)):
        raise InvalidArgument(f"`{name}` {value!r} is not True or False")


def _is_real(value: object) -> bool:
    """Tell whether a value is a number; booleans do not count."""
    return isinstance(value, Real) and not isinstance(value, bool)


def _within(name: str, value: Any, kind: type[Any]) -> None:
    """Refuse a number outside the limits of its setting, and what is not such a number."""
    option = options(CompressSettings)[name]
    least, most = option.least or 0, option.most or math.inf
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, kind) or not least <= float(value) <= most:
        what = "a whole number" if kind is Integral else "a number"
        raise InvalidArgument(f"`{name}` {value!r} is out of range", f"{what} from {least:g} to {most:g}")


def one_of(name: str, value: str | None, choices: Iterable[str]) -> None:
    """Refuse a value that is none of the choices."""
    if value is not None and value not in list(choices):
        raise InvalidArgument(f"unknown {name} {value!r}", f"one of {', '.join(choices)}")

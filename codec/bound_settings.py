"""How large an image may be: the settings that all functions take; and how settings are described."""

from dataclasses import dataclass, field, fields
from typing import Any, TypedDict

from ..image_io.bounds import Bounds


@dataclass(frozen=True)
class Option:
    """The description of a setting for users, and its limits."""

    help: str
    """Whole sentences. They name other settings as Python does, in backquotes; the command line writes its options."""
    metavar: str | None = None
    """The placeholder of the value in the help of the command line."""
    least: float | None = None
    most: float | None = None


MAX_PIXELS = Option(
    "The most pixels that an image may have, and all images of an archive together. The default is 201 megapixels for"
    " an image and, for an archive, 4096 pixels more for each byte; the variable DVCODEC_MAX_PIXELS sets another.",
    "N",
    1,
)
MAX_MEMORY = Option(
    "The most bytes of memory that work on an image may take, as estimated from its size. The default is half of what"
    " is available; the variable DVCODEC_MAX_MEMORY sets another.",
    "BYTES",
    1,
)


def setting(default: Any, option: Option) -> Any:
    """Return a field of a settings class, with its description."""
    return field(default=default, metadata={"option": option})


class BoundOptions(TypedDict, total=False):
    """The settings of BoundSettings, as keyword arguments for type checkers."""

    max_pixels: int | None
    max_memory: int | None


@dataclass(frozen=True, kw_only=True)
class BoundSettings:
    """How large an image may be; `options(BoundSettings)` describes each setting.

    Raises:
        InvalidArgument: If a setting is not a positive whole number.
    """

    max_pixels: int | None = setting(None, MAX_PIXELS)
    max_memory: int | None = setting(None, MAX_MEMORY)

    def __post_init__(self) -> None:
        """Refuse what is not a bound."""
        _ = self.bounds

    @property
    def bounds(self) -> Bounds:
        """The bounds on each image and on the memory."""
        return Bounds(max_pixels=self.max_pixels, max_memory=self.max_memory)


def options(kind: type[BoundSettings]) -> dict[str, Option]:
    """Return the description of each setting of a class, by name, in the order of its fields."""
    return {one.name: one.metadata["option"] for one in fields(kind)}

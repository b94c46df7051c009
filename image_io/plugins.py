"""Plug-ins of Pillow that read HEIC and JPEG XL, if they are installed; Pillow need not know of them."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from PIL import ImageFile

from ..errors import UnsupportedImage
from . import jxl_header
from .limits import MAX_AREA

Reader = Callable[[BinaryIO, str | bytes], ImageFile.ImageFile]


@dataclass(frozen=True)
class _Plugin:
    format: str
    module: str
    reader: str
    package: str
    """The package to install."""

    def load(self) -> Reader:
        """Return the class that reads the format; raise UnsupportedImage if the plug-in is not installed."""
        try:
            reader: Reader = getattr(importlib.import_module(self.module), self.reader)
        except (ImportError, AttributeError):
            hint = f"install the package {self.package}"
            raise UnsupportedImage(f"{self.format} is read by a plug-in of Pillow, which is missing", hint) from None
        return reader


_HEIC = _Plugin("HEIC", "pillow_heif", "HeifImageFile", "pillow-heif")
_JXL = _Plugin("JPEG XL", "pillow_jxl.JpegXLImagePlugin", "JXLImageFile", "pillow-jxl-plugin")
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_JXL_STARTS = (b"\xff\x0a", b"\x00\x00\x00\x0cJXL \x0d\x0a\x87\x0a")


def refuse_large_jxl(file: BinaryIO, prefix: bytes) -> None:
    """Raise UnsupportedImage for a JPEG XL file of too many pixels: its plug-in decodes a file as it opens it."""
    if prefix.startswith(_JXL_STARTS):
        header = jxl_header.read(file)
        if header.width * header.height > MAX_AREA:
            raise UnsupportedImage(f"{header.width} x {header.height} pixels are too many", "cut it into parts first")


def refuse_programs(prefix: bytes) -> None:
    """Raise UnsupportedImage for PostScript, by its first bytes: Pillow would let Ghostscript run it as a program."""
    if prefix.startswith((b"%!PS", b"\xc5\xd0\xd3\xc6")):
        raise UnsupportedImage("PostScript draws images by a program, which is not run here", "convert it to PNG first")


def reader_of(prefix: bytes) -> Reader | None:
    """Return what reads a file, by its first bytes; None if it is neither HEIC nor JPEG XL.

    Args:
        prefix: The first 16 bytes.

    Raises:
        UnsupportedImage: If its plug-in is not installed.
    """
    if prefix.startswith(_JXL_STARTS):
        return _JXL.load()
    return _HEIC.load() if prefix[4:8] == b"ftyp" and prefix[8:12] in _HEIC_BRANDS else None

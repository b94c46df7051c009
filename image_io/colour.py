"""What samples mean as colours, where a file says so outside an ICC profile: as a profile, and in a few bytes.

PNG has the chunks cICP, sRGB, gAMA and cHRM (PNG, third edition, section 11.3.2), AVIF and HEIC the box nclx. Code
points are those of ITU-T H.273.
"""

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace

from PIL import Image

from . import icc, isobmff, png_chunks
from .icc import TransferCurve

_GREY = frozenset({"1", "L", "LA", "La", "I", "I;16", "I;16B"})
_UNSPECIFIED = 2
_D65, _C = (0.3127, 0.329), (0.31, 0.316)
_PRIMARIES: dict[int, tuple[float, ...]] = {
    1: (*_D65, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06),
    4: (*_C, 0.67, 0.33, 0.21, 0.71, 0.14, 0.08),
    5: (*_D65, 0.64, 0.33, 0.29, 0.6, 0.15, 0.06),
    6: (*_D65, 0.63, 0.34, 0.31, 0.595, 0.155, 0.07),
    7: (*_D65, 0.63, 0.34, 0.31, 0.595, 0.155, 0.07),
    8: (*_C, 0.681, 0.319, 0.243, 0.692, 0.145, 0.049),
    9: (*_D65, 0.708, 0.292, 0.17, 0.797, 0.131, 0.046),
    11: (0.314, 0.351, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06),
    12: (*_D65, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06),
    22: (*_D65, 0.63, 0.34, 0.295, 0.605, 0.155, 0.077),
}
_SRGB = TransferCurve(3, (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045))
_BT709 = TransferCurve(3, (1 / 0.45, 1 / 1.099, 0.099 / 1.099, 1 / 4.5, 0.081))
_TABLE = 1024


def _table(light: Callable[[float], float]) -> TransferCurve:
    return TransferCurve(-1, tuple(light(index / (_TABLE - 1)) for index in range(_TABLE)))


def _pq(sample: float) -> float:
    """Return the light of a sample of SMPTE ST 2084; 1 is 10,000 cd/m2."""
    root = sample ** (1 / 78.84375)
    light: float = (max(root - 0.8359375, 0.0) / (18.8515625 - 18.6875 * root)) ** (1 / 0.1593017578125)
    return light


def _hlg(sample: float) -> float:
    """Return the scene light of a sample of ARIB STD-B67."""
    if sample <= 0.5:
        return sample * sample / 3
    return (math.exp((sample - 0.55991073) / 0.17883277) + 0.28466892) / 12


def _curve(transfer: int) -> TransferCurve | None:
    """Return the curve of a code point of H.273, table 3; None for one that has none here."""
    if transfer in (1, 6, 14, 15):
        return _BT709
    plain = {
        2: _SRGB,
        4: TransferCurve(0, (2.2,)),
        5: TransferCurve(0, (2.8,)),
        7: TransferCurve(3, (1 / 0.45, 1 / 1.1115, 0.1115 / 1.1115, 1 / 4, 0.0912)),
        8: TransferCurve(0, (1.0,)),
        13: _SRGB,
        17: TransferCurve(1, (2.6, (52.37 / 48) ** (1 / 2.6), 0.0)),
    }
    tables = {9: lambda v: 10 ** (2 * (v - 1)), 10: lambda v: 10 ** (2.5 * (v - 1)), 16: _pq, 18: _hlg}
    return plain.get(transfer) or (_table(tables[transfer]) if transfer in tables else None)


_CODE_POINTS, _GAMMA = 1, 2
_SRGB_POINTS = (1, 13, 1)


@dataclass(frozen=True)
class ColourSpace:
    """What a file says of its colours: code points, or a gamma and chromaticities as PNG writes them."""

    grey: bool
    points: tuple[int, int, int] | None = None
    """Colour primaries, transfer characteristics, and whether samples have the full range."""
    gamma: int = 0
    """The exponent of the encoding times 100,000; 0 if it is that of sRGB."""
    chromaticities: tuple[int, ...] = ()
    """x and y of white, red, green and blue, times 100,000; none if they are those of sRGB."""
    intent: int = 0
    """The rendering intent, 0 to 3."""

    def code(self) -> bytes:
        """Return the description in a few bytes: undo `of_code`."""
        head = (_CODE_POINTS if self.points else _GAMMA) | self.grey << 2 | self.intent << 3
        if self.points:
            return bytes([head, *self.points])
        return struct.pack(f">BI{len(self.chromaticities)}I", head, self.gamma, *self.chromaticities)

    def png_chunks(self) -> list[tuple[bytes, bytes]]:
        """Return the types and bodies of the chunks of PNG that say the same."""
        if self.points == _SRGB_POINTS:
            return [(b"sRGB", bytes([self.intent]))]
        if self.points:
            return [(b"cICP", bytes([*self.points[:2], 0, self.points[2]]))]
        gamma = [(b"gAMA", struct.pack(">I", self.gamma))] if self.gamma else []
        return gamma + ([(b"cHRM", struct.pack(">8I", *self.chromaticities))] if self.chromaticities else [])

    def profile(self) -> bytes:
        """Return an ICC profile of this meaning; nothing if a profile cannot express it."""
        try:
            return self._points_profile(*self.points) if self.points else self._gamma_profile()
        except ValueError:
            return b""

    def _points_profile(self, primaries: int, transfer: int, full: int) -> bytes:
        known = _PRIMARIES.get(1 if primaries == _UNSPECIFIED or self.grey else primaries)
        curve = _curve(transfer)
        if known is None or curve is None or full != 1:
            return b""
        name = _NAMES.get((primaries, transfer), f"CICP {primaries}/{transfer}")
        cicp = bytes([primaries, transfer, 0, full])
        return icc.build(name, known, curve, grey=self.grey, intent=self.intent, code=self.code(), cicp=cicp)

    def _gamma_profile(self) -> bytes:
        points = tuple(value / 100_000 for value in self.chromaticities) or _PRIMARIES[1]
        curve = TransferCurve(0, (100_000 / self.gamma,)) if self.gamma else _SRGB
        name = f"PNG gamma {self.gamma / 100_000:g}" if self.gamma else "PNG chromaticities"
        return icc.build(name, points, curve, grey=self.grey, intent=self.intent, code=self.code())


_NAMES = {(1, 13): "sRGB", (12, 13): "Display P3", (9, 16): "Rec. 2100 PQ", (9, 18): "Rec. 2100 HLG"}


def of_code(code: bytes) -> ColourSpace | None:
    """Return the description that `ColourSpace.code` packed; None for other bytes."""
    if not code or code[0] >> 5:
        return None
    kind, grey, intent = code[0] & 3, bool(code[0] & 4), code[0] >> 3
    if kind == _CODE_POINTS and len(code) == 4:
        return ColourSpace(grey, (code[1], code[2], code[3]), intent=intent)
    if kind == _GAMMA and len(code) in (5, 37):
        gamma, *points = struct.unpack(f">{len(code) // 4}I", code[1:])
        return ColourSpace(grey, None, gamma, tuple(points), intent)
    return None


def of_profile(profile: bytes) -> ColourSpace | None:
    """Return the description from which a profile was made here, byte for byte; None for any other profile."""
    found = of_code(icc.code_of(profile))
    return found if found is not None and found.profile() == profile else None


def srgb(*, grey: bool = False) -> bytes:
    """Return the profile of sRGB."""
    return ColourSpace(grey, _SRGB_POINTS).profile()


def of_channels(profile: bytes, *, grey: bool) -> bytes:
    """Return a profile for grey or for RGB samples of the same meaning.

    Returns:
        The profile itself if it is for such samples; another one of its meaning if it was made here; else nothing.
    """
    space = b"GRAY" if grey else b"RGB "
    if not profile or profile[16:20] == space:
        return profile
    found = of_profile(profile)
    return replace(found, grey=grey).profile() if found is not None else b""


def is_srgb(profile: bytes) -> bool:
    """Tell whether a profile is one of sRGB that was made here, which an image without profile means, too."""
    found = of_profile(profile)
    return found is not None and found.points == _SRGB_POINTS


def read(image: Image.Image) -> ColourSpace | None:
    """Return what the file of an image that is not loaded yet says of its colours, where that is not an ICC profile.

    A cICP chunk counts before a profile, other fields count only without one. None if there is nothing, or only what is
    meant without: sRGB in AVIF and HEIC.
    """
    grey, info = image.mode in _GREY, image.info
    if (chunk := png_chunks.cicp(image)) and chunk[:2] != (_UNSPECIFIED, _UNSPECIFIED):
        return ColourSpace(grey, (chunk[0], chunk[1], chunk[3]))
    if info.get("icc_profile"):
        return None
    if image.format in ("AVIF", "HEIF"):
        return _of_boxes(image, grey)
    intent = info.get("srgb")
    if isinstance(intent, int) and 0 <= intent <= 3:
        return ColourSpace(grey, _SRGB_POINTS, intent=intent)
    return _of_numbers(info.get("gamma"), info.get("chromaticity"), grey)


def _of_numbers(gamma: object, points: object, grey: bool) -> ColourSpace | None:
    """Return what gAMA and cHRM say, as Pillow keeps them: floats."""
    exponent = max(0, _in_file(gamma))
    whole = [_in_file(value) for value in points] if isinstance(points, tuple) else []
    fits = len(whole) == 8 and all(0 <= value < 2**31 for value in whole)
    chromaticities = tuple(whole) if fits and not grey else ()
    return ColourSpace(grey, None, exponent, chromaticities) if 0 < exponent < 2**31 or chromaticities else None


def _in_file(value: object) -> int:
    """Return a number as the chunks of PNG store it; -1 for what is none."""
    return round(value * 100_000) if isinstance(value, float) and math.isfinite(value) else -1


def _of_boxes(image: Image.Image, grey: bool) -> ColourSpace | None:
    """Return what the nclx box of an AVIF or HEIC file says."""
    file = getattr(image, "fp", None)
    if file is None or not (getattr(image, "tile", ()) or image.format == "HEIF"):
        return None
    at = file.tell()
    try:
        found = [body for kind, body in isobmff.primary_properties(file) if kind == b"colr" and body[:4] == b"nclx"]
    finally:
        file.seek(at)
    if not found or len(found[0]) < 10:
        return None
    primaries, transfer = struct.unpack_from(">HH", found[0], 4)
    if primaries in (1, _UNSPECIFIED) and transfer in (13, _UNSPECIFIED):
        return None
    return ColourSpace(grey, (min(primaries, 255), min(transfer, 255), 1))  # 255 is reserved, too

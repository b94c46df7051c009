"""What the header of a .dvq file tells, ready for `dvcodec info` and for JSON. Needs neither torch nor weights."""

from dataclasses import asdict, dataclass
from typing import Any

from ...errors import TruncatedFile
from .container import DvqFile, Section, parse
from .header import VERSION


@dataclass(frozen=True)
class ChunkInfo:
    """One chunk of symbols."""

    bytes: int
    layers: int
    """How many consecutive layers it holds."""
    strides: tuple[int, ...] | None
    """The strides of its layers, where the weights are installed and their card lists them."""
    whole: bool
    """Its bytes are all there and its CRC-32 matches, and so do those of the chunks before it."""


@dataclass(frozen=True)
class Info:
    """A .dvq file as its header describes it; sizes in bytes."""

    format_version: int
    width: int
    height: int
    mode: str
    """RGB, RGBA, L or LA; in lossless files 1, P or PA too."""
    bit_depth: int
    """Bits of a sample: 1, 8, or 9 to 16 in deep images."""
    lossless: bool
    quality: float | None
    """Of the lossy image, which a lossless file has only where a model codes it; None where there is none."""
    tune: str | None
    """What a lossy image was coded for, perceptual or psnr; None in lossless files."""
    weights_id: str | None
    """First 8 bytes of the weights' SHA-256, hexadecimal; None where the file needs none."""
    weights_name: str | None
    """Their name, if they are installed here."""
    header_bytes: int
    chunks: tuple[ChunkInfo, ...]
    alpha_bytes: int | None
    """None without an alpha channel; 0 if it is opaque everywhere."""
    icc_bytes: int
    exif_bytes: int
    xmp_bytes: int
    properties_bytes: int
    """Of resolution and texts."""
    total_bytes: int
    """What the whole file holds."""
    actual_bytes: int
    """What is there; less than total_bytes if the file is cut short."""
    bpp: float
    """Bits per pixel of the whole file."""
    whole_chunks: int
    truncated: bool
    method: str | None
    """How lossless pixels are coded: stored, webp, bilevel, model, file, deep or jpeg; None in lossy files."""
    pixel_weights_id: str | None
    """First 8 bytes of the SHA-256 of the weights of the lossless pixels' model, hexadecimal."""
    pixel_weights_name: str | None
    pixel_bytes: int
    """Of lossless pixels, the hierarchy's symbols not counted; 0 in lossy files."""
    palette_bytes: int
    filter_bytes: int
    """Of the filter that was fitted to a lossy image; 0 where there is none."""
    file_suffix: str | None
    """The suffix of the image file that the method file keeps; None for other methods, and where it is damaged."""
    fault: str | None
    """What is wrong with the file, cut short or damaged or followed by other bytes; None if nothing is."""

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for json.dumps."""
        return asdict(self)


def describe(data: bytes) -> Info:
    """Describe a file. FormatError if its header is not valid or cut; whatever comes after it may be broken."""
    file = parse(data)
    header, fault = file.header, file.fault
    name, strides = _known_weights(header.weights) if header.has_symbols else (None, None)
    return Info(
        format_version=VERSION,
        width=header.width,
        height=header.height,
        mode=header.mode,
        bit_depth=header.bits,
        lossless=header.lossless,
        quality=header.quality / 256 if header.has_symbols else None,
        tune=None if header.lossless else "perceptual" if header.perceptual else "psnr",
        weights_id=header.weights.hex() or None,
        weights_name=name,
        header_bytes=file.header_bytes,
        chunks=_chunks(file, strides),
        alpha_bytes=file.alpha.size if file.alpha else None,
        icc_bytes=_size(file.icc),
        exif_bytes=_size(file.exif),
        xmp_bytes=_size(file.xmp),
        properties_bytes=_size(file.properties),
        total_bytes=file.total_bytes,
        actual_bytes=len(data),
        bpp=8 * file.total_bytes / (header.width * header.height),
        whole_chunks=file.whole_chunks,
        truncated=isinstance(fault, TruncatedFile),
        method=header.kind if header.lossless else None,
        pixel_weights_id=header.pixel_weights.hex() or None,
        pixel_weights_name=_known_weights(header.pixel_weights)[0] if header.has_pixel_model else None,
        pixel_bytes=sum(section.size for section in file.pixels),
        palette_bytes=_size(file.palette),
        filter_bytes=_size(file.adaptive_filter),
        file_suffix=file.kept_suffix,
        fault=str(fault) if fault else None,
    )


def _size(section: Section | None) -> int:
    return section.size if section else 0


def _chunks(file: DvqFile, strides: tuple[int, ...] | None) -> tuple[ChunkInfo, ...]:
    """Describe the chunks; strides are given only if they fit the file's layers."""
    sections, whole = file.chunks, file.whole_chunks
    if strides is not None and len(strides) != sum(section.layers for section in sections):
        strides = None
    described, first = [], 0
    for index, section in enumerate(sections):
        end = first + section.layers
        own = tuple(strides[first:end]) if strides is not None else None
        described.append(ChunkInfo(section.size, section.layers, own, index < whole))
        first = end
    return tuple(described)


def _known_weights(prefix: bytes) -> tuple[str | None, tuple[int, ...] | None]:
    """Return name and layer strides of installed weights (their card's "layers": [{"stride": 64, ...}, ...])."""
    from ... import weights
    from ...errors import WeightsNotFound

    try:
        found = weights.by_id(prefix)
    except WeightsNotFound:
        return None, None
    try:
        return found.name, tuple(int(layer["stride"]) for layer in found.card["layers"])
    except (KeyError, TypeError, ValueError):
        return found.name, None

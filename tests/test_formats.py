"""Every cell of the two tables in docs/USAGE.md, by real round trips: modes and metadata, there and back."""

import io
import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps

from dvcodec.codec import api
from dvcodec.codec.settings import CompressSettings
from dvcodec.errors import OutputFailed
from dvcodec.image_io import formats, images, writing
from dvcodec.image_io.images import Picture
from dvcodec.image_io.metadata import Metadata
from fake import file_of, photograph

USAGE = (Path(__file__).resolve().parent.parent / "docs/USAGE.md").read_text()
LABELS = {format.label: name for name, format in formats.FORMATS.items()}
LOSSY, LOSSLESS, DVQ, STRIPPED = ".dvq, lossy", ".dvq, lossless", ".dvq", ".dvq, `--strip`"
ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/">\xc3\xa4</x:xmpmeta>'
pytestmark = pytest.mark.usefixtures("fake_weights")


def table(first: str) -> dict[str, dict[str, str]]:
    """Return the table whose second column is `first`: cells by row and column."""
    lines = USAGE[re.search(rf"^\| format \| {first} \|", USAGE, re.MULTILINE).start() :].split("\n\n")[0].splitlines()  # type: ignore[union-attr]
    head, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0]: dict(zip(head[1:], row[1:], strict=True)) for row in rows}


MODES, METADATA = table("1"), table("ICC")


@dataclass(frozen=True)
class Result:
    """What a picture comes back as, and what was left out on the way."""

    picture: Picture
    shown: Image.Image
    left_out: tuple[str, ...]


def there_and_back(picture: Picture, row: str) -> Result:
    """Return what a picture comes back as from one format."""
    if row.startswith(DVQ):
        settings = CompressSettings(lossless=row == LOSSLESS, strip=row == STRIPPED)
        data, report = api.compress_picture(picture, settings)
        back = api.decompress_picture(data).picture
        return Result(back, images.to_image(back), report.dropped)
    data, left_out = writing.write(picture, LABELS[row])
    with Image.open(io.BytesIO(data)) as image:
        read = images.from_image(image, keep_mode=True)
        return Result(read, image.copy(), left_out)


def size_for(row: str) -> tuple[int, int]:
    """Return height and width of a picture that the format takes."""
    sizes = formats.FORMATS[LABELS[row]].sizes if row in LABELS else ()
    return (sizes[0], sizes[0]) if sizes else (24, 40)


def few_colours(height: int, width: int) -> Image.Image:
    """Return an RGBA image of less than 256 colours, partly transparent, that no turn leaves as it is."""
    small = Image.fromarray(photograph(6, 10)).convert("RGBA")
    small.putalpha(Image.fromarray(np.arange(60, dtype=np.uint8).reshape(6, 10) * 4))
    return small.resize((width, height), Image.Resampling.NEAREST)


def in_mode(mode: str, height: int, width: int) -> Image.Image:
    """Return an image of a mode."""
    image = few_colours(height, width)
    if mode == "PA":
        grey = image.convert("LA")
        indexed = Image.frombytes("PA", grey.size, grey.tobytes())
        indexed.putpalette(bytes(range(256)) * 3)
        return indexed
    return (image if mode in ("LA", "RGBA") else image.convert("RGB")).convert(mode)


def installed(row: str) -> None:
    """Skip the test of a format whose plug-in is not installed."""
    if row in LABELS:
        try:
            formats.format_of(Path("x" + formats.FORMATS[LABELS[row]].suffixes[0]))
        except OutputFailed as error:
            pytest.skip(str(error))


def colours(image: Image.Image) -> NDArray[np.int64]:
    """Return an image's colours, with those of transparent pixels as black."""
    pixels = np.asarray(image.convert("RGBA")).astype(np.int64)
    return pixels * (pixels[:, :, 3:] > 0)


def test_the_tables_have_every_format() -> None:
    assert set(MODES) == {LOSSY, LOSSLESS, *LABELS} and set(METADATA) == {DVQ, STRIPPED, *LABELS}


@pytest.mark.parametrize("row", MODES)
def test_modes(row: str) -> None:
    installed(row)
    for mode, cell in MODES[row].items():
        image = in_mode(mode, *size_for(row))
        picture = images.from_image(image, keep_mode=row != LOSSY)
        if cell == "no":
            with pytest.raises(OutputFailed, match=r"cannot hold .* \(use .png or .webp\)"):
                there_and_back(picture, row)
            continue
        shown = there_and_back(picture, row).shown
        assert (shown.mode, shown.size) == (cell.removesuffix(" ~"), image.size), f"{row} {mode}"
        error = np.abs(colours(shown) - colours(image))
        error = error[:, :, 3:] if row == LOSSY else error  # the fake hierarchy is no model of such images
        assert error.mean() < 12 if cell.endswith("~") else not error.any(), f"{row} {mode}"


def camera(orientation: int = 1) -> bytes:
    """Return EXIF without prefix."""
    tags = Image.Exif()
    tags[274], tags[271] = orientation, "A camera"
    return tags.tobytes().removeprefix(b"Exif\0\0")


PARTS = {
    "ICC": Metadata(icc=ICC),
    "EXIF": Metadata(exif=camera()),
    "XMP": Metadata(xmp=XMP),
    "resolution": Metadata(resolution=(11811, 5906)),
    "comment": Metadata(texts=(("Comment", "h\xe9llo \u4e2d"),)),
    "other texts": Metadata(texts=(("Title", "h\xe9llo \u4e2d"),)),
}
NAMES = {"other texts": "texts"}


@pytest.mark.parametrize("row", METADATA)
def test_metadata(row: str) -> None:
    installed(row)
    plain = images.from_image(few_colours(*size_for(row)).convert("RGB"))
    for part, kept in PARTS.items():
        result, cell = there_and_back(replace(plain, metadata=kept), row), METADATA[row][part]
        back, name = result.picture.metadata, NAMES.get(part, part)
        if row == STRIPPED:
            assert back == Metadata() and cell == "no"
        elif cell == "kept":
            assert name not in result.left_out, f"{row} {part}"
            assert same(kept, back) or row == "JPEG XL", f"{row} {part}"  # its plug-in reads less than it writes
        else:
            assert name in result.left_out and not same(kept, back), f"{row} {part}"


def same(kept: Metadata, back: Metadata) -> bool:
    """Tell whether one kind of metadata has come back; EXIF may have been rebuilt."""
    if kept.exif:
        tags = Image.Exif()
        tags.load(back.exif)
        return tags.get(271) == "A camera"
    return all(getattr(back, name) == value for name, value in vars(kept).items() if value)


def test_what_is_only_read() -> None:
    assert {row for row, cells in METADATA.items() if "read" in cells.values()} == {"PCX"}
    data = bytearray(file_of(few_colours(24, 40).convert("RGB"), "PCX"))
    data[12:16] = (300).to_bytes(2, "little") * 2
    assert images.read(bytes(data)).metadata.dpi == (300, 300)


@pytest.mark.parametrize("row", METADATA)
@pytest.mark.parametrize("number", [6, 7])
def test_orientation(row: str, number: int) -> None:
    """The image looks the same, and the tag is where the table says."""
    installed(row)
    image = few_colours(*size_for(row)).convert("L")
    shown = np.asarray(ImageOps.exif_transpose(tagged(image, number))).astype(int)
    result = there_and_back(replace(images.from_image(image), metadata=Metadata(exif=camera(number))), row)
    upright = ImageOps.exif_transpose(result.shown).convert("L")
    assert upright.size == shown.shape[::-1] and np.abs(np.asarray(upright).astype(int) - shown).mean() < 12
    if row not in ("TIFF", "ICNS"):  # Pillow turns a TIFF as it loads it; ICNS has squares only
        assert result.shown.size == (image.size if METADATA[row]["orientation"] == "tag" else image.size[::-1])


def tagged(image: Image.Image, number: int) -> Image.Image:
    """Return a copy with an orientation."""
    copy = image.copy()
    copy.info["exif"] = b"Exif\0\0" + camera(number)
    return copy

"""Samples of 9 to 16 bits without loss: every mode and source, the formats they are written to."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from image_files import png_of
from numpy.typing import NDArray
from PIL import Image

import dvcodec
from dvcodec.codec import api
from dvcodec.codec.bitstream.container import parse
from dvcodec.codec.settings import CompressSettings
from dvcodec.errors import DvcodecError, FormatError, OutputFailed, UnsupportedImage
from dvcodec.image_io import images, writing
from dvcodec.image_io.images import Palette, Picture
from dvcodec.image_io.metadata import Metadata

CHANNELS = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4}
GOLDEN = Path(__file__).parent / "golden" / "deep"
LOSSLESS = CompressSettings(lossless=True)


def samples(mode: str, white: int = 65535, height: int = 12, width: int = 17, noise: int = 40) -> NDArray[np.uint16]:
    """Return waves with noise."""
    rng = np.random.default_rng(height * width + white)
    y, x, c = np.mgrid[:height, :width, : CHANNELS[mode]]
    waves = (np.sin(x / 5 + c / 3) + np.cos(y / 7)) * white / 5 + white / 2
    every = np.rint(waves + rng.normal(size=waves.shape) * noise).clip(0, white).astype(np.uint16)
    found: NDArray[np.uint16] = every if CHANNELS[mode] > 1 else every[:, :, 0]
    return found


def picture(mode: str, white: int = 65535, **how: int) -> Picture:
    return replace(images.from_array(samples(mode, white, **how)), white=white)


@pytest.mark.parametrize("mode", CHANNELS)
@pytest.mark.parametrize(("white", "method"), [(65535, "deep"), (4095, "auto"), (1000, "stored"), (256, "deep")])
def test_samples_come_back(mode: str, white: int, method: str) -> None:
    data, report = api.compress_picture(picture(mode, white), CompressSettings(lossless=True, method=method))
    info = dvcodec.info(data)
    assert (info.mode, info.bit_depth, info.method) == (mode, white.bit_length(), report.method)
    back = dvcodec.decompress_array(data)
    assert back.dtype == np.uint16 and (back == samples(mode, white)).all()
    assert api.verify_data(data).exact and back.flags.writeable


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 2), (3, 2, 4), (5, 1, 3), (1, 2, 2)])
def test_small_shapes(shape: tuple[int, ...]) -> None:
    array = np.random.default_rng(3).integers(0, 9000, shape).astype(np.uint16)
    for method in ("deep", "stored", "auto"):
        assert (dvcodec.decompress_array(dvcodec.compress_array(array, lossless=True, method=method)) == array).all()


def noise(bits: int) -> NDArray[np.uint16]:
    return np.random.default_rng(1).integers(0, 2**bits, (40, 50)).astype(np.uint16)


def png16(array: NDArray[np.uint16]) -> int:
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG", optimize=True)
    return len(file.getvalue())


def kinds() -> dict[str, NDArray[np.uint16]]:
    """Return a camera's noise in 12 bits, also in the upper bits of 16; smooth tissue; ramps; noise."""
    rng, (y, x) = np.random.default_rng(2), np.mgrid[:48, :64] / 64
    light = (np.sin(5 * x + 3 * y * y) + 1.2) * 900
    camera = np.rint(light + rng.normal(size=x.shape) * np.sqrt(light / 4 + 9)).clip(0, 4095).astype(np.uint16)
    tissue = np.rint(30000 * np.exp(-((x - 0.5) ** 2 + (y - 0.4) ** 2) / 0.05) + 1000 + rng.normal(size=x.shape) * 8)
    return {
        "camera": camera,
        "shifted": camera << 4,
        "tissue": tissue.astype(np.uint16),
        "ramp": np.rint(x * 65535).astype(np.uint16),
        "slope": np.rint(x * 40000 + y * 20000).astype(np.uint16),
        "flat": np.full((48, 64), 777, np.uint16),
        "noise": noise(16),
    }


@pytest.mark.parametrize("kind", kinds())
def test_files_are_below_png_and_never_large(kind: str) -> None:
    array = kinds()[kind]
    size = len(dvcodec.compress_array(array, lossless=True))
    assert size < png16(array) and size <= array.nbytes + 64


def test_few_levels_cost_little() -> None:
    low, high = (len(dvcodec.compress_array(kinds()[kind], lossless=True)) for kind in ("camera", "shifted"))
    assert high < low + 300


def sources() -> dict[str, tuple[bytes, NDArray[np.uint16], int]]:
    """Return files, their samples and their whites."""
    found: dict[str, tuple[bytes, NDArray[np.uint16], int]] = {}
    for mode, kind in (("L", 0), ("LA", 4), ("RGB", 2), ("RGBA", 6)):
        array = samples(mode)
        rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in array)
        found[f"png {mode}"] = (png_of((17, 12, 16, kind), rows), array, 65535)
    for format, modes in (("PNG", CHANNELS), ("TIFF", ("L", "RGB", "RGBA")), ("PPM", ("L", "RGB"))):
        for mode in modes:
            found[f"{format} {mode}"] = (writing.write(picture(mode), format)[0], samples(mode), 65535)
    grey, colour = samples("L", 1000), samples("RGB", 4095)
    found["pgm 1000"] = (b"P5 # c\n17 12\n1000\n" + grey.astype(">u2").tobytes(), grey, 1000)
    found["ppm 4095"] = (b"P6 17 12 4095\n" + colour.astype(">u2").tobytes(), colour, 4095)
    text = " ".join(map(str, grey.ravel().tolist())).encode()
    found["plain"] = (b"P2\n17 12\n1000\n# comment\n" + text + b"\n", grey, 1000)
    for format in ("TIFF", "JPEG2000"):
        file = io.BytesIO()
        Image.fromarray(samples("L")).save(file, format)
        found[f"Pillow's {format}"] = (file.getvalue(), samples("L"), 65535)
    return found


@pytest.mark.parametrize("name", sources())
def test_files_are_read_exactly(name: str) -> None:
    data, array, white = sources()[name]
    read = images.read(data, keep_mode=True)
    assert read.white == white and (images.to_array(read) == array).all()
    with pytest.raises(DvcodecError, match=r"bits.*not supported by lossy files \(keep them with `lossless`"):
        dvcodec.compress(data)
    assert images.read(data, convert=True).pixels.dtype == np.uint8
    with Image.open(io.BytesIO(data)) as image:  # left as it was
        assert (images.to_array(images.from_image(image, keep_mode=True)) == array).all()
        image.load()


@pytest.mark.parametrize(
    "data",
    [
        b"P5 2 2 1000\n" + bytes(5),
        b"P5 1 1 1000\n\xff\xff",
        b"P2 1 1 1000\n70000",
        b"P2 1 1 1000\nx",
        b"P2 2 1 1000\n1",
    ],
)
def test_broken_maps_are_refused(data: bytes) -> None:
    with pytest.raises(UnsupportedImage):
        images.read(data, keep_mode=True)


@pytest.mark.parametrize("white", [65535, 4095, 1000])
def test_what_is_written_gives_the_samples_back(white: int) -> None:
    for format, modes in (("PNG", CHANNELS), ("TIFF", ("L", "RGB", "RGBA")), ("PPM", ("L", "RGB"))):
        for mode in modes:
            data, _ = writing.write(picture(mode, white), format)
            read = images.read(data, keep_mode=True)
            assert read.white == (white if format == "PPM" else 65535)
            assert (np.rint(images.to_array(read) * (white / read.white)) == samples(mode, white)).all()
            if format == "PNG":
                noted = b"sBIT" + bytes([white.bit_length()]) * len(mode)
                assert (noted in data) == (white < 65535)


@pytest.mark.parametrize(("mode", "format"), [("L", "JPEG"), ("RGB", "WEBP"), ("LA", "TIFF"), ("RGBA", "PPM")])
def test_formats_without_deep_samples_refuse_them(mode: str, format: str) -> None:
    with pytest.raises(OutputFailed, match=r"cannot hold .*16 bits a sample \(use .png"):
        writing.write(picture(mode), format)


def test_metadata_and_a_transparent_level_survive() -> None:
    plain = samples("L")
    key = int(plain[3, 3])
    kept = Metadata(icc=b"icc" * 50, xmp=b"<x/>", resolution=(11811, 11811), texts=(("Comment", "deep"),))
    given = replace(picture("L"), palette=Palette("", b"", key), metadata=kept)
    data, _ = api.compress_picture(given, LOSSLESS)
    png, report = api.decompress_data(data)
    read = images.read(png, keep_mode=True)
    assert not report.dropped and read.metadata == kept and read.palette == given.palette
    assert dvcodec.decompress(data).info["transparency"] == key
    shown = dvcodec.decompress_array(data)
    assert ((shown[:, :, 1] == 0) == (plain == key)).all() and shown[:, :, 1].max() == 65535


def test_pillow_has_grey_alone() -> None:
    dvcodec.register()
    array = samples("L")
    data = dvcodec.compress(Image.fromarray(array), lossless=True)
    for image in (dvcodec.decompress(data), Image.open(io.BytesIO(data))):
        assert image.mode == "I;16" and (np.asarray(image) == array).all()
    colour = dvcodec.compress_array(samples("RGB"), lossless=True)
    with pytest.raises(UnsupportedImage, match="use `decompress_array`"):
        dvcodec.decompress(colour)
    with pytest.raises(OSError, match="Pillow has no mode for RGB of 16 bits"):
        Image.open(io.BytesIO(colour))


def test_views_and_archives(tmp_path: Path) -> None:
    array = samples("RGB")
    data = dvcodec.compress_array(array, lossless=True)
    assert (dvcodec.decompress_array(data, region=(2, 3, 5, 4)) == array[3:7, 2:7]).all()
    half = dvcodec.decompress_array(data, scale="1/2")
    assert half.dtype == np.uint16 and abs(int(half[0, 0, 0]) - array[:2, :2, 0].mean()) <= 1
    path = tmp_path / "deep.dvq"
    dvcodec.compress_archive([("g.png", samples("L")), ("c.png", array)], path, lossless=True)
    found: list[Any] = []
    with pytest.raises(FormatError, match=r"c.png: Pillow has no mode"):
        found.extend(dvcodec.decompress_archive(path))
    assert [(one.name, one.image.mode) for one in found] == [("g.png", "I;16")]


def test_what_lossy_files_and_floats_say() -> None:
    with pytest.raises(UnsupportedImage, match="lossless"):
        dvcodec.compress_array(samples("L"))
    with pytest.raises(UnsupportedImage, match="float32"):
        dvcodec.compress_array(np.zeros((4, 4), np.float32), lossless=True)
    with pytest.raises(UnsupportedImage, match="the method deep cannot code"):
        dvcodec.compress_array(np.zeros((4, 4), np.uint8), lossless=True, method="deep")
    with pytest.raises(UnsupportedImage, match="the method webp cannot code"):
        dvcodec.compress_array(samples("L"), lossless=True, method="webp")


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.dvq")), ids=lambda path: path.stem)
def test_golden_files(path: Path) -> None:
    """They decode to the samples of the PPM or PNG beside them."""
    data = path.read_bytes()
    other = images.read(path.with_suffix(".png"), keep_mode=True)
    assert parse(data).header.kind == path.stem.split("-")[0]
    assert (dvcodec.decompress_array(data) == images.to_array(other)).all()


def test_there_is_a_golden_file_for_each_mode_and_form() -> None:
    names = {path.stem for path in GOLDEN.glob("*.dvq")}
    assert names == {path.stem for path in GOLDEN.glob("*.png")}
    assert names >= {f"deep-{mode.lower()}" for mode in CHANNELS} | {"deep-levels", "stored-rgb", "stored-slope"}

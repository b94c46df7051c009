"""A large file is in memory once while it is read, by whatever way."""

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import dvcodec
from dvcodec.codec import api
from dvcodec.codec.bitstream.container import DvqFile
from dvcodec.codec.lossless import kept_file
from dvcodec.codec.settings import CompressSettings
from dvcodec.image_io.images import Picture
from dvcodec.image_io.view_stream import stream_of
from fake import photograph
from program import dvcodec as program

pytestmark = pytest.mark.usefixtures("fake_weights")

SIZE = 2**23
"""Bytes of the files beside those of their few pixels."""
KEEP = CompressSettings(lossless=True, method="file")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a large image file, and with .dvq files and an archive that keep it."""
    folder = tmp_path_factory.mktemp("large")
    image = folder / "a.bmp"
    Image.fromarray(photograph(30, 40)).save(image)
    with image.open("ab") as file:
        file.write(np.random.default_rng(0).bytes(SIZE))
    api.compress_file(image, folder / "a.dvq", KEEP)
    dvcodec.compress_archive([image], folder / "many.dvq", lossless=True, method="file")
    return folder


def peak(work: Callable[[], object]) -> float:
    """The most memory that work takes, in files."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1] / SIZE
    finally:
        tracemalloc.stop()


def opened(path: Path) -> None:
    """Hand an open file to the package, and then open it by the plug-in."""
    dvcodec.register()
    with path.open("rb") as file:
        dvcodec.info(file)
    with path.open("rb") as file:
        file.read(1)
        file.seek(0)  # a part of it is buffered
        dvcodec.decompress(file)
    with Image.open(path) as image:
        image.load()


def extracted(path: Path) -> None:
    """Read an archive in every way."""
    assert program("decompress", path, "--output-dir", path.parent / "out", "--force").code == 0
    list(dvcodec.decompress_archive(path))
    dvcodec.archive_info(path)
    with dvcodec.open_archive(path) as archive:
        archive[0].load()


WAYS: dict[str, Callable[[Path], object]] = {
    "info": lambda folder: dvcodec.info(folder / "a.dvq"),
    "decompress": lambda folder: dvcodec.decompress(folder / "a.dvq"),
    "verify": lambda folder: api.verify_file(folder / "a.dvq"),
    "file": lambda folder: api.decompress_file(folder / "a.dvq", folder / "b.bmp", force=True),
    "open files": lambda folder: opened(folder / "a.dvq"),
    "archive": lambda folder: extracted(folder / "many.dvq"),
    "compress": lambda folder: api.compress_file(folder / "a.bmp", folder / "b.dvq", CompressSettings(), force=True),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_large_file_is_in_memory_once(way: str, files: Path) -> None:
    WAYS[way](files)  # modules are imported
    assert 0.9 < peak(lambda: WAYS[way](files)) < 1.4


def test_a_kept_file_stays_what_it_is(files: Path) -> None:
    assert (files / "b.bmp").read_bytes() == (files / "a.bmp").read_bytes()
    assert (files / "out" / "a.bmp").read_bytes() == (files / "a.bmp").read_bytes()


def test_a_view_is_read_like_a_file() -> None:
    data = bytes(range(100))
    stream = stream_of(memoryview(data)[10:90])
    assert (stream.read(3), stream.tell()) == (data[10:13], 3)
    assert (stream.seek(-4, 2), stream.read(9), stream.read()) == (76, data[86:90], b"")
    assert (stream.seek(70), stream.read(), stream.seek(0), stream.read(1)) == (70, data[80:90], 0, data[10:11])
    assert (stream.seek(5, 1), stream.read(2)) == (6, data[16:18])
    assert (stream.seek(200), stream.read(2)) == (200, b"")
    with pytest.raises(ValueError, match="negative"):
        stream.seek(-1)


def test_the_plug_in_decodes_a_kept_file_once_and_none_that_is_too_large(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dvcodec.register()
    calls, real = list[DvqFile](), kept_file.picture

    def counted(file: DvqFile) -> Picture:
        calls.append(file)
        return real(file)

    monkeypatch.setattr(kept_file, "picture", counted)
    with Image.open(files / "a.dvq") as image:
        assert image.size == (40, 30) and np.array_equal(np.asarray(image), photograph(30, 40))
    assert len(calls) == 1
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 599)
    with pytest.raises(Image.DecompressionBombError):
        Image.open(files / "a.dvq")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    monkeypatch.setenv("DVCODEC_MAX_PIXELS", "1199")
    with Image.open(files / "a.dvq") as image, pytest.raises(OSError, match="more than the limit of 1199"):
        image.load()
    assert len(calls) == 1

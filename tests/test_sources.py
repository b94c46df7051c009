"""What the Python functions take as an image or as a file, and how they refuse everything else."""

import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from test_lossless import image_of, same

import dvcodec
from dvcodec.codec.bitstream.info import Info
from dvcodec.errors import DvcodecError, FormatError, InvalidArgument, UnsupportedImage
from dvcodec.weights import Weights
from fake import file_of, photograph

pytestmark = pytest.mark.usefixtures("fake_weights")

NEITHER = [None, 5, 2.5, [1, 2], {}, object(), str, io.StringIO("text"), range(3), np.uint8(3)]


class FakeTensor:
    """What is used of a tensor of torch, without torch."""

    def __init__(self, array: np.ndarray[Any, Any]) -> None:
        self.array = array

    def detach(self) -> "FakeTensor":
        """The same."""
        return self

    def cpu(self) -> "FakeTensor":
        """The same."""
        return self

    def numpy(self) -> np.ndarray[Any, Any]:
        """The array."""
        if self.array.dtype == np.float16:
            raise TypeError("Got unsupported ScalarType\nBFloat16")
        return self.array


class Bytes(os.PathLike[bytes]):
    """A path in bytes."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __fspath__(self) -> bytes:
        return os.fsencode(self.path)


@pytest.mark.parametrize("lossless", [False, True])
def test_an_image_may_be_given_in_many_ways(lossless: bool, tmp_path: Path) -> None:
    pixels = photograph(20, 30)
    path = tmp_path / "x.png"
    Image.fromarray(pixels).save(path)
    expected = dvcodec.compress(Image.fromarray(pixels), lossless=lossless)
    data = path.read_bytes()
    with path.open("rb") as file:
        for source in (path, str(path), Bytes(path), data, bytearray(data), memoryview(data), io.BytesIO(data), file):
            assert dvcodec.compress(source, lossless=lossless) == expected  # type: ignore[arg-type]
    for array in (pixels, np.asfortranarray(pixels), np.flip(np.flip(pixels, 1).copy(), 1)):
        assert dvcodec.compress(array, lossless=lossless) == expected
        assert dvcodec.compress_array(array, lossless=lossless) == expected
    tensor = FakeTensor(np.moveaxis(pixels, 2, 0))
    assert dvcodec.compress(tensor, lossless=lossless) == dvcodec.compress_array(tensor, lossless=lossless) == expected


def test_tensors_have_their_channels_first() -> None:
    grey = photograph(20, 3)[:, :, 0]
    for array in (grey, grey[None]):
        assert (dvcodec.decompress_array(dvcodec.compress(FakeTensor(array), lossless=True)) == grey).all()
    with pytest.raises(UnsupportedImage, match=r"shape \(20, 30, 7\)"):
        dvcodec.compress(FakeTensor(np.zeros((7, 20, 30), np.uint8)))
    with pytest.raises(UnsupportedImage, match="pixels of type float32"):
        dvcodec.compress(FakeTensor(np.zeros((3, 4, 4), np.float32)))
    with pytest.raises(InvalidArgument, match="tensor cannot be read: Got unsupported ScalarType BFloat16"):
        dvcodec.compress(FakeTensor(np.zeros((3, 4, 4), np.float16)))


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint16", "int64", "float32", "complex64", "U1", "object", "M8[s]"])
def test_arrays_of_other_types_are_refused(dtype: str) -> None:
    with pytest.raises(UnsupportedImage, match="are not supported"):
        dvcodec.compress(np.zeros((4, 4), dtype))


@pytest.mark.parametrize("shape", [(), (4,), (0, 4), (4, 4, 0), (4, 4, 5), (1, 4, 4, 3)])
def test_arrays_of_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(UnsupportedImage, match="is not an image"):
        dvcodec.compress(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("function", [dvcodec.compress, dvcodec.compress_array])
@pytest.mark.parametrize("source", NEITHER, ids=lambda source: type(source).__name__)
def test_what_is_no_image_is_refused(function: Callable[[Any], bytes], source: object) -> None:
    with pytest.raises(InvalidArgument):
        function(source)


@pytest.mark.parametrize("function", [dvcodec.decompress, dvcodec.decompress_array, dvcodec.info])
def test_a_file_may_be_given_in_many_ways(function: Callable[[Any], Any], tmp_path: Path) -> None:
    path = tmp_path / "x.dvq"
    data = dvcodec.compress(photograph(20, 30))
    path.write_bytes(data)
    with path.open("rb") as file:
        given = [path, str(path), Bytes(path), data, bytearray(data), memoryview(data), io.BytesIO(data), file]
        found = [function(source) for source in given]
    shown = [one if isinstance(one, Info) else np.asarray(one).tobytes() for one in found]
    assert all(one == shown[0] for one in shown)


@pytest.mark.parametrize("function", [dvcodec.decompress, dvcodec.decompress_array, dvcodec.info])
@pytest.mark.parametrize(
    "source", [*NEITHER, Image.new("L", (2, 2)), photograph(4, 4)], ids=lambda one: type(one).__name__
)
def test_what_is_no_file_is_refused(function: Callable[[Any], Any], source: object) -> None:
    with pytest.raises(InvalidArgument):
        function(source)


def test_files_that_cannot_be_read_are_named_so(tmp_path: Path) -> None:
    closed = io.BytesIO(b"x")
    closed.close()
    with (tmp_path / "w").open("wb") as writing:
        for source in (tmp_path / "none.dvq", tmp_path, "a\0b", closed, writing, ""):
            with pytest.raises(FormatError, match="cannot read the file"):
                dvcodec.decompress(source)
            with pytest.raises(DvcodecError):
                dvcodec.compress(source)


def test_a_file_is_read_from_where_it_stands() -> None:
    data = dvcodec.compress(photograph(20, 30))
    file = io.BytesIO(b"header" + data)
    file.seek(6)
    assert dvcodec.decompress(file).size == (30, 20)


def test_paths_of_archives_are_checked() -> None:
    wrong: Any = 5
    for function in (dvcodec.decompress_archive, dvcodec.archive_info):
        with pytest.raises(InvalidArgument, match="is not a path"):
            function(wrong)


@pytest.mark.parametrize("mode", ["1", "P", "RGBA"])
def test_the_mode_of_an_image_file_is_kept_without_loss(mode: str) -> None:
    image = image_of(mode, 9, 8, "drawing")
    assert same(dvcodec.decompress(dvcodec.compress(file_of(image, "PNG"), lossless=True)), image)


def test_headers_are_described_without_numpy(tmp_path: Path) -> None:
    (tmp_path / "x.dvq").write_bytes(dvcodec.compress(photograph(4, 4), lossless=True))
    code = "import sys, dvcodec; dvcodec.info(sys.argv[1]); assert not {'numpy', 'PIL'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "x.dvq")], check=True, timeout=60)


@pytest.mark.parametrize(
    "settings",
    [
        {"weights": 5},
        {"weights": b"x"},
        {"weights": ["a"]},
        {"lossless": "yes"},
        {"lossless": 2},
        {"lossless": None},
        {"strip": "no"},
        {"convert": []},
        {"device": 5},
        {"tune": {}},
        {"target_size": "x"},
    ],
    ids=str,
)
def test_settings_of_other_types_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument):
        dvcodec.compress(photograph(4, 4), **settings)


@pytest.mark.parametrize("value", [True, np.True_, 1, np.int64(1)])
def test_switches_may_be_those_of_numpy(value: Any) -> None:
    assert dvcodec.info(dvcodec.compress(photograph(4, 4), lossless=value)).lossless
    with pytest.raises(InvalidArgument, match="`names` 'no' is not True or False"):
        dvcodec.compress_archive([photograph(4, 4)], "a.dvq", names="no")  # type: ignore[arg-type]


def test_what_cannot_be_called_is_refused_in_both_directions() -> None:
    data = dvcodec.compress(photograph(4, 4), lossless=True)
    for work in (dvcodec.compress_array, dvcodec.compress):
        with pytest.raises(InvalidArgument, match="`on_progress` 5 cannot be called"):
            work(photograph(4, 4), on_progress=5)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match="`on_progress` 5 cannot be called"):
        dvcodec.decompress(data, on_progress=5)  # type: ignore[arg-type]


def test_a_text_file_and_a_path_without_text_are_named_so(tmp_path: Path) -> None:
    path = tmp_path / "x.dvq"
    path.write_bytes(dvcodec.compress(photograph(4, 4)))

    class Broken:
        def __fspath__(self) -> int:
            return 5

    with path.open(encoding="utf-8") as file, pytest.raises(InvalidArgument, match="not open in binary mode"):
        dvcodec.decompress(file)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match="Broken is not a path"):
        dvcodec.decompress(Broken())  # type: ignore[arg-type]


def test_an_archive_takes_images_by_their_names(tmp_path: Path) -> None:
    images = {"a.png": photograph(4, 4), "b.png": photograph(4, 4, 1)}
    dvcodec.compress_archive(images, tmp_path / "a.dvq", lossless=True)
    with dvcodec.open_archive(tmp_path / "a.dvq") as archive:
        assert archive.names == ("a.png", "b.png")
        assert np.array_equal(np.asarray(archive.read("b.png")), images["b.png"])


def test_masked_arrays_are_refused_and_regions_may_be_arrays() -> None:
    with pytest.raises(UnsupportedImage, match="fill it first"):
        dvcodec.compress(np.ma.masked_array(photograph(4, 4), photograph(4, 4) > 99))
    data = dvcodec.compress(photograph(9, 9), lossless=True)
    assert dvcodec.decompress(data, region=np.array([1, 2, 3, 4])).size == (3, 4)  # type: ignore[arg-type]


@pytest.mark.parametrize("preview", [0, -1, True, 1.0, "some", [1], np.array([1, 2]), b"all"])
def test_previews_of_other_types_are_refused(preview: Any) -> None:
    with pytest.raises(InvalidArgument, match="is not a number of chunks"):
        dvcodec.decompress(dvcodec.compress(photograph(4, 4)), preview=preview)


def test_weights_may_be_a_path_and_previews_numbers_of_numpy(fake_weights: Weights) -> None:
    data = dvcodec.compress(photograph(20, 30), weights=fake_weights.path)  # type: ignore[arg-type]
    assert data == dvcodec.compress(photograph(20, 30))
    assert dvcodec.decompress(data, preview=np.int64(1)).size == (30, 20)  # type: ignore[arg-type]


@pytest.mark.slow
def test_tensors_of_torch() -> None:
    import torch

    pixels = photograph(20, 30)
    tensor = torch.from_numpy(pixels).permute(2, 0, 1)
    assert dvcodec.compress(tensor) == dvcodec.compress(pixels)
    for wrong in (
        tensor.to(torch.bfloat16),
        torch.zeros(3, 4, 4, requires_grad=True),
        tensor.to_sparse(),
        tensor.to("meta"),
    ):
        with pytest.raises(DvcodecError):
            dvcodec.compress(wrong)

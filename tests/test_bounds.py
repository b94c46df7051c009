"""Bounds on pixels and memory, by arguments, options and environment, in both directions and for archives."""

import tracemalloc
import zlib
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import sample_archives as sample
from PIL import Image

import dvcodec
from dvcodec.codec import memory_estimates
from dvcodec.codec.archives.layout import MOSAIC, ArchiveHead, write_head
from dvcodec.codec.bitstream.assembly import Chunk, Parts, assemble
from dvcodec.codec.bitstream.header import BILEVEL, DEEP, JPEG, KINDS, LOSSY, METHODS, MODEL, STORED, WEBP, Header
from dvcodec.codec.bitstream.tiling import sections, strips
from dvcodec.codec.settings import CompressSettings
from dvcodec.errors import InvalidArgument, LimitExceeded
from dvcodec.image_io import bounds, memory
from dvcodec.image_io.bounds import MOST_PIXELS, PIXELS_PER_BYTE, Bounds
from dvcodec.image_io.images import Picture
from fake import LAYERS, photograph
from program import dvcodec as program

pytestmark = pytest.mark.usefixtures("fake_weights")


def claiming(kind: str, width: int, height: int) -> bytes:
    """A file of a few bytes whose header claims any size."""
    named = dict.fromkeys(
        ["weights"] * (kind in (LOSSY, MODEL)) + ["pixel_weights"] * (kind in (MODEL, BILEVEL)), b"8" * 8
    )
    header = Header(
        kind=kind,
        width=width,
        height=height,
        mode="1" if kind == BILEVEL else "RGB",
        quality=5000,
        white=4095 if kind == DEEP else 255,
        **cast("Any", named),
    )
    count = {
        MODEL: len(strips(height, width)),
        DEEP: 1 + len(strips(height, width)),
        BILEVEL: len(sections(height, width)),
        JPEG: 4,
    }.get(kind, 1)
    chunks = (Chunk(len(LAYERS), b"x"),) if kind in (LOSSY, MODEL) else ()
    return assemble(header, Parts(chunks, pixels=(b"\0ab",) * (count if kind != LOSSY else 0)))


def test_amounts_have_units() -> None:
    assert [bounds.amount(text, "x") for text in ("7", "20k", "500M", "2GB", " 1t ")] == [
        7,
        20_000,
        500_000_000,
        2_000_000_000,
        10**12,
    ]
    for text in ("", "0", "-1", "1.5G", "1 G", "nan", "G", "9" * 30, "\u0661"):
        with pytest.raises(InvalidArgument, match="positive whole number"):
            bounds.amount(text, "x")


@pytest.mark.parametrize("value", [0, -1, 1.5, True, "1M"])
def test_bounds_are_positive_whole_numbers(value: object) -> None:
    for name in ("max_pixels", "max_memory"):
        with pytest.raises(InvalidArgument, match=name):
            dvcodec.decompress(b"", **cast("Any", {name: value}))
        with pytest.raises(InvalidArgument, match=name):
            dvcodec.compress(Image.new("L", (3, 3)), **cast("Any", {name: value}))


@pytest.mark.parametrize("kind", [LOSSY, *METHODS])
def test_files_that_claim_too_much_are_refused_before_anything_is_allocated(kind: str) -> None:
    over = claiming(kind, 2**14, 2**14)  # within the format's limit, above the default
    inside = claiming(kind, 4000, 3000)
    tracemalloc.start()
    for data, limits in ((over, {}), (inside, {"max_pixels": 11_999_999}), (inside, {"max_memory": 10**7})):
        with pytest.raises(LimitExceeded) as caught:
            dvcodec.decompress(data, **cast("Any", limits))
        name = "max_memory" if "max_memory" in limits else "max_pixels"
        assert f"set `{name}` higher" in str(caught.value)
    assert tracemalloc.get_traced_memory()[1] < 10**7  # modules may be imported
    tracemalloc.stop()


def test_messages_name_the_size_and_the_limit() -> None:
    with pytest.raises(LimitExceeded) as caught:
        dvcodec.decompress(claiming(WEBP, 4000, 3000), max_pixels=10**6)
    assert str(caught.value) == "4000 x 3000 pixels are more than the limit of 1000000 (set `max_pixels` higher)"
    with pytest.raises(LimitExceeded) as caught:
        dvcodec.decompress(claiming(WEBP, 4000, 3000), max_memory=2 * 10**7)
    assert "4000 x 3000 pixels need about" in str(caught.value) and "the limit is 20 MB" in str(caught.value)


def test_the_same_bound_holds_in_both_directions() -> None:
    image = Image.fromarray(photograph(30, 40))
    for how in ({"quality": 50}, {"lossless": True}):
        with pytest.raises(LimitExceeded, match="40 x 30 pixels are more than the limit of 1199"):
            dvcodec.compress(image, max_pixels=1199, **cast("Any", how))
        with pytest.raises(LimitExceeded, match="of memory"):
            dvcodec.compress(image, max_memory=1000, **cast("Any", how))
        data = dvcodec.compress(image, max_pixels=1200, **cast("Any", how))
        with pytest.raises(LimitExceeded):
            dvcodec.decompress_array(data, max_pixels=1199)
        assert dvcodec.decompress(data, max_pixels=1200).size == (40, 30)
    with pytest.raises(LimitExceeded):
        dvcodec.compress_array(photograph(30, 40), max_pixels=1199)


def test_an_image_is_refused_before_its_pixels_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    Image.new("L", (50, 40)).save(path)
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("the pixels were read"))
    with Image.open(path) as image, pytest.raises(LimitExceeded):
        dvcodec.compress(image, max_pixels=1999)


def test_the_environment_sets_bounds_and_arguments_go_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    data = dvcodec.compress(Image.fromarray(photograph(30, 40)), lossless=True)
    monkeypatch.setenv(bounds.PIXELS_VARIABLE, "1K")
    with pytest.raises(LimitExceeded, match="the limit of 1000"):
        dvcodec.decompress(data)
    assert dvcodec.decompress(data, max_pixels=1200).size == (40, 30)
    monkeypatch.setenv(bounds.PIXELS_VARIABLE, "many")
    with pytest.raises(InvalidArgument, match="DVCODEC_MAX_PIXELS 'many'"):
        dvcodec.decompress(data)
    monkeypatch.delenv(bounds.PIXELS_VARIABLE)
    monkeypatch.setenv(bounds.MEMORY_VARIABLE, "1K")
    with pytest.raises(LimitExceeded, match="of memory"):
        dvcodec.decompress(data)


def archive_of(count: int, side: int, payload: bytes, crc: int) -> bytes:
    """An archive of images that one small payload each stands for."""
    heads = [
        ArchiveHead(MOSAIC, (i,), len(payload), zlib.crc32(payload), mode="1", height=side, width=side, samples_crc=crc)
        for i in range(count)
    ]
    return sample.joined(b"".join(write_head(head) + payload for head in heads), images=count, count=count)


def test_an_archive_as_a_whole_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    side, raw = 256, bytes(256 * 32)
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    payload = bytes([KINDS.index(STORED)]) + b"\1" + deflate.compress(raw) + deflate.flush()
    path = tmp_path / "a.dvq"
    path.write_bytes(archive_of(20, side, payload, zlib.crc32(bytes(side * side))))
    found = []
    with pytest.raises(LimitExceeded, match=f"more than {10 * side**2} pixels in all"):
        for each in dvcodec.decompress_archive(path, max_pixels=10 * side**2):
            found.append(each.position)
    assert found == list(range(10))
    assert len(list(dvcodec.decompress_archive(path))) == 20
    monkeypatch.setattr(bounds, "MOST_PIXELS", side**2)
    monkeypatch.setattr(bounds, "PIXELS_PER_BYTE", 1)  # the bound grows with the bytes that really are there
    with pytest.raises(LimitExceeded, match=f"more than {side**2 + path.stat().st_size} pixels"):
        list(dvcodec.decompress_archive(path))
    seen = program("verify", str(path), "--max-pixels", "100k")
    assert seen.code == 1 and "pixels in all (set --max-pixels higher)" in seen.err
    seen = program("decompress", str(path), "--max-pixels", "100k", "--output-dir", str(tmp_path / "out"))
    assert seen.code == 1 and "(set --max-pixels higher)" in seen.err and len(list((tmp_path / "out").iterdir())) == 1


def test_an_image_of_an_archive_that_is_too_large_is_refused_when_it_is_added(tmp_path: Path) -> None:
    images = [Image.new("L", (10, 10)), Image.new("L", (20, 20))]
    with pytest.raises(LimitExceeded):
        dvcodec.compress_archive(images, tmp_path / "a.dvq", max_pixels=399)
    assert not list(tmp_path.iterdir())


def test_options_set_bounds(tmp_path: Path) -> None:
    picture, file = tmp_path / "a.png", tmp_path / "a.dvq"
    Image.fromarray(photograph(30, 40)).save(picture)
    seen = program("compress", str(picture), "--max-pixels", "1K")
    assert seen.code == 1
    assert seen.err == f"dvcodec: {picture}: 40 x 30 pixels are more than the limit of 1000 (set --max-pixels higher)\n"
    assert program("compress", str(picture), "--max-pixels", "2K").code == 0
    picture.unlink()
    for command in ("decompress", "verify"):
        seen = program(command, str(file), "--max-memory", "1k")
        assert seen.code == 1 and "(set --max-memory higher)" in seen.err
        assert program(command, str(file), "--max-memory", "lots").code == 2
    assert program("decompress", str(file)).code == 0
    packed = tmp_path / "b.dvq"
    seen = program("compress", str(picture), "--lossless", "--archive", str(packed), "--max-pixels", "1K")
    assert seen.code == 1 and "1000" in seen.err and not packed.exists()


def test_a_variable_that_is_not_a_number_is_a_usage_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(bounds.MEMORY_VARIABLE, "much")
    seen = program("verify", str(tmp_path / "a.dvq"))
    assert seen.code == 2 and "DVCODEC_MAX_MEMORY 'much' is not a positive whole number" in " ".join(seen.err.split())


def test_available_memory_is_that_of_the_machine_and_of_its_container(tmp_path: Path) -> None:
    for folder in ("proc", "sys/fs/cgroup/memory"):
        (tmp_path / folder).mkdir(parents=True)
    assert memory.available(tmp_path) > 0
    (tmp_path / "proc/meminfo").write_text("MemTotal:  900 kB\nMemAvailable:   700 kB\n")
    assert memory.available(tmp_path) == 700 * 1024
    group = tmp_path / "sys/fs/cgroup"
    (group / "memory.max").write_text("max\n")
    (group / "memory.current").write_text("5\n")
    assert memory.available(tmp_path) == 700 * 1024
    (group / "memory.max").write_text("1005\n")
    assert memory.available(tmp_path) == 1000
    (group / "memory/memory.limit_in_bytes").write_text("100\n")
    (group / "memory/memory.usage_in_bytes").write_text("300\n")
    assert memory.available(tmp_path) == 0


def test_the_default_is_what_the_largest_cameras_take_and_half_of_the_memory() -> None:
    assert MOST_PIXELS == 16384 * 12288 and Bounds().pixels == MOST_PIXELS
    assert Bounds().pixels_of_archive(100) == MOST_PIXELS + 100 * PIXELS_PER_BYTE
    assert Bounds(max_pixels=5).pixels_of_archive(100) == 5
    assert 0 <= Bounds().memory <= 2**45


@pytest.mark.parametrize("encoding", [False, True])
def test_estimates_grow_with_the_image(encoding: bool) -> None:
    for kind in (LOSSY, *METHODS):
        sizes = [memory_estimates._needed(kind, side, side, encoding=encoding) for side in (1, 100, 1000, 10_000)]
        assert sizes == sorted(sizes) and sizes[0] > 0
    narrow, square = (memory_estimates._needed(MODEL, *size, encoding=encoding) for size in ((2**20, 1), (2**10,) * 2))
    assert narrow < 7 * square


MEASURED = [
    # kind, width, height, megabytes of encoding and of decoding
    (LOSSY, 1152, 896, 294, 399),
    (LOSSY, 2304, 1728, 679, 696),
    (LOSSY, 4032, 3024, 1273, 1024),
    (MODEL, 1152, 896, 415, 356),
    (MODEL, 2304, 1728, 506, 429),
    (WEBP, 4032, 3024, 432, 205),
    (STORED, 4032, 3024, 46, 83),
    (LOSSY, 1, 100_000, 274, 363),
    (MODEL, 1, 100_000, 258, 93),
]


@pytest.mark.parametrize("row", MEASURED, ids=str)
def test_estimates_lie_above_what_was_measured_and_not_far(row: tuple[str, int, int, int, int]) -> None:
    kind, width, height, *measured = row
    for megabytes, encoding in zip(measured, (True, False), strict=True):
        needed = memory_estimates._needed(kind, height, width, encoding=encoding) / 1e6
        assert megabytes < needed < (2 if megabytes > 400 else 6) * megabytes


@pytest.mark.parametrize(
    ("width", "height", "megabytes", "options"),
    [
        (768, 640, 590, {"effort": 2}),
        (1536, 1280, 809, {"effort": 2}),
        (1152, 896, 897, {"target_ssimulacra2": 70}),
        (1152, 896, 294, {}),
    ],
)
def test_estimates_of_what_encoders_do_beside(width: int, height: int, megabytes: int, options: dict[str, Any]) -> None:
    picture = Picture(np.zeros((height, width, 3), np.uint8))
    with pytest.raises(LimitExceeded):
        memory_estimates.check_picture(picture, CompressSettings(max_memory=megabytes * 10**6, **options))
    memory_estimates.check_picture(picture, CompressSettings(max_memory=2 * megabytes * 10**6, **options))

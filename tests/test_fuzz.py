"""Files of every kind with mended checksums raise only our errors, in bounded time and memory."""

import random
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest
import sample_archives as sample
from fuzzing import mutated
from PIL import Image

import dvcodec
from dvcodec.codec import api
from dvcodec.errors import DvcodecError
from dvcodec.image_io.bounds import Bounds
from fake import file_of, photograph

GOLDEN = Path(__file__).parent / "golden"
SECONDS = 5
"""CPU time that one way of reading a file may take."""
MOST_PIXELS, MOST_MEMORY = 2**14, 2**27
SLACK = 2**26
"""Bytes that the allocators may map beyond what they are asked for."""


class TooSlow(BaseException):
    """Not an Exception, so that nothing takes it for damage."""


@contextmanager
def bounded() -> Iterator[None]:
    """Raise TooSlow after five seconds of CPU; let allocations beyond the bound on memory fail."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise TooSlow

    handler, limits = signal.signal(signal.SIGPROF, stop), resource.getrlimit(resource.RLIMIT_AS)
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    try:
        resource.setrlimit(resource.RLIMIT_AS, (mapped + MOST_MEMORY + SLACK, limits[1]))
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        resource.setrlimit(resource.RLIMIT_AS, limits)
        signal.signal(signal.SIGPROF, handler)


def ways(path: Path) -> list[Callable[[], object]]:
    """Every way of reading a file."""
    bounds = Bounds(max_pixels=MOST_PIXELS, max_memory=MOST_MEMORY)
    limits: dict[str, Any] = {"max_pixels": MOST_PIXELS, "max_memory": MOST_MEMORY}

    def opened() -> None:
        with dvcodec.open_archive(path, **limits) as archive:
            for index in (0, -1):
                archive[index].load()

    return [
        lambda: api.inspect_file(path),
        lambda: api.verify_file(path, bounds=bounds),
        lambda: dvcodec.decompress(path, **limits),
        lambda: dvcodec.decompress(path, preview="all", **limits),
        lambda: dvcodec.archive_info(path, **limits),
        lambda: list(dvcodec.decompress_archive(path, **limits)),
        opened,
    ]


def survives(data: bytes, path: Path) -> None:
    """Read a file in every way: errors are ours and of one line, and none is a lack of memory."""
    path.write_bytes(data)
    for way in ways(path):
        try:
            with bounded():
                way()
        except DvcodecError as error:
            assert "\n" not in str(error) and "not enough memory" not in str(error), error


def fuzz(files: dict[str, bytes], count: int, path: Path) -> None:
    """Try so many mutations of the files in turn; a failure names the file and the seed, and leaves what failed."""
    for data in files.values():
        survives(data, path)
    names = sorted(files)
    for seed in range(count):
        name = names[seed % len(names)]
        try:
            survives(mutated(files[name], random.Random(seed)), path)
        except BaseException as error:
            error.add_note(f"{name}, seed {seed}: {path}")
            raise


def tiny(folder: Path) -> dict[str, bytes]:
    """Small files of the kinds that need no network, with every section."""
    image = Image.fromarray(photograph(20, 24))
    image.info |= {"icc_profile": b"icc" * 20, "exif": b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0", "xmp": b"<x/>"}
    clear = Image.fromarray(np.dstack([photograph(20, 24), photograph(20, 24, 1)[:, :, 0]]))
    files = {"lossy": dvcodec.compress(image), "clear": dvcodec.compress(clear)}
    for name, method, picture in (("s", "stored", clear), ("p", "stored", clear.quantize()), ("w", "webp", clear)):
        files[name] = dvcodec.compress(picture, lossless=True, method=method)
    files["file"] = dvcodec.compress(file_of(image, "PNG"), lossless=True, method="file")
    sample.small(folder / "a.dvq")
    return files | {"archive": (folder / "a.dvq").read_bytes()}


@pytest.mark.usefixtures("fake_weights")
def test_some_mutations_raise_only_our_errors(tmp_path: Path) -> None:
    fuzz(tiny(tmp_path), 105, tmp_path / "mutated.dvq")


@pytest.mark.slow
def test_many_mutations_of_every_kind_raise_only_our_errors(tmp_path: Path) -> None:
    files = {str(path): path.read_bytes() for path in GOLDEN.rglob("*.dvq")}
    assert len(files) > 20
    fuzz(files, 20_000, tmp_path / "mutated.dvq")

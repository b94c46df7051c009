"""Files of every kind with mended checksums raise only our errors, in bounded time and memory."""

import random
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import fuzz_files
import pytest
from fuzzing import mutated
from PIL import Image, ImageFile

import dvcodec
from dvcodec.codec import api, thumbnails
from dvcodec.codec.archives.layout import HEADER
from dvcodec.errors import DvcodecError
from dvcodec.image_io.bounds import MEMORY_VARIABLE, PIXELS_VARIABLE, Bounds
from program import dvcodec as program

SECONDS = 5
"""CPU time that one way of reading a file may take."""
MOST_PIXELS, MOST_MEMORY = 2**16, 2**27
SLACK = 2**26
"""Bytes that the allocators may map beyond what they are asked for."""
SLICES, MUTATIONS = 20, 1000
"""The slow part: how many tests of how many mutations."""
LIMITS: dict[str, Any] = {"max_pixels": MOST_PIXELS, "max_memory": MOST_MEMORY}
BOUNDS = Bounds(**LIMITS)
OPTIONS = ("--max-pixels", str(MOST_PIXELS), "--max-memory", str(MOST_MEMORY), "--quiet")


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


def always(path: Path) -> list[Callable[[], object]]:
    """Ways of reading that cost little: all of them are tried."""
    return [
        lambda: dvcodec.archive_info(path, **LIMITS),
        lambda: said_in_lines("info", str(path)),
    ]


def said_in_lines(*args: str) -> None:
    """Run a command: it says one line for each file or image that is wrong."""
    seen = program(*args)
    assert seen.code in (0, 1) and all(line.startswith("dvcodec: ") for line in seen.err.splitlines()), seen.err


def ways_of_one(path: Path) -> list[Callable[[], object]]:
    """Ways of decoding a file of one image."""

    def opened() -> None:
        try:
            with Image.open(path) as image:
                image.load()
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            return  # Pillow's own limit
        except OSError as error:
            assert isinstance(error.__cause__, DvcodecError) or "cannot identify" in str(error)

    return [
        lambda: api.verify_file(path, bounds=BOUNDS),
        lambda: dvcodec.decompress(path, **LIMITS),
        lambda: dvcodec.decompress(path, preview="all", **LIMITS),
        lambda: dvcodec.decompress(path, preview=1, scale="1/4", **LIMITS),
        lambda: dvcodec.decompress(path, region=(0, 0, 9, 5), **LIMITS),
        lambda: api.decompress_data(path.read_bytes(), bounds=BOUNDS),
        lambda: thumbnails.thumbnail_data(path.read_bytes(), 16, bounds=BOUNDS),
        opened,
    ]


def ways_of_many(path: Path) -> list[Callable[[], object]]:
    """Ways of decoding an archive."""

    def opened() -> None:
        with dvcodec.open_archive(path, **LIMITS) as archive:
            for index in (0, -1):
                archive[index].load()

    def unpacked() -> None:
        out = path.with_suffix("") / "out"
        said_in_lines("decompress", str(path), "--output-dir", str(out), "--force", *OPTIONS)
        assert set(path.with_suffix("").iterdir()) <= {out}
        assert not [each for each in out.rglob("*") if each.suffix.endswith("tmp")]

    return [
        lambda: list(dvcodec.decompress_archive(path, **LIMITS)),
        lambda: said_in_lines("verify", str(path), *OPTIONS),
        opened,
        unpacked,
    ]


def survives(data: bytes, path: Path, rng: random.Random | None = None) -> None:
    """Read a file in every way, or in some: errors are ours and of one line, and none is a lack of memory."""
    path.write_bytes(data)
    ways = ways_of_many(path) if data.startswith(HEADER) else ways_of_one(path)
    for way in (*always(path), *([rng.choice(ways)] if rng else ways)):
        try:
            with bounded():
                way()
        except DvcodecError as error:
            assert "\n" not in str(error) and "not enough memory" not in str(error), error


def fuzz(files: dict[str, bytes], seeds: range, path: Path) -> None:
    """Try mutations of the files in turn; a failure names the file and the seed, and leaves what failed."""
    path.with_suffix("").mkdir()
    for data in files.values():
        survives(data, path)
    names = sorted(files)
    for seed in seeds:
        name, rng = names[seed % len(names)], random.Random(seed)
        try:
            survives(mutated(files[name], rng), path, rng)
        except BaseException as error:
            error.add_note(f"{name}, seed {seed}: {path}")
            raise


@pytest.fixture(autouse=True)
def _plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register the plug-in, whose bounds are those of the environment."""
    dvcodec.register()
    monkeypatch.setenv(PIXELS_VARIABLE, str(MOST_PIXELS))
    monkeypatch.setenv(MEMORY_VARIABLE, str(MOST_MEMORY))


@pytest.mark.usefixtures("fake_weights")
def test_some_mutations_raise_only_our_errors(tmp_path: Path) -> None:
    files = dict(fuzz_files.single()) | dict(fuzz_files.archives(tmp_path))
    fuzz(files, range(120), tmp_path / "mutated.dvq")


@pytest.mark.slow
@pytest.mark.parametrize("number", range(SLICES))
def test_many_mutations_of_every_kind_raise_only_our_errors(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", bool(number % 2))
    files = dict(fuzz_files.single()) | dict(fuzz_files.archives(tmp_path)) | dict(fuzz_files.golden())
    assert not fuzz_files.lacking(files)
    fuzz(files, range(number * MUTATIONS, (number + 1) * MUTATIONS), tmp_path / "mutated.dvq")

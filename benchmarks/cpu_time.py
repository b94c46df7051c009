"""CPU time of coding one photograph, beside other codecs in the same run.

    python benchmarks/cpu_time.py IMAGE [--size 4248x2832] [--effort 4,1] [--lossless] [--without CODEC]

CPU time is the user and system time of all threads of the process, so other programs on the machine disturb it far less
than they disturb wall-clock time. Every codec encodes and decodes in a process of its own, after a warm-up on a corner
of the image, and again until half a second has passed; reading the image, starting Python and loading libraries and
weights are not counted.
"""

import argparse
import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from hyperprior import Hyperprior, is_installed
from PIL import Image
from rich.console import Console
from rich.table import Table

import dvcodec
from dvcodec.evaluation.codecs.baselines import baseline
from dvcodec.evaluation.codecs.lossless import LosslessJxl, LosslessPng, LosslessWebP
from dvcodec.evaluation.comparison.cost import peak_bytes
from dvcodec.evaluation.images import load_rgb

# These settings give photographs about 0.5 bits per pixel in the mean.
LOSSY = {"dvcodec": 50, "jpeg": 23, "webp": 32, "avif": 45, "jxl": 45, "hyperprior": 4}
LOSSLESS = ("dvcodec", "png", "webp-lossless", "jxl-lossless")
WARM_UP = (0, 0, 64, 64)
LEAST_SECONDS = 0.5
T = TypeVar("T")
MEBIBYTE = 1 << 20


@dataclass(frozen=True)
class Job:
    """One codec on one image: its name, dvcodec's effort (lossy) or None (lossless), and the image's file and size."""

    codec: str
    effort: int | None
    image: Path
    size: tuple[int, int] | None


@dataclass(frozen=True)
class Row:
    """CPU seconds of encoding and decoding, peak memory of the process in MiB, bytes of the file."""

    codec: str
    encode_seconds: float
    decode_seconds: float
    peak_mib: float
    size: int


def coder(job: Job) -> tuple[Callable[[Image.Image], bytes], Callable[[bytes], Image.Image]]:
    """Return the encoder and the decoder of a job."""
    if job.codec == "dvcodec":
        if job.effort is None:
            return lambda image: dvcodec.compress(image, lossless=True, method="model"), dvcodec.decompress
        effort = job.effort
        return lambda image: dvcodec.compress(image, quality=LOSSY["dvcodec"], effort=effort), dvcodec.decompress
    if job.effort is None:
        codec = next(one for one in (LosslessPng(), LosslessWebP(), LosslessJxl()) if one.name == job.codec)
        return codec.encode, codec.decode
    if job.codec == "hyperprior":
        peer = Hyperprior()
        return peer.encode, peer.decode
    lossy = baseline(job.codec)
    return lambda image: lossy.encode(image, LOSSY[job.codec]), lossy.decode


def opened(job: Job) -> Image.Image:
    """Read a job's image, enlarged by Lanczos where a size is given."""
    image = load_rgb(job.image)
    return image.resize(job.size, Image.Resampling.LANCZOS) if job.size else image


def measured(job: Job) -> Row:
    """Encode and decode after a warm-up, and return the mean CPU times."""
    image = opened(job)
    encode, decode = coder(job)
    decode(encode(image.crop(WARM_UP))).load()
    data, encoding = repeated(lambda: encode(image))
    _, decoding = repeated(lambda: decode(data).load())
    name = f"dvcodec --effort {job.effort}" if job.codec == "dvcodec" and job.effort else job.codec
    return Row(name, encoding, decoding, (peak_bytes() or 0) / MEBIBYTE, len(data))


def repeated(work: Callable[[], T]) -> tuple[T, float]:
    """Do the work until it has taken half a second of CPU time, and return its result and its mean CPU time."""
    started, runs = time.process_time(), 0
    while True:
        result, runs = work(), runs + 1
        if (seconds := time.process_time() - started) > LEAST_SECONDS:
            return result, seconds / runs


def jobs(options: argparse.Namespace) -> list[Job]:
    """Return what is to be measured, dvcodec first."""
    without = options.without if is_installed() else [*options.without, "hyperprior"]
    names = [name for name in (LOSSLESS if options.lossless else LOSSY) if name not in without]
    if options.lossless:
        return [Job(name, None, options.image, options.size) for name in names]
    efforts = [Job("dvcodec", effort, options.image, options.size) for effort in options.effort]
    return efforts + [Job(name, 1, options.image, options.size) for name in names if name != "dvcodec"]


def table(rows: list[Row], title: str) -> Table:
    """Return the measurements as a table, times also as ratios to those of JPEG or PNG."""
    base = next(row for row in rows if row.codec in ("jpeg", "png"))
    found = Table(
        "codec", "bytes", "s to encode", "x", "s to decode", "x", "peak MiB", title=f"{title}; x {base.codec}"
    )
    for row in rows:
        times = [(row.encode_seconds, base.encode_seconds), (row.decode_seconds, base.decode_seconds)]
        cells = [cell for own, other in times for cell in (f"{own:.3f}", f"{own / other:.1f}")]
        found.add_row(row.codec, f"{row.size}", *cells, f"{row.peak_mib:.0f}")
    return found


def width_and_height(text: str) -> tuple[int, int]:
    """Parse 4248x2832."""
    width, height = map(int, text.split("x"))
    return width, height


def options() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description="CPU time of dvcodec beside other codecs on one photograph.")
    parser.add_argument("image", type=Path)
    parser.add_argument("--size", type=width_and_height, metavar="WxH", help="enlarge the image by Lanczos to this")
    parser.add_argument("--effort", type=lambda text: [*map(int, text.split(","))], default=[4, 1], help="of dvcodec")
    parser.add_argument("--without", action="append", default=[], metavar="CODEC", help="leave out; may be repeated")
    parser.add_argument("--lossless", action="store_true", help="lossless coding, dvcodec by its method model")
    return parser.parse_args()


def main() -> None:
    """Measure and print the table."""
    chosen, spawn = options(), multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn, max_tasks_per_child=1) as pool:
        rows = [pool.submit(measured, job).result() for job in jobs(chosen)]
    Console().print(table(rows, f"CPU seconds, {chosen.image.name}"))


if __name__ == "__main__":
    main()

"""Time and peak memory of one codec on one image, with each operation in a fresh process.

Times are medians over a few runs after a warm-up, so that they include no loading. Peak memory is the operating
system's figure for the whole process: interpreter, libraries, network and image together.
"""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from ...errors import DvcodecError
from ...processes.workers import Died, apart
from ..codecs.interface import ImageCodec
from ..images import load_rgb

RUNS = 3


@dataclass(frozen=True)
class Cost:
    """Time and memory of a codec on one image: median seconds of `runs`, and peak bytes (None where unknown)."""

    codec: str
    image: str
    width: int
    height: int
    quality: float
    size: int
    threads: str
    runs: int
    encode_seconds: float
    decode_seconds: float
    encode_peak: int | None
    decode_peak: int | None

    def to_json(self) -> dict[str, Any]:
        """Return plain values under the names of the fields; `Cost(**values)` is the inverse."""
        return asdict(self)


def cost_of(codec: ImageCodec, path: Path, name: str, quality: float, threads: int | None, runs: int = RUNS) -> Cost:
    """Encode and decode the image at `path`, each in a fresh process.

    Args:
        codec: a picklable codec.
        path: the image's file.
        name: the image's name in the result.
        quality: quality of the codec's own scale.
        threads: number of CPUs that each process may use; None for all.
        runs: timed runs after the warm-up.

    Raises:
        DvcodecError: one of the processes died.
    """
    encoded = _apart(encode_runs, codec, path, quality, threads, runs)
    decoded = _apart(decode_runs, codec, encoded["data"], threads, runs)
    return Cost(
        codec=codec.name,
        image=name,
        width=encoded["width"],
        height=encoded["height"],
        quality=quality,
        size=len(encoded["data"]),
        threads=stated(threads),
        runs=runs,
        encode_seconds=median(encoded["seconds"]),
        decode_seconds=median(decoded["seconds"]),
        encode_peak=encoded["peak"],
        decode_peak=decoded["peak"],
    )


def stated(threads: int | None) -> str:
    """Describe how many CPU threads a codec may use."""
    return "as each library takes" if threads is None else f"at most {threads}"


def encode_runs(codec: ImageCodec, path: Path, quality: float, threads: int | None, runs: int) -> dict[str, Any]:
    """Encode once to warm up and then `runs` times, in the process that is measured."""
    limit(threads)
    image = load_rgb(path)
    data = codec.encode(image, quality)
    seconds = repeated(lambda: codec.encode(image, quality), runs)
    return {"data": data, "width": image.width, "height": image.height, "seconds": seconds, "peak": peak_bytes()}


def decode_runs(codec: ImageCodec, data: bytes, threads: int | None, runs: int) -> dict[str, Any]:
    """Decode once to warm up and then `runs` times, in the process that is measured."""
    limit(threads)
    codec.decode(data)
    return {"seconds": repeated(lambda: codec.decode(data), runs), "peak": peak_bytes()}


def repeated(work: Callable[[], object], runs: int) -> list[float]:
    """Return the seconds of each run; the caller must have done the work once before, as a warm-up."""
    seconds = []
    for _ in range(runs):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return seconds


def peak_bytes() -> int | None:
    """Return the peak memory of this process in bytes, or None where the system does not report it.

    Linux is asked through /proc, since getrusage starts a child with its parent's peak there.
    """
    status = Path("/proc/self/status")
    if status.exists():
        peak = next((line for line in status.read_text().splitlines() if line.startswith("VmHWM:")), None)
        if peak is not None:
            return 1024 * int(peak.split()[1])
    try:
        import resource
    except ImportError:
        return None
    peak_rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak_rss if sys.platform == "darwin" else 1024 * peak_rss


def limit(threads: int | None) -> None:
    """Restrict this fresh process to `threads` CPUs, whatever threads its libraries start; None changes nothing."""
    if threads is None:
        return
    os.environ["OMP_NUM_THREADS"] = str(threads)  # read by torch, which is not loaded yet
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def _apart(work: Callable[..., dict[str, Any]], *arguments: object) -> dict[str, Any]:
    """Call a function of this module in a fresh process.

    Raises:
        DvcodecError: the process died.
    """
    answer = apart(partial(_called, work), arguments)
    if isinstance(answer, Died):
        raise DvcodecError("the measuring process died", "out of memory?")
    return answer


def _called(work: Callable[..., dict[str, Any]], arguments: tuple[object, ...]) -> dict[str, Any]:
    return work(*arguments)

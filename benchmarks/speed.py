"""Time and memory of compressing and decompressing, with other codecs in the same run.

    python benchmarks/speed.py [--skip-large] [--runs 5] [--json speed.json]

There are two photographs: the bundled one (768x512) and 24 megapixels made from it by mirrored tiling to 6000x4000.
Each is measured in-process (in a fresh process, one warm-up, then the median over the runs) and as a command (including
start-up). This process stays small and never opens an image, because on Linux a child's peak memory starts from its
parent's.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
WORKER = Path(__file__).resolve().parent / "worker.py"
PHOTOGRAPH = ROOT / "examples" / "kodim23.png"

# These settings give photographs about 0.5 bits per pixel in the mean.
QUALITIES = {"dvcodec": 50, "jpeg": 23, "webp": 32, "avif": 45, "jxl": 45}
LARGE = "24-megapixel"
MEBIBYTE = 1 << 20


@dataclass(frozen=True)
class Row:
    """One measurement: seconds (median over `runs`), peak memory of the process in MiB, file size in bytes."""

    image: str
    way: str
    codec: str
    operation: str
    seconds: float
    runs: int
    peak_mib: float
    size: int
    ratio_to_jpeg: float | None = None


def in_process(codec: str, image: Path, folder: Path, runs: int) -> list[Row]:
    """Measure compressing and then decompressing the result, each in a process of its own."""
    rows = []
    coded = folder / f"{image.stem}.{codec}"
    for operation in ("compress", "decompress"):
        arguments = [codec, operation, str(QUALITIES[codec]), str(image), str(coded), str(runs)]
        command = [sys.executable, str(WORKER), *arguments]
        done = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
        seconds, peak = median(done["seconds"]), done["peak_bytes"] / MEBIBYTE
        rows.append(Row(image.stem, "in-process", codec, operation, seconds, runs, peak, coded.stat().st_size))
    return rows


def as_command(codec: str, image: Path, folder: Path, runs: int) -> list[Row]:
    """Measure the same as commands; for the other codecs, a minimal Python command that uses Pillow."""
    coded, back = folder / f"{image.stem}.command.{codec}", folder / f"{image.stem}.{codec}.ppm"
    if codec == "dvcodec":
        program = [sys.executable, "-m", "dvcodec"]
        options = ["--force", "--quiet"]
        compress = [*program, "compress", str(image), "-q", str(QUALITIES[codec]), "-o", str(coded), *options]
        decompress = [*program, "decompress", str(coded), "-o", str(back), *options]
    else:
        program = [sys.executable, str(WORKER), codec]
        compress = [*program, "compress", str(QUALITIES[codec]), str(image), str(coded), "0"]
        decompress = [*program, "decompress", str(QUALITIES[codec]), str(back), str(coded), "0"]
    rows = []
    for operation, command in (("compress", compress), ("decompress", decompress)):
        seconds, peak = timed(command, runs)
        rows.append(Row(image.stem, "command", codec, operation, seconds, runs, peak, coded.stat().st_size))
    back.unlink()
    return rows


def start_up(folder: Path, image: Path, runs: int) -> list[Row]:
    """Measure `dvcodec --help` and `dvcodec info FILE`, which must not load torch."""
    coded = folder / f"{image.stem}.dvcodec"
    rows = []
    for arguments in (["--help"], ["info", str(coded)]):
        seconds, peak = timed([sys.executable, "-m", "dvcodec", *arguments], runs)
        rows.append(Row("start-up", "command", "dvcodec", arguments[0], seconds, runs, peak, 0))
    return rows


def timed(command: Sequence[str], runs: int) -> tuple[float, float]:
    """Return the median wall-clock seconds of a command and its largest peak memory in MiB."""
    seconds, peaks = [], []
    for _ in range(runs):
        started = time.perf_counter()
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        seconds.append(time.perf_counter() - started)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise subprocess.CalledProcessError(child.returncode, command)
        peaks.append(usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / MEBIBYTE)
    return median(seconds), max(peaks)


def with_ratios(rows: list[Row]) -> list[Row]:
    """Add to each row the ratio of its time to JPEG's for the same image, way and operation."""
    jpeg = {(row.image, row.way, row.operation): row.seconds for row in rows if row.codec == "jpeg"}
    known = [(row, jpeg.get((row.image, row.way, row.operation))) for row in rows]
    return [Row(**{**asdict(row), "ratio_to_jpeg": base and row.seconds / base}) for row, base in known]


def tables(rows: list[Row]) -> list[Table]:
    """Return the measurements as tables, one for each image and way."""
    groups = dict.fromkeys((row.image, row.way) for row in rows)
    return [_table(f"{image}, {way}", [r for r in rows if (r.image, r.way) == (image, way)]) for image, way in groups]


def _table(title: str, rows: list[Row]) -> Table:
    table = Table(title=f"{title} (median of {rows[0].runs})")
    table.add_column("codec")
    table.add_column("operation")
    for heading in ("seconds", "x JPEG", "peak MiB", "file bytes"):
        table.add_column(heading, justify="right")
    for row in rows:
        ratio = "-" if row.ratio_to_jpeg is None else f"{row.ratio_to_jpeg:.1f}"
        table.add_row(
            row.codec, row.operation, f"{row.seconds:.3f}", ratio, f"{row.peak_mib:.0f}", str(row.size or "-")
        )
    return table


def measured(image: Path, folder: Path, codecs: Sequence[str], runs: int) -> list[Row]:
    """Measure all codecs on one image in both ways."""
    rows = []
    for way in (in_process, as_command):
        for codec in codecs:
            rows += way(codec, image, folder, runs)
    return rows


def options() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description="Time and peak memory of dvcodec beside other codecs.")
    parser.add_argument("--skip-large", action="store_true", help="leave out the 24-megapixel photograph")
    parser.add_argument("--runs", type=int, default=5, help="runs per figure on the small photograph (default 5)")
    parser.add_argument("--large-runs", type=int, default=1, help="runs per figure on the large one (default 1)")
    parser.add_argument("--codecs", default=",".join(QUALITIES), help=f"out of {','.join(QUALITIES)}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures as JSON")
    arguments = parser.parse_args()
    if unknown := set(arguments.codecs.split(",")) - set(QUALITIES):
        parser.error(f"no such codec: {', '.join(sorted(unknown))}")
    if min(arguments.runs, arguments.large_runs) < 1:
        parser.error("one run is the least")
    return arguments


def main() -> None:
    """Measure, print the tables, and write the JSON."""
    arguments = options()
    codecs = arguments.codecs.split(",")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = measured(PHOTOGRAPH, folder, codecs, arguments.runs)
        if "dvcodec" in codecs:
            rows += start_up(folder, PHOTOGRAPH, arguments.runs)
        if not arguments.skip_large:
            large = folder / f"{LARGE}.png"
            subprocess.run([sys.executable, str(WORKER), "enlarge", str(PHOTOGRAPH), str(large)], check=True)
            rows += measured(large, folder, codecs, arguments.large_runs)
    rows = with_ratios(rows)
    machine = f"{os.cpu_count()} CPUs, {platform.machine()}, Python {platform.python_version()}"
    Console().print(f"Wall-clock time and peak memory of the process: {machine}", *tables(rows), sep="\n")
    if not arguments.skip_large:
        Console().print(f"{LARGE}: the bundled photograph, mirrored and tiled to 6000x4000")
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

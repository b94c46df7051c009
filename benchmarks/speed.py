"""CPU time and memory of whole commands: start-up, compressing and decompressing, with other codecs in the same run.

    python benchmarks/speed.py [IMAGE] [--skip-large] [--runs 3] [--json speed.json]

There are two photographs: one of 768x512, and 12 megapixels made from it by Lanczos interpolation, which is smoother
than a camera's. CPU time is the user and system time of all threads, so that other programs on the machine disturb it
far less than they disturb wall-clock time; commands are run in turns. This process stays small and never opens an
image, because on Linux a child's peak memory starts from its parent's.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from hyperprior import is_installed
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
WORKER = Path(__file__).resolve().parent / "worker.py"
PHOTOGRAPH = ROOT / "examples" / "kodim23.png"

# These settings give photographs about 0.5 bits per pixel in the mean.
QUALITIES = {"dvcodec": 50, "jpeg": 23, "webp": 32, "avif": 45, "jxl": 45, "hyperprior": 4}
MEBIBYTE = 1 << 20
FIRST_PIXEL = "import sys, dvcodec; print(dvcodec.decompress(open(sys.argv[1], 'rb').read()).getpixel((0, 0)))"


@dataclass(frozen=True)
class Row:
    """One measurement: CPU seconds (median over `runs`), peak memory of the process in MiB, file size in bytes."""

    image: str
    codec: str
    operation: str
    cpu_seconds: float
    runs: int
    peak_mib: float
    size: int


def commands(codec: str, image: Path, coded: Path, back: Path) -> dict[str, list[str]]:
    """Return the command that compresses and the one that decompresses."""
    quality = str(QUALITIES[codec])
    if codec == "dvcodec":
        program, options = [sys.executable, "-m", "dvcodec"], ["--force", "--quiet", "--threads", "1"]
        compress = [*program, "compress", str(image), "-q", quality, "-o", str(coded), *options]
        return {"compress": compress, "decompress": [*program, "decompress", str(coded), "-o", str(back), *options]}
    program = [sys.executable, str(WORKER), codec]
    return {
        "compress": [*program, "compress", quality, str(image), str(coded)],
        "decompress": [*program, "decompress", quality, str(back), str(coded)],
    }


def measured(image: Path, folder: Path, codecs: Sequence[str], runs: int) -> list[Row]:
    """Measure all codecs on one image, in turns."""
    jobs = {}
    for codec in codecs:
        coded, back = folder / f"{image.stem}.{codec}", folder / "back.ppm"
        for operation, command in commands(codec, image, coded, back).items():
            jobs[codec, operation] = (command, coded)
    found = in_turns({key: command for key, (command, _) in jobs.items()}, runs)
    return [
        Row(image.stem, *key, median(seconds), runs, max(peaks), jobs[key][1].stat().st_size)
        for key, (seconds, peaks) in found.items()
    ]


def start_up(folder: Path, runs: int) -> list[Row]:
    """Measure `dvcodec --help`, `dvcodec info`, and a program that decodes a file of one pixel."""
    pixel, coded, program = folder / "pixel.ppm", folder / "pixel.dvq", [sys.executable, "-m", "dvcodec"]
    pixel.write_bytes(b"P6 1 1 255\n\x10\x20\x30")
    subprocess.run([*program, "compress", str(pixel), "-o", str(coded), "--quiet"], check=True)
    jobs = {
        ("dvcodec", "--help"): [*program, "--help"],
        ("dvcodec", "info"): [*program, "info", str(coded)],
        ("dvcodec", "import to first pixel"): [sys.executable, "-c", FIRST_PIXEL, str(coded)],
        ("Python", "nothing"): [sys.executable, "-c", "pass"],
    }
    found = in_turns(jobs, runs)
    return [Row("start-up", *key, median(seconds), runs, max(peaks), 0) for key, (seconds, peaks) in found.items()]


Found = dict[tuple[str, str], tuple[list[float], list[float]]]


def in_turns(jobs: dict[tuple[str, str], list[str]], runs: int) -> Found:
    """Return CPU seconds and peak memory in MiB of commands that are run in turns."""
    found: Found = {key: ([], []) for key in jobs}
    for _ in range(runs):
        for key, command in jobs.items():
            seconds, peak = used(command)
            found[key][0].append(seconds)
            found[key][1].append(peak)
    return found


def used(command: Sequence[str]) -> tuple[float, float]:
    """Return the CPU seconds of a command and its peak memory in MiB. Compiled modules are kept, as usual."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=kept)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command)
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / MEBIBYTE
    return usage.ru_utime + usage.ru_stime, peak


def tables(rows: list[Row]) -> list[Table]:
    """Return the measurements as tables, one for each image."""
    return [
        _table(image, [row for row in rows if row.image == image]) for image in dict.fromkeys(r.image for r in rows)
    ]


def _table(title: str, rows: list[Row]) -> Table:
    table = Table(title=f"{title} (median of {rows[0].runs})")
    table.add_column("codec")
    table.add_column("operation")
    for heading in ("CPU seconds", "peak MiB", "file bytes"):
        table.add_column(heading, justify="right")
    for row in rows:
        size = "-" if row.codec == "hyperprior" or not row.size else str(row.size)
        table.add_row(row.codec, row.operation, f"{row.cpu_seconds:.3f}", f"{row.peak_mib:.0f}", size)
    return table


def options() -> argparse.Namespace:
    """Parse the command line."""
    known = [codec for codec in QUALITIES if codec != "hyperprior" or is_installed()]
    parser = argparse.ArgumentParser(description="CPU time and peak memory of commands, dvcodec beside other codecs.")
    parser.add_argument("image", nargs="?", type=Path, default=PHOTOGRAPH, help="a photograph (the bundled one)")
    parser.add_argument("--skip-large", action="store_true", help="leave out the photograph of 12 megapixels")
    parser.add_argument("--runs", type=int, default=3, help="runs per figure on the small photograph (default 3)")
    parser.add_argument("--large-runs", type=int, default=1, help="runs per figure on the large one (default 1)")
    parser.add_argument("--codecs", default=",".join(known), help=f"out of {','.join(known)}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures as JSON")
    arguments = parser.parse_args()
    if unknown := set(arguments.codecs.split(",")) - set(known):
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
        rows = start_up(folder, arguments.runs) + measured(arguments.image, folder, codecs, arguments.runs)
        if not arguments.skip_large:
            large = folder / "12-megapixels.png"
            subprocess.run([sys.executable, str(WORKER), "enlarge", str(arguments.image), str(large)], check=True)
            small = [codec for codec in codecs if codec != "hyperprior"]  # it does not work in bands
            rows += measured(large, folder, small, arguments.large_runs)
    machine = f"{os.cpu_count()} CPUs, {platform.machine()}, Python {platform.python_version()}"
    Console().print(f"CPU time and peak memory of whole processes: {machine}", *tables(rows), sep="\n")
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""`dvcodec compare`: a report that compares codecs on a folder of images."""

from __future__ import annotations

import json
import math
import shlex
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .guard import guard
from .options import ADVANCED, FLAG, Debug, Device, DeviceOption, NoProgress, Quiet, Threads, Tuning, setting
from .process import threads_each, use_threads
from .report import Reporter, console, show
from .text import printable

if TYPE_CHECKING:
    from ..evaluation import Comparison, ProgressCallbacks
    from ..evaluation.images import Skipped

MEASURED = "What is measured"


def compare(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="DIR",
            exists=True,
            file_okay=False,
            help="Folder of the images to compare codecs on. Subfolders are not searched.",
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="REPORT", help="Folder to write the report to.")],
    codecs: Annotated[
        str | None,
        typer.Option(
            "--codecs",
            metavar="LIST",
            help="Codecs to compare, out of dvcodec, jpeg, jpeg-444, webp, avif, jxl, jp2. The default is all that are"
            " available.",
            rich_help_panel=MEASURED,
        ),
    ] = None,
    metrics: Annotated[
        str | None,
        typer.Option(
            "--metrics",
            metavar="LIST",
            help="Metrics to measure, out of psnr, ms-ssim, ssimulacra2. The default is all that are available.",
            rich_help_panel=MEASURED,
        ),
    ] = None,
    qualities: Annotated[
        list[str] | None,
        typer.Option(
            "--qualities",
            metavar="[CODEC=]LIST",
            help="Qualities to measure, such as 1,25,50.5, of dvcodec or of CODEC. May be repeated.",
            rich_help_panel=MEASURED,
        ),
    ] = None,
    weights: Annotated[
        list[str] | None,
        setting(
            "weights", panel=MEASURED, help="Weights of dvcodec by name or path. May be repeated, for one curve each."
        ),
    ] = None,
    effort: Annotated[
        list[int] | None,
        setting(
            "effort",
            panel=MEASURED,
            help="Effort of dvcodec, as in `dvcodec compress`. May be repeated, for one curve each.",
        ),
    ] = None,
    tune: Annotated[
        list[Tuning] | None,
        setting(
            "tune",
            panel=MEASURED,
            help="Tuning of dvcodec, as in `dvcodec compress`. May be repeated, for one curve each.",
        ),
    ] = None,
    lossless: Annotated[
        bool,
        typer.Option(
            "--lossless",
            metavar=FLAG,
            help="Also compare dvcodec without loss with other lossless codecs.",
            rich_help_panel=MEASURED,
        ),
    ] = False,
    ratio: Annotated[
        float | None,
        typer.Option(
            "--ratio",
            metavar="R",
            help="Also show pictures of all codecs at the compression ratio R:1.",
            rich_help_panel=MEASURED,
        ),
    ] = None,
    published: Annotated[
        bool,
        typer.Option(
            "--published",
            metavar=FLAG,
            help="Also draw published curves for the Kodak images.",
            rich_help_panel=MEASURED,
        ),
    ] = False,
    overlay: Annotated[
        list[Path] | None,
        typer.Option(
            "--overlay",
            metavar="JSON",
            help="Also draw the curve in a JSON file of CompressAI's layout. May be repeated.",
            rich_help_panel=MEASURED,
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option("--limit", min=1, metavar="N", help="Use only the first N images.", rich_help_panel=MEASURED),
    ] = None,
    no_cost: Annotated[
        bool,
        typer.Option("--no-cost", metavar=FLAG, help="Do not measure time and memory.", rich_help_panel=MEASURED),
    ] = False,
    force: Annotated[
        bool, typer.Option("-f", "--force", metavar=FLAG, help="Allow REPORT to be a folder that is not empty.")
    ] = False,
    cache: Annotated[
        Path | None,
        typer.Option(
            "--cache",
            metavar="FOLDER",
            help="Folder that keeps measurements for later reports. The default is REPORT/cache.",
            rich_help_panel=ADVANCED,
        ),
    ] = None,
    device: DeviceOption = Device.auto,
    threads: Threads = None,
    jobs: Annotated[
        int,
        typer.Option(
            "--jobs",
            min=1,
            metavar="N",
            help="Number of processes that measure at a time. They share the threads.",
            rich_help_panel=ADVANCED,
        ),
    ] = 1,
    quiet: Quiet = False,
    as_json: Annotated[
        bool, typer.Option("--json", metavar=FLAG, help="Print results.json on standard output instead of tables.")
    ] = False,
    no_progress: NoProgress = False,
    debug: Debug = False,
) -> None:
    """Compare codecs on the images of a folder: rates at equal quality, pictures at equal size, time and memory.

    The report is a web page (REPORT/index.html) with its plots, and all figures as JSON and CSV. An interrupted run
    continues where it stopped.
    """
    points = parse_qualities(qualities or [])
    if ratio is not None and not (math.isfinite(ratio) and ratio >= 1):
        raise typer.BadParameter(f"{ratio} is not a compression ratio of 1 or more", param_hint="--ratio")
    reporter = Reporter(quiet=quiet, as_json=as_json, progress=not no_progress)
    with guard(str(output), reporter, debug=debug):
        from ..evaluation.report.folder import CACHE, check_folder
        from ..image_io import atomic

        check_folder(output, force=force)
        atomic.check_folder(output)
    curves = []
    for file in overlay or []:
        with guard(str(file), reporter, debug=debug):
            from ..evaluation import read_curve

            curves.append(read_curve(file))
    with guard(str(folder), reporter, debug=debug), ExitStack() as stack:
        from .. import evaluation

        _refuse_without_packages()
        if jobs == 1:
            use_threads(threads)
        shipped = [one for one in evaluation.published_curves() if not one.qualities] if published else []
        comparison = evaluation.compare(
            folder,
            codecs=_names(codecs),
            metrics=_names(metrics),
            qualities=points,
            weights=tuple(weights or ()),
            efforts=tuple(effort or ()),
            tunings=tuple(one.value for one in tune or ()),
            lossless=lossless,
            published=(*shipped, *curves),
            ratio=ratio,
            limit=limit,
            device=device.value,
            jobs=jobs,
            threads=threads_each(threads, jobs),
            costs=not no_cost,
            cache=cache or output / CACHE,
            progress=_ProgressBar(reporter, stack).callbacks(),
            command=shlex.join(["dvcodec", *map(printable, sys.argv[1:])]),
        )
    with guard(str(output), reporter, debug=debug):
        page = evaluation.write_report(comparison, output, force=True)
        _show(comparison, page, reporter)


def parse_qualities(texts: list[str]) -> dict[str, tuple[float, ...]]:
    """Parse `["10,50", "jpeg=5,95"]` to qualities by codec; a list without a codec's name is for dvcodec."""
    found: dict[str, tuple[float, ...]] = {}
    for text in texts:
        codec, _, numbers = text.rpartition("=")
        try:
            values = tuple(float(part) for part in numbers.split(","))
        except ValueError:
            values = ()
        if len(set(values)) < 2 or not all(map(math.isfinite, values)):
            raise typer.BadParameter(
                f"{text!r} is not a list of two or more numbers separated by commas", param_hint="--qualities"
            )
        found[codec.strip() or "dvcodec"] = values
    return found


@dataclass(frozen=True)
class _ProgressBar:
    """Shows a comparison's progress as a bar, and what it leaves out as lines; `stack` closes the bar."""

    reporter: Reporter
    stack: ExitStack

    def callbacks(self) -> ProgressCallbacks:
        """Return the functions that the comparison calls."""
        from ..evaluation import ProgressCallbacks

        steps: list[Callable[[], None]] = []
        return ProgressCallbacks(
            total=lambda count: steps.append(self.stack.enter_context(self.reporter.bar(count))),
            step=lambda: steps[-1](),
            skipped=self._skipped,
        )

    def _skipped(self, skipped: Skipped) -> None:
        self.reporter.error(skipped.name, f"left out: {skipped.reason}")


def _names(text: str | None) -> list[str] | None:
    return None if text is None else [name for part in text.split(",") if (name := part.strip())]


def _refuse_without_packages() -> None:
    """Refuse, before any work, to make a report without the packages that BD-rates and plots need."""
    from importlib.util import find_spec

    from ..errors import DvcodecError

    missing = [name for name in ("scipy", "matplotlib", "jinja2") if find_spec(name) is None]
    if missing:
        raise DvcodecError(f"reports need {' and '.join(missing)}", "pip install 'dvcodec[eval]'")


def _show(comparison: Comparison, page: Path, reporter: Reporter) -> None:
    """Print the figures on standard output, as JSON or as tables, and the page's path on standard error."""
    if reporter.as_json:
        show(json.dumps(comparison.to_json(), allow_nan=False))
    elif not reporter.quiet:
        from ..evaluation.comparison.tables import tables

        console().print(tables(comparison, comparison.subject))
    reporter.line(f"{printable(str(page))}")

"""Archives on the command line: how `compress`, `decompress` and `verify` treat many images in one file."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from .guard import guard
from .naming import STANDARD
from .report import Reporter
from .text import number, printable, ratio, reason, sizes, without

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..codec.archives.extraction import Extracted, Refused
    from ..codec.archives.packing import Packing, PackReport
    from ..codec.archives.reader import Loss
    from ..codec.settings import ArchiveSettings
    from ..codec.view import View


def split(inputs: list[str]) -> tuple[list[str], list[str]]:
    """Return the archives among the inputs, by their first bytes, and the other inputs, unreadable ones included."""
    from ..codec.archives.reader import is_archive

    archives = [source for source in inputs if source != STANDARD and is_archive(Path(source))]
    return archives, [source for source in inputs if source not in archives]


def refuse(inputs: list[str], archive: str | None, given: dict[str, bool], *, jobs: int) -> None:
    """Raise a usage error for options that contradict --archive, or that need it.

    Args:
        inputs: The inputs of the command.
        archive: The value of --archive, or None.
        given: Options that apply to archives alone or to other files alone, and whether they were given.
        jobs: The value of --jobs.
    """
    if archive is None:
        for name in ("--no-names", "--method bits-back"):
            if given[name]:
                raise typer.BadParameter("it applies to archives only (use --archive)", param_hint=name)
        return
    if given["--keep-times"]:
        raise typer.BadParameter("archives hold no times of their images", param_hint="--keep-times")
    for name in ("-o", "--output-dir"):
        if given[name]:
            raise typer.BadParameter(f"--archive and {name} exclude each other", param_hint=name)
    if STANDARD in (*inputs, archive):
        message = "an archive is made from files and written to a file (standard input and output cannot be used)"
        raise typer.BadParameter(message, param_hint="--archive")
    if jobs > 1:
        raise typer.BadParameter("an archive takes one image at a time", param_hint="--jobs")


def names_of(inputs: list[str]) -> list[str]:
    """Return the names that files get in an archive; raise a usage error if two would come back as one file."""
    from ..codec.archives import names

    safe = [names.made_safe(Path(source).as_posix()) for source in inputs]
    taken: dict[str, str] = {}
    for source, name in zip(inputs, safe, strict=True):
        if (key := names.key(name)) in taken:
            both = f"{printable(taken[key])} and {printable(source)} would both come back as {names.target(name, 0)}"
            raise typer.BadParameter(f"{both} (rename one, or use --no-names)", param_hint="input")
        taken[key] = source
    return safe


@dataclass
class _Tally:
    """Counts of what a command has done so far."""

    size: int = 0
    images: int = 0
    errors: int = 0
    lost: list[str] = field(default_factory=list)


def pack(
    inputs: list[str], target: Path, settings: ArchiveSettings, reporter: Reporter, *, force: bool, debug: bool = False
) -> None:
    """Compress files into one archive; files that cannot be read are reported and left out."""
    own_names = names_of(inputs) if settings.names else [""] * len(inputs)
    tally = _Tally()
    with guard(str(target), reporter, debug=debug), reporter.bar(len(inputs)) as advance:
        from ..codec.archives.packing import EXISTS, packing
        from ..image_io.atomic import check_target, check_writable

        for source in inputs:
            check_target(Path(source), target, force=force, hint=EXISTS)
        check_writable(target)
        with packing(target, settings, force=force) as archive:
            for source, name in zip(inputs, own_names, strict=True):
                _add(archive, source, name, settings, reporter, tally)
                advance()
        assert archive.report is not None
        _packed(target, archive.report, tally, reporter)
    if tally.errors:
        raise typer.Exit(1)


def _add(
    archive: Packing, source: str, name: str, settings: ArchiveSettings, reporter: Reporter, tally: _Tally
) -> None:
    from ..errors import TargetUnreachable, UnsupportedImage
    from ..image_io import images

    try:
        data = Path(source).read_bytes()
        picture = images.read(data, keep_mode=settings.lossless, convert=settings.convert)
        left_out = archive.add(picture, name)
    except (OSError, TargetUnreachable, UnsupportedImage) as error:
        tally.errors += 1
        reporter.error(source, reason(error))
        reporter.record({"input": source, "error": reason(error)})
        return
    tally.size += len(data)
    for warning in (*picture.notices, *without(left_out, "the archive")):
        reporter.warning(source, warning)
    if reporter.verbose:
        reporter.line(f"  {printable(source)}  {number(len(data))} B")


def _packed(target: Path, report: PackReport, tally: _Tally, reporter: Reporter) -> None:
    """Report an archive that was written."""
    values = [
        f"{_count(report.images, 'image')} -> {printable(str(target))}",
        sizes(tally.size, report.bytes),
        f"{report.bpp:.2f} bpp",
        ratio(tally.size, report.bytes),
        f"{report.seconds:.1f} s",
    ]
    reporter.line("  ".join(values))
    if reporter.verbose:
        for kind, counts in report.kinds.items():
            reporter.line(f"  {kind}: {_shape(counts['images'], counts['segments'])}, {number(counts['bytes'])} B")
        reporter.line(f"  names: {number(report.name_bytes)} B")
    left_out = {"left_out": tally.errors, "source_bytes": tally.size}
    reporter.record({"output": str(target), **asdict(report), **left_out, "seconds": round(report.seconds, 3)})


def _count(count: int, what: str) -> str:
    return f"{number(count)} {what}{'' if count == 1 else 's'}"


def _shape(images: int, segments: int) -> str:
    return f"{_count(images, 'image')} in {_count(segments, 'segment')}"


def each(archives: Iterable[str], work: Callable[[str], bool], reporter: Reporter, *, debug: bool) -> bool:
    """Do some work on every archive, report what fails, and return whether nothing did."""
    good = True
    for source in archives:
        try:
            with guard(source, reporter, debug=debug):
                good &= work(source)
        except typer.Exit:
            good = False
    return good


def unpack(
    source: str, folder: Path, only: list[str], reporter: Reporter, *, force: bool, view: View, device: str
) -> bool:
    """Write the images of an archive into a folder; return whether all were written."""
    from ..codec.archives.extraction import extract
    from ..codec.archives.reader import Archive
    from ..image_io.atomic import make_folder

    began, tally = time.perf_counter(), _Tally()
    make_folder(folder)
    with Archive(Path(source)) as archive, reporter.bar(archive.end.images if archive.end else 1) as advance:
        for part in extract(archive, folder, only=only, force=force, view=view, device=device):
            _take(source, part, reporter, tally)
            advance()
        size = archive.size
    seconds = time.perf_counter() - began
    words = [_count(tally.images, "image"), sizes(size, tally.size), f"{seconds:.1f} s"]
    reporter.line(f"{printable(source)} -> {printable(str(folder))}  {'  '.join(words)}")
    values = {"output": str(folder), "images": tally.images, "source_bytes": size, "bytes": tally.size}
    reporter.record({"input": source, **values, "errors": tally.lost, "seconds": round(seconds, 3)})
    return not tally.errors


def _take(source: str, part: Extracted | Refused | Loss, reporter: Reporter, tally: _Tally) -> None:
    """Report an image that was written or refused, or a loss."""
    from ..codec.archives.extraction import Extracted, Refused

    if isinstance(part, Extracted):
        tally.images, tally.size = tally.images + 1, tally.size + part.bytes
        for warning in without(part.dropped, "the format"):
            reporter.warning(source, f"{printable(str(part.target))}: {warning}")
        if reporter.verbose:
            values = f"{part.width}x{part.height} {part.mode}  {number(part.bytes)} B"
            reporter.line(f"  {printable(str(part.target))}  {values}")
    elif isinstance(part, Refused):
        _wrong(source, f"{printable(part.target)}: {reason(part.reason)}", reporter, tally)
    else:
        _wrong(source, printable(str(part)), reporter, tally)


def verify(source: str, reporter: Reporter, *, device: str) -> bool:
    """Decode an archive without writing anything; return whether it is whole."""
    from ..codec.archives.members import Member, members
    from ..codec.archives.reader import Archive
    from ..codec.loaders import installed

    began, tally = time.perf_counter(), _Tally()
    with Archive(Path(source)) as archive, reporter.bar(archive.end.images if archive.end else 1) as advance:
        for part in members(archive, installed(device)):
            if isinstance(part, Member):
                tally.images += 1
                advance()
            else:
                _wrong(source, printable(str(part)), reporter, tally)
        size, segments = archive.size, archive.end.segments if archive.end else 0
    seconds = time.perf_counter() - began
    if not tally.errors:
        reporter.line(f"{printable(source)}  ok  {number(size)} B  {_shape(tally.images, segments)}  {seconds:.1f} s")
    values = {"ok": not tally.errors, "images": tally.images, "bytes": size, "errors": tally.lost}
    reporter.record({"input": source, **values, "seconds": round(seconds, 3)})
    return not tally.errors


def _wrong(source: str, line: str, reporter: Reporter, tally: _Tally) -> None:
    """Report one thing that is wrong with an archive."""
    tally.errors += 1
    tally.lost.append(line)
    reporter.error(source, line)

"""Archives on the command line: how `compress`, `decompress` and `verify` treat many images in one file."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from .guard import guard
from .naming import STANDARD, InputFile, refuse_folder
from .report import Reporter
from .text import number, printable, ratio, reason, sizes, without

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..codec.archives.extraction import Extracted, Refused
    from ..codec.archives.packing import Packing, PackReport
    from ..codec.archives.reader import Loss
    from ..codec.settings import ArchiveSettings
    from ..codec.view import View
    from ..image_io.bounds import Bounds

MOST_FAULTS = 20
"""Faults of an archive that are reported; those beyond are counted."""


def is_archive(source: str) -> bool:
    """Tell whether an input begins as archives do."""
    from ..codec.archives import reader

    return source != STANDARD and reader.is_archive(Path(source))


def split(inputs: list[InputFile]) -> tuple[list[InputFile], list[InputFile]]:
    """Return the archives among the inputs, by their first bytes, and the other inputs, unreadable ones included."""
    packed = [not source.error and is_archive(source.path) for source in inputs]
    marked = list(zip(inputs, packed, strict=True))
    return [source for source, yes in marked if yes], [source for source, yes in marked if not yes]


def folder_of(source: InputFile, output_dir: Path | None) -> Path:
    """Return where the images of an archive go: one found in a folder keeps its place, any other needs none."""
    inner = Path(source.place).parent
    if output_dir is not None:
        return output_dir / inner
    return Path(source.path).parent if source.found else Path()


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
    refuse_folder(archive, "--archive")
    for name in ("-o", "--output-dir"):
        if given[name]:
            raise typer.BadParameter(f"--archive and {name} exclude each other", param_hint=name)
    if STANDARD in (*inputs, archive):
        message = "an archive is made from files and written to a file (standard input and output cannot be used)"
        raise typer.BadParameter(message, param_hint="--archive")
    if jobs > 1:
        raise typer.BadParameter("an archive takes one image at a time", param_hint="--jobs")


def names_of(sources: list[InputFile]) -> list[tuple[str, str]]:
    """Return the name that each file gets in an archive, and why it cannot be in it, or nothing.

    Where the images of several files would come back under one name they keep their suffixes: beside a.png, a.gif comes
    back as a.gif.png.
    """
    from ..codec.archives import names

    plain = [_safe_name(source) for source in sources]
    wanted = Counter(names.key(name) for name, source in zip(plain, sources, strict=True) if not source.error)
    taken: dict[str, str] = {}
    settled = []
    for name, source in zip(plain, sources, strict=True):
        alone = wanted[names.key(name)] <= 1 or name.lower().endswith(".png")
        own, error = name if alone else name + ".png", source.error
        if not error and (other := taken.setdefault(names.key(own), source.path)) != source.path:
            error = f"it would come back as {names.target(own, 0)}, as {printable(other)} does (rename one)"
        settled.append((own, error))
    return settled


def _safe_name(source: InputFile) -> str:
    """Return the name of a file in an archive: its path as given, or below the folder that was given."""
    from ..codec.archives import names

    path = Path(source.path).as_posix()
    return path if names.is_safe(path) else names.made_safe(Path(source.place).as_posix())


@dataclass
class _Tally:
    """Counts of what a command has done so far."""

    size: int = 0
    images: int = 0
    errors: int = 0
    lost: list[str] = field(default_factory=list)


def pack(
    inputs: list[InputFile],
    target: Path,
    settings: ArchiveSettings,
    reporter: Reporter,
    *,
    force: bool,
    debug: bool = False,
) -> None:
    """Compress files into one archive; files that cannot be read are reported and left out."""
    own_names = names_of(inputs) if settings.names else [("", source.error) for source in inputs]
    tally = _Tally()
    with guard(str(target), reporter, debug=debug), reporter.bar(len(inputs)) as advance:
        from ..codec.archives.packing import EXISTS, packing
        from ..image_io.atomic import check_target, check_writable

        for source in inputs:
            check_target(Path(source.path), target, force=force, hint=EXISTS)
        check_writable(target)
        with packing(target, settings, force=force) as archive:
            for source, (name, error) in zip(inputs, own_names, strict=True):
                _add(archive, replace(source, error=error), name, settings, reporter, tally)
                advance()
        assert archive.report is not None
        _packed(target, archive.report, tally, reporter)
    if tally.errors:
        raise typer.Exit(1)


def _add(
    archive: Packing, source: InputFile, name: str, settings: ArchiveSettings, reporter: Reporter, tally: _Tally
) -> None:
    from ..errors import LimitExceeded, TargetUnreachable, UnsupportedImage
    from ..image_io import images

    try:
        if source.error:
            raise UnsupportedImage(source.error)
        data = Path(source.path).read_bytes()
        picture = images.read(data, keep_mode=settings.lossless, convert=settings.convert, bounds=settings.bounds)
        left_out = archive.add(picture, name, data)
    except (OSError, LimitExceeded, TargetUnreachable, UnsupportedImage) as error:
        tally.errors += 1
        reporter.error(source.path, reason(error))
        reporter.record({"input": source.path, "error": reason(error)})
        return
    tally.size += len(data)
    for warning in (*picture.notices, *without(left_out, "the archive")):
        reporter.warning(source.path, warning)
    if reporter.verbose:
        reporter.line(f"  {printable(source.path)}  {number(len(data))} B")


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


def each(archives: Iterable[InputFile], work: Callable[[InputFile], bool], reporter: Reporter, *, debug: bool) -> bool:
    """Do some work on every archive, report what fails, and return whether nothing did."""
    good = True
    for source in archives:
        try:
            with guard(source.path, reporter, debug=debug):
                good &= work(source)
        except typer.Exit:
            good = False
    return good


def unpack(
    source: str,
    folder: Path,
    only: list[str],
    reporter: Reporter,
    *,
    force: bool,
    view: View,
    device: str,
    bounds: Bounds,
) -> bool:
    """Write the images of an archive into a folder; return whether all were written."""
    from ..codec.archives.extraction import extract
    from ..codec.archives.reader import Archive
    from ..image_io.atomic import make_folder

    began, tally = time.perf_counter(), _Tally()
    make_folder(folder)
    with Archive(Path(source)) as archive, reporter.bar(archive.end.images if archive.end else 1) as advance:
        for part in extract(archive, folder, only=only, force=force, view=view, device=device, bounds=bounds):
            _take(source, part, reporter, tally)
            advance()
        size = archive.size
    _rest(source, reporter, tally)
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


def verify(source: str, reporter: Reporter, *, device: str, bounds: Bounds) -> bool:
    """Decode an archive without writing anything; return whether it is whole."""
    from ..codec.archives.members import Member, members
    from ..codec.archives.reader import Archive
    from ..codec.loaders import installed

    began, tally = time.perf_counter(), _Tally()
    with Archive(Path(source)) as archive, reporter.bar(archive.end.images if archive.end else 1) as advance:
        for part in members(archive, installed(device), bounds=bounds):
            if isinstance(part, Member):
                tally.images += 1
                advance()
            else:
                _wrong(source, printable(str(part)), reporter, tally)
        size, segments = archive.size, archive.end.segments if archive.end else 0
    _rest(source, reporter, tally)
    seconds = time.perf_counter() - began
    if not tally.errors:
        reporter.line(f"{printable(source)}  ok  {number(size)} B  {_shape(tally.images, segments)}  {seconds:.1f} s")
    values = {"ok": not tally.errors, "images": tally.images, "bytes": size, "errors": tally.lost}
    reporter.record({"input": source, **values, "seconds": round(seconds, 3)})
    return not tally.errors


def _wrong(source: str, line: str, reporter: Reporter, tally: _Tally) -> None:
    """Report one thing that is wrong with an archive; those beyond the first 20 are only counted."""
    tally.errors += 1
    if tally.errors <= MOST_FAULTS:
        tally.lost.append(line)
        reporter.error(source, line)


def _rest(source: str, reporter: Reporter, tally: _Tally) -> None:
    """Report how many things were wrong beyond those that were reported."""
    if more := tally.errors - len(tally.lost):
        tally.lost.append(f"and {more} more")
        reporter.error(source, tally.lost[-1])

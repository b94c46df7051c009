"""`dvcodec info`: describes files by their headers. It loads neither torch nor weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from . import archive_listing, archives, batch, streams
from .inputs import FILES, gather
from .naming import STANDARD, Job
from .options import Debug, DvqTrees, FilesFrom, Json, MaxMemory, Null, Recursive, bounds_of
from .report import Reporter, show
from .text import listed, number, one_line, printable, table, with_options

if TYPE_CHECKING:
    from ..codec.bitstream.info import Info
    from ..image_io.bounds import Bounds


@dataclass(frozen=True)
class _Request:
    """The settings that all files of one command share."""

    as_json: bool
    bounds: Bounds


def info(
    inputs: DvqTrees = None,
    recursive: Recursive = False,
    files_from: FilesFrom = None,
    null: Null = False,
    max_memory: MaxMemory = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Show what each file holds, without decoding it: header and chunks, or an archive's segments and images."""
    sources = gather(inputs, FILES, recursive=recursive, files_from=files_from, null=null)
    work = [Job(source.path, "", source.error) for source in sources]
    streams.check(work, force=False, as_json=as_json)
    request = _Request(as_json, bounds_of(None, max_memory))
    batch.run(info_one, work, request, Reporter(quiet=True, as_json=as_json), debug=debug)


def info_one(job: Job, request: _Request) -> batch.Done:
    """Describe one file on standard output; for --json, return its values instead."""
    from ..codec import api

    if archives.is_archive(job.source):
        return archive_info(job, request)
    found = api.inspect_data(streams.read()) if job.source == STANDARD else api.inspect_file(Path(job.source))
    if request.as_json:
        return batch.Done(values=found.as_dict())
    show(describe(job.label, found))
    return batch.Done()


def archive_info(job: Job, request: _Request) -> batch.Done:
    """Describe an archive on standard output: segments, then images; for --json, return its values instead."""
    from ..codec.archives import info as archive

    if request.as_json:
        return batch.Done(values=archive.describe(Path(job.source), request.bounds).as_dict())
    archive_listing.archive(job.source, printable(job.label))
    return batch.Done()


def describe(label: str, info: Info) -> str:
    """Return the header as lines of names and values, followed by one line per chunk."""
    chunks = f"\n\n{table(_chunks(info))}" if info.chunks else ""
    return f"{printable(label)}\n{listed(_header(info))}{chunks}"


def _header(info: Info) -> dict[str, object]:
    depth = f"{info.bit_depth} bits" if info.bit_depth > 1 else "1 bit"
    rows: dict[str, object] = {
        "  size": f"{info.width}x{info.height} {info.mode}, {depth}",
        "  coded": f"lossless, {info.method}{f' ({info.file_suffix})' if info.file_suffix else ''}"
        if info.lossless
        else f"lossy, quality {info.quality:g}, tuned for {'the eye' if info.tune == 'perceptual' else 'PSNR'}",
    }
    if info.weights_id:
        rows["  weights"] = f"{info.weights_name or 'not installed'} ({info.weights_id})"
    if info.lossless and info.quality is not None:
        rows["  preview"] = f"quality {info.quality:g}"
    if info.pixel_weights_id:
        rows["  pixels by"] = f"{info.pixel_weights_name or 'not installed'} ({info.pixel_weights_id})"
    rows |= {
        "  format": f"version {info.format_version}",
        "  file": f"{number(info.total_bytes)} B, {info.bpp:.3f} bits per pixel",
        "  header": f"{number(info.header_bytes)} B",
    }
    if info.alpha_bytes is not None:
        rows["  alpha"] = f"{number(info.alpha_bytes)} B" if info.alpha_bytes else "opaque"
    parts = {
        "filter": info.filter_bytes,
        "pixels": info.pixel_bytes,
        "palette": info.palette_bytes,
        "ICC": info.icc_bytes,
        "EXIF": info.exif_bytes,
        "XMP": info.xmp_bytes,
        "resolution and texts": info.properties_bytes,
    }
    rows |= {f"  {name}": f"{number(size)} B" for name, size in parts.items() if size}
    if info.truncated:
        rows["  present"] = f"{number(info.actual_bytes)} B"
    if info.fault:
        rows["  fault"] = one_line(with_options(info.fault))
    return rows


def _chunks(info: Info) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("  chunk", "bytes", "layers", "strides", "")]
    for index, chunk in enumerate(info.chunks, 1):
        strides = " ".join(map(str, sorted(set(chunk.strides or ()), reverse=True))) or "?"
        rows.append((f"  {index}", number(chunk.bytes), str(chunk.layers), strides, "" if chunk.whole else "not whole"))
    return rows

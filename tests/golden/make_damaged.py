"""Writes the damaged golden files anew: `python -m golden.make_damaged` in tests/. Each has one fault.

damaged/NAME.dvq     the file
damaged/index.json   of every NAME what `info`, `verify` and `decompress` print about it, and their exit status
"""

import json
import zlib
from collections.abc import Iterator
from contextlib import chdir
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sample_archives as sample
from fuzzing import parts_of, sealed

from dvcodec import weights
from dvcodec.codec.archives.layout import HEADER, ArchiveHead, End, write_end
from dvcodec.codec.archives.names import pack
from dvcodec.codec.bitstream.assembly import Chunk, assemble
from dvcodec.codec.bitstream.container import parse
from program import dvcodec as program

GOLDEN = Path(__file__).parent
FOLDER = GOLDEN / "damaged"
INDEX = FOLDER / "index.json"
COMMANDS: dict[str, list[str]] = {"info": [], "verify": [], "decompress": ["--output-dir", "out"]}
"""Commands and their options."""


def golden(name: str) -> bytes:
    """The bytes of a golden file."""
    return (GOLDEN / f"{name}.dvq").read_bytes()


def flipped(data: bytes, at: int) -> bytes:
    """The same bytes but one."""
    changed = bytearray(data)
    changed[at] ^= 0x10
    return bytes(changed)


def changed(name: str, parts: dict[str, Any] | None = None, **fields: Any) -> bytes:
    """A golden file with other sections or fields of its header, whose checksums are right."""
    file = parse(golden(name))
    return assemble(replace(file.header, **fields), replace(parts_of(file), **(parts or {})))


def byte_of_header(name: str, at: int, value: int) -> bytes:
    """A golden file with another byte in its header, whose checksum is right."""
    data, end = bytearray(golden(name)), parse(golden(name)).header_bytes - 4
    data[at] = value
    return bytes(data[:end]) + zlib.crc32(data[:end]).to_bytes(4, "little") + bytes(data[end + 4 :])


def at_all() -> Iterator[tuple[str, bytes]]:
    """Files of which not even the header can be read."""
    data = golden("lossy-rgb")
    yield "empty", b""
    yield "another-format", b"\x89PNG\r\n\x1a\n and more"
    yield "cut-in-magic", data[:3]
    yield "cut-in-header", data[:20]
    yield "header-flipped", flipped(data, 8)
    yield "version-5", data[:4] + b"\5" + data[5:]
    yield "kind-200", data[:5] + b"\xc8" + data[6:]
    yield "features", byte_of_header("deep/deep-l", 7, 7)
    yield "mode-of-no-lossy-image", byte_of_header("lossy-rgb", 6, 5)
    yield "quality-0", byte_of_header("lossy-rgb", 10, 0)
    yield "deep-of-8-bits", byte_of_header("deep/deep-l", 9, 0)
    yield "beyond-the-format", data[:7] + b"\xff\xff\x3f\xff\xff\x3f" + data[9:]
    yield "side-of-4-bytes", data[:7] + b"\xff\xff\xff\x7f" + data[8:]


def of_sections() -> Iterator[tuple[str, bytes]]:
    """Files whose header is whole."""
    data, alpha = golden("lossy-rgb"), golden("lossy-rgba")
    yield "cut-in-symbols", data[:-5]
    yield "cut-in-alpha", alpha[:-5]
    yield "cut-in-strip", golden("model-l")[:-5]
    yield "bytes-behind", data + b"more"
    yield "symbols-flipped", flipped(data, len(data) - 5)
    yield "alpha-flipped", flipped(alpha, len(alpha) - 5)
    yield "strip-flipped", flipped(golden("model-l"), -5)
    yield "exif-flipped", flipped(changed("stored-1", {"exif": b"\0II*\0\x08\0\0\0\0\0\0\0\0\0"}), -3)
    yield "exif-inflates-to-nothing", changed("stored-1", {"exif": b"\1abc"})
    yield "palette-missing", changed("stored-p", {"palette": b""})
    yield "palette-cut", changed("stored-p", {"palette": parts_of(parse(golden("stored-p"))).palette[:9]})


def of_contents() -> Iterator[tuple[str, bytes]]:
    """Files whose checksums are right, and whose contents are not what they should be."""
    chunk = parse(golden("lossy-rgb")).selected(1)[0]
    yield "other-symbols", changed("lossy-rgb", {"chunks": (replace(chunk, payload=flipped(chunk.payload, 5)),)})
    yield "too-few-layers", changed("lossy-rgb", {"chunks": (Chunk(3, chunk.payload),)})
    for name in ("bilevel-page", "model-l", "stored-1", "webp-1", "deep/deep-l"):
        pixels = parts_of(parse(golden(name))).pixels
        strips = (*pixels[:-1], flipped(pixels[-1], len(pixels[-1]) // 2))
        yield f"other-pixels-{Path(name).name}", changed(name, {"pixels": strips})
    yield "other-checksum", changed("stored-1", samples_crc=1)
    yield "other-size-stored", changed("stored-1", width=80)
    yield "other-size-webp", changed("webp-1", width=80)
    yield "kept-of-no-format", changed("file-gif", {"pixels": (b"nothing known",)})
    yield "kept-of-other-size", changed("file-gif", width=95)
    yield "kept-of-other-mode", changed("file-gif", mode="L")


def of_weights_and_sizes() -> Iterator[tuple[str, bytes]]:
    """Files that name weights that are not there, or of another kind, and files that claim to be large."""
    bilevel = parse(golden("bilevel-1x1")).header.pixel_weights
    yield "weights-not-installed", changed("lossy-1x1", weights=bytes(range(8)))
    yield "weights-of-another-kind", changed("lossy-1x1", weights=bilevel)
    yield "pixel-weights-not-installed", changed("model-1x1", pixel_weights=bytes(range(8)))
    yield "pixel-weights-of-another-kind", changed("model-1x1", pixel_weights=bilevel)
    yield "weights-without-exact-pixels", changed("model-1x1", weights=weights.find(weights.FOR_ERRORS).id)
    for name in ("lossy-1x1", "stored-1", "webp-1", "file-jpg"):
        yield f"claims-268-megapixels-{name}", changed(name, width=2**14, height=2**14)
    yield "claims-a-million-wide", changed("stored-1", width=2**20 - 1, height=200)


def of_archives() -> Iterator[tuple[str, bytes]]:
    """Archives of three segments with damage."""
    data = golden("archives/model")
    found = list(sample.segments(data))
    starts, ends = [each[1] for each in found], [each[3] for each in found]
    yield "archive-header-only", HEADER
    yield "archive-cut-in-segment", data[: ends[2] - 5]
    yield "archive-without-end", data[: starts[3]]
    yield "archive-end-flipped", flipped(data, len(data) - 3)
    yield "archive-bytes-behind", data + b"more"
    yield "archive-head-flipped", flipped(data, starts[0] + 5)
    yield "archive-names-flipped", flipped(data, found[0][2] + 1)
    yield "archive-payload-flipped", flipped(data, ends[0] - 3)
    yield "archive-segment-missing", data[: starts[1]] + data[starts[2] :]
    yield "archive-segment-twice", data[: ends[0]] + data[starts[0] :]
    yield from of_archives_with_right_checksums(data)


def of_archives_with_right_checksums(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Archives that say what is not so."""
    (head, start, names, end), *_, mark = sample.segments(data)
    assert isinstance(head, ArchiveHead)
    section, payload = data[names : names + head.names_size], data[names + head.names_size : end]
    segments = {
        "unsafe-names": sealed(head, pack(["../up.png"] * len(head.positions)), payload),
        "other-pixels": sealed(head, section, flipped(payload, len(payload) // 2)),
        "claims-too-much": sealed(replace(head, width=4096, height=2048), section, payload),
    }
    yield from ((f"archive-{name}", data[:start] + segment + data[end:]) for name, segment in segments.items())
    for name, images, count in (("images", 2**24, 3), ("segments", 9, 7), ("few", 4, 3)):
        yield f"archive-end-counts-{name}", data[: mark[1]] + write_end(End(images, count))
    sets = golden("archives/bits-back-bilevel")
    head, start, names, end = next(iter(sample.segments(sets)))
    assert isinstance(head, ArchiveHead)
    section, payload = sets[names : names + head.names_size], sets[names + head.names_size : end]
    other_kind = parse(golden("bilevel-1x1")).header.pixel_weights
    for name, other in {"not-installed": bytes(range(8)), "of-another-kind": other_kind}.items():
        segment = sealed(replace(head, weights_id=other), section, payload)
        yield f"archive-weights-{name}", sets[:start] + segment + sets[end:]


def files() -> Iterator[tuple[str, bytes]]:
    """All damaged files by name."""
    for made in (at_all, of_sections, of_contents, of_weights_and_sizes, of_archives):
        yield from made()


def lines_of(name: str) -> dict[str, Any]:
    """Exit status and errors that the commands print about a file in the working directory; of `info` the faults."""
    printed = {}
    for command, options in COMMANDS.items():
        seen = program(command, f"{name}.dvq", *options)
        faults = [line.strip() for line in seen.out.splitlines() if line.startswith("  fault ")]
        errors = [line for line in seen.err.splitlines() if not line.startswith(f"{name}.dvq -> out ")]
        printed[command] = {"status": seen.code, "lines": [*faults, *errors]}
    return printed


def main() -> None:
    """Write all files, and remove those that were there."""
    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.iterdir():
        path.unlink()
    index = {}
    for name, data in files():
        (FOLDER / f"{name}.dvq").write_bytes(data)
        with TemporaryDirectory() as folder, chdir(folder):
            Path(f"{name}.dvq").write_bytes(data)
            index[name] = lines_of(name)
    INDEX.write_text(json.dumps(index, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()

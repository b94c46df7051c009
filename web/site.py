"""Write a page that shows .dvq files, alone or as a gallery: static files, which work from a folder too."""

import base64
import gzip
import html
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from .. import weights
from ..image_io import atomic
from .bundle import FOLDER, script

PAGE, SCRIPT = "index.html", "dvcodec.js"
"""The files that every site has."""


@dataclass(frozen=True)
class SitePicture:
    """A file of a gallery."""

    path: Path
    name: str
    """Its path below the folder of the gallery, with slashes."""


def write(folder: Path, pictures: list[SitePicture], title: str) -> int:
    """Write a site; the page comes last, so that it is there only when all that it needs is.

    Args:
        folder: Where to. Files of the same names are replaced.
        pictures: The files of the gallery; none for a page that only opens files.
        title: Of the page.

    Returns:
        Bytes that were written.

    Raises:
        OutputFailed: If a file cannot be written.
        OSError: If a picture cannot be read.
    """
    total = 0
    for name, data in _files(pictures, title):
        atomic.make_folder((folder / name).parent)
        atomic.write(folder / name, data, force=True, sync=False)
        total += len(data)
    return total


def _files(pictures: list[SitePicture], title: str) -> Iterator[tuple[str, bytes]]:
    """Yield the names and contents of a site's files."""
    for picture in pictures:
        data = picture.path.read_bytes()
        yield f"files/{picture.name}", data
        call = f"dvcodec.addFile({_literal(Path(picture.name).name)}, {_base64(data)})\n"
        yield f"files/{picture.name}.js", call.encode()
    known = list(weights.entries())
    for one in known:
        packed = _base64(gzip.compress(one.path.read_bytes(), 9, mtime=0))
        yield f"weights/{one.name}.js", f"dvcodec.addWeights({_literal(one.name)}, {packed})\n".encode()
    yield SCRIPT, script().encode()
    yield PAGE, _page(pictures, known, title).encode()


def _page(pictures: list[SitePicture], known: list[weights.Weights], title: str) -> str:
    announced = [
        {
            "name": one.name,
            "id": one.id.hex(),
            "format": weights.metadata_of(one.path)["format"],
            "script": f"weights/{quote(one.name)}.js",
        }
        for one in known
    ]
    gallery = [{"name": picture.name, "source": f"files/{quote(picture.name)}"} for picture in pictures]
    begin = f"{_literal(announced)}.forEach(dvcodec.announceWeights)\ndvcodec.openViewer({_literal(gallery)})\n"
    first = [one.id.hex() for one in known if one.name == weights.FOR_THE_EYE and not pictures]
    begin += "".join(f"dvcodec.prepare({_literal(one)}).catch(() => {{}})\n" for one in first)
    text = (FOLDER / "page/page.html").read_text("utf-8")
    style = (FOLDER / "page/page.css").read_text("utf-8")
    for mark, value in (("@TITLE@", html.escape(title)), ("@STYLE@", style), ("@BEGIN@", begin)):
        text = text.replace(mark, value)
    return text


def _literal(value: object) -> str:
    """Return a value in JavaScript, safe inside a page."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")


def _base64(data: bytes) -> str:
    return f'"{base64.b64encode(data).decode()}"'

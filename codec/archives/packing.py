"""Images into an archive: a file that is written as a stream and is there whole or not at all."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ...image_io import atomic
from ...image_io.metadata import NO_METADATA
from ...weights import SETS, find
from .. import loading
from ..lossless import methods
from ..settings import AUTO, BITS_BACK, ArchiveSettings
from .coders import Coders
from .writer import Totals, Writer

if TYPE_CHECKING:
    from ...image_io.images import Picture


EXISTS = "nothing is added to an archive: name another file, or use `force`"
"""What to do about an archive that is there already."""


@dataclass
class PackReport(Totals):
    """What was written, and in how long."""

    bpp: float = 0.0
    """Bits per pixel of the archive without its names."""
    seconds: float = 0.0


class Packing:
    """An archive being written."""

    def __init__(self, writer: Writer, settings: ArchiveSettings) -> None:
        """Begin without images."""
        self._writer, self._settings = writer, settings
        self._began = time.perf_counter()
        self.report: PackReport | None = None
        """Set when the archive is complete."""

    def add(self, picture: "Picture", name: str = "") -> None:
        """Add a picture: see Writer.add."""
        kept = replace(picture, metadata=NO_METADATA) if self._settings.strip else picture
        self._writer.add(kept, name if self._settings.names else "")

    def finish(self) -> None:
        """Write the rest."""
        totals = self._writer.finish()
        bpp = 8 * (totals.bytes - totals.name_bytes) / totals.pixels
        self.report = PackReport(**vars(totals), bpp=bpp, seconds=time.perf_counter() - self._began)


@contextmanager
def packing(target: Path, settings: ArchiveSettings, *, force: bool = False) -> Iterator[Packing]:
    """Give an archive to add pictures to; it is at `target` when the block ends without an error.

    OutputExists, before any work is done, unless `force`; UnsupportedImage if nothing was added.
    """
    coders = _coders(settings)
    atomic.check_target(None, target, force=force, hint=EXISTS)
    with atomic.streamed(target, force=force) as file:
        archive = Packing(Writer(file, coders), settings)
        yield archive
        archive.finish()


def _coders(settings: ArchiveSettings) -> Coders:
    method = settings.method or AUTO
    hierarchy = settings.weights if settings.weights and find(settings.weights).kind != SETS else None
    loaded: list[methods.Model | None] = []

    def load() -> methods.Model | None:
        if not loaded:
            loaded.append(loading.lossless_model(hierarchy, settings.device, required=method == "model"))
        return loaded[0]

    sets = loading.set_models(settings.weights) if method in (AUTO, BITS_BACK) else ()

    def load_bilevel() -> methods.BilevelNetworks | None:
        return loading.bilevel(required=method == "bilevel")

    return Coders(method, load, load_bilevel, sets)

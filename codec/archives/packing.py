"""Write images into an archive as a stream; the file appears whole or not at all."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ... import weights
from ...image_io import atomic
from .. import api, loading
from ..bitstream.header import FILE
from ..lossless import methods
from ..settings import AUTO, BITS_BACK, ArchiveSettings
from .coders import Coders
from .grouping import stands_alone
from .writer import Totals, Writer

if TYPE_CHECKING:
    from ...image_io.images import Picture


EXISTS = "images cannot be added to an archive; name another file, or use `force`"
"""The hint for an archive that exists."""


@dataclass
class PackReport(Totals):
    """What was written into an archive, and how long it took."""

    bpp: float = 0.0
    """Bits per pixel of the archive without its names."""
    seconds: float = 0.0
    """Wall time from the opening of the archive to its end."""


class Packing:
    """An archive that is being written: see `packing`."""

    def __init__(self, writer: Writer, settings: ArchiveSettings) -> None:
        """Start an archive without images."""
        self._writer, self._settings = writer, settings
        self._began = time.perf_counter()
        self.report: PackReport | None = None
        """What was written; None until the archive is complete."""

    def add(self, picture: "Picture", name: str = "", original: bytes = b"") -> tuple[str, ...]:
        """Add a picture, without its metadata or its name if the settings leave them out: see Writer.add.

        Returns:
            Names of what the picture holds and the archive does not. Images that are coded together have no metadata; a
            resolution alone is not worth a file of its own.
        """
        from ...image_io import orientation

        kept = orientation.stripped(picture) if self._settings.strip else picture
        plain = replace(kept, metadata=replace(kept.metadata, resolution=None))
        together = self._settings.lossless and self._settings.method != FILE and not stands_alone(plain)
        lost = together and kept.metadata.resolution is not None
        own_name = name if self._settings.names else ""
        self._writer.add(plain if lost else kept, own_name, b"" if self._settings.strip else original)
        return (*kept.left_out, *(["resolution"] * lost))

    def finish(self) -> None:
        """Write the images that still wait, and the end mark."""
        totals = self._writer.finish()
        bpp = 8 * (totals.bytes - totals.name_bytes) / totals.pixels
        self.report = PackReport(**vars(totals), bpp=bpp, seconds=time.perf_counter() - self._began)


@contextmanager
def packing(target: Path, settings: ArchiveSettings, *, force: bool = False) -> Iterator[Packing]:
    """Give an archive to add pictures to. The file appears when the block ends without an error.

    Args:
        target: The file to write.
        settings: How to code the images, and whether to keep names and metadata.
        force: Whether to overwrite a file that exists.

    Yields:
        The archive. Its `report` is set after the block.

    Raises:
        OutputExists: Before any work is done, if the file exists, unless `force`.
        OutputFailed: If the file cannot be written.
        UnsupportedImage: If no picture was added.
        WeightsNotFound: If the weights that the settings name are not installed.
    """
    coders = _coders(settings)
    atomic.check_target(None, target, force=force, hint=EXISTS)
    with atomic.streamed(target, force=force) as file:
        archive = Packing(Writer(file, coders), settings)
        yield archive
        archive.finish()


def _coders(settings: ArchiveSettings) -> Coders:
    """Return the coders for some settings. Models are loaded when they are first used."""
    if not settings.lossless:
        return Coders(
            AUTO, lambda: None, lambda: None, lossy=lambda picture: api.compress_picture(picture, settings)[0]
        )
    method = settings.method or AUTO
    named = weights.find(settings.weights) if settings.weights else None
    hierarchy = settings.weights if named is not None and named.kind != weights.BITS_BACK else None
    loaded: list[methods.Model | None] = []

    def load() -> methods.Model | None:
        if not loaded:
            loaded.append(loading.lossless_model(hierarchy, settings.device, required=method == "model"))
        return loaded[0]

    bits_back = loading.bits_back_coders(settings.weights) if method in (AUTO, BITS_BACK) else ()

    def load_bilevel() -> methods.BilevelNetworks | None:
        return loading.bilevel(required=method == "bilevel")

    return Coders(method, load, load_bilevel, bits_back)

"""The Pillow plug-in: after `register()`, Image.open reads .dvq files and Image.save writes them.

As with Pillow's own formats, errors are OSErrors, and ImageFile.LOAD_TRUNCATED_IMAGES decodes as much as there is of a
file that is cut short. `save` takes the settings of `CompressSettings`, and exif, icc_profile and xmp in place of those
that the image carries.
"""

import io
from dataclasses import fields, replace
from typing import IO, Any

from PIL import Image, ImageFile

from ..errors import DvcodecError
from ..image_io import images, metadata
from ..image_io.metadata import Metadata
from . import api, decoder
from .bitstream.container import parse
from .bitstream.header import MAGIC
from .settings import CompressSettings

FORMAT = "DVQ"


class DvqImageFile(ImageFile.ImageFile):
    """A .dvq file. Header and metadata are read when it is opened, pixels are decoded when they are asked for."""

    format = FORMAT
    format_description = "dvcodec image"

    def _open(self) -> None:
        assert self.fp is not None
        data = self.fp.read()
        try:
            file = parse(data)
            metadata.attach(decoder.metadata_of(file, strict=False), self)  # load() reports what is damaged
        except DvcodecError as error:
            raise OSError(str(error)) from error
        header = file.header
        self._data: bytes | None = data
        self._size = (header.width, header.height)
        self._mode = header.mode
        if not header.lossless:
            self.info["quality"] = header.quality / 256
        self.info["lossless"] = header.lossless

    def load(self) -> Any:
        """Decode the pixels on the first call; Pillow's own decoders have nothing to do."""
        if self._data is not None:
            preview = "all" if ImageFile.LOAD_TRUNCATED_IMAGES else None
            try:
                decoded = api.decompress_picture(self._data, preview=preview)
            except DvcodecError as error:
                raise OSError(str(error)) from error
            image = images.to_image(decoded.picture)
            self.info.update(image.info)
            if self.fp and self._exclusive_fp:
                self.fp.close()
            self.fp, self._data = io.BytesIO(), None
            self.im, self.palette = image.im, image.palette
        return super().load()


def _accept(prefix: bytes) -> bool:
    return prefix.startswith(MAGIC)


def _save(image: Image.Image, fp: IO[bytes], filename: str | bytes) -> None:
    """Write one image; `image.encoderinfo` holds the arguments of save()."""
    options: dict[str, Any] = image.encoderinfo
    names = {field.name for field in fields(CompressSettings)}
    try:
        settings = CompressSettings(**{name: value for name, value in options.items() if name in names})
        picture = images.from_image(image, keep_mode=settings.lossless)
        kept = Metadata(
            *(_override(options, key, own) for key, own in zip(_KEYS, _parts(picture.metadata), strict=True))
        )
        data, _ = api.compress_picture(replace(picture, metadata=kept), settings)
    except DvcodecError as error:
        raise OSError(str(error)) from error
    fp.write(data)


_KEYS = ("icc_profile", "exif", "xmp")


def _parts(kept: Metadata) -> tuple[bytes, bytes, bytes]:
    return kept.icc, kept.exif, kept.xmp


def _override(options: dict[str, Any], key: str, own: bytes) -> bytes:
    """Return the metadata that save() was given under a key, or else those that the image carries."""
    if key not in options:
        return own
    given = options[key]
    if isinstance(given, Image.Exif):
        given = given.tobytes()
    return metadata.normalise(given)


def register() -> None:
    """Register the format with Pillow in this process. It may be called again without harm."""
    Image.register_open(FORMAT, DvqImageFile, _accept)
    Image.register_save(FORMAT, _save)
    Image.register_extension(FORMAT, ".dvq")
    Image.register_mime(FORMAT, "image/x-dvq")

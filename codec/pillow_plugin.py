"""The Pillow plug-in: after `register()`, Image.open reads .dvq files and Image.save writes them.

As with Pillow's own formats, errors of files are OSErrors and those of arguments ValueErrors, and
ImageFile.LOAD_TRUNCATED_IMAGES decodes as much as there is of a file that is cut short. `save` takes the settings of
`CompressSettings`, and exif, icc_profile and xmp in place of those that the image carries.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from typing import IO, Any

from PIL import Image, ImageFile, ImagePalette

from ..errors import DvcodecError, FormatError, InvalidArgument, LimitExceeded
from ..image_io import deep_samples, images, metadata, metadata_input
from ..image_io.bounds import DEFAULT
from ..image_io.images import Palette, Picture
from ..image_io.metadata import Metadata
from . import api, decoder
from .bitstream.container import DvqFile, parse, payload_of
from .bitstream.header import FILE, MAGIC
from .loaders import installed
from .lossless import kept_file, raw_samples
from .memory_estimates import check_header
from .reports import log_notices
from .settings import CompressSettings
from .sources import read_open
from .view import DENOMINATORS, WHOLE, View

FORMAT = "DVQ"


@contextmanager
def _as_pillow_raises() -> Iterator[None]:
    """Turn errors into OSErrors, but those of arguments, which are ValueErrors already."""
    try:
        yield
    except InvalidArgument:
        raise
    except DvcodecError as error:
        raise OSError(str(error)) from error


class DvqImageFile(ImageFile.ImageFile):
    """A .dvq file. All but the pixels is read when it is opened, pixels are decoded when they are asked for."""

    format = FORMAT
    format_description = "dvcodec image"
    _file: DvqFile | None = None
    """The parsed file; None once its pixels are decoded, and in unpickled images."""
    _kept: Picture | None = None
    """The picture of an image file that the file keeps, whose metadata may stand behind its pixels."""
    _view = WHOLE
    """What load() decodes."""

    def _open(self) -> None:
        assert self.fp is not None
        with _as_pillow_raises():
            file = self._file = parse(read_open(self.fp))
            kept = self._kept = _kept_picture(file)
            known = kept.metadata if kept else decoder.metadata_of(file, strict=False)  # load() reports what is damaged
            metadata.attach(known, self)
        header = file.header
        self._size = (header.width, header.height)
        with _as_pillow_raises():
            self._mode = deep_samples.pillow_mode(header.mode, header.white) if header.deep else header.mode
        self._attach_palette(kept.palette if kept else _palette(file))
        if not header.lossless:
            self.info["quality"] = header.quality / 256
        self.info["lossless"] = header.lossless

    def _attach_palette(self, palette: Palette | None) -> None:
        """Set palette and transparency before the pixels, as Pillow's readers do; load() puts the palette to use."""
        if self.mode in ("P", "PA"):
            mode, colours = (palette.mode, palette.colours) if palette else ("RGB", b"")
            self.palette = ImagePalette.ImagePalette(mode, colours)
            self.palette.dirty = 1
        if palette is not None and palette.transparent is not None:
            self.info["transparency"] = palette.transparent

    def draft(
        self, mode: str | None, size: tuple[float, float] | None
    ) -> tuple[str, tuple[int, int, float, float]] | None:
        """Let load() decode a smaller picture of at least `size`, at 1/2, 1/4 or 1/8, as for a thumbnail.

        Args:
            mode: A mode that the caller would like; it changes nothing.
            size: Width and height.

        Returns:
            The mode, and the box of the smaller picture that holds the whole image. None if nothing changes: nothing
            would be saved in lossless files, and pixels that are decoded stay as they are.
        """
        if size is None or self._file is None or self._file.header.lossless or self._view != WHOLE:
            return None
        width, height = self.size
        fitting = min(width // max(size[0], 1), height // max(size[1], 1))
        denominator = max((each for each in DENOMINATORS if each <= fitting), default=1)
        if denominator == 1:
            return None
        self._view = View(denominator)
        self._size = (-(-width // denominator), -(-height // denominator))
        return self.mode, (0, 0, width / denominator, height / denominator)

    def load(self) -> Any:
        """Decode the pixels on the first call; Pillow's own decoders have nothing to do."""
        if self._file is not None:
            picture = self._kept or self._decoded(self._file)
            self._file = self._kept = None
            if self.fp and self._exclusive_fp:
                self.fp.close()
            self.fp = None
            self.im = images.to_image(picture).im
        return super().load()

    def _decoded(self, file: DvqFile) -> Picture:
        preview = "all" if ImageFile.LOAD_TRUNCATED_IMAGES else None
        with _as_pillow_raises():
            return decoder.decode(file, installed(), preview=preview, view=self._view).picture

    def verify(self) -> None:
        """Check the checksums of the whole file, without decoding pixels; raise OSError if the file is not whole."""
        if self._file is not None:
            with _as_pillow_raises():
                if self._file.fault is not None:
                    raise self._file.fault
                decoder.metadata_of(self._file, strict=True)
        super().verify()


def _kept_picture(file: DvqFile) -> Picture | None:
    """Decode the image file that a file keeps.

    Returns:
        None if it keeps none, or one that is damaged or larger than allowed, which Pillow or load() will report.
    """
    most = Image.MAX_IMAGE_PIXELS
    if file.header.kind != FILE or (most is not None and file.header.width * file.header.height > 2 * most):
        return None
    try:
        check_header(file.header, DEFAULT)
        return None if file.fault else kept_file.picture(file)
    except (FormatError, LimitExceeded):
        return None


def _palette(file: DvqFile) -> Palette | None:
    """Return the palette and the transparency of a file; None if it has none, or if it is damaged."""
    try:
        return raw_samples.unpack_palette(payload_of(file.palette), file.header.mode)
    except FormatError:
        return None


def _accept(prefix: bytes) -> bool:
    return prefix.startswith(MAGIC)


def _save(image: Image.Image, fp: IO[bytes], filename: str | bytes) -> None:
    """Write one image; `image.encoderinfo` holds the arguments of save()."""
    options: dict[str, Any] = image.encoderinfo
    names = [field.name for field in fields(CompressSettings)]
    _refuse_unknown(options, names)
    with _as_pillow_raises():
        settings = CompressSettings(**{name: value for name, value in options.items() if name in names})
        picture = images.from_image(image, keep_mode=settings.lossless, convert=settings.convert)
        kept = _with_overrides(picture.metadata, options)
        data, report = api.compress_picture(replace(picture, metadata=kept), settings)
    log_notices(report.notices, report.dropped)
    fp.write(data)


def _with_overrides(kept: Metadata, options: dict[str, Any]) -> Metadata:
    """Return the metadata that the image carries, with those that save() was given in their place."""
    icc = _given(options, "icc_profile", kept.icc)
    exif = _given(options, "exif", kept.exif)
    xmp = _given(options, "xmp", kept.xmp, metadata_input.packet_of)
    return replace(kept, icc=icc, exif=exif, xmp=xmp)


_KEYS = ("icc_profile", "exif", "xmp")


def _refuse_unknown(options: dict[str, Any], names: list[str]) -> None:
    """Raise InvalidArgument for arguments of save() that are not settings: they are misspelt, or of another format."""
    unknown = [name for name in options if name not in (*names, *_KEYS)]
    if unknown:
        listed = ", ".join(f"`{name}`" for name in unknown)
        raise InvalidArgument(
            f"a .dvq file has no save option {listed}", f"the options are {', '.join((*names, *_KEYS))}"
        )


def _given(
    options: dict[str, Any], key: str, own: bytes, read: Callable[[object], bytes | None] = metadata_input.part
) -> bytes:
    """Return the metadata that save() was given under a key, or else those that the image carries.

    Raises:
        InvalidArgument: If they are of a type that holds none.
    """
    value = read(options[key]) if key in options else own
    if value is None:
        raise InvalidArgument(f"`{key}` is a {type(options[key]).__name__} that holds no metadata", "give bytes")
    return value


def register() -> None:
    """Register the format with Pillow in this process. It may be called again without harm."""
    Image.register_open(FORMAT, DvqImageFile, _accept)
    Image.register_save(FORMAT, _save)
    Image.register_save_all(FORMAT, _save)  # one image; `append_images` is refused by its name, animations as such
    Image.register_extension(FORMAT, ".dvq")
    Image.register_mime(FORMAT, "image/x-dvq")

"""Small PNG files of images, for file managers."""

import io

from . import deep_samples, images, orientation
from .images import Picture


def write(picture: Picture, side: int) -> tuple[bytes, int, int]:
    """Return a PNG file of a picture that is scaled down, and turned as its orientation says, without metadata.

    Args:
        picture: The picture; samples of more than 8 bits are reduced.
        side: The largest width and height, in pixels. Smaller images are not scaled.

    Returns:
        The bytes of the file, and its width and height.
    """
    image = images.to_image(orientation.stripped(deep_samples.for_lossy(picture, convert=True)))
    small = image.convert("RGBA" if image.has_transparency_data else "RGB")
    small.thumbnail((side, side))
    small.info.clear()
    stream = io.BytesIO()
    small.save(stream, "PNG")
    return stream.getvalue(), *small.size

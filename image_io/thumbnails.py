"""Small PNG files of images, for file managers."""

import io

from PIL import Image, ImageOps


def write(image: Image.Image, side: int) -> tuple[bytes, int, int]:
    """Return a PNG file of an image that is scaled down, and turned as its EXIF orientation says, without metadata.

    Args:
        image: The image, of a mode that lossless files keep.
        side: The largest width and height, in pixels. Smaller images are not scaled.

    Returns:
        The bytes of the file, and its width and height.
    """
    turned = ImageOps.exif_transpose(image)
    small = turned.convert("RGBA" if turned.has_transparency_data else "RGB")
    small.thumbnail((side, side))
    small.info.clear()
    stream = io.BytesIO()
    small.save(stream, "PNG")
    return stream.getvalue(), *small.size

"""The transparent colour or index that Pillow keeps in an image's `info`, where it can be meant for the image."""

from PIL import Image


def key_of(image: Image.Image) -> int | tuple[int, ...] | bytes | None:
    """Return the transparent colour or index of an image, or None if there is none.

    One that no pixel can have, as conversions of Pillow leave behind in other modes, counts as none.

    Args:
        image: The image.

    Returns:
        An index, a grey level, three colour values, or alpha by index.
    """
    key = image.info.get("transparency")
    if image.mode in ("P", "PA"):
        valid = (isinstance(key, bytes) and len(key) <= 256) or (isinstance(key, int) and 0 <= key < 256)
        return key if valid else None
    values = key if isinstance(key, tuple) else (key,)
    possible = all(isinstance(value, int) and 0 <= value < 2**16 for value in values)
    return key if possible and image.mode in ("1", "L", "RGB") and len(values) == len(image.getbands()) else None


def without_impossible_key(image: Image.Image) -> Image.Image:
    """Return the image, or a copy without its transparent colour where that counts as none: Pillow stumbles on it."""
    if "transparency" not in image.info or key_of(image) is not None:
        return image
    plain = image.copy()
    del plain.info["transparency"]
    return plain

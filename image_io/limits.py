"""Limits of the images that a file can hold: modes, sides and area."""

MAX_SIDE = 2**20 - 1
"""Largest width and height, in pixels."""
MAX_AREA = 2**28
"""Largest width * height: 268 megapixels."""
MODES = ("1", "L", "LA", "RGB", "RGBA", "P", "PA")
"""Pillow's modes that lossless files keep, as the format numbers them."""

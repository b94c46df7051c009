"""How lossless images are cut: strips of the methods `model` and `deep`, tiles and sections of the method `bilevel`."""

STRIP_AREA = 2**20
"""Pixels of a strip, about."""
SIDE = 4096
"""Largest sides of a tile."""
ROWS, AREA = 2**15, 2**24
"""Rows and pixels of all tiles of a section, at most, unless it has one tile alone: they bound a pass's memory."""

Tile = tuple[slice, slice]
"""Rows and columns of an image."""


def strips(height: int, width: int) -> list[slice]:
    """Return the rows of every strip of an image, from the top; all but the last have a multiple of 8 rows."""
    rows = max(8, STRIP_AREA // width // 8 * 8)
    return [slice(top, min(top + rows, height)) for top in range(0, height, rows)]


def sections(height: int, width: int) -> list[list[Tile]]:
    """Return the tiles of every section of an image: as many as its bounds allow, counted by the largest tile."""
    tiles = [
        (slice(top, min(top + SIDE, height)), slice(left, min(left + SIDE, width)))
        for top in range(0, height, SIDE)
        for left in range(0, width, SIDE)
    ]
    rows, columns = min(height, SIDE), min(width, SIDE)
    count = max(1, min(ROWS // rows, AREA // (rows * columns)))
    return [tiles[first : first + count] for first in range(0, len(tiles), count)]

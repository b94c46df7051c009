"""The frame of a JPEG file: its size, and how its components are sampled."""

from dataclasses import dataclass

SIDE = 8
"""Rows and columns of a block."""
GREY, FULL, HALF_WIDTH, HALF = range(4)
"""Samplings: one component; three of the same size (4:4:4); chroma of half the width (4:2:2), and of half the height
too (4:2:0)."""
FACTORS = {GREY: (1, 1), FULL: (1, 1), HALF_WIDTH: (1, 2), HALF: (2, 2)}
"""How many rows and columns of luma a sample of chroma stands for."""
FEWEST = 3
"""Columns of chroma from which on it is interpolated; narrower chroma is repeated."""


@dataclass(frozen=True)
class Frame:
    """The size in pixels and the sampling of a JPEG image."""

    height: int
    width: int
    sampling: int
    smooth: bool = True
    """Whether chroma is interpolated, not repeated."""

    @property
    def components(self) -> int:
        """Number of components: luma alone, or also both of chroma."""
        return 1 if self.sampling == GREY else 3

    @property
    def rows(self) -> int:
        """How many rows of luma a row of chroma stands for."""
        return FACTORS[self.sampling][0]

    def size(self, component: int) -> tuple[int, int]:
        """Return rows and columns of samples of a component."""
        rows, columns = FACTORS[self.sampling] if component else (1, 1)
        return -(-self.height // rows), -(-self.width // columns)

    def blocks(self, component: int) -> tuple[int, int]:
        """Return rows and columns of blocks of a component."""
        height, width = self.size(component)
        return -(-height // SIDE), -(-width // SIDE)

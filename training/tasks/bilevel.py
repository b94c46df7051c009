"""Train the bilevel model on pixels of synthetic pages, which are made during the run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...models.configs import BilevelPagesConfig
from ...models.pixels.bilevel.config import PATTERNS
from ...models.pixels.bilevel.ink_counts import counts, features, pattern
from ...models.pixels.bilevel.net import log_prob
from ...models.pixels.bilevel.quiet import QuietBilevelNet
from ...models.pixels.bilevel.surroundings import RECTANGLES, window
from ...models.pixels.causal import ReceptiveField
from ...models.pixels.neighbourhoods import padded
from ..data.bilevel_pages import fonts_below
from ..data.bilevel_scans import Page, synthetic_page
from ..data.pictures import read_image
from ..loop.task import LossTerms, ParameterGroup, Progress, Task
from ..recipes.bilevel import BilevelRecipe


@dataclass
class PageFeatures:
    """A page and the features that its pixels are predicted from.

    Args:
        white: the page (H, W), 1 for paper.
        found: counts in RECTANGLES about the busy pixels, (n, rectangles).
        busy: places in raster order of the pixels whose probability the network gives, (n,).
        quiet: ink and paper among the other pixels by pattern, (PATTERNS, 2).
    """

    white: Tensor
    found: Tensor
    busy: Tensor
    quiet: Tensor


def page_features(page: Page, receptive_field: ReceptiveField) -> PageFeatures:
    """Compute the features of a page, whose rarer colour counts as ink."""
    white = torch.from_numpy(page if page.mean() >= 0.5 else 1 - page).float()
    found = counts(white[None], window(receptive_field) + RECTANGLES)[0].flatten(0, 1)
    still = (found[:, 0] == 0) & (found[:, 1] == 0)
    found, busy = found[:, 2:], torch.nonzero(~still)[:, 0]
    codes = pattern(found[still]).long() * 2 + white.flatten()[still].long()
    quiet = torch.bincount(codes, minlength=2 * PATTERNS).view(PATTERNS, 2)
    return PageFeatures(white, found[busy], busy, quiet)


class BilevelTask(Task):
    """A bilevel model, and pages in memory that are renewed one after another.

    Args:
        config: the model's sizes.
        recipe: how it is trained, and what pages are made.
        photographs: folder of images for halftones; None makes none.
    """

    module: QuietBilevelNet

    def __init__(self, config: BilevelPagesConfig, recipe: BilevelRecipe, photographs: Path | None) -> None:
        self.recipe, self.module = recipe, QuietBilevelNet(config)
        self.receptive_field = self.module.net.config.receptive_field
        self.fonts = fonts_below(Path(recipe.fonts) if recipe.fonts else None)
        self.photographs = [] if photographs is None else sorted(p for p in photographs.rglob("*") if p.is_file())
        self.pages: list[PageFeatures] = []

    def groups(self) -> Sequence[ParameterGroup]:
        """Return the network; the probabilities of quiet pixels are counted instead."""
        return [ParameterGroup("pages", list(self.module.parameters()), self.recipe.rate)]

    def prepare(self, rng: np.random.Generator) -> None:
        """Make the first pages."""
        self.pages = [self._page(rng) for _ in range(self.recipe.pages)]

    def batch(self, rng: np.random.Generator, progress: Progress) -> Tensor:
        """Draw busy pixels: their features, and as the last column their colour, (n, inputs + 1)."""
        if not self.pages:
            self.prepare(rng)
        if progress.step % self.recipe.renew == 0:
            self.pages[rng.integers(len(self.pages))] = self._page(rng)
        chosen = rng.integers(len(self.pages), size=self.recipe.batch)
        return torch.cat([self._rows(self.pages[i], rng) for i in chosen])

    def loss_terms(self, batch: Tensor, progress: Progress) -> LossTerms:
        """Compute the rate of the busy pixels in bits a pixel."""
        scores = self.module.net.scores(batch[:, :-1])
        bits = -log_prob(scores, batch[:, -1]).mean() / math.log(2)
        return LossTerms(bits, {"rate_bpp": float(bits.detach())})

    def _page(self, rng: np.random.Generator) -> PageFeatures:
        size = self.recipe.page_height, self.recipe.page_width
        while True:
            page = page_features(
                synthetic_page(size, self.fonts, self._photograph(rng), rng, self.recipe.halftones),
                self.receptive_field,
            )
            self.module.quiet += page.quiet
            if len(page.busy):
                return page

    def _photograph(self, rng: np.random.Generator) -> list[NDArray[np.uint8]]:
        if not self.photographs:
            return []
        return [read_image(self.photographs[rng.integers(len(self.photographs))], 1)[:, :, 0]]

    def _rows(self, page: PageFeatures, rng: np.random.Generator) -> Tensor:
        """Draw busy pixels of a page."""
        kept = torch.from_numpy(rng.integers(len(page.busy), size=self.recipe.pixels))
        whole, width = padded(self.receptive_field, 2 * page.white - 1), page.white.shape[1]
        y, x = page.busy[kept] // width, page.busy[kept] % width
        stride = whole.shape[1]
        deltas = torch.tensor([dy * stride + dx for dy, dx in self.receptive_field.offsets()])
        places = (y + self.receptive_field.rows) * stride + x + self.receptive_field.columns
        near = whole.flatten()[places[:, None] + deltas]
        around = features(page.found[kept], RECTANGLES)
        return torch.cat([near, around, page.white[y, x][:, None]], dim=1)

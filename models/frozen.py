"""The walk of a frozen chain, to compress and decompress: the integers of `rrvq.Visit` in less time and memory.

The chain's state counts steps of the stream's grid (2**-8), the inputs of products count steps of 2**-4, and the
weights are scaled to match, by powers of two: the sums are the same integers. What a symbol adds to the features and to
the next state is looked up in tables. Spatial updates run in bands of rows with a halo of one row, layers in blocks of
positions: neither changes a result.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .exact import ACTIVATION_BITS, STREAM_BITS, STREAM_LIMIT, GridLinear, on_grid
from .latent import CONTEXT, EMBEDDING_BITS, VALUE_BITS, VALUE_LIMIT, LatentLayer
from .rrvq import COEFFICIENTS, MEAN_SCALE, Block, Chain, Chooser, Grow, Stage, Step, interpolate

LIMIT = STREAM_LIMIT * 2**STREAM_BITS
"""Largest magnitude of the state in steps."""

RATIO = 2.0 ** (ACTIVATION_BITS - STREAM_BITS)
"""Steps of a product's input in a step of the stream."""

BAND_POSITIONS = 2048
"""Positions of a band: its temporaries stay in a processor's cache."""

BLOCK_ENTRIES = 2**18
"""Entries of the probability tables of one block of positions."""


class FrozenLinear:
    """A `GridLinear` from steps of 2**-4 to steps of 2**-`bits`; `bits` may differ by output."""

    def __init__(self, linear: GridLinear, bits: int | Tensor) -> None:
        weight, bias = (x.detach() for x in linear.quantised())
        scale = torch.exp2(torch.as_tensor(bits, dtype=torch.float32, device=bias.device)).expand_as(bias)
        self.matrix = (weight * scale[:, None] * 2.0**-ACTIVATION_BITS).t().contiguous()
        self.bias = bias * scale

    def __call__(self, x: Tensor) -> Tensor:
        """(n, inputs) -> (n, outputs), not rounded."""
        return torch.addmm(self.bias, x, self.matrix)


class FrozenBlock:
    """A `rrvq.Block` on (B, H, W, C) steps of the stream."""

    def __init__(self, block: Block) -> None:
        spatial = FrozenLinear(block.spatial, ACTIVATION_BITS)
        self.bias = spatial.bias
        self.taps = spatial.matrix.view(-1, 3, 3, len(self.bias)).permute(1, 2, 0, 3).contiguous()  # (3, 3, C, outputs)
        self.point = FrozenLinear(block.point, STREAM_BITS)

    def __call__(self, d: Tensor, positions: int) -> Tensor:
        """The state after the block, in bands of about `positions`."""
        out = torch.empty_like(d)
        for image, target in zip(d, out, strict=True):
            for rows in bands(d.shape[1], d.shape[2], positions):
                torch.add(image[rows], self._update(image, rows), out=target[rows])
                rounded(target[rows]).clamp_(-LIMIT, LIMIT)
        return out

    def _update(self, image: Tensor, rows: slice) -> Tensor:
        """What the block adds to these rows. (h, W, C), not rounded.

        On a zero-padded band laid out as a run of positions a shift is an offset: each tap of the convolution is one
        product with a contiguous run (the two surplus columns of each row are dropped).
        """
        height, width = rows.stop - rows.start, image.shape[1] + 2
        run = padded(image, rows)
        count = height * width
        sums = self.bias.expand(count, -1)
        for row in range(3):
            for column in range(3):
                offset = row * width + column
                out = sums if row or column else None
                sums = torch.addmm(sums, run[offset : offset + count], self.taps[row, column], out=out)
        hidden = rounded(sums).clamp_(0, 255)
        return self.point(hidden).view(height, width, -1)[:, :-2]


class FrozenLayer:
    """A `LatentLayer` and what its symbols add, as tables."""

    def __init__(self, layer: LatentLayer, close: Tensor) -> None:
        """`close` (width, D): the layer's columns of its stage's last map, on their grid."""
        self.layer, self.rest = layer, layer.rest()
        v, device = len(layer.coefficients), layer.values.device
        bits = torch.tensor([VALUE_BITS + 2] * v + [EMBEDDING_BITS] * CONTEXT, device=device)
        limit = torch.tensor([VALUE_LIMIT * 2**VALUE_BITS] * v + [15.0 * 2**EMBEDDING_BITS] * CONTEXT, device=device)
        strap = FrozenLinear(layer.strap, bits)
        mean, bias = layer.mean.weight.detach() * MEAN_SCALE, layer.mean.bias.detach() * MEAN_SCALE
        self.matrix = torch.cat([strap.matrix, mean.t() * 2.0**-ACTIVATION_BITS], dim=1)
        self.bias = torch.cat([strap.bias, bias])
        self.limit, self.step = limit, torch.exp2(torch.where(limit == limit[-1], -EMBEDDING_BITS, -VALUE_BITS).float())
        self.columns = torch.tensor(layer.coefficients, device=device)
        codes = layer.code_table().detach()
        self.values = layer.canvas_values().detach()
        self.ladder = None  # (K, hidden); the last layer of a stage has none to follow
        if layer.ladder is not None:
            self.ladder = on_grid(layer.ladder(codes).detach(), STREAM_BITS) * 2**STREAM_BITS
        self.close = codes @ close.t() * 2**STREAM_BITS  # (K, width)

    def heads(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """The prior's embedding (n, D) on its grid and the canvas's prediction (n, v) from features in steps."""
        positive = rounded(features * RATIO).clamp_(min=0)
        raw = torch.addmm(self.bias, positive, self.matrix)
        embedding = rounded(raw[:, : len(self.limit)]).clamp_(-self.limit, self.limit).mul_(self.step)
        return embedding, raw[:, len(self.limit) :]


class FrozenStage:
    """A `rrvq.Stage`."""

    def __init__(self, stage: Stage) -> None:
        self.quality = stage.quality.detach()
        self.blocks = [FrozenBlock(block) for block in stage.blocks]  # type: ignore[arg-type]
        self.head = FrozenLinear(stage.head, STREAM_BITS)
        weight, bias = (x.detach() for x in stage.close.quantised())
        self.bias = bias * 2**STREAM_BITS
        layers = stage.latents()
        parts = torch.split(weight, [len(m.coefficients) + CONTEXT for m in layers], dim=1)
        self.layers = [FrozenLayer(m, close) for m, close in zip(layers, parts, strict=True)]

    def enter(self, d: Tensor, quality: Tensor, positions: int) -> Tensor:
        """The spatial update of (B, H, W, C)."""
        shift = interpolate(self.quality, quality) * 2**STREAM_BITS
        d = (d + shift[:, None, None]).clamp_(-LIMIT, LIMIT)
        for block in self.blocks:
            d = block(d, positions)
        return d

    def features(self, d: Tensor, positions: int) -> Tensor:
        """The head's features (N, hidden) of a state, tokens (N, C)."""
        parts = [rounded(self.head(inputs(d[run]))).clamp_(-LIMIT, LIMIT) for run in runs(len(d), positions)]
        return torch.cat(parts)

    def leave(self, d: Tensor, symbols: list[Tensor], positions: int) -> None:
        """Adds what the stage's symbols (N,) give to the state (N, C), in place."""
        for run in runs(len(d), positions):
            sums = self.bias
            for layer, chosen in zip(self.layers, symbols, strict=True):
                sums = layer.close.index_select(0, chosen[run]).add_(sums)
            rounded(d[run].add_(sums)).clamp_(-LIMIT, LIMIT)


class FrozenGrow:
    """A `rrvq.Grow` on (B, H, W, C)."""

    def __init__(self, grow: Grow) -> None:
        self.point = FrozenLinear(grow.point, STREAM_BITS)

    def __call__(self, d: Tensor, size: tuple[int, int]) -> Tensor:
        """To the next finer scale, cropped to `size`."""
        B, H, W, C = d.shape
        grown = self.point(inputs(d.view(-1, C))).view(B, H, W, -1, 2, 2)
        shuffled = grown.permute(0, 1, 4, 2, 5, 3).reshape(B, 2 * H, 2 * W, -1)
        return rounded(shuffled[:, : size[0], : size[1]].contiguous()).clamp_(-LIMIT, LIMIT)


class FrozenChain:
    """A frozen `Chain` on its device, ready to walk; `positions` and `entries` bound the temporaries only."""

    def __init__(self, chain: Chain, positions: int = BAND_POSITIONS, entries: int = BLOCK_ENTRIES) -> None:
        self.strides, self.top_width = chain.strides, chain.top_width
        self.stages = [[FrozenStage(stage) for stage in stages] for stages in chain.scales()]
        self.grow = [FrozenGrow(grow) for grow in chain.grow]  # type: ignore[arg-type]
        self.positions, self.entries = positions, entries

    def walk(
        self,
        sizes: dict[int, tuple[int, int]],
        quality: Tensor,
        chooser: Chooser,
        evidence: dict[int, Tensor] | None = None,
        *,
        grey: bool = False,
        stop: int | None = None,
    ) -> tuple[Tensor, dict[int, Tensor]]:
        """`Chain.walk`, with the same arguments and results."""
        visit = FrozenVisit(chooser, evidence, grey, stop, self.positions, self.entries)
        d = torch.zeros(len(quality), *sizes[self.strides[0]], self.top_width, device=quality.device)
        for i, stride in enumerate(self.strides):
            if i:
                d = self.grow[i - 1](d, sizes[stride])
            visit.open(stride, d)
            for stage in self.stages[i]:
                if not visit.done:
                    d = visit.stage(stage, d, quality)
        return d.mul_(2.0**-STREAM_BITS).permute(0, 3, 1, 2), {s: plane.t() for s, plane in visit.canvas.items()}


class FrozenVisit:
    """The walk's progress through the layers, and the canvas (COEFFICIENTS[stride], N) that they paint."""

    def __init__(
        self,
        chooser: Chooser,
        evidence: dict[int, Tensor] | None,
        grey: bool,
        stop: int | None,
        positions: int,
        entries: int,
    ) -> None:
        self.chooser, self.evidence, self.grey, self.stop = chooser, evidence, grey, stop
        self.positions, self.entries = positions, entries
        self.canvas: dict[int, Tensor] = {}
        self.index = 0

    @property
    def done(self) -> bool:
        """Whether the layers asked for have all been visited."""
        return self.stop is not None and self.index >= self.stop

    def open(self, stride: int, d: Tensor) -> None:
        """Begins a scale: its canvas is blank."""
        self.canvas[stride] = torch.zeros(COEFFICIENTS[stride], d[..., 0].numel(), device=d.device)

    def stage(self, stage: FrozenStage, d: Tensor, quality: Tensor) -> Tensor:
        """One stage: spatial update, then its layers one after the other. Returns the next state (B, H, W, C)."""
        d = stage.enter(d, quality, self.positions)
        flat = d.view(-1, d.shape[-1])
        features = stage.features(flat, self.positions)
        symbols = []
        for layer in stage.layers:
            chosen = torch.full((len(flat),), layer.rest, dtype=torch.int32, device=d.device)
            symbols.append(chosen)
            if not self.done:
                for run in runs(len(flat), max(1, self.entries // layer.layer.symbols)):
                    self.block(layer, features[run], chosen[run], run)
                self.index += 1
        stage.leave(flat, symbols, self.positions)
        return d

    def block(self, layer: FrozenLayer, features: Tensor, symbols: Tensor, run: slice) -> None:
        """The positions `run` of a layer: fills in their symbols, paints, and adds the symbols to the features."""
        if not (self.grey and layer.layer.chroma):
            embedding, base = layer.heads(features)
            canvas = self.canvas[layer.layer.stride][:, run]
            base = base + canvas.index_select(0, layer.columns).t()
            residual = None
            if self.evidence is not None:
                known = self.evidence[layer.layer.stride].t()[:, run]
                residual = known.index_select(0, layer.columns).t() - base
            symbols.copy_(self.chooser.choose(Step(self.index, layer.layer, embedding, residual, run)))
            painted = base + layer.values.index_select(0, symbols)
            canvas.index_copy_(0, layer.columns, painted.t())
        if layer.ladder is not None:
            features.add_(layer.ladder.index_select(0, symbols)).clamp_(-LIMIT, LIMIT)


def rounded(x: Tensor) -> Tensor:
    """floor(x + 1/2), in place."""
    return x.add_(0.5).floor_()


def inputs(d: Tensor) -> Tensor:
    """Steps of the stream as the signed 8-bit input of a product."""
    return rounded(d * RATIO).clamp_(-127, 127)


def padded(image: Tensor, rows: slice) -> Tensor:
    """The inputs at these rows of (H, W, C) and a halo of one position, zero outside the image, and two positions more.

    ((h + 2) * (W + 2) + 2, C)
    """
    H, W, C = image.shape
    top, bottom = max(rows.start - 1, 0), min(rows.stop + 1, H)
    count = (rows.stop - rows.start + 2) * (W + 2)
    run = image.new_zeros(count + 2, C)
    inner = run[:count].view(-1, W + 2, C)[top - rows.start + 1 : bottom - rows.start + 1, 1:-1]
    rounded(torch.mul(image[top:bottom], RATIO, out=inner)).clamp_(-127, 127)
    return run


def bands(height: int, width: int, positions: int) -> list[slice]:
    """Runs of rows of about `positions` positions."""
    return runs(height, max(1, positions // width))


def runs(count: int, size: int) -> list[slice]:
    """Consecutive slices of `size`, the last one shorter."""
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]

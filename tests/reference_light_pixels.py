"""The pixels of the second decoder of the light network, written from docs/FORMAT.md alone: integers of numpy."""

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from reference_decoder import parse
from reference_light import GROUPS, Integers, LightPass, LightWeights, act, half_up, stream, total
from reference_light_filter import filtered
from reference_photo import neighbourhoods, shuffle
from reference_synthesis import COLOURS, DCT, FREQUENCY_SCALES, P, unshuffle

MOST = 32767
"""The largest magnitude of a sample."""


def integers(x: NDArray[Any]) -> Integers:
    """2^12 times a matrix, rounded."""
    return np.floor(2**12 * x + 0.5).astype(np.int64)


def basis() -> Integers:
    """The samples of a block (192, channel by channel) that its coefficients make."""
    scales = np.outer(FREQUENCY_SCALES, FREQUENCY_SCALES) / 2**16
    scales[0, 0] = 1
    return integers(np.einsum("iy,jx,ko,ij->oyxkij", DCT, DCT, COLOURS, 1 / scales).reshape(192, 192))


def coefficients(done: LightPass, stride: int) -> Integers:
    """The coefficients of a stride, in steps of 2^-12."""
    part = done.weights.part(f"values.{stride}.{done.setting[1]}.")
    numbers = [number for stage in GROUPS[stride] for group in stage for number in group]
    n = done.symbols[stride][:, :, numbers]
    nearer = part["shrink"].astype(np.int64)[np.arange(len(numbers)), np.abs(n).clip(1, 3) - 1]
    found = np.zeros_like(done.symbols[stride])
    found[:, :, numbers] = n * part["step"] - np.sign(n) * nearer
    return found


def samples(done: LightPass) -> Integers:
    """X, over the blocks that are coded."""
    means = coefficients(done, 64)[:, :, 9:] * 8  # from here on steps of 2^-15
    for stride in (64, 32, 16):
        details = coefficients(done, stride)[:, :, :9] * 8
        h, v, x = (details[:, :, 3 * kind : 3 * kind + 3] for kind in range(3))
        finer = np.stack([means + h + v + x, means - h + v - x, means + h - v - x, means - h - v + x], axis=-1)
        rows, columns = done.symbols[stride // 2].shape[:2]
        assert not (finer % 2).any()
        means = shuffle(finer.reshape(*finer.shape[:2], -1) // 2, 2)[:rows, :columns]
    blocks = coefficients(done, 8) * 8
    blocks[:, :, ::64] = means
    x = shuffle((blocks @ basis().T + 2**18) >> 19, 8)
    return unlapped(unlapped(x.swapaxes(0, 1)).swapaxes(0, 1)).clip(-MOST, MOST)


def unlapped(x: Integers) -> Integers:
    """Undo what was done about the borders between blocks above each other."""
    borders = np.einsum("ij,njxc->nixc", integers(np.linalg.inv(P)), x[4:-4].reshape(-1, 8, *x.shape[1:]))
    return np.concatenate([x[:4], ((borders + 2**11) >> 12).reshape(-1, *x.shape[1:]), x[-4:]])


def shares(blocks: int) -> Integers:
    """The share of each block's centre in each pixel (pixels, blocks), in sixteenths."""
    found = np.zeros((8 * blocks, blocks), np.int64)
    for y in range(8 * blocks):
        b, i = divmod(y, 8)
        for other, share in ((b - 1, max(7 - 2 * i, 0)), (b, 16 - abs(2 * i - 7)), (b + 1, max(2 * i - 7, 0))):
            found[y, min(max(other, 0), blocks - 1)] += share
    return found


def contrast(x: Integers) -> Integers:
    """What the post-filter sees of samples, in steps of 2^-5."""
    sums = x.reshape(x.shape[0] // 8, 8, x.shape[1] // 8, 8, 3).sum(axis=(1, 3))
    around = sliding_window_view(np.pad(sums, ((1, 1), (1, 1), (0, 0)), "edge"), (3, 3), (0, 1)).sum(axis=(3, 4))
    g = (2 * around + 9216) // 18432
    smooth = np.einsum("yi,xj,ijc->yxc", *map(shares, g.shape[:2]), g)
    t = ((16 * x - smooth + 128) >> 8).clip(-4095, 4095)
    found: Integers = (256 * t + 256 + np.abs(t)) // (2 * (256 + np.abs(t)))
    return found


def corrections(done: LightPass, x: Integers) -> Integers:
    """What the post-filter makes of contrasts, as channels; those beyond the border are zeros."""
    net, pairs = done.weights.part("postfilter."), done.weights.config["postfilter_pairs"]
    border = 2 * pairs + 2
    seen = np.pad(x, ((border, border), (border, border), (0, 0)))
    g = stream(
        total(half_up(net.map("first", neighbourhoods(seen), bits=5)), net.vector("conditioning", *done.setting))
    )
    for pair in net.all("body"):
        g = pair.block(g, "first", "second")
    found: Integers = half_up(net.map("last", neighbourhoods(act(g))))[border:-border, border:-border]
    return found


def enhanced(done: LightPass, x: Integers) -> Integers:
    """Y, of the post-filter."""
    if not done.weights.config["postfilter_width"]:
        return x
    nothing = corrections(done, np.zeros((1, 1, 12), np.int64))
    y: Integers = x + shuffle(corrections(done, unshuffle(contrast(x), 2)) - nothing, 2)
    return y


def colours(done: LightPass, *, whole: bool = True) -> NDArray[np.uint8]:
    """The pixels of a pass in three colours, (H, W, 3); filtered if it is of the whole file."""
    config = done.weights.config
    sigma = config["sigma_coarse"] * (config["sigma_fine"] / config["sigma_coarse"]) ** (done.setting[0] / 4096)
    y = enhanced(done, samples(done))[: done.file.height, : done.file.width] * int(256 * sigma + 0.5)
    if whole and "filter" in done.file.sections:
        levels = filtered(((y + 2**11) >> 12).clip(-8192, 8192), done.file)
        return (((levels + 8) >> 4) + 128).clip(0, 255).astype(np.uint8)
    return ((y + (257 << 15)) >> 16).clip(0, 255).astype(np.uint8)


def decode(
    data: bytes, weights: LightWeights, chunks: int | None = None
) -> tuple[dict[int, Integers], NDArray[np.uint8]]:
    """The symbols of each stride (rows, columns, coefficients), and the pixels; or a preview of so many chunks."""
    file, total_chunks = parse(data), len(parse(data).chunks)
    assert sum(count for count, _ in file.chunks) == sum(len(stage) for each in GROUPS.values() for stage in each)
    file.chunks = file.chunks[:chunks]
    done = LightPass(file, weights)
    shown = colours(done, whole=len(file.chunks) == total_chunks)
    grey = (2 * shown.astype(np.int64).sum(axis=2) + 3) // 6
    return done.symbols, grey.astype(np.uint8) if file.grey else shown

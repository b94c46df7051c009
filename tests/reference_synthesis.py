"""The second decoder's pixels, written from docs/FORMAT.md alone.

They are made of the reconstruction and the state that a top-down pass ends with.
"""

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from reference_decoder import parse
from reference_filter import filtered
from reference_photo import Floats, Integers, Part, TopDownPass, Weights, relu, shuffle

COLOURS = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])
DCT = np.array([[np.cos((2 * x + 1) * i * np.pi / 16) / (2 if i else 8**0.5) for x in range(8)] for i in range(8)])
SCALES = {64: [237, 237, 227, 246], 32: [217, 217, 199, 256], 16: [176, 176, 142, 256]}
"""Of lapped details, horizontal, vertical and diagonal, and of the means beside them."""
FREQUENCY_SCALES = np.array([215, 216, 237, 238, 246, 245, 251, 250])
V = np.array([[244, 201, 91, 61], [-141, 231, 158, 60], [29, -93, 279, 100], [-8, 2, -31, 304]]) / 2**8
W = np.block([[np.eye(4), np.eye(4)[::-1]], [np.eye(4)[::-1], -np.eye(4)]])
P = W @ np.block([[np.eye(4), np.zeros((4, 4))], [np.zeros((4, 4)), V]]) @ W / 2


def unshuffle(x: NDArray[Any], n: int) -> NDArray[Any]:
    """Make channels of squares of n x n."""
    rows, columns = x.shape[0] // n, x.shape[1] // n
    return x.reshape(rows, n, columns, n, -1).transpose(0, 2, 4, 1, 3).reshape(rows, columns, -1)


def inverse(coefficients: dict[int, Floats], lapped: bool) -> Floats:
    """The image of the coefficients by stride, in units of sigma."""
    means = coefficients[64][:, :, 9:]
    for stride in (64, 32, 16):
        groups = np.concatenate([coefficients[stride][:, :, :9], means], axis=2).reshape(*means.shape[:2], 4, 3)
        h, v, d, m = np.moveaxis(groups * 2**8 / np.array(SCALES[stride])[:, None] if lapped else groups, 2, 0)
        finer = np.stack([m + h + v + d, m - h + v - d, m + h - v - d, m - h - v + d], axis=-1) / 2
        rows, columns = coefficients[stride // 2].shape[:2]
        means = shuffle(finer.reshape(*finer.shape[:2], -1), 2)[:rows, :columns]
    blocks = coefficients[8].reshape(rows, columns, 3, 8, 8)
    blocks = blocks * 2**16 / np.outer(FREQUENCY_SCALES, FREQUENCY_SCALES) if lapped else blocks
    blocks[..., 0, 0] = means
    samples = np.einsum("iy,jx,rckij,ko->rcoyx", DCT, DCT, blocks, COLOURS)
    image = shuffle(samples.reshape(rows, columns, -1), 8)
    return unlapped(unlapped(image).swapaxes(0, 1)).swapaxes(0, 1) if lapped else image


def unlapped(x: Floats) -> Floats:
    """Undo what was done about the borders between blocks above each other."""
    borders = np.einsum("ij,njxc->nixc", np.linalg.inv(P), x[4:-4].reshape(-1, 8, *x.shape[1:]))
    return np.concatenate([x[:4], borders.reshape(-1, *x.shape[1:]), x[-4:]])


def contrast(x: Floats) -> Floats:
    """What networks see of an image."""
    means = x.reshape(x.shape[0] // 8, 8, x.shape[1] // 8, 8, 3).mean(axis=(1, 3))
    smooth = sliding_window_view(np.pad(means, ((1, 1), (1, 1), (0, 0)), "edge"), (3, 3), (0, 1)).mean(axis=(3, 4))
    t: Floats = x - np.einsum("yi,xj,ijc->yxc", *map(shares, means.shape[:2]), smooth)
    return t / (4 + np.abs(t) / 4)


def shares(blocks: int) -> Floats:
    """The share of each block's centre in each pixel (pixels, blocks)."""
    centres = 8 * np.arange(blocks) + 3.5
    return np.stack([np.interp(np.arange(8 * blocks), centres, row) for row in np.eye(blocks)], axis=1)


def pixels(done: TopDownPass, whole: bool) -> NDArray[np.uint8]:
    """The pixels of a pass: (H, W, 3), or (H, W) of grey; filtered if it is of the whole file."""
    config, tensors = done.weights.config, done.weights.tensors
    x, net = inverse(done.reconstruction, config.get("transform") == "lapped"), Part(tensors, "synthesis.")
    conditioning = net.conv("extra", done.d / 4) + net.quality(done.code)
    h = net.body(net.conv("first", unshuffle(contrast(x), 8)) + conditioning)
    x = x + shuffle(net.conv("last", relu(h)), 8)
    if config.get("postfilter_width"):
        net = Part(tensors, "postfilter.")
        conditioning = shuffle(net.conv("conditioning", relu(h)), 4) + net.quality(done.code)
        g = net.body(net.conv("first", unshuffle(contrast(x), 2)) + conditioning)
        x = x + shuffle(net.conv("last", relu(g)), 2)
    sigma = config["sigma_coarse"] * (config["sigma_fine"] / config["sigma_coarse"]) ** (done.code / 4096)
    x = 128 + sigma * x[: done.file.height, : done.file.width]
    levels = np.floor((filtered(x, done.file) if whole else x).clip(0, 255) + 0.5)
    shown: Floats = np.floor(levels.mean(axis=2) + 0.5) if done.file.grey else levels
    return shown.astype(np.uint8)


def decode(data: bytes, weights: Weights, chunks: int | None = None) -> tuple[list[Integers], NDArray[np.uint8]]:
    """The symbols of each layer in the file's order, and the pixels; or a preview of so many chunks."""
    file = parse(data)
    assert sum(count for count, _ in file.chunks) == sum(len(stage) for each in weights.layout for stage in each)
    total, file.chunks = len(file.chunks), file.chunks[:chunks]
    done = TopDownPass(file, weights)
    return done.symbols, pixels(done, len(file.chunks) == total)

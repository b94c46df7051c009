"""Decodes in the environment it is started in and tells what it saw, as JSON. Run by test_exactness.py.

python exactness_probe.py WEIGHTS FILE WRITTEN on|off     the last switches oneDNN
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import recorder
import small_model
import torch
from torch import Tensor

from dvcodec.codec.lossy import encoder
from dvcodec.codec.settings import CompressSettings
from dvcodec.image_io.images import Picture
from dvcodec.models.integer.guard import integer_arithmetic
from dvcodec.models.integer.prior import prior_weights
from dvcodec.models.interface import hierarchy as interface
from dvcodec.models.photo.integer.chain import IntegerChain
from dvcodec.models.photo.network.chain import TopDownChain
from dvcodec.models.photo.network.model import PhotoRRVQ, grid_sizes
from dvcodec.models.photo.network.top_down import PhotoStep, run_photo_pass
from dvcodec.models.runtime import kernels

SIZE = (40, 72)
BATCHES = (1, 4, 16)
EFFORT = 4
"""Passes of an encoder, of which the first ones look ahead."""

WEIGHTS_ID = b"exactnes"


class Replay:
    """Chooses known symbols for a batch of images and hashes, image by image, all priors it was offered.

    The symbols depend on image, layer and position alone: the null symbol everywhere in the first image, then wilder.
    """

    def __init__(self, batch: int, size: tuple[int, int]) -> None:
        self._hashes = [hashlib.sha256() for _ in range(batch)]
        self._sizes = grid_sizes(size)

    def next(self, step: PhotoStep) -> Tensor:
        """Return symbols (n,) and take the priors down."""
        priors = prior_weights(step.layer.exact_scores(step.embedding)).cpu().numpy()
        rows, columns = self._sizes[step.layer.stride]
        images, cells = np.divmod(small_model.places(step.rows).cpu().numpy(), rows * columns)
        for image in np.unique(images):
            self._hashes[image].update(priors[images == image].tobytes())
        symbols = _known(images, cells, step.index, step.layer.symbols, step.layer.null_symbol())
        return torch.from_numpy(symbols).to(step.embedding.device)

    def digests(self, state: Tensor) -> list[str]:
        """Return one hash an image: its priors, and the chain's last state (B, C, H, W)."""
        for image, last in zip(self._hashes, state.cpu(), strict=True):
            image.update(last.contiguous().numpy().tobytes())
        return [image.hexdigest() for image in self._hashes]


def _known(images: np.ndarray, cells: np.ndarray, layer: int, symbols: int, null_symbol: int) -> np.ndarray:
    """Symbols (n,) int64 from a linear congruence of where they stand."""
    drawn = (images * 7919 + cells * 104729 + layer * 1299709 + 12345) * 2654435761 % 2**32 >> 8
    return np.where(drawn % 16 < images, drawn // 16 % symbols, null_symbol)


def replay(
    chain: TopDownChain | IntegerChain, batch: int, size: tuple[int, int] = SIZE, device: str = "cpu"
) -> list[str]:
    """Pass a batch of images of known symbols through a model, each at a quality of its own; one hash an image."""
    watch = Replay(batch, size)
    codes = torch.tensor([4096 - 256 * i for i in range(batch)], device=device)
    with integer_arithmetic():
        state, _ = run_photo_pass(chain, grid_sizes(size), codes, watch)
    return watch.digests(state)


def replayed(model: PhotoRRVQ, *, tiled: bool = True) -> list[str]:
    """Replay all batch sizes, and two images in bands and blocks of other sizes; the 16 hashes that all agree on."""
    chain = small_model.integer_chain(model)
    whole = replay(chain, max(BATCHES))
    for batch in BATCHES[:-1]:
        assert replay(chain, batch) == whole[:batch], f"a batch of {batch} has other priors than one of {max(BATCHES)}"
    for positions, entries in ((1, 2000), (20, 500)) if tiled else ():
        tiles = small_model.integer_chain(model, positions, entries)
        assert replay(tiles, 2) == whole[:2], f"bands of {positions} positions have other priors than whole layers"
    return whole


def write(pixels: np.ndarray, hierarchy: interface.Hierarchy) -> tuple[bytes, str]:
    """Encode pixels here: the file, and the hash of the symbols that the encoder chose."""
    watch = recorder.watched(hierarchy, priors=True)
    data = encoder.compress(Picture(pixels), watch, WEIGHTS_ID, CompressSettings(quality=60, effort=EFFORT)).data
    assert watch.passes == EFFORT - 1
    return data, watch.digest()


def report(weights: bytes, data: bytes, threads: tuple[int, ...]) -> dict[str, object]:
    """What this environment decodes and replays; the same for every thread count and without torch.

    AssertionError otherwise.
    """
    hierarchy, runtime = small_model.load(weights), small_model.load_runtime(weights)
    seen: list[dict[str, object]] = []
    for count in threads:
        torch.set_num_threads(count)
        kernels.use_threads(count)
        digest, _ = recorder.decoded(data, hierarchy, priors=True)
        assert recorder.decoded(data, runtime, priors=True)[0] == digest, "the runtime sees other priors"
        seen.append(
            {"decoded": digest, "replayed": replayed(small_model.network(hierarchy), tiled=count == threads[0])}
        )
    assert all(one == seen[0] for one in seen), "two threads see other priors than one"
    return seen[0]


def main() -> None:
    """Probe and print."""
    weights, file, written, onednn = sys.argv[1:]
    with torch.backends.mkldnn.flags(enabled=onednn == "on"):
        model = Path(weights).read_bytes()
        hierarchy, seen = small_model.load(model), report(model, Path(file).read_bytes(), (1, 2))
        data, seen["wrote"] = write(small_model.picture(72, 104, seed=1), hierarchy)
    Path(written).write_bytes(data)
    seen["capability"] = torch.backends.cpu.get_cpu_capability()
    print(json.dumps(seen))


if __name__ == "__main__":
    main()

"""Time and peak memory of a process of its own, and lossless codecs."""

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import dvcodec as package
from comparing import pictures
from dvcodec.errors import DvcodecError
from dvcodec.evaluation.codecs.baselines import Jpeg
from dvcodec.evaluation.codecs.lossless import LosslessDvcodec, LosslessPng, lossless_codecs
from dvcodec.evaluation.comparison.cost import cost_of, peak_bytes, repeated
from dvcodec.evaluation.images import load_rgb
from dvcodec.evaluation.metrics.lossless_size import measure_lossless
from fake import photograph


class Dying(Jpeg):
    """Ends its process."""

    def encode(self, image: Image.Image, quality: float) -> bytes:
        """Never returns."""
        os._exit(9)


class Hungry(Jpeg):
    """JPEG that needs 200 MiB to decode."""

    def decode(self, data: bytes) -> Image.Image:
        """The image, after touching the memory."""
        np.ones(200 << 20, np.uint8).sum()
        return super().decode(data)


def test_memory_belongs_to_the_operation_that_needs_it(tmp_path: Path) -> None:
    """Neither the parent's nor the other operation's peak counts."""
    if peak_bytes() is None:
        pytest.skip("this system does not tell the peak memory of a process")
    path = next(pictures(tmp_path / "pictures", count=1).iterdir())
    ballast = np.ones(300 << 20, np.uint8)
    cost = cost_of(Hungry(), path, "picture", 50, None, runs=1)
    assert ballast.size and cost.encode_peak is not None and cost.decode_peak is not None
    assert cost.encode_peak < 200 << 20 < cost.decode_peak < 500 << 20
    assert cost.threads == "as each library takes" and cost.size == len(Jpeg().encode(load_rgb(path), 50))


def test_a_process_that_dies_is_reported(tmp_path: Path) -> None:
    path = next(pictures(tmp_path / "pictures", count=1).iterdir())
    with pytest.raises(DvcodecError, match="the measuring process died"):
        cost_of(Dying(), path, "picture", 50, None)


def test_every_run_is_timed() -> None:
    calls: list[None] = []
    assert len(repeated(lambda: calls.append(None), 3)) == len(calls) == 3


@pytest.mark.parametrize("codec", lossless_codecs("auto"), ids=lambda codec: codec.name)
@pytest.mark.parametrize("size", [(1, 1), (7, 3), (64, 48)])
def test_lossless_codecs_are_exact(codec: Any, size: tuple[int, int]) -> None:
    if reason := codec.missing():
        pytest.skip(reason)
    image = Image.fromarray(photograph(size[1], size[0]))
    measured = measure_lossless(codec, "picture", image)
    assert measured.size == len(codec.encode(image)) and measured.bpp == 8 * measured.size / (size[0] * size[1])
    assert any(character.isdigit() for character in codec.settings)


def test_a_codec_that_loses_something_is_found_out() -> None:
    class Lossy(LosslessPng):
        def decode(self, data: bytes) -> Image.Image:
            return super().decode(data).point(lambda value: min(255, value + 1))

    with pytest.raises(DvcodecError, match="not the original"):
        measure_lossless(Lossy(), "picture", Image.fromarray(photograph(8, 8)))


def test_ours_takes_part(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = LosslessDvcodec()

    def compress(image: Image.Image, *, lossless: bool, device: str, strip: bool) -> bytes:
        assert lossless and strip
        stream = io.BytesIO()
        image.save(stream, "PNG")
        return stream.getvalue()

    monkeypatch.setattr(package, "compress", compress)
    monkeypatch.setattr(package, "decompress", lambda data, device: Image.open(io.BytesIO(data)))
    assert ours.missing() is None
    assert measure_lossless(ours, "picture", Image.fromarray(photograph(8, 8))).size > 0

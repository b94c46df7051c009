"""Black and white images beside other codecs: every pixel comes back from each, and every row is reported."""

from pathlib import Path

import numpy as np
import pytest
import small_bilevel
from PIL import Image

from dvcodec.evaluation.codecs.bilevel import BILEVEL_CODECS
from dvcodec.evaluation.codecs.interface import LosslessCodec
from dvcodec.evaluation.comparison import bilevel
from dvcodec.evaluation.metrics.lossless_size import measure_lossless


@pytest.mark.parametrize("codec", BILEVEL_CODECS, ids=lambda codec: codec.name)
@pytest.mark.parametrize("size", [(1, 1), (33, 50)])
def test_every_pixel_comes_back(codec: LosslessCodec, size: tuple[int, int]) -> None:
    if codec.missing() is not None:
        pytest.skip(str(codec.missing()))
    image = Image.fromarray(small_bilevel.page(*size) != 0)
    found = measure_lossless(codec, "page", image)
    assert found.size > 0 and codec.settings


def test_a_table_of_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.fromarray(small_bilevel.page(40, 60) != 0).save(tmp_path / "one.png")
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "grey.png")
    bilevel.main([str(tmp_path / "one.png"), str(tmp_path / "grey.png")])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 and lines[1].startswith("one.png") and "60 x 40" in lines[1]


def test_the_estimate_of_jbig2_follows_the_pixels() -> None:
    rng = np.random.default_rng(0)
    noise = Image.fromarray(rng.random((200, 200)) < 0.5)
    assert bilevel.jbig2_estimate(noise) > 0.97 * 200 * 200 / 8
    assert bilevel.jbig2_estimate(Image.new("1", (200, 200), 1)) < 4
    chequers = Image.fromarray(np.indices((200, 200)).sum(axis=0) % 2 == 0)
    assert 4 < bilevel.jbig2_estimate(chequers) < 100

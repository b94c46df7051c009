"""Segments that a bits-back model codes: chosen where smallest, named by hash, checked at decode."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import sample_archives as sample
from numpy.typing import NDArray
from PIL import Image
from sample_archives import back, equal, kinds
from weights_headers import header

import dvcodec
from dvcodec import weights
from dvcodec.codec.archives import grouping, writer
from dvcodec.codec.archives.layout import MOSAIC, SET, ArchiveHead
from dvcodec.codec.loaders import installed
from dvcodec.errors import UnsupportedImage, WeightsNotFound
from dvcodec.image_io import images
from fake_bits_back import FakeBitsBack, known

pytestmark = pytest.mark.usefixtures("fake_weights")


def sets_of(count: int) -> list[tuple[str, Image.Image]]:
    """Images that the fake bits-back coder knows."""
    return [(f"{i}.png", images.to_image(images.Picture(known(i % 256), bilevel=True))) for i in range(count)]


def test_bits_back_is_used_where_it_is_smallest(fake_bits_back: weights.Weights, tmp_path: Path) -> None:
    mixed = [*sets_of(300), *sample.digits(20)]
    sample.write(tmp_path / "a.dvq", mixed)
    assert kinds(tmp_path / "a.dvq") == [(SET, 256), (SET, 44), (MOSAIC, 20)]
    assert equal(back(tmp_path / "a.dvq"), mixed)
    first = dvcodec.archive_info(tmp_path / "a.dvq").segments[0]
    assert (first.weights_id, first.weights_name) == (fake_bits_back.id.hex(), "fake-bits-back")
    sample.write(tmp_path / "b.dvq", sets_of(300), "webp")
    assert SET not in dict(kinds(tmp_path / "b.dvq"))
    unknown = [
        ("", Image.fromarray(np.random.default_rng(10**6 + i).integers(0, 2, (6, 5), np.uint8) * np.uint8(255)))
        for i in range(99)
    ]
    sample.write(tmp_path / "c.dvq", [("", image.convert("1")) for _, image in unknown])
    assert SET not in dict(kinds(tmp_path / "c.dvq"))


def test_bits_back_takes_sets_alone(fake_bits_back: weights.Weights, tmp_path: Path) -> None:
    sample.write(tmp_path / "a.dvq", sets_of(1), "bits-back")
    assert kinds(tmp_path / "a.dvq") == [(SET, 1)] and equal(back(tmp_path / "a.dvq"), sets_of(1))
    with pytest.raises(UnsupportedImage, match="no bits-back model suits 12 x 12 pixels of mode 1"):
        sample.write(tmp_path / "b.dvq", sample.digits(3), "bits-back")
    marked = sets_of(1)[0][1]
    marked.info["xmp"] = b"<xmp/>"
    with pytest.raises(UnsupportedImage, match="metadata"):
        sample.write(tmp_path / "b.dvq", [("", marked)], "bits-back")
    assert not (tmp_path / "b.dvq").exists()


def test_sets_name_their_weights_once_and_now_and_then(
    fake_bits_back: weights.Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grouping, "OPEN_PIXELS", 29)
    monkeypatch.setattr(writer, "WEIGHTS_EVERY", 4)
    sample.write(tmp_path / "a.dvq", sets_of(10), "bits-back")
    heads = [head for head, *_ in sample.segments((tmp_path / "a.dvq").read_bytes()) if isinstance(head, ArchiveHead)]
    assert [bool(head.weights_id) for head in heads] == [i in (0, 3, 7) for i in range(10)]
    data = bytearray((tmp_path / "a.dvq").read_bytes())
    data[8] ^= 1  # the first head is lost, and with it the id that it tells
    (tmp_path / "b.dvq").write_bytes(data)
    found, losses = sample.read(tmp_path / "b.dvq")
    assert sorted(found) == [*range(1, 10)] and len(losses) == 1
    (tmp_path / "c.dvq").write_bytes(data[:-1])
    found, losses = sample.read(tmp_path / "c.dvq")
    assert sorted(found) == [*range(3, 10)] and "the id of its weights is lost" in str(losses[0])


def test_other_weights_than_those_of_a_set_are_noticed(fake_bits_back: weights.Weights, tmp_path: Path) -> None:
    sample.write(tmp_path / "a.dvq", sets_of(40), "bits-back")
    usual = installed("cpu")
    wrong = replace(usual, bits_back=lambda prefix: FakeBitsBack(salt=1))
    found, losses = sample.read(tmp_path / "a.dvq", wrong)
    assert not found and "checksum" in str(losses[0])
    short = replace(usual, bits_back=lambda prefix: Halves())
    assert "do not have the size" in str(sample.read(tmp_path / "a.dvq", short)[1][0])


class Halves(FakeBitsBack):
    """Gives fewer images than there are."""

    def decode(self, payload: bytes, count: int) -> NDArray[np.uint8]:
        """Leave some out."""
        return super().decode(payload, count)[: count // 2]


def test_weights_of_sets_that_no_release_reads_are_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.safetensors"
    path.write_bytes(header("dvcodec-other-9"))
    with pytest.raises(WeightsNotFound, match=r"mine\.safetensors is not a weights file"):
        weights.find(str(path))

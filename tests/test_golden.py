"""Golden files: what once was a valid file decodes to the same symbols for ever, and to pixels within 1."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import recorder
from PIL import Image

import dvcodec
from dvcodec import weights
from dvcodec.codec import loading
from dvcodec.codec.bitstream.container import Container
from dvcodec.errors import DvcodecError
from dvcodec.image_io import images

FOLDER = Path(__file__).parent / "golden"
INDEX: dict[str, str] = json.loads((FOLDER / "index.json").read_text())
needs_files = pytest.mark.skipif(not INDEX, reason="no weights ship yet, so there are no golden files")


def facts(name: str) -> dict[str, Any]:
    """What is known of a golden file."""
    known: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return known


@pytest.mark.parametrize("name", INDEX)
def test_golden_files_never_change(name: str) -> None:
    assert hashlib.sha256((FOLDER / f"{name}.dvq").read_bytes()).hexdigest() == INDEX[name]


def test_every_golden_file_is_listed() -> None:
    assert {path.stem for path in FOLDER.glob("*.dvq")} == set(INDEX)
    assert {path.stem for path in FOLDER.glob("*.png")} == set(INDEX)
    assert {path.stem for path in FOLDER.glob("*.json")} == {*INDEX, "index"}


@needs_files
def test_all_shipped_weights_have_golden_files() -> None:
    used = {facts(name).get(key) for name in INDEX for key in ("weights", "pixel_weights")}
    archives = (dvcodec.archive_info(path) for path in (FOLDER / "archives").glob("*.dvq"))
    used |= {segment.weights_name for archive in archives for segment in archive.segments}
    assert used >= {entry.name for entry in weights.entries()}


@pytest.mark.parametrize("name", INDEX)
def test_golden_files_decode_as_ever(name: str) -> None:
    data, known = (FOLDER / f"{name}.dvq").read_bytes(), facts(name)
    chosen = weights.find(known["weights"])
    header = Container(data).header
    assert not header.modelled or header.weights == chosen.id
    symbols, result = recorder.decoded(
        data,
        loading.hierarchy(chosen, "cpu"),
        load_pixels=lambda prefix: loading.pixel_model_by_id(prefix, "cpu"),
        load_pages=lambda prefix: loading.page_model_by_id(prefix, "cpu"),
    )
    assert symbols == known["symbols_sha256"]
    assert result.exact == (header.lossless is not None) == ("pixel_weights" in known)
    image = images.to_image(result.picture)
    assert (list(image.size), image.mode) == (known["size"], known["mode"])
    with Image.open(FOLDER / known["pixels"]) as stored:
        assert stored.mode == image.mode
        assert image.getpalette() == stored.getpalette()
        difference = np.asarray(image).astype(int) - np.asarray(stored)
    assert np.abs(difference).max() <= (0 if result.exact else 1)
    if image.mode in {"RGBA", "LA"}:
        assert not difference[:, :, -1].any()


@pytest.mark.parametrize("name", list(INDEX)[:1])
def test_a_changed_golden_file_is_noticed(name: str) -> None:
    data = bytearray((FOLDER / f"{name}.dvq").read_bytes())
    hierarchy = loading.hierarchy(weights.by_id(Container(bytes(data)).header.weights), "cpu")
    data[len(data) // 2] ^= 1
    with pytest.raises(DvcodecError):
        recorder.decoded(bytes(data), hierarchy)

"""Golden files: what once was a valid file decodes to the same symbols for ever, and to pixels within 1."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import recorder
from golden.make import preview
from PIL import Image

import dvcodec
from dvcodec import weights
from dvcodec.codec import loading
from dvcodec.codec.bitstream.container import parse
from dvcodec.codec.bitstream.header import MODEL
from dvcodec.codec.loaders import installed
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
    used = {one for name in INDEX for one in facts(name)["weights"]}
    archives = (dvcodec.archive_info(path) for path in (FOLDER / "archives").glob("*.dvq"))
    used |= {segment.weights_name for archive in archives for segment in archive.segments}
    assert used >= {entry.name for entry in weights.entries()}


@pytest.mark.parametrize("name", INDEX)
def test_golden_files_decode_as_ever(name: str) -> None:
    data, known = (FOLDER / f"{name}.dvq").read_bytes(), facts(name)
    header = parse(data).header
    ids = [one for one in (header.weights, header.pixel_weights) if one]
    assert [weights.by_id(one).name for one in ids] == known["weights"]
    chosen = weights.by_id(header.weights) if header.has_symbols else weights.default()
    symbols, result = recorder.decoded(data, loading.hierarchy(chosen, "cpu"), loaders=installed("cpu"))
    assert symbols == known["symbols_sha256"]
    assert result.exact == header.lossless
    if header.kind == MODEL:
        assert hashlib.sha256(preview(data)).hexdigest() == known["preview_sha256"]
    image = images.to_image(result.picture)
    assert (list(image.size), image.mode) == (known["size"], known["mode"])
    with Image.open(FOLDER / f"{name}.png") as stored:
        assert stored.mode == image.mode
        assert image.getpalette() == stored.getpalette()
        difference = np.asarray(image).astype(int) - np.asarray(stored)
    exact = result.exact or weights.FOR_THE_EYE in known["weights"]  # its pixels are integers, the same everywhere
    assert np.abs(difference).max() <= (0 if exact else 1)
    if image.mode in {"RGBA", "LA"}:
        assert not difference[:, :, -1].any()


@pytest.mark.parametrize("name", ["lossy-rgb", "lossy-la", "psnr-rgb", "psnr-la"])
def test_a_changed_golden_file_is_noticed(name: str) -> None:
    data = bytearray((FOLDER / f"{name}.dvq").read_bytes())
    hierarchy = loading.hierarchy(weights.by_id(parse(bytes(data)).header.weights), "cpu")
    data[len(data) // 2] ^= 1
    with pytest.raises(DvcodecError):
        recorder.decoded(bytes(data), hierarchy)

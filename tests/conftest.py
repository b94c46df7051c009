"""Fixtures shared by the tests: the fake hierarchy installed as the default weights of a private folder."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from dvcodec import weights
from dvcodec.codec import engine
from fake import LAYERS, FakeHierarchy


@pytest.fixture
def fake_weights(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[weights.Weights]:
    """Install weights named "fake" as the only and default ones; loading them gives a FakeHierarchy, without torch."""
    folder = tmp_path_factory.mktemp("weights")
    content = b"not really a network"
    (folder / "fake.safetensors").write_bytes(content)
    layers = [{"name": layer.name, "stride": layer.stride, "symbols": layer.symbols} for layer in LAYERS]
    (folder / "fake.card.json").write_text(json.dumps({"layers": layers}))
    entry = {
        "name": "fake",
        "file": "fake.safetensors",
        "sha256": hashlib.sha256(content).hexdigest(),
        "card": "fake.card.json",
        "default": True,
    }
    (folder / "manifest.json").write_text(json.dumps([entry]))
    monkeypatch.setattr(weights, "_FOLDER", folder)
    monkeypatch.delenv("DVCODEC_WEIGHTS", raising=False)

    def load(path: Path, device: str) -> FakeHierarchy:
        return FakeHierarchy()

    monkeypatch.setattr(engine, "load_model", load)
    monkeypatch.setattr(engine, "device_of", lambda device: "cpu")
    engine.forget()
    yield weights.default()
    engine.forget()

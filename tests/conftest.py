"""Fixtures shared by the tests: the fake hierarchy as the default weights of a private folder, and the shipped one."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import shape_checks  # noqa: F401  # before the models
from hypothesis import settings
from PIL import Image
from weights_headers import header

from dvcodec import models, weights
from dvcodec.codec import api, loading
from dvcodec.codec.lossy import symbol_chunks
from dvcodec.codec.settings import CompressSettings
from fake import LAYERS, FakeHierarchy, photograph
from fake_bits_back import FakeBitsBack

if TYPE_CHECKING:
    from dvcodec.models.photo.codec_model import PhotoCodecModel

settings.register_profile("untimed", deadline=None)  # speed is measured in benchmarks
settings.load_profile("untimed")


@pytest.fixture
def fake_weights(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[weights.Weights]:
    """Install weights named "fake" as the only and default ones; loading them gives a FakeHierarchy, without torch."""
    folder = tmp_path_factory.mktemp("weights")
    (folder / "fake.safetensors").write_bytes(header())
    layers = [{"name": layer.name, "stride": layer.stride, "symbols": layer.symbols} for layer in LAYERS]
    (folder / "fake.card.json").write_text(json.dumps({"layers": layers}))
    monkeypatch.setattr(weights, "_FOLDER", folder)
    monkeypatch.delenv("DVCODEC_WEIGHTS", raising=False)

    monkeypatch.setitem(loading.LOADERS, weights.HIERARCHY, lambda path, device, identity: FakeHierarchy())
    monkeypatch.setattr(loading, "device_of", lambda device: "cpu")
    loading.forget()
    yield weights.default()
    loading.forget()


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let chunks close early, so that small pictures have several."""
    monkeypatch.setattr(symbol_chunks, "SCALE_CHUNK", 64)
    monkeypatch.setattr(symbol_chunks, "FULL_CHUNK", 2048)


@pytest.fixture
def fake_bits_back(fake_weights: weights.Weights, monkeypatch: pytest.MonkeyPatch) -> weights.Weights:
    """Install weights of a bits-back model too, named "fake-bits-back"; loading them gives a FakeBitsBack."""
    config = {"reversible": True, "likelihood": "neighbours"}
    data = header("dvcodec-family-1", config, identity=hashlib.sha256(b"a bits-back model").hexdigest())
    (fake_weights.path.parent / "fake-bits-back.safetensors").write_bytes(data)
    monkeypatch.setitem(loading.LOADERS, weights.BITS_BACK, lambda path, device, identity: FakeBitsBack())
    monkeypatch.setattr(models, "bits_back_suits", lambda config, *size: FakeBitsBack().suits(*size))
    return weights.find("fake-bits-back")


@pytest.fixture(scope="session")
def shipped() -> "PhotoCodecModel":
    """The hierarchy of the default weights as a network of torch. Shared: do not change it."""
    from dvcodec.models.photo.codec_model import PhotoCodecModel

    hierarchy = loading.network(weights.default(), "cpu")
    assert isinstance(hierarchy, PhotoCodecModel)
    return hierarchy


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """Return a PNG file."""
    path = tmp_path / "photo.png"
    Image.fromarray(photograph(120, 150)).save(path)
    return path


@pytest.fixture
def dvq(photo: Path) -> Path:
    """Return a .dvq file, by the weights that the test module has."""
    path = photo.with_suffix(".dvq")
    api.compress_file(photo, path, CompressSettings())
    return path


@pytest.fixture
def toy_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checkpoints of the toy task can be read."""
    import torch

    import toy_task
    from dvcodec.training.recipes import registry
    from dvcodec.training.recipes.base import Recipe

    torch.set_num_threads(1)
    restored = registry.restored

    def with_toy(plain: dict[str, Any]) -> registry.Settings:
        if plain["kind"] != "toy":
            return restored(plain)
        sizes, recipe = toy_task.Sizes(), registry.recipe_of(Recipe, plain["recipe"])
        return registry.Settings("toy", "toy", sizes, recipe)

    monkeypatch.setattr(registry, "restored", with_toy)
    monkeypatch.setattr(registry, "module", lambda settings: toy_task.Model())

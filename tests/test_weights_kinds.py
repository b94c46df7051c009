"""What a weights file is a model of, as its header says; what ships."""

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from weights_headers import ID, header

from dvcodec import models, weights
from dvcodec.codec import loading
from dvcodec.errors import WeightsNotFound
from dvcodec.weights.kinds import BILEVEL, BITS_BACK, HIERARCHY, KINDS, LARGEST_HEADER, PIXELS

REVERSIBLE = {"reversible": True, "likelihood": "neighbours"}
JOBS = {
    "rrvq-light": HIERARCHY,
    "rrvq-photo": HIERARCHY,
    "pixels-photo": PIXELS,
    "bilevel-pages": BILEVEL,
    "hdvae-mnist": BITS_BACK,
    "rrvq-cifar": BITS_BACK,
}


@pytest.mark.parametrize(
    ("form", "config", "kind"),
    [
        ("dvcodec-photo-1", {}, HIERARCHY),
        ("dvcodec-light-1", {}, HIERARCHY),
        ("dvcodec-pixels-1", {}, PIXELS),
        ("dvcodec-bilevel-1", {}, BILEVEL),
        ("dvcodec-family-1", REVERSIBLE, BITS_BACK),
        ("dvcodec-family-1", REVERSIBLE | {"reversible": False}, HIERARCHY),
        ("dvcodec-family-1", REVERSIBLE | {"likelihood": "bernoulli"}, HIERARCHY),
    ],
)
def test_the_header_tells_the_kind(tmp_path: Path, form: str, config: object, kind: str) -> None:
    path = tmp_path / "mine.safetensors"
    path.write_bytes(header(form, config))
    found = weights.find(str(path))
    assert (found.kind, found.sha256, found.config, found.name) == (kind, ID, config, "mine")


@pytest.mark.parametrize(
    "content",
    [
        header("dvcodec-other-1"),
        header("dvcodec-family-1"),
        header(config=[]),
        header(identity="ab"),
        header(identity=7),
        header(identity="x" * 64),
        struct.pack("<Q", LARGEST_HEADER + 1) + b"{}",
        struct.pack("<Q", 2) + b"{}",
        b"",
    ],
    ids=range(9),
)
def test_other_files_are_not_weights(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    with pytest.raises(WeightsNotFound, match=r"x\.safetensors is not a weights file: "):
        weights.find(str(path))


@given(content=st.binary(max_size=64))
def test_random_bytes_are_not_weights(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("kinds") / "x.safetensors"
    for data in (content, struct.pack("<Q", len(content)) + content):
        path.write_bytes(data)
        with pytest.raises(WeightsNotFound, match="is not a weights file"):
            weights.find(str(path))


def test_one_set_of_weights_ships_for_each_job() -> None:
    assert {entry.name: entry.kind for entry in weights.entries()} == JOBS
    assert [KINDS.index(entry.kind) for entry in weights.entries()] == sorted(map(KINDS.index, JOBS.values()))
    for kind, name in ((HIERARCHY, "rrvq-photo"), (PIXELS, "pixels-photo"), (BILEVEL, "bilevel-pages")):
        assert weights.default(kind).name == name
    assert not weights.defaults(BITS_BACK)
    assert len({entry.id for entry in weights.entries()}) == len(JOBS)


def test_what_ships_is_small() -> None:
    """One set a job fits 12 MiB. Photographs have two until the light one reaches the other's PSNR, too."""
    sizes = {path.name: path.stat().st_size for path in weights.find("rrvq-photo").path.parent.iterdir()}
    assert sum(sizes.values()) - sizes["rrvq-light.safetensors"] < 12 * 2**20
    assert sizes["rrvq-light.safetensors"] < 3 * 10**6


@pytest.mark.parametrize("name", JOBS)
def test_what_ships_loads_as_what_it_is(name: str) -> None:
    entry = weights.find(name)
    model = loading.load(entry.kind, entry)
    assert model.name == name
    for kind in {*KINDS} - {entry.kind, HIERARCHY}:
        with pytest.raises(WeightsNotFound, match=r"cannot be loaded: (it is a model of .*, not of|.*no reversible)"):
            loading.load(kind, entry)


def test_the_header_says_as_the_model_whether_weights_code_sets() -> None:
    sizes = [(mode, side, side) for mode in ("1", "L", "RGB") for side in (28, 32)] + [("RGB", 32, 28)]
    for entry in weights.of_kind(BITS_BACK):
        model = models.load_bits_back(entry.path)
        suited = [models.bits_back_suits(entry.config, *size) for size in sizes]
        assert suited == [model.suits(*size) for size in sizes] and sum(suited) == 1


def test_only_sets_that_suit_are_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Path] = []

    class Model:
        def encode(self, samples: object) -> bytes:
            return b"coded"

    def load(path: Path, device: str, identity: str) -> Model:
        asked.append(path)
        return Model()

    monkeypatch.setitem(loading.LOADERS, BITS_BACK, load)
    loading.forget()
    coders = [coder for _, coder in loading.bits_back_coders() if coder.suits("1", 28, 28)]
    assert not asked and [coder.name for coder in coders] == ["hdvae-mnist"]
    assert coders[0].encode(None) == b"coded"  # type: ignore[arg-type]
    assert [path.stem for path in asked] == ["hdvae-mnist"]
    loading.forget()

"""Data sets of PyTorch and decoders of WebDataset over .dvq files."""

import importlib.util
import io
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sample_archives as sample
from PIL import Image
from test_lossless import same

import dvcodec
from dvcodec import shards
from dvcodec.codec import loading
from dvcodec.errors import DvcodecError, FormatError, ImageNotFound, InvalidArgument
from fake import photograph

pytestmark = pytest.mark.usefixtures("fake_weights")
ROOT = Path(__file__).parent.parent


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with four compressed images, one of them in a folder of its own, and a file that is none."""
    for index, name in enumerate(("b.dvq", "a.DVQ", "deep/c.dvq", "d.dvq")):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(dvcodec.compress(photograph(20, 30, index), lossless=True))
    (tmp_path / "photos" / "notes.txt").write_text("no image")
    return tmp_path / "photos"


def test_a_folder_in_a_fixed_order(folder: Path) -> None:
    from dvcodec.data import DvqDataset

    images = DvqDataset(folder)
    assert images.names == ("a.DVQ", "b.dvq", "d.dvq", "deep/c.dvq") and len(images) == 4
    assert [np.asarray(image)[0, 0, 0] for image in map(images.__getitem__, range(4))] == [
        photograph(20, 30, i)[0, 0, 0] for i in (1, 0, 3, 2)
    ]
    assert (np.asarray(images[-1]) == photograph(20, 30, 2)).all()
    with pytest.raises(IndexError):
        images[4]
    with pytest.raises(ImageNotFound):
        images[-5]


def test_an_archive_and_a_transform(tmp_path: Path) -> None:
    from dvcodec.data import DvqDataset

    made = sample.small(tmp_path / "a.dvq")
    images = DvqDataset(str(tmp_path / "a.dvq"))
    assert images.names == tuple(name for name, _ in made) and same(images[5], made[5][1])
    sizes = DvqDataset(tmp_path / "a.dvq", transform=sized)
    assert sizes[0] == (12, 12) and pickle.loads(pickle.dumps(sizes))[0] == (12, 12)


def sized(image: Image.Image) -> tuple[int, int]:
    """A transform that can be pickled."""
    return image.size


def test_a_loader_takes_them(folder: Path) -> None:
    from torch.utils.data import DataLoader, Dataset

    from dvcodec.data import DvqDataset

    images = DvqDataset(folder, transform=np.array)
    assert isinstance(images, Dataset)
    batches = list(DataLoader(images, batch_size=3))
    assert [tuple(batch.shape) for batch in batches] == [(3, 20, 30, 3), (1, 20, 30, 3)]


def test_what_is_neither_is_refused_and_a_damaged_file_is_named(folder: Path, tmp_path: Path) -> None:
    from dvcodec.data import DvqDataset

    (tmp_path / "empty").mkdir()
    for wrong in (tmp_path / "none", folder / "b.dvq", tmp_path / "empty", 5, None):
        with pytest.raises(InvalidArgument):
            DvqDataset(wrong)  # type: ignore[arg-type]
    (folder / "b.dvq").write_bytes((folder / "b.dvq").read_bytes()[:-1])
    sample.write(folder / "d.dvq", sample.digits(2))
    images = DvqDataset(folder)
    with pytest.raises(FormatError, match=r"b\.dvq: the file is cut short"):
        images[1]
    with pytest.raises(FormatError, match=r"d\.dvq: an archive of many images"):
        images[2]


def test_workers_share_the_threads(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dvcodec import data

    given: list[int] = []
    monkeypatch.setattr(loading, "share_threads", given.append)
    images = data.DvqDataset(folder)
    images[0]
    monkeypatch.setattr(data, "get_worker_info", lambda: type("Info", (), {"num_workers": 3}))
    images[0], images[1]
    assert given == [3]


def test_without_torch_the_message_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.data", None)
    spec = importlib.util.spec_from_file_location("dvcodec.data_again", ROOT / "data.py")
    assert spec is not None and spec.loader is not None
    with pytest.raises(ModuleNotFoundError, match=r"needs torch, which is not installed \(install dvcodec\[train\]\)"):
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


WORKERS = """
import sys
import numpy
from torch.utils.data import DataLoader
from dvcodec.data import DvqDataset

if __name__ == "__main__":
    for source in sys.argv[2:]:
        for method in ("fork", "spawn"):
            images = DvqDataset(source, transform=numpy.array)
            images[0]  # a parent that has decoded, too
            loader = DataLoader(images, batch_size=None, num_workers=2, multiprocessing_context=method)
            assert sum(int(batch.sum()) for batch in loader) == int(sys.argv[1]), method
"""


@pytest.mark.slow
def test_workers_are_forked_and_spawned(folder: Path, tmp_path: Path) -> None:
    arrays = [photograph(20, 30, index) for index in range(4)]
    dvcodec.compress_archive(arrays, tmp_path / "a.dvq", lossless=True)
    (tmp_path / "work.py").write_text(WORKERS)
    total = sum(int(array.sum()) for array in arrays)
    command = [sys.executable, str(tmp_path / "work.py"), str(total), str(folder), str(tmp_path / "a.dvq")]
    subprocess.run(command, check=True, timeout=600)


@pytest.mark.parametrize(("key", "taken"), [(".dvq", True), ("left.DVQ", True), (".jpg", False), (".dvq.txt", False)])
def test_fields_of_samples(key: str, taken: bool) -> None:
    data = dvcodec.compress(photograph(20, 30))
    image, array = shards.decode(key, data), shards.decode_array(key, data)
    assert (image is not None, array is not None) == (taken, taken)
    if taken:
        assert (np.asarray(image) == array).all()
        with pytest.raises(DvcodecError):
            shards.decode(key, b"x")


def shard(path: Path, *fields: dict[str, bytes]) -> None:
    """Write a tar file of samples."""
    import tarfile

    with tarfile.open(path, "w") as tar:
        for number, sample in enumerate(fields):
            for suffix, data in sample.items():
                info = tarfile.TarInfo(f"{number:04}.{suffix}")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # webdataset does not close its files
def test_shards_of_webdataset(tmp_path: Path) -> None:
    wds: Any = pytest.importorskip("webdataset", reason="the package webdataset is not installed")
    data = [dvcodec.compress(photograph(20, 30, index)) for index in range(3)]
    shard(tmp_path / "s.tar", *({"dvq": one, "cls": b"%d" % i} for i, one in enumerate([*data, b"damaged"])))
    plain = wds.WebDataset(str(tmp_path / "s.tar"), shardshuffle=False)
    found = list(plain.decode(shards.decode, handler=wds.ignore_and_continue))
    assert [(sample["cls"], sample["dvq"].size) for sample in found] == [(i, (30, 20)) for i in range(3)]


@pytest.mark.slow
def test_the_image_feature_of_datasets(folder: Path) -> None:
    datasets: Any = pytest.importorskip("datasets", reason="the package datasets is not installed")
    import dvcodec.pillow  # noqa: F401

    paths = [str(path) for path in sorted(folder.glob("*.dvq"))]
    table = datasets.Dataset.from_dict({"image": paths}).cast_column("image", datasets.Image())
    assert [image.size for image in table["image"]] == [(30, 20)] * 2
    assert (np.asarray(table[0]["image"]) == photograph(20, 30, 0)).all()

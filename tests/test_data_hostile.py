"""Data files that are not what they say: one line each, nothing unpickled, no memory beyond what is there."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
from pathlib import Path

import pytest

from dvcodec.errors import DvcodecError
from dvcodec.training.data import load
from published_files import GREY, idx_bytes, write_caltech, write_celeba, write_cifar, write_mnist, write_static


def npy(header: str, body: bytes = b"") -> bytes:
    """An .npy file with a header of one's own."""
    text = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + body


def zipped(method: int = zipfile.ZIP_DEFLATED, **members: bytes) -> bytes:
    """A .npz of members of one's own."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return buffer.getvalue()


def encrypted(archive: bytes) -> bytes:
    """The same with the flag that says so in every entry."""
    data = bytearray(archive)
    for marker, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = data.find(marker)
        while at >= 0:
            data[at + flags] |= 1
            at = data.find(marker, at + 1)
    return bytes(data)


def header(shape: str, kind: str = "|u1") -> str:
    """The text of an .npy header."""
    return f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}"


GOOD = npy(header("(2, 28, 28)"), bytes(2 * 784))
HOSTILE: dict[str, tuple[str, bytes]] = {
    "empty": ("mnist.npz", b""),
    "no zip": ("mnist.npz", b"PK\3\4 and nothing more"),
    "no arrays": ("mnist.npz", zipped(other=GOOD)),
    "pickled objects": ("mnist.npz", zipped(train=npy(header("(2,)", "|O"), b"\x80\x04N."), test=GOOD)),
    "absurd shape": ("mnist.npz", zipped(train=npy(header("(4000000000, 28, 28)")), test=GOOD)),
    "negative shape": ("mnist.npz", zipped(train=npy(header("(-1, 28, 28)")), test=GOOD)),
    "code for a shape": ("mnist.npz", zipped(train=npy(header("__import__('os')")), test=GOOD)),
    "cut short": ("mnist.npz", zipped(train=npy(header("(2, 28, 28)"), bytes(784)), test=GOOD)),
    "longer than it says": ("mnist.npz", zipped(train=npy(header("(1, 28, 28)"), bytes(785)), test=GOOD)),
    "other size": ("mnist.npz", zipped(train=npy(header("(2, 14, 14)"), bytes(392)), test=GOOD)),
    "too few to part": ("mnist.npz", zipped(train=GOOD, test=GOOD)),
    "levels in a binary set": ("mnist-static.npz", zipped(train=npy(header("(1, 28, 28)"), b"\2" * 784), test=GOOD)),
    "text of twos": ("binarized_mnist_train.amat", b"0 1 2 " * 784),
    "text of odd length": ("binarized_mnist_train.amat", b"0 1 " * 7),
    "absurd IDX": ("train-images-idx3-ubyte", b"\0\0\x08\x03" + b"\xff" * 12),
    "IDX of floats": ("train-images-idx3-ubyte", b"\0\0\x0d\x03" + struct.pack(">3I", 1, 28, 28) + bytes(784)),
    "IDX cut short": ("train-images-idx3-ubyte", idx_bytes(GREY)[:-1]),
    "IDX of other size": ("train-images-idx3-ubyte", idx_bytes(GREY[:, :14])),
    "gzip cut short": ("train-images-idx3-ubyte.gz", gzip.compress(idx_bytes(GREY))[:-20]),
    "gzip bomb": ("train-images-idx3-ubyte.gz", gzip.compress(idx_bytes(GREY) + bytes(1 << 24))),
    "odd records": ("test_batch.bin", bytes(3072)),
    "no MATLAB file": ("caltech101_silhouettes_28_split1.mat", b"MATLAB 5.0 MAT-file" + bytes(200)),
    "empty MATLAB file": ("caltech101_silhouettes_28_split1.mat", b""),
    "encrypted": ("mnist.npz", encrypted(zipped(train=GOOD, test=GOOD))),
    "LZMA damaged": (
        "mnist.npz",
        zipped(zipfile.ZIP_LZMA, train=GOOD, test=GOOD).replace(b"]\0\0", b"\xff\xff\xff", 1),
    ),
    "faces outside": ("list_eval_partition.txt", b"../../etc/passwd 0\n"),
    "faces of one part": ("list_eval_partition.txt", b"000001.jpg 0\n"),
}
OWNERS = {"bin": ("cifar10", write_cifar), "mat": ("caltech101", write_caltech), "txt": ("celeba64", write_celeba)}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_files_are_one_line(case: str, tmp_path: Path) -> None:
    file, content = HOSTILE[case]
    name, write = OWNERS.get(file.split(".")[-1], ("mnist-static", write_static))
    name, write = ("mnist", write_mnist) if file.startswith(("train-", "mnist.npz")) else (name, write)
    write(tmp_path)
    target = next(iter(tmp_path.rglob(file.removesuffix(".gz"))), tmp_path / file)
    target.unlink(missing_ok=True)
    target.with_name(file).write_bytes(content)
    with pytest.raises(DvcodecError) as caught:
        load(name, tmp_path)
    assert "\n" not in str(caught.value)
    if case not in ("too few to part", "IDX of other size"):
        assert file in str(caught.value)

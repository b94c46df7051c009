"""Readers for the formats in which data sets are published. Files may be hostile: sizes are checked first.

Each reader returns uint8 arrays, and raises DvcodecError with the file's name for anything that is not as expected.
"""

from __future__ import annotations

import gzip
import math
import zipfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from ...errors import DvcodecError

Bytes = NDArray[np.uint8]
LARGEST = 1 << 32
"""Most bytes of an array; CelebA at 64x64 takes 2.5 GB."""
PUBLISHED = (np.dtype(np.uint8), np.dtype(np.float32), np.dtype(np.float64), np.dtype(np.bool_))


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn whatever goes wrong in the body into one line about the file."""
    try:
        yield
    except DvcodecError as error:
        named = error.reason.startswith(str(path))
        raise DvcodecError(error.reason if named else f"{path}: {error.reason}", error.hint) from error
    except Exception as error:  # libraries raise many kinds on broken files
        raise DvcodecError(f"{path} cannot be read: {error}") from error


def bounded(count: int, what: str) -> int:
    """Return a number of bytes that may be allocated. DvcodecError for any other."""
    if not 0 < count <= LARGEST:
        raise DvcodecError(f"{what} would take {count} bytes", f"1 to {LARGEST} are read")
    return count


def idx(path: Path) -> Bytes:
    """Read an IDX file of bytes, plain or gzip: images (N, H, W), or labels (N,).

    Args:
        path: the file.

    Returns:
        The array of the file.

    Raises:
        DvcodecError: the file cannot be read or is no such file.
    """
    with reading(path), open(path, "rb") as plain, _unzipped(plain, path) as file:
        zero, kind, dimensions = int.from_bytes(file.read(2), "big"), file.read(1), file.read(1)
        if zero or kind != b"\x08" or dimensions not in (b"\x01", b"\x03"):
            raise DvcodecError("not an IDX file of bytes")
        shape = tuple(int.from_bytes(file.read(4), "big") for _ in range(dimensions[0]))
        size = bounded(math.prod(shape), "the images")
        return _exactly(file, size).reshape(shape)


def _unzipped(file: IO[bytes], path: Path) -> IO[bytes]:
    return gzip.GzipFile(fileobj=file) if path.suffix == ".gz" else file  # type: ignore[return-value]  # reads bytes


def _exactly(file: IO[bytes], size: int) -> Bytes:
    """Read the rest of a file, which must be `size` bytes. Memory is touched only as far as there are bytes."""
    filled, array = 0, np.empty(size, np.uint8)
    while filled < size and (part := file.read(min(size - filled, 1 << 24))):
        array[filled : filled + len(part)] = np.frombuffer(part, np.uint8)
        filled += len(part)
    if filled < size or file.read(1):
        raise DvcodecError("the file is cut short" if filled < size else "the file is longer than it says")
    return array


def amat(path: Path, pixels: int = 784) -> Bytes:
    """Read text with rows of `pixels` zeros and ones: (N, pixels).

    Args:
        path: the file.
        pixels: zeros and ones of a row.

    Returns:
        The rows as bytes 0 and 1.

    Raises:
        DvcodecError: the file cannot be read or is no such file.
    """
    with reading(path):
        bounded(path.stat().st_size, "the text")
        text = np.frombuffer(path.read_bytes(), np.uint8)
        digits = text[(text == ord("0")) | (text == ord("1"))]
        blanks = np.isin(text, np.frombuffer(b" \r\n\t", np.uint8)).sum()
        if len(digits) + blanks != len(text) or not len(digits) or len(digits) % pixels:
            raise DvcodecError(f"not rows of {pixels} zeros and ones")
        rows: Bytes = np.subtract(digits, ord("0"), dtype=np.uint8)
        return rows.reshape(-1, pixels)


def cifar_binary(path: Path) -> Bytes:
    """Read a batch of CIFAR-10's binary version, records of a label and 3 x 32 x 32 bytes: (N, 32, 32, 3).

    Args:
        path: the file.

    Returns:
        The images; labels are left out.

    Raises:
        DvcodecError: the file cannot be read or is no such file.
    """
    with reading(path):
        size = bounded(path.stat().st_size, "the batch")
        if size % 3073:
            raise DvcodecError("not records of 3073 bytes")
        records = np.frombuffer(path.read_bytes(), np.uint8).reshape(-1, 3073)
        return records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)


def npz(path: Path, names: Collection[str]) -> dict[str, NDArray[Any]]:
    """Read those of the named arrays that an .npz file has. Nothing is unpickled; sizes are checked first.

    Args:
        path: the file.
        names: names of arrays.

    Returns:
        The arrays by name, of the types in PUBLISHED.

    Raises:
        DvcodecError: the file cannot be read, or an array is too large or of another type.
    """
    with reading(path), zipfile.ZipFile(path) as archive:
        entries = {entry.filename.removesuffix(".npy"): entry for entry in archive.infolist()}
        wanted = {name: entry for name, entry in entries.items() if name in names}
        bounded(sum(entry.file_size for entry in wanted.values()), "the arrays")
        return {name: _member(archive, entry) for name, entry in wanted.items()}


def _member(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> NDArray[Any]:
    with archive.open(entry) as file:
        version = npy.read_magic(file)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, fortran, dtype = read(file)
        if dtype not in PUBLISHED or min(shape, default=0) < 1:
            raise DvcodecError(f"{entry.filename} holds no images")
        size = bounded(math.prod(shape) * dtype.itemsize, entry.filename)
        return _exactly(file, size).view(dtype).reshape(shape, order="F" if fortran else "C")


def mat(path: Path, *names: str) -> list[NDArray[Any]]:
    """Read matrices of a MATLAB 5 file by name. DvcodecError if one is missing or scipy is not installed."""
    try:
        from scipy.io import loadmat, whosmat  # type: ignore[import-untyped]
    except ImportError:
        raise DvcodecError(f"{path} needs scipy to be read", "pip install scipy") from None
    with reading(path):
        known = {name: (shape, kind) for name, shape, kind in whosmat(path, appendmat=False)}
        for name in names:
            if name not in known or known[name][1] not in ("double", "single", "uint8", "logical"):
                raise DvcodecError(f"there is no numeric matrix {name!r}")
            bounded(math.prod(known[name][0]) * 8, name)
        found = loadmat(path, variable_names=list(names), appendmat=False)
        return [np.asarray(found[name]) for name in names]

"""Compress a folder of images on Dask, read it back, and write a table of the files that failed.

python examples/folder_on_dask.py PHOTOS OUT

OUT gets a .dvq file for each image, under its name, and failures.csv with the columns path and error. Dask starts
processes on this machine; with a `dask.distributed.Client` before `main`, the same bags run on a cluster whose machines
share both folders.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import dask.bag

import dvcodec


def compress(path: str, photos: str, out: str) -> dict[str, str]:
    """Compress one file; an error becomes a value of its row, so that it ends neither the task nor the job."""
    target = Path(out, f"{path}.dvq")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(dvcodec.compress(Path(photos, path)))
    except (dvcodec.DvcodecError, OSError) as error:
        return {"path": path, "error": str(error)}
    return {"path": path, "error": ""}


def read(path: str, out: str) -> tuple[str, tuple[int, ...]]:
    """Decode one file; what a job does with the pixels stands here, so that they stay in their process."""
    return path, dvcodec.decompress_array(Path(out, f"{path}.dvq")).shape


def main(photos: str, out: str) -> None:
    """Compress, read back, and say what failed."""
    found = sorted(path.relative_to(photos).as_posix() for path in Path(photos).rglob("*") if path.is_file())
    rows = dask.bag.from_sequence(found).map(compress, photos=photos, out=out).compute()
    done = [row["path"] for row in rows if not row["error"]]
    failed = [row for row in rows if row["error"]]
    Path(out).mkdir(exist_ok=True)
    with Path(out, "failures.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, ["path", "error"])
        table.writeheader()
        table.writerows(failed)
    for path, shape in dask.bag.from_sequence(done).map(read, out=out).compute() if done else ():
        print(path, shape)
    print(f"{len(done)} files compressed, {len(failed)} failed")


if __name__ == "__main__":
    main(*sys.argv[1:])

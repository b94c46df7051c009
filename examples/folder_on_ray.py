"""Compress a folder of images on Ray Data, read it back, and write a table of the files that failed.

python examples/folder_on_ray.py PHOTOS OUT

OUT gets a .dvq file for each image, under its name, and failures.csv with the columns path and error. Ray starts on
this machine; in a cluster, both folders have to be shared by its machines.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Any

import ray

import dvcodec


class Compress:
    """Compresses one file; an error becomes a value of its row, so that it ends neither the task nor the job."""

    def __init__(self, photos: str, out: str) -> None:
        """Keep the folders."""
        self.photos, self.out = Path(photos), Path(out)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return the row with the error, empty where there is none."""
        target = self.out / f"{row['path']}.dvq"
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(dvcodec.compress(self.photos / row["path"]))
        except (dvcodec.DvcodecError, OSError) as error:
            return {**row, "error": str(error)}
        return {**row, "error": ""}


class Read:
    """Decodes one file to an array in a column `image`."""

    def __init__(self, out: str) -> None:
        """Keep the folder."""
        self.out = Path(out)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return the row with its pixels."""
        return {"path": row["path"], "image": dvcodec.decompress_array(self.out / f"{row['path']}.dvq")}


def main(photos: str, out: str) -> None:
    """Compress, read back, and say what failed."""
    photos, out = str(Path(photos).absolute()), str(Path(out).absolute())
    ray.init(ignore_reinit_error=True, include_dashboard=False)
    found = sorted(path.relative_to(photos).as_posix() for path in Path(photos).rglob("*") if path.is_file())
    rows = ray.data.from_items([{"path": path} for path in found]).map(Compress(photos, out)).take_all()
    done = [{"path": row["path"]} for row in rows if not row["error"]]
    failed = [row for row in rows if row["error"]]
    Path(out).mkdir(exist_ok=True)
    with (Path(out) / "failures.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, ["path", "error"])
        table.writeheader()
        table.writerows(failed)
    if done:
        for row in ray.data.from_items(done).map(Read(out)).iter_rows():
            print(row["path"], row["image"].shape)
    print(f"{len(done)} files compressed, {len(failed)} failed")


if __name__ == "__main__":
    main(*sys.argv[1:])

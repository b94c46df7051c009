"""Measurements that are already done, in files: an interrupted report goes on where it stopped.

One JSON file per measurement, named by the SHA-256 of everything that decides its values: the codec's settings with
library versions and weights hash, the quality, the image's samples. Change one of them: another name.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..image_io import atomic

LAYOUT = 1
"""Part of every name: raise it when what is stored changes its meaning."""


@dataclass(frozen=True)
class Cache:
    """A folder of results; None keeps nothing."""

    folder: Path | None

    def get(self, facts: Mapping[str, object]) -> dict[str, Any] | None:
        """What was stored for these facts; None where there is nothing, or nothing whole."""
        if self.folder is None:
            return None
        try:
            found = json.loads(self._path(self.folder, facts).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def put(self, facts: Mapping[str, object], result: Mapping[str, object]) -> None:
        """Store a result; the file is there whole or not at all. OutputFailed where the folder cannot be written."""
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)
            atomic.write(self._path(self.folder, facts), json.dumps(result).encode(), force=True)

    def _path(self, folder: Path, facts: Mapping[str, object]) -> Path:
        text = json.dumps({"layout": LAYOUT, **facts}, sort_keys=True)
        return folder / f"{hashlib.sha256(text.encode()).hexdigest()[:40]}.json"

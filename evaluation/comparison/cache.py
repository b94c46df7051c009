"""A cache of measurements in files, so that an interrupted comparison resumes where it stopped.

There is one JSON file per measurement. Its name is the SHA-256 of everything that the values depend on: the codec's
settings with library versions and the weights' hash, the quality, and the image's samples.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...image_io import atomic

LAYOUT = 1
"""Part of every name; to be raised when the stored values change their meaning."""


@dataclass(frozen=True)
class MeasurementCache:
    """A folder of results; with None as the folder nothing is kept."""

    folder: Path | None

    def get(self, facts: Mapping[str, object]) -> dict[str, Any] | None:
        """Return what was stored for these facts, or None if nothing readable was."""
        if self.folder is None:
            return None
        try:
            found = json.loads(self._path(self.folder, facts).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def put(self, facts: Mapping[str, object], result: Mapping[str, object]) -> None:
        """Store a result; the file is written atomically.

        Raises:
            OutputFailed: the folder cannot be written.
        """
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)
            atomic.write(self._path(self.folder, facts), json.dumps(result).encode(), force=True)

    def _path(self, folder: Path, facts: Mapping[str, object]) -> Path:
        text = json.dumps({"layout": LAYOUT, **facts}, sort_keys=True)
        return folder / f"{hashlib.sha256(text.encode()).hexdigest()[:40]}.json"

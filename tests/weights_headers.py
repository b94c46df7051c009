"""Weights files without tensors: a safetensors header is all that tells what weights are."""

import hashlib
import json
from typing import Any

ID = hashlib.sha256(b"some weights").hexdigest()


def header(form: str = "dvcodec-photo-1", config: Any = None, name: str = "some", identity: Any = ID) -> bytes:
    """Return a file that says that it holds weights of this format, configuration, name and identity."""
    metadata = {"format": form, "config": {} if config is None else config, "name": name, "id": identity}
    text = json.dumps({"__metadata__": {"dvcodec": json.dumps(metadata)}}).encode()
    return len(text).to_bytes(8, "little") + text

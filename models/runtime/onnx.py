"""ONNX Runtime without its telemetry.

Since 1.29 its packages report to their vendor by default, from a thread that starts with the import. A codec has
nothing to report; and a process that is forked, lacking the thread, would wait for it when it ends. The library reads
the switch once, so that the host's environment stays as it is. What a host has chosen or imported before is left alone.
"""

from __future__ import annotations

import importlib
import os
from types import ModuleType

SWITCH = "ORT_DISABLE_TELEMETRY"


def _loaded() -> ModuleType:
    if SWITCH in os.environ:
        return importlib.import_module("onnxruntime")
    os.environ[SWITCH] = "1"
    try:
        return importlib.import_module("onnxruntime")
    finally:
        del os.environ[SWITCH]


runtime = _loaded()
"""The module onnxruntime."""

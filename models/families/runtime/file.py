"""Restores the family of a weights file without torch."""

from __future__ import annotations

from typing import Any

from ...integer.weights_file import Tensors
from ..config import from_fields
from .model import RuntimeFamily


def restore(metadata: dict[str, Any], tensors: Tensors) -> RuntimeFamily:
    """Return the networks.

    Raises:
        ValueError, KeyError or TypeError: If the parts of the file do not fit each other.
    """
    return RuntimeFamily(from_fields(metadata["config"]), tensors)

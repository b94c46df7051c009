"""Types of arrays with shapes, for annotations: jaxtyping's where they are read, by mypy and tests; else nothing.

Annotations are not evaluated where the package runs; loading jaxtyping would take a quarter of the time that importing
the codec takes.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING or "jaxtyping" in sys.modules:
    from jaxtyping import (
        Bool,
        Float,
        Float16,
        Float32,
        Float64,
        Int,
        Int8,
        Int16,
        Int32,
        Int64,
        Integer,
        Num,
        Shaped,
        UInt8,
        UInt32,
    )
else:

    class Shaped:
        """Stands for all types of arrays: subscripts, as aliases have them, mean nothing."""

        def __class_getitem__(cls, item: object) -> Any:
            return Any

    Bool = Float = Float16 = Float32 = Float64 = Int = Int8 = Int16 = Int32 = Int64 = Integer = Num = UInt8 = UInt32 = (
        Shaped
    )

__all__ = [
    "Bool",
    "Float",
    "Float16",
    "Float32",
    "Float64",
    "Int",
    "Int8",
    "Int16",
    "Int32",
    "Int64",
    "Integer",
    "Num",
    "Shaped",
    "UInt8",
    "UInt32",
]

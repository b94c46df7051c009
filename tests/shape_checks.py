"""Checks the models' shape annotations (jaxtyping) while tests run; importing this turns it on.

Each call of an annotated function is checked by beartype: dtypes, ranks, and that equal letters are equal sizes. Other
annotations are left to mypy, which sees them whole: protocols have no cheap check when a program runs. Programs that
tests start, and everything outside tests, run unchecked.
"""

import sys
from collections.abc import Callable
from typing import Any, get_args

from beartype import beartype
from jaxtyping import AbstractArray, install_import_hook

PACKAGES = ["dvcodec.models", "dvcodec.codec.entropy"]


def checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function whose shape annotations, and no others, are checked with every call."""
    hints = {name: hint for name, hint in function.__annotations__.items() if _shaped(hint)}
    function.__annotations__ = hints
    return beartype(function) if hints else function


def _shaped(hint: Any) -> bool:
    """Tell whether an annotation is of an array with a shape, or holds one."""
    own = isinstance(hint, type) and issubclass(hint, AbstractArray)
    return own or any(map(_shaped, get_args(hint)))


assert not any(package in sys.modules for package in PACKAGES), "imported before its annotations could be checked"
install_import_hook(PACKAGES, f"{__name__}.{checked.__name__}")

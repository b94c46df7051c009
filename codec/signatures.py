"""Write the settings of a class into the signatures and the documentation of the functions that take them."""

import inspect
import re
from collections.abc import Callable
from dataclasses import fields
from typing import Any, TypeVar

from .settings import BoundSettings, options

_KEYWORD = inspect.Parameter.KEYWORD_ONLY
F = TypeVar("F", bound=Callable[..., Any])


def takes(kind: type[BoundSettings]) -> Callable[[F], F]:
    """Return a decorator for functions that pass their `**options` on to a settings class.

    It writes the settings into the function's signature and documentation, where both say `**options`, so that names,
    defaults and descriptions are spelled in the settings class alone.
    """

    def decorate(function: F) -> F:
        shown = inspect.signature(function)
        own = [one for one in shown.parameters.values() if one.kind is not one.VAR_KEYWORD]
        named = [one for one in fields(kind) if one.name not in shown.parameters]
        keywords = [inspect.Parameter(one.name, _KEYWORD, default=one.default, annotation=one.type) for one in named]
        vars(function)["__signature__"] = shown.replace(parameters=[*own, *keywords])
        lines = "".join(f"        {name}: {option.help}\n" for name, option in options(kind).items())
        if function.__doc__ is not None:
            function.__doc__ = re.sub(r"(?m)^ +[\w, ]*\*\*options:.*\n", lambda line: lines, function.__doc__)
        return function

    return decorate

"""Change fields of plain dataclasses by name; texts are parsed by the declared types."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from ...errors import InvalidArgument

T = TypeVar("T")

BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
NUMBERS = {int: "a whole number", float: "a number"}


def override(name: str, value: object) -> str:
    """Return, for a hint, the override of one value as Python writes it; the command line shows it as its option.

    Args:
        name: name of the preset's value.
        value: the value to suggest.

    Returns:
        Text in backquotes.
    """
    return f'`overrides={{"{name}": "{value}"}}`'


def settable(value: Any) -> dict[str, Any]:
    """Return the types of the fields that can be set, by name; `outer.inner` for a dataclass within a dataclass.

    Args:
        value: a dataclass instance.

    Returns:
        The declared types; fields that cannot be typed as text are left out.
    """
    return dict(_leaves(value, ""))


def changed(value: T, settings: Mapping[str, str]) -> T:
    """Return a dataclass instance with fields set from texts, all at once. Unknown names are ignored.

    Args:
        value: the instance, which stays as it is.
        settings: texts by the names of `settable`.

    Returns:
        The changed copy.

    Raises:
        InvalidArgument: a text does not fit its field's type, or the dataclass refuses the values.
    """
    kinds = settable(value)
    parsed = {name: parse(name, text, kinds[name]) for name, text in settings.items() if name in kinds}
    try:
        result: T = _with(value, parsed)
        return result
    except InvalidArgument:
        raise
    except ValueError as error:
        raise InvalidArgument(str(error), "see `overrides`") from None


def parse(name: str, text: str, kind: Any) -> Any:
    """Parse a text as a declared type: str, int, float, bool, Literal, tuples of these, or None where allowed.

    Args:
        name: name of the field, for messages.
        text: the value as typed.
        kind: the declared type.

    Returns:
        A value of this type.

    Raises:
        InvalidArgument: the text is no such value.
    """
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        if text.lower() == "none" and types.NoneType in inner:
            return None
        return parse(name, text, next(one for one in inner if one is not types.NoneType))
    if origin is tuple:
        return tuple(parse(name, part.strip(), inner[0]) for part in text.split(","))
    if origin is Literal:
        return _choice(name, text, {str(one): one for one in inner})
    if kind is bool:
        return _choice(name, text.lower(), BOOLEANS)
    try:
        return kind(text)
    except ValueError:
        raise InvalidArgument(f"{name}={text}: not {NUMBERS.get(kind, kind.__name__)}", override(name, "...")) from None


def _choice(name: str, text: str, choices: Mapping[str, Any]) -> Any:
    if text not in choices:
        raise InvalidArgument(f"{name}={text}: no such choice", f"one of {', '.join(choices)}")
    return choices[text]


def _leaves(value: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    hints = get_type_hints(type(value))
    for field in fields(value):
        held = getattr(value, field.name)
        if is_dataclass(held):
            yield from _leaves(held, f"{prefix}{field.name}.")
        elif _readable(hints[field.name]):
            yield prefix + field.name, hints[field.name]


def _readable(kind: Any) -> bool:
    """Return whether a person can type a value of this type."""
    origin, inner = get_origin(kind), [one for one in get_args(kind) if one not in (types.NoneType, Ellipsis)]
    if origin in (Union, types.UnionType, tuple):
        return bool(inner) and all(_readable(one) for one in inner[:1])
    return origin is Literal or kind in (str, int, float, bool)


def _with(value: Any, parsed: Mapping[str, Any]) -> Any:
    inner: dict[str, dict[str, Any]] = {}
    for name, new in parsed.items():
        outer, dot, rest = name.partition(".")
        if dot:
            inner.setdefault(outer, {})[rest] = new
    direct = {name: new for name, new in parsed.items() if "." not in name}
    return replace(value, **direct, **{outer: _with(getattr(value, outer), rest) for outer, rest in inner.items()})

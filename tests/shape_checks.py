"""Checks the shape annotations (jaxtyping) of models and entropy coder while tests run; importing this turns it on.

Each call of an annotated function is checked by beartype: dtypes, ranks, and that equal letters are equal sizes. Other
annotations are left to mypy, which sees them whole: protocols have no cheap check when a program runs. Programs that
tests start, and everything outside tests, run unchecked.

jaxtyping's own import hook wraps every function. This one wraps functions and dataclasses with a shape in their
annotations, and no others. A check depends on types, dtypes and sizes alone, so a function remembers those that were
right: checking each of the many calls of a pass over pixels anew would make it four times as slow.
"""

import ast
import dataclasses
import functools
import sys
import threading
from collections.abc import Callable, Hashable, Iterator, Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, FunctionType, ModuleType
from typing import Any, get_args

from beartype import beartype
from jaxtyping import AbstractArray, jaxtyped

PACKAGES = ("dvcodec.models", "dvcodec.codec.entropy")
REMEMBERED = 10_000
"""Largest number of combinations of arguments that a function remembers."""


def checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function whose shape annotations, and no others, are checked with every call."""
    hints = {name: hint for name, hint in function.__annotations__.items() if _shaped(hint)}
    function.__annotations__ = hints
    return beartype(function) if hints else function


def decorate(definition: Any) -> Any:
    """Return a function or class whose calls are checked."""
    if isinstance(definition, FunctionType):
        return _remembering(definition)
    if dataclasses.is_dataclass(definition):
        setattr(definition, "__init__", _remembering(vars(definition)["__init__"]))  # noqa: B010
    return definition


def _remembering(function: Any) -> Any:
    """Return a function that checks a call unless one with the same types, dtypes and sizes was right."""
    if any("{" in str(hint) for hint in function.__annotations__.values()):  # sizes that arguments' values name
        return jaxtyped(function, typechecker=checked)
    first = functools.cache(lambda: jaxtyped(function, typechecker=checked))  # made when it is needed
    later = functools.cache(lambda: _result_checked(function))
    right: dict[Hashable, set[Hashable]] = {}

    @functools.wraps(function)
    def checking(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        entered = (*map(_signature, args), *kwargs, *map(_signature, kwargs.values()))
        known = right.get(entered)
        out = first()(*args, **kwargs) if known is None else function(*args, **kwargs)
        left = _signature(out)
        if known is None:
            if len(right) >= REMEMBERED:
                right.clear()
            right[entered] = {left}
        elif left not in known:
            later()(out, args, kwargs)
            known.add(left)
        return out

    return checking


def _result_checked(function: Any) -> Callable[[Any, tuple[Any, ...], dict[str, Any]], None]:
    """Return a function that checks a result and the arguments of its call, without calling."""
    given = threading.local()

    def passing(*args: Any, **kwargs: Any) -> Any:
        return given.result

    here = FunctionType(passing.__code__, function.__globals__, function.__name__, None, passing.__closure__)
    check = jaxtyped(functools.update_wrapper(here, function), typechecker=checked)

    def checking(result: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        __tracebackhide__ = True
        given.result = result
        check(*args, **kwargs)
        del given.result

    return checking


def _signature(value: Any) -> Hashable:
    """Return all of a value that its check depends on."""
    kind: Any = type(value)
    if _is_array[kind]:
        return kind, value.dtype, value.shape
    if kind is tuple or kind is list:
        return (kind, *map(_signature, value))
    if kind is dict:
        return (kind, *((key if isinstance(key, str) else type(key), _signature(e)) for key, e in value.items()))
    found: Hashable = kind
    return found


class _IsArray(dict[type, bool]):
    """Whether values of a type have a dtype and sizes, found out when a type is first seen."""

    def __missing__(self, kind: type) -> bool:
        self[kind] = hasattr(kind, "dtype") and hasattr(kind, "shape")
        return self[kind]


_is_array = _IsArray()


def _shaped(hint: Any) -> bool:
    """Tell whether an annotation is of an array with a shape, or holds one."""
    own = isinstance(hint, type) and issubclass(hint, AbstractArray)
    return own or any(map(_shaped, get_args(hint)))


def transformed(source: str) -> ast.Module:
    """Return the syntax tree of a module whose definitions with shapes are decorated."""
    tree = ast.parse(source)
    names = set(_shape_names(tree))
    decorator = ast.parse(f"__import__({__name__!r}).{decorate.__name__}", mode="eval").body
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and _mentions([node.args, node.returns], names):
            node.decorator_list.append(decorator)
        elif isinstance(node, ast.ClassDef) and _mentions(
            [n for n in node.body if isinstance(n, ast.AnnAssign)], names
        ):
            node.decorator_list.insert(0, decorator)
    return ast.fix_missing_locations(tree)


def _shape_names(tree: ast.Module) -> Iterator[str]:
    """Yield the names in a module that stand for arrays with shapes: jaxtyping's, and aliases."""
    known: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module == "shapes" and node.level:
            known |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Assign) and _mentions([node.value], known):
            assert "{" not in ast.unparse(node.value), "a shape with values of arguments stands in annotations alone"
            known |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    yield from known


def _mentions(nodes: Sequence[ast.AST | None], names: set[str]) -> bool:
    """Tell whether syntax trees hold any of the names."""
    found = (inner for node in nodes if node is not None for inner in ast.walk(node))
    return any(isinstance(inner, ast.Name) and inner.id in names for inner in found)


class _Loader(SourceFileLoader):
    """Loads modules with checks, past the cache of compiled ones."""

    def get_code(self, fullname: str) -> CodeType:
        return compile(transformed(self.get_data(self.path).decode()), self.path, "exec", dont_inherit=True)


class _Finder:
    """Finds the modules whose annotations are checked."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not any(f"{name}.".startswith(f"{package}.") for package in PACKAGES):
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(name, spec.loader.path)
        return spec


assert not any(package in sys.modules for package in PACKAGES), "imported before its annotations could be checked"
sys.meta_path.insert(0, _Finder())

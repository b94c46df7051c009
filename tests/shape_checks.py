"""Checks the shape annotations (jaxtyping) of models and entropy coder while tests run; importing this turns it on.

Each call of an annotated function is checked by beartype: dtypes, ranks, and that equal letters are equal sizes. Other
annotations are left to mypy, which sees them whole: protocols have no cheap check when a program runs. Programs that
tests start, and everything outside tests, run unchecked.

jaxtyping's own import hook wraps every function, which makes passes over pixels four times as slow. This one wraps
functions and dataclasses with a shape in their annotations, and no others.
"""

import ast
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType
from typing import Any, get_args

from beartype import beartype
from jaxtyping import AbstractArray, jaxtyped

PACKAGES = ("dvcodec.models", "dvcodec.codec.entropy")


def checked(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function whose shape annotations, and no others, are checked with every call."""
    hints = {name: hint for name, hint in function.__annotations__.items() if _shaped(hint)}
    function.__annotations__ = hints
    return beartype(function) if hints else function


def decorate(definition: Any) -> Any:
    """Return a function or class whose calls are checked."""
    return jaxtyped(definition, typechecker=checked)


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

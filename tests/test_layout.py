"""The house rules: where files are, who imports whom, what loads at start. Each is one assertion."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
HEAVY = {"torch", "torchvision", "numpy", "PIL", "constriction", "safetensors"}
LONGEST = 300

# Who may import whom, besides itself; the empty name is the root, the public face.
ALLOWED: dict[str, set[str]] = {
    "": {"cli", "codec", "errors", "progress", "image_io", "processes"},
    "cli": {
        "",
        "codec",
        "errors",
        "progress",
        "shapes",
        "evaluation",
        "image_io",
        "training",
        "web",
        "weights",
        "processes",
    },
    "codec": {"errors", "progress", "shapes", "image_io", "models", "weights", "processes"},
    "evaluation": {"", "codec", "errors", "progress", "shapes", "image_io", "models", "weights", "processes"},
    "image_io": {"errors", "progress", "shapes", "processes"},
    "models": {"errors", "progress", "shapes", "processes"},
    "processes": set(),
    "training": {"errors", "progress", "shapes", "image_io", "models", "weights", "processes"},
    "web": {"errors", "image_io", "weights"},
    "weights": {"errors"},
}


@cache
def packages() -> tuple[str, ...]:
    """Folders of the root that are packages, nested ones included, as `a/b`; environments are not looked into."""
    folders = [folder for folder in ROOT.iterdir() if folder.is_dir() and not _outside(folder.name)]
    found = (path.parent.relative_to(ROOT) for folder in folders for path in folder.rglob("__init__.py"))
    return tuple(sorted(map(str, found)))


def _outside(name: str) -> bool:
    return name.startswith(".") or name in {"build", "dist", "runs"}


@cache
def modules() -> tuple[Path, ...]:
    """Every module that ships."""
    inside = [path for package in packages() for path in (ROOT / package).glob("*.py")]
    return (*sorted(inside), *sorted(ROOT.glob("*.py")))


@cache
def tree_of(path: Path) -> ast.Module:
    """The syntax tree of a module. Shared: do not change it."""
    return ast.parse(path.read_text())


def name(path: Path) -> str:
    """A path for test ids and messages."""
    return str(path.relative_to(ROOT))


def test_packages_in_pyproject_are_the_folders() -> None:
    expected = ["dvcodec", *("dvcodec." + package.replace("/", ".") for package in packages())]
    assert sorted(PROJECT["tool"]["setuptools"]["packages"]) == sorted(expected)


def test_only_the_face_stands_in_the_root() -> None:
    assert {path.name for path in ROOT.glob("*.py")} == {
        "__init__.py",
        "__main__.py",
        "progress.py",
        "shapes.py",
        "data.py",
        "errors.py",
        "pillow.py",
        "shards.py",
    }


def test_shapes_come_from_one_module() -> None:
    """jaxtyping is no dependency: only `shapes` may import it."""
    for path in modules():
        assert path.name == "shapes.py" or "jaxtyping import" not in path.read_text(), name(path)


def test_tests_are_no_package() -> None:
    assert not (ROOT / "tests" / "__init__.py").exists()


def test_versions_agree() -> None:
    import dvcodec

    assert dvcodec.__version__ == PROJECT["project"]["version"]


def test_the_oldest_versions_are_those_that_are_allowed() -> None:
    listed = [line for line in (ROOT / "tests/oldest.txt").read_text().splitlines() if not line.startswith("#")]
    bounds = [
        re.fullmatch(r"([\w-]+)[>~]=([\d.]+)", one.split(";")[0].strip()) for one in PROJECT["project"]["dependencies"]
    ]
    allowed = {bound[1]: bound[2].split(".") for bound in bounds if bound}
    assert len(allowed) == len(bounds) == len(listed)
    for name, version in (line.split("==") for line in listed):
        assert (allowed[name] + ["0", "0"])[:3] == version.split(".")


@pytest.mark.parametrize("path", modules(), ids=name)
def test_imports_inside_are_relative_and_go_the_right_way(path: Path) -> None:
    own = path.relative_to(ROOT).parts[:-1]
    for target in imported(path):
        assert target.split(".")[0] != "dvcodec", f"{name(path)} imports {target}: write it relatively"
    package = own[0] if own else ""
    for target in imported_inside(path):
        allowed = any(target == one or target.startswith(f"{one}.") for one in ALLOWED[package] | {package})
        assert allowed, f"{name(path)} imports {target}: {package or 'the root'} may not"


def imported(path: Path) -> Iterator[str]:
    """Absolute imports of a module, wherever they stand in it."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module or ""


def imported_inside(path: Path) -> Iterator[str]:
    """Relative imports of a module, resolved: `codec.errors`; names of the root itself are the empty string."""
    own = path.relative_to(ROOT).parts[:-1]
    folders = {package.split("/")[0] for package in packages()}
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ImportFrom) and node.level > 0:
            base = own[: len(own) - (node.level - 1)]
            if node.module:
                yield ".".join((*base, *node.module.split(".")))
            elif base:
                yield ".".join(base)
            else:
                yield from (alias.name if alias.name in folders else "" for alias in node.names)


def dotted(path: Path) -> str:
    """A module's name inside the package, `codec.api`; a package has that of its folder, the root the empty string."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_modules(path: Path, known: set[str]) -> set[str]:
    """Modules that a module imports when it is loaded itself: not inside functions, not for type checkers alone."""
    own, found = path.relative_to(ROOT).parts[:-1], set[str]()
    for node in loaded_statements(tree_of(path).body):
        if isinstance(node, ast.ImportFrom) and node.level > 0:
            base = ".".join((*own[: len(own) - (node.level - 1)], *(node.module.split(".") if node.module else ())))
            whole = (f"{base}.{alias.name}".lstrip(".") for alias in node.names)
            found |= {one if one in known else base for one in whole}
    return found - {dotted(path)}


def loaded_statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that run when a module is loaded."""
    for node in body:
        yield node
        if isinstance(node, ast.If) and ast.unparse(node.test) != "TYPE_CHECKING":
            yield from loaded_statements([*node.body, *node.orelse])
        elif isinstance(node, ast.Try | ast.With | ast.ClassDef):
            yield from loaded_statements(node.body)


def circle(graph: dict[str, set[str]]) -> list[str]:
    """A way along a graph that ends where it began; empty if there is none."""
    done: set[str] = set()

    def seek(name: str, way: list[str]) -> list[str]:
        if name in way:
            return [*way[way.index(name) :], name]
        if name in done:
            return []
        found = next(filter(None, (seek(other, [*way, name]) for other in sorted(graph.get(name, ())))), [])
        done.add(name)
        return found

    return next(filter(None, (seek(name, []) for name in sorted(graph))), [])


@cache
def imports() -> dict[str, set[str]]:
    """What every module of the package imports when it is loaded. Shared: do not change it."""
    known = {dotted(path) for path in modules()}
    return {dotted(path): imported_modules(path, known) for path in modules()}


def test_modules_do_not_import_each_other_in_circles() -> None:
    assert not circle(imports())


def test_rooms_do_not_import_each_other_in_circles() -> None:
    """A room is a folder inside a package; modules that stand directly in a package, over its rooms, count alone."""
    rooms = {name: ".".join(name.split(".")[:2]) for name in imports()}
    graph: dict[str, set[str]] = {}
    for name, others in imports().items():
        graph.setdefault(rooms[name], set()).update({rooms[other] for other in others} - {rooms[name]})
    assert not circle(graph)


def test_circles_are_found() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == ["b", "c", "b"]
    assert circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


@pytest.mark.parametrize("path", [*modules(), *sorted((ROOT / "tests").rglob("*.py"))], ids=name)
def test_modules_are_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST


@pytest.mark.parametrize("path", modules(), ids=name)
def test_nothing_is_unpickled(path: Path) -> None:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
            assert not {"pickle", "marshal", "shelve", "dill"} & set(names), name(path)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load":
            assert any(key.arg == "weights_only" and ast.unparse(key.value) == "True" for key in node.keywords), (
                f"{name(path)}:{node.lineno}: torch.load without weights_only=True"
            )


@pytest.mark.parametrize("path", modules(), ids=name)
def test_public_definitions_are_documented_and_typed(path: Path) -> None:
    tree = tree_of(path)
    assert ast.get_docstring(tree), f"{name(path)} says nothing about itself"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{name(path)}: {node.name} says nothing about itself"


def duplicates(sources: dict[str, str]) -> dict[str, list[str]]:
    """The names that more than one public class of some modules, given by their source text, has; and where."""
    found: dict[str, list[str]] = {}
    for module, source in sources.items():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found.setdefault(node.name, []).append(module)
    return {one: places for one, places in found.items() if len(places) > 1}


def test_no_two_public_classes_share_a_name() -> None:
    assert not duplicates({name(path): path.read_text() for path in modules()})


def test_classes_of_one_name_are_found() -> None:
    sources = {"a": "class A: pass\nclass _B: pass", "b": "class C:\n class A: pass", "c": "class _B: pass"}
    assert duplicates(sources) == {"A": ["a", "b"]}


def loaded_after(code: str) -> set[str]:
    """The heavy packages that a fresh interpreter has loaded after running `code`."""
    report = f"import sys\n{code}\nprint(*({HEAVY!r} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True, check=True, timeout=60)
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("module", ["dvcodec", "dvcodec.cli.app", "dvcodec.weights", "dvcodec.training.options"])
def test_starts_without_heavy_packages(module: str) -> None:
    assert loaded_after(f"import {module}") == set()


def test_presets_and_codec_load_without_torch() -> None:
    assert "torch" not in loaded_after("from dvcodec.training import presets; presets()")
    assert "torch" not in loaded_after("import dvcodec.codec.api, dvcodec.codec.bitstream.container")
    assert "torch" not in loaded_after("import dvcodec.evaluation, dvcodec.evaluation.report")

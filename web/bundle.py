"""Join modules of JavaScript into one classic script: pages in folders cannot load modules."""

import re
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent
_IMPORT = re.compile(r"^import \{([^}]*)\} from '([^']+)'\n", re.MULTILINE)
_AGAIN = re.compile(r"^export \{([^}]*)\} from '([^']+)'\n", re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?function\*?|class|const) (\w+)", re.MULTILINE)


def script() -> str:
    """Return the script that pages load: what runs in the page, and, as text, what runs in its workers."""
    worker = f"{_joined('page/worker.mjs')}{_name('page/worker.mjs')}.run()\n"
    begin = f"{_name('page/main.mjs')}.begin(`(${{worker}})()`)\n"
    strict = "'use strict'\n"
    return f"(() => {{\n{strict}const worker = () => {{\n{strict}{worker}}}\n{_joined('page/main.mjs')}{begin}}})()\n"


def _joined(entry: str) -> str:
    """Return a module and all that it imports, each as a constant that holds its exports."""
    return "".join(_wrapped(path) for path in _order(entry, ()))


@cache
def _order(path: str, above: tuple[str, ...]) -> tuple[str, ...]:
    """Return the modules that a module needs, itself last. ValueError if modules import each other in a circle."""
    if path in above:
        raise ValueError(f"{path} imports itself")
    found: dict[str, None] = {}
    text = (FOLDER / path).read_text("utf-8")
    for _, target in _IMPORT.findall(text) + _AGAIN.findall(text):
        found |= dict.fromkeys(_order(_resolved(path, target), (*above, path)))
    return (*found, path)


def _resolved(path: str, target: str) -> str:
    """Return the path of what a module imports."""
    return (FOLDER / path).parent.joinpath(target).resolve().relative_to(FOLDER.resolve()).as_posix()


def _name(path: str) -> str:
    """Return the constant of a module."""
    return "$" + re.sub(r"\W", "_", path.removesuffix(".mjs"))


def _wrapped(path: str) -> str:
    """Return a module as a constant that holds its exports."""
    text = (FOLDER / path).read_text("utf-8")
    exports = [name for _, name in _EXPORT.findall(text)]
    for names, target in _AGAIN.findall(text):
        exports += [f"{name.strip()}: {_name(_resolved(path, target))}.{name.strip()}" for name in names.split(",")]
    text = _AGAIN.sub("", text)
    text = _IMPORT.sub(lambda found: f"const {{{found[1]}}} = {_name(_resolved(path, found[2]))}\n", text)
    text = _EXPORT.sub(r"\1 \2", text)
    return f"const {_name(path)} = (() => {{\n{text}return {{ {', '.join(exports)} }}\n}})()\n"

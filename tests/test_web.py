"""The decoder in JavaScript: its own tests, in Node.js, and its house rules."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import dvcodec

ROOT = Path(__file__).resolve().parent.parent
WEB = ROOT / "web"
MODULES = sorted(path for path in WEB.rglob("*.*js") if "node_modules" not in path.parts)
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")


@needs_node
@pytest.mark.parametrize("file", sorted((ROOT / "tests/web").glob("*.test.mjs")), ids=lambda path: path.stem)
def test_node_finds_nothing_wrong(file: Path) -> None:
    command = ["node", "--test", "--test-reporter=tap", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, cwd=ROOT)
    assert done.returncode == 0, done.stdout[-4000:]
    assert re.search(r"^# pass [1-9]", done.stdout, re.MULTILINE) and "# skipped 0" in done.stdout


def test_versions_agree() -> None:
    assert json.loads((WEB / "package.json").read_text())["version"] == dvcodec.__version__


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(WEB)))
def test_modules_are_short_and_say_what_they_are(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= 300
    assert text.startswith("/**"), "a module begins with a comment of whole sentences"
    undocumented = re.findall(r"(?<!\*/\n)^export (?:async )?(?:function|class|const)\*? (\w+)", text, re.MULTILINE)
    assert not undocumented, "exports are documented"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(WEB)))
def test_modules_load_nothing_from_elsewhere(path: Path) -> None:
    for target in re.findall(r"""(?:from|import)\s*\(?\s*['"]([^'"]+)['"]""", path.read_text()):
        assert target.startswith("./") or target.startswith("../") or path.name.startswith("node."), target

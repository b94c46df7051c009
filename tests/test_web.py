"""The decoder in JavaScript: its own tests, in Node.js, and its house rules."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import dvcodec
from dvcodec import weights
from dvcodec.web.bundle import script

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


@needs_node
@pytest.mark.parametrize(
    ("name", "scale", "preview", "tolerance"),
    [
        ("lossy-filter", "1/2", "none", 0),
        ("lossy-filter", "1/4", "1", 0),
        ("psnr-filter", "1/2", "none", 1),
        ("psnr-filter", "1/2", "1", 1),
        ("psnr-filter", "1/4", "none", 1),
        ("psnr-filter", "1", "1", 1),
        ("psnr-la", "1/8", "none", 1),
    ],
)
def test_scales_and_previews_are_those_of_python(name: str, scale: str, preview: str, tolerance: int) -> None:
    path = ROOT / f"tests/golden/{name}.dvq"
    done = subprocess.run(["node", "tests/web/shown.mjs", scale, preview, path], capture_output=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr.decode()
    chosen: dict[str, Any] = {} if preview == "none" else {"preview": int(preview)}
    image = dvcodec.decompress(path, scale=None if scale == "1" else scale, **chosen).convert("RGBA")
    found = np.frombuffer(done.stdout, np.uint8).astype(int).reshape(image.height, image.width, 4)
    assert np.abs(found - np.asarray(image)).max() <= tolerance


@needs_node
@pytest.mark.parametrize(("name", "mode"), [("rrvq-cifar", "RGB"), ("hdvae-mnist", "1")])
@pytest.mark.parametrize("scale", ["1", "1/2"])
def test_lossy_small_images_are_those_of_python(tmp_path: Path, name: str, mode: str, scale: str) -> None:
    side, path = (32 if mode == "RGB" else 28), tmp_path / "small.dvq"
    with Image.open(ROOT / "examples/kodim23.png") as photograph:
        image = photograph.resize((side, side)).convert(mode)
    path.write_bytes(dvcodec.compress(image.convert("L" if mode == "1" else mode), weights=name))
    wanted = dvcodec.decompress(path, scale=None if scale == "1" else scale).convert("RGBA")
    done = subprocess.run(["node", "tests/web/shown.mjs", scale, "none", path], capture_output=True, cwd=ROOT)
    assert done.stdout == np.asarray(wanted).tobytes(), done.stderr.decode()


@needs_node
def test_the_joined_script_is_valid(tmp_path: Path) -> None:
    path = tmp_path / "dvcodec.js"
    path.write_text(script())
    done = subprocess.run(["node", "--check", path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_page_about_browsers_names_weights_that_ship() -> None:
    named = re.findall(r"id: '([0-9a-f]{16})'", (ROOT / "docs" / "WEB.md").read_text())
    shipped = {entry.id.hex() for entry in weights.entries()}
    assert named and set(named) <= shipped


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

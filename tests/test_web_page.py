"""The page in a real browser, from a folder: pixels of every other machine, damage in words, a layout that fits."""

import base64
import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import dvcodec as library
from browser import Tab, chromium, tab
from dvcodec.web import site
from program import dvcodec

pytestmark = pytest.mark.skipif(chromium() is None, reason="there is no Chromium or Chrome on the PATH")
FOLDER = Path(__file__).parent / "golden"
INDEX: dict[str, str] = json.loads((FOLDER / "index.json").read_text())
SHOWN = "lossy-rgb", "lossy-rgba", "stored-p"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gallery of golden files, one of them damaged."""
    folder = tmp_path_factory.mktemp("site")
    paths = [*(FOLDER / f"{name}.dvq" for name in SHOWN), FOLDER / "damaged/cut-in-header.dvq"]
    site.write(folder, [site.SitePicture(path, path.name) for path in paths], "Golden <files>")
    return folder / site.PAGE


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory, page: Path) -> Iterator[Tab]:
    """One browser for all tests, with the page."""
    with tab(tmp_path_factory.mktemp("profile")) as opened:
        opened.open(page, 1280)
        yield opened


def decoded(browser: Tab, data: bytes, options: str = "{}") -> str:
    """What the page's `decode` makes of a file: the hash of its pixels, or the message of its error."""
    text = base64.b64encode(data).decode()
    script = f"""dvcodec.decode(Uint8Array.fromBase64("{text}"), {options}).then(
        async ({{ data }}) => new Uint8Array(await crypto.subtle.digest("SHA-256", data)).toHex(),
        (error) => error.message)"""
    return str(run(browser, script))


def pixels(browser: Tab, data: bytes) -> bytes:
    """The pixels that the page's `decode` makes of a file, four bytes each."""
    text = base64.b64encode(data).decode()
    script = f'dvcodec.decode(Uint8Array.fromBase64("{text}")).then(({{ data }}) => new Uint8Array(data).toBase64())'
    return base64.b64decode(run(browser, script))


def run(browser: Tab, script: str) -> Any:
    """The value of an expression in the page, awaited for a minute."""
    late = "new Promise((_, reject) => setTimeout(() => reject(new Error('a minute went by')), 60000))"
    return browser.run(f"Promise.race([{script}, {late}])")


def shown(name: str) -> str:
    """The hash of a golden file's pixels as a screen shows them."""
    with Image.open(FOLDER / f"{name}.png") as image:
        return hashlib.sha256(np.asarray(image.convert("RGBA")).tobytes()).hexdigest()


@pytest.mark.parametrize("name", sorted(name for name in INDEX if not name.startswith("psnr-")))
def test_pixels_are_those_of_every_other_machine(browser: Tab, name: str) -> None:
    assert decoded(browser, (FOLDER / f"{name}.dvq").read_bytes()) == shown(name)


@pytest.mark.parametrize("name", sorted(name for name in INDEX if name.startswith("psnr-")))
def test_pixels_of_the_larger_model_differ_by_1_at_most(browser: Tab, name: str) -> None:
    data = (FOLDER / f"{name}.dvq").read_bytes()
    with Image.open(FOLDER / f"{name}.png") as image:
        wanted = np.asarray(image.convert("RGBA"))
    found = np.frombuffer(pixels(browser, data), np.uint8).reshape(wanted.shape)
    assert np.abs(found.astype(int) - wanted).max() <= 1


@pytest.mark.parametrize("name", sorted(path.stem for path in (FOLDER / "deep").glob("*.dvq")))
def test_deep_samples_are_those_of_python_rounded_to_8_bits(browser: Tab, name: str) -> None:
    data = (FOLDER / f"deep/{name}.dvq").read_bytes()
    white = 2 ** library.info(data).bit_depth - 1
    samples = library.decompress_array(data).astype(int)
    image = Image.fromarray(((samples * 255 + white // 2) // white).astype(np.uint8))
    assert pixels(browser, data) == np.asarray(image.convert("RGBA")).tobytes()


def test_smaller_pictures_are_those_of_python(browser: Tab) -> None:
    data = (FOLDER / "lossy-rgb.dvq").read_bytes()
    wanted = np.asarray(library.decompress(data, scale="1/2").convert("RGBA")).tobytes()
    assert decoded(browser, data, "{scale: 1 / 2}") == hashlib.sha256(wanted).hexdigest()


@pytest.mark.parametrize("name", ["header-flipped", "symbols-flipped", "other-size-webp", "kept-of-other-size"])
def test_damage_is_reported_in_the_words_of_the_command_line(browser: Tab, name: str) -> None:
    lines = json.loads((FOLDER / "damaged/index.json").read_text())[name]["decompress"]["lines"]
    assert [f"dvcodec: {name}.dvq: {decoded(browser, (FOLDER / f'damaged/{name}.dvq').read_bytes())}"] == lines


ARCHIVE = """(async () => {
    const archive = Uint8Array.fromBase64("%s")
    const { images, faults } = await dvcodec.info(archive)
    const pixelsOf = async (image) => {
        const { data } = await dvcodec.decode(archive, { image })
        return new Uint8Array(await crypto.subtle.digest("SHA-256", data)).toHex()
    }
    const found = images.map(async (image) => [image.name, await pixelsOf(image).catch((error) => error.message)])
    return [faults, await Promise.all(found)]
})()"""


@pytest.mark.parametrize("name", ["webp", "stored", "model", "bits-back-bilevel", "bits-back-rgb"])
def test_the_images_of_an_archive_are_listed_and_decoded(browser: Tab, name: str) -> None:
    path = FOLDER / f"archives/{name}.dvq"
    faults, found = run(browser, ARCHIVE % base64.b64encode(path.read_bytes()).decode())
    with library.open_archive(path) as archive:
        hashes = [hashlib.sha256(np.asarray(image.convert("RGBA")).tobytes()).hexdigest() for image in archive]
        wanted = [list(pair) for pair in zip(archive.names, hashes, strict=True)]
    assert faults == [] and found == wanted


READY = """new Promise((done) => {
    const look = () => document.querySelectorAll(".broken").length === 1 && !document.getElementById("save").disabled
    const again = () => look() ? done(true) : setTimeout(again, 50)
    again()
})"""


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_fits_and_shows_its_pictures(browser: Tab, page: Path, width: int) -> None:
    browser.open(page, width)
    assert run(browser, READY)
    assert browser.run("document.documentElement.scrollWidth") <= width
    assert browser.run("document.querySelectorAll('#list button').length") == len(SHOWN) + 1
    assert browser.run("document.querySelector('#picture canvas').width") == 96
    assert "96 x 64 pixels" in browser.run("document.getElementById('facts').textContent")
    assert browser.run("document.title") == "Golden <files>"
    assert [line for line in browser.console if not line.startswith("blob:")] == []


def test_a_page_without_pictures_loads_the_default_weights_at_once(browser: Tab, tmp_path: Path) -> None:
    site.write(tmp_path, [], "Viewer")
    browser.open(tmp_path / site.PAGE, 1280)
    loaded = """new Promise((done) => {
        const found = () => document.querySelector("script[src='weights/rrvq-light.js']")
        const look = () => found() ? done(true) : setTimeout(look, 50)
        look()
    })"""
    assert run(browser, loaded)
    assert decoded(browser, (FOLDER / "lossy-rgb.dvq").read_bytes()) == shown("lossy-rgb")
    missing = "dvcodec.prepare('0123456789abcdef').then(() => 'found', (error) => error.message)"
    assert "0123456789abcdef" in run(browser, missing)


def test_the_page_saves_png_with_the_pixels(browser: Tab) -> None:
    text = base64.b64encode((FOLDER / "lossy-rgba.dvq").read_bytes()).decode()
    script = f"dvcodec.decode(Uint8Array.fromBase64('{text}')).then(dvcodec.pngOf).then((png) => png.toBase64())"
    found = base64.b64decode(run(browser, script))
    with Image.open(io.BytesIO(found)) as image:
        assert hashlib.sha256(np.asarray(image.convert("RGBA")).tobytes()).hexdigest() == shown("lossy-rgba")


def test_the_element_shows_a_file_and_says_what_is_wrong(browser: Tab, page: Path) -> None:
    browser.open(page, 1280)
    script = """new Promise((done) => {
        document.body.innerHTML = "<dvq-img src='files/lossy-rgb.dvq'></dvq-img>" +
            "<dvq-img src='files/cut-in-header.dvq' alt='A'></dvq-img>"
        const [good, bad] = document.body.children
        const events = [[good, "load"], [bad, "error"]]
        Promise.all(events.map(([one, name]) => new Promise((came) => one.addEventListener(name, came)))).then(
            () => done([good.canvas.width, bad.message.textContent]))
    })"""
    width, message = run(browser, script)
    assert width == 96
    assert message == "A (the file is cut short inside its header (nothing of it can be decoded))"


@pytest.mark.slow
def test_the_page_stays_alive_while_a_large_picture_is_decoded(browser: Tab, page: Path) -> None:
    with Image.open(FOLDER.parent.parent / "examples/kodim23.png") as image:
        large = np.tile(np.asarray(image.convert("RGB")), (6, 6, 1))[:3000, :4000]
    data = library.compress(Image.fromarray(large))
    browser.open(page, 1280)
    text = base64.b64encode(data).decode()
    script = f"""(async () => {{
        const bytes = Uint8Array.fromBase64("{text}")
        let [frames, longest, last, working] = [0, 0, performance.now(), true]
        const frame = (now) => {{
            [frames, longest, last] = [frames + 1, Math.max(longest, now - last), now]
            if (working) requestAnimationFrame(frame)
        }}
        requestAnimationFrame(frame)
        const {{ width, height }} = await dvcodec.decode(bytes)
        working = false
        return [width, height, frames, longest]
    }})()"""
    width, height, frames, longest = browser.run(script)
    assert (width, height) == (4000, 3000)
    assert frames > 20 and longest < 5000  # milliseconds; without a worker, one frame would take all the time


def test_the_command_writes_a_gallery_and_overwrites_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner/a b.dvq").write_bytes((FOLDER / "lossy-l.dvq").read_bytes())
    seen = dvcodec("web", folder, "-o", tmp_path / "site", "--json")
    assert seen.code == 0 and json.loads(seen.out)["pictures"] == 1
    assert (tmp_path / "site/files/inner/a b.dvq").read_bytes() == (FOLDER / "lossy-l.dvq").read_bytes()
    assert '"files/inner/a%20b.dvq"' in (tmp_path / "site/index.html").read_text()
    again = dvcodec("web", folder, "-o", tmp_path / "site")
    assert again.code == 1 and "is not empty (name another folder, or use --force)" in again.err
    assert dvcodec("web", folder, "-o", tmp_path / "site", "--force", "--quiet").code == 0

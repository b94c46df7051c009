"""Help, usage errors, completion, the manual page and the desktop's files."""

import io
import re
import shlex
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from configparser import ConfigParser
from dataclasses import replace
from pathlib import Path
from typing import Any

import manual
import numpy as np
import pytest
from PIL import Image
from typer.main import get_command
from typer.testing import CliRunner

from dvcodec import compress, decompress_array
from dvcodec.cli import report
from dvcodec.cli.app import app
from dvcodec.codec import api, thumbnails
from dvcodec.codec.settings import CompressSettings
from dvcodec.codec.view import View
from dvcodec.image_io.images import from_array
from dvcodec.image_io.metadata import Metadata
from dvcodec.weights import Weights
from program import dvcodec, picture

SHARE = Path(__file__).parent.parent / "share"
GOLDEN = Path(__file__).parent / "golden"
COMMANDS = list(get_command(app).commands)  # type: ignore[attr-defined]  # a group, since there are many
DRAWN = re.compile("[\x1b\u2500-\u257f]")
MEDIA_TYPE = "image/x-dvq"


@pytest.fixture(autouse=True)
def folder(fake_weights: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, and no wishes about colours."""
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_in_a_pipe_is_plain_and_80_columns_wide(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")
    seen = dvcodec(*command.split(), "--help")
    assert seen.code == 0 and seen.out.startswith(f"Usage: dvcodec {command}".rstrip())
    assert not DRAWN.search(seen.out)
    assert max(map(len, seen.out.splitlines())) <= 80


def test_help_in_a_pipe_has_the_sections_of_terminals() -> None:
    sections = re.findall(r"(?m)^(\S.*):$", dvcodec("compress", "--help").out)
    assert sections == ["Arguments", "Options", "Size and quality", "Advanced"]
    assert re.findall(r"(?m)^(\S.*):$", dvcodec("--help").out) == ["Options", "Images", "Models"]


def test_usage_errors_in_a_pipe_are_plain() -> None:
    for args in (["compress", "a.png", "-q", "high"], ["nothing"], ["compress", "--nothing"], ["info"]):
        seen = dvcodec(*args)
        assert seen.code == 2 and "\nError: " in seen.err and not DRAWN.search(seen.err)


@pytest.mark.parametrize(
    ("name", "value", "drawn"), [("LANG", "C", True), ("NO_COLOR", "1", False), ("TERM", "dumb", False)]
)
def test_terminals_have_boxes_unless_they_are_not_wanted(
    name: str, value: str, drawn: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "is_terminal", lambda stream: True)
    monkeypatch.setenv(name, value)
    assert bool(DRAWN.search(dvcodec("--help").out)) is drawn
    assert bool(DRAWN.search(dvcodec("compress", "--help").out)) is drawn
    assert bool(DRAWN.search(dvcodec("compress", "-q", "0").err)) is drawn


def test_tracebacks_are_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    picture(Path("a.png"))
    monkeypatch.setattr("dvcodec.codec.api.compress_data", lambda *args: 1 / 0)
    seen = dvcodec("compress", "a.png", "--debug")
    assert seen.code == 1 and "ZeroDivisionError" in seen.err and not DRAWN.search(seen.err)


MEANT = [
    (["img.png"], "'img.png' is not a command (type: dvcodec compress img.png)"),
    (["my img.JPG", "-q", "50"], "is not a command (type: dvcodec compress 'my img.JPG' -q 50)"),
    (["old.dvq"], "'old.dvq' is not a command (type: dvcodec decompress old.dvq)"),
    (["photos"], "'photos' is not a command (type: dvcodec compress photos -r)"),
    (["compres"], "No such command 'compres'"),
]


@pytest.mark.parametrize(("args", "message"), MEANT)
def test_a_file_in_the_place_of_a_command(folder: Path, args: list[str], message: str) -> None:
    (folder / "photos").mkdir()
    seen = dvcodec(*args)
    assert seen.code == 2 and message in seen.err


def completed(words: str) -> list[str]:
    """What bash offers after some words."""
    env = {"_DVCODEC_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split(" ")) - 1)}
    result = CliRunner().invoke(app, [], prog_name="dvcodec", env=env)
    assert result.exit_code == 0
    return result.stdout.split()


def test_shells_complete_commands_options_and_choices() -> None:
    assert completed("dvcodec comp") == ["compress", "compare"]
    assert "--target-ssimulacra2" in completed("dvcodec compress --target-")
    assert completed("dvcodec compress --tune ") == ["psnr", "perceptual"]


def test_the_manual_page_is_in_step_with_the_help() -> None:
    assert manual.PAGE.read_text() == manual.page(), "write it anew: cd tests && python -m manual"
    assert all(f"\n.SS {name}\n" in manual.page() for name in COMMANDS)


@pytest.mark.skipif(not shutil.which("groff"), reason="groff is not installed")
def test_the_manual_page_is_valid_roff() -> None:
    seen = subprocess.run(
        ["groff", "-man", "-Tascii", "-ww", "-z", manual.PAGE], capture_output=True, text=True, check=True
    )
    assert seen.stderr == ""


def test_a_thumbnail_fits_and_is_turned(folder: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6
    Image.new("RGB", (80, 40), "red").save("wide.png", exif=exif)
    assert dvcodec("compress", "wide.png").code == 0
    seen = dvcodec("decompress", "wide.dvq", "--thumbnail", "32", "-o", "small")
    assert seen.code == 0 and seen.err.endswith("  16x32  T\n")
    with Image.open("small") as image:
        assert (image.format, image.size, image.getexif()) == ("PNG", (16, 32), Image.Exif())
    assert dvcodec("decompress", "wide.dvq", "--thumbnail", "512", "-o", "-").data.startswith(b"\x89PNG")
    assert dvcodec("decompress", "wide.dvq", "--thumbnail", "0").code == 2
    seen = dvcodec("decompress", "wide.dvq", "--thumbnail", "9", "-o", "t.jpg")
    assert seen.code == 2 and "thumbnails are PNG files (use .png)" in seen.usage and not Path("t.jpg").exists()


def test_thumbnails_of_photographs_need_a_smaller_picture(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture(folder / "a.png", size=(200, 100))
    data = compress(folder / "a.png")
    views, real = list[View](), api.decompress_picture

    def seen(*args: Any, **options: Any) -> Any:
        views.append(options["view"])
        return real(*args, **options)

    monkeypatch.setattr(thumbnails, "decompress_picture", seen)
    for side, denominator in ((12, 8), (14, 4), (100, 1), (300, 1)):
        _, width, height = thumbnails.thumbnail_data(data, side)
        assert (width, height) == (min(side, 200), round(min(side, 200) / 2)) and views[-1] == View(denominator)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA"])
def test_thumbnails_of_every_mode(folder: Path, mode: str) -> None:
    picture(folder / "a.png", mode=mode)
    assert dvcodec("compress", "a.png", "--lossless", "--method", "stored").code == 0
    assert dvcodec("decompress", "a.dvq", "--thumbnail", "20", "-o", "t.png").code == 0
    with Image.open("t.png") as image:
        assert (image.size, image.mode) == ((20, 12), "RGBA" if mode in ("LA", "RGBA") else "RGB")


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_thumbnails_of_deep_samples_are_as_bright(mode: str) -> None:
    data = (GOLDEN / f"deep/deep-{mode.lower()}.dvq").read_bytes()
    file, *size = thumbnails.thumbnail_data(data, 512)
    samples = decompress_array(data)
    with Image.open(io.BytesIO(file)) as image:
        assert (image.mode, list(image.size)) == ("RGBA" if "A" in mode else "RGB", size)
        levels = np.asarray(image.convert(mode))
    assert np.abs(levels / 255 - samples / 65535).max() < 0.01


def test_thumbnails_of_images_with_broken_exif_are_made() -> None:
    picture = from_array(np.full((20, 30, 3), 99, np.uint8))
    for exif in (bytes(30), b"II*\0\x08\0\0\0\xff\xff", b"MM\0*\0\0"):
        broken = replace(picture, metadata=Metadata(b"", exif, b""))
        data, _ = api.compress_picture(broken, CompressSettings(lossless=True, method="stored"))
        assert thumbnails.thumbnail_data(data, 15)[1:] == (15, 10)


def test_the_thumbnailer_of_desktops_runs(folder: Path) -> None:
    parser = ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # keys keep their case
    parser.read(SHARE / "thumbnailers/dvcodec.thumbnailer")
    entry = parser["Thumbnailer Entry"]
    assert (entry["TryExec"], entry["MimeType"]) == ("dvcodec", f"{MEDIA_TYPE};")
    picture(folder / "a.png")
    assert dvcodec("compress", "a.png").code == 0
    (folder / "made by the desktop").touch()
    places = {"%i": "a.dvq", "%o": "made by the desktop", "%s": "16"}
    words = [places.get(word, word) for word in shlex.split(entry["Exec"])]
    seen = dvcodec(*words[1:])
    assert (words[0], seen.code, seen.err) == ("dvcodec", 0, "")
    with Image.open("made by the desktop") as image:
        assert (image.format, max(image.size)) == ("PNG", 16)


def test_the_media_type_is_that_of_the_plug_in() -> None:
    import dvcodec as package

    package.register()
    kind = ElementTree.parse(SHARE / "mime/packages/dvcodec.xml").getroot()[0]
    assert kind.attrib["type"] == MEDIA_TYPE == Image.MIME["DVQ"]


@pytest.mark.skipif(not shutil.which("update-mime-database"), reason="shared-mime-info is not installed")
def test_desktops_know_files_by_name_and_by_content(folder: Path) -> None:
    shutil.copytree(SHARE / "mime", folder / "data" / "mime")
    subprocess.run(["update-mime-database", folder / "data" / "mime"], check=True, capture_output=True)
    assert f"{MEDIA_TYPE}:*.dvq" in (folder / "data/mime/globs2").read_text()
    picture(folder / "a.png")
    assert dvcodec("compress", "a.png").code == 0
    assert dvcodec("compress", "a.png", "-o", "b").code == 0
    if sys.platform == "linux" and (gio := shutil.which("gio")):
        env = {"XDG_DATA_HOME": str(folder / "data"), "XDG_DATA_DIRS": "/usr/share", "PATH": "/usr/bin:/bin"}
        for name in ("a.dvq", "b"):
            seen = subprocess.run(
                [gio, "info", "-a", "standard::content-type", name], env=env, capture_output=True, text=True, check=True
            )
            assert f"content-type: {MEDIA_TYPE}" in seen.stdout

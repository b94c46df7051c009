"""Settings of compression: spelled once, and the same in Python, on the command line and in the plug-in."""

import ast
import dataclasses
import inspect
import re
import typing
from pathlib import Path
from typing import Any

import pytest

import dvcodec
from dvcodec.cli.compress import compress
from dvcodec.cli.text import with_options
from dvcodec.codec.bitstream.header import METHODS
from dvcodec.codec.settings import (
    ArchiveOptions,
    ArchiveSettings,
    CompressOptions,
    CompressSettings,
    Device,
    Method,
    Tuning,
    options,
)
from dvcodec.errors import InvalidArgument
from dvcodec.image_io import suffixes
from dvcodec.training.recipes.overrides import override

ROOT = Path(__file__).parent.parent
OPTION = re.compile(r"(^|[\s`(])(--[a-z]|-[a-z]\b)")
PROGRAMS = {"photo_bound.py"}
"""Modules that have options of their own, beside the command line of the package."""


def test_keyword_arguments_are_the_settings() -> None:
    wanted = typing.get_type_hints(CompressSettings)
    assert typing.get_type_hints(CompressOptions) | {"quality": wanted["quality"]} == wanted


def test_keyword_arguments_of_archives_are_the_settings() -> None:
    assert typing.get_type_hints(ArchiveOptions) == typing.get_type_hints(ArchiveSettings)


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        (dvcodec.compress, CompressSettings),
        (dvcodec.compress_array, CompressSettings),
        (dvcodec.compress_archive, ArchiveSettings),
    ],
)
def test_signatures_and_documentation_are_drawn_from_the_settings(function: Any, kind: Any) -> None:
    shown = inspect.signature(function).parameters
    assert not any(one.kind in (one.VAR_KEYWORD, one.VAR_POSITIONAL) for one in shown.values())
    for one in dataclasses.fields(kind):
        assert shown[one.name].default == one.default, one.name
        assert f"        {one.name}: {options(kind)[one.name].help}\n" in function.__doc__
    assert "options" not in function.__doc__


def test_settings_are_keywords() -> None:
    for kind in (CompressSettings, ArchiveSettings):
        with pytest.raises(TypeError):
            typing.cast(Any, kind)(50)


def test_the_command_line_draws_from_the_settings() -> None:
    hints = typing.get_type_hints(compress, include_extras=True)
    for name, option in options(CompressSettings).items():
        shown = hints[name].__metadata__[0]
        assert shown.help.startswith(with_options(option.help).rstrip(".")), (
            name
        )  # and says more where values may have units
        if shown.parser is None:  # the others' bounds are those of `test_wrong_usage`
            assert (shown.min, shown.max) == (option.least, option.most)
        given, own = inspect.signature(compress).parameters[name].default, getattr(CompressSettings(), name)
        assert given == own or given == Device(own)


def test_choices_are_those_of_the_codec() -> None:
    assert set(Method) == {"auto", "bits-back", *METHODS} and set(Device) == {"auto", "cpu", "cuda"}
    assert list(Tuning) == ["psnr", "perceptual"]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"quality": 0}, "`quality` 0 is out of range"),
        ({"quality": float("nan")}, "out of range"),
        ({"quality": True}, "out of range"),
        ({"quality": "50"}, "out of range"),
        ({"quality": 5, "lossless": True}, "`quality` and `lossless` exclude each other"),
        ({"target_bpp": 1, "target_size": 9}, "`target_bpp` and `target_size` exclude each other"),
        ({"target_psnr": float("inf")}, "not a positive number"),
        ({"target_bpp": 0}, "not a positive number"),
        ({"method": "webp"}, "lossless files only"),
        ({"method": "bits-back", "lossless": True}, "unknown method"),
        ({"effort": 10}, "a whole number from 1 to 9"),
        ({"effort": 2, "lossless": True}, "lossy files only"),
        ({"tune": "ssim"}, "unknown tune"),
        ({"device": "tpu"}, "unknown device"),
    ],
    ids=str,
)
def test_settings_that_cannot_be_are_refused(given: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidArgument, match=reason):
        CompressSettings(**given)


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        typing.cast(Any, CompressSettings()).quality = 3


def test_errors_of_the_library_name_no_options_of_the_command_line() -> None:
    for folder in ("codec", "evaluation", "image_io", "models", "training", "weights"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call | ast.Assign | ast.Raise):
                    texts = [one.value for one in ast.walk(node) if isinstance(one, ast.Constant)]
                    named = [text for text in texts if isinstance(text, str) and OPTION.search(text)]
                    assert not named or path.name in PROGRAMS, (path, named)


def test_the_command_line_writes_its_options_in_the_place_of_settings() -> None:
    assert with_options('`preview="all"` decodes them') == "--preview all decodes them"
    assert with_options("`quality` and `target_bpp`") == "-q and --target-bpp"
    assert with_options("`start` and `calibration`") == "--from and --calibrate"
    assert with_options(override("postfilter_width", 48)) == "--set postfilter_width=48"
    assert with_options("`not a setting` stays") == "`not a setting` stays"


def test_images_are_known_by_their_suffix_in_any_case(tmp_path: Path) -> None:
    for name in ("a.PGM", "b.png", "c.txt"):
        (tmp_path / name).touch()
    (tmp_path / "d.png").mkdir()
    assert sorted(path.name for path in filter(suffixes.is_image, tmp_path.iterdir())) == ["a.PGM", "b.png"]
    assert set(suffixes.WRITTEN) <= suffixes.READ <= suffixes.KNOWN

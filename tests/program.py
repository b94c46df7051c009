"""Runs the command line inside the test process and hands back what a person would see."""

import re
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from PIL import Image
from typer.main import get_command
from typer.testing import CliRunner

from dvcodec.cli.app import app
from dvcodec.cli.plain import plain

SECONDS = re.compile(r"\d+\.\d s$", re.MULTILINE)


@dataclass(frozen=True)
class Seen:
    """Exit status and streams; in `err` times are written T, and boxes and line breaks of usage errors are undone."""

    code: int
    data: bytes
    out: str
    err: str

    @property
    def usage(self) -> str:
        """The text on stderr without the box that is drawn around usage errors."""
        return " ".join(re.sub("[│╭╮╰╯─]", " ", self.err).split())


def dvcodec(*args: str | Path, stdin: bytes = b"") -> Seen:
    """Run `dvcodec ARGS`."""
    code: object = 0
    with CliRunner().isolation(input=stdin) as (out, err, _):
        try:
            _command(plain()).main([str(arg) for arg in args], prog_name="dvcodec")
        except SystemExit as end:
            code = end.code or 0
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
        data, said = out.getvalue(), err.getvalue().decode("utf-8", "replace")
    assert isinstance(code, int)
    return Seen(code, data, data.decode("utf-8", "replace"), SECONDS.sub("T", said))


@cache
def _command(plain: bool) -> Any:
    """Return the program, for terminals or plain; each is built once, which takes longer than most tests of it."""
    return get_command(app)


def picture(path: Path, size: tuple[int, int] = (40, 24), mode: str = "RGB") -> Path:
    """Write a small picture with some structure in it."""
    width, height = size
    grey = Image.linear_gradient("L").resize(size)
    Image.merge("RGB", [grey, grey.rotate(180), Image.new("L", (width, height), 90)]).convert(mode).save(path)
    return path


def names(folder: Path) -> list[str]:
    """What lies in a folder."""
    return sorted(entry.name for entry in folder.iterdir())

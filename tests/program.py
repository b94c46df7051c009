"""Runs the command line inside the test process and hands back what a person would see."""

import re
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from typer.testing import CliRunner

from dvcodec.cli.app import app

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
    result = CliRunner().invoke(app, [str(arg) for arg in args], input=stdin, prog_name="dvcodec")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    out = result.stdout_bytes.decode("utf-8", "replace")
    return Seen(result.exit_code, result.stdout_bytes, out, SECONDS.sub("T", result.stderr))


def picture(path: Path, size: tuple[int, int] = (40, 24), mode: str = "RGB") -> Path:
    """Write a small picture with some structure in it."""
    width, height = size
    grey = Image.linear_gradient("L").resize(size)
    Image.merge("RGB", [grey, grey.rotate(180), Image.new("L", (width, height), 90)]).convert(mode).save(path)
    return path


def names(folder: Path) -> list[str]:
    """What lies in a folder."""
    return sorted(entry.name for entry in folder.iterdir())

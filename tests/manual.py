"""Writes share/man/man1/dvcodec.1 anew from the help of the commands: `python -m manual` in tests/."""

import re
from pathlib import Path
from typing import Any

from typer.main import get_command

import dvcodec
from dvcodec.cli.app import app

PAGE = Path(__file__).parent.parent / "share" / "man" / "man1" / "dvcodec.1"
FILES = """\
.TP
.B DVCODEC_WEIGHTS
Folder in which weights are looked for beside those that ship.
.TP
.B DVCODEC_MAX_PIXELS, DVCODEC_MAX_MEMORY
Bounds where the options of these names are not given.
.TP
.B NO_COLOR
Print help and errors as plain text on terminals, too."""


def escaped(text: str) -> str:
    """Text for roff: backslashes and hyphens escaped, and no line that begins as a request does."""
    plain = text.replace("\\", "\\e").replace("-", "\\-").replace("\u00d7", "x")
    return re.sub(r"(?m)^([.'])", r"\\&\1", plain)


def paragraphs(text: str) -> str:
    """The text of a help, with a request between its paragraphs."""
    return "\n.PP\n".join(escaped(" ".join(part.split())) for part in text.strip().split("\n\n"))


def entries(command: Any) -> str:
    """Arguments and options of a command as tagged paragraphs."""
    context = command.make_context("dvcodec", [], resilient_parsing=True)
    lines = []
    for one in command.get_params(context):
        if (record := one.get_help_record(context)) is not None:
            tag = one.metavar if one.param_type_name == "argument" else record[0].strip()
            lines += [".TP", f".B {escaped(tag)}", escaped(" ".join(record[1].split()))]
    return "\n".join(lines)


def page() -> str:
    """The manual page."""
    root: Any = get_command(app)
    parts = [
        f'.TH DVCODEC 1 "" "dvcodec {dvcodec.__version__}" "User Commands"',
        ".SH NAME",
        "dvcodec \\- compress images with learned models",
        ".SH SYNOPSIS",
        ".B dvcodec\n.RI [ options ]\n.I command\n.RI [ arguments ]",
        f".SH DESCRIPTION\n{paragraphs(root.help)}",
        f".SH OPTIONS\n{entries(root)}",
        ".SH COMMANDS",
    ]
    for name, command in root.commands.items():
        parts.append(f".SS {name}\n{paragraphs(command.help)}\n{entries(command)}")
    parts += [f".SH ENVIRONMENT\n{FILES}", f".SH EXIT STATUS\n{paragraphs(root.epilog)}"]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())

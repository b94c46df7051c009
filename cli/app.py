"""The program `dvcodec`, which gathers the commands and prints help and version."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from ..processes.signals import end_cleanly
from .compare import compare
from .compress import compress
from .decompress import decompress
from .evaluate import evaluate
from .export import export
from .info import info
from .listing import Listing
from .models import models
from .options import FLAG
from .plain import Command, PlainGroup
from .process import wait_asleep
from .report import escape_unprintable, show
from .sample import sample
from .text import reason
from .train import train
from .verify import verify
from .web import web

app = typer.Typer(
    name="dvcodec",
    help="Compress images with hierarchical discrete VAEs: photo.png becomes photo.dvq, and back.",
    epilog="Exit status: 0 on success, 1 if a file failed, 2 for wrong usage, 128 + n after signal n (130: interrupt).",
    cls=PlainGroup,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
IMAGES, MODELS = "Images", "Models"
app.command(rich_help_panel=IMAGES, cls=Command)(compress)
app.command(rich_help_panel=IMAGES, cls=Command)(decompress)
app.command(rich_help_panel=IMAGES, cls=Command)(info)
app.command(rich_help_panel=IMAGES, cls=Command)(verify)
app.command(rich_help_panel=IMAGES, cls=Command)(compare)
app.command(rich_help_panel=IMAGES, cls=Command)(web)
app.command(rich_help_panel=MODELS, cls=Command)(models)
app.command(rich_help_panel=MODELS, cls=Listing)(train)
app.command(rich_help_panel=MODELS, cls=Command)(evaluate)
app.command(rich_help_panel=MODELS, cls=Command)(sample)
app.command(rich_help_panel=MODELS, cls=Command)(export)


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("-V", "--version", metavar=FLAG, help="Print the version and exit.")] = False,
    verbose: Annotated[
        int,
        typer.Option(
            "-v",
            "--verbose",
            metavar=FLAG,
            count=True,
            show_default=False,
            help="With -V, also print the format version and the installed weights.",
        ),
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", metavar=FLAG, help="With -V, print JSON.")] = False,
) -> None:
    """Print the version, or the help if no command is given."""
    if version:
        show(_version(detailed=verbose > 0, as_json=as_json))
        raise typer.Exit(0)
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(0)


def _version(detailed: bool, as_json: bool) -> str:
    """Return the version, and if `detailed` what decides whether a file can be read: format version and weights ids."""
    from .. import __version__

    shown: dict[str, object] = {"version": __version__}
    if detailed or as_json:
        from .. import weights
        from ..codec.bitstream.header import VERSION

        shown["format"] = VERSION
        shown["python"] = ".".join(map(str, sys.version_info[:3]))
        shown["weights"] = {entry.name: entry.id.hex() for entry in weights.entries()}
    if as_json:
        return json.dumps(shown)
    lines = [f"dvcodec {__version__}"]
    if detailed:
        lines.append(f"format {shown['format']}")
        lines.append(f"python {shown['python']}")
        lines += [f"weights {entry.id.hex()} {entry.name}" for entry in weights.entries()]
    return "\n".join(lines)


def main() -> None:
    """Run the program with the arguments of the process, and exit."""
    end_cleanly()
    escape_unprintable()
    wait_asleep()
    try:
        app(prog_name="dvcodec")
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if "--debug" in sys.argv:
            raise
        sys.exit(f"dvcodec: {reason(error)}")

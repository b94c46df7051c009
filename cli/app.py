"""The program `dvcodec`: gathers the commands, prints help and version."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from .compare import compare
from .compress import compress
from .decompress import decompress
from .evaluate import evaluate
from .export import export
from .info import info
from .listing import Listing
from .models import models
from .options import FLAG
from .sample import sample
from .text import reason
from .train import train
from .verify import verify

app = typer.Typer(
    name="dvcodec",
    help="Compress images with hierarchical discrete VAEs: photo.png -> photo.dvq and back.",
    epilog="Exit status: 0 done, 1 a file failed, 2 wrong usage, 130 interrupted.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
COMMON, WORKSHOP = "Images", "Models"
app.command(rich_help_panel=COMMON)(compress)
app.command(rich_help_panel=COMMON)(decompress)
app.command(rich_help_panel=COMMON)(info)
app.command(rich_help_panel=COMMON)(verify)
app.command(rich_help_panel=COMMON)(compare)
app.command(rich_help_panel=WORKSHOP)(models)
app.command(rich_help_panel=WORKSHOP, cls=Listing)(train)
app.command(rich_help_panel=WORKSHOP)(evaluate)
app.command(rich_help_panel=WORKSHOP)(sample)
app.command(rich_help_panel=WORKSHOP)(export)


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
            help="With -V: format version and weights too.",
        ),
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", metavar=FLAG, help="With -V: as JSON.")] = False,
) -> None:
    """Print the version, or the help where no command is given."""
    if version:
        typer.echo(_version(detailed=verbose > 0, as_json=as_json))
        raise typer.Exit(0)
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(0)


def _version(detailed: bool, as_json: bool) -> str:
    """The version line; `detailed` adds what decides whether a file can be read: format version and weights ids."""
    from .. import __version__

    facts: dict[str, object] = {"version": __version__}
    if detailed or as_json:
        from .. import weights
        from ..codec.bitstream.header import VERSION

        facts["format"] = VERSION
        facts["python"] = ".".join(map(str, sys.version_info[:3]))
        facts["weights"] = {entry.name: entry.id.hex() for entry in weights.entries()}
    if as_json:
        return json.dumps(facts)
    lines = [f"dvcodec {__version__}"]
    if detailed:
        lines.append(f"format {facts['format']}")
        lines.append(f"python {facts['python']}")
        lines += [f"weights {entry.id.hex()} {entry.name}" for entry in weights.entries()]
    return "\n".join(lines)


def main() -> None:
    """Run the program with the arguments of the process; never returns."""
    try:
        app(prog_name="dvcodec")
    except Exception as error:
        if "--debug" in sys.argv:
            raise
        sys.exit(f"dvcodec: {reason(error)}")

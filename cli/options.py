"""Options that several commands share, declared once so that they read and behave alike."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ..codec import settings
from ..codec.settings import Device as Device
from ..codec.settings import Tuning as Tuning

ADVANCED = "Advanced"
FLAG = " "
"""Metavar of switches and counters: help shows no type beside them."""
LARGEST_SEED = 2**63 - 1
"""What every generator takes."""


def setting(name: str, *flags: str, panel: str | None = None, switch: bool = False) -> Any:
    """Return the option of a setting, with the limits and the description that codec.settings gives it."""
    option = settings.options()[name]
    return typer.Option(
        *(flags or (settings_flag(name),)),
        min=option.least,
        max=option.most,
        metavar=FLAG if switch else option.metavar,
        help=option.help.format(lossless="--lossless"),
        rich_help_panel=panel,
    )


def settings_flag(name: str) -> str:
    """Return the flag of a setting: --target-size for target_size."""
    return f"--{name.replace('_', '-')}"


ImageInputs = Annotated[list[str], typer.Argument(metavar="IMAGE", help="Image files; - is standard input.")]
DvqInputs = Annotated[list[str], typer.Argument(metavar="FILE", help=".dvq files; - is standard input.")]
Output = Annotated[
    str | None, typer.Option("-o", "--output", metavar="FILE", help="Output file, for one input; - is standard output.")
]
OutputDir = Annotated[
    Path | None, typer.Option("--output-dir", metavar="DIR", help="Folder for the outputs; made where missing.")
]
Force = Annotated[
    bool,
    typer.Option("-f", "--force", metavar=FLAG, help="Overwrite existing outputs; write binary data to a terminal."),
]
DeviceOption = Annotated[Device, setting("device", panel=ADVANCED)]
MOST_THREADS = 1024

Threads = Annotated[
    int | None,
    typer.Option(
        "--threads",
        min=1,
        max=MOST_THREADS,
        metavar="N",
        help="CPU threads in all; default: all.",
        rich_help_panel=ADVANCED,
    ),
]
Jobs = Annotated[
    int,
    typer.Option("--jobs", min=1, metavar="N", help="Files at a time, sharing the threads.", rich_help_panel=ADVANCED),
]
Quiet = Annotated[bool, typer.Option("--quiet", metavar=FLAG, help="Print errors only.")]
Verbose = Annotated[
    int,
    typer.Option("-v", "--verbose", metavar=FLAG, count=True, show_default=False, help="Print more about each file."),
]
Json = Annotated[bool, typer.Option("--json", metavar=FLAG, help="Print one JSON object per file on standard output.")]
NoProgress = Annotated[bool, typer.Option("--no-progress", metavar=FLAG, help="Show no progress bar.")]
Debug = Annotated[
    bool,
    typer.Option("--debug", metavar=FLAG, help="Print a traceback when something fails.", rich_help_panel=ADVANCED),
]

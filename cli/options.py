"""Options that several commands share, declared once so that they read and behave alike."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from ..codec.settings import MAX_MEMORY, MAX_PIXELS, ArchiveSettings, CompressSettings, options
from ..codec.settings import Device as Device
from ..codec.settings import Tuning as Tuning
from ..errors import InvalidArgument
from ..image_io.bounds import Bounds, amount
from . import values
from .text import with_options

ADVANCED = "Advanced"
FLAG = " "
"""Metavar of switches and counters: help shows no type beside them."""
LARGEST_SEED = 2**63 - 1
"""The largest seed that all random generators take."""


def setting(
    name: str,
    *flags: str,
    kind: type[CompressSettings | ArchiveSettings] = CompressSettings,
    panel: str | None = None,
    switch: bool = False,
    help: str | None = None,
    metavar: str | None = None,
    parser: Callable[[str], object] | None = None,
) -> Any:
    """Return the option of a setting.

    Args:
        name: The setting's name in Python.
        flags: Its names on the command line; `--name` if there are none.
        kind: The class of settings that describes it.
        panel: The part of the help in which it stands.
        switch: Whether it takes no value.
        help: What the help says of it; if None, what `kind` says, with options in the place of settings.
        metavar: The placeholder of its value; if None, the one that `kind` gives.
        parser: Returns the value of the text that is typed, and checks its limits; if None, typer does both.

    Returns:
        An option of typer's, with the limits of the setting.
    """
    option = options(kind)[name]
    return typer.Option(
        *(flags or (settings_flag(name),)),
        min=None if parser else option.least,
        max=None if parser else option.most,
        parser=parser,
        metavar=FLAG if switch else metavar or option.metavar,
        help=with_options(option.help) if help is None else help,
        rich_help_panel=panel,
    )


def numeric(name: str, *flags: str, panel: str | None = None) -> Any:
    """Return the option of a setting that is a number; what is not within its limits is refused in plain words."""
    option = options(CompressSettings)[name]
    return setting(name, *flags, panel=panel, parser=values.number(option.least, option.most))


def settings_flag(name: str) -> str:
    """Return the flag of a setting: --target-size for target_size."""
    return f"--{name.replace('_', '-')}"


ImageInputs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="IMAGE",
        help="Image files to compress, and folders with -r. - stands for standard input.",
        show_default=False,
    ),
]
DvqInputs = Annotated[
    list[str], typer.Argument(metavar="FILE", help="Files that dvcodec wrote (.dvq). - stands for standard input.")
]
DvqTrees = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="FILE",
        help="Files that dvcodec wrote (.dvq), and folders with -r. - stands for standard input.",
        show_default=False,
    ),
]
Recursive = Annotated[
    bool,
    typer.Option("-r", "--recursive", metavar=FLAG, help="Take the files in folders, too, and in the folders in them."),
]
FilesFrom = Annotated[
    str | None,
    typer.Option(
        "--files-from",
        metavar="LIST",
        help="File with the names of further inputs, one on each line. - stands for standard input.",
    ),
]
Null = Annotated[
    bool,
    typer.Option(
        "-0",
        "--null",
        metavar=FLAG,
        help="The names in --files-from end with a zero byte, as find -print0 writes them.",
    ),
]
Output = Annotated[
    str | None,
    typer.Option(
        "-o", "--output", metavar="FILE", help="Output file, for one input only. - stands for standard output."
    ),
]
OutputDir = Annotated[
    Path | None,
    typer.Option("--output-dir", metavar="DIR", help="Folder for the outputs. It is created if it does not exist."),
]
Force = Annotated[
    bool,
    typer.Option(
        "-f", "--force", metavar=FLAG, help="Overwrite existing outputs, and write binary data even to a terminal."
    ),
]
KeepTimes = Annotated[
    bool,
    typer.Option(
        "--keep-times", metavar=FLAG, help="Give each output the times of its input. Permissions are always kept."
    ),
]
DeviceOption = Annotated[Device, setting("device", panel=ADVANCED)]


def _amount(name: str) -> Callable[[str], int]:
    """Return a parser of the numbers that an option takes: with K, M or G behind them if one likes."""

    def parse(text: str) -> int:
        try:
            return amount(text, name)
        except InvalidArgument as error:
            raise typer.BadParameter(str(error)) from None

    return parse


MaxPixels = Annotated[
    int | None,
    typer.Option(
        "--max-pixels",
        parser=_amount("the number"),
        metavar="N",
        help=with_options(MAX_PIXELS.help),
        rich_help_panel=ADVANCED,
    ),
]
MaxMemory = Annotated[
    int | None,
    typer.Option(
        "--max-memory",
        parser=_amount("the number of bytes"),
        metavar="BYTES",
        help=with_options(MAX_MEMORY.help),
        rich_help_panel=ADVANCED,
    ),
]


def bounds_of(max_pixels: int | None, max_memory: int | None) -> Bounds:
    """Return the bounds that options give, or the environment; raise a usage error where a variable is not valid."""
    try:
        found = Bounds(max_pixels=max_pixels, max_memory=max_memory)
        return Bounds(max_pixels=found.chosen_pixels, max_memory=found.chosen_memory)
    except InvalidArgument as error:
        raise typer.BadParameter(with_options(str(error))) from None


MOST_THREADS = 1024

Threads = Annotated[
    int | None,
    typer.Option(
        "--threads",
        min=1,
        max=MOST_THREADS,
        metavar="N",
        help="Number of CPU threads to use in total. The default is all.",
        rich_help_panel=ADVANCED,
    ),
]
Jobs = Annotated[
    int,
    typer.Option(
        "--jobs",
        min=1,
        max=MOST_THREADS,
        metavar="N",
        help="Number of files to work on at a time. They share the threads.",
        rich_help_panel=ADVANCED,
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", metavar=FLAG, help="Print nothing but errors.")]
Verbose = Annotated[
    int,
    typer.Option("-v", "--verbose", metavar=FLAG, count=True, show_default=False, help="Print more about each file."),
]
Json = Annotated[
    bool, typer.Option("--json", metavar=FLAG, help="Print one JSON object for each file on standard output.")
]
NoProgress = Annotated[bool, typer.Option("--no-progress", metavar=FLAG, help="Do not show a progress bar.")]
Debug = Annotated[
    bool,
    typer.Option("--debug", metavar=FLAG, help="Print a traceback when something fails.", rich_help_panel=ADVANCED),
]

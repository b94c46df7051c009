"""`dvcodec web`: a page that shows .dvq files in a browser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from .guard import guard
from .inputs import FILES, gather
from .options import FLAG, Debug, NoProgress, Quiet
from .report import Reporter, show
from .text import number, printable


def web(
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="DIR",
            exists=True,
            file_okay=False,
            help="Folder of .dvq files to show, with the folders in it. Without it the page shows what is opened.",
        ),
    ] = None,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="SITE", help="Folder to write the page to.")] = Path(
        "site"
    ),
    title: Annotated[str, typer.Option("--title", metavar="TEXT", help="Title of the page.")] = "Pictures",
    force: Annotated[
        bool, typer.Option("-f", "--force", metavar=FLAG, help="Allow SITE to be a folder that is not empty.")
    ] = False,
    quiet: Quiet = False,
    as_json: Annotated[bool, typer.Option("--json", metavar=FLAG, help="Print what was written as JSON.")] = False,
    no_progress: NoProgress = False,
    debug: Debug = False,
) -> None:
    """Write a page that shows .dvq files in any browser: static files, which need no server and load nothing else.

    SITE/index.html works from the folder where it is and from any web server. The pictures are decoded in the browser,
    to the same pixels as everywhere.
    """
    reporter = Reporter(quiet=quiet, as_json=as_json, progress=not no_progress)
    with guard(str(output), reporter, debug=debug):
        from ..errors import OutputExists
        from ..image_io import atomic

        atomic.check_folder(output)
        if not force and output.is_dir() and any(output.iterdir()):
            raise OutputExists(f"the folder {output} is not empty", "name another folder, or use `force`")
    found = [] if folder is None else gather([str(folder)], FILES, recursive=True)
    failed = [one for one in found if one.error]
    for one in failed:
        reporter.error(one.path, one.error)
    with guard(str(output), reporter, debug=debug):
        from ..web import site

        pictures = [site.SitePicture(Path(one.path), Path(one.place).as_posix()) for one in found if not one.error]
        size = site.write(output, pictures, title)
        if as_json:
            show(json.dumps({"page": str(output / site.PAGE), "pictures": len(pictures), "bytes": size}))
        reporter.line(f"{printable(str(output / site.PAGE))}  {len(pictures)} pictures  {number(size)} B")
    if failed:
        raise typer.Exit(1)

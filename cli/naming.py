"""The output of each input, settled before anything is read or written."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import typer

from .text import printable, reason

STANDARD = "-"


@dataclass(frozen=True)
class InputFile:
    """One input."""

    path: str
    place: str
    """Its path below the folder that holds it: where its output goes below --output-dir."""
    error: str = ""
    """Why it cannot be taken; empty if it can."""
    found: bool = False
    """Whether it was found in a folder."""


@dataclass(frozen=True)
class Job:
    """One input and its output; `-` stands for the standard streams."""

    source: str
    target: str
    error: str = ""
    """Why there is nothing to do for this input; empty if there is."""

    @property
    def label(self) -> str:
        """The name of the input in messages."""
        return "stdin" if self.source == STANDARD else self.source or "''"


def pair(
    sources: list[InputFile], output: str | None, output_dir: Path | None, suffix_of: Callable[[str], str]
) -> list[Job]:
    """Return each input with its output: -o, or a file of the same stem in --output-dir or beside the input.

    Where several inputs have one stem, each output keeps the suffix of its input: a.gif and a.png become a.gif.dvq and
    a.png.dvq. A job whose output is that of an earlier one carries an error.

    Args:
        sources: The inputs.
        output: The value of -o.
        output_dir: The value of --output-dir.
        suffix_of: Returns the suffix of an input's output.

    Raises:
        typer.BadParameter: If the options contradict each other.
    """
    if output is not None and output_dir is not None:
        raise typer.BadParameter("-o and --output-dir exclude each other", param_hint="--output-dir")
    if output is not None and len(sources) > 1:
        raise typer.BadParameter(f"-o takes one input, not {len(sources)} (use --output-dir)", param_hint="-o")
    if output_dir is not None and [source.path for source in sources] == [STANDARD]:
        raise typer.BadParameter("standard input has no name (use -o)", param_hint="--output-dir")
    if output is not None:
        refuse_folder(output, "-o")
        return [Job(source.path, output, source.error) for source in sources]
    suffixes = ["" if source.error else suffix_of(source.path) for source in sources]
    pairs = list(zip(sources, suffixes, strict=True))
    short = [_output(source, output_dir, suffix) for source, suffix in pairs]
    taken = Counter(_key(target) for target, source in zip(short, sources, strict=True) if not source.error)
    targets = [
        target if taken[_key(target)] <= 1 else _output(source, output_dir, suffix, whole=True)
        for target, (source, suffix) in zip(short, pairs, strict=True)
    ]
    return _without_clashes([Job(one.path, target, one.error) for one, target in zip(sources, targets, strict=True)])


def refuse_folder(output: str, option: str) -> None:
    """Raise a usage error for an output that is empty, as an unset variable gives it, or ends as folders do."""
    if not output:
        raise typer.BadParameter("the name is empty", param_hint=option)
    if output.endswith(("/", os.sep)) and not os.path.isdir(output):
        hint = "use --output-dir" if option == "-o" else "name a file"
        raise typer.BadParameter(f"{printable(output)} is the name of a folder ({hint})", param_hint=option)


def refuse_mixed_stdin(inputs: list[str]) -> None:
    """Raise a usage error if standard input is not the only input."""
    if STANDARD in inputs and len(inputs) > 1:
        raise typer.BadParameter("- must be the only input", param_hint="input")


def _output(source: InputFile, output_dir: Path | None, suffix: str, *, whole: bool = False) -> str:
    """Return the output of an input; with `whole` the input's whole name stays before the suffix."""
    if source.path == STANDARD:
        return STANDARD
    path = Path(source.path) if output_dir is None else output_dir / source.place
    stem = path.name if whole else path.stem
    has_it = not whole and suffix != ".dvq" and stem.lower().endswith(suffix)  # photo.png.dvq gives photo.png
    return str(path.parent / (stem if has_it else stem + suffix))


def place_of(name: str) -> str:
    """Return a path that is the same for all names of one file in one folder."""
    folder, last = os.path.split(name)
    return os.path.join(os.path.realpath(folder), last)


def _key(name: str) -> str:
    """Return a key that is equal for outputs that some file system takes for one file."""
    return unicodedata.normalize("NFC", place_of(name).casefold())


def _without_clashes(jobs: list[Job]) -> list[Job]:
    """Return the jobs; one whose output an earlier one writes gets an error."""
    taken: dict[str, Job] = {}
    settled = []
    for job in jobs:
        first = taken.setdefault(place_of(job.target), job) if not job.error and job.source != STANDARD else job
        clash = f"it would give {printable(job.target)}, as {printable(first.source)} does (rename one)"
        settled.append(job if first is job else replace(job, error=clash))
    return settled


@contextmanager
def folders_of(jobs: list[Job], output_dir: Path | None) -> Iterator[list[Job]]:
    """Create the folders of the outputs in --output-dir; remove those that are empty when the work is done.

    Args:
        jobs: Inputs and their outputs.
        output_dir: The value of --output-dir, which exists; None if it was not given.

    Yields:
        The jobs; those whose folder cannot be created carry an error.
    """
    made: dict[Path, str] = {}
    if output_dir is not None:
        for folder in sorted({Path(job.target).parent for job in jobs if not job.error}):
            made |= _created(folder)
    try:
        wrong = {job: made.get(Path(job.target).parent, "") for job in jobs}
        yield [job if job.error or not wrong[job] else replace(job, error=wrong[job]) for job in jobs]
    finally:
        for folder in sorted(made, reverse=True):
            with suppress(OSError):
                folder.rmdir()


def _created(folder: Path) -> dict[Path, str]:
    """Create a folder and those above it; return them, each with why it could not be created, or nothing."""
    made: dict[Path, str] = {}
    for one in reversed([one for one in (folder, *folder.parents) if not one.exists()]):
        try:
            one.mkdir(exist_ok=True)
            made[one] = ""
        except OSError as error:
            made[one] = f"cannot create the folder {printable(str(one))}: {reason(error)}"
    return made

"""The output of each input, settled before anything is read or written."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import typer

from .text import printable

STANDARD = "-"


@dataclass(frozen=True)
class Job:
    """One input and its output; `-` stands for the standard streams."""

    source: str
    target: str

    @property
    def label(self) -> str:
        """The name of the input in messages."""
        return "stdin" if self.source == STANDARD else self.source


def pair(inputs: list[str], output: str | None, output_dir: Path | None, suffix: str) -> list[Job]:
    """Return each input with its output: -o, or a file of the same stem in --output-dir or beside the input.

    Raises:
        typer.BadParameter: If the options contradict each other, or two inputs would give one output.
    """
    refuse_mixed_stdin(inputs)
    if output is not None and output_dir is not None:
        raise typer.BadParameter("-o and --output-dir exclude each other", param_hint="--output-dir")
    if output is not None and len(inputs) > 1:
        raise typer.BadParameter(f"-o takes one input, not {len(inputs)} (use --output-dir)", param_hint="-o")
    if output_dir is not None and inputs == [STANDARD]:
        raise typer.BadParameter("standard input has no name (use -o)", param_hint="--output-dir")
    jobs = [Job(source, output if output is not None else _beside(source, output_dir, suffix)) for source in inputs]
    _refuse_clashes(jobs)
    return jobs


def refuse_mixed_stdin(inputs: list[str]) -> None:
    """Raise a usage error if standard input is not the only input."""
    if STANDARD in inputs and len(inputs) > 1:
        raise typer.BadParameter("- must be the only input", param_hint="input")


def _beside(source: str, output_dir: Path | None, suffix: str) -> str:
    if source == STANDARD:
        return STANDARD
    path = Path(source)
    return str((output_dir or path.parent) / (path.stem + suffix))


def _place(name: str) -> str:
    """Return a path that is the same for all names of one file in one folder."""
    folder, last = os.path.split(name)
    return os.path.join(os.path.realpath(folder), last)


def _refuse_clashes(jobs: list[Job]) -> None:
    """Raise a usage error if two inputs would give one output."""
    taken: dict[str, Job] = {}
    for job in jobs:
        other = taken.setdefault(_place(job.target), job)
        if other is not job:
            names = f"{printable(other.source)} and {printable(job.source)}"
            raise typer.BadParameter(f"{names} would both give {printable(job.target)}", param_hint="input")

"""Help and usage errors: boxes and colours on terminals, plain text of at most 80 columns everywhere else.

Plain text has the same sections. It is what pipes and files get, and terminals that are dumb or where NO_COLOR is set.
"""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand

from ..image_io.suffixes import KNOWN
from . import report
from .text import printable
from .usage import Program


def plain() -> bool:
    """Tell whether to print plain text, without boxes and colours."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return True
    return not (report.is_terminal(sys.stdout) and report.is_terminal(sys.stderr))


def write_sections(command: Any, ctx: Any, formatter: Any) -> None:
    """Write arguments and options under the titles that they have on terminals."""
    sections: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
    for one in command.get_params(ctx):
        if (record := one.get_help_record(ctx)) is not None:
            argument = one.param_type_name == "argument"
            title = getattr(one, "rich_help_panel", None) or ("Arguments" if argument else "Options")
            sections.setdefault(title, []).append((one.metavar if argument else record[0].rstrip(), record[1]))
    for title, rows in sections.items():
        if rows:
            with formatter.section(title):
                formatter.write_dl(rows)


class _Plain:
    """What commands and the program share; it stands before typer's class among the bases."""

    rich_markup_mode: Any

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run it."""
        if plain():
            self.rich_markup_mode = None
        return super().main(*args, **extra)  # type: ignore[misc]  # typer's class has it

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help."""
        if plain():
            self.rich_markup_mode = None
        super().format_help(ctx, formatter)  # type: ignore[misc]  # typer's class has it


class Command(_Plain, TyperCommand):
    """A command whose help and usage errors are plain text outside terminals."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse what was typed, and refuse an option as the value of another one, as in `--archive -o x.dvq`."""
        rest = super().parse_args(ctx, args)
        params = self.get_params(ctx)
        names = {name for param in params for name in [*param.opts, *param.secondary_opts] if name.startswith("-")}
        for param in params:
            if isinstance(value := ctx.params.get(str(param.name)), (str, Path)) and str(value) in names:
                reason = f"its value is missing: {value} is an option (a file of this name is ./{value})"
                raise typer.BadParameter(reason, ctx, param)  # type: ignore[arg-type]  # typer's own parameter
        return rest

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments and options as plain text."""
        write_sections(self, ctx, formatter)


class PlainGroup(_Plain, Program):
    """The program: its help and usage errors are plain text outside terminals, and it knows files from commands."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write options and commands as plain text."""
        write_sections(self, ctx, formatter)
        self.format_commands(ctx, formatter)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands under the titles that they have on terminals."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for name in self.list_commands(ctx):
            command: Any = self.get_command(ctx, name)
            title = getattr(command, "rich_help_panel", None) or "Commands"
            sections.setdefault(title, []).append((name, command.get_short_help_str(200)))
        for title, rows in sections.items():
            with formatter.section(title):
                formatter.write_dl(rows)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command of a name; a file in its place is a usage error that says what to type."""
        if args and self.get_command(ctx, args[0]) is None and (typed := _meant(args)):
            ctx.fail(f"{printable(args[0])!r} is not a command (type: {typed})")
        return super().resolve_command(ctx, args)


def _meant(args: list[str]) -> str:
    """Return the command line that was meant where a file or folder stands in the place of a command; else nothing."""
    path = Path(args[0])
    own, image = path.suffix.lower() == ".dvq", path.suffix.lower() in KNOWN
    if not (own or image or path.exists()):
        return ""
    name = "decompress" if own else "compress"
    options = ["-r"] if path.is_dir() else []
    return printable(shlex.join(["dvcodec", name, *args, *options]))

"""Help that ends with lists of the presets and the data sets."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

import typer

from .plain import Command


class Listing(Command):
    """A command whose help lists the presets and the data sets. They are gathered when the help is asked for."""

    def get_help(self, ctx: typer.Context) -> str:  # type: ignore[override]  # typer's own context
        """Return the usual help, followed by the lists."""
        from ..training import data_sets, presets

        usual = super().get_help(ctx)  # typer may have printed it already, and gives nothing then
        lists = {
            "Presets (--model)": presets(),
            "Data sets (--data), with the numbers of training / validation / test images": data_sets(),
        }
        return (f"{usual}\n\n" if usual else "") + "\n\n".join(
            f"{title}\n{_wrapped(entries)}" for title, entries in lists.items()
        )


def _wrapped(entries: Mapping[str, str]) -> str:
    """Return names and descriptions in two columns, in lines of at most 80 characters."""
    width = max(map(len, entries)) + 2
    rest = " " * width
    return "\n".join(
        textwrap.fill(text, 80, initial_indent=name.ljust(width), subsequent_indent=rest)
        for name, text in entries.items()
    )

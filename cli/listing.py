"""Help that ends with lists of the presets and the data sets."""

from __future__ import annotations

import typer
from typer.core import TyperCommand

from .text import table


class Listing(TyperCommand):
    """A command whose help lists the presets and the data sets. They are gathered when the help is asked for."""

    def get_help(self, ctx: typer.Context) -> str:  # type: ignore[override]  # typer's own context
        """Return the usual help, followed by the lists."""
        from ..training import data_sets, presets

        usual = super().get_help(ctx)  # typer may have printed it already, and gives nothing then
        lists = {
            "Presets (--model)": presets(),
            "Data sets (--data), with the numbers of training / validation / test images": data_sets(),
        }
        return usual + "\n\n".join(f"{title}\n{table(list(entries.items()))}" for title, entries in lists.items())

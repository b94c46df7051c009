"""`dvcodec models`: lists the installed weights and shows their cards."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .guard import guard
from .options import FLAG, Debug
from .report import Reporter, show
from .text import printable, table

if TYPE_CHECKING:
    from ..weights import Weights


def models(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME|PATH", help="Weights whose card is shown. Without it, all installed weights are listed."
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", metavar=FLAG, help="Print one JSON object for each weights file.")
    ] = False,
    debug: Debug = False,
) -> None:
    """List the installed weights, or show the card of one of them: what they are and how they were trained."""
    with guard(name or "weights", Reporter(), debug=debug):
        from .. import weights

        found = list(weights.entries()) if name is None else [weights.find(name)]
        kinds = weights.HIERARCHY, weights.PIXELS, weights.BILEVEL
        default = [one.sha256 for kind in kinds for one in weights.defaults(kind)]
        default += [weights.photographs(perceptual=True).sha256] if default else []
        if as_json:
            for entry in found:
                show(json.dumps(_described(entry, default)))
        elif name is None:
            show(_overview(found, default))
        else:
            show(_card(_described(found[0], default)))


def _described(entry: Weights, default: list[str]) -> dict[str, Any]:
    return {
        "name": entry.name,
        "id": entry.id.hex(),
        "sha256": entry.sha256,
        "default": entry.sha256 in default,
        "path": str(entry.path),
        "bytes": entry.path.stat().st_size,
        "card": entry.card,
    }


def _overview(found: list[Weights], default: list[str]) -> str:
    rows: list[tuple[str, ...]] = [("NAME", "ID", "SIZE", "", "DESCRIPTION")]
    for entry in found:
        mark = "default" if entry.sha256 in default else ""
        size = _size(entry.path.stat().st_size)
        rows.append(
            (printable(entry.name), entry.id.hex(), size, mark, printable(str(entry.card.get("description", ""))))
        )
    return table(rows)


def _card(values: dict[str, Any], indent: str = "") -> str:
    """Return names and values as an indented outline."""
    lines = []
    for name, value in values.items():
        if isinstance(value, dict):
            lines += [f"{indent}{name}:", _card(value, indent + "  ")]
        elif isinstance(value, list):
            lines += [f"{indent}{name}:", *(f"{indent}  - {_inline(item)}" for item in value)]
        else:
            lines.append(f"{indent}{name}: {_inline(value)}")
    return "\n".join(lines)


def _inline(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _size(count: int) -> str:
    """Return a number of bytes in MB, or in kB below 0.1 MB."""
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count / 1e3:.1f} kB"

"""Smoothing transformations: figure 1 of Vahdat et al. (2018), "DVAE++", and figure 1 of Paul's Layman's text.

    python benchmarks/smoothing.py --out DIR

DIR gets `smoothing.csv`, F^-1 of every transformation at a grid of p, rho and beta, and `smoothing.png`: on the left
F^-1(0.5) as a function of p, of the overlapping exponentials beside the spike and exponential ("DVAE++", figure 1b);
then f1, f2 and f3 as functions of rho, each at p = 0.2, 0.5, 0.8 and three values of beta (Paul, figure 1).
"""

from __future__ import annotations

import csv
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from dvcodec.models.families.smoothing import SMOOTHINGS

GRID = torch.linspace(0, 1, 401, dtype=torch.float64)
PROBABILITIES = (0.2, 0.5, 0.8)
BETAS = {"spike-exponential": (2.0, 5.0, 20.0), "spike-power": (1.5, 3.0, 10.0), "split-power": (1.5, 3.0, 10.0)}
"""f1, f2 and f3 with values of beta, dotted, solid and dashed."""
DASHES = (":", "-", "--")
STEEP = 8.0
"""Beta of figure 1b."""


def value(kind: str, p: Tensor, rho: Tensor, beta: float) -> Tensor:
    """Return zeta = F^-1(rho) of a transformation, p and rho as far as the other has them."""
    return SMOOTHINGS[kind].inverse(0 * rho + p, rho + 0 * p, beta)


def write_table(path: Path) -> None:
    """Write zeta of every transformation at a coarse grid of p and rho."""
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["kind", "beta", "p", "rho", "zeta"])
        for kind in SMOOTHINGS:
            for beta in BETAS.get(kind, (STEEP,)):
                for p in PROBABILITIES:
                    rhos = GRID[20:-1:20]
                    found = value(kind, torch.tensor(p), rhos, beta)
                    table.writerows([kind, beta, p, f"{r:.3f}", f"{z:.6f}"] for r, z in zip(rhos, found, strict=True))


def draw_medians(axes: Any) -> None:
    """Draw F^-1(0.5) as a function of p."""
    for kind, dash in (("overlap-exponential", "-"), ("spike-exponential", "--")):
        axes.plot(GRID, value(kind, GRID, torch.tensor(0.5), STEEP), dash, label=kind)
    axes.set(title=f"F^-1(0.5), beta = {STEEP:g}", xlabel="p", ylabel="zeta")
    axes.legend(frameon=False)


def draw_functions(axes: Any, kind: str) -> None:
    """Draw a transformation as a function of rho."""
    for dash, beta in zip(DASHES, BETAS[kind], strict=True):
        for index, p in enumerate(PROBABILITIES):
            axes.plot(
                GRID,
                value(kind, torch.tensor(p), GRID, beta),
                dash,
                color=f"C{index}",
                label=f"p = {p:g}" if dash == "-" else None,
            )
    axes.set(title=f"{kind}, beta = {', '.join(f'{beta:g}' for beta in BETAS[kind])}", xlabel="rho")


def main() -> None:
    """Write table and picture."""
    from matplotlib.figure import Figure

    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of table and picture")
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    write_table(chosen.out / "smoothing.csv")
    figure = Figure((12.0, 3.4), dpi=100, layout="constrained")
    first, *rest = figure.subplots(1, 1 + len(BETAS))
    draw_medians(first)
    for axes, kind in zip(rest, BETAS, strict=True):
        draw_functions(axes, kind)
    rest[-1].legend(frameon=False)
    figure.savefig(chosen.out / "smoothing.png")


if __name__ == "__main__":
    main()

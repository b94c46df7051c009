"""Worst-case entropies of rVQ and softmax: the numbers of figures D.4 to D.6 of Willetts et al. 2021 (appendix D).

    python benchmarks/entropy.py [--codebooks 20000] [--json]

Prints one table. For each distance d it gives the entropy in nats of the worst arrangement, exactly (D.3, D.18) and to
first order (D.17, D.29), and the mean and the smallest entropy of random codebooks: 256 entries, uniform over a sphere
of radius 0.5 in 32 dimensions.
"""

from __future__ import annotations

import argparse
import json
import math

import torch
from torch import Tensor

SYMBOLS, DIMENSIONS, RADIUS = 256, 32, 0.5


def entropy_of(scores: Tensor) -> Tensor:
    """Return the entropy of softmax(scores) in nats, (..., K) -> (...), precise where it is tiny."""
    p = torch.softmax(scores, dim=-1)
    return -(p * torch.log_softmax(scores, dim=-1)).sum(-1)


def worst(gap: Tensor, symbols: int = SYMBOLS) -> Tensor:
    """Return the exact entropy of one probability and K - 1 others that are e^-gap times as large."""
    odds = (symbols - 1) * torch.exp(-gap)  # of all others against the one
    return torch.log1p(odds) + gap * odds / (1 + odds)


def first_order(gap: Tensor, symbols: int = SYMBOLS) -> Tensor:
    """Return (K - 1) (1 + g) e^-g, the first-order entropy of theorems 1 and 2 (D.1, D.2)."""
    return (symbols - 1) * (1 + gap) * torch.exp(-gap)


def rvq_gap(d: Tensor, delta: float = 1.0) -> Tensor:
    """Return g = delta^2 / 2 + delta d of theorem 1, the gap of rVQ scores at distances d and d + delta."""
    return delta**2 / 2 + delta * d


def simulated(d: float, codebooks: int, generator: torch.Generator, at_once: int = 500) -> tuple[float, float]:
    """Return mean and smallest entropy of rVQ (eq 2) at a point at distance d from random codebooks (figure D.6)."""
    total, least = 0.0, math.inf
    for start in range(0, codebooks, at_once):
        count = min(at_once, codebooks - start)
        entries = torch.randn(count, SYMBOLS, DIMENSIONS, dtype=torch.float64, generator=generator)
        entries *= RADIUS / entries.norm(dim=-1, keepdim=True)
        entries[..., 0] -= d
        found = entropy_of(-0.5 * entries.square().sum(-1))
        total, least = total + float(found.sum()), min(least, float(found.min()))
    return total / codebooks, least


def rows(distances: list[float], codebooks: int) -> list[dict[str, float]]:
    """Compute the table."""
    generator = torch.Generator().manual_seed(0)
    table = []
    for d in distances:
        distance = torch.tensor(d, dtype=torch.float64)
        gap = rvq_gap(distance)
        mean, least = simulated(d, codebooks, generator)
        table.append(
            {
                "d": d,
                "rvq": float(worst(gap)),
                "rvq_first_order": float(first_order(gap)),
                "softmax": float(worst(distance)),
                "softmax_first_order": float(first_order(distance)),
                "simulated_mean": mean,
                "simulated_least": least,
            }
        )
    return table


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--codebooks", type=int, default=20_000, help="random codebooks a distance (the paper's 20,000)"
    )
    parser.add_argument("--distances", type=float, nargs="+", default=[float(d) for d in range(2, 31, 2)])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    table = rows(options.distances, options.codebooks)
    if options.json:
        print(json.dumps(table, indent=2))
        return
    print("  ".join(f"{name:>19}" for name in table[0]))
    for row in table:
        print("  ".join(f"{value:19.6g}" for value in row.values()))


if __name__ == "__main__":
    main()

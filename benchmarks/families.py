"""The papers' tables with narrow networks and short runs: each row takes minutes on one CPU core.

    python benchmarks/families.py likelihoods --root DATA --out RUNS     # Lievin et al. 2019, table 1
    python benchmarks/families.py bias --root DATA --out RUNS            # Lievin et al. 2019, table 4
    python benchmarks/families.py codebooks --root DATA --out RUNS       # Willetts et al. 2021, tables 1 and G.1

Every row runs `dvcodec train` with the same steps, batches and seed, then `dvcodec evaluate` on the test set. RUNS
keeps the runs and their figures; rows that have figures are not run again. `--only TEXT` selects rows whose names begin
with TEXT. Seconds are those of training, from its log. `bias` also draws `bias.png`, figure 1 of Lievin et al.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from argparse import ArgumentParser
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

NARROW = {"width": "24", "blocks": "1", "dropout": "0", "batch": "32", "schedule": "cosine", "validate_every": "0"}
"""Networks and schedule of HD-VAEs and of their Gaussian counterparts."""
VARIABLES = {1: "8", 2: "8,4", 3: "8,4,2"}
SYMBOLS = {1: "64", 2: "64,16", 3: "64,16,4"}
"""Symbols of each layer; half of the paper's variables and fewer symbols."""
SETS = ("mnist-static", "caltech101", "fashion-static", "omniglot")
BOUNDED = {"batch": "32", "schedule": "cosine", "validate_every": "0"}
"""Schedule of the model with a Lipschitz constant, whose networks are already narrow."""
ONE_LAYER = {"width": "32", "blocks": "1", "embedding": "16", "symbols": "64", "batch": "32", "validate_every": "1000"}
"""Settings that make rVQ-VAE and VQ-VAE as narrow as `rrvq-l5-small`."""
DEEP = {"width": "32", "embedding": "16", "batch": "32", "validate_every": "0"}
"""Settings that make the networks of 32 layers as narrow as that."""
TEMPERATURE = 0.1
"""Temperature of the relaxation bias, as in the paper."""


@dataclass(frozen=True)
class Row:
    """One run: its name, preset, data set, number of steps, and settings for `--set`."""

    name: str
    model: str
    data: str
    steps: int
    settings: dict[str, str]


def likelihoods() -> list[Row]:
    """Return discrete and Gaussian hierarchies of one to three layers on every set."""
    rows = []
    for data in SETS:
        for layers in (1, 2, 3):
            sizes = {**NARROW, "variables": VARIABLES[layers], "symbols": SYMBOLS[layers]}
            for kind in ("hdvae", "lvae-gaussian"):
                rows.append(Row(f"{data}-{kind}-l{layers}", f"{kind}-l{layers}", data, 1200, sizes))
    return rows


def bias() -> list[Row]:
    """Return models of static MNIST (N variables of 256 symbols, one to three layers), and one with a bounded bias."""
    grid = [(count, layers) for count in (12, 24) for layers in (1, 2, 3)]
    rows = [Row(f"bias-n{n}-l{layers}", f"hdvae-n{n}-l{layers}", "mnist-static", 800, NARROW) for n, layers in grid]
    return [*rows, Row("bias-lipschitz", "hdvae-lipschitz", "mnist-static", 1200, BOUNDED)]


def codebooks() -> list[Row]:
    """Return the ablation of latent layers on CIFAR-10 and its baselines."""
    settings: dict[str, tuple[str, dict[str, str]]] = {
        "rrvq": ("rrvq-l5-small", {}),
        "rrvq-direct": ("rrvq-l5-small", {"prior": "direct"}),
        "rrvq-unit": ("rrvq-l5-small", {"variance": "unit"}),
        "rrvq-direct-unit": ("rrvq-l5-small", {"prior": "direct", "variance": "unit"}),
        "rrvq-isotropic": ("rrvq-l5-small", {"variance": "isotropic"}),
        "rrvq-literal": ("rrvq-l5-small", {"variance": "isotropic", "literal": "true"}),
        "spatial": ("rrvq-l5-small", {"latent": "gaussian", "exact": "false"}),
        "rvq": ("rvq", ONE_LAYER),
        "vqvae": ("vqvae", ONE_LAYER),
        "l32": ("rrvq-l32", {**DEEP, "symbols": ",".join(["64"] * 32)}),
        "spatial-l32": ("spatial-l32", DEEP),
    }
    return [Row(name, model, "cifar10", 1400, changed) for name, (model, changed) in settings.items()]


TABLES = {"likelihoods": likelihoods, "bias": bias, "codebooks": codebooks}


def dvcodec(*arguments: str) -> str:
    """Return a command's standard output.

    Raises:
        CalledProcessError: the command failed.
    """
    command = [sys.executable, "-m", "dvcodec", *arguments, "--threads", "1"]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def measured(row: Row, root: Path, out: Path) -> dict[str, Any]:
    """Return the row's figures on the test set, from an earlier run if there is one."""
    run, figures = out / row.name, out / f"{row.name}.json"
    if not figures.exists():
        data = ("--data", row.data, "--root", str(root))
        changed = [word for key, value in row.settings.items() for word in ("--set", f"{key}={value}")]
        resumed = ["--resume"] if (run / "checkpoint.safetensors").exists() else changed
        limits = ("--steps", str(row.steps), "--quiet")
        dvcodec("train", "--model", row.model, *resumed, *data, "--out", str(run), *limits)
        relaxed = ("--temperature", str(TEMPERATURE)) if row.name.startswith("bias") else ()
        found = dvcodec("evaluate", "--weights", str(run / "checkpoint.safetensors"), *data, *relaxed, "--json")
        figures.write_text(found)
    return dict(json.loads(figures.read_text()))


def seconds(run: Path) -> float:
    """Return the seconds that a run's training took, over all its resumed parts."""
    with (run / "log.csv").open(newline="") as log:
        return float(list(csv.DictReader(log))[-1]["seconds"])


def cells(row: Row, found: dict[str, Any], took: float) -> list[str]:
    """Return the cells of a row."""
    unused = sum(layer["dead"] for layer in found["layers"])
    symbols = sum(layer["variables"] * layer["symbols"] for layer in found["layers"])
    bias, bound = found["relaxation_bias_nats"], found["relaxed_bound_nats"]
    codes = f"{symbols - unused} of {symbols}" if symbols else "-"
    shown = [f"{found['elbo_nats']:.1f}", f"{found['bits_per_dim']:.3f}", f"{found['kl_nats']:.1f}", codes]
    others = ["-" if bias is None else f"{bias:.2f}", "-" if bound is None else f"{bound:.1f}"]
    return [row.name, *shown, *others, str(row.steps), f"{took:.0f}"]


def draw_bias(rows: dict[str, dict[str, Any]], path: Path) -> None:
    """Draw ELBO, relaxed objective and their distance against the number of variables, a line for each depth.

    Args:
        rows: the figures of the rows by name, of which those named "bias-nN-lL" are drawn.
        path: the picture.
    """
    from matplotlib.figure import Figure

    sizes = {name: tuple(int(part[1:]) for part in name.split("-")[1:]) for name in rows if name.startswith("bias-n")}
    figure = Figure((10.0, 4.0), dpi=100, layout="constrained")
    left, right = figure.subplots(1, 2)
    for depth in sorted({layers for _, layers in sizes.values()}):
        line = sorted((count, rows[name]) for name, (count, layers) in sizes.items() if layers == depth)
        counts, found = [count for count, _ in line], [row for _, row in line]
        series = {key: [row[key] for row in found] for key in ("elbo_nats", "relaxed_nats", "relaxation_bias_nats")}
        left.plot(counts, series["elbo_nats"], "o-", color=f"C{depth}", label=f"L = {depth}, ELBO")
        left.plot(counts, series["relaxed_nats"], "o--", color=f"C{depth}", label=f"L = {depth}, relaxed")
        right.plot(counts, series["relaxation_bias_nats"], "o-", color=f"C{depth}", label=f"L = {depth}")
    left.set(xlabel="variables N", ylabel="nats")
    right.set(xlabel="variables N", ylabel="relaxation bias, nats")
    left.legend(frameon=False)
    figure.savefig(path)


def main() -> None:
    """Run a table's rows and print the table after each."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("table", choices=TABLES)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", default="")
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    figures = ("ELBO, nats", "bits per dimension", "KL, nats", "symbols in use", "relaxation bias", "relaxed ELBO")
    table = Table("row", *figures, "steps", "seconds")
    table.columns[0].no_wrap = True
    measurements = dict[str, dict[str, Any]]()
    for row in TABLES[chosen.table]():
        if row.name.startswith(chosen.only):
            measurements[row.name] = found = measured(row, chosen.root, chosen.out)
            table.add_row(*cells(row, found, seconds(chosen.out / row.name)))
    Console().print(table)
    if chosen.table == "bias":
        draw_bias(measurements, chosen.out / "bias.png")


if __name__ == "__main__":
    main()

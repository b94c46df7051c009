"""The papers' tables with narrow networks and short runs: each row takes minutes on one CPU core.

    python benchmarks/families.py likelihoods --root DATA --out RUNS     # Lievin et al. 2019, table 1
    python benchmarks/families.py bias --root DATA --out RUNS            # Lievin et al. 2019, table 4
    python benchmarks/families.py codebooks --root DATA --out RUNS       # Willetts et al. 2021, tables 1 and G.1
    python benchmarks/families.py estimators --root DATA --out RUNS      # Vahdat et al. 2018, table 1, full width

Every row runs `dvcodec train` with the same steps, batches and seed, then `dvcodec evaluate` on the test set, of
which `estimators` takes every tenth image. RUNS keeps the runs and their figures; rows that have figures are not run
again. `--only TEXT` selects rows whose names begin with TEXT. Seconds are those of training, from its log; beside them
is the processor's time, of the last part of a run that was interrupted. `bias` also draws `bias.png`, figure 1 of
Lievin et al.
"""

from __future__ import annotations

import csv
import json
import resource
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
BIAS = ("--temperature", "0.1")
"""Measures the relaxation bias at the paper's temperature."""
WEIGHTED = ("--iw-samples", "100", "--images", "1000")
"""Measures the importance-weighted bound with the paper's number of samples, on every tenth test image."""
SHORT = {"exact": "false", "schedule": "cosine", "rate": "3e-3", "kl_warm_up": "500", "validate_every": "0"}
"""Arithmetic and schedule of DVAE++'s models, of the paper's size, in short runs."""
COLUMNS: dict[str, dict[str, str]] = {
    "concrete": {"relaxation": "gumbel-softmax", "bound": "concrete"},
    "joint": {},
    "marginal": {"bound": "marginal"},
    "nvil": {"estimator": "nvil"},
    "muprop": {"estimator": "muprop"},
    "rebar": {"estimator": "rebar"},
    "disarm": {"estimator": "disarm"},
    "variance": {"estimator": "variance", "samples": "2"},
    "vimco": {"estimator": "vimco", "samples": "2"},
}
"""The paper's columns, and after these three estimators that have two samples of each image."""


@dataclass(frozen=True)
class Row:
    """One run: its name, preset, data set, number of steps, settings for `--set`, and options of `evaluate`."""

    name: str
    model: str
    data: str
    steps: int
    settings: dict[str, str]
    options: tuple[str, ...] = ()


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
    rows = [Row(f"bias-n{n}-l{k}", f"hdvae-n{n}-l{k}", "mnist-static", 800, NARROW, BIAS) for n, k in grid]
    return [*rows, Row("bias-lipschitz", "hdvae-lipschitz", "mnist-static", 1200, BOUNDED, BIAS)]


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


def estimators() -> list[Row]:
    """Return DVAE++'s models of 200 binary variables under every column's gradient, linear ones first."""
    models = {"linear": "dvaepp-binary-linear", "nonlinear": "dvaepp-binary"}
    return [
        Row(f"{networks}-{column}", model, "mnist-static", 1500, {**SHORT, **changed}, WEIGHTED)
        for networks, model in models.items()
        for column, changed in COLUMNS.items()
    ]


TABLES = {"likelihoods": likelihoods, "bias": bias, "codebooks": codebooks, "estimators": estimators}


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
        before = processor()
        dvcodec("train", "--model", row.model, *resumed, *data, "--out", str(run), *limits)
        spent = processor() - before
        weights = ("--weights", str(run / "checkpoint.safetensors"))
        found = dvcodec("evaluate", *weights, *data, *row.options, "--json")
        figures.write_text(json.dumps({**json.loads(found), "processor_seconds": spent}))
    return dict(json.loads(figures.read_text()))


def processor() -> float:
    """Return the seconds that ended commands have used of processors."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def seconds(run: Path) -> float:
    """Return the seconds that a run's training took, over all its resumed parts."""
    with (run / "log.csv").open(newline="") as log:
        return float(list(csv.DictReader(log))[-1]["seconds"])


def cells(row: Row, found: dict[str, Any], took: float) -> list[str]:
    """Return the cells of a row."""
    unused = sum(layer["dead"] for layer in found["layers"])
    symbols = sum(layer["variables"] * layer["symbols"] for layer in found["layers"])
    nats = [found[key] for key in ("iw_nats", "relaxation_bias_nats", "relaxed_bound_nats")]
    codes = f"{symbols - unused} of {symbols}" if symbols else "-"
    shown = [f"{found['elbo_nats']:.1f}", f"{found['bits_per_dim']:.3f}", f"{found['kl_nats']:.1f}", codes]
    others = ["-" if value is None else f"{value:.2f}" for value in nats]
    return [row.name, *shown, *others, str(row.steps), f"{took:.0f}", f"{found['processor_seconds']:.0f}"]


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
    nats = ("importance-weighted", "relaxation bias", "relaxed ELBO")
    figures = ("ELBO, nats", "bits per dimension", "KL, nats", "symbols in use", *nats)
    table = Table("row", *figures, "steps", "seconds", "processor")
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

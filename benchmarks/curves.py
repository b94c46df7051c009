"""The ELBO against steps under every gradient estimator and relaxation, on one small model: a table and a picture.

    python benchmarks/curves.py --root DATA --out RUNS [--steps 600] [--data mnist-static]

The model is `dvaepp-binary` with 50 binary variables and two hidden layers of 50 units in each direction, in floats.
Every row is a run of the training loop from the same seed, with the same batches and rate, and a divergence that warms
up over half of the steps; estimators that compare samples have two of each image. The ELBO is that of hard samples on
the validation images, of the moving averages of the parameters. RUNS gets `curves.csv`, one column a row, and
`curves.png`, and keeps the runs: those that have ended are not run again.
"""

from __future__ import annotations

import csv
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path

from dvcodec.training import train
from dvcodec.training.options import TrainOptions

MODEL = "dvaepp-binary"
SMALL = {"variables": "50", "width": "50", "exact": "false", "batch": "50", "rate": "2e-3", "ema": "0.99"}
PAIR = {"samples": "2"}
ROWS: dict[str, dict[str, str]] = {
    "gumbel-softmax": {"relaxation": "gumbel-softmax"},
    "straight-through": {"relaxation": "straight-through"},
    "joint bound": {},
    "marginal bound": {"bound": "marginal"},
    "reinforce": {"estimator": "reinforce"},
    "nvil": {"estimator": "nvil"},
    "muprop": {"estimator": "muprop"},
    "rebar": {"estimator": "rebar"},
    "relax": {"estimator": "relax"},
    "disarm, a pair": {"estimator": "disarm"},
    "vargrad, 2 samples": {"estimator": "vargrad", **PAIR},
    "variance, 2 samples": {"estimator": "variance", **PAIR},
    "vimco, 2 samples": {"estimator": "vimco", **PAIR},
}
"""What differs between the runs; `joint bound` and `marginal bound` have overlapping exponentials."""
Curve = list[tuple[int, float]]
"""Steps and ELBO in nats."""
DASHES = ("-", "--", ":")
COLOURS = 6


def trained(name: str, data: str, root: Path, out: Path, steps: int) -> Curve:
    """Return the curve of a row, from an earlier run if it has ended."""
    folder = out / name.replace(", ", "-").replace(" ", "-")
    if not curve_of(folder) or curve_of(folder)[-1][0] < steps:
        rhythm = {"validate_every": str(max(steps // 10, 1)), "kl_warm_up": str(steps // 2)}
        settings = {**SMALL, **rhythm, **ROWS[name]}
        begun = (folder / "checkpoint.safetensors").exists()
        kept = {} if begun else settings
        train(TrainOptions(MODEL, data, folder, steps, resume=begun, root=root, threads=1, overrides=kept, quiet=True))
    return curve_of(folder)


def curve_of(folder: Path) -> Curve:
    """Return what a run's log says of its validations; nothing if there is no run."""
    if not (folder / "log.csv").exists():
        return []
    with (folder / "log.csv").open(newline="") as log:
        return [(int(row["step"]), -float(row["validation"])) for row in csv.DictReader(log) if row.get("validation")]


def write_table(curves: dict[str, Curve], path: Path) -> None:
    """Write the curves as CSV: a row for each step, a column for each run."""
    found = {name: dict(curve) for name, curve in curves.items()}
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["step", *found])
        for step in sorted({step for curve in found.values() for step in curve}):
            table.writerow([step, *(f"{curve[step]:.3f}" if step in curve else "" for curve in found.values())])


def write_picture(curves: dict[str, Curve], path: Path) -> None:
    """Draw the curves, without what lies more than 80 nats below the best."""
    from matplotlib.figure import Figure

    figure = Figure((8.0, 5.0), dpi=100, layout="constrained")
    axes = figure.add_subplot()
    for index, (name, curve) in enumerate(curves.items()):
        axes.plot(*zip(*curve, strict=True), DASHES[index // COLOURS], color=f"C{index % COLOURS}", label=name)
    values = [value for curve in curves.values() for _, value in curve]
    axes.set(xlabel="steps", ylabel="ELBO, nats", ylim=(max(max(values) - 80, min(values) - 2), max(values) + 2))
    axes.grid(alpha=0.3)
    figure.legend(loc="outside right upper", frameon=False)
    figure.savefig(path)


def main() -> None:
    """Run every row, and write table and picture after each."""
    parser = ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, required=True, help="folder of the data set")
    parser.add_argument("--out", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--data", default="mnist-static", help="a data set of binary images of 28x28")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--only", default="", help="rows whose names begin with this")
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    curves: dict[str, Curve] = {}
    for name in ROWS:
        if name.startswith(chosen.only):
            curves[name] = trained(name, chosen.data, chosen.root, chosen.out, chosen.steps)
            print(f"{name:22} {curves[name][-1][1]:9.2f}", flush=True)
            write_table(curves, chosen.out / "curves.csv")
            write_picture(curves, chosen.out / "curves.png")


if __name__ == "__main__":
    main()

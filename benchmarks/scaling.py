"""The gain from size and compute: the photograph model in three sizes, each trained for several lengths.

    python benchmarks/scaling.py TRAINING VALIDATION --out build/scaling.json [--sizes NAME ...] [--steps N ...]

Every run starts from scratch with a cosine schedule over its own steps and the same data and seed. Its moving average
then codes the middle 256x256 pixels of each validation photograph with the mode of the posterior. The figure is the
BD-rate against JPEG (Pillow, optimised) on the same pixels, over the range that both curves share. Multiply-adds are
those of a training step, forward and backward, as PyTorch counts them. Runs in the results file are not run again.
"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.table import Table
from short_runs import COMMON, Point, coded, middles, trained
from torch.utils.flop_counter import FlopCounterMode

from dvcodec.evaluation.codecs.baselines import Jpeg
from dvcodec.evaluation.metrics.bd_rate import Curve, bd_rate
from dvcodec.evaluation.metrics.scores import psnr
from dvcodec.models.photo.network.model import PhotoRRVQ
from dvcodec.models.photo.quality import FINEST_QUALITY
from dvcodec.training.recipes.photo import PhotoRecipe
from dvcodec.training.tasks.rate_distortion import rate_distortion

SIZES = ("rrvq-small", "rrvq", "rrvq-large")
STEPS = (150, 300, 600)
JPEG_QUALITIES = (5, 10, 20, 40, 60, 75, 85, 92, 96)
CROP = 128


def jpeg(images: list[NDArray[np.uint8]]) -> list[Point]:
    """Return mean bits per pixel and PSNR of JPEG files at each quality."""
    return [_jpeg(images, quality) for quality in JPEG_QUALITIES]


def _jpeg(images: list[NDArray[np.uint8]], quality: int) -> Point:
    codec, figures = Jpeg(), []
    for image in images:
        data = codec.encode(Image.fromarray(image), quality)
        bits = 8 * len(data) / (image.shape[0] * image.shape[1])
        figures.append((bits, psnr(image, np.asarray(codec.decode(data)))))
    bits, decibels = np.mean(figures, axis=0)
    return float(bits), float(decibels)


def multiply_adds(model: PhotoRRVQ) -> int:
    """Count the multiply-adds of a training step with COMMON's batch."""
    batch = int(COMMON["batch"])
    x, quality = torch.rand(batch, 3, CROP, CROP) * 255, torch.full((batch,), FINEST_QUALITY // 2)
    model.train()
    with FlopCounterMode(display=False) as counter:
        terms = rate_distortion(model, x, quality, PhotoRecipe(), relax=0.0, analysis=False)
        terms.loss.backward()  # type: ignore[no-untyped-call]
    model.eval()
    return int(counter.get_total_flops()) // 2


def measured(size: str, steps: int, data: Path, images: list[NDArray[np.uint8]]) -> dict[str, Any]:
    """Return one run's figures."""
    model = trained(size, data, steps, {})
    sizes = {"parameters": sum(p.numel() for p in model.parameters()), "steps": steps}
    return {"points": coded(model, images), **sizes, "multiply_adds": multiply_adds(model)}


def shown(results: dict[str, Any], anchor: Curve) -> Table:
    """Return the runs so far as a table."""
    table = Table("size", "parameters", "steps", "multiply-adds", "BD-rate against JPEG")
    for name, run in results.items():
        rate = bd_rate(anchor, Curve.through(name, map(tuple, run["points"])), 0, 100)
        spent = f"{run['multiply_adds'] * run['steps']:.2e}"
        percent = "no common range" if rate is None else f"{rate.percent:+.1f} %"
        table.add_row(name.split()[0], f"{run['parameters']:,}", str(run["steps"]), spent, percent)
    return table


def main() -> None:
    """Run what the results file does not hold yet, and print the table."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("training", type=Path)
    parser.add_argument("validation", type=Path)
    parser.add_argument("--out", type=Path, default=Path("build/scaling.json"))
    parser.add_argument("--sizes", nargs="+", default=list(SIZES))
    parser.add_argument("--steps", nargs="+", type=int, default=list(STEPS))
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    results: dict[str, Any] = json.loads(options.out.read_text()) if options.out.exists() else {}
    images = middles(options.validation)
    for size, steps in ((size, steps) for steps in options.steps for size in options.sizes):
        if f"{size} {steps}" not in results:
            results[f"{size} {steps}"] = measured(size, steps, options.training, images)
            options.out.parent.mkdir(parents=True, exist_ok=True)
            options.out.write_text(json.dumps(results, indent=1) + "\n")
    Console().print(shown(results, Curve.through("jpeg", jpeg(images))))


if __name__ == "__main__":
    main()

"""Print how many more bits each codec of a report needs than another at equal scores of some range.

dvcodec compare DIR -o REPORT
python benchmarks/equal_score.py REPORT --anchor avif --score ssimulacra2 --low 30 --high 85
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from dvcodec.evaluation.metrics.bd_rate import Curve, bd_rate
from dvcodec.evaluation.metrics.scores import metric


def curves(report: Path, score: str) -> dict[str, Curve]:
    """Return the curves of a report by the codecs' names.

    Args:
        report: folder of the report.
        score: its name, psnr, ms-ssim (in dB) or ssimulacra2.
    """
    found, one_score = {}, metric(score)
    held: list[dict[str, Any]] = [json.loads(path.read_text()) for path in sorted(report.glob("results-*.json"))]
    for one in held:
        points = zip(one["results"]["bpp"], one["results"][one_score.key], strict=True)
        scaled = [(bpp, one_score.scaled(value)) for bpp, value in points if value is not None]
        found[one["name"]] = Curve.through(one["name"], scaled)
    return found


def main(
    report: Annotated[Path, typer.Argument(help="Folder that `dvcodec compare` wrote.")],
    anchor: Annotated[str, typer.Option(help="Codec that the others are compared with.")] = "avif",
    score: Annotated[str, typer.Option(help="psnr, ms-ssim or ssimulacra2.")] = "ssimulacra2",
    low: Annotated[float, typer.Option(help="Lower end of the range of scores, in dB for PSNR and MS-SSIM.")] = 30,
    high: Annotated[float, typer.Option(help="Upper end of the range of scores.")] = 85,
) -> None:
    """Print the mean difference in bits at equal score, and the range that two curves share."""
    found = curves(report, score)
    for name, curve in found.items():
        rate = None if name == anchor else bd_rate(found[anchor], curve, low, high)
        if rate is not None:
            print(
                f"{name}: {rate.percent:+.1f} % of {anchor}'s bits at equal {score}, {rate.low:.1f} to {rate.high:.1f}"
            )


if __name__ == "__main__":
    typer.run(main)

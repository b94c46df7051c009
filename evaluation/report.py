"""Several codecs on the same images, set against one of them (the anchor): BD-rates, bits at given PSNR, points."""

from dataclasses import dataclass

from .bdrate import BdSummary, bd_summary, bits_at
from .rd import Mean, RateDistortion

LEVELS: tuple[float, ...] = (28, 30, 32, 34, 36)


@dataclass(frozen=True)
class PointCheck:
    """One point of a codec against the anchor's curve at the same PSNR; `anchor_bpp` is None outside that curve."""

    point: Mean
    anchor_bpp: float | None

    @property
    def percent(self) -> float | None:
        """Rate against the anchor's at this PSNR, in per cent (negative: fewer bits)."""
        return None if self.anchor_bpp is None else 100 * (self.point.bpp / self.anchor_bpp - 1)

    @property
    def fewer(self) -> bool | None:
        """Whether this point needs fewer bits than the anchor; None where the anchor's curve does not reach it."""
        return None if self.anchor_bpp is None else self.point.bpp < self.anchor_bpp


@dataclass(frozen=True)
class Comparison:
    """Measurements of several codecs on one set of images. The anchor is among `results` by name."""

    dataset: str
    images: int
    anchor: str
    results: tuple[RateDistortion, ...]

    def result(self, name: str) -> RateDistortion:
        """The measurements of the codec called `name`."""
        return next(result for result in self.results if result.name == name)

    def bd_rate(self, name: str, against: str | None = None) -> BdSummary:
        """BD-rate of a codec against another (without one: the anchor), with its halves."""
        return bd_summary(self.result(against or self.anchor).curve, self.result(name).curve)

    def bits_at(self, name: str) -> dict[float, float | None]:
        """Bits per pixel that a codec needs at 28, 30, 32, 34 and 36 dB; None where its curve does not reach."""
        curve = self.result(name).curve
        return {level: bits_at(curve, level) for level in LEVELS}

    def checks(self, name: str) -> tuple[PointCheck, ...]:
        """Every point of a codec against the anchor at the same PSNR."""
        curve = self.result(self.anchor).curve
        return tuple(PointCheck(point, bits_at(curve, point.psnr)) for point in self.result(name).means)

    def to_json(self, name: str) -> dict[str, object]:
        """All of it around the codec `name`.

        The top level is that codec's curve in CompressAI's layout, so that their tools plot the file as it is; the
        other codecs follow under "others" in the same layout.
        """
        return {
            **self.result(name).to_json(),
            "dataset": {"name": self.dataset, "images": self.images},
            "anchor": self.anchor,
            "bd-rate": {result.name: self.bd_rate(result.name).to_json() for result in self.results},
            "bd-rate-against": {result.name: self.bd_rate(name, result.name).to_json() for result in self.results},
            "bits-at": {
                result.name: {f"{level:g}": bits for level, bits in self.bits_at(result.name).items()}
                for result in self.results
            },
            "against-anchor": [_check_to_json(check) for check in self.checks(name)],
            "others": [result.to_json() for result in self.results if result.name != name],
        }


def _check_to_json(check: PointCheck) -> dict[str, object]:
    return {
        "quality": check.point.quality,
        "bpp": check.point.bpp,
        "anchor-bpp": check.anchor_bpp,
        "percent": check.percent,
        "fewer": check.fewer,
    }

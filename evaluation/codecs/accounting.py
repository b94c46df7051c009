"""Accounts of a .dvq file's bytes: what the model's probabilities ask for, what the coder writes, and the overhead.

estimate (sum of -log2 p over all symbols)  <=  entropy-coded bytes  <  file = coded bytes + overhead
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any


@dataclass(frozen=True)
class ByteAccount:
    """The bytes of one file by purpose, or their means over several files."""

    layers: tuple[tuple[str, float], ...]
    """(name, bits) of each layer: the sum of -log2 p over its symbols, with p as the coder quantises it."""
    coded: float
    """Bytes of entropy-coded symbols."""
    overhead: float
    """All other bytes: header, chunk table, checksums and the image's adaptive filter."""

    @property
    def estimate(self) -> float:
        """Bits that the model's probabilities ask for."""
        return sum(bits for _, bits in self.layers)

    @property
    def percent(self) -> float:
        """By how many per cent the file is larger than the estimate."""
        return 100 * (8 * (self.coded + self.overhead) / self.estimate - 1) if self.estimate else float("inf")

    def by_stride(self) -> tuple[tuple[str, float], ...]:
        """Return (stride, bits) pairs; the stride is the part of a layer's name before the slash ("8/y3")."""
        sums: dict[str, float] = {}
        for name, bits in self.layers:
            stride = name.partition("/")[0]
            sums[stride] = sums.get(stride, 0.0) + bits
        return tuple(sums.items())

    def to_json(self) -> dict[str, Any]:
        """Return plain values for JSON; `from_json` is the inverse."""
        return {
            "estimated-bits": self.estimate,
            "coded-bytes": self.coded,
            "overhead-bytes": self.overhead,
            "layer-bits": [[name, bits] for name, bits in self.layers],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "ByteAccount":
        """Rebuild the account from what `to_json` returned."""
        layers = tuple((str(name), float(bits)) for name, bits in data["layer-bits"])
        return cls(layers, float(data["coded-bytes"]), float(data["overhead-bytes"]))


def mean_account(accounts: Sequence[ByteAccount]) -> ByteAccount:
    """Return the mean account of several files of the same model."""
    names = [name for name, _ in accounts[0].layers]
    columns = zip(*([bits for _, bits in account.layers] for account in accounts), strict=True)
    layers = tuple((name, fmean(bits)) for name, bits in zip(names, columns, strict=True))
    return ByteAccount(layers, fmean(a.coded for a in accounts), fmean(a.overhead for a in accounts))

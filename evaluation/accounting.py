"""Where the bytes of one of our files go: what the model asked for, what the coder made of it, what stands beside it.

estimate (sum of -log2 p, layer by layer)  <=  entropy-coded bytes  <  file = coded + the rest
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .metrics import mean


@dataclass(frozen=True)
class Account:
    """The bytes of a file, or their means over several files."""

    layers: tuple[tuple[str, float], ...]
    """(name, bits): the sum of -log2 p over a layer's symbols, p as the coder quantises it."""
    coded: float
    """Bytes of entropy-coded symbols."""
    overhead: float
    """Bytes of everything else: header, chunk table, checks, the image's own filter."""

    @property
    def estimate(self) -> float:
        """Bits that the model's probabilities ask for."""
        return sum(bits for _, bits in self.layers)

    @property
    def percent(self) -> float:
        """How many per cent larger the file is than the estimate."""
        return 100 * (8 * (self.coded + self.overhead) / self.estimate - 1) if self.estimate else float("inf")

    def by_stride(self) -> tuple[tuple[str, float], ...]:
        """(stride, bits), for layers whose name begins with their stride ("8/y3"); others stand for themselves."""
        sums: dict[str, float] = {}
        for name, bits in self.layers:
            stride = name.partition("/")[0]
            sums[stride] = sums.get(stride, 0.0) + bits
        return tuple(sums.items())

    def to_json(self) -> dict[str, Any]:
        """Plain values; `from_json` is the inverse."""
        return {
            "estimated-bits": self.estimate,
            "coded-bytes": self.coded,
            "overhead-bytes": self.overhead,
            "layer-bits": [[name, bits] for name, bits in self.layers],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Account":
        """The account that `to_json` made this of."""
        layers = tuple((str(name), float(bits)) for name, bits in data["layer-bits"])
        return cls(layers, float(data["coded-bytes"]), float(data["overhead-bytes"]))


def mean_account(accounts: Sequence[Account]) -> Account:
    """The mean over files of the same model."""
    names = [name for name, _ in accounts[0].layers]
    columns = zip(*([bits for _, bits in account.layers] for account in accounts), strict=True)
    layers = tuple((name, mean(bits)) for name, bits in zip(names, columns, strict=True))
    return Account(layers, mean(a.coded for a in accounts), mean(a.overhead for a in accounts))

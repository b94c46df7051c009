"""A second decoder of lossy photographs, weights files included, written from docs/FORMAT.md alone: numpy.

From a file to its symbols and the reconstructed coefficients; `reference_synthesis` makes the pixels. It takes nothing
from the package.
Maps of positions and images are (rows, columns, channels). The numbers of the top-down pass are exact in float64.
"""

import re
import zlib
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from reference_decoder import File, Rans
from reference_weights import Tensors, contents, identity

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

RUNS = {
    "photo-96": "y1/1 u1/1 v1/1; y2/1; y3/1 uv2/2; y4/1; y5/2 uv3/2; y6/2 uv4/2 uv5/4; y7/2; y8-9/2 y10-14/4 uv6-8/6",
}
"""The stages at stride 8: runs of some colours' diagonals, and after the stroke how many coefficients a layer has."""
POWERS = np.array([round(2 ** (20 - j / 256)) for j in range(256)])


def network_quality(points: dict[str, int], quality: int) -> int:
    """Return what a file's quality stands for."""
    first, last, low, high = 256, 25600, points["lowest"], points["highest"]
    if "middle" in points and quality < 12800:
        last, high = 12800, points["middle"]
    elif "middle" in points:
        first, low = 12800, points["middle"]
    span = last - first
    return (low * span + (quality - first) * (high - low) + span // 2) // span


def rounded(x: Floats, bits: int, least: float, most: float) -> Floats:
    """Round to multiples of 2^-bits, and clamp."""
    grid: Floats = np.floor(x * 2**bits + 0.5) / 2**bits
    return grid.clip(least, most)


quantise_signed = partial(rounded, bits=4, least=-127 / 16, most=127 / 16)
positive = partial(rounded, bits=4, least=0, most=255 / 16)
stream = partial(rounded, bits=8, least=-15, most=15)


def relu(x: Floats) -> Floats:
    """max(x, 0)."""
    return np.maximum(x, 0)


def neighbourhoods(x: NDArray[Any]) -> NDArray[Any]:
    """What a 3x3 map sees at each position, by channel, row and column."""
    return sliding_window_view(np.pad(x, ((1, 1), (1, 1), (0, 0))), (3, 3), (0, 1)).reshape(*x.shape[:2], -1)


def shuffle(x: NDArray[Any], n: int) -> NDArray[Any]:
    """Make squares of n x n of channels."""
    rows, columns, _ = x.shape
    return x.reshape(rows, columns, -1, n, n).transpose(0, 3, 1, 4, 2).reshape(n * rows, n * columns, -1)


@dataclass(frozen=True)
class Part:
    """The tensors of a weights file whose names begin alike."""

    tensors: Tensors
    prefix: str

    def __getitem__(self, name: str) -> NDArray[Any]:
        """A tensor."""
        return self.tensors[self.prefix + name]

    def all(self, name: str) -> list[Self]:
        """The parts NAME.0, NAME.1, ..."""
        start = f"{self.prefix}{name}."
        count = len({key[len(start) :].split(".")[0] for key in self.tensors if key.startswith(start)})
        return [type(self)(self.tensors, f"{start}{i}.") for i in range(count)]

    def linear(self, name: str, x: Floats) -> Floats:
        """A linear map of integers."""
        y: Floats = (x @ self[f"{name}.weight"].T + self[f"{name}.bias"] / 2**4) / 2 ** self[f"{name}.shift"]
        return y

    def conv(self, name: str, x: Floats) -> Floats:
        """A convolution of floats."""
        kernel = self[f"{name}.weight"] * self[f"{name}.weight.scale"][:, None, None, None]
        seen = neighbourhoods(x) if kernel.shape[2] == 3 else x
        y: Floats = seen @ kernel.reshape(len(kernel), -1).T + self[f"{name}.bias"]
        return y

    def quality(self, code: int) -> Floats:
        """What lies between the knots at a code, not rounded."""
        knots, i = self["quality"], min(code // 256, 15)
        p = (code - 256 * i) / 256
        between: Floats = knots[i] * (1 - p) + knots[i + 1] * p
        return between

    def body(self, h: Floats) -> Floats:
        """The pairs of convolutions of a network."""
        for pair in self.all("body"):
            h = h + pair.conv("second", relu(pair.conv("first", relu(h))))
        return h


class Weights:
    """What a weights file holds."""

    def __init__(self, data: bytes) -> None:
        """Read the file's bytes."""
        about, packed = contents(data)
        self.tensors: dict[str, Floats] = {name: values.astype(np.float64) for name, values in packed.items()}
        self.id, self.quality = identity(about, packed)[:8], about["quality"]
        self.config: dict[str, Any] = about["config"]
        self.layout = layout(self.config["layout"])


def layout(name: str) -> list[list[list[list[int]]]]:
    """The numbers of the coefficients of each layer of each stage of each stride."""
    if name == "canvas":
        return [[[list(range(size))]] * stages for size, stages in ((12, 6), (9, 4), (9, 4), (192, 14))]
    means = [[9 + colour] for colour in (0, 0, 1, 1, 2, 2)]
    details = [[3 * kind + colour] for colour in range(3) for kind in range(3)]
    fine = [[layer for run in stage.split() for layer in layers(run)] for stage in RUNS[name].split(";")]
    return [[means, details], [details], [details], fine]


def layers(run: str) -> list[list[int]]:
    """The numbers of the coefficients of each layer of a run such as uv6-8/11."""
    colours, first, last, size = re.findall(r"([yuv]+)(\d+)-?(\d*)/(\d+)", run)[0]
    found = []
    for diagonal in range(int(first), int(last or first) + 1):
        for rising in range(max(0, diagonal - 7), min(diagonal, 7) + 1):
            i, j = (rising, diagonal - rising) if diagonal % 2 else (diagonal - rising, rising)
            found += [64 * "yuv".index(colour) + 8 * i + j for colour in colours]
    return [found[at : at + int(size)] for at in range(0, len(found), int(size))]


class Symbols:
    """The symbols of chunks."""

    def __init__(self, chunks: list[tuple[int, bytes]]) -> None:
        """Begin before the first one."""
        self.chunks, self.left = list(chunks), 0
        self.rans, self.coded = Rans(b""), b""

    def begin_layer(self) -> None:
        """Go on to the next layer."""
        if not self.left:
            self.finish_chunk()
            self.left, chunk = self.chunks.pop(0)
            self.rans, self.coded = Rans(chunk), b""
        self.left -= 1

    def read(self, weights: Integers) -> Integers:
        """Read a symbol for each row."""
        found = [self.rans.symbol(row) for row in weights.tolist()]
        self.coded += b"".join(symbol.to_bytes(2, "little") for symbol in found)
        return np.array(found, np.int64)

    def finish_chunk(self) -> None:
        """What is left of a chunk is the check of its symbols."""
        assert not self.rans.words and self.rans.state == zlib.crc32(self.coded) % 2**16


class Layer:
    """A layer of the chain."""

    def __init__(self, part: Part, direct: bool, numbers: list[int]) -> None:
        """Read its codebook."""
        self.part, self.direct, self.numbers = part, direct, numbers
        self.values, context = part["values"] / 2**4, part["context"] / 2**4
        self.means = np.concatenate([self.values, context], axis=1)
        self.code = np.concatenate([quantise_signed(self.values / 8), np.clip(context, -127 / 16, 127 / 16)], axis=1)

    def weights(self, a: Floats) -> Integers:
        """The entropy coder's weights, of features (positions, H)."""
        score = self.score(a)
        t = np.floor(256 * (score.max(axis=1, keepdims=True) - score)).clip(0, 5376).astype(np.int64)
        u = np.where(t < 5376, POWERS[t % 256] >> t // 256, 0)
        whole = 2**24 - (score.shape[1] + 2)
        w: Integers = u * whole // u.sum(axis=1, keepdims=True)
        w[:, 0] += whole - w.sum(axis=1)
        return w

    def score(self, a: Floats) -> Floats:
        """The prior's scores."""
        r, v = self.part.linear("prior_head", positive(a)), len(self.numbers)
        if self.direct:
            return rounded(4 * r, 6, -31, 31)
        e = np.concatenate([rounded(4 * r[:, :v], 3, -255, 255), rounded(r[:, v:], 6, -15, 15)], axis=1)
        precision = np.hstack([self.part["value_precision"] / 2**24, self.part["context_precision"] / 2**12])
        near = 2 * e @ (precision * self.means).T - e**2 @ precision.T
        scores: Floats = self.part["constant"] / 2**16 + near
        return scores

    def decoded(self, symbols: Integers, a: Floats) -> Floats:
        """What symbols and the prediction from features add to the reconstruction."""
        prediction: Floats = 4 * (positive(a) @ self.part["mean.weight"].T + self.part["mean.bias"])
        return self.values[symbols] + prediction

    def propagate(self, a: Floats, code: Floats, half: NDArray[np.bool_]) -> Floats:
        """Features (rows, columns, H) after a half's were updated by the codes of its neighbours."""
        messages = stream(self.part.linear("neighbour_embedding", code)).reshape(*a.shape[:2], 4, -1)
        t = np.pad(messages, ((1, 1), (1, 1), (0, 0), (0, 0)))
        sides = t[:-2, 1:-1, 0] + t[2:, 1:-1, 1] + t[1:-1, :-2, 2] + t[1:-1, 2:, 3]
        return np.where(half[:, :, None], stream(a + sides), a)


class TopDownPass:
    """The pass over a file's chunks: each layer's symbols in the file's order, the reconstruction, the last state."""

    def __init__(self, file: File, weights: Weights) -> None:
        """Run the pass to the end."""
        assert file.weights == weights.id
        self.file, self.weights, self.source = file, weights, Symbols(file.chunks)
        self.symbols: list[Integers] = []
        self.reconstruction: dict[int, Floats] = {}
        self.coded_layers, self.stages = sum(count for count, _ in file.chunks), 0
        self.code = network_quality(weights.quality, file.quality)
        self.d = np.zeros((-(-file.height // 64), -(-file.width // 64), weights.config["widths"]["64"]))
        chain = Part(weights.tensors, "chain.")
        for i, stages in enumerate(weights.layout):
            stride = 64 >> i
            if i:
                self.d = stream(shuffle(chain.linear(f"grow.{i - 1}.point", quantise_signed(self.d)), 2))
                self.d = self.d[: -(-file.height // stride), : -(-file.width // stride)]
            self.reconstruction[stride] = np.zeros((*self.d.shape[:2], (12, 9, 9, 192)[i]))
            for part, numbers in zip(chain.all(f"stages.{i}"), stages, strict=True):
                if len(self.symbols) < self.coded_layers:
                    self.stage(part, stride, numbers)
        self.source.finish_chunk()

    def stage(self, part: Part, stride: int, numbers: list[list[int]]) -> None:
        """Pass through a stage."""
        self.d = stream(self.d + rounded(part.quality(self.code) / 2**8, 8, -128, 128))
        for block in part.all("blocks"):
            inner = positive(block.linear("spatial", neighbourhoods(quantise_signed(self.d))))
            self.d = stream(self.d + block.linear("point", inner))
        a, direct = stream(part.linear("head", quantise_signed(self.d))), self.weights.config.get("prior") == "direct"
        codes: list[Floats] = []
        for layer, carried in zip(part.all("layers"), numbers, strict=True):
            a, code = self.layer(Layer(layer, direct, carried), a, stride, len(codes) == len(numbers) - 1)
            codes.append(code)
        self.d = stream(self.d + part.linear("close", np.concatenate(codes, axis=2)))
        self.stages += 1

    def layer(self, layer: Layer, a: Floats, stride: int, last: bool) -> tuple[Floats, Floats]:
        """Pass through a layer; return the features after it, and the codes of its symbols."""
        colour = all(number % 3 if stride > 8 else number >= 64 for number in layer.numbers)
        coded = len(self.symbols) < self.coded_layers and not (colour and self.file.grey)
        if len(self.symbols) < self.coded_layers:
            self.source.begin_layer()
        odd = np.indices(a.shape[:2]).sum(axis=0) % 2 == 1
        halves = [~odd, odd] if self.stages < self.weights.config.get("neighbours", 0) else [np.ones_like(odd)]
        found, code = [], np.zeros((*odd.shape, layer.code.shape[1]))
        decoded = np.zeros((*odd.shape, len(layer.numbers)))
        for turn, half in enumerate(halves):
            a = layer.propagate(a, code, half) if turn else a
            if coded:
                found.append(self.source.read(layer.weights(a[half])))
                decoded[half] = layer.decoded(found[-1], a[half])
            else:
                found.append(np.full(half.sum(), int(layer.part["null_symbol"])))
            code[half] = layer.code[found[-1]]
            a[half] = a[half] if last else stream(a[half] + layer.part.linear("symbol_embedding", code[half]))
        if len(halves) == 2 and not last:
            a = layer.propagate(a, code, halves[0])
        self.reconstruction[stride][:, :, layer.numbers] += decoded
        self.symbols.append(np.concatenate(found))
        return a, code

"""Codes sets of small images by bits-back coding (Townsend, Bird and Barber 2019; Hinton and van Camp 1993).

An image costs -log2 p(x, z) bits for a z that is drawn from q(z | x) by popping bits off the stack. They come back when
a decoder, which knows x by then, pushes z again: on average an image costs -ELBO. Images are coded in batches that
grow, so that all but the first find enough bits on the stack and networks run on many images at once:

    decoding order:   n/2 images | n/4 | ... | 2 | 1 | 1        the encoder begins at the right end

The first batch, and any other that would find too few bits, takes the likeliest z instead and pops nothing. Where that
happens the encoder also tries batches that grow more slowly.
"""

import numpy as np
from numpy.typing import NDArray

from ...errors import FormatError
from ...image_io.floating_point import numpy_defaults
from ...models.interface.bits_back import BitsBackModel, BitsBackStep
from ...shapes import UInt8
from ..bitstream.varint import Reader, write_varint
from .ans import Intervals, Stack, Tables, intervals
from .residual_coding import Decoder, Encoder

MOST = 256
"""Images of a set."""
SHARES = (8, 4, 2, 1)
"""How many sixteenths of the images that are left a batch takes: those that an encoder tries, one after the other."""
RESERVE = 64
"""Bits that sampling must leave on the stack: below, bits were taken that are not there."""


class BitsBack:
    """Codes sets of images by a model, as `models.interface.bits_back.BitsBackCoder`.

    Args:
        model: The model of the images.

    Source:
        Townsend, Bird and Barber (2019), "Practical Lossless Compression with Latent Variables using Bits Back Coding".
    """

    def __init__(self, model: BitsBackModel) -> None:
        self.model = model
        self._tables = Tables(model.tables)

    @property
    def name(self) -> str:
        """Name of the weights."""
        return self.model.name

    def suits(self, mode: str, height: int, width: int) -> bool:
        """Tell whether the model can code images of this mode and size."""
        return self.model.suits(mode, height, width)

    @numpy_defaults
    def encode(self, samples: UInt8[NDArray[np.uint8], "n H W *channels"]) -> bytes:
        """Return the bytes of a set.

        Args:
            samples: 1 to 256 images, 8 bits a sample.
        """
        made = []
        for share in SHARES:
            payload, complete = self._encode(samples, share)
            made.append(payload)
            if complete:
                break
        return min(made, key=len)

    def _encode(self, samples: NDArray[np.uint8], share: int) -> tuple[bytes, bool]:
        """Return the bytes, and whether all batches but the first coded were drawn from the stack."""
        stack, drawn, plan = Stack(), 0, batches(len(samples), share)
        for index, batch in reversed(list(enumerate(plan))):
            drawn |= self._push(stack, samples[batch]) << index
        head = bytes([share]) + write_varint(drawn)
        complete = drawn == 2 ** (len(plan) - 1) - 1
        return head + stack.words()[::-1].astype("<u4").tobytes(), complete

    @numpy_defaults
    def decode(self, payload: bytes, count: int) -> UInt8[NDArray[np.uint8], "n H W *channels"]:
        """Return the images of a set.

        Args:
            payload: The bytes that `encode` returned.
            count: The number of images, 1 to 256.

        Raises:
            FormatError: If the bytes are not valid.
        """
        reader = Reader(payload)
        plan = batches(count, reader.number(1))
        drawn = reader.varint("the batches of a set", 2 ** len(plan) - 1)
        stack = Stack(_words(payload[reader.position :]))
        parts = [self._pop(stack, batch.stop - batch.start, bool(drawn >> i & 1)) for i, batch in enumerate(plan)]
        if len(stack.words()):
            raise FormatError("a set is not valid: bits are left over")
        return np.concatenate(parts)

    def _push(self, stack: Stack, samples: NDArray[np.uint8]) -> bool:
        """Code a batch; return whether its symbols were drawn from the stack."""
        targets, sampler = self.model.infer(samples), _Sampler(stack)
        before = stack.words()
        state = self.model.top_down_pass(len(samples), sampler, targets)
        drawn = stack.bits >= RESERVE
        if not drawn:
            stack.restore(before)
            sampler = _Sampler(None)
            state = self.model.top_down_pass(len(samples), sampler, targets)
        encoder = Encoder(self.model, self._tables)
        self.model.pixels(state, encoder, samples)
        stack.push(*encoder.recorder.intervals())
        for pair in reversed(sampler.priors):
            stack.push(*pair)
        return drawn

    def _pop(self, stack: Stack, count: int, drawn: bool) -> NDArray[np.uint8]:
        """Decode a batch, and give the bits back that its symbols were drawn with."""
        reading = _Reading(stack)
        state = self.model.top_down_pass(count, reading)
        samples = self.model.pixels(state, Decoder(stack, self.model, self._tables))
        if drawn:
            replay = _Replay(reading.symbols)
            self.model.top_down_pass(count, replay, self.model.infer(samples))
            for weights, symbols in reversed(list(zip(replay.posteriors, reading.symbols, strict=True))):
                stack.unsample(weights, symbols)
        return samples


def batches(count: int, share: int) -> list[slice]:
    """Return the batches of images that are coded together, in decoding order.

    Args:
        count: Number of images of the set.
        share: Sixteenths of the images left that a batch takes.

    Raises:
        FormatError: If a set cannot have so many images, or batches of such a share.
    """
    if not (1 <= count <= MOST and share in SHARES):
        raise FormatError(f"a set has 1 to {MOST} images, not {count}, in batches of a known share")
    found, start = [], 0
    while start < count:
        size = max(1, (count - start) * share // 16)
        found.append(slice(start, start + size))
        start += size
    return found


def _words(body: bytes) -> NDArray[np.uint32]:
    """Return the stack's words, the top one last."""
    if len(body) % 4 or not body or not any(body[:4]):
        raise FormatError("a set is not valid: its words are cut")
    return np.frombuffer(body, "<u4")[::-1].astype(np.uint32)


class _Sampler:
    """Draws symbols from the posterior by the stack's bits, or takes its mode; records the prior's intervals."""

    def __init__(self, stack: Stack | None) -> None:
        self._stack = stack
        self.priors: list[Intervals] = []

    def next(self, step: BitsBackStep) -> NDArray[np.int32]:
        """Return the symbols of a layer."""
        posterior = step.posterior_weights()
        symbols = _likeliest(posterior) if self._stack is None else self._stack.sample(posterior)
        self.priors.append(intervals(step.weights(), symbols))
        return symbols


def _likeliest(weights: NDArray[np.float32]) -> NDArray[np.int32]:
    found: NDArray[np.int32] = weights.argmax(axis=1).astype(np.int32)
    return found


class _Reading:
    """Pops symbols off the stack under the prior."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.symbols: list[NDArray[np.int32]] = []

    def next(self, step: BitsBackStep) -> NDArray[np.int32]:
        """Return the symbols of a layer."""
        self.symbols.append(self._stack.decode(step.weights()))
        return self.symbols[-1]


class _Replay:
    """Repeats known symbols, and records the posterior's weights."""

    def __init__(self, symbols: list[NDArray[np.int32]]) -> None:
        self._symbols = iter(symbols)
        self.posteriors: list[NDArray[np.float32]] = []

    def next(self, step: BitsBackStep) -> NDArray[np.int32]:
        """Return the symbols of a layer."""
        self.posteriors.append(step.posterior_weights())
        return next(self._symbols)

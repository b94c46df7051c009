"""Encode and decode strips of deep samples: limits and coefficients of planes, raw bits, then a chunk of tokens."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ...errors import FormatError, TruncatedFile
from ...models.pixels.adaptive_counts import AdaptiveCounts
from ...models.pixels.deep import fitting, prediction, tokens, wavefronts
from ...models.pixels.deep.prediction import CONTEXTS, LINEAR, OTHER, OWN, Values
from ...models.pixels.deep.wavefronts import Front, Recent
from ..bitstream.varint import Reader, write_varint
from ..entropy.ans import Tables
from ..entropy.chunks import ChunkDecoder, Recorder
from ..entropy.raw_bits import BitReader, pack

Integers = NDArray[np.int64]
_BAND = 2**16
"""Pixels that an encoder predicts at once, about."""
_HALO = 2


@dataclass(frozen=True)
class _Plane:
    """What a strip says of one of its planes: its limits, and the coefficients of its linear predictions."""

    low: int
    high: int
    coefficients: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))

    @property
    def middle(self) -> int:
        return (self.low + self.high) // 2

    @property
    def limits(self) -> tuple[int, int]:
        return self.low, self.high


def encode(planes: Integers) -> bytes:
    """Return the section of a strip.

    Args:
        planes: Samples (planes, h, W), from 0 to 2**16 - 1, in coding order.
    """
    every = [_Plane(int(samples.min()), int(samples.max())) for samples in planes]
    head = b"".join(each.to_bytes(2, "little") for plane in every for each in plane.limits)
    varied = [(plane, planes[i]) for i, plane in enumerate(every) if plane.low < plane.high]
    wide = [wavefronts.padded(samples.astype(np.float64), plane.middle) for plane, samples in varied]
    errors: list[Values] = []
    contexts: list[NDArray[np.int32]] = []
    for index, (plane, samples) in enumerate(varied):
        seen = [wavefronts.neighbours_of(one) for one in (wide[index], *wide[:index])]
        found = fitting.fit(samples.astype(np.float64), seen[0], seen[1:])
        head += found.astype("<i2").tobytes()
        before = errors[-1] if errors else None
        errors.append(_errors(replace(plane, coefficients=found.astype(np.float64)), wide[: index + 1], before))
        contexts.append(_contexts(errors[-1], before) + np.int32(index * CONTEXTS))
    return head + _coded(np.stack(errors), np.stack(contexts)) if varied else head


def _contexts(errors: Values, before: Values | None) -> NDArray[np.int32]:
    """Return the contexts of a plane by its errors, and by those of the plane before."""
    nearby = wavefronts.neighbours_of(_framed(np.abs(errors)))
    return prediction.contexts(nearby, None if before is None else np.abs(before))


def _framed(errors: Values) -> Values:
    """Return errors (..., h, W) with zeros outside, as `wavefronts.neighbours_of` takes them."""
    return np.pad(errors, [(0, 0)] * (errors.ndim - 2) + [(2, 0), (2, 2)])


def _errors(plane: _Plane, wide: list[Values], before: Values | None) -> Values:
    """Return a plane, the last of some padded ones, less the blends of its predictions, (h, W), in bands of rows."""
    *others, own = wide
    height, width = own.shape[0] - 2, own.shape[1] - 4
    rows, samples = max(1, _BAND // width), own[2:, 2:-2]
    found = np.empty((height, width))
    for top in range(0, height, rows):
        start, end = max(0, top - _HALO), min(height, top + rows)
        seen = [wavefronts.neighbours_of(one[start : end + 2]) for one in (own, *others)]
        surprise = None if before is None else before[start:end]
        made = prediction.predictions(seen[0], seen[1:], plane.coefficients, surprise, plane.limits)
        nearby = _framed(np.abs(samples[start:end] - made))
        blend = prediction.blended(made, wavefronts.neighbours_of(nearby))
        found[top:end] = samples[top:end] - blend[top - start :]
    return found


def _coded(errors: Values, contexts: NDArray[np.int32]) -> bytes:
    """Return raw bits and tokens of errors (planes, h, W) in coding order."""
    count, height, width = errors.shape
    places = wavefronts.places(height, width, count).ravel()
    ordered, own = np.empty(errors.size, np.int64), np.empty(errors.size, np.int32)
    ordered[places], own[places] = errors.ravel().astype(np.int64), contexts.ravel()
    split, raw, sizes = tokens.split(ordered, tokens.dropped(own))
    symbols = split.astype(np.int32)
    counts, recorder, at = _counts(count), Recorder(), 0
    tables = Tables(counts.weights())
    for front in wavefronts.fronts(height, width):
        part = slice(at, at + count * (front.end - front.first))
        at = part.stop
        recorder.take(tables.intervals(own[part], symbols[part]), symbols[part])
        if counts.note(own[part], symbols[part]):
            tables = Tables(counts.weights())
    bits = pack(raw, sizes)
    return write_varint(len(bits)) + bits + recorder.bytes()


def _counts(planes: int) -> AdaptiveCounts:
    """Return the first counts of a number of planes, which have contexts of their own."""
    return AdaptiveCounts(np.tile(tokens.first_counts(), (planes, 1)), tokens.TOKENS // 2)


def decode(section: bytes, height: int, width: int, count: int) -> Integers:
    """Return the samples (count, height, width) of a strip; raise FormatError if it is not valid."""
    reader = Reader(section)
    try:
        planes = _planes(reader, count)
        varied = [plane for plane in planes if plane.low < plane.high]
        raw = reader.take(reader.varint("the raw bits", len(section))) if varied else b""
    except TruncatedFile as error:
        raise FormatError("a strip of the pixels is not valid: it ends too early") from error
    rest = section[reader.position :]
    found = np.empty((count, height, width), np.int64)
    for plane, samples in zip(planes, found, strict=True):
        samples[:] = plane.low
    if varied:
        found[[plane.low < plane.high for plane in planes]] = _Decoder(varied, height, width, raw, rest).run()
    elif rest:
        raise FormatError("a strip of the pixels is not valid: bytes follow its end")
    return found


def _planes(reader: Reader, count: int) -> list[_Plane]:
    """Read the limits of all planes, then the coefficients of those whose limits differ."""
    planes = [_Plane(reader.number(2), reader.number(2)) for _ in range(count)]
    if any(plane.low > plane.high for plane in planes):
        raise FormatError("a strip of the pixels is not valid: its limits")
    before = 0
    for index, plane in enumerate(planes):
        if plane.low < plane.high:
            width = len(OWN) + before * len(OTHER)
            read = np.frombuffer(reader.take(2 * LINEAR * width), "<i2").reshape(LINEAR, width)
            planes[index] = _Plane(plane.low, plane.high, read.astype(np.float64))
            before += 1
    return planes


class _Decoder:
    """Decodes the planes of a strip whose samples differ, wavefront by wavefront."""

    def __init__(self, planes: list[_Plane], height: int, width: int, raw: bytes, chunk: bytes) -> None:
        self._planes, self._size = planes, (height, width)
        self._bits, self._stream = BitReader(raw), ChunkDecoder(chunk)
        self._counts = _counts(len(planes))
        self._tables = Tables(self._counts.weights())
        self._samples = [Recent(height, plane.middle) for plane in planes]
        made = [LINEAR + 5 + 3 * (index > 0) for index in range(len(planes))]
        self._errors = [Recent(height, 0, number) for number in made]
        self._blend_errors = [Recent(height, 0) for _ in planes]
        self._found = np.empty((len(planes), height, width), np.int64)

    def run(self) -> Integers:
        """Return the samples (planes, h, W)."""
        for front in wavefronts.fronts(*self._size):
            self._front(front)
        self._stream.finish()
        self._bits.finish()
        return self._found

    def _front(self, front: Front) -> None:
        """Decode the samples of a wavefront in all planes."""
        noted: list[tuple[NDArray[np.int32], NDArray[np.int32]]] = []
        surprise: Values | None = None
        for index in range(len(self._planes)):
            blend, made, contexts = self._expected(front, index, surprise)
            symbols = self._stream.decode_rows(self._tables, contexts)
            noted.append((contexts, symbols))
            surprise = self._read(contexts, symbols)
            samples, (low, high) = blend + surprise, self._planes[index].limits
            if samples.size and not low <= samples.min() <= samples.max() <= high:
                raise FormatError("a strip of the pixels is not valid: a sample outside its limits")
            self._keep(front, index, samples, made, surprise)
        if self._counts.note(*(np.concatenate(parts) for parts in zip(*noted, strict=True))):
            self._tables = Tables(self._counts.weights())

    def _expected(self, front: Front, index: int, surprise: Values | None) -> tuple[Values, Values, NDArray[np.int32]]:
        """Return the blend of the predictions of a wavefront's pixels, the predictions, and the contexts."""
        plane = self._planes[index]
        own, *others = [self._samples[i].neighbours(front) for i in (index, *range(index))]
        made = prediction.predictions(own, others, plane.coefficients, surprise, plane.limits)
        blend = prediction.blended(made, self._errors[index].neighbours(front))
        before = None if surprise is None else np.abs(surprise)
        contexts = prediction.contexts(self._blend_errors[index].neighbours(front), before)
        return blend, made, contexts + np.int32(index * CONTEXTS)

    def _read(self, contexts: NDArray[np.int32], symbols: NDArray[np.int32]) -> Values:
        """Return the errors of symbols and of the raw bits that follow them."""
        low, wide = tokens.dropped(contexts), symbols.astype(np.int64)
        raw = self._bits.read(tokens.raw_bits(tokens.places_of(wide), low))
        return tokens.join(wide, raw, low).astype(np.float64)

    def _keep(self, front: Front, index: int, samples: Values, made: Values, surprise: Values) -> None:
        """Remember the samples and the errors of a wavefront, and put the samples into their places."""
        self._samples[index].put_samples(front, samples)
        self._errors[index].put_errors(front, np.abs(samples - made))
        self._blend_errors[index].put_errors(front, np.abs(surprise))
        rows = np.arange(front.first, front.end)
        self._found[index, rows, front.number - 2 * rows] = samples.astype(np.int64)

"""Reading and writing the small numbers of a header: bytes, fixed fields and LEB128 varints, always within bounds."""

from ...errors import FormatError, TruncatedFile


def write_varint(value: int) -> bytes:
    """Return `value` >= 0 as LEB128: seven bits a byte, low bits first, the top bit set on all bytes but the last."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


class Reader:
    """A cursor over bytes from an untrusted file; reading past the end raises TruncatedFile."""

    def __init__(self, data: bytes | memoryview) -> None:
        """Start at the first byte."""
        self.data = data
        self.position = 0

    def take(self, count: int) -> bytes:
        """Return the next `count` bytes."""
        end = self.position + count
        if end > len(self.data):
            raise TruncatedFile(0, None)
        taken = self.data[self.position : end]
        self.position = end
        return bytes(taken)

    def number(self, size: int) -> int:
        """Return a little-endian unsigned number of `size` bytes."""
        return int.from_bytes(self.take(size), "little")

    def varint(self, what: str, limit: int) -> int:
        """Return a varint; one above `limit`, or written with needless bytes, is a FormatError naming `what`."""
        value = shift = 0
        while True:
            byte = self.number(1)
            value |= (byte & 0x7F) << shift
            if value > limit:
                raise FormatError(f"the header is not valid: {what} exceeds {limit}")
            if byte < 0x80:
                break
            shift += 7
            if shift > 63:
                raise FormatError(f"the header is not valid: {what} has too many bytes")
        if byte == 0 and shift:
            raise FormatError(f"the header is not valid: {what} has needless bytes")
        return value

"""A file over bytes that something else holds: a part of a large file is read without a copy of it."""

import io
import os


class _View(io.RawIOBase):
    """The bytes of a view as an unbuffered file."""

    def __init__(self, view: memoryview) -> None:
        """Stand at the first byte."""
        self._view, self._at = view, 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: object) -> int:
        """Copy the next bytes into a buffer, as many as fit, and return their number."""
        target = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        found = self._view[self._at : self._at + len(target)]
        target[: len(found)] = found
        self._at += len(found)
        return len(found)

    def readall(self) -> bytes:
        """Return all bytes that follow."""
        found = bytes(self._view[self._at :])
        self._at += len(found)
        return found

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Stand at another byte, perhaps behind the last, and return its number."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: len(self._view)}[whence]
        if start + offset < 0:
            raise ValueError("a negative position")
        self._at = start + offset
        return self._at


def stream_of(data: bytes | memoryview) -> io.BytesIO | io.BufferedReader:
    """Return a file to read the bytes from, which shares their memory."""
    return io.BytesIO(data) if isinstance(data, bytes) else io.BufferedReader(_View(data))

"""The errors that users see. Each is one line: a reason and, if there is one, a hint.

Both name settings as Python does, in backquotes: `preview="all"`. The command line writes its options in their place.
"""


class DvcodecError(Exception):
    """Base of all errors that dvcodec raises on purpose; `str()` gives the line that a user reads."""

    def __init__(self, reason: str, hint: str = "") -> None:
        """Keep the reason, and the hint: what the user can do about it, or an empty text."""
        super().__init__(reason, hint)
        self.reason = reason
        self.hint = hint

    def __str__(self) -> str:
        """Return "reason (hint)", or the reason alone."""
        return f"{self.reason} ({self.hint})" if self.hint else self.reason


class FormatError(DvcodecError):
    """The bytes are not a valid .dvq file, or not one that this release reads."""


class TruncatedFile(FormatError):
    """The file ends early. `whole` chunks of `total` can still be decoded (`total` is None if the header is cut)."""

    def __init__(self, whole: int, total: int | None, missing: str = "") -> None:
        """Say how much is whole; `missing` names the part that is cut when all chunks of the image are whole."""
        if total is None:
            super().__init__("the file is cut short inside its header", "nothing of it can be decoded")
        elif not total:
            super().__init__(f"the file is cut short: {missing} is not whole", "nothing of it can be decoded")
        elif not whole:
            super().__init__(f"the file is cut short: 0 of {total} chunks are whole", "nothing of it can be decoded")
        else:
            lost = f", but {missing} is missing" if missing else ""
            super().__init__(
                f"the file is cut short: {whole} of {total} chunks are whole{lost}", '`preview="all"` decodes them'
            )
        self.whole = whole
        self.total = total
        self._missing = missing

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        """Let the error come back whole from a worker process."""
        return type(self), (self.whole, self.total, self._missing)


class LimitExceeded(DvcodecError):
    """The image or the archive is larger than the caller allows, or its work needs more memory."""


class UnsupportedImage(DvcodecError):
    """The image cannot be read, or is of a kind that dvcodec does not code."""


class OutputExists(DvcodecError):
    """The output already exists, or is the input itself."""


class OutputFailed(DvcodecError):
    """The output cannot be written: the folder, the format or the disk does not allow it."""


class WeightsNotFound(DvcodecError):
    """No weights of that name or hash are installed, or their file is damaged."""


class TargetUnreachable(DvcodecError):
    """No quality reaches the size, rate or PSNR that was asked for."""


class InvalidArgument(DvcodecError, ValueError):
    """An argument is outside its range; also a ValueError, as Python callers expect."""


class ImageNotFound(InvalidArgument, IndexError, KeyError):
    """An archive has no image of that name or index; also an IndexError and a KeyError, as Python callers expect."""


def printable(name: str) -> str:
    """Return a name for one line of output, with control characters and undecodable bytes as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in name)

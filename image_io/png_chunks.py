"""Chunks of PNG files that Pillow does not tell about: cICP, and the bits of grey samples."""

from collections.abc import Iterator

from PIL import Image

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MOST = 4096  # chunks before the pixels that are looked at
_SHORT = 64  # bytes of a chunk that are read


def _chunks(image: Image.Image) -> Iterator[tuple[bytes, bytes]]:
    """Yield the types and first bytes of the chunks before the pixels of a PNG that is not loaded yet."""
    file = getattr(image, "fp", None)
    if image.format != "PNG" or file is None or not getattr(image, "tile", ()):
        return
    before = file.tell()
    try:
        at = len(_SIGNATURE)
        for _ in range(_MOST):
            file.seek(at)
            head = file.read(8)
            size, kind = int.from_bytes(head[:4], "big"), head[4:]
            if len(head) < 8 or kind in (b"IDAT", b"IEND"):
                return
            yield kind, file.read(min(size, _SHORT))
            at += 12 + size
    finally:
        file.seek(before)


def cicp(image: Image.Image) -> tuple[int, int, int, int] | None:
    """Return the code points of the cICP chunk of an image that is not loaded yet, or None."""
    for kind, body in _chunks(image):
        if kind == b"cICP" and len(body) == 4:
            return body[0], body[1], body[2], body[3]
    return None


def grey_bits(image: Image.Image) -> int:
    """Return the bits of a grey sample in the file of an image that is not loaded yet: 2 or 4; 8 for all others."""
    for tile in getattr(image, "tile", ()) if image.format == "PNG" and image.mode == "L" else ():
        raw = tile[3] if isinstance(tile[3], str) else tile[3][0]
        return {"L;2": 2, "L;4": 4}.get(raw, 8)
    return 8

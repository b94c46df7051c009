"""Extract the images of an archive into memory, or into files that never leave the output folder."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ...errors import DvcodecError, FormatError, OutputExists, OutputFailed, UnsupportedImage
from ...image_io import atomic, images, writing
from ...image_io.bounds import DEFAULT, Bounds
from ..decoder import part_of
from ..loaders import installed
from ..view import WHOLE, View
from . import names
from .members import Member, members
from .reader import Archive, Loss

if TYPE_CHECKING:
    from PIL import Image


@dataclass(frozen=True)
class Extracted:
    """An image that was written."""

    target: Path
    """The file."""
    name: str
    """The name in the archive; empty if it has none."""
    position: int
    """The place in the order in which the images went in, from 0 on."""
    width: int
    height: int
    mode: str
    bytes: int
    """Bytes of the image file."""
    dropped: tuple[str, ...] = ()
    """Metadata that the image file cannot hold."""


@dataclass(frozen=True)
class Refused:
    """An image that could not be written, and the reason."""

    target: str
    reason: DvcodecError


class Unpacked(NamedTuple):
    """An image of an archive in memory."""

    name: str
    """The name in the archive; empty if it has none."""
    image: "Image.Image"
    position: int
    """The place in the order in which the images went in, from 0 on."""


def extract(
    archive: Archive,
    folder: Path,
    *,
    only: Collection[str] = (),
    force: bool = False,
    view: View = WHOLE,
    device: str = "auto",
    bounds: Bounds = DEFAULT,
) -> Iterator[Extracted | Refused | Loss]:
    """Write images of an archive as PNG files, and image files that were kept as they were.

    Args:
        archive: An open archive.
        folder: Where to write them. Folders in their names are created below it.
        only: Names of the images to write; all if it is empty. If all of them are found, damage elsewhere is ignored.
        force: Whether to overwrite files that exist.
        view: Which part of each image to write, and how large.
        device: "auto", "cpu" or "cuda".
        bounds: How large each image, and all of them together, may be.

    Yields:
        For each image what was written, or why it was not, and the losses by damage.
    """
    sought, found, losses = {_sought(name) for name in only}, set[str](), list[Loss]()

    def wanted(position: int, name: str) -> bool:
        return not only or names.target(name, position) in sought

    written: set[str] = set()
    for part in members(archive, installed(device), wanted, bounds):
        if isinstance(part, Member):
            found.add(names.target(part.name, part.position))
            yield _written(part, archive.path, folder, written, force, view)
        elif only:
            losses.append(part)
        else:
            yield part
    lacking = [name for name in only if _sought(name) not in found]
    yield from losses if lacking else ()
    yield from (
        Refused(name, OutputFailed("the archive does not contain this image", "`dvcodec info` lists its images"))
        for name in lacking
    )


def unpack(path: Path, *, device: str = "auto", bounds: Bounds = DEFAULT) -> Iterator[Unpacked]:
    """Yield the images of an archive, segment after segment.

    Args:
        path: The archive.
        device: "auto", "cpu" or "cuda".
        bounds: How large each image, and all of them together, may be.

    Yields:
        Every image that is whole.

    Raises:
        FormatError: If the file is not an archive; or, after every whole image, if others are lost to damage.
    """
    losses = []
    with Archive(path) as archive:
        for part in members(archive, installed(device), bounds=bounds):
            if isinstance(part, Member):
                try:
                    image = images.to_image(part.picture)
                except UnsupportedImage as error:
                    losses.append(f"{part.target}: {error}")
                    continue
                yield Unpacked(part.name, image, part.position)
            else:
                losses.append(str(part))
    if losses:
        raise FormatError("; ".join([*losses[:3], *(["and more"] if len(losses) > 3 else [])]))


def _sought(name: str) -> str:
    """Return the file name by which a user asks for an image."""
    return names.target(name.removeprefix("./"), 0)


def _written(
    member: Member, archive: Path, folder: Path, written: set[str], force: bool, view: View
) -> Extracted | Refused:
    """Write a view of one image below the folder, or return why it cannot be written."""
    member = member if view == WHOLE else replace(member, kept=memoryview(b""))  # a part of an image is a new file
    try:
        if (key := names.folded(member.target)) in written:
            raise OutputExists("another image of the archive was written to this file; it is not overwritten")
        target = _place(folder, member.target)
        atomic.check_target(archive, target, force=force, hint="use `output_dir` or `force`")
        picture = part_of(member.picture, view)
        data, dropped = (member.kept, ()) if member.kept else writing.write(picture, "PNG")
        atomic.write(target, data, force=force, sync=False, like=atomic.attributes_of(archive))
        written.add(key)
    except DvcodecError as error:
        return Refused(member.target, error)
    height, width = picture.pixels.shape[:2]
    return Extracted(target, member.name, member.position, width, height, picture.mode, len(data), dropped)


def _place(folder: Path, name: str) -> Path:
    """Create the folders of an image's name and return its path; raise OutputFailed if a link leads out of `folder`."""
    target = folder.joinpath(*name.split("/"))
    try:
        inside = target.parent.resolve().is_relative_to(folder.resolve())
        if inside:
            target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputFailed(f"cannot create the folder {target.parent}: {error.strerror or error}") from error
    if not inside or target.is_symlink():
        raise OutputFailed("a link leads out of the output folder", "remove the link")
    return target

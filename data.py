"""A data set of PyTorch over compressed images: a folder of .dvq files, or an archive. It needs torch.

from torch.utils.data import DataLoader
from dvcodec.data import DvqDataset

images = DvqDataset("photos", transform)  # or DvqDataset("photos.dvq", transform)
loader = DataLoader(images, batch_size=32, shuffle=True, num_workers=4)
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .codec import loading
from .codec.archives.opened import ImageArchive
from .codec.archives.reader import is_archive
from .codec.sources import path_of
from .errors import DvcodecError, FormatError, ImageNotFound, InvalidArgument

try:
    from torch.utils.data import Dataset, get_worker_info
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "dvcodec.data needs torch, which is not installed (install dvcodec[train])", name="torch"
    ) from error

if TYPE_CHECKING:
    from PIL import Image

SUFFIX = ".dvq"


class DvqDataset(Dataset[Any]):
    """The images of a folder of .dvq files, its subfolders included, or of an archive, in a fixed order.

    It is a map-style data set: images are decoded when they are asked for. Workers of a DataLoader, forked or spawned,
    share the threads of the machine.
    """

    def __init__(
        self,
        source: str | os.PathLike[str],
        transform: "Callable[[Image.Image], Any] | None" = None,
        *,
        device: str = "cpu",
    ) -> None:
        """List the images.

        Args:
            source: A folder, or an archive.
            transform: What is done to each Pillow image; None leaves it as it is. Workers that are spawned need one
                that can be pickled, so no lambda.
            device: Where the networks run: "auto", "cpu" or "cuda". Workers that are forked can only use the CPU.

        Raises:
            InvalidArgument: If `source` is neither a folder with .dvq files nor an archive.
            FormatError: If the archive is damaged.
        """
        path = path_of(source)
        self.transform, self.device, self._shared = transform, device, 0
        self._archive: ImageArchive | None = None
        if path.is_dir():
            self._folder = path.absolute()
            self.names = tuple(sorted(_files(self._folder)))
        elif is_archive(path):
            self._archive = ImageArchive(path, device)
            self.names = self._archive.names
        else:
            raise InvalidArgument(f"{path} is neither a folder nor an archive", "give a folder of .dvq files")
        if not self.names:
            raise InvalidArgument(f"the folder {path} holds no {SUFFIX} files")

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.names)

    def __getitem__(self, index: int) -> Any:
        """Return an image, transformed.

        Raises:
            ImageNotFound: If there is no such image; also an IndexError.
            FormatError: If the image is damaged.
            WeightsNotFound: If the weights that it needs are not installed.
        """
        self._share_threads()
        try:
            name = self.names[index]
        except IndexError:
            raise ImageNotFound(f"there are {len(self)} images, and none of index {index}") from None
        try:
            image = self._decoded(index, name)
        except DvcodecError as error:
            error.reason = f"{name}: {error.reason}"
            raise
        return image if self.transform is None else self.transform(image)

    def _decoded(self, index: int, name: str) -> "Image.Image":
        from . import decompress

        if self._archive is not None:
            return self._archive[index]
        path = self._folder / name
        if is_archive(path):
            raise FormatError("an archive of many images lies in the folder", "make a data set of the archive itself")
        return decompress(path, device=self.device)

    def _share_threads(self) -> None:
        """Let a worker use its share of the threads, once in each process."""
        worker = get_worker_info()
        if worker is not None and self._shared != os.getpid():
            loading.share_threads(worker.num_workers)
            self._shared = os.getpid()


def _files(folder: Path) -> list[str]:
    """Return the .dvq files below a folder, as relative paths."""
    found = (path for path in folder.rglob("*") if path.suffix.lower() == SUFFIX and path.is_file())
    return [path.relative_to(folder).as_posix() for path in found]

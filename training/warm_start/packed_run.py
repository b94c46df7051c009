"""Pack a run's averaged parameters into a small file from which another run can start.

    python -m dvcodec.training.warm_start.packed_run RUN -o FILE
    dvcodec train --model rrvq-light --data DIR --from FILE

The file is safetensors: floats in 16 bits, integers as they are; its metadata holds the settings and how far the run
came. The optimiser of the run that starts from it is cold.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from ...errors import DvcodecError
from ...image_io.atomic import write
from ..loop.checkpoints import FILE, Checkpoint

FORMAT = "dvcodec-parameters-1"
LARGEST = 5 * 10**6
"""Bytes that a file may have."""


def pack_run(run: Path, out: Path) -> int:
    """Write the averaged parameters of a run.

    Args:
        run: folder of the run, or a checkpoint.
        out: the file.

    Returns:
        Its bytes.

    Raises:
        DvcodecError: the run has no checkpoint, a parameter exceeds 16 bits, or the file would be too large.
    """
    checkpoint = Checkpoint(run / FILE if run.is_dir() else run)
    tensors = {name: _packed(name, value) for name, value in checkpoint.parameters().items()}
    state = {key: checkpoint.state[key] for key in ("step", "seconds", "seed", "images") if key in checkpoint.state}
    metadata = {"format": FORMAT, "settings": json.dumps(checkpoint.settings.plain()), "state": json.dumps(state)}
    data = save(tensors, metadata)
    if len(data) > LARGEST:
        raise DvcodecError(f"the parameters take {len(data)} bytes, more than {LARGEST}", "train a smaller model")
    write(out, data, force=True)
    return len(data)


def _packed(name: str, value: Tensor) -> Tensor:
    if not value.is_floating_point():
        return value.contiguous()
    half = value.to(torch.float16).contiguous()
    if not bool(torch.isfinite(half).all()):
        raise DvcodecError(f"{name} does not fit into 16 bits", "train on with a smaller rate")
    return half


def packed_run(path: Path) -> tuple[dict[str, Tensor], dict[str, Any], dict[str, Any]]:
    """Return a file's tensors, its settings and how far the run came. DvcodecError if it is not such a file."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != FORMAT:
                raise DvcodecError(
                    f"{path} does not hold a run's parameters", "make it with training.warm_start.packed_run"
                )
            tensors: dict[str, Tensor] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return tensors, dict(json.loads(metadata["settings"])), dict(json.loads(metadata["state"]))
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise DvcodecError(f"{path} cannot be read as a run's parameters: {error}") from error


def start_from(module: nn.Module, path: Path) -> None:
    """Give a module the tensors of a file. DvcodecError if names or shapes differ."""
    tensors = packed_run(path)[0]
    mine = module.state_dict()
    wrong = sorted(name for name in mine.keys() | tensors.keys() if not _alike(mine.get(name), tensors.get(name)))
    if wrong:
        raise DvcodecError(f"{path} is of another model: {wrong[0]} differs", "give its own `model` and `overrides`")
    module.load_state_dict(tensors)


def _alike(mine: Tensor | None, theirs: Tensor | None) -> bool:
    return mine is not None and theirs is not None and mine.shape == theirs.shape


def main(
    run: Annotated[Path, typer.Argument(help="Folder of a run, or a checkpoint.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The file to write.")],
) -> None:
    """Pack a run's averaged parameters into a file from which another run can start."""
    try:
        size = pack_run(run, out)
    except DvcodecError as error:
        sys.exit(f"{run}: {error}")
    print(f"{out}: {size} bytes")


if __name__ == "__main__":
    typer.run(main)

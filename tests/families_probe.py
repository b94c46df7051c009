"""Decodes a family's file in the environment it is started in and tells what it saw. Run by test_family_exact.py.

python families_probe.py WEIGHTS FILE on|off     the last switches oneDNN
"""

import json
import sys
from pathlib import Path

import recorder
import torch

from dvcodec import models


def seen(weights: Path, data: bytes, threads: tuple[int, ...]) -> list[str]:
    """The hash of symbols and priors under each number of threads."""
    found = []
    for count in threads:
        torch.set_num_threads(count)
        found.append(recorder.decoded(data, models.load(weights), priors=True)[0])
    return found


def main() -> None:
    """Probe and print."""
    weights, file, onednn = sys.argv[1:]
    with torch.backends.mkldnn.flags(enabled=onednn == "on"):
        print(json.dumps(seen(Path(weights), Path(file).read_bytes(), (1, 2))))


if __name__ == "__main__":
    main()

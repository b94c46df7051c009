"""Codes a set in the environment it is started in and tells what came out, as JSON. Run by test_bits_back_exactness.py.

python bits_back_probe.py WEIGHTS SAMPLES.npy on|off     the last switches oneDNN
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from dvcodec.codec.entropy.bits_back import BitsBack
from dvcodec.models import load_bits_back


def report(weights: Path, samples: NDArray[np.uint8]) -> dict[str, object]:
    """The hash of a set's bytes, with one thread and with two, and whether the images come back."""
    coder, seen = BitsBack(load_bits_back(weights)), []
    for count in (1, 2):
        torch.set_num_threads(count)
        data = coder.encode(samples)
        same = bool(np.array_equal(coder.decode(data, len(samples)), samples))
        seen.append({"bytes": hashlib.sha256(data).hexdigest(), "same": same})
    assert seen[0] == seen[1], "two threads write other bytes than one"
    return seen[0]


def main() -> None:
    """Probe and print."""
    weights, samples, onednn = sys.argv[1:]
    with torch.backends.mkldnn.flags(enabled=onednn == "on"):
        print(json.dumps(report(Path(weights), np.load(samples))))


if __name__ == "__main__":
    main()

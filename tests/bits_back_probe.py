"""Codes a set in the environment it is started in and tells what came out, as JSON. Run by test_bits_back_exactness.py.

python bits_back_probe.py WEIGHTS SAMPLES.npy
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dvcodec.codec.entropy.bits_back import BitsBack
from dvcodec.models import load_bits_back


def report(weights: Path, samples: NDArray[np.uint8]) -> dict[str, object]:
    """The hash of a set's bytes, and whether the images come back."""
    coder = BitsBack(load_bits_back(weights))
    data = coder.encode(samples)
    same = bool(np.array_equal(coder.decode(data, len(samples)), samples))
    return {"bytes": hashlib.sha256(data).hexdigest(), "same": same}


def main() -> None:
    """Probe and print."""
    weights, samples = sys.argv[1:]
    print(json.dumps(report(Path(weights), np.load(samples))))


if __name__ == "__main__":
    main()
